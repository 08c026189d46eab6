"""Why two conventions give two numbers for one network: their difference as a sum of named terms."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass

from backcalc.count.conventions import Convention, Prices, convention, functions, left_out, per_unit, quantities
from backcalc.count.table import Formula, lettered
from backcalc.layers.base import Cost
from backcalc.net import Network, Node

MOST_TERMS = 60


@dataclass(frozen=True, slots=True)
class Term:
    """What one quantity of all layers of one kind adds to the difference.

    `amount` is the quantity over all those `layers`, `prices` are what the two conventions ask for one of it.
    """

    kind: str
    layers: int
    what: str
    prices: tuple[int, int]
    amount: Formula

    @property
    def formula(self) -> Formula:
        """The term with its numbers in: the price that the second asks more, for each."""
        left, right = self.prices
        price = f"({right} - {left})" if left and right else str(right - left)
        if price == "1":
            return self.amount
        return Formula(f"{price}*({self.amount.text})" if " " in self.amount.text else f"{price}*{self.amount.text}")

    def to_json(self) -> dict[str, object]:
        """The term as JSON has it."""
        return lettered(
            {
                "kind": self.kind,
                "layers": self.layers,
                "quantity": self.what,
                "prices": list(self.prices),
                "amount": self.amount.value,
                "formula": str(self.formula),
                "value": self.formula.value,
            }
        )


@dataclass(frozen=True, slots=True)
class Difference:
    """What the second of two conventions counts more than the first, for one sample, and the terms that make it up."""

    net: str
    conventions: tuple[Convention, Convention]
    totals: tuple[int, int]
    terms: tuple[Term, ...]
    notes: tuple[str, ...] = ()

    @property
    def value(self) -> int:
        """The difference, which is the sum of the terms."""
        return self.totals[1] - self.totals[0]

    def to_json(self) -> dict[str, object]:
        """The difference as JSON has it."""
        return lettered(
            {
                "schema_version": 1,
                "net": self.net,
                "conventions": [each.name for each in self.conventions],
                "totals": list(self.totals),
                "difference": self.value,
                "terms": [term.to_json() for term in self.terms],
                "notes": list(self.notes),
            }
        )


def difference(network: Network, first: str, second: str) -> Difference:
    """Why the convention `second` counts more or fewer FLOPs than `first`.

    >>> from backcalc.net import load_network
    >>> found = difference(load_network("vgg11_bn"), "fvcore", "thop")
    >>> [(term.kind, term.what, term.prices) for term in found.terms]
    [('batchnorm', 'inputs', (2, 4)), ('adaptive_avgpool2d', 'outputs', (0, 1))]
    >>> found.value == sum(term.formula.value for term in found.terms)
    True

    Raises ValueError for an unknown convention.
    """
    pair = convention(first), convention(second)
    by_function = tuple(functions(network, each) for each in pair)
    needed, totals = network.needed(), [0, 0]
    amounts: dict[tuple[str, str, tuple[int, int]], Counter[str]] = defaultdict(Counter)
    for node in network.nodes:
        if node.name not in needed:
            continue
        kind, cost = node.layer.kind, node.layer.cost(node.input_shape)
        asked = tuple(each.of(node.layer, known) for each, known in zip(pair, by_function, strict=True))
        for side, each in enumerate(pair):
            totals[side] += Formula(each.formula(cost, node, by_function[side])).times(node.copies).value
        for what, amount in {**_amounts(asked[0], node, cost), **_amounts(asked[1], node, cost)}.items():
            prices = asked[0].get(what, 0), asked[1].get(what, 0)
            if prices[0] != prices[1]:
                amounts[kind, what, prices][Formula(amount).times(node.copies).text] += 1
    terms = (
        Term(kind, sum(found.values()), what, prices, _sum(found)) for (kind, what, prices), found in amounts.items()
    )
    notes = tuple(note for each in pair for note in left_out(network, each))
    return Difference(network.name, pair, (totals[0], totals[1]), tuple(terms), notes)


def _amounts(prices: Prices, node: Node, cost: Cost) -> dict[str, str]:
    """What the prices are for: how much of it the layer has, as formulas."""
    operations = {kind: count for kind, count in cost.operations.items() if kind in prices and count != "0"}
    return {kind: per_unit(count, cost.units) for kind, count in operations.items()} | quantities(prices, node, cost)


def _sum(amounts: Counter[str]) -> Formula:
    """The sum of formulas, each with how often it occurs; the number alone where there are too many to read."""
    if len(amounts) > MOST_TERMS:
        return Formula(str(sum(count * Formula(text).value for text, count in amounts.items())))
    return Formula(" + ".join(Formula(text).times(count).text for text, count in amounts.items()))
