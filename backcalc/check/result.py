"""What a check finds: claims with their verdicts, problems with their points, submissions, and the whole as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from backcalc.check.compare import Witness
from backcalc.net.errors import printable

Verdict = Literal["right", "wrong", "follows", "convention", "undecided", "unreadable"]

VERDICTS: tuple[Verdict, ...] = ("right", "wrong", "follows", "convention", "undecided", "unreadable")


@dataclass(frozen=True, slots=True)
class Expected:
    """What the key says: the exact form, a formula where values are open, and the decimal."""

    exact: str | None = None
    decimal: float | None = None


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What lies behind a verdict: a stable code and a sentence for the student."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Claim:
    """One link of a chain, one number of an answer: where it stands, how it was read, and its verdict.

    `about` is the asked or known quantity that it says something of, `part` the problem's id, `convention` the name
    of the other convention under which it is true, `keeps` those that it shows to be the key's own. A claim is `final`
    where it ends with a number, and `derived` where it follows from the side before it. Of a folder of files `file` is
    the one in which it stands.
    """

    part: str | None
    line: int
    column: int
    length: int
    source_line: str
    claim: str
    read_as: str
    about: str | None
    verdict: Verdict
    given: str | None = None
    expected: Expected = Expected()
    diagnosis: Diagnosis | None = None
    witness: Witness | None = None
    convention: str | None = None
    keeps: frozenset[str] = frozenset()
    final: bool = False
    derived: bool = False
    file: str = ""

    def to_json(self) -> dict[str, object]:
        """As JSON has it; nothing in it moves a terminal's cursor."""
        diagnosis = self.diagnosis
        return {
            "problem": self.part,
            "line": self.line,
            "column": self.column,
            "claim": printable(self.claim),
            "read_as": self.read_as,
            "about": self.about,
            "verdict": self.verdict,
            "given": self.given,
            "expected": {"exact": self.expected.exact, "decimal": self.expected.decimal},
            "diagnosis": None if diagnosis is None else {"code": diagnosis.code, "text": printable(diagnosis.text)},
            "witness": None if self.witness is None else self.witness.to_json(),
            **({"file": printable(self.file)} if self.file else {}),
        }


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a problem as a whole: a required quantity that is missing, a right result by a wrong step."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Part:
    """One problem of one submission; `first_error` is the place of its first error among the claims."""

    id: str
    first_error: int | None
    findings: tuple[Finding, ...]
    points: float
    max_points: float

    def to_json(self) -> dict[str, object]:
        """As JSON has it."""
        findings = [{"code": finding.code, "text": printable(finding.text)} for finding in self.findings]
        return {
            "id": self.id,
            "first_error": self.first_error,
            "findings": findings,
            "points": self.points,
            "max_points": self.max_points,
        }


@dataclass(frozen=True, slots=True)
class Submission:
    """One submission, checked. `notes` say what of it was not read.

    `unchecked` says why there is nothing: it could not be read, or took too long. `lines` are its numbered lines.
    """

    file: str
    parts: tuple[Part, ...]
    claims: tuple[Claim, ...]
    notes: tuple[str, ...] = ()
    unchecked: str | None = None
    lines: tuple[tuple[int, str], ...] = ()

    @property
    def counts(self) -> Mapping[Verdict, int]:
        """How many claims have each verdict."""
        found = Counter(claim.verdict for claim in self.claims)
        return {verdict: found[verdict] for verdict in VERDICTS}

    @property
    def points(self) -> float:
        """The points of all problems together."""
        return sum(part.points for part in self.parts)

    @property
    def max_points(self) -> float:
        """The points that could be earned."""
        return sum(part.max_points for part in self.parts)

    def to_json(self) -> dict[str, object]:
        """As JSON has it."""
        return {
            "file": printable(self.file),
            "problems": [part.to_json() for part in self.parts],
            "claims": [claim.to_json() for claim in self.claims],
            "counts": dict(self.counts),
            "points": self.points,
            "max_points": self.max_points,
            "notes": [printable(note) for note in self.notes],
            "unchecked": None if self.unchecked is None else printable(self.unchecked),
        }


@dataclass(frozen=True, slots=True)
class Answer:
    """One thing that the key asks for, and its answer."""

    part: str
    asked: str
    expected: Expected
    formula: str | None = None
    others: tuple[tuple[str, str], ...] = ()

    def to_json(self) -> dict[str, object]:
        """As JSON has it."""
        return {
            "problem": self.part,
            "asked": self.asked,
            "exact": self.expected.exact,
            "decimal": self.expected.decimal,
            "formula": self.formula,
            "conventions": dict(self.others),
        }


@dataclass(frozen=True, slots=True)
class Report:
    """What `check` answers with: the key's own answers, and every submission."""

    key: str
    answers: tuple[Answer, ...]
    submissions: tuple[Submission, ...]

    @property
    def holds(self) -> bool:
        """Whether no claim is `wrong` or `follows`."""
        return not any(s.counts["wrong"] or s.counts["follows"] for s in self.submissions)

    @property
    def unsettled(self) -> int:
        """How many claims are `undecided` or `unreadable`."""
        return sum(s.counts["undecided"] + s.counts["unreadable"] for s in self.submissions)

    def to_json(self) -> dict[str, object]:
        """As JSON has it: stable names, `schema_version` first."""
        return {
            "schema_version": 1,
            "key": printable(self.key),
            "answers": [answer.to_json() for answer in self.answers],
            "submissions": [submission.to_json() for submission in self.submissions],
        }
