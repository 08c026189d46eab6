"""The claims of a check as a table, a row a claim; what a spreadsheet would run is only text in it."""

from __future__ import annotations

from backcalc.check.result import Claim, Report
from backcalc.net.errors import printable
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
    """Comma-separated values, a row a claim."""
    rows = tuple(_row(submission.file, claim) for submission in report.submissions for claim in submission.claims)
    return csv(Sheet(report.key, HEAD, rows, left=frozenset(HEAD)))


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


def inert(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula, and no terminal for a command.

    >>> inert("=cmd()"), inert("-2"), inert("a\\x1b[2J")
    ("'=cmd()", '-2', 'a�[2J')
    """
    plain = printable(cell.replace("\t", " ").replace("\n", " "))
    number = plain.lstrip("-").replace(".", "", 1).isdigit()
    return f"'{plain}" if plain[:1] in ("=", "+", "-", "@", "\t") and not number else plain
