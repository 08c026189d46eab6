"""The engine for one chain of dense layers that several processes compute together, each some units of every layer.

A process has the weights of its units to itself, in its cache too, and computes them for all samples. What it needs of
the others are their activations, and what their units add to derivatives; the loss is that of its share of the samples.
Arrays are `[units, samples]`. After M. Shoeybi et al. 2019, "Megatron-LM", section 3, for the product by rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from backcalc.layers.activation import Linear
from backcalc.layers.dense import Dense
from backcalc.net import Node
from backcalc.numeric.engine import Measured
from backcalc.numeric.kernels.base import Array, Pass
from backcalc.numeric.meeting import Meeting
from backcalc.numeric.plans.curves import activation
from backcalc.numeric.plans.stacked import is_stacked
from backcalc.numeric.plans.stages import Stage
from backcalc.numeric.run import Objective, Runner
from backcalc.numeric.share import Share, common

SMALL = 16_384
"""Arrays of fewer parameters are updated by one process whole."""


def is_spread(nodes: Sequence[Node]) -> bool:
    """Whether a chain is of dense layers and activations behind them."""
    return is_stacked(nodes) and isinstance(nodes[0].layer, Dense)


class Lines:
    """An array of rows and samples in memory that all processes have in common."""

    def __init__(self, rows: int, batch: int, dtype: np.dtype[np.floating]) -> None:
        self._numbers = common((rows * batch,), dtype)
        self._rows = rows

    def of(self, samples: int) -> Array:
        """The array for so many samples."""
        return self._numbers[: self._rows * samples].reshape(self._rows, samples)


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """A dense layer and the activations behind it: what all have in common."""

    node: Node
    functions: tuple[Node, ...]
    out: Lines
    into: tuple[Lines, ...]
    """What the units of each process add to the derivative by what the layer reads."""


class Units:
    """The units of one layer that a process has, for so many samples."""

    def __init__(
        self, layer: Layer, share: Share, parameters: Sequence[Array], gradients: Sequence[Array], samples: int
    ):
        units, features = layer.node.output_shape[0], layer.node.input_shape[0]
        self.own, self.before = share.within(units), share.within(features)
        self.weights, *self.bias = (array[self.own] for array in parameters)
        self.by_weights, *self.by_bias = (array[self.own] for array in gradients)
        dtype = self.weights.dtype
        self.y = np.empty((len(self.weights), samples), dtype)
        self.out = layer.out.of(samples)
        self.into = [lines.of(samples) for lines in layer.into]
        self.place = share.place
        self.gradient = np.empty((self.before.stop - self.before.start, samples), dtype)
        self.functions: list[Stage] = []
        free = True
        for node in layer.functions:
            function = activation(node.layer, self.y.shape, dtype, editable=free)
            assert function is not None  # `is_spread` has looked
            self.functions.append(function)
            free = function.free
        self.x = self.out

    def forward(self, x: Array) -> None:
        """Puts the own units into what all read."""
        self.x = x
        np.matmul(self.weights, x, out=self.y)
        if self.bias:
            self.y += self.bias[0][:, None]
        y = self.y
        for function in self.functions:
            y = function.forward(y, {})
        self.out[self.own] = y

    def backward(self, gradient: Array) -> None:
        """Derivatives by the own weights, and what the own units add to those by what the layer reads."""
        for function in reversed(self.functions):
            into = function.backward(gradient)
            assert into is not None
            gradient = into
        np.matmul(gradient, self.x.T, out=self.by_weights)
        if self.bias:
            np.add.reduce(gradient, axis=1, out=self.by_bias[0])
        if self.into:
            np.matmul(self.weights.T, gradient, out=self.into[self.place])

    def gathered(self) -> Array:
        """The derivative by the own part of what the layer reads."""
        first, *others = self.into
        np.copyto(self.gradient, first[self.before])
        for other in others:
            self.gradient += other[self.before]
        return self.gradient


class Spread:
    """The chain, in one process of several."""

    def __init__(
        self,
        runner: Runner,
        objective: Objective,
        nodes: Sequence[Node],
        flat: Array,
        gradients: Array,
        batch: int,
        meeting: Meeting,
    ) -> None:
        self.runner, self.objective, self.meeting = runner, objective, meeting
        self.flat, self.gradients = flat, gradients
        self.behind = [runner.output] if objective.of != runner.output.name else []
        self.layers: list[Layer] = []
        dtype, size = flat.dtype, meeting.size
        for node in nodes:
            if isinstance(node.layer, Dense):
                units, features = node.output_shape[0], node.input_shape[0]
                into = tuple(Lines(features, batch, dtype) for _ in range(size if self.layers else 0))
                self.layers.append(Layer(node, (), Lines(units, batch, dtype), into))
            elif not isinstance(node.layer, Linear):
                last = self.layers.pop()
                self.layers.append(Layer(last.node, (*last.functions, node), last.out, last.into))
        self.by_output = Lines(self.layers[-1].node.output_shape[0], batch, dtype)
        self.plans: dict[int, list[Units]] = {}

    @property
    def share(self) -> Share:
        """Which of the processes this is."""
        return Share(self.meeting.place, self.meeting.size)

    def part(self, x: Array, target: Array, samples: int) -> Measured:
        """Gradients of the own units for a mini-batch of `samples`; the losses and outputs of the own samples."""
        plan = self._plan(samples)
        value = x[0].T
        for units in plan:
            units.forward(value)
            self.meeting.meet()
            value = units.out
        own = self.share.within(samples)
        read, wanted = np.ascontiguousarray(value[:, own].T)[None], target[:, own]
        output = read
        for node in self.behind:  # the loss may read what the last activation does
            output = self.runner.kernels[node.name].forward([read], [], Pass(True)).output
        kernel, by_mean = self.objective.kernel, self.objective.loss.over == "mean"
        losses, by_output = np.zeros(1), self.by_output.of(samples)
        if read.shape[1]:
            weight = read.dtype.type(read.shape[1] / samples if by_mean else 1)
            losses = kernel.value(read, wanted) * weight
            by_output[:, own] = (kernel.gradient(read, wanted, output if self.behind else None)[0] * weight).T
        self.meeting.meet()
        gradient = by_output[plan[-1].own].copy()
        for units in reversed(plan):
            units.backward(gradient)
            if units.into:
                self.meeting.meet()
                gradient = units.gathered()
        return Measured(losses, output)

    def _plan(self, samples: int) -> list[Units]:
        if samples not in self.plans:
            pieces = self.runner.arena.pieces
            plan = []
            for layer in self.layers:
                own = [pieces[parameter.name] for parameter in layer.node.parameters]
                parameters, gradients = (
                    [piece.view(array)[0] for piece in own] for array in (self.flat, self.gradients)
                )
                plan.append(Units(layer, self.share, parameters, gradients, samples))
            self.plans[samples] = plan
        return self.plans[samples]

    @cached_property
    def own(self) -> list[slice]:
        """The parameters that this process updates: those of its units; of small arrays the last process has all."""
        found: list[slice] = []
        for piece in self.runner.arena.pieces.values():
            count = piece.stop - piece.start
            if count < SMALL:
                own = slice(piece.start, piece.stop) if self.share.place == self.share.of - 1 else slice(0, 0)
            else:
                width = count // piece.shape[0]
                units = self.share.within(piece.shape[0])
                own = slice(piece.start + width * units.start, piece.start + width * units.stop)
            if found and found[-1].stop == own.start:
                found[-1] = slice(found[-1].start, own.stop)
            elif own.stop > own.start:
                found.append(own)
        return found
