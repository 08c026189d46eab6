"""Two networks side by side: which rows belong together, and where they differ."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest

from backcalc.count.table import Row, Table


@dataclass(frozen=True, slots=True)
class Pair:
    """A row of each network, or of one of them alone."""

    left: Row | None
    right: Row | None

    @property
    def differs(self) -> bool:
        """Whether anything but the names differs."""
        return self.left is None or self.right is None or _facts(self.left) != _facts(self.right)

    def to_json(self) -> dict[str, object]:
        """The pair as JSON has it."""
        left, right = (None if row is None else row.to_json() for row in (self.left, self.right))
        return {"differs": self.differs, "left": left, "right": right}


@dataclass(frozen=True, slots=True)
class Versus:
    """Two tables, counted under the same conventions, and their rows in pairs."""

    left: Table
    right: Table
    pairs: tuple[Pair, ...]

    def to_json(self) -> dict[str, object]:
        """The comparison as JSON has it."""
        return {
            "schema_version": 1,
            "nets": [self.left.net, self.right.net],
            "flops_convention": self.left.convention.name,
            "layers": [pair.to_json() for pair in self.pairs],
            "totals": [self.left.totals.to_json(), self.right.totals.to_json()],
        }


def versus(left: Table, right: Table) -> Versus:
    """Puts two tables side by side: layers are paired in order, so that as many kinds as possible agree.

    >>> from backcalc.count import count
    >>> from backcalc.net import load_network
    >>> found = versus(count(load_network("vgg11")), count(load_network("vgg11_bn")))
    >>> sum(pair.left is None for pair in found.pairs), sum(pair.differs for pair in found.pairs)
    (8, 8)
    """
    first, second = ([row.kind for row in table.rows] for table in (left, right))
    pairs: list[Pair] = []
    for _, start, end, begin, stop in SequenceMatcher(None, first, second, autojunk=False).get_opcodes():
        pairs += [Pair(*both) for both in zip_longest(left.rows[start:end], right.rows[begin:stop])]
    return Versus(left, right, tuple(pairs))


def _facts(row: Row) -> tuple[object, ...]:
    numbers = (row.params, row.connections, row.macs, row.flops, row.activations)
    return row.kind, row.output_shape, row.receptive_field, row.non_trainable, numbers
