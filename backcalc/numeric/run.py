"""A network as arrays: forward over its layers, backward over the same, all trials of a stack at once.

>>> from backcalc.net import load_network
>>> network = load_network({"input": 2, "layers": [{"dense": {"name": "z", "units": 1}}], "loss": "sse"})
>>> losses, gradients = loss_and_gradients(
...     network, {"W_z": [[1, 2]], "b_z": [0]}, {"x": [[1, 1]], "t": [[1]]}
... )
>>> losses, gradients["W_z"].tolist()
(4.0, [[4.0, 4.0]])
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from backcalc.formula.size import Size
from backcalc.layers import LOSSES, Loss, Parameter
from backcalc.layers.activation import Sigmoid
from backcalc.layers.loss import OneClass
from backcalc.layers.loss_likelihood import (
    BinaryCrossEntropy,
    CrossEntropy,
    NegativeLogLikelihood,
    OverClasses,
)
from backcalc.layers.norm import Norm
from backcalc.layers.softmax import Softmax
from backcalc.net import Network, Node
from backcalc.numeric.arena import Arena, arena_of, floats
from backcalc.numeric.kernels import LOSS_KERNELS, Array, Kernel, LossKernel, NotTrainable, Pass, Result, kernel_of

STABLE: Mapping[tuple[type, type], str] = {
    (Softmax, CrossEntropy): "cross_entropy_logits",
    (Softmax, NegativeLogLikelihood): "nll_logits",
    (Sigmoid, BinaryCrossEntropy): "bce_logits",
}
"""A last activation and a loss that are computed as one, from what the activation reads: no logarithm of 0."""


@dataclass(frozen=True, slots=True)
class Forward:
    """A forward pass: what every layer put out, and how each goes back."""

    outputs: Mapping[str, Array]
    results: Mapping[str, Result]


@dataclass(frozen=True, slots=True)
class Backward:
    """The losses of all trials, the derivatives `[trials, parameters]`, and the statistics of the batch.

    `into` are the derivatives by what layers read and put out.
    """

    losses: Array
    gradients: Array
    into: Mapping[str, Array]
    statistics: Mapping[str, tuple[Array, ...]] = field(default_factory=dict)


class Runner:
    """The kernels of a network in their places. It holds no numbers: those are handed in.

    Raises NotTrainable where the network is a set of equations, which has no layers, or a size of it is a letter.
    """

    def __init__(self, network: Network) -> None:
        if not network.nodes:
            raise NotTrainable("a set of equations has no layers to train; write the network as `layers`")
        letters = {letter for size in _sizes(network) if isinstance(size, Size) for letter in size.letters}
        if letters:
            named = ", ".join(f"`{letter}`" for letter in sorted(letters))
            raise NotTrainable(f"arrays need sizes that are numbers; give one to {named}, in `sizes`")
        needed = network.needed()
        self.network = network
        self.nodes: tuple[Node, ...] = tuple(node for node in network.nodes if node.name in needed)
        shapes = dict(network.inputs) | {node.name: node.output_shape for node in self.nodes}
        self.kernels: Mapping[str, Kernel[Any]] = {
            node.name: kernel_of(node, tuple(shapes[name] for name in node.inputs)) for node in self.nodes
        }
        self.arena: Arena = arena_of(self.nodes)
        self.output = network.node(network.output) if network.output else self.nodes[-1]

    @property
    def draws(self) -> bool:
        """Whether a layer draws random numbers in training."""
        return any(type(kernel).draw is not Kernel.draw for kernel in self.kernels.values())

    def draw(self, generators: Sequence[Any], samples: int, dtype: np.dtype[Any]) -> dict[str, Array]:
        """What all random layers draw for a mini-batch."""
        drawn: dict[str, Array] = {}
        for node in self.nodes:
            drawn |= self.kernels[node.name].draw(generators, samples, dtype)
        return drawn

    def forward(self, flat: Array, still: Mapping[str, Array], inputs: Mapping[str, Array], going: Pass) -> Forward:
        """All outputs, from the inputs `[trials, samples, *shape]`."""
        outputs = dict(inputs)
        results: dict[str, Result] = {}
        for node in self.nodes:
            parameters = [self.arena.read(flat, still, parameter.name) for parameter in node.parameters]
            sources = [outputs[name] for name in node.inputs]
            results[node.name] = self.kernels[node.name].forward(sources, parameters, going)
            outputs[node.name] = results[node.name].output
        return Forward(outputs, results)

    def backward(self, flat: Array, forward: Forward, start: str, gradient: Array) -> tuple[Array, Mapping[str, Array]]:
        """The derivatives by all parameters, from that by the output `start`; then those by all that layers read."""
        into = {start: gradient}
        total: Array = np.zeros_like(flat)
        for node in reversed(self.nodes):
            if node.name not in into:
                continue
            found = forward.results[node.name].backward(into[node.name])
            for parameter, each in zip(node.parameters, found.parameters, strict=True):
                if each is not None:
                    self.arena.give(total, parameter.name, each)
            for name, each in zip(node.inputs, found.inputs, strict=True):
                if each is not None:
                    into[name] = into[name] + each if name in into else each
        return total, into


def _sizes(network: Network) -> Iterator[int]:
    """Every size of the network's arrays."""
    for shape in network.inputs.values():
        yield from shape
    for node in network.nodes:
        yield from node.output_shape
        for parameter in node.parameters:
            yield from parameter.shape


