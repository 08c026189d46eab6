"""What counts as a FLOP: a convention is a table of prices by kind of operation, nothing else.

>>> convention("torchvision").name
'mac'
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from backcalc.formula.errors import nearest
from backcalc.layers.base import Cost

MAC = "mac"
"""The kind of operation that a multiply-accumulate is, where a convention prices it as a whole."""


@dataclass(frozen=True, slots=True)
class Convention:
    """A named way to count: the price of each kind of operation (0 where it is not listed) and what it means."""

    name: str
    meaning: str
    prices: Mapping[str, int]

    def formula(self, cost: Cost) -> str:
        """What a layer costs under this convention, as a formula with its numbers.

        >>> EXACT.formula(Cost(operations={"multiply": "400", "add": "399", "bias": "1"}, units="120"))
        '(400 + 399 + 1)*120'
        >>> TWO_MAC.formula(Cost(macs="400*120"))
        '2*400*120'
        """
        if MAC in self.prices:
            return "0" if cost.macs == "0" else _priced(self.prices[MAC], cost.macs)
        terms = [_priced(self.prices[kind], count) for kind, count in self.priced(cost)]
        if not terms:
            return "0"
        if terms == ["1"]:
            return cost.units
        joined = " + ".join(terms)
        if cost.units == "1":
            return joined
        return f"({joined})*{cost.units}" if " " in joined else f"{joined}*{cost.units}"

    def priced(self, cost: Cost) -> tuple[tuple[str, str], ...]:
        """The operations of one unit that have a price, with their numbers."""
        return tuple((kind, count) for kind, count in cost.operations.items() if count != "0" and kind in self.prices)


def _priced(price: int, count: str) -> str:
    if price == 1:
        return count
    return f"{price}*({count})" if " " in count else f"{price}*{count}"


EXACT = Convention(
    "exact",
    "every operation is one: n inputs of a neuron take n multiplications and n - 1 additions, a bias one more; "
    "pooling, activations and softmax by their own formulas",
    MappingProxyType(
        dict.fromkeys(("multiply", "add", "bias", "compare", "divide", "negate", "exp", "log", "sqrt", "erf"), 1)
    ),
)
TWO_MAC = Convention(
    "2mac",
    "a multiply-accumulate is two: n inputs of a neuron are 2n, nothing else counts",
    MappingProxyType({MAC: 2}),
)
ONE_MAC = Convention(
    "mac",
    "a multiply-accumulate is one: n inputs of a neuron are n, nothing else counts (what torchvision publishes)",
    MappingProxyType({MAC: 1}),
)

CONVENTIONS: Mapping[str, Convention] = MappingProxyType(
    {"exact": EXACT, "2mac": TWO_MAC, "mac": ONE_MAC, "torchvision": ONE_MAC}
)


def convention(name: str) -> Convention:
    """The convention of that name. Raises ValueError with the nearest name where there is none."""
    found = CONVENTIONS.get(name)
    if found is None:
        close = nearest(name, CONVENTIONS)
        hint = f"did you mean `{close}`?" if close else f"known are {', '.join(CONVENTIONS)}"
        raise ValueError(f"unknown FLOP convention `{name}`; {hint}")
    return found
