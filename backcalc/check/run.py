"""The whole check: a key, its own answers, and submissions against it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import monotonic
from typing import Any

from backcalc.check.asked import expected_of, formula_of
from backcalc.check.bench import Bench
from backcalc.check.grade import graded, settled
from backcalc.check.key import Key, KeyProblem, load_key
from backcalc.check.names import NotFormula, Translator, Unknown
from backcalc.check.parts import assigned_parts
from backcalc.check.read import Line, Lost, Read, chains
from backcalc.check.result import Answer, Claim, Diagnosis, Part, Report, Submission
from backcalc.check.subject import Subject
from backcalc.check.submission import Read as Written
from backcalc.check.submission import read_submission

MOST_CLAIMS = 2_000
SECONDS = 30.0
"""For one submission; what is left then is undecided."""


def check(key: str | Path | Mapping[str, Any] | Key, submissions: Iterable[str | Path | Written] = ()) -> Report:
    """Checks submissions against a key; without any, the report holds the key's own answers.

    Raises InputError with everything that is wrong with the key, or for a submission that cannot be read at all.
    """
    read = key if isinstance(key, Key) else load_key(key)
    written = [one if isinstance(one, Written) else read_submission(one) for one in submissions]
    return Report(read.name, tuple(answers(read)), tuple(_checked(read, one) for one in written))


def answers(key: Key) -> Iterator[Answer]:
    """What the key asks for, with its answers, and the values under other conventions."""
    for problem in key.problems:
        subject = problem.subjects[0]
        for ask in problem.asks[0]:
            others: tuple[tuple[str, str], ...] = ()
            if subject.counts is not None:
                variants = subject.counts.variants
                others = tuple(
                    (name, str(values[ask.target.name]))
                    for name, values in variants.items()
                    if ask.target.name in values
                )
            expected = expected_of(ask.target, subject)
            yield Answer(problem.id, ask.word, expected, formula_of(ask.target, subject), others)


def _checked(key: Key, written: Written) -> Submission:
    deadline = monotonic() + SECONDS
    notes = list(written.notes)
    assigned, unsure = assigned_parts(key, written.lines)
    claims: list[tuple[tuple[int, int], Claim]] = []
    parts: list[Part] = []
    order = {id(line): number for number, line in enumerate(written.lines)}
    for problem in key.problems:
        lines = [line for line in written.lines if assigned.get(id(line)) == problem.id]
        place, found = _best(problem, lines, deadline)
        made = settled([_unplaced(claim) if id(line) in unsure else claim for line, claim in found], key.accept)
        parts.append(graded(problem, place, made, key))
        claims += [
            ((order[id(line)], at), claim) for at, ((line, _), claim) in enumerate(zip(found, made, strict=True))
        ]
    claims.sort(key=lambda pair: pair[0])
    if len(claims) > MOST_CLAIMS:
        notes.append(f"only the first {MOST_CLAIMS} of {len(claims)} claims are listed")
    listed = tuple(claim for _, claim in claims[:MOST_CLAIMS])
    return Submission(written.file, _pointed(parts, listed), listed, tuple(notes))


def _pointed(parts: Sequence[Part], claims: Sequence[Claim]) -> tuple[Part, ...]:
    """The parts with their first errors counted among all claims."""
    found = []
    for part in parts:
        own = [number for number, claim in enumerate(claims) if claim.part == part.id]
        first = part.first_error
        found.append(replace(part, first_error=None if first is None or first >= len(own) else own[first]))
    return tuple(found)


def _best(problem: KeyProblem, lines: Sequence[Line], deadline: float) -> tuple[int, list[tuple[Line, Claim]]]:
    """The claims of one problem; where several networks may be meant, under the one that fits best."""
    tried = [_Work(problem, place, deadline).claims(lines) for place in range(len(problem.subjects))]

    def faults(place: int) -> tuple[int, int]:
        verdicts = [claim.verdict for _, claim in tried[place]]
        return verdicts.count("wrong") + verdicts.count("follows"), -verdicts.count("right")

    best = min(range(len(tried)), key=faults)
    return best, tried[best]


@dataclass
class _Work:
    """One problem under one of its networks."""

    problem: KeyProblem
    place: int
    deadline: float
    claimed: list[tuple[Line, Claim]] = field(default_factory=list)

    def claims(self, lines: Sequence[Line]) -> list[tuple[Line, Claim]]:
        """Every claim of the lines. A first pass finds out which derivatives are spoken of."""
        subject = self.problem.subjects[self.place]
        wanted = _wanted(lines, subject, self.deadline)
        if wanted:
            subject = self.problem.with_jacobians(self.place, wanted)
        bench = Bench(subject, self.problem.id)
        for line in lines:
            if len(self.claimed) > MOST_CLAIMS:
                break
            if monotonic() > self.deadline:
                self.claimed.append((line, self._late(line)))
                break
            for read in chains(line, subject):
                if isinstance(read, Lost):
                    self.claimed.append((line, self._unreadable(read)))
                    bench.last = None
                else:
                    bench = self._judged(bench, line, read)
        return self.claimed

    def _judged(self, bench: Bench, line: Line, read: Read) -> Bench:
        """Judges a chain; where it can be read in several ways, by the first way in which nothing is wrong."""
        if not read.others:
            self.claimed += [(line, claim) for claim in bench.judge(read)]
            return bench
        ways = [read, *(replace(read, links=links, others=()) for links in read.others)]
        tried = []
        for way in ways:
            copy = replace(bench, own=dict(bench.own), definitions=dict(bench.definitions))
            tried.append((copy, tuple(copy.judge(way))))
        good = next((pair for pair in tried if all(_fine(claim) for claim in pair[1])), None)
        if good is None and any(_open(pair[1]) for pair in tried):
            good = next(pair for pair in tried if _open(pair[1]))
        chosen, claims = good or tried[0]
        self.claimed += [(line, claim) for claim in claims]
        return chosen

    def _unreadable(self, lost: Lost) -> Claim:
        return Claim(
            self.problem.id,
            lost.number,
            lost.column,
            lost.length,
            lost.source,
            lost.text,
            "",
            None,
            "unreadable",
            diagnosis=Diagnosis("unreadable", lost.message),
        )

    def _late(self, line: Line) -> Claim:
        text = f"the submission took longer than {SECONDS:.0f} s; from here on nothing was judged"
        return Claim(
            self.problem.id,
            line.number,
            line.column,
            1,
            line.source.split("\n")[0],
            line.text[:60],
            "",
            None,
            "undecided",
            diagnosis=Diagnosis("time", text),
        )


def _unplaced(claim: Claim) -> Claim:
    """A claim that may belong to another problem is not called wrong."""
    if claim.verdict not in ("wrong", "follows"):
        return claim
    text = "not true in this problem, but nothing says which problem it belongs to: begin each with its number"
    return replace(claim, verdict="undecided", diagnosis=Diagnosis("which-problem", text))


def _fine(claim: Claim) -> bool:
    return claim.verdict in ("right", "convention")


def _open(claims: Sequence[Claim]) -> bool:
    return not any(claim.verdict == "wrong" for claim in claims)


def _wanted(lines: Sequence[Line], subject: Subject, deadline: float) -> tuple[str, ...]:
    """The derivatives that the lines speak of and the key has not derived: `dy/dz`."""
    translator = Translator(subject)
    for line in lines:
        if monotonic() > deadline:
            break
        for read in chains(line, subject):
            if isinstance(read, Lost):
                continue
            for side in (read.first, *(link.right for link in read.links)):
                try:
                    translator(side.expr)
                except (Unknown, NotFormula):
                    continue
    return tuple(dict.fromkeys(translator.wanted))[:40]
