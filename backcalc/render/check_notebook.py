"""A report on submissions that shows itself in a notebook, by Markdown."""

from __future__ import annotations

from dataclasses import dataclass

from backcalc.check.result import Report
from backcalc.render.shown import as_shown


@dataclass(frozen=True, slots=True)
class ShownReport(Report):
    """A report as `backcalc.check` returns it: the same data, and how a notebook shows it."""

    def _repr_markdown_(self) -> str:
        """Every submission, problem by problem; what a student wrote stands in code alone."""
        from backcalc.render.check_markdown import render

        return render(self)


def shown(report: Report) -> ShownReport:
    """The same report, which a notebook can show.

    >>> import backcalc
    >>> problem = {"id": 1, "count": "lenet5", "bias": False, "ask": ["conv2.weights"]}
    >>> print(backcalc.check({"name": "sheet", "problems": [problem]})._repr_markdown_().splitlines()[-1])
    | `conv2.weights` | `2400` |
    """
    return as_shown(ShownReport, report)
