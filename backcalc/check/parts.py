"""Which line of a submission belongs to which problem of the key."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from backcalc.check.bench import Bench
from backcalc.check.key import Key, KeyProblem
from backcalc.check.names import NotFormula, Translator, Unknown
from backcalc.check.read import Line, Read, chains

_HEADING = re.compile(
    r"\s*(?:#+\s*|\\(?:sub)*section\*?\{\s*|\*\*\s*)?(?:(problem|question|exercise|part|task|aufgabe|q)\s*)?"
    r"(?P<id>[A-Za-z]?\d[\w.]*?|[A-Za-z][\w.-]*?)\s*(?:[.:)\]}]|\*\*|$)",
    re.IGNORECASE,
)
_LETTERED = re.compile(r"[a-z]+(?=\d)")


def assigned_parts(key: Key, lines: Sequence[Line]) -> tuple[dict[int, str], set[int]]:
    """The problem of every line, by the line's `id()`: the one it names, or that of the heading above it.

    Where there are no headings it is the first whose names the line uses, and under which nothing in it is wrong. The
    second result are the lines that may belong elsewhere: nothing in them is called wrong.
    """
    unsure: set[int] = set()
    ids: dict[str, str] = {}
    for problem in key.problems:
        ids.setdefault(_LETTERED.sub("", problem.id.casefold(), count=1), problem.id)
    ids |= {problem.id.casefold(): problem.id for problem in key.problems}
    single = len(key.problems) == 1
    found: dict[int, str] = {}
    current = key.problems[0].id
    headed = single
    for line in lines:
        if line.part is not None and line.part.casefold() in ids:
            found[id(line)] = ids[line.part.casefold()]
            continue
        begun = None if single else _begun(line, ids)
        if begun is not None:
            current, headed = begun, True
        if line.text and not headed:
            # Nothing says which problem this is about, so that nothing in it can be called wrong.
            current = _guessed(key, line, current)
            unsure.add(id(line))
        if line.text:
            found[id(line)] = current
    return found, unsure


def _begun(line: Line, ids: Mapping[str, str]) -> str | None:
    """The problem that a heading begins: `## Problem 2`, `2.`, `Q2:`."""
    first = line.source.split("\n")[0]
    matched = _HEADING.match(first) if len(first) < 200 else None
    if matched is None or "=" in first[: matched.end()]:
        return None
    word = matched["id"].casefold().rstrip(".")
    joined = f"{matched[1] or ''}{word}".casefold()
    plain = matched[0].strip()
    marked = matched[1] is not None or plain[:1] in "#*\\" or plain[-1:] in ".:)"
    return ids.get(joined, ids.get(word)) if marked else None


def _guessed(key: Key, line: Line, current: str) -> str:
    """The problem that a line is about, from the names in it."""
    knowing = [problem for problem in key.problems if _knows(problem, line)]
    if len(knowing) < 2:
        return knowing[0].id if knowing else current
    order = sorted(knowing, key=lambda problem: problem.id != current)
    return next((problem.id for problem in order if _fits(problem, line)), order[0].id)


def _knows(problem: KeyProblem, line: Line) -> bool:
    """Whether a problem has the name that a line begins with."""
    subject = problem.subjects[0]
    for read in chains(line, subject):
        if isinstance(read, Read):
            translator = Translator(subject)
            try:
                translator(read.first.expr)
            except Unknown:
                if not translator.wanted:
                    continue
            except NotFormula:
                pass
            return True
    return False


def _fits(problem: KeyProblem, line: Line) -> bool:
    """Whether nothing in a line is wrong under a problem."""
    subject = problem.subjects[0]
    bench = Bench(subject, problem.id)
    reads = [read for read in chains(line, subject) if isinstance(read, Read)]
    return all(claim.verdict in ("right", "convention") for read in reads for claim in bench.judge(read))
