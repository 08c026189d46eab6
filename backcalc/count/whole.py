"""The whole cost of a network: forward, backward and a step of training, and the memory that they take."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import Literal

from backcalc.count.backward import Backward, Operations, backward
from backcalc.count.build import count, priced
from backcalc.count.conventions import Prices
from backcalc.count.memory import PRECISIONS, Memory, forward_peak, training_peak
from backcalc.count.table import Formula, Table, lettered
from backcalc.formula.errors import nearest
from backcalc.formula.size import Size
from backcalc.layers.base import product
from backcalc.net import Network, Node
from backcalc.net.update import UPDATES

BOTH_WAYS = ("exact", "2mac", "mac", "torchvision", "torch")
"""The conventions that say what the backward pass is."""


class WholeError(ValueError):
    """A cost that cannot be told: why, in words."""


@dataclass(frozen=True, slots=True)
class Passes:
    """What one layer costs: forward, the derivative by its input, the derivatives by its parameters.

    `known` is False where the operations of the way back are not counted.
    """

    name: str
    kind: str
    forward: int
    inputs: Formula
    parameters: Formula
    known: bool = True

    @property
    def backward(self) -> int:
        """Both derivatives."""
        return self.inputs.value + self.parameters.value

    def to_json(self) -> dict[str, object]:
        """The passes as JSON has them."""
        found = {"name": self.name, "kind": self.kind, "forward": self.forward, "backward": self.backward}
        formulas = {"inputs": str(self.inputs), "parameters": str(self.parameters)}
        return lettered({**found, "known": self.known}) | {"formulas": formulas}


@dataclass(frozen=True, slots=True)
class Whole:
    """The whole cost. `joins` are the additions where gradients meet: of an output or an array that is used twice.

    `intensity` is how many forward operations there are for a byte in fp32, every array read or written once;
    `optimiser` is whose state is kept, `memory` the bytes by precision.
    """

    table: Table
    rows: tuple[Passes, ...]
    joins: int
    optimiser: str
    states: int
    intensity: Fraction | None
    memory: tuple[Memory, ...]

    @property
    def forward(self) -> int:
        """The operations of the forward pass."""
        return self.table.totals.flops.value

    @property
    def backward(self) -> int:
        """The operations of the backward pass."""
        return sum(row.backward for row in self.rows) + self.joins

    @property
    def step(self) -> int:
        """Forward and backward; the loss and the update itself are left out."""
        return self.forward + self.backward

    @property
    def unknown(self) -> tuple[str, ...]:
        """The kinds of layers whose operations on the way back are not counted: totals are then at least so many."""
        return tuple(dict.fromkeys(row.kind for row in self.rows if not row.known))

    def to_json(self) -> dict[str, object]:
        """The whole cost as JSON has it: the fields of `count`, and `training`."""
        training = lettered(
            {"forward": self.forward, "backward": self.backward, "step": self.step, "joins": self.joins}
        )
        training |= {"at_least": bool(self.unknown), "not_counted": list(self.unknown)}
        training |= {"layers": [row.to_json() for row in self.rows]}
        memory: dict[str, object] = {
            "optimiser": self.optimiser,
            "states": self.states,
            "intensity": None if self.intensity is None else float(self.intensity),
            "by_precision": [lettered(each.to_json()) for each in self.memory],
        }
        return self.table.to_json() | {"training": training, "memory": memory}


def whole(
    network: Network,
    flops: str = "exact",
    bias: bool = True,
    batch: int = 1,
    causal: Literal["full", "exact"] = "full",
    optimiser: str | None = None,
) -> Whole:
    """Counts a step of training: FLOPs both ways and memory. `optimiser` is by default that of the file's `update`.

    No derivative is taken by the input of a layer where nothing before it has parameters.

    >>> from backcalc.net import load_network
    >>> found = whole(load_network("resnet18"), flops="2mac")
    >>> found.step, 3 * found.forward - found.step
    (10648412160, 236027904)

    Raises WholeError for a convention that does not say what the backward pass is, and for an unknown optimiser.
    """
    if flops not in BOTH_WAYS:
        raise WholeError(f"`{flops}` says nothing of the backward pass; {', '.join(BOTH_WAYS)} do")
    optimiser = optimiser or network.update.kind
    if optimiser not in UPDATES:
        close = nearest(optimiser, UPDATES)
        raise WholeError(
            f"unknown optimiser `{optimiser}`; {f'did you mean `{close}`?' if close else ', '.join(UPDATES)}"
        )
    table = count(network, flops, bias=bias, batch=batch, causal=causal)
    needed, trained = network.needed(), _trained(network)
    prices, rows, cache = table.convention.prices, [], 0
    for node, row in zip(network.nodes, table.rows, strict=True):
        cost = priced(node, bias=bias, padding_connections=True, masked=causal == "exact")
        found = backward(node, cost, batch) if node.name in needed and node.name in trained else Backward()
        cache += Formula(cost.cache).times(node.copies).value
        by_input = found.inputs if any(name in trained for name in node.inputs) else {}
        by_parameters = found.parameters if any(each.trainable for each in node.parameters) else {}
        known = found.known or ("add" not in prices and "macs" in found.inputs)
        rows.append(
            Passes(
                *(row.name, row.kind, row.flops),
                _priced(by_input, prices).times(node.copies),
                _priced(by_parameters, prices).times(node.copies),
                known,
            )
        )
    joins = _joins(network, trained, batch) if "add" in prices else 0
    states = len(UPDATES[optimiser].state)
    memory = tuple(_memory(network, table, trained, cache, states))
    return Whole(table, tuple(rows), joins, optimiser, states, _intensity(network, table), memory)


def _trained(network: Network) -> frozenset[str]:
    """The layers whose output depends on a parameter, so that a gradient goes back to it."""
    found: set[str] = set()
    for node in network.nodes:
        if any(each.trainable and each.role != "statistic" for each in node.parameters) or found & set(node.inputs):
            found.add(node.name)
    return frozenset(found)


def _priced(operations: Operations, prices: Prices) -> Formula:
    """The operations that have a price, as one formula."""
    terms = [product(prices[kind], number) for kind, number in operations.items() if kind in prices and number != "0"]
    return Formula(" + ".join(term for term in terms if term != "0") or "0")


def _joins(network: Network, trained: frozenset[str], batch: int) -> int:
    """The additions where an output is read more than once, and where an array of weights is."""
    needed = network.needed()
    nodes = [node for node in network.nodes if node.name in needed]
    reads = Counter(name for node in nodes for name in node.inputs if node.name in trained)
    outputs = (
        (reads[node.name] - 1) * batch * prod(node.output_shape) * node.copies
        for node in nodes
        if node.name in trained and reads[node.name] > 1
    )
    arrays = [each for node in nodes for each in node.parameters if each.trainable and each.role != "statistic"]
    uses = Counter(each.name for each in arrays)
    sizes = {each.name: each.count for each in arrays}
    return sum(outputs) + sum((number - 1) * sizes[name] for name, number in uses.items())


def _memory(network: Network, table: Table, trained: frozenset[str], cache: int, states: int) -> Iterator[Memory]:
    params, total = table.totals.params, table.totals.total
    forward, training = forward_peak(network, table.batch), training_peak(network, trained, table.batch)
    for each in PRECISIONS:
        parameters, gradients = each.parameter * total, each.gradient * params
        state = each.state * states * params + each.master * params
        yield Memory(
            each,
            parameters,
            gradients,
            state,
            None if forward is None else parameters + each.output * forward,
            None if training is None else parameters + gradients + state + each.output * training,
            each.output * cache,
        )


def _intensity(network: Network, table: Table) -> Fraction | None:
    """Forward operations for a byte in fp32: parameters, inputs and outputs of every layer once."""
    flops, needed = table.totals.flops.value, network.needed()
    nodes: Mapping[str, Node] = {node.name: node for node in network.nodes if node.name in needed}
    shapes = {**network.inputs, **{name: node.output_shape for name, node in nodes.items()}}
    moved = sum(prod(shapes[name]) for node in nodes.values() for name in (*node.inputs, node.name))
    bytes_moved = 4 * (table.totals.total + table.batch * moved)
    if isinstance(flops, Size) or isinstance(bytes_moved, Size):
        return None
    return Fraction(flops, bytes_moved) if bytes_moved else None
