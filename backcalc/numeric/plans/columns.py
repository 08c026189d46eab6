"""Convolutions of any number of axes, in groups, and transposed ones, by columns of a few rows of places at a time.

The columns of a block of rows stay in the cache, where one product of matrices a row and a group reads them. They are
made anew on the way back: that is cheaper than to keep them. A transposed convolution is the same from behind.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from math import prod
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from backcalc.numeric.kernels.base import Array
from backcalc.numeric.kernels.windows import Axis
from backcalc.numeric.plans.stages import Stage

BLOCK = 262_144
"""So many numbers the columns of a block have, unless one row has more."""


def rows_first(x: Array) -> Array:
    """Maps of a plan as `[*rows, channels, columns, samples]`, and such maps of three axes as a plan has them: views.

    >>> rows_first(np.zeros((2, 3, 4, 5, 64))).shape
    (3, 4, 2, 5, 64)
    """
    return x if x.ndim == 4 else x.transpose(1, 2, 0, 3, 4)


def rows_last(x: Array) -> Array:
    """The inverse of `rows_first`."""
    return x if x.ndim == 4 else x.transpose(2, 0, 1, 3, 4)


class Columns:
    """What windows over maps see, as columns `[*rows, groups, channels·taps, places·samples]`, and back from them.

    The first window may start behind the first cell: then `before` of its axis is negative.
    """

    def __init__(self, axes: Sequence[Axis], channels: int, groups: int, samples: int, dtype: np.dtype[Any]) -> None:
        *outer, last = axes
        self.axes = tuple(axes)
        before, behind = [max(axis.before, 0) for axis in axes], [max(-axis.before, 0) for axis in axes]
        rooms = [
            max(later + axis.room, lead + axis.size) for axis, lead, later in zip(axes, before, behind, strict=True)
        ]
        self.padded = np.zeros((*rooms[:-1], channels, rooms[-1], samples), dtype)
        within = [slice(lead, lead + axis.size) for axis, lead in zip(axes, before, strict=True)]
        self.inside = self.padded[(*within[:-1], slice(None), within[-1])]
        """The cells of the maps in the padded buffer, rows first."""

        self.rows = tuple(axis.places for axis in outer)
        taps = tuple(axis.taps for axis in axes)
        each = channels // groups
        one = channels * prod(taps) * last.places * samples * prod(self.rows[1:])
        self.block = max(1, min(self.rows[0], BLOCK // one))
        # [*rows, group, channel, *taps, place, sample]
        whole = (*self.rows, groups, each, *taps, last.places, samples)
        *down, channel, across, sample = self.padded.strides
        moves = [step * axis.stride for step, axis in zip(down, outer, strict=True)]
        apart = [step * axis.dilation for step, axis in zip([*down, across], axes, strict=True)]
        strides = (*moves, channel * each, channel, *apart, across * last.stride, sample)
        seen = [slice(later, None) for later in behind]
        self.seen = as_strided(self.padded[(*seen[:-1], slice(None), seen[-1])], whole, strides)
        self.room = np.empty((self.block, *whole[1:]), dtype)
        self.lines = (*self.rows[1:], groups, each * prod(taps), last.places * samples)
        self.taps: list[tuple[Any, ...]] = [(..., *tap, slice(None), slice(None)) for tap in product(*map(range, taps))]

    def blocks(self) -> Iterator[slice]:
        """The rows, a few at a time."""
        for start in range(0, self.rows[0], self.block):
            yield slice(start, min(start + self.block, self.rows[0]))

    def place(self, rows: slice) -> Array:
        """Where the columns of a block stand."""
        count = rows.stop - rows.start
        return self.room[:count].reshape(count, *self.lines)

    def gathered(self, rows: slice) -> Array:
        """The columns of a block."""
        np.copyto(self.room[: rows.stop - rows.start], self.seen[rows])
        return self.place(rows)

    def scatter(self, rows: slice) -> None:
        """Adds the columns of a block, which stand in their place, to the cells that windows see."""
        found, seen = self.room[: rows.stop - rows.start], self.seen[rows]
        for tap in self.taps:
            cells = seen[tap]
            cells += found[tap]


def turned(axis: Axis) -> Axis:
    """The windows in which each cell finds the windows that saw it, over places with gaps as wide as the stride.

    >>> turned(Axis(size=8, taps=3, places=4, stride=2, before=1))
    Axis(size=7, taps=3, places=8, stride=1, dilation=1, before=1)
    """
    size = (axis.places - 1) * axis.stride + 1
    return Axis(size, axis.taps, axis.size, 1, axis.dilation, (axis.taps - 1) * axis.dilation - axis.before)


class Grouped(Stage):
    """A convolution whose filters see a group of the channels each; back, the same with the kernel turned round."""

    free = True

    def __init__(
        self,
        axes: Sequence[Axis],
        groups: int,
        channels: int,
        samples: int,
        parameters: Sequence[Array],
        gradients: Sequence[Array],
        *,
        first: bool,
    ) -> None:
        self.weights, *self.bias = parameters
        self.by_weights, *self.by_bias = gradients
        dtype, filters = self.weights.dtype, len(self.weights)
        self.columns = Columns(axes, channels, groups, samples, dtype)
        rows, places = self.columns.rows, axes[-1].places
        self.out = np.empty((*rows, filters, places, samples), dtype)
        self.lines = (*rows, groups, filters // groups, places * samples)
        self.matrix = (groups, filters // groups, -1)
        self.first = first
        if first:
            return
        self.back = Columns([turned(axis) for axis in axes], filters, groups, samples, dtype)
        steps = [slice(None, None, axis.stride) for axis in axes]
        self.gaps = self.back.inside[(*steps[:-1], slice(None), steps[-1])]
        """Where derivatives stand for the way back."""
        apart = (groups, filters // groups, channels // groups, *self.weights.shape[2:])
        flipped: tuple[Any, ...] = (..., *(slice(None, None, -1) for _ in axes))
        self.apart = self.weights.reshape(apart).swapaxes(1, 2)[flipped]
        self.kernel = np.empty(self.apart.shape, dtype)
        self.into = np.empty((*self.back.rows, channels, axes[-1].size, samples), dtype)

    def forward(self, x: Array, drawn: Mapping[str, Array]) -> Array:
        np.copyto(self.columns.inside, rows_first(x))
        kernel, out = self.weights.reshape(self.matrix), self.out.reshape(self.lines)
        for rows in self.columns.blocks():
            np.matmul(kernel, self.columns.gathered(rows), out=out[rows])
            if self.bias:
                self.out[rows] += self.bias[0][:, None, None]
        return rows_last(self.out)

    def backward(self, gradient: Array) -> Array | None:
        gradient = rows_first(gradient)
        lines, by_kernel = gradient.reshape(self.lines), self.by_weights.reshape(self.matrix)
        over = tuple(range(len(self.columns.rows)))
        if self.bias:
            self.by_bias[0] += gradient.reshape(-1, *gradient.shape[-3:]).sum(axis=(0, 2, 3))
        for rows in self.columns.blocks():
            products = lines[rows] @ self.columns.gathered(rows).swapaxes(-1, -2)
            by_kernel += products.sum(axis=over)
        if self.first:
            return None
        np.copyto(self.gaps, gradient)
        np.copyto(self.kernel, self.apart)
        kernel = self.kernel.reshape(*self.kernel.shape[:2], -1)
        into = self.into.reshape(*self.back.rows, *kernel.shape[:2], -1)
        for rows in self.back.blocks():
            np.matmul(kernel, self.back.gathered(rows), out=into[rows])
        return rows_last(self.into)


class Landed(Stage):
    """A transposed convolution: each cell lands, times the window, on the output."""

    free = True

    def __init__(
        self,
        axes: Sequence[Axis],
        groups: int,
        filters: int,
        samples: int,
        parameters: Sequence[Array],
        gradients: Sequence[Array],
        *,
        first: bool,
    ) -> None:
        self.weights, *self.bias = parameters
        self.by_weights, *self.by_bias = gradients
        dtype, channels = self.weights.dtype, len(self.weights)
        self.columns, self.back = (Columns(axes, filters, groups, samples, dtype) for _ in range(2))
        rows, cells = self.columns.rows, axes[-1].places
        self.out = np.empty(self.columns.inside.shape, dtype)
        self.x, self.into = (np.empty((*rows, channels, cells, samples), dtype) for _ in range(2))
        self.first = first
        self.lines = (*rows, groups, channels // groups, cells * samples)
        self.matrix = (groups, channels // groups, -1)

    def forward(self, x: Array, drawn: Mapping[str, Array]) -> Array:
        np.copyto(self.x, rows_first(x))
        kernel, lines = self.weights.reshape(self.matrix), self.x.reshape(self.lines)
        self.columns.padded.fill(0)
        for rows in self.columns.blocks():
            np.matmul(kernel.swapaxes(1, 2), lines[rows], out=self.columns.place(rows))
            self.columns.scatter(rows)
        np.add(self.columns.inside, self.bias[0][:, None, None] if self.bias else 0, out=self.out)
        return rows_last(self.out)

    def backward(self, gradient: Array) -> Array | None:
        gradient = rows_first(gradient)
        np.copyto(self.back.inside, gradient)
        kernel, lines, into = self.weights.reshape(self.matrix), *(x.reshape(self.lines) for x in (self.x, self.into))
        by_kernel, over = self.by_weights.reshape(self.matrix), tuple(range(len(self.columns.rows)))
        if self.bias:
            self.by_bias[0] += gradient.reshape(-1, *gradient.shape[-3:]).sum(axis=(0, 2, 3))
        for rows in self.back.blocks():
            columns = self.back.gathered(rows)
            products = lines[rows] @ columns.swapaxes(-1, -2)
            by_kernel += products.sum(axis=over)
            if not self.first:
                np.matmul(kernel, columns, out=into[rows])
        return None if self.first else rows_last(self.into)
