"""What a check found, as text: every claim that is not simply right, with the student's own line and a caret."""

from __future__ import annotations

from collections.abc import Iterator

from backcalc.check.result import Answer, Claim, Part, Report, Submission
from backcalc.net.errors import Problem, printable
from backcalc.render.layout import WIDTH, heading, paragraph

MARKS = {"right": "✓", "wrong": "✗", "follows": "↳", "convention": "≈", "undecided": "?", "unreadable": "…"}
"""The sign of each verdict."""


def render(report: Report, *, claims: bool = False, width: int = WIDTH) -> str:
    """The key's answers where nothing was submitted, else every submission; with `claims` the right ones too."""
    lines = heading(printable(report.key), "═")
    if not report.submissions:
        lines += _answers(report.answers, width)
    for submission in report.submissions:
        lines += ["", *_submission(submission, claims, width)]
    return "\n".join([*lines, ""])


def _answers(answers: tuple[Answer, ...], width: int) -> Iterator[str]:
    problem = None
    for answer in answers:
        if answer.part != problem:
            problem = answer.part
            yield from ("", *heading(f"Problem {printable(problem)}"))
        exact, decimal = answer.expected.exact, answer.expected.decimal
        value = "no value" if exact is None and decimal is None else str(exact if exact is not None else decimal)
        if decimal is not None and exact is not None and not exact.lstrip("-").isdigit():
            value += f" ≈ {decimal:.6g}"
        yield from paragraph(f"{printable(answer.asked)} = {value}", 2, width)
        if answer.formula is not None and answer.formula != exact:
            yield from paragraph(f"by {answer.formula}", 4, width)
        for name, other in answer.others:
            yield from paragraph(f"under the convention `{name}`: {other}", 4, width)


def _submission(submission: Submission, claims: bool, width: int) -> Iterator[str]:
    yield from heading(printable(submission.file))
    counted = ", ".join(f"{count} {verdict}" for verdict, count in submission.counts.items() if count)
    yield f"{_number(submission.points)} of {_number(submission.max_points)} points; {counted or 'no claims'}"
    for note in submission.notes:
        yield from paragraph(f"note: {printable(note)}", 0, width)
    for part in submission.parts:
        yield ""
        yield from _part(part, submission, claims, width)


def _part(part: Part, submission: Submission, claims: bool, width: int) -> Iterator[str]:
    yield f"Problem {printable(part.id)}: {_number(part.points)} of {_number(part.max_points)} points"
    for number, claim in enumerate(submission.claims):
        if claim.part == part.id and (claims or claim.verdict != "right" or claim.diagnosis is not None):
            yield from _claim(claim, submission.file, first=number == part.first_error, width=width)
    for finding in part.findings:
        yield from paragraph(f"• {printable(finding.text)}", 2, width)


def _claim(claim: Claim, file: str, *, first: bool, width: int) -> Iterator[str]:
    about = f" ({claim.about})" if claim.about is not None else ""
    label = "first error: " if first else ""
    yield f"  {MARKS[claim.verdict]} {label}{claim.verdict}{about}"
    shown = Problem(file, claim.line, claim.column, claim.length, claim.source_line, "")
    yield from (f"  {line}" for line in str(shown).split("\n")[1:])
    if claim.read_as and claim.verdict != "right":
        yield from paragraph(f"read as {printable(claim.read_as)}", 6, width)
    if claim.diagnosis is not None and claim.diagnosis.text:
        yield from paragraph(f"{claim.diagnosis.code}: {printable(claim.diagnosis.text)}", 6, width)
    if claim.witness is not None and claim.verdict in ("wrong", "follows"):
        yield from paragraph(printable(str(claim.witness)), 6, width)


def _number(points: float) -> str:
    return f"{points:g}"
