"""A model solution that shows itself in a notebook, by Markdown."""

from __future__ import annotations

from dataclasses import dataclass

from backcalc.check.solution import Solution
from backcalc.render.shown import as_shown


@dataclass(frozen=True)
class ShownSolution(Solution):
    """A solution as `backcalc.solve` returns it: the same data, and how a notebook shows it."""

    def _repr_markdown_(self) -> str:
        """Every problem, worked out."""
        from backcalc.render.solve_markdown import render

        return render(self)


def shown(solution: Solution) -> ShownSolution:
    """The same solution, which a notebook can show.

    >>> import backcalc
    >>> problem = {"id": 1, "answers": {"accuracy": {"value": "0.93"}}}
    >>> backcalc.solve({"name": "sheet", "problems": [problem]})._repr_markdown_().splitlines()[0]
    '# sheet'
    """
    return as_shown(ShownSolution, solution)