class Objective:
    """The loss of a network and its penalty, computed on the output or, where that is stabler, just before it.

    Raises NotTrainable where the network has no loss.
    """

    def __init__(self, runner: Runner, *, l1: float = 0.0, l2: float = 0.0) -> None:
        network = runner.network
        if network.criterion is None:
            raise NotTrainable("the network has no loss; add one, as in `loss: cross_entropy`")
        self.loss: Loss = network.criterion
        last = runner.output
        self.of = last.name
        stable = STABLE.get((type(last.layer), type(self.loss)))
        kind = type(self.loss)
        if stable is not None and last.inputs[0] not in network.inputs:
            self.of, kind = last.inputs[0], LOSSES[stable]
        self.kernel: LossKernel[Loss] = LOSS_KERNELS[kind](self.loss)
        self.shape = last.output_shape
        self._penalties(runner, l1, l2)

    def _penalties(self, runner: Runner, l1: float, l2: float) -> None:
        """Which numbers of the flat array the penalty weighs, each once, and the factors, those of the file added."""
        penalty = runner.network.penalty
        self.weighed: Array = np.zeros(runner.arena.size)
        self.l1, self.l2 = l1, l2
        if penalty is not None:
            self.l1 += self._factor(runner.network, penalty.l1)
            self.l2 += self._factor(runner.network, penalty.l2)
        for node in runner.nodes:
            for parameter in () if isinstance(node.layer, Norm) else node.parameters:
                counts = parameter.role == "weight" or (penalty is not None and penalty.biases)
                if parameter.trainable and counts:
                    self.weighed[_places(runner.arena, parameter)] = 1

    @staticmethod
    def _factor(network: Network, factor: Fraction | str | None) -> float:
        if not isinstance(factor, str):
            return float(factor or 0)
        value = network.values.get(factor)
        if not isinstance(value, Fraction):
            raise NotTrainable(f"the factor `{factor}` of the penalty has no value; give it in `values`")
        return float(value)

    def target(self, batch: Mapping[str, Array], trials: int, samples: int, dtype: np.dtype[Any]) -> Array:
        """The targets of a batch: those handed in, or those that the file gives."""
        given = self.loss.target
        if isinstance(given, str):
            return batch[given]
        if isinstance(self.loss, OneClass):
            return np.broadcast_to(np.array(floats(given), dtype), (trials, samples))
        if isinstance(self.loss, OverClasses) and isinstance(given, Fraction):
            return np.broadcast_to(np.eye(self.shape[0], dtype=dtype)[int(given) - 1], (trials, samples, *self.shape))
        return np.broadcast_to(np.array(floats(given), dtype), (trials, samples, *self.shape))

    def value(self, forward: Forward, flat: Array, target: Array) -> Array:
        """The loss of every trial, penalty included."""
        return self.penalised(self.kernel.value(forward.outputs[self.of], target), flat)

    def penalised(self, losses: Array, flat: Array) -> Array:
        """The losses of all trials and their penalties."""
        if self.l2:
            losses = losses + self.l2 * (flat * flat * self.weighed).sum(axis=1)
        if self.l1:
            losses = losses + self.l1 * (np.abs(flat) * self.weighed).sum(axis=1)
        return losses.astype(flat.dtype)

    def gradient(self, forward: Forward, target: Array) -> Array:
        """The derivative by the output `of`."""
        return self.kernel.gradient(forward.outputs[self.of], target)

    def add_penalty(self, flat: Array, gradients: Array) -> None:
        """Adds the derivative of the penalty; that of |w| at 0 is 0."""
        if self.l2:
            gradients += (2 * self.l2 * self.weighed).astype(flat.dtype) * flat
        if self.l1:
            gradients += (self.l1 * self.weighed).astype(flat.dtype) * np.sign(flat)


