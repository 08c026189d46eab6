"""A network as folding sees it: layers in their places, who reads whom, and layers replaced by fewer.

Folding is about the network as it answers, not as it trains: a batch norm uses its running statistics.
"""

from __future__ import annotations

from collections.abc import Mapping
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

    def replaced(self, first: Node, second: Node, layer: Layer, name: str) -> tuple[Chain, Node]:
        """Two layers replaced by one, which is called `name` and reads what the first one read."""
        made = Node(
            name,
            layer,
            first.inputs,
            first.input_shape,
            second.output_shape,
            layer.parameters(name, first.input_shape),
        )
        nodes = tuple(made if node is second else node for node in self.nodes if node is not first)
        taken = self.taken | {parameter.name for parameter in made.parameters}
        return replace(self, nodes=nodes, taken=taken), made

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
