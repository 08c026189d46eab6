"""Tables of text: columns side by side, and a table that is too wide as several."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

GAP = "  "
LONGEST_CELL = 38
"""A cell that is longer goes on in the line below: nothing is cut, and a layer's name leaves room for its numbers."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table: its head, a cell a row, and the total where it has one."""

    head: str
    cells: tuple[str, ...]
    total: str = ""
    right: bool = True

    @property
    def width(self) -> int:
        return min(LONGEST_CELL, max(map(len, (self.head, *self.cells, self.total))))

    def line(self, text: str, width: int) -> str:
        return text.rjust(width) if self.right else text.ljust(width)


def tables(first: Column, columns: Iterable[Column], width: int) -> Iterator[str]:
    """The columns as one table, or as several, each beginning with the `first`, where one would be too wide."""
    together = [first]
    for column in columns:
        if len(together) > 1 and _width([*together, column]) > width:
            yield grid(together)
            together = [first]
        together.append(column)
    yield grid(together)


def grid(columns: Sequence[Column]) -> str:
    """Columns side by side, with a rule under the head and above the totals, if there are any.

    >>> print(grid([Column("layer", ("a", "b"), right=False), Column("n", ("1", "20"))]))
    layer   n
    ─────────
    a       1
    b      20
    """
    widths = [column.width for column in columns]

    def joined(texts: Sequence[str]) -> str:
        lines = zip_longest(*([*_folded(text)] for text in texts), fillvalue="")
        return "\n".join(
            GAP.join(
                column.line(text, width) for column, text, width in zip(columns, line, widths, strict=True)
            ).rstrip()
            for line in lines
        )

    rule = "─" * _width(columns)
    rows = [joined(cells) for cells in zip(*(column.cells for column in columns), strict=True)]
    total = [rule, joined([column.total for column in columns])] if any(column.total for column in columns[1:]) else []
    return "\n".join([joined([column.head for column in columns]), rule, *rows, *total])


def _folded(text: str) -> Iterator[str]:
    """The lines of a cell.

    >>> [len(line) for line in _folded("x" * 50)]
    [38, 12]
    """
    if len(text) <= LONGEST_CELL:
        yield text
        return
    end = text.rfind(" + ", 0, LONGEST_CELL)
    end = LONGEST_CELL if end < 1 else end + 1
    yield text[:end].rstrip()
    yield from _folded(text[end:])


def _width(columns: Sequence[Column]) -> int:
    return sum(column.width for column in columns) + len(GAP) * (len(columns) - 1)
