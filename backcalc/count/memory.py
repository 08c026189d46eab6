"""What has to be in memory, and for how long: parameters, gradients, the optimiser's state, outputs of layers."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import prod

from backcalc.formula.polynomial import polynomial
from backcalc.formula.size import Size, assumed_of, formula_of
from backcalc.formula.tree import Call
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


MOST_MOMENTS = 4


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes in one precision; the peaks hold parameters, and what else is in memory at the worst moment.

    Where sizes are letters, a peak is the largest of the moments that can be the worst, `max(…)`; it is None where
    these are more than `MOST_MOMENTS`, or a block is repeated so often as a letter says.
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

    What a layer reads and its output are alive together; none works in place.

    >>> from backcalc.net import load_network
    >>> forward_peak(load_network("{input: {x: 10}, layers: [dense: 7, dense: 5]}"))
    17
    >>> forward_peak(load_network("{sizes: {d: null}, input: {x: 10}, layers: [dense: d, dense: 5]}"))
    (d + 10)
    """
    nodes = _computed(network)
    if _repeated(nodes):
        return None
    sizes = _sizes(network, nodes)
    last = {name: position for position, node in enumerate(nodes) for name in node.inputs}
    alive = sum(sizes[name] for name in network.inputs)
    moments = [alive]
    for position, node in enumerate(nodes):
        alive += sizes[node.name]
        moments.append(alive)
        alive -= sum(sizes[name] for name in sorted(set(node.inputs)) if last[name] == position)
    return _largest([batch * moment for moment in moments])


def training_peak(network: Network, trained: Collection[str], batch: int = 1) -> int | None:
    """The most outputs and gradients of outputs that are alive at once where every output is kept for the way back.

    `trained` are the layers through which gradients go. Going back, an output and its gradient are freed behind their
    layer.

    >>> from backcalc.net import load_network
    >>> training_peak(load_network("{input: {x: 10}, layers: [dense: 7, dense: 5]}"), {"dense_1", "dense_2"})
    34
    """
    nodes = _computed(network)
    if _repeated(nodes):
        return None
    sizes = _sizes(network, nodes)
    kept = sum(sizes.values())
    moments, gradients = [kept], dict[str, int]()
    for node in reversed(nodes):
        if node.name in trained:
            gradients.setdefault(node.name, sizes[node.name])
            gradients |= {name: sizes[name] for name in node.inputs if name in trained}
        moments.append(kept + sum(gradients.values()))
        gradients.pop(node.name, None)
        kept -= sizes[node.name]
    return _largest([batch * moment for moment in moments])


def _computed(network: Network) -> list[Node]:
    needed = network.needed()
    return [node for node in network.nodes if node.name in needed]


def _repeated(nodes: list[Node]) -> bool:
    """Whether a block stands for as many as a letter says."""
    return any(isinstance(node.copies, Size) for node in nodes)


def _largest(moments: list[int]) -> int | None:
    """The largest number; with letters, the largest of those that no other is at least as large as, term by term."""
    if not any(isinstance(moment, Size) for moment in moments):
        return max(moments)
    largest: list[int] = []
    for moment in sorted(set(moments), reverse=True):  # by the numbers of an example, so that the largest comes first
        if not any(_at_least(other, moment) for other in largest):
            largest.append(moment)
    if len(largest) == 1 or len(largest) > MOST_MOMENTS:
        return largest[0] if len(largest) == 1 else None
    worst = Call("max", tuple(formula_of(moment).expr for moment in largest))
    return Size(max(map(int, largest)), polynomial(worst), assumed_of(*largest))


def _at_least(one: int, other: int) -> bool:
    return all(coefficient >= 0 for coefficient in (formula_of(one) - formula_of(other)).terms.values())


def _sizes(network: Network, nodes: list[Node]) -> Mapping[str, int]:
    shapes = {**network.inputs, **{node.name: node.output_shape for node in nodes}}
    return {name: prod(shape) for name, shape in shapes.items()}
