"""The engine for one network: stages planned once for every size of a block of samples."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
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
from backcalc.numeric.plans.stages import BatchNormed
from backcalc.numeric.run import Objective, Runner
from backcalc.numeric.share import Zeros

BLOCK = 64
"""So many samples go through a plan at a time, unless something joins them all: their columns stay in the cache."""

NARROW = 1024
"""Of layers that have no more numbers than that four times as many samples do."""


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
        norms = [node for node in self.nodes if isinstance(node.layer, BatchNorm)]
        rooted = isinstance(objective.loss, RootMeanSquare)
        self.whole = bool(norms) or rooted
        narrow = max(prod(node.output_shape) for node in self.nodes) <= NARROW
        self.block = 4 * BLOCK if narrow else BLOCK
        self.divides = not (rooted or objective.l1 or objective.l2)
        self.widest_norm = max((node.output_shape[0] for node in norms), default=0)
        self.together: Callable[[Array], Array] | None = None
        """Adds up what processes find in their shares of the samples."""
        self.graphs: dict[tuple[int, int], Graph] = {}

    def step(self, x: Array, target: Array, randoms: Sequence[Any], trials: slice = EVERY) -> Measured:
        """Losses and gradients of a mini-batch `[1, samples, …]`."""
        samples = x.shape[1]
        read, output = self._all(x, target, self.runner.draw(randoms, samples, self.flat.dtype), samples)
        self.objective.add_penalty(self.flat, self.gradients)
        self._move(samples, samples)
        losses = self.objective.kernel.value(read, target)
        return Measured(self.objective.penalised(losses, self.flat), output)

    def part(self, x: Array, target: Array, samples: int) -> Measured:
        """What some of the `samples` of a mini-batch add to its losses and gradients."""
        read, output = self._all(x, target, {}, samples)
        self._move(x.shape[1], samples)
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
        width = count if self.whole else self.block
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
        graph = self._graph(count, samples if self.whole else count)
        values = graph.forward({self.source: laid_out(x[0])}, drawn)
        read[0] = as_samples(values[self.objective.of])
        for node in self.behind:
            output[...] = self.runner.kernels[node.name].forward([read], [], Pass(True)).output
        gradient = self.objective.kernel.gradient(read, target, output if self.behind else None)
        if count < samples and self.objective.loss.over == "mean":
            gradient *= gradient.dtype.type(count / samples)
        into = np.ascontiguousarray(laid_out(gradient[0]))
        graph.backward(self.objective.of, into, fresh=fresh and not self.tied)

    def _graph(self, count: int, samples: int) -> Graph:
        """The stages for so many samples, of a mini-batch of so many, planned when they are first asked for."""
        if (count, samples) not in self.graphs:
            numbers = Numbers(self.runner.arena, self.flat, self.gradients, self.still)
            graph = Graph(tasks_of(self.runner, self.nodes, self.objective.of, numbers, count))
            for task in graph.tasks if self.together is not None and count < samples else ():
                if isinstance(task.stage, BatchNormed) and self.together is not None:
                    task.stage.join(self.together, count / samples)
            self.graphs[count, samples] = graph
        return self.graphs[count, samples]

    def _move(self, count: int, samples: int) -> None:
        """The running statistics after a mini-batch."""
        graph = self.graphs.get((count, samples))
        for task in graph.tasks if graph is not None else ():
            if task.stage.statistics:
                node = self.named[task.name]
                names = [parameter.name for parameter in node.parameters if parameter.role == "statistic"]
                batch = [each[None] for each in task.stage.statistics]
                moved = self.runner.kernels[node.name].moved([self.still[name] for name in names], batch)
                self.still |= dict(zip(names, moved, strict=True))
