"""The engine for several networks of any layers: one plan, whose buffers stay in the cache, takes trial after trial."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from backcalc.numeric.engine import EVERY, Measured
from backcalc.numeric.kernels.base import Array
from backcalc.numeric.plans.planned import Planned
from backcalc.numeric.run import Objective, Runner
from backcalc.numeric.share import Zeros


class Looped:
    """Mini-batches of several trials, each by the same plan: parameters are copied in, gradients out."""

    divides = True

    def __init__(
        self, runner: Runner, objective: Objective, flat: Array, still: dict[str, Array], zeros: Zeros = np.zeros
    ) -> None:
        self.flat, self.still, self.gradients = flat, still, zeros(flat.shape, flat.dtype)
        one = {name: array[:1].copy() for name, array in still.items()}
        self.plan = Planned(runner, objective, flat[:1].copy(), one)

    def step(self, x: Array, target: Array, randoms: Sequence[Any], trials: slice = EVERY) -> Measured:
        """Losses and gradients of a mini-batch `[trials, samples, …]`."""
        found = []
        for place, trial in enumerate(range(len(self.flat))[trials]):
            own, there = slice(trial, trial + 1), slice(place, place + 1)
            self.plan.flat[...] = self.flat[own]
            for name, array in self.still.items():
                self.plan.still[name] = array[own]
            found.append(self.plan.step(x[there], target[there], randoms[own]))
            self.gradients[own] = self.plan.gradients
            for name, array in self.still.items():
                array[own] = self.plan.still[name]
        losses, outputs = ([getattr(each, part) for each in found] for part in ("losses", "output"))
        return Measured(np.concatenate(losses), np.concatenate(outputs))
