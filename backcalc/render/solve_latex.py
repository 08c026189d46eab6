"""The model solution of a homework as LaTeX: a document that compiles, a section for every problem."""

from __future__ import annotations

from dataclasses import replace

from backcalc.check.solution import Solution
from backcalc.render.document import Document, Heading
from backcalc.render.grad_latex import PREAMBLE, written
from backcalc.render.solve_document import document


def render(solution: Solution, steps: str = "full", digits: int | None = None, fragment: bool = False) -> str:
    """The whole solution; a `fragment` is what stands between the beginning and the end of a document."""
    blocks = document(solution, steps, digits).blocks
    raised = [replace(b, level=min(3, max(1, b.level - 1))) if isinstance(b, Heading) else b for b in blocks]
    body = written(Document(tuple(raised)))
    return body if fragment else f"{PREAMBLE}\n\n{body}\n\\end{{document}}\n"
