"""A table of counts that shows itself in a notebook, by Markdown."""

from __future__ import annotations

from dataclasses import dataclass

from backcalc.count.table import Table
from backcalc.render.shown import as_shown


@dataclass(frozen=True, slots=True)
class ShownTable(Table):
    """A table as `backcalc.count` returns it: the same data, and how a notebook shows it."""

    def _repr_markdown_(self) -> str:
        """The numbers, then the formula behind each, then what was counted how."""
        from backcalc.render.count_sheets import written

        return written(self, "markdown")


def shown(table: Table) -> ShownTable:
    r"""The same table, which a notebook can show.

    >>> import backcalc
    >>> backcalc.count({"input": 3, "layers": [{"dense": 2}]})._repr_markdown_().splitlines()[4]
    '| dense_1 | dense | \\[2\\] | 6 | 2 | 8 | 8 | 6 | 12 | 2 | 3 |'
    """
    return as_shown(ShownTable, table)
