"""Pooling behind something other than a convolution; its windows lie side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from backcalc.numeric.kernels.base import Array
from backcalc.numeric.kernels.windows import Axis
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
        self.into = np.empty((rows, channels, columns, samples), dtype)
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
        self.into[self.high * self.pool.rows :] = 0
        self.into[:, :, self.wide * self.pool.columns :] = 0
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


class Windowed(Stage):
    """Pooling whose windows overlap, reach over the edge, or leave gaps: a copy with the edges, seen tap by tap."""

    free = True

    def __init__(self, axes: tuple[Axis, Axis], channels: int, samples: int, fill: float, dtype: np.dtype[Any]) -> None:
        rows, columns = axes
        high, wide = (max(axis.room, axis.before + axis.size) for axis in axes)
        self.padded = np.full((high, channels, wide, samples), fill, dtype)
        self.back = np.zeros(self.padded.shape, dtype)
        self.inside = tuple(slice(axis.before, axis.before + axis.size) for axis in axes)
        taps = list(product(range(rows.taps), range(columns.taps)))
        self.seen, self.landing = (
            [maps[rows.tap(a), :, columns.tap(b)] for a, b in taps] for maps in (self.padded, self.back)
        )
        self.out = np.empty((rows.places, channels, columns.places, samples), dtype)

    def _inside(self, maps: Array) -> Array:
        down, across = self.inside
        return maps[down, :, across]


class WindowedMax(Windowed):
    """The largest number of each window; padding never wins."""

    def __init__(self, axes: tuple[Axis, Axis], channels: int, samples: int, dtype: np.dtype[Any]) -> None:
        super().__init__(axes, channels, samples, -np.inf, dtype)
        self.free = False
        self.mask, self.room = np.empty(self.out.shape, bool), np.empty_like(self.out)

    def forward(self, x: Array, drawn: Mapping[str, Array]) -> Array:
        np.copyto(self._inside(self.padded), x)
        first, *others = self.seen
        np.copyto(self.out, first)
        for here in others:
            np.maximum(self.out, here, out=self.out)
        return self.out

    def backward(self, gradient: Array) -> Array | None:
        self.back.fill(0)
        for here, landing in zip(self.seen[:-1], self.landing[:-1], strict=True):
            np.equal(here, self.out, out=self.mask)
            np.multiply(gradient, self.mask, out=self.room)
            landing += self.room
            gradient -= self.room  # what has gone to one place does not go to another
        self.landing[-1][...] += gradient
        return self._inside(self.back)


class WindowedMean(Windowed):
    """The sum of each window times what a cell weighs in it, `[rows, columns]`."""

    def __init__(
        self, axes: tuple[Axis, Axis], channels: int, samples: int, shares: Array, dtype: np.dtype[Any]
    ) -> None:
        super().__init__(axes, channels, samples, 0, dtype)
        self.shares = np.broadcast_to(shares, self.out.shape[::2]).astype(dtype)[:, None, :, None]

    def forward(self, x: Array, drawn: Mapping[str, Array]) -> Array:
        np.copyto(self._inside(self.padded), x)
        first, *others = self.seen
        np.copyto(self.out, first)
        for here in others:
            self.out += here
        self.out *= self.shares
        return self.out

    def backward(self, gradient: Array) -> Array | None:
        gradient *= self.shares
        self.back.fill(0)
        for landing in self.landing:
            landing += gradient
        return self._inside(self.back)


class Subsampled(WindowedMean):
    """The sum of each window times a coefficient a map, plus a bias a map."""

    def __init__(
        self,
        axes: tuple[Axis, Axis],
        channels: int,
        samples: int,
        parameters: Sequence[Array],
        gradients: Sequence[Array],
    ) -> None:
        self.gain, self.bias = parameters
        self.by_gain, self.by_bias = gradients
        super().__init__(axes, channels, samples, np.ones((1, 1)), self.gain.dtype)
        self.sums = np.empty_like(self.out)

    def forward(self, x: Array, drawn: Mapping[str, Array]) -> Array:
        np.copyto(self.sums, super().forward(x, drawn))
        np.multiply(self.sums, self.gain[:, None, None], out=self.out)
        self.out += self.bias[:, None, None]
        return self.out

    def backward(self, gradient: Array) -> Array | None:
        self.by_bias += gradient.sum(axis=(0, 2, 3))
        self.sums *= gradient
        self.by_gain += self.sums.sum(axis=(0, 2, 3))
        gradient *= self.gain[:, None, None]
        return super().backward(gradient)


class Averaged(Stage):
    """The mean of each map, over all axes of a plan but channels and samples."""

    free = True

    def __init__(self, arriving: tuple[int, ...], channel: int, dtype: np.dtype[Any]) -> None:
        self.axes = tuple(axis for axis in range(len(arriving) - 1) if axis != channel)
        self.out, self.into = np.empty((arriving[channel], arriving[-1]), dtype), np.empty(arriving, dtype)
        self.share = dtype.type(self.out.size / self.into.size)

    def forward(self, x: Array, drawn: Mapping[str, Array]) -> Array:
        np.sum(x, axis=self.axes, out=self.out)
        self.out *= self.share
        return self.out

    def backward(self, gradient: Array) -> Array | None:
        gradient *= self.share
        np.copyto(self.into, np.expand_dims(gradient, self.axes))
        return self.into
