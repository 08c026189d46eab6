"""The model solution of a homework as Markdown, its formulas in dollar signs."""

from __future__ import annotations

from backcalc.check.solution import Solution
from backcalc.render.grad_markdown import written
from backcalc.render.solve_document import document


def render(solution: Solution, steps: str = "full", digits: int | None = None) -> str:
    """The whole solution; `brief` leaves the way of every derivative out."""
    return written(document(solution, steps, digits))
