"""A check as tables: a row a claim, or a row a submission; what a spreadsheet would run is only text in them."""

from __future__ import annotations

from collections.abc import Sequence

from backcalc.check.result import VERDICTS, Claim, Report, Submission
from backcalc.net.errors import printable
from backcalc.render.check_lines import points
from backcalc.render.sheet import Sheet, csv

HEAD = (
    "file",
    "problem",
    "line",
    "column",
    "claim",
    "about",
    "verdict",
    "expected",
    "code",
    "why",
)


def as_csv(report: Report) -> str:
    """Comma-separated values, a row a claim; a submission that was not checked has a row that says why."""
    rows = [row for submission in report.submissions for row in _rows(submission)]
    return csv(Sheet(report.key, HEAD, tuple(rows), left=frozenset(HEAD)))


def grades(report: Report) -> str:
    """Comma-separated values, a row a submission: its points, problem by problem, and its verdicts."""
    ids = list(dict.fromkeys(part.id for submission in report.submissions for part in submission.parts))
    head = ("file", "points", "of", *(f"problem {inert(name)}" for name in ids), *VERDICTS, "note")
    rows = tuple(_grades(submission, ids) for submission in report.submissions)
    return csv(Sheet(report.key, head, rows, left=frozenset(head)))


def _rows(submission: Submission) -> list[tuple[str, ...]]:
    if submission.unchecked is not None:
        cells = (submission.file, *[""] * 5, "unchecked", "", "unchecked", submission.unchecked)
        return [tuple(inert(cell) for cell in cells)]
    return [_row(submission.file, claim) for claim in submission.claims]


def _row(file: str, claim: Claim) -> tuple[str, ...]:
    diagnosis, expected = claim.diagnosis, claim.expected
    cells = (
        file,
        claim.part or "",
        str(claim.line),
        str(claim.column),
        claim.claim,
        claim.about or "",
        claim.verdict,
        expected.exact or ("" if expected.decimal is None else str(expected.decimal)),
        "" if diagnosis is None else diagnosis.code,
        "" if diagnosis is None else diagnosis.text,
    )
    return tuple(inert(cell) for cell in cells)


def _grades(submission: Submission, ids: Sequence[str]) -> tuple[str, ...]:
    if submission.unchecked is not None:
        blank = [""] * (2 + len(ids) + len(VERDICTS))
        return (inert(submission.file), *blank, inert(f"not checked: {submission.unchecked}"))
    own = {part.id: points(part.points) for part in submission.parts}
    counts = [str(submission.counts[verdict]) for verdict in VERDICTS]
    totals = (points(submission.points), points(submission.max_points))
    return (inert(submission.file), *totals, *(own.get(name, "") for name in ids), *counts, "")


def inert(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula, and no terminal for a command.

    >>> inert("=cmd()"), inert("-2"), inert("a\\x1b[2J")
    ("'=cmd()", '-2', 'a�[2J')
    """
    plain = printable(cell.replace("\t", " ").replace("\n", " ").replace("\r", " "))
    number = plain.removeprefix("-").replace(".", "", 1)
    safe = plain.lstrip()[:1] not in ("=", "+", "-", "@", "＝", "＋", "－", "＠") or (
        number.isascii() and number.isdigit()
    )
    return plain if safe else f"'{plain}"
