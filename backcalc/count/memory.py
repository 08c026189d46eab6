"""What has to be in memory, and for how long: parameters, gradients, the optimiser's state, outputs of layers."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import prod

from backcalc.formula.size import Size
from backcalc.net import Network, Node


@dataclass(frozen=True, slots=True)
class Precision:
    """How many bytes a number takes: a parameter, a gradient, a number of the optimiser's state, an output.

    `master` are the bytes of a further copy of every parameter, which the optimiser changes.
    """

    name: str
    parameter: int
    gradient: int
    state: int
    output: int
    master: int = 0


PRECISIONS = (
    Precision("fp32", 4, 4, 4, 4),
    Precision("bf16", 2, 2, 2, 2),
    Precision("mixed", 2, 2, 4, 2, master=4),
)
"""`mixed` keeps a copy in fp32 (Micikevicius et al. 2018, section 3.1; Rajbhandari et al., "ZeRO", 2020, 3.1)."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes in one precision; the peaks hold parameters, and what else is in memory at the worst moment.

    A peak is None where sizes are letters: which moment is the worst depends on their numbers.
    """

    precision: Precision
    parameters: int
    gradients: int
    state: int
    forward_peak: int | None
    training_peak: int | None
    cache: int

    def to_json(self) -> dict[str, object]:
        """The memory as JSON has it, in bytes."""
        return {
            "precision": self.precision.name,
            "parameters": self.parameters,
            "gradients": self.gradients,
            "optimiser": self.state,
            "forward_peak": self.forward_peak,
            "training_peak": self.training_peak,
            "cache_per_token": self.cache,
        }


def forward_peak(network: Network, batch: int = 1) -> int | None:
    """The most numbers that are alive at once, layers in the order of the file, each output freed after its last use.

    What a layer reads and its output are alive together; none works in place. None where a size is a letter.

    >>> from backcalc.net import load_network
    >>> forward_peak(load_network("{input: {x: 10}, layers: [dense: 7, dense: 5]}"))
    17
    """
    nodes = _computed(network)
    if _lettered(nodes):
        return None
    sizes = _sizes(network, nodes)
    last = {name: position for position, node in enumerate(nodes) for name in node.inputs}
    alive = sum(sizes[name] for name in network.inputs)
    peak = alive
    for position, node in enumerate(nodes):
        alive += sizes[node.name]
        peak = max(peak, alive)
        alive -= sum(sizes[name] for name in set(node.inputs) if last[name] == position)
    return batch * peak


def training_peak(network: Network, trained: Collection[str], batch: int = 1) -> int | None:
    """The most outputs and gradients of outputs that are alive at once where every output is kept for the way back.

    `trained` are the layers through which gradients go. Going back, an output and its gradient are freed behind their
    layer.

    >>> from backcalc.net import load_network
    >>> training_peak(load_network("{input: {x: 10}, layers: [dense: 7, dense: 5]}"), {"dense_1", "dense_2"})
    34
    """
    nodes = _computed(network)
    if _lettered(nodes):
        return None
    sizes = _sizes(network, nodes)
    kept = sum(sizes.values())
    peak, gradients = kept, dict[str, int]()
    for node in reversed(nodes):
        if node.name in trained:
            gradients.setdefault(node.name, sizes[node.name])
            gradients |= {name: sizes[name] for name in node.inputs if name in trained}
        peak = max(peak, kept + sum(gradients.values()))
        gradients.pop(node.name, None)
        kept -= sizes[node.name]
    return batch * peak


def _computed(network: Network) -> list[Node]:
    needed = network.needed()
    return [node for node in network.nodes if node.name in needed]


def _lettered(nodes: list[Node]) -> bool:
    shapes = (size for node in nodes for size in (node.copies, *node.input_shape, *node.output_shape))
    return any(isinstance(size, Size) for size in shapes)


def _sizes(network: Network, nodes: list[Node]) -> Mapping[str, int]:
    shapes = {**network.inputs, **{node.name: node.output_shape for node in nodes}}
    return {name: prod(shape) for name, shape in shapes.items()}
