"""What a check found, as text: every claim that is not simply right, with the student's own line and a caret."""

from __future__ import annotations

from collections.abc import Iterator

from backcalc.check.result import Answer, Claim, Part, Report, Submission
from backcalc.net.errors import printable
from backcalc.render.check_lines import MARKS, excerpt, points
from backcalc.render.layout import WIDTH, heading, paragraph


def render(report: Report, *, claims: bool = False, width: int = WIDTH) -> str:
    """The key's answers where nothing was submitted, else every submission; with `claims` the right ones too."""
    lines = heading(printable(report.key), "═")
    if not report.submissions:
        lines += _answers(report.answers, width)
    for submission in report.submissions:
        lines += ["", *of_submission(submission, claims, width)]
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


def of_submission(submission: Submission, claims: bool = False, width: int = WIDTH) -> Iterator[str]:
    """The lines of one submission: its points, its notes, and its problems."""
    yield from heading(printable(submission.file))
    if submission.unchecked is not None:
        yield from paragraph(f"not checked: {printable(submission.unchecked)}", 0, width)
        return
    yield from paragraph(summary(submission), 0, width)
    for note in submission.notes:
        yield from paragraph(f"note: {printable(note)}", 0, width)
    for part in submission.parts:
        yield ""
        yield from of_part(part, submission, claims, width)


def summary(submission: Submission) -> str:
    """Points and verdicts in a line."""
    counted = ", ".join(f"{count} {verdict}" for verdict, count in submission.counts.items() if count)
    return f"{points(submission.points)} of {points(submission.max_points)} points; {counted or 'no claims'}"


def of_part(part: Part, submission: Submission, claims: bool = False, width: int = WIDTH) -> Iterator[str]:
    """The lines of one problem of a submission."""
    yield f"Problem {printable(part.id)}: {points(part.points)} of {points(part.max_points)} points"
    for number, claim in enumerate(submission.claims):
        if claim.part == part.id and (claims or claim.verdict != "right" or claim.diagnosis is not None):
            yield from of_claim(claim, first=number == part.first_error, width=width)
    for finding in part.findings:
        yield from paragraph(f"• {printable(finding.text)}", 2, width)


def of_claim(claim: Claim, *, first: bool = False, width: int = WIDTH) -> Iterator[str]:
    """One claim: its verdict, where it stands, how it was read, and why."""
    about = f" ({printable(claim.about)})" if claim.about is not None else ""
    label = "first error: " if first else ""
    yield from paragraph(f"{MARKS[claim.verdict]} {label}{claim.verdict}{about}", 2, width)
    yield from excerpt(claim, width, 2)
    if claim.read_as and claim.verdict != "right":
        yield from paragraph(f"read as {printable(claim.read_as)}", 6, width)
    yield from (line for text in reasons(claim) for line in paragraph(text, 6, width))


def reasons(claim: Claim) -> Iterator[str]:
    """Why a claim has its verdict, and what shows it."""
    if claim.diagnosis is not None and claim.diagnosis.text:
        yield printable(f"{claim.diagnosis.code}: {claim.diagnosis.text}")
    if claim.witness is not None and claim.verdict in ("wrong", "follows"):
        yield printable(str(claim.witness))
