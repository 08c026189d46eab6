"""The engine for one network that is a chain: stages planned once for every size of a block of samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from backcalc.layers.norm import BatchNorm
from backcalc.net import Node
from backcalc.numeric.engine import Measured
from backcalc.numeric.kernels.base import Array, Pass
from backcalc.numeric.plans.chain import arrays, stages_of
from backcalc.numeric.plans.stages import BatchNormed, Stage, laid_out
from backcalc.numeric.run import Objective, Runner

BLOCK = 64
"""So many samples go through a plan at a time, unless a batch norm needs all: their columns stay in the cache."""


class Planned:
    """Mini-batches of one trial in blocks, their gradients added up."""

    def __init__(
        self, runner: Runner, objective: Objective, flat: Array, still: dict[str, Array], nodes: Sequence[Node]
    ) -> None:
        self.runner, self.objective = runner, objective
        self.flat, self.still, self.nodes = flat, still, nodes
        self.gradients = np.zeros_like(flat)
        self.behind = runner.nodes[len(nodes) :]
        names = [parameter.name for node in nodes for parameter in node.parameters]
        self.tied = len(names) > len(set(names))
        self.whole = any(isinstance(node.layer, BatchNorm) for node in nodes)
        self.parameters, self.by_parameters = (arrays(runner.arena, each) for each in (flat, self.gradients))
        self.plans: dict[int, list[Stage]] = {}

    def step(self, x: Array, target: Array, randoms: Sequence[Any]) -> Measured:
        """Losses and gradients of a mini-batch `[1, samples, …]`."""
        samples = x.shape[1]
        drawn = self.runner.draw(randoms, samples, self.flat.dtype)
        self.gradients.fill(0)
        read = np.empty((1, samples, *self.objective_shape), self.flat.dtype)
        output = np.empty((1, samples, *self.runner.output.output_shape), read.dtype) if self.behind else read
        width = samples if self.whole else BLOCK
        if samples <= width:
            self._block(x, target, drawn, slice(0, samples), read, output, None)
        else:
            for start in range(0, samples, width):  # forward and back block by block: the loss joins samples one by one
                part = slice(start, min(start + width, samples))
                self._block(x, target, drawn, part, read, output, samples)
        self.objective.add_penalty(self.flat, self.gradients)
        self._move(samples)
        losses = self.objective.kernel.value(read, target)
        return Measured(self.objective.penalised(losses, self.flat), output)

    @property
    def objective_shape(self) -> tuple[int, ...]:
        """The shape of what the loss reads."""
        return self.nodes[-1].output_shape

    def _block(
        self,
        x: Array,
        target: Array,
        drawn: Mapping[str, Array],
        part: slice,
        read: Array,
        output: Array,
        whole: int | None,
    ) -> None:
        """One block forward and back; `read` takes what the loss reads, `output` what the network puts out."""
        count = part.stop - part.start
        if count not in self.plans:
            views = self.parameters, self.by_parameters
            self.plans[count] = stages_of(self.nodes, self.runner, *views, count)
        plan = self.plans[count]
        masks = {name: mask[0, part] for name, mask in drawn.items()}
        out = laid_out(x[0, part])
        for stage in plan:
            out = stage.forward(out, masks)
        seen = read[:, part]
        seen[0] = _back_to_samples(out)
        for node in self.behind:  # the loss may read what the last activation does
            output[:, part] = self.runner.kernels[node.name].forward([seen], [], Pass(True)).output
        kernel, by_mean = self.objective.kernel, self.objective.loss.over == "mean"
        gradient = kernel.gradient(seen, target[:, part], output[:, part] if self.behind else None)
        if whole is not None and by_mean:
            gradient *= gradient.dtype.type(count / whole)
        into: Array | None = np.ascontiguousarray(laid_out(gradient[0]))
        for stage in reversed(plan):
            stage.fresh = part.start == 0 and not self.tied
            if into is not None:
                into = stage.backward(into)

    def _move(self, samples: int) -> None:
        """The running statistics after a mini-batch."""
        found = [stage for stage in self.plans.get(samples, ()) if isinstance(stage, BatchNormed)]
        norms = [node for node in self.nodes if isinstance(node.layer, BatchNorm)]
        for stage, node in zip(found, norms, strict=False):
            names = [parameter.name for parameter in node.parameters if parameter.role == "statistic"]
            batch = [each[None] for each in stage.statistics]
            moved = self.runner.kernels[node.name].moved([self.still[name] for name in names], batch)
            self.still |= dict(zip(names, moved, strict=True))


def _back_to_samples(out: Array) -> Array:
    """`[samples, *shape]` from the layout of a plan, as a view."""
    return out.transpose(3, 1, 0, 2) if out.ndim == 4 else out.T
