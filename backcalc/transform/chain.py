"""A network as folding sees it: layers in their places, who reads whom, and layers replaced by fewer.

Folding is about the network as it answers, not as it trains: a batch norm uses its running statistics.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from backcalc.formula.tree import fresh_name
from backcalc.layers import Layer
from backcalc.net.network import Network, Node


@dataclass(frozen=True)
class Chain:
    """The layers that are left, in order; `kept` are names that must not vanish, `taken` all names ever in use."""

    nodes: tuple[Node, ...]
    kept: frozenset[str]
    taken: frozenset[str]

    @staticmethod
    def of(network: Network) -> Chain:
        """The layers of a network; its output and arrays with given gradients stay."""
        output = network.output or (network.nodes[-1].name if network.nodes else "")
        names = frozenset(network.inputs) | {node.name for node in network.nodes}
        arrays = frozenset(parameter.name for node in network.nodes for parameter in node.parameters)
        return Chain(network.nodes, frozenset({output, *network.given}), names | arrays | frozenset(network.values))

    def reader(self, name: str) -> Node | None:
        """The one layer that reads an output which nothing else needs; None where there are several or it must stay."""
        readers = [node for node in self.nodes if name in node.inputs or name in _also(node)]
        if name in self.kept or len(readers) != 1 or readers[0].inputs != (name,):
            return None
        return readers[0]

    def source(self, node: Node) -> Node | None:
        """The layer that a layer reads; None for an input."""
        return next((other for other in self.nodes if other.name == node.inputs[0]), None)

    def replaced(self, old: Sequence[Node], new: Sequence[Node]) -> Chain:
        """Layers in a row replaced by others, which read what the first one read."""
        nodes: list[Node] = []
        for node in self.nodes:
            nodes += new if node is old[-1] else [] if any(node is other for other in old) else [node]
        taken = self.taken | {parameter.name for node in new for parameter in node.parameters}
        return replace(self, nodes=tuple(nodes), taken=taken)

    def without(self, node: Node) -> Chain:
        """A layer left out: what read it reads what it read."""
        nodes = []
        for other in self.nodes:
            if other is node:
                continue
            inputs = tuple(node.inputs[0] if name == node.name else name for name in other.inputs)
            nodes.append(replace(other, inputs=inputs))
        return replace(self, nodes=tuple(nodes))

    def fresh(self, name: str) -> str:
        """A name for a folded array that is not in use."""
        return fresh_name(name, self.taken)


def _also(node: Node) -> tuple[str, ...]:
    """One more output that a layer reads besides its inputs, as the memory of an attention."""
    field = type(node.layer).also
    named = None if field is None else getattr(node.layer, field, None)
    return (named,) if isinstance(named, str) else ()


def changed(layer: Layer, **fields: Any) -> Layer:
    """The same layer with some of its fields changed."""
    return layer.model_copy(update=fields)


def fields(layer: Layer) -> Mapping[str, Any]:
    """What a file has to say of a layer."""
    return layer.model_dump(exclude_unset=True)
