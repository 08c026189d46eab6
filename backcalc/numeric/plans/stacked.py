"""The engine for a stack of networks that are not narrow: one stacked product of matrices a layer, for many trials.

Arrays are `[trials, features, samples]`; trials are taken in blocks whose arrays stay in the cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from backcalc.layers import Layer
from backcalc.layers.activation import Linear
from backcalc.layers.dense import Dense
from backcalc.net import Node
from backcalc.numeric.engine import EVERY, Measured
from backcalc.numeric.kernels.base import Array, Pass
from backcalc.numeric.plans import stages
from backcalc.numeric.plans.curves import activation, is_activation
from backcalc.numeric.run import Objective, Runner
from backcalc.numeric.share import Zeros

BLOCK = 65_536
"""So many numbers the widest layer has in a block of trials, over all samples."""


def is_stacked(nodes: Sequence[Node]) -> bool:
    """Whether the chain is of dense layers and activations on vectors."""
    return all(len(node.input_shape) == 1 and is_dense(node.layer) for node in nodes)


def is_dense(layer: Layer) -> bool:
    """Whether the layer is dense, or an activation between such layers."""
    return isinstance(layer, (Dense, Linear)) or is_activation(layer)


class Products(stages.Stage):
    """A dense layer of every trial: `Y = W X + b`, its derivatives where they stand in the flat array."""

    free = True

    def __init__(self, parameters: Sequence[Array], gradients: Sequence[Array], samples: int, *, first: bool) -> None:
        self.weights, *self.bias = parameters
        self.by_weights, *self.by_bias = gradients
        trials, units, features = self.weights.shape
        self.out = np.empty((trials, units, samples), self.weights.dtype)
        self.into = None if first else np.empty((trials, features, samples), self.weights.dtype)
        self.ones = np.ones((samples, 1), self.weights.dtype)
        self.x = self.out

    def forward(self, x: Array, drawn: Any) -> Array:
        self.x = x
        np.matmul(self.weights, x, out=self.out)
        if self.bias:
            self.out += self.bias[0][..., None]
        return self.out

    def backward(self, gradient: Array) -> Array | None:
        np.matmul(gradient, self.x.swapaxes(1, 2), out=self.by_weights)
        if self.bias:
            np.matmul(gradient, self.ones, out=self.by_bias[0][..., None])
        return None if self.into is None else np.matmul(self.weights.swapaxes(1, 2), gradient, out=self.into)


class Stacked:
    """Mini-batches of all trials, block by block; no two layers share an array."""

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
        self.runner, self.objective, self.nodes = runner, objective, nodes
        self.flat, self.still, self.gradients = flat, still, zeros(flat.shape, flat.dtype)
        self.behind = runner.nodes[len(nodes) :]
        self.plans: dict[tuple[int, int], list[stages.Stage]] = {}

    def step(self, x: Array, target: Array, randoms: Sequence[Any], trials: slice = EVERY) -> Measured:
        """Losses and gradients of a mini-batch `[trials, samples, features]`."""
        count, samples = x.shape[:2]
        read = np.empty((count, samples, *self.nodes[-1].output_shape), self.flat.dtype)
        output = np.empty((count, samples, *self.runner.output.output_shape), read.dtype) if self.behind else read
        losses = np.empty(count, self.flat.dtype)
        widest = max(node.output_shape[0] for node in self.nodes)
        width = max(1, BLOCK // (samples * widest))
        for start in range(0, count, width):
            block = slice(start, min(start + width, count))
            first = trials.start + start
            if (first, samples) not in self.plans:
                self.plans[first, samples] = self._stages(slice(first, trials.start + block.stop), samples)
            plan = self.plans[first, samples]
            out = x[block].swapaxes(1, 2)
            for stage in plan:
                out = stage.forward(out, {})
            read[block] = out.swapaxes(1, 2)
            losses[block] = self.objective.kernel.value(read[block], target[block])
            for node in self.behind:  # the loss may read what the last activation does
                output[block] = self.runner.kernels[node.name].forward([read[block]], [], Pass(True)).output
            known = output[block] if self.behind else None
            gradient = self.objective.kernel.gradient(read[block], target[block], known)
            into: Array | None = np.ascontiguousarray(gradient.swapaxes(1, 2))
            for stage in reversed(plan):
                if into is not None:
                    into = stage.backward(into)
        flat = self.flat[trials]
        self.objective.add_penalty(flat, self.gradients[trials])
        return Measured(self.objective.penalised(losses, flat), output)

    def _stages(self, block: slice, samples: int) -> list[stages.Stage]:
        made: list[stages.Stage] = []
        for node in self.nodes:
            shape = (block.stop - block.start, node.output_shape[0], samples)
            if isinstance(node.layer, Linear):
                made.append(stages.Same())
            elif isinstance(node.layer, Dense):
                pieces = [self.runner.arena.pieces[parameter.name] for parameter in node.parameters]
                parameters, gradients = (
                    [piece.view(array)[block] for piece in pieces] for array in (self.flat, self.gradients)
                )
                made.append(Products(parameters, gradients, samples, first=node is self.nodes[0]))
            else:
                stage = activation(node.layer, shape, self.flat.dtype, editable=bool(made) and made[-1].free)
                assert stage is not None
                made.append(stage)
        return made
