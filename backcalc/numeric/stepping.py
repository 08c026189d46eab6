"""One step of a training: a mini-batch is taken, its losses and gradients are computed, the parameters are changed.

A step can be done whole, or one share of it by each of several processes: of the trials where there are several, else
of the samples of the mini-batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from backcalc.numeric.augment import augmented
from backcalc.numeric.engine import EVERY, Engine, Metric
from backcalc.numeric.kernels.base import Array
from backcalc.numeric.optimise import Optimiser
from backcalc.numeric.parts import Parts
from backcalc.numeric.plans.planned import Planned
from backcalc.numeric.plans.spread import Spread
from backcalc.numeric.settings import Training
from backcalc.numeric.share import WHOLE

AHEAD = 2**21
"""So many numbers are taken at a time where every trial has samples of its own: a line of memory is read once."""


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What a mini-batch gave, two numbers for every trial: its loss, and its metric."""

    losses: Array
    metrics: Array


class Stepping:
    """The samples, the engine and the rule of a training, which does one step after another.

    `share` is what this process does of every step; `draws` says that layers of the network draw random numbers.
    """

    def __init__(
        self,
        parts: Parts,
        engine: Engine,
        optimiser: Optimiser,
        measure: Metric,
        settings: Training,
        randoms: Sequence[Any],
        *,
        stacked: bool,
        draws: bool = False,
    ) -> None:
        self.parts, self.engine, self.optimiser, self.measure = parts, engine, optimiser, measure
        self.settings, self.randoms = settings, randoms
        self.stacked, self.draws = stacked, draws
        self.share = WHOLE
        self.partial: Sequence[Array] = ()
        """The gradients of every process, where each has some of the samples."""
        self.spread: Spread | None = None
        """What computes a mini-batch where each process has some of the units."""
        self.x, self.t = parts.x[:0], parts.t[:0]
        """The samples of the next mini-batches."""

    @property
    def ahead(self) -> int:
        """How many mini-batches are taken at a time."""
        if not self.stacked:
            return 1
        numbers = self.settings.batch * self.parts.x[:, 0].size
        return max(1, AHEAD // numbers)

    @property
    def trials(self) -> slice:
        """The trials of this share."""
        return self.share.within(self.settings.trials) if self.settings.trials > 1 else slice(0, 1)

    def take(self, chosen: Array) -> None:
        """Takes the samples of the next mini-batches, by their places `[trials, samples]`."""
        if self.settings.trials == 1 and self.spread is None:
            chosen = chosen[:, self.share.within(chosen.shape[1])]
        self.x, self.t = (self.taken(array, chosen, self.trials) for array in (self.parts.x, self.parts.t))

    def taken(self, array: Array, chosen: Array, trials: slice = EVERY) -> Array:
        """The chosen samples of some trials, `[trials, samples, …]`."""
        own = chosen[trials]
        if not self.stacked:
            return array.take(own, axis=0)
        found = np.empty((*own.shape, *array.shape[2:]), array.dtype)
        for into, rows, places in zip(found, array[trials], own, strict=True):
            rows.take(places, axis=0, out=into, mode="clip")
        return found

    def look(self, batch: slice) -> Seen:
        """Losses, metrics and gradients of one of the mini-batches that were taken."""
        if isinstance(self.engine, Planned) and self.share.of > 1:
            return self._look_at_share(self.engine, batch.stop - batch.start)
        x, t = self.x[:, batch], self.t[:, batch]
        if self.settings.augments:
            x = augmented(x, self.settings, self.randoms)
            t = x.reshape(t.shape) if self.settings.reconstruct else t
        found = self.engine.step(x, t, self.randoms, self.trials)
        return Seen(found.losses.astype(float), self.measure(found.output, t))

    def _look_at_share(self, engine: Planned, samples: int) -> Seen:
        """What this process adds to the losses, metrics and gradients of the one trial."""
        own = self.share.within(samples)
        count = own.stop - own.start
        if self.spread is None and not count:
            engine.gradients.fill(0)
            return Seen(np.zeros(1), np.zeros(1))
        found = (self.spread or engine).part(self.x, self.t, samples)
        t = self.t if self.spread is None else self.t[:, own]
        metrics = self.measure(found.output, t) * (count / samples) if count else np.zeros(1)
        return Seen(found.losses.astype(float), metrics)

    def update(self) -> None:
        """Changes the parameters by the gradients."""
        if self.spread is not None:
            self.optimiser.step(self.spread.flat, self.spread.gradients, places=self.spread.own)
            return
        gradients = self.partial[0] if self.partial else self.engine.gradients
        for other in self.partial[1:]:
            own = self.share.within(other.shape[1])
            gradients[:, own] += other[:, own]
        self.optimiser.step(self.engine.flat, gradients, self.share)
