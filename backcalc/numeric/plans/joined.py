"""Stages that read several values: sums, products, and values one behind the other."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from backcalc.layers import Shape
from backcalc.numeric.kernels.base import Array, summed_to
from backcalc.numeric.plans.layout import as_samples, axis_of, laid_out, shape_of


class Joint(ABC):
    """A part of a plan that reads any number of values. What holds for a `Stage` holds for it."""

    free: bool = False
    fresh: bool = True
    statistics: tuple[Array, ...] = ()

    @abstractmethod
    def forward(self, sources: Sequence[Array], drawn: Mapping[str, Array]) -> Array:
        """What it puts out."""

    @abstractmethod
    def backward(self, gradient: Array) -> Sequence[Array | None]:
        """The derivatives by all that was read, each in memory that no other has."""


class Added(Joint):
    """The sum of all that is read."""

    free = True

    def __init__(self, count: int, shape: Shape, samples: int, dtype: np.dtype[Any]) -> None:
        self.out = np.empty(shape_of(shape, samples), dtype)
        self.copies = [np.empty_like(self.out) for _ in range(count - 1)]

    def forward(self, sources: Sequence[Array], drawn: Mapping[str, Array]) -> Array:
        first, second, *others = sources
        np.add(first, second, out=self.out)
        for x in others:
            self.out += x
        return self.out

    def backward(self, gradient: Array) -> Sequence[Array | None]:
        for copy in self.copies:
            np.copyto(copy, gradient)
        return (gradient, *self.copies)


class Multiplied(Joint):
    """The product of all that is read; an axis of length 1 stands for all lengths."""

    free = True

    def __init__(self, shapes: Sequence[Shape], shape: Shape, samples: int, dtype: np.dtype[Any]) -> None:
        self.out, self.room = (np.empty(shape_of(shape, samples), dtype) for _ in range(2))
        self.into = [np.empty(shape_of(each, samples), dtype) for each in shapes]
        self.sources: Sequence[Array] = ()

    def forward(self, sources: Sequence[Array], drawn: Mapping[str, Array]) -> Array:
        self.sources = sources
        first, second, *others = sources
        np.multiply(first, second, out=self.out)
        for x in others:
            self.out *= x
        return self.out

    def backward(self, gradient: Array) -> Sequence[Array | None]:
        for place, into in enumerate(self.into):
            same = into.shape == gradient.shape
            room = into if same else self.room
            np.copyto(room, gradient)
            for other, x in enumerate(self.sources):
                if other != place:
                    room *= x
            if not same:
                np.copyto(into, summed_to(room, into.shape))
        return self.into


class Concatenated(Joint):
    """What is read, one behind the other along an axis."""

    free = True

    def __init__(self, axis: int, shapes: Sequence[Shape], shape: Shape, samples: int, dtype: np.dtype[Any]) -> None:
        self.out = np.empty(shape_of(shape, samples), dtype)
        before = (slice(None),) * axis_of(axis, len(shape))
        stops = np.cumsum([each[axis] for each in shapes]).tolist()
        starts = [0, *stops[:-1]]
        self.parts = [(*before, slice(start, stop)) for start, stop in zip(starts, stops, strict=True)]

    def forward(self, sources: Sequence[Array], drawn: Mapping[str, Array]) -> Array:
        for part, x in zip(self.parts, sources, strict=True):
            np.copyto(self.out[part], x)
        return self.out

    def backward(self, gradient: Array) -> Sequence[Array | None]:
        return [gradient[part] for part in self.parts]


class MatrixProduct(Joint):
    """The products of the matrices of every sample, along the last two axes; others go side by side."""

    def __init__(self, shapes: Sequence[Shape], shape: Shape, samples: int, dtype: np.dtype[Any]) -> None:
        self.left, self.right = (np.empty((samples, *each), dtype) for each in shapes)
        self.out, self.gradient = (np.empty((samples, *shape), dtype) for _ in range(2))

    def forward(self, sources: Sequence[Array], drawn: Mapping[str, Array]) -> Array:
        for buffer, x in zip((self.left, self.right), sources, strict=True):
            np.copyto(buffer, as_samples(x))
        return laid_out(np.matmul(self.left, self.right, out=self.out))

    def backward(self, gradient: Array) -> Sequence[Array | None]:
        np.copyto(self.gradient, as_samples(gradient))
        by_left = self.gradient @ self.right.swapaxes(-1, -2)
        by_right = self.left.swapaxes(-1, -2) @ self.gradient
        return [laid_out(summed_to(*each)) for each in ((by_left, self.left.shape), (by_right, self.right.shape))]
