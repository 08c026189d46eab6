"""Two networks side by side as text: a row a layer of each, what differs marked."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap

from backcalc.count.compare import Versus
from backcalc.count.table import Formula, Table, as_text
from backcalc.formula.size import Size
from backcalc.render.count_sheets import side_by_side
from backcalc.render.count_text import conventions
from backcalc.render.table_text import Column, tables

WIDTH = 80
LONGEST_NAME = 24


def render(found: Versus, width: int = WIDTH) -> str:
    """All rows of both; a table that is wider than `width` is split, each part beginning with the layers."""
    differing = sum(pair.differs for pair in found.pairs)
    said = f"{differing} of {len(found.pairs)} rows differ" if differing else "no row differs"
    blocks = [f"1: {found.left.net}\n2: {found.right.net}\n{said}{', marked ≠' if differing else ''}"]
    blocks += _totals(found, width)
    blocks += _tables(found, width)
    blocks.append(
        "\n".join(line for text in conventions(found.left) for line in wrap(text, width, break_on_hyphens=False))
    )
    return "\n\n".join(blocks) + "\n"


def _totals(found: Versus, width: int) -> Iterator[str]:
    """The totals of both before everything else, and what the second has more, where these are numbers."""
    words = {"params": "params", "connections": "connections", "macs": "MACs", "flops": "FLOPs",
             "activations": "activations", "memory_bytes": "memory, bytes"}  # fmt: skip
    pairs = [(_number(found.left, name), _number(found.right, name)) for name in words]
    columns = [Column(f"{side + 1}", tuple(as_text(pair[side]) for pair in pairs)) for side in (0, 1)]
    if not any(isinstance(number, Size) for pair in pairs for number in pair):
        columns.append(Column("2 less 1", tuple(str(right - left) for left, right in pairs)))
    return tables(Column("total", tuple(words.values()), right=False), columns, width)


def _number(table: Table, name: str) -> int:
    totals = table.totals
    if name == "params":
        return totals.params
    formula: Formula = getattr(totals, name.removesuffix("_bytes"))
    return formula.value


def _tables(found: Versus, width: int) -> Iterator[str]:
    sheet = side_by_side(found)
    columns = dict(zip(sheet.head, zip(*sheet.rows, strict=True), strict=True))
    totals = dict(zip(sheet.head, sheet.total, strict=True))
    names = tuple(
        f"{mark or ' '} {left if left == right or not right else right if not left else f'{left} / {right}'}"
        for mark, left, right in zip(columns[""], columns["layer"], columns["other layer"], strict=True)
    )
    first = Column("  layer", names, f"{totals[''] or ' '} total", right=False)
    words = (Column("kind", columns["kind"], right=False),)
    rest = (Column(name, columns[name], totals[name], right=name not in sheet.left) for name in sheet.head[4:])
    return tables(first, (*words, *rest), width)
