"""The built-in networks counted, against what is published of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby

from backcalc.count.build import count
from backcalc.count.table import Table
from backcalc.net import load_network
from backcalc.net.sizes import sizes
from backcalc.net.zoo import Published, published


@dataclass(frozen=True, slots=True)
class Comparison:
    """A published number and what was counted; a receptive field that differs along the axes has one number each."""

    published: Published
    counted: int | tuple[int, ...]

    @property
    def agrees(self) -> bool:
        """Whether the two are the same, to the digits that are published."""
        return isinstance(self.counted, int) and self.published.agrees(self.counted)

    def to_json(self) -> dict[str, object]:
        """The comparison as JSON has it."""
        return {
            "name": self.published.network,
            "what": self.published.what,
            "counted": list(self.counted) if isinstance(self.counted, tuple) else self.counted,
            "published": self.published.number,
            "source": self.published.source,
            "agrees": self.agrees,
        }


def compare() -> Iterator[Comparison]:
    """Counts every built-in network of which something is published.

    >>> first = next(compare())
    >>> first.published.network, first.counted, first.agrees
    ('lenet5', 61706, True)
    """
    for name, numbers in groupby(published(), lambda number: number.network):
        tables: dict[str, Table] = {}
        for number in numbers:
            what, _, size = number.what.rpartition(" ") if "=" in number.what else (number.what, "", "")
            if size not in tables:
                tables[size] = count(load_network(name, at=sizes(size) if size else None), flops="mac")
            yield Comparison(number, _counted(tables[size], what))


def _counted(table: Table, what: str) -> int | tuple[int, ...]:
    totals, (kind, _, layer) = table.totals, what.partition(" ")
    row = table.row(layer) if layer else None
    match kind:
        case "params":
            return totals.params if row is None else row.params
        case "active":
            return totals.active
        case "total":
            return totals.total
        case "macs":
            return totals.macs.value
        case "connections":
            return totals.connections.value if row is None else row.connections
        case "field" if row is not None:
            return row.receptive_field
        case "jump" if row is not None:
            return _whole(row.jump)
        case "padding" if row is not None:
            return _whole(row.padding)
        case _:
            raise ValueError(f"nothing is counted that is called `{kind}`")


def _whole(cells: int | Fraction | tuple[int | Fraction, ...]) -> int | tuple[int, ...]:
    """The cells as numbers that can be compared; they are whole wherever something is published."""
    return tuple(int(each) for each in cells) if isinstance(cells, tuple) else int(cells)
