"""Pooling behind something other than a convolution; its windows lie side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from backcalc.numeric.kernels.base import Array
from backcalc.numeric.plans.stages import Stage


@dataclass(frozen=True, slots=True)
class Pool:
    """Pooling whose windows lie side by side: the largest number of each, or its mean."""

    rows: int = 1
    columns: int = 1
    largest: bool = True

    @property
    def taps(self) -> list[tuple[int, int]]:
        """The places of a window, in order."""
        return list(product(range(self.rows), range(self.columns)))

    @property
    def share(self) -> float:
        """What one place weighs in the mean of its window."""
        return 1 / (self.rows * self.columns)


class Pooled(Stage):
    """The largest number of each window of maps, or its mean. What is left over at the end is not read."""

    def __init__(self, pool: Pool, shape: tuple[int, ...], samples: int, dtype: np.dtype[Any]) -> None:
        channels, rows, columns = shape
        self.free = not pool.largest  # the maxima are compared with what they were taken from
        self.pool, self.high, self.wide = pool, rows // pool.rows, columns // pool.columns
        self.out = np.empty((self.high, channels, self.wide, samples), dtype)
        self.into = np.zeros((rows, channels, columns, samples), dtype)
        self.back = self._windows(self.into)
        self.seen = self.back
        self.mask = np.empty(self.out.shape, bool)

    def _windows(self, maps: Array) -> Array:
        """`[window, place in it, channel, window, place in it, sample]`, a view."""
        rows, columns = self.pool.rows, self.pool.columns
        used = maps[: self.high * rows, :, : self.wide * columns]
        return used.reshape(self.high, rows, maps.shape[1], self.wide, columns, maps.shape[-1])

    def forward(self, x: Array, drawn: Mapping[str, Array]) -> Array:
        self.seen = self._windows(x)
        (a, b), *others = self.pool.taps
        np.copyto(self.out, self.seen[:, a, :, :, b])
        join = np.maximum if self.pool.largest else np.add
        for a, b in others:
            join(self.out, self.seen[:, a, :, :, b], out=self.out)
        if not self.pool.largest:
            self.out *= self.out.dtype.type(self.pool.share)
        return self.out

    def backward(self, gradient: Array) -> Array | None:
        if not self.pool.largest:
            gradient *= gradient.dtype.type(self.pool.share)
            for a, b in self.pool.taps:
                np.copyto(self.back[:, a, :, :, b], gradient)
            return self.into
        # The derivative of a maximum goes to the first place that is as large; what has gone there goes nowhere else.
        *others, (a, b) = self.pool.taps
        for row, column in others:
            here = self.back[:, row, :, :, column]
            np.equal(self.seen[:, row, :, :, column], self.out, out=self.mask)
            np.multiply(gradient, self.mask, out=here)
            gradient -= here
        np.copyto(self.back[:, a, :, :, b], gradient)
        return self.into
