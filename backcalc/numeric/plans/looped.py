"""The engine for several networks with maps: one plan, whose buffers stay in the cache, takes trial after trial."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from backcalc.net import Node
from backcalc.numeric.engine import Measured
from backcalc.numeric.kernels.base import Array
from backcalc.numeric.plans.planned import Planned
from backcalc.numeric.run import Objective, Runner


class Looped:
    """Mini-batches of several trials, each by the same plan: parameters are copied in, gradients out."""

    def __init__(
        self, runner: Runner, objective: Objective, flat: Array, still: dict[str, Array], nodes: Sequence[Node]
    ) -> None:
        self.flat, self.still, self.gradients = flat, still, np.zeros_like(flat)
        one = {name: array[:1].copy() for name, array in still.items()}
        self.plan = Planned(runner, objective, flat[:1].copy(), one, nodes)

    def step(self, x: Array, target: Array, randoms: Sequence[Any]) -> Measured:
        """Losses and gradients of a mini-batch `[trials, samples, …]`."""
        found = []
        for trial in range(len(self.flat)):
            own = slice(trial, trial + 1)
            self.plan.flat[...] = self.flat[own]
            for name, array in self.still.items():
                self.plan.still[name] = array[own]
            found.append(self.plan.step(x[own], target[own], randoms[own]))
            self.gradients[own] = self.plan.gradients
            for name, array in self.still.items():
                array[own] = self.plan.still[name]
        losses, outputs = ([getattr(each, part) for each in found] for part in ("losses", "output"))
        return Measured(np.concatenate(losses), np.concatenate(outputs))
