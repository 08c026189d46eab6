"""The engine for one network: stages planned once for every size of a block of samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from backcalc.layers.loss import RootMeanSquare
from backcalc.layers.norm import BatchNorm
from backcalc.numeric.engine import EVERY, Measured
from backcalc.numeric.kernels.base import Array, Pass
from backcalc.numeric.plans.graph import Graph
from backcalc.numeric.plans.kernelled import Numbers
from backcalc.numeric.plans.layout import as_samples, laid_out
from backcalc.numeric.plans.lower import tasks_of
from backcalc.numeric.run import Objective, Runner
from backcalc.numeric.share import Zeros

BLOCK = 64
"""So many samples go through a plan at a time, unless something joins them all: their columns stay in the cache."""


class Planned:
    """Mini-batches of one trial in blocks, their gradients added up."""

    def __init__(
        self, runner: Runner, objective: Objective, flat: Array, still: dict[str, Array], zeros: Zeros = np.zeros
    ) -> None:
        self.runner, self.objective = runner, objective
        self.flat, self.still = flat, still
        self.gradients = zeros(flat.shape, flat.dtype)
        (self.source,) = runner.network.inputs
        self.named = {node.name: node for node in runner.nodes}
        # The loss may read what the last activation does.
        self.behind = [runner.output] if objective.of != runner.output.name else []
        self.nodes = [node for node in runner.nodes if node not in self.behind]
        names = [parameter.name for node in self.nodes for parameter in node.parameters]
        self.tied = len(names) > len(set(names))
        # The statistics of a batch norm and the root of a loss join all samples before their derivatives.
        norms = any(isinstance(node.layer, BatchNorm) for node in self.nodes)
        self.whole = norms or isinstance(objective.loss, RootMeanSquare)
        self.divides = not (self.whole or objective.l1 or objective.l2)
        self.graphs: dict[int, Graph] = {}

    def step(self, x: Array, target: Array, randoms: Sequence[Any], trials: slice = EVERY) -> Measured:
        """Losses and gradients of a mini-batch `[1, samples, …]`."""
        samples = x.shape[1]
        read, output = self._all(x, target, self.runner.draw(randoms, samples, self.flat.dtype), samples)
        self.objective.add_penalty(self.flat, self.gradients)
        self._move(samples)
        losses = self.objective.kernel.value(read, target)
        return Measured(self.objective.penalised(losses, self.flat), output)

    def part(self, x: Array, target: Array, samples: int) -> Measured:
        """What some of the `samples` of a mini-batch add to its losses and gradients."""
        read, output = self._all(x, target, {}, samples)
        losses = self.objective.kernel.value(read, target)
        if self.objective.loss.over == "mean":
            losses *= losses.dtype.type(x.shape[1] / samples)
        return Measured(losses, output)

    def _all(self, x: Array, target: Array, drawn: Mapping[str, Array], samples: int) -> tuple[Array, Array]:
        """Gradients of a mini-batch that has `samples`, of which these are some; what the loss reads, and the output.

        It goes forward and back block by block: the loss joins samples one by one.
        """
        self.gradients.fill(0)
        count = x.shape[1]
        read = np.empty((1, count, *self.named[self.objective.of].output_shape), self.flat.dtype)
        output = np.empty((1, count, *self.runner.output.output_shape), read.dtype) if self.behind else read
        width = count if self.whole else BLOCK
        for start in range(0, count, width):
            part = slice(start, min(start + width, count))
            own = {name: array[0, part] for name, array in drawn.items()}
            self._block(x[:, part], target[:, part], own, read[:, part], output[:, part], samples, fresh=start == 0)
        return read, output

    def _block(
        self,
        x: Array,
        target: Array,
        drawn: Mapping[str, Array],
        read: Array,
        output: Array,
        samples: int,
        *,
        fresh: bool,
    ) -> None:
        """One block forward and back; `read` takes what the loss reads, `output` what the network puts out."""
        count = x.shape[1]
        graph = self._graph(count)
        values = graph.forward({self.source: laid_out(x[0])}, drawn)
        read[0] = as_samples(values[self.objective.of])
        for node in self.behind:
            output[...] = self.runner.kernels[node.name].forward([read], [], Pass(True)).output
        gradient = self.objective.kernel.gradient(read, target, output if self.behind else None)
        if count < samples and self.objective.loss.over == "mean":
            gradient *= gradient.dtype.type(count / samples)
        into = np.ascontiguousarray(laid_out(gradient[0]))
        graph.backward(self.objective.of, into, fresh=fresh and not self.tied)

    def _graph(self, samples: int) -> Graph:
        """The stages for so many samples, planned when they are first asked for."""
        if samples not in self.graphs:
            numbers = Numbers(self.runner.arena, self.flat, self.gradients, self.still)
            self.graphs[samples] = Graph(tasks_of(self.runner, self.nodes, self.objective.of, numbers, samples))
        return self.graphs[samples]

    def _move(self, samples: int) -> None:
        """The running statistics after a mini-batch."""
        for task in self.graphs[samples].tasks if samples in self.graphs else ():
            if task.stage.statistics:
                node = self.named[task.name]
                names = [parameter.name for parameter in node.parameters if parameter.role == "statistic"]
                batch = [each[None] for each in task.stage.statistics]
                moved = self.runner.kernels[node.name].moved([self.still[name] for name in names], batch)
                self.still |= dict(zip(names, moved, strict=True))
