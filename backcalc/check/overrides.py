"""A grader's own rulings: a small YAML file beside the results, laid over them whenever they are made.

    overrides:
      - {submission: ada.md, problem: 1, claim: "dJ/dw1 = -2", verdict: right, comment: "an allowed short cut"}
      - {submission: bob.md, problem: 2, points: 15, comment: "handed in a sketch as well"}

A ruling quotes the claim that it is about, so that one whose claim has changed is reported and not applied.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from backcalc.check.grade import graded
from backcalc.check.key import Id, Key, KeyProblem
from backcalc.check.result import Claim, Diagnosis, Finding, Part, Submission, Verdict
from backcalc.layers.fields import Exact, Read, whole
from backcalc.net.errors import InputError, Problem, did_you_mean
from backcalc.net.load import Document, read_document
from backcalc.net.spec import Text, validated
from backcalc.net.text import source_of

CODE = "overridden"
"""The code of a claim that a grader has ruled on, and of a problem whose points are a grader's."""


def _line(value: object) -> int:
    number = whole(value)
    if number < 1:
        raise ValueError("expected the number of a line, from 1")
    return number


Line = Annotated[int, Read(_line, {"type": "integer", "minimum": 1})]


class OverridesFile(BaseModel):
    """A file of rulings."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    overrides: list[Any] = Field(description="rulings, each on a claim or on the points of a problem")


class OverrideFile(BaseModel):
    """One ruling."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    submission: Text = Field(description="name of the file or folder that was handed in")
    problem: Id | None = Field(None, description="id of the problem")
    line: Line | None = Field(None, description="line of the claim, where several read the same")
    claim: Text | None = Field(None, description="claim as the student wrote it")
    verdict: Literal["right", "wrong", "follows", "convention", "undecided", "unreadable"] | None = Field(
        None, description="verdict of the claim"
    )
    points: Exact | None = Field(None, description="points of the problem")
    comment: Text | None = Field(None, description="reason, for the student")


@dataclass(frozen=True, slots=True)
class Override:
    """One ruling; `place` is where it stands in its file, for a message."""

    place: Problem
    submission: str
    problem: str | None
    line: int | None
    claim: str | None
    verdict: Verdict | None
    points: Fraction | None
    comment: str

    def fault(self, message: str, help: str | None = None) -> Problem:
        """What is wrong with it, at its place."""
        return replace(self.place, message=message, help=help)


def load_overrides(path: Path, key: Key) -> tuple[Override, ...]:
    """Reads a file of rulings; problems are looked up in the key. Raises InputError with everything that is wrong."""
    read = source_of(path)
    document = read_document(read.text, read.label)
    found: list[Override] = []
    if isinstance(document.data, dict):
        spec, _ = validated(OverridesFile, document.data, (), document, "a file of overrides")
        for number, entry in enumerate(spec.overrides if spec is not None else ()):
            override = _override(document, number, entry, key)
            if override is not None:
                found.append(override)
    elif not document.problems and document.data is not None:
        document.report((), "a file of overrides is a mapping with `overrides`")
    if document.problems:
        raise InputError(document.problems)
    return tuple(found)


def _override(document: Document, number: int, entry: Any, key: Key) -> Override | None:
    path = ("overrides", number)
    if not isinstance(entry, dict):
        document.report(path, "an override is a mapping, as `{submission: ada.md, claim: …, verdict: right}`")
        return None
    spec, _ = validated(OverrideFile, entry, path, document, "an override")
    if spec is None:
        return None
    before = len(document.problems)
    ids = {problem.id: problem for problem in key.problems}
    if spec.problem is not None and spec.problem not in ids:
        hint = did_you_mean(spec.problem, ids, f"the key has {', '.join(ids)}")
        document.report((*path, "problem"), f"the key has no problem `{spec.problem}`", hint)
    if spec.verdict is None and spec.points is None:
        document.report(path, "an override gives a `verdict` or `points`", key=True)
    if spec.verdict is not None and spec.claim is None:
        help = 'write the claim as the student did, `claim: "y1 = 0.5"`; then a changed line is noticed'
        document.report(path, "a `verdict` needs the `claim` that it is about", help, key=True)
    if spec.points is not None and spec.problem is None:
        document.report(path, "`points` need the `problem` that they are of", key=True)
    elif spec.points is not None and spec.problem in ids and not 0 <= spec.points <= ids[spec.problem].points:
        document.report((*path, "points"), f"this problem has from 0 to {ids[spec.problem].points} points")
    if len(document.problems) > before:
        return None
    place = document.problem_at(document.mark(path), "")
    comment = spec.comment or ""
    return Override(place, spec.submission, spec.problem, spec.line, spec.claim, spec.verdict, spec.points, comment)


def overridden(
    submissions: Sequence[Submission], overrides: Sequence[Override], key: Key
) -> tuple[tuple[Submission, ...], tuple[Problem, ...]]:
    """The submissions with the rulings laid over them, points counted again; and the rulings that no longer fit."""
    stale: list[Problem] = []
    absent: list[Override] = []
    by_submission: dict[int, list[Override]] = {}
    for override in overrides:
        places = _places(override.submission, submissions)
        if len(places) == 1:
            by_submission.setdefault(places[0], []).append(override)
        elif places:
            files = ", ".join(submissions[place].file for place in places[:3])
            stale.append(override.fault(f"`{override.submission}` may be any of {files}: give more of the path"))
        else:
            absent.append(override)
    if absent:
        names = ", ".join(dict.fromkeys(f"`{override.submission}`" for override in absent))
        hint = did_you_mean(absent[0].submission, [Path(submission.file).name for submission in submissions])
        stale.append(absent[0].fault(f"overrides were not used, as these are not among the submissions: {names}", hint))
    found = []
    for number, submission in enumerate(submissions):
        ruled, faults = _ruled(submission, by_submission.get(number, []), key)
        stale += faults
        found.append(ruled)
    return tuple(found), tuple(stale)


