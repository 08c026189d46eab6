"""Two networks side by side: which rows belong together, and where they differ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest

from backcalc.count.table import Row, Table

MOST_PAIRS = 1_000_000


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
    pairs: list[Pair] = []
    for start, end, begin, stop in _together([row.kind for row in left.rows], [row.kind for row in right.rows]):
        pairs += [Pair(*both) for both in zip_longest(left.rows[start:end], right.rows[begin:stop])]
    return Versus(left, right, tuple(pairs))


def _together(first: list[str], second: list[str]) -> Iterator[tuple[int, int, int, int]]:
    """Stretches of both lists that belong together: equal, or one in the place of the other.

    What both begin with is taken off first; two long lists are then paired in order, since aligning takes long.

    >>> list(_together(["a", "b", "c"], ["a", "c"]))
    [(0, 1, 0, 1), (1, 2, 1, 1), (2, 3, 1, 2)]
    """
    same = next((place for place, (one, other) in enumerate(zip(first, second, strict=False)) if one != other), None)
    same = min(len(first), len(second)) if same is None else same
    if same:
        yield 0, same, 0, same
    if (len(first) - same) * (len(second) - same) > MOST_PAIRS:
        yield same, len(first), same, len(second)
        return
    matcher = SequenceMatcher(None, first[same:], second[same:], autojunk=False)
    for _, start, end, begin, stop in matcher.get_opcodes():
        yield same + start, same + end, same + begin, same + stop


def _facts(row: Row) -> tuple[object, ...]:
    numbers = (row.params, row.connections, row.macs, row.flops, row.activations)
    return row.kind, row.output_shape, row.receptive_field, row.non_trainable, numbers
