"""Windows that slide over arrays: seen as a view without a copy, and summed back."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from backcalc.layers.slide import Slide
from backcalc.numeric.kernels.base import Array


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis of `size` cells that `places` windows of `taps` taps slide over, the first from cell `-before`."""

    size: int
    taps: int
    places: int
    stride: int = 1
    dilation: int = 1
    before: int = 0

    @property
    def room(self) -> int:
        """How many cells all windows span together, padding included."""
        return (self.places - 1) * self.stride + (self.taps - 1) * self.dilation + 1

    @property
    def inside(self) -> tuple[slice, slice]:
        """The cells of the axis that windows reach: where they stand in the axis, and where in the room."""
        stop = min(self.size, self.room - self.before)
        return slice(0, max(stop, 0)), slice(self.before, self.before + max(stop, 0))

    def tap(self, number: int) -> slice:
        """Where the tap of that number stands in the room, over all places."""
        start = number * self.dilation
        return slice(start, start + (self.places - 1) * self.stride + 1, self.stride or 1)

    @classmethod
    def of(cls, slide: Slide) -> Axis:
        """The axis that a layer describes."""
        return cls(slide.size, slide.taps, slide.output, slide.stride, slide.dilation, slide.before)


@dataclass(frozen=True, slots=True)
class Windows:
    """Windows over the last axes of arrays.

    >>> Windows((Axis(size=4, taps=2, places=3),)).view(np.arange(4.0)).tolist()
    [[0.0, 1.0], [1.0, 2.0], [2.0, 3.0]]
    """

    axes: tuple[Axis, ...]

    @property
    def places(self) -> tuple[int, ...]:
        """How many windows there are along each axis."""
        return tuple(axis.places for axis in self.axes)

    @property
    def taps(self) -> tuple[int, ...]:
        """How many taps a window has along each axis."""
        return tuple(axis.taps for axis in self.axes)

    def view(self, x: Array, fill: float = 0.0) -> Array:
        """`[…, *places, *taps]`; cells on padding hold `fill`."""
        lead = x.ndim - len(self.axes)
        padded = x
        if any(axis.before or axis.room > axis.size for axis in self.axes):
            padded = np.full((*x.shape[:lead], *(axis.room for axis in self.axes)), fill, x.dtype)
            cells, room = zip(*(axis.inside for axis in self.axes), strict=True)
            padded[(..., *room)] = x[(..., *cells)]
        steps = padded.strides[lead:]
        strides = [step * axis.stride for step, axis in zip(steps, self.axes, strict=True)]
        strides += [step * axis.dilation for step, axis in zip(steps, self.axes, strict=True)]
        shape = (*x.shape[:lead], *self.places, *self.taps)
        return as_strided(padded, shape, (*padded.strides[:lead], *strides), writeable=False)

    def back(self, windows: Array) -> Array:
        """`[…, *sizes]`: what stands in windows `[…, *places, *taps]`, summed where it came from."""
        lead = windows.shape[: -2 * len(self.axes)]
        still = tuple(len(lead) + place for place, axis in enumerate(self.axes) if axis.stride == 0)
        windows = windows.sum(axis=still, keepdims=True) if still else windows
        total: Array = np.zeros((*lead, *(axis.room for axis in self.axes)), windows.dtype)
        for taps in product(*(range(axis.taps) for axis in self.axes)):
            where: tuple[Any, ...] = (..., *(axis.tap(tap) for axis, tap in zip(self.axes, taps, strict=True)))
            tap: tuple[Any, ...] = (..., *taps)
            total[where] += windows[tap]
        result: Array = np.zeros((*lead, *(axis.size for axis in self.axes)), windows.dtype)
        cells, room = zip(*(axis.inside for axis in self.axes), strict=True)
        result[(..., *cells)] = total[(..., *room)]
        return result
