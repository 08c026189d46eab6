"""Which line of a submission belongs to which problem of the key."""

from __future__ import annotations

from collections.abc import Sequence

from backcalc.check.bench import Bench
from backcalc.check.headings import headings
from backcalc.check.key import Key, KeyProblem
from backcalc.check.names import NotFormula, Translator, Unknown
from backcalc.check.read import Line, Read, chains


def assigned_parts(key: Key, lines: Sequence[Line]) -> tuple[dict[int, str], set[int]]:
    """The problem of every line, by the line's `id()`: the one it names, or that of the heading above it.

    Where there are no headings it is the first whose names the line uses, and under which nothing in it is wrong. The
    second result are the lines that may belong elsewhere: nothing in them is called wrong.
    """
    unsure: set[int] = set()
    ids = {problem.id.casefold(): problem.id for problem in key.problems}
    single = len(key.problems) == 1
    begun = {} if single else headings([_row(line) for line in lines], list(ids.values()))
    found: dict[int, str] = {}
    current = key.problems[0].id
    headed = single
    for place, line in enumerate(lines):
        if line.part is not None and line.part.casefold() in ids:
            found[id(line)] = ids[line.part.casefold()]
            continue
        if place in begun:
            current, headed = begun[place], True
        if line.text and not headed:
            # Nothing says which problem this is about, so that nothing in it can be called wrong.
            current = _guessed(key, line, current)
            unsure.add(id(line))
        found[id(line)] = current
    return found, unsure


def _row(line: Line) -> str:
    """The line as a heading may stand in it; nothing for a formula within a line."""
    first = line.source.split("\n")[0]
    return first if not line.text or line.text == first else ""


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
