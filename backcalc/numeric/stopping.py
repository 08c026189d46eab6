"""Early stopping: which trials still train, and the best that each has been."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from backcalc.numeric.kernels.base import Array


class Stopping:
    """A trial stops after `patience` epochs without a smaller loss; with `restore` it gets back what was best.

    `done` are the trials that train no more, `stopped` the last epoch of each, `best` its smallest loss. Without
    patience all train to the end, but for those that are lost.
    """

    def __init__(self, flat: Array, still: Mapping[str, Array], patience: int | None, *, restore: bool) -> None:
        trials = len(flat)
        self.patience, self.restore = patience, restore
        self.done = np.zeros(trials, bool)
        self.stopped = np.zeros(trials, np.intp)
        self.best = np.full(trials, np.inf)
        self.waited = np.zeros(trials, np.intp)
        self.kept = flat.copy()
        self.kept_still = {name: each.copy() for name, each in still.items()}

    def look(self, flat: Array, still: Mapping[str, Array], epoch: int, watched: Array) -> None:
        """After an epoch: keeps what is best, and stops the trials that have waited too long for better."""
        self._put_back(flat, still, self.done)  # what has stopped stays as it was
        self.stopped[~self.done] = epoch
        if self.patience is None:
            return
        better = (watched < self.best) & ~self.done
        self.best[better] = watched[better]
        self.waited = np.where(better, 0, self.waited + 1)
        ending = ~self.done & (self.waited >= self.patience)
        keep = better if self.restore else ending
        self.kept[keep] = flat[keep]
        for name, kept in self.kept_still.items():
            kept[keep] = still[name][keep]
        self.done |= ending
        self._put_back(flat, still, self.done)

    def lose(self, lost: Array, epoch: int) -> None:
        """Trials whose loss is no number any more: they have no parameters left."""
        self.done |= lost
        self.stopped[lost] = epoch
        self.kept[lost] = np.nan

    def give_back(self, flat: Array, still: Mapping[str, Array]) -> None:
        """At the end: what was best of every trial, where it was kept."""
        if self.patience is not None and self.restore and self.stopped.any():
            self._put_back(flat, still, np.ones_like(self.done))

    def numbers(self) -> dict[str, Array]:
        """All that the next epoch depends on."""
        own = {name: getattr(self, name) for name in ("done", "stopped", "best", "waited", "kept")}
        return own | {f"kept {name}": each for name, each in self.kept_still.items()}

    def _put_back(self, flat: Array, still: Mapping[str, Array], trials: Array) -> None:
        if not trials.any():
            return
        flat[trials] = self.kept[trials]
        for name, kept in self.kept_still.items():
            still[name][trials] = kept[trials]
