"""The engine for many narrow networks: the trials stand innermost, `[features, samples, trials]`.

Where layers are a few numbers wide a product of matrices is all overhead. Element by element it is a handful of passes
over long rows, the same for a thousand networks as for one. Trials are taken in blocks whose arrays stay in the cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from backcalc.layers.activation import Linear
from backcalc.layers.dense import Dense
from backcalc.net import Node
from backcalc.numeric.engine import EVERY, Measured
from backcalc.numeric.kernels.base import Array, Pass
from backcalc.numeric.plans import stages
from backcalc.numeric.plans.curves import activation
from backcalc.numeric.plans.stacked import is_stacked
from backcalc.numeric.run import Objective, Runner
from backcalc.numeric.share import Zeros

WIDEST = 8
"""From this many features on products of matrices are faster."""

FEWEST = 16
"""With fewer trials the rows are too short."""

BLOCK = 32_768
"""So many numbers a feature has in a block of trials, over all samples."""


def is_narrow(nodes: Sequence[Node], trials: int) -> bool:
    """Whether the chain is of dense layers and activations, narrow ones, and there are trials enough."""
    sizes = [size for node in nodes for size in (*node.input_shape, *node.output_shape)]
    return is_stacked(nodes) and trials >= FEWEST and max(sizes) <= WIDEST


class Products(stages.Stage):
    """A dense layer, feature by feature: `z[j] = Σ W[j,k] x[k] + b[j]` over rows of samples and trials.

    Behind the first nobody asks for derivatives by what it reads.
    """

    free = True

    def __init__(self, parameters: Sequence[Array], gradients: Sequence[Array], samples: int, *, first: bool) -> None:
        self.weights, *self.bias = parameters
        self.by_weights, *self.by_bias = gradients
        units, features, trials = self.weights.shape
        self.out = np.empty((units, samples, trials), self.weights.dtype)
        self.into = None if first else np.empty((features, samples, trials), self.weights.dtype)
        self.x = self.out

    def forward(self, x: Array, drawn: Any) -> Array:
        self.x = x
        np.einsum("jkt,kst->jst", self.weights, x, out=self.out)
        if self.bias:
            self.out += self.bias[0][:, None]
        return self.out

    def backward(self, gradient: Array) -> Array | None:
        np.einsum("jst,kst->jkt", gradient, self.x, out=self.by_weights)
        if self.bias:
            np.add.reduce(gradient, axis=1, out=self.by_bias[0])
        if self.into is not None:
            np.einsum("jkt,jst->kst", self.weights, gradient, out=self.into)
        return self.into


@dataclass(frozen=True, slots=True, eq=False)
class _Plan:
    """The stages of one block of trials, and the buffers of what comes in."""

    stages: tuple[stages.Stage, ...]
    x: Array


class Narrow:
    """Mini-batches of all trials, block by block. Parameters are kept `[parameters, trials]`."""

    divides = True

    def __init__(
        self,
        runner: Runner,
        objective: Objective,
        flat: Array,
        still: dict[str, Array],
        nodes: Sequence[Node],
        zeros: Zeros = np.zeros,
    ) -> None:
        self.runner, self.objective, self.nodes, self.still = runner, objective, nodes, still
        self._numbers, self._by_numbers = (zeros(flat.T.shape, flat.dtype) for _ in range(2))
        self._numbers[...] = flat.T
        self.flat, self.gradients = self._numbers.T, self._by_numbers.T
        self.behind = runner.nodes[len(nodes) :]
        self.plans: dict[tuple[int, int], _Plan] = {}

    def step(self, x: Array, target: Array, randoms: Sequence[Any], trials: slice = EVERY) -> Measured:
        """Losses and gradients of a mini-batch `[trials, samples, features]`."""
        count, samples = x.shape[:2]
        read = np.empty((self.nodes[-1].output_shape[0], samples, count), self.flat.dtype).transpose(2, 1, 0)
        width = max(1, BLOCK // samples)
        losses = np.empty(count, self.flat.dtype)
        for start in range(0, count, width):
            stop = min(start + width, count)
            plan = self._plan(trials.start + start, trials.start + stop, samples)
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
        flat = self.flat[trials]
        self.objective.add_penalty(flat, self.gradients[trials])
        return Measured(self.objective.penalised(losses, flat), self._output(read))

    def _plan(self, start: int, stop: int, samples: int) -> _Plan:
        """The stages for a block of trials and so many samples; views of its parameters are made once."""
        if (start, samples) in self.plans:
            return self.plans[start, samples]
        made: list[stages.Stage] = []
        trials, dtype = stop - start, self.flat.dtype
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
                made.append(Products(parameters, gradients, samples, first=node is self.nodes[0]))
                continue
            stage = activation(node.layer, shape, dtype, editable=bool(made) and made[-1].free)
            assert stage is not None
            made.append(stage)
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
