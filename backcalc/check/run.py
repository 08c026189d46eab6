"""The whole check: a key, its own answers, and submissions against it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Any

from backcalc.check.asked import expected_of, formula_of
from backcalc.check.grade import graded, settled
from backcalc.check.key import Key, KeyProblem, load_key
from backcalc.check.parts import assigned_parts
from backcalc.check.read import Line
from backcalc.check.result import Answer, Claim, Diagnosis, Expected, Part, Report, Submission
from backcalc.check.submission import Read as Written
from backcalc.check.submission import read_submission
from backcalc.check.work import MOST_CLAIMS, SECONDS, Found, Work
from backcalc.formula.print_text import to_text


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
        for left, right in problem.identities:
            yield Answer(problem.id, to_text(left), Expected(to_text(right)))


def _checked(key: Key, written: Written) -> Submission:
    deadline = monotonic() + SECONDS
    notes = list(written.notes)
    assigned, unsure = assigned_parts(key, written.lines)
    claims: list[tuple[tuple[int, int], Claim]] = []
    parts: list[Part] = []
    order = {id(line): number for number, line in enumerate(written.lines)}
    for problem in key.problems:
        lines = [line for line in written.lines if assigned.get(id(line)) == problem.id]
        place, found, said = _best(problem, lines, deadline)
        notes += [f"problem {problem.id}: {note}" for note in said]
        made = settled([_unplaced(claim) if id(line) in unsure else claim for line, claim in found], key.accept)
        parts.append(graded(problem, place, made, key))
        claims += [
            ((order[id(line)], at), replace(claim, file=line.file) if line.file else claim)
            for at, ((line, _), claim) in enumerate(zip(found, made, strict=True))
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


def _best(problem: KeyProblem, lines: Sequence[Line], deadline: float) -> tuple[int, list[Found], tuple[str, ...]]:
    """The claims of one problem and notes; where several networks may be meant, under the one that fits best."""
    works = [Work(problem, place, deadline) for place in range(len(problem.subjects))]
    tried = [work.claims(lines) for work in works]

    def faults(place: int) -> tuple[int, int]:
        verdicts = [claim.verdict for _, claim in tried[place]]
        return verdicts.count("wrong") + verdicts.count("follows"), -verdicts.count("right")

    best = min(range(len(tried)), key=faults)
    return best, tried[best], works[best].notes


def _unplaced(claim: Claim) -> Claim:
    """A claim that may belong to another problem is not called wrong."""
    if claim.verdict not in ("wrong", "follows"):
        return claim
    text = "not true in this problem, but nothing says which problem it belongs to: begin each with its number"
    return replace(claim, verdict="undecided", diagnosis=Diagnosis("which-problem", text))
