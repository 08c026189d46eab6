"""What a convention can put a price on besides single operations: numbers that a layer has, as formulas."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from backcalc.layers.base import Cost, product, times
from backcalc.net import Node


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number that a layer has: what it is in `words`, and `of` a layer in its place the formula of it."""

    words: str
    of: Callable[[Node, Cost], str]


def _biased(node: Node, cost: Cost) -> str:
    return "0" if "0" in (cost.biases, cost.macs) else times(*node.output_shape)


def _every_place(node: Node, cost: Cost) -> str:
    places = node.output_shape[1:] if len(node.output_shape) > 1 else node.output_shape
    return cost.weights if cost.weights == "0" else times(cost.weights, *places)


def _every_step(node: Node, cost: Cost) -> str:
    return cost.weights if cost.weights == "0" else product(*node.input_shape[:-1], cost.weights)


QUANTITIES: Mapping[str, Quantity] = MappingProxyType(
    {
        "macs": Quantity("multiply-accumulates", lambda node, cost: cost.macs),
        "biased": Quantity("outputs with a bias", _biased),
        "params": Quantity("parameters", lambda node, cost: cost.params),
        "inputs": Quantity("inputs", lambda node, cost: times(*node.input_shape)),
        "outputs": Quantity("outputs", lambda node, cost: times(*node.output_shape)),
        "rows": Quantity("rows", lambda node, cost: times(*node.output_shape[:-1])),
        "every place": Quantity("weights at every output place", _every_place),
        "every step": Quantity("weights at every step", _every_step),
    }
)
