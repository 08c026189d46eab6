"""Where the samples of a plan stand: innermost, so that passes over numbers and copies of columns go along memory.

A sample of shape `[features]` or `[time, features]` is `[*shape, samples]`; maps `[channels, rows, columns]` have their
rows first, `[rows, channels, columns, samples]`, so that what a row of windows sees stands together.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from backcalc.layers import Shape
from backcalc.numeric.kernels.base import Array

STRIP = 32_768
"""So many numbers go through several passes at a time, so that they stay in the cache."""


def laid_out(array: Array) -> Array:
    """Samples `[samples, *shape]` as a plan has them, a view.

    >>> laid_out(np.zeros((64, 3, 28, 30))).shape, laid_out(np.zeros((64, 7, 10))).shape
    ((28, 3, 30, 64), (7, 10, 64))
    """
    if array.ndim == 4:
        return array.transpose(2, 1, 3, 0)
    return array.T if array.ndim == 2 else np.moveaxis(array, 0, -1)


def as_samples(array: Array) -> Array:
    """`[samples, *shape]` again, a view."""
    if array.ndim == 4:
        return array.transpose(3, 1, 0, 2)
    return array.T if array.ndim == 2 else np.moveaxis(array, -1, 0)


def in_order(array: Array) -> Array:
    """`[*shape, samples]`, the axes as the layer has them, from the order of a plan or back into it; a view.

    >>> in_order(np.zeros((28, 3, 30, 64))).shape
    (3, 28, 30, 64)
    """
    return array.swapaxes(0, 1) if array.ndim == 4 else array


def shape_of(shape: Shape, samples: int) -> Shape:
    """The shape of a buffer for samples of that shape."""
    return (shape[1], shape[0], shape[2], samples) if len(shape) == 3 else (*shape, samples)


def axis_of(axis: int, axes: int) -> int:
    """Where an axis of a sample that has so many stands in a plan, both from 0.

    >>> [axis_of(axis, 3) for axis in range(3)]
    [1, 0, 2]
    """
    return 1 - axis if axes == 3 and axis < 2 else axis


def strips(first: Array, *others: Array) -> Iterator[tuple[Array, ...]]:
    """The same rows of several arrays, a few at a time, as views.

    >>> [len(rows) for rows, in strips(np.empty((5, 1000, 16)))]
    [2, 2, 1]
    """
    if first.size <= STRIP:
        yield first, *others
        return
    step = max(1, STRIP * len(first) // first.size)
    for start in range(0, len(first), step):
        yield tuple(array[start : start + step] for array in (first, *others))
