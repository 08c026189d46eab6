"""A few lines for a student, as one cell of a grade file: points, and the first error of every problem."""

from __future__ import annotations

from html import escape

from backcalc.check.result import Submission
from backcalc.render.check_lines import points
from backcalc.render.check_sheets import inert

LONGEST = 2_000


def feedback(submission: Submission) -> str:
    """The feedback; Moodle shows it as HTML, in which nothing of the student's own text is set."""
    said = [f"{points(submission.points)} of {points(submission.max_points)} points."]
    for part in submission.parts:
        text = f"Problem {part.id}: {points(part.points)} of {points(part.max_points)}"
        if part.first_error is not None:
            claim = submission.claims[part.first_error]
            why = f", {claim.diagnosis.text}" if claim.diagnosis is not None else ""
            text += f"; first error in line {claim.line}: {claim.claim}{why}"
        said.append(text + ".")
    return inert(escape(" ".join(said)[:LONGEST]))
