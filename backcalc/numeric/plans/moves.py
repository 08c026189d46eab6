"""Stages that only move numbers: whatever moved forward moves back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from backcalc.layers import Shape
from backcalc.numeric.kernels.base import Array
from backcalc.numeric.plans.layout import in_order, shape_of
from backcalc.numeric.plans.stages import Stage


class Reshaped(Stage):
    """The same numbers in another shape; maps are copied, channels first, anything else stays where it is."""

    def __init__(self, before: Shape, after: Shape, samples: int, dtype: np.dtype[Any]) -> None:
        self.before, self.after = (*before, samples), (*after, samples)
        self.copied = len(before) == 3
        self.room = np.empty(self.before if self.copied else 0, dtype)
        self.into = np.empty(shape_of(before, samples) if self.copied else 0, dtype)

    def forward(self, x: Array, drawn: Mapping[str, Array]) -> Array:
        if self.copied:
            np.copyto(self.room, in_order(x))
            x = self.room
        return in_order(x.reshape(self.after))

    def backward(self, gradient: Array) -> Array | None:
        gradient = in_order(gradient).reshape(self.before)
        if not self.copied:
            return gradient
        np.copyto(self.into, in_order(gradient))
        return self.into


class Transposed(Stage):
    """Axes in another order; nothing is copied."""

    def __init__(self, order: Sequence[int]) -> None:
        self.order = (*order, len(order))
        self.inverse = tuple(int(place) for place in np.argsort(self.order))

    def forward(self, x: Array, drawn: Mapping[str, Array]) -> Array:
        return in_order(in_order(x).transpose(self.order))

    def backward(self, gradient: Array) -> Array | None:
        return in_order(in_order(gradient).transpose(self.inverse))


class Sliced(Stage):
    """Some of the numbers along one axis."""

    def __init__(self, taken: slice, axis: int, shape: Shape, dtype: np.dtype[Any]) -> None:
        self.taken = (*(slice(None),) * axis, taken)
        self.into = np.empty(shape, dtype)

    def forward(self, x: Array, drawn: Mapping[str, Array]) -> Array:
        return x[self.taken]

    def backward(self, gradient: Array) -> Array | None:
        self.into.fill(0)
        np.copyto(self.into[self.taken], gradient)
        return self.into


class Shuffled(Stage):
    """Channels dealt out: `[groups, n]` transposed and flattened. The shape is that of a plan, channels at `axis`."""

    free = True

    def __init__(self, groups: int, axis: int, shape: Shape, dtype: np.dtype[Any]) -> None:
        before, channels, after = shape[:axis], shape[axis], shape[axis + 1 :]
        self.axis = axis
        self.apart = (*before, groups, channels // groups, *after)
        self.dealt = (*before, channels // groups, groups, *after)
        self.out, self.into = (np.empty(shape, dtype) for _ in range(2))

    def forward(self, x: Array, drawn: Mapping[str, Array]) -> Array:
        np.copyto(self.out.reshape(self.dealt), x.reshape(self.apart).swapaxes(self.axis, self.axis + 1))
        return self.out

    def backward(self, gradient: Array) -> Array | None:
        np.copyto(self.into.reshape(self.apart), gradient.reshape(self.dealt).swapaxes(self.axis, self.axis + 1))
        return self.into


class Upsampled(Stage):
    """Every cell of maps repeated along rows and columns."""

    free = True

    def __init__(self, factors: tuple[int, ...], shape: Shape, dtype: np.dtype[Any]) -> None:
        (down, across), (rows, channels, columns, samples) = factors, shape
        self.out = np.empty((rows * down, channels, columns * across, samples), dtype)
        self.into = np.empty(shape, dtype)
        self.apart = (rows, down, channels, columns, across, samples)
        self.taps = [(a, b) for a in range(down) for b in range(across)]

    def forward(self, x: Array, drawn: Mapping[str, Array]) -> Array:
        np.copyto(self.out.reshape(self.apart), x[:, None, :, :, None])
        return self.out

    def backward(self, gradient: Array) -> Array | None:
        cells = gradient.reshape(self.apart)
        (a, b), *others = self.taps
        np.copyto(self.into, cells[:, a, :, :, b])
        for a, b in others:
            self.into += cells[:, a, :, :, b]
        return self.into
