"""What a class has in common: points problem by problem, the mistakes, and equal wrong answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from statistics import mean, median

from backcalc.check.result import Claim, Submission
from backcalc.net.errors import printable

FEWEST = 2
"""So many submissions with the same wrong answer are a cluster."""


@dataclass(frozen=True, slots=True)
class ProblemView:
    """One problem over the class: its points, and how many made no error, earned all, or earned nothing."""

    id: str
    max_points: float
    mean: float
    median: float
    lowest: float
    highest: float
    full: int
    none: int

    def to_json(self) -> dict[str, object]:
        """As JSON has it."""
        return {
            "id": self.id,
            "max_points": self.max_points,
            "mean": self.mean,
            "median": self.median,
            "lowest": self.lowest,
            "highest": self.highest,
            "full": self.full,
            "none": self.none,
        }


@dataclass(frozen=True, slots=True)
class MistakeView:
    """A mistake in a problem: its code, a sentence of one of them, how often it was made, and by whom."""

    problem: str | None
    code: str
    example: str
    claims: int
    files: tuple[str, ...]

    def to_json(self) -> dict[str, object]:
        """As JSON has it."""
        return {
            "problem": self.problem,
            "code": self.code,
            "example": printable(self.example),
            "claims": self.claims,
            "files": list(self.files),
        }


@dataclass(frozen=True, slots=True)
class Cluster:
    """The same wrong answer in several submissions: what it is about, as the first of them wrote it, and by whom."""

    problem: str | None
    about: str | None
    claim: str
    given: str
    code: str
    files: tuple[str, ...]

    def to_json(self) -> dict[str, object]:
        """As JSON has it."""
        return {
            "problem": self.problem,
            "about": self.about,
            "claim": printable(self.claim),
            "given": self.given,
            "code": self.code,
            "files": list(self.files),
        }


@dataclass(frozen=True, slots=True)
class ClassView:
    """The whole class: how many were handed in and checked, the points, and what was found most often."""

    submissions: int
    unchecked: tuple[str, ...]
    max_points: float
    mean: float
    median: float
    problems: tuple[ProblemView, ...]
    mistakes: tuple[MistakeView, ...]
    clusters: tuple[Cluster, ...]

    def to_json(self) -> dict[str, object]:
        """As JSON has it."""
        return {
            "submissions": self.submissions,
            "unchecked": list(self.unchecked),
            "max_points": self.max_points,
            "mean": self.mean,
            "median": self.median,
            "problems": [problem.to_json() for problem in self.problems],
            "mistakes": [mistake.to_json() for mistake in self.mistakes],
            "clusters": [cluster.to_json() for cluster in self.clusters],
        }


def class_view(submissions: Sequence[Submission]) -> ClassView:
    """The view of a class; what could not be checked is named and counts nowhere.

    >>> from backcalc.check.result import Part
    >>> parts = [Part("1", None, (), points, 4) for points in (4, 1)]
    >>> class_view([Submission(file, (part,), ()) for file, part in zip("ab", parts)]).mean
    2.5
    """
    checked = [submission for submission in submissions if submission.unchecked is None]
    unchecked = tuple(submission.file for submission in submissions if submission.unchecked is not None)
    points = [submission.points for submission in checked]
    return ClassView(
        len(submissions),
        unchecked,
        max((submission.max_points for submission in checked), default=0),
        _mean(points),
        float(median(points)) if points else 0,
        tuple(_problems(checked)),
        tuple(_mistakes(checked)),
        tuple(_clusters(checked)),
    )


def _problems(checked: Sequence[Submission]) -> Iterator[ProblemView]:
    found: dict[str, list[tuple[float, float]]] = {}
    for submission in checked:
        for part in submission.parts:
            found.setdefault(part.id, []).append((part.points, part.max_points))
    for name, pairs in found.items():
        points, most = [own for own, _ in pairs], pairs[0][1]
        full, none = sum(own >= most for own in points), sum(own <= 0 for own in points)
        yield ProblemView(name, most, _mean(points), float(median(points)), min(points), max(points), full, none)


def _mistakes(checked: Sequence[Submission]) -> Iterator[MistakeView]:
    """The mistakes of claims that are wrong or under another convention, the most frequent first."""
    found: dict[tuple[str | None, str], list[tuple[str, Claim]]] = {}
    for submission in checked:
        for claim in submission.claims:
            if claim.verdict in ("wrong", "convention") and claim.diagnosis is not None:
                found.setdefault((claim.part, claim.diagnosis.code), []).append((submission.file, claim))
    views = [
        MistakeView(problem, code, _text(made[0][1]), len(made), _files(made))
        for (problem, code), made in found.items()
    ]
    yield from sorted(views, key=lambda view: (-len(view.files), -view.claims, view.problem or "", view.code))


def _clusters(checked: Sequence[Submission]) -> Iterator[Cluster]:
    """Equal wrong answers: about the same quantity, the same formula or the same value."""
    found: dict[tuple[str | None, ...], list[tuple[str, Claim]]] = {}
    for submission in checked:
        for claim in submission.claims:
            if claim.verdict == "wrong":
                found.setdefault((claim.part, claim.about, _worth(claim)), []).append((submission.file, claim))
    clusters = []
    for made in found.values():
        first, files = made[0][1], _files(made)
        if len(files) >= FEWEST:
            code = first.diagnosis.code if first.diagnosis is not None else ""
            clusters.append(Cluster(first.part, first.about, first.claim, first.given or "", code, files))
    yield from sorted(clusters, key=lambda c: (-len(c.files), c.problem or "", c.about or "", c.given))


def _worth(claim: Claim) -> str:
    """What an answer is worth: its number, or its value at the point that shows that it is wrong; else its text."""
    if claim.witness is not None and claim.witness.right:
        where = ", ".join(f"{name} = {value}" for name, value in sorted(claim.witness.values.items()))
        return f"{_number(claim.witness.right)} at {where}"
    return _number(claim.given or claim.claim)


def _number(text: str) -> str:
    """A number in one way only, whatever it was written as; other texts without their blanks.

    >>> _number("0.50"), _number("1/2"), _number("w1 * x")
    ('1/2', '1/2', 'w1*x')
    """
    plain = "".join(text.split())
    if len(plain) > 60 or not plain.lstrip("-").replace("/", "", 1).replace(".", "", 1).isdigit():
        return plain
    try:
        return str(Fraction(plain))
    except (ValueError, ZeroDivisionError):
        return plain


def _mean(points: Sequence[float]) -> float:
    return round(float(mean(points)), 6) if points else 0


def _text(claim: Claim) -> str:
    return claim.diagnosis.text if claim.diagnosis is not None else ""


def _files(made: Sequence[tuple[str, Claim]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(file for file, _ in made))
