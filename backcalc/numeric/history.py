"""What a training leaves behind: the curves of every trial, the test, and the parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from backcalc.numeric.kernels.base import Array
from backcalc.numeric.settings import Training

CURVES = ("loss", "metric", "val_loss", "val_metric")


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """One training: `curves` hold for every epoch a number for every trial, `test` a number for every trial.

    `metric` says what the metric is. `parameters` are arrays by name, `[trials, *shape]`, running statistics included.
    `stopped` is the last epoch of every trial, from 1. `notes` are warnings, with their reason.
    """

    net: str
    data: str
    settings: Training
    params: int
    metric: str
    curves: Mapping[str, tuple[tuple[float, ...], ...]]
    test: Mapping[str, tuple[float, ...]]
    seconds: float
    parameters: Mapping[str, Array] = field(repr=False)
    stopped: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """`{net, data, seed, params, history, test, seconds}`; with several trials every number is a list of theirs."""
        return {
            "schema_version": 1,
            "net": self.net,
            "data": self.data,
            "seed": self.settings.seed,
            "params": self.params,
            "metric": self.metric,
            "history": {name: [self._trials(row) for row in self.curves.get(name, ())] for name in CURVES},
            "test": {name: self._trials(row) for name, row in self.test.items()} or None,
            "seconds": self.seconds,
            "settings": self.settings.to_json(),
            "stopped": list(self.stopped),
            "notes": list(self.notes),
        }

    def _trials(self, row: Sequence[float]) -> Any:
        numbers = [number if isfinite(number) else None for number in row]
        return numbers[0] if self.settings.trials == 1 else numbers