def _places(arena: Arena, parameter: Parameter) -> Any:
    if parameter.name in arena.made:
        places = arena.made[parameter.name].places
        return places[places >= 0]
    piece = arena.pieces[parameter.name]
    return slice(piece.start, piece.stop)


def step(
    runner: Runner,
    objective: Objective,
    flat: Array,
    still: Mapping[str, Array],
    batch: Mapping[str, Array],
    going: Pass,
) -> Backward:
    """Losses, derivatives and statistics of one mini-batch, `[trials, samples, …]`, by the reference kernels."""
    inputs = {name: batch[name] for name in runner.network.inputs}
    first = next(iter(inputs.values()))
    forward = runner.forward(flat, still, inputs, going)
    target = objective.target(batch, len(flat), first.shape[1], flat.dtype)
    gradients, into = runner.backward(flat, forward, objective.of, objective.gradient(forward, target))
    objective.add_penalty(flat, gradients)
    statistics = {name: result.statistics for name, result in forward.results.items() if result.statistics}
    return Backward(objective.value(forward, flat, target), gradients, into, statistics)


def starting(runner: Runner, trials: int, dtype: np.dtype[Any]) -> dict[str, Array]:
    """Running statistics before training: means of 0, variances of 1; fixed centres of 0."""
    still = runner.arena.still.items()
    return {
        name: np.full((trials, *each.shape), each.role == "statistic" and name.startswith("var"), dtype)
        for name, each in still
    }


def loss_and_gradients(
    network: Network,
    parameters: Mapping[str, Any],
    batch: Mapping[str, Any],
    *,
    training: bool = True,
    dtype: type[np.floating[Any]] = np.float64,
) -> tuple[float, dict[str, Array]]:
    """The loss of a mini-batch and its derivatives by every parameter and all that layers read, of one network.

    `parameters` are arrays by name, in use with the running statistics; `batch` holds the inputs `[samples, *shape]`,
    the targets and, in training, what random layers drew, by name. Raises KeyError where one is missing.
    """
    runner = Runner(network)
    objective = Objective(runner)
    kind = np.dtype(dtype)
    flat = runner.arena.flat(parameters, kind)
    still = starting(runner, 1, kind)
    for name in still.keys() & parameters.keys():
        still[name][...] = np.asarray(parameters[name], kind)
    stacked = {name: np.asarray(array, kind)[None] for name, array in batch.items()}
    found = step(runner, objective, flat, still, stacked, Pass(training, stacked))
    gradients = {name: array[0] for name, array in runner.arena.named(found.gradients).items()}
    return float(found.losses[0]), gradients | {name: array[0] for name, array in found.into.items()}
