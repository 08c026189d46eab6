"""The engine for many narrow networks: the trials stand innermost, `[features, samples, trials]`.

Where layers are a few numbers wide a product of matrices is all overhead. Element by element it is a handful of passes
over long rows, the same for a thousand networks as for one. Trials are taken in blocks whose arrays stay in the cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from backcalc.layers import Layer
from backcalc.layers.activation import Linear
from backcalc.layers.dense import Dense
from backcalc.net import Node
from backcalc.numeric.engine import Measured
from backcalc.numeric.kernels.base import Array, Pass
from backcalc.numeric.plans import stages
from backcalc.numeric.run import Objective, Runner

WIDEST = 8
"""From this many features on products of matrices are faster."""

FEWEST = 16
"""With fewer trials the rows are too short."""

BLOCK = 16_384
"""So many numbers a feature has in a block of trials, over all samples."""


def is_narrow(nodes: Sequence[Node], trials: int) -> bool:
    """Whether the chain is of dense layers and activations, narrow ones, and there are trials enough."""
    sizes = [size for node in nodes for size in (*node.input_shape, *node.output_shape)]
    kinds: tuple[type[Layer], ...] = (Dense, Linear, *stages.POINTWISE)
    vectors = all(len(node.input_shape) == 1 for node in nodes)
    return vectors and trials >= FEWEST and max(sizes) <= WIDEST and all(isinstance(n.layer, kinds) for n in nodes)


class Rooms:
    """Buffers that stages share, so that they stay in the cache: two for derivatives in turn, one for terms."""

    def __init__(self, samples: int, trials: int, dtype: np.dtype[Any]) -> None:
        self._shape = samples, trials
        self._dtype = dtype
        self._made: dict[tuple[int, int], Array] = {}

    def get(self, which: int, features: int) -> Array:
        """The buffer of that number for so many features."""
        if (which, features) not in self._made:
            self._made[which, features] = np.empty((features, *self._shape), self._dtype)
        return self._made[which, features]


class Products(stages.Stage):
    """A dense layer, feature by feature: `z[j] = Σ W[j,k] x[k] + b[j]` over rows of samples and trials.

    `place` counts the dense layers before; behind the first nobody asks for derivatives by what it reads.
    """

    free = True

    def __init__(self, parameters: Sequence[Array], gradients: Sequence[Array], rooms: Rooms, place: int) -> None:
        self.weights, *self.bias = parameters
        self.by_weights, *self.by_bias = gradients
        units, features, _ = self.weights.shape
        self.room, self.room_into = rooms.get(2, units), rooms.get(2, features)
        self.out, self.into = np.empty_like(self.room), rooms.get(place % 2, features)
        self.first, self.x = place == 0, self.out

    def forward(self, x: Array, drawn: Any) -> Array:
        self.x = x
        np.multiply(self.weights[:, 0, None], x[0], out=self.out)
        for k in range(1, len(x)):
            np.multiply(self.weights[:, k, None], x[k], out=self.room)
            self.out += self.room
        if self.bias:
            self.out += self.bias[0][:, None]
        return self.out

    def backward(self, gradient: Array) -> Array | None:
        for k, x in enumerate(self.x):
            np.multiply(gradient, x, out=self.room)
            np.add.reduce(self.room, axis=1, out=self.by_weights[:, k])
        if self.bias:
            np.add.reduce(gradient, axis=1, out=self.by_bias[0])
        if self.first:
            return None
        np.multiply(self.weights[0, :, None], gradient[0], out=self.into)
        for j in range(1, len(gradient)):
            np.multiply(self.weights[j, :, None], gradient[j], out=self.room_into)
            self.into += self.room_into
        return self.into


@dataclass(frozen=True, slots=True, eq=False)
class _Plan:
    """The stages of one block of trials, and the buffers of what comes in."""

    stages: tuple[stages.Stage, ...]
    x: Array


class Narrow:
    """Mini-batches of all trials, block by block. Parameters are kept `[parameters, trials]`."""

    def __init__(
        self, runner: Runner, objective: Objective, flat: Array, still: dict[str, Array], nodes: Sequence[Node]
    ) -> None:
        self.runner, self.objective, self.nodes, self.still = runner, objective, nodes, still
        self._numbers = np.ascontiguousarray(flat.T)
        self._by_numbers = np.zeros_like(self._numbers)
        self.flat, self.gradients = self._numbers.T, self._by_numbers.T
        self.behind = runner.nodes[len(nodes) :]
        self.plans: dict[tuple[int, int], _Plan] = {}

    def step(self, x: Array, target: Array, randoms: Sequence[Any]) -> Measured:
        """Losses and gradients of a mini-batch `[trials, samples, features]`."""
        trials, samples = x.shape[:2]
        read = np.empty((self.nodes[-1].output_shape[0], samples, trials), self.flat.dtype).transpose(2, 1, 0)
        width = max(1, BLOCK // samples)
        losses = np.empty(trials, self.flat.dtype)
        for start in range(0, trials, width):
            stop = min(start + width, trials)
            plan = self._plan(start, stop, samples)
            np.copyto(plan.x, x[start:stop].transpose(2, 1, 0))
            out = plan.x
            for stage in plan.stages:
                out = stage.forward(out, {})
            seen, wanted = read[start:stop], target[start:stop]
            seen[...] = out.transpose(2, 1, 0)
            losses[start:stop] = self.objective.kernel.value(seen, wanted)
            gradient = self.objective.kernel.gradient(seen, wanted).transpose(2, 1, 0)
            into: Array | None = np.ascontiguousarray(gradient)
            for stage in reversed(plan.stages):
                if into is not None:
                    into = stage.backward(into)
        self.objective.add_penalty(self.flat, self.gradients)
        return Measured(self.objective.penalised(losses, self.flat), self._output(read))

    def _plan(self, start: int, stop: int, samples: int) -> _Plan:
        """The stages for a block of trials and so many samples; views of its parameters are made once."""
        if (start, samples) in self.plans:
            return self.plans[start, samples]
        made: list[stages.Stage] = []
        trials, dtype = stop - start, self.flat.dtype
        rooms = Rooms(samples, trials, dtype)
        for node in self.nodes:
            shape = (node.output_shape[0], samples, trials)
            if isinstance(node.layer, Linear):
                made.append(stages.Same())
                continue
            if isinstance(node.layer, Dense):
                parameters, gradients = (
                    [self._view(array, parameter.name)[..., start:stop] for parameter in node.parameters]
                    for array in (self._numbers, self._by_numbers)
                )
                made.append(Products(parameters, gradients, rooms, sum(isinstance(each, Products) for each in made)))
                continue
            function = stages.pointwise(node.layer, shape, dtype)
            assert function is not None
            copy = None if made and made[-1].free else np.empty(shape, dtype)
            made.append(stages.Activation(function, copy))
        plan = _Plan(tuple(made), np.empty((self.nodes[0].input_shape[0], samples, trials), dtype))
        self.plans[start, samples] = plan
        return plan

    def _view(self, numbers: Array, name: str) -> Array:
        """An array of parameters, `[*shape, trials]`."""
        piece = self.runner.arena.pieces[name]
        return numbers[piece.start : piece.stop].reshape(*piece.shape, -1)

    def _output(self, read: Array) -> Array:
        """What the network puts out: the loss may read what its last activation does."""
        for node in self.behind:
            read = self.runner.kernels[node.name].forward([read], [], Pass(True)).output
        return read