def _places(name: str, submissions: Sequence[Submission]) -> list[int]:
    """The submissions that a name may mean: one of exactly that name, else those whose path ends with it."""
    wanted = Path(name).parts
    exact = [place for place, submission in enumerate(submissions) if submission.file == name]
    ends = [
        place for place, submission in enumerate(submissions) if Path(submission.file).parts[-len(wanted) :] == wanted
    ]
    return exact or ends


def _by_hand(submission: Submission, overrides: Sequence[Override], key: Key) -> tuple[Submission, list[Problem]]:
    """What the program could not check has its points from the grader, once there are some for every problem."""
    points = [override for override in overrides if override.points is not None]
    missing = [problem.id for problem in key.problems if problem.id not in {override.problem for override in points}]
    if missing:
        said = f"`{submission.file}` was not checked, and problem {', '.join(missing)} has no points by hand yet"
        return submission, [override.fault(said) for override in overrides[:1]]
    parts = tuple(Part(problem.id, None, (), 0, float(problem.points)) for problem in key.problems)
    notes = (*submission.notes, f"graded by hand, as it was not checked: {submission.unchecked}")
    return _ruled(replace(submission, parts=parts, notes=notes, unchecked=None), points, key)


def _ruled(submission: Submission, overrides: Sequence[Override], key: Key) -> tuple[Submission, list[Problem]]:
    if submission.unchecked is not None:
        return _by_hand(submission, overrides, key)
    claims, faults = list(submission.claims), list[Problem]()
    touched: set[str] = set()
    for override in overrides:
        if override.claim is None:
            continue
        places = [place for place, claim in enumerate(submission.claims) if _meant(claim, override)]
        if not places:
            faults.append(_stale(override, submission))
        for place in places if override.verdict is not None else ():
            claims[place] = _changed(claims[place], override)
            touched.add(claims[place].part or "")
    parts = tuple(
        _regraded(part, submission.claims, claims, key) if part.id in touched else part for part in submission.parts
    )
    for override in overrides:
        fits = override.claim is None or any(_meant(claim, override) for claim in submission.claims)
        if override.points is not None and fits:
            parts = tuple(_pointed(part, override) if part.id == override.problem else part for part in parts)
    notes = (*submission.notes, *(f"an override was not applied: {fault.message}" for fault in faults))
    return replace(submission, claims=tuple(claims), parts=parts, notes=notes), faults


def _meant(claim: Claim, override: Override) -> bool:
    if override.problem is not None and claim.part != override.problem:
        return False
    if override.line is not None and claim.line != override.line:
        return False
    return override.claim is not None and "".join(claim.claim.split()) == "".join(override.claim.split())


def _stale(override: Override, submission: Submission) -> Problem:
    """That a ruling fits no claim any more, and what stands there or nearest to it now."""
    elsewhere = [claim.line for claim in submission.claims if _meant(claim, replace(override, line=None))]
    here = [claim.claim for claim in submission.claims if claim.line == override.line]
    if elsewhere:
        help = f"the claim is on line {elsewhere[0]} now"
    elif here:
        help = f"line {override.line} reads `{here[0]}` now"
    else:
        near = did_you_mean(override.claim or "", (claim.claim for claim in submission.claims))
        help = near or "the submission has changed, or the claim is quoted differently"
    return override.fault(f"`{submission.file}` has no claim `{override.claim}` any more", help)


def _changed(claim: Claim, override: Override) -> Claim:
    said = f": {override.comment}" if override.comment else ""
    was = f" (the program said {claim.verdict})" if claim.verdict != override.verdict else ""
    assert override.verdict is not None
    return replace(claim, verdict=override.verdict, diagnosis=Diagnosis(CODE, f"ruled by the grader{said}{was}"))


def _regraded(part: Part, before: Sequence[Claim], after: Sequence[Claim], key: Key) -> Part:
    """A part with its points counted again from the claims as they are ruled now."""
    problem = next(problem for problem in key.problems if problem.id == part.id)
    numbers = [number for number, claim in enumerate(after) if claim.part == part.id]
    place = _subject(problem, part, [before[number] for number in numbers], key)
    ruled = graded(problem, place, [after[number] for number in numbers], key)
    first = ruled.first_error
    return replace(ruled, first_error=None if first is None else numbers[first])


def _subject(problem: KeyProblem, part: Part, claims: Sequence[Claim], key: Key) -> int:
    """Which of a problem's networks it was graded by: the one that gives the points that it has."""
    places = range(len(problem.subjects))
    return next((place for place in places if graded(problem, place, claims, key).points == part.points), 0)


def _pointed(part: Part, override: Override) -> Part:
    assert override.points is not None
    said = f": {override.comment}" if override.comment else ""
    text = f"the grader gave {float(override.points):g} points{said} (the program {part.points:g})"
    findings = tuple(finding for finding in part.findings if finding.code != CODE)
    return replace(part, points=float(override.points), findings=(*findings, Finding(CODE, text)))
