"""How a step of a training is divided among processes: by trials, or by the samples of a mini-batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from mmap import mmap
from typing import Any, TypeAlias

import numpy as np

from backcalc.numeric.kernels.base import Array

Zeros: TypeAlias = Callable[[tuple[int, ...], np.dtype[Any]], Array]
"""What makes an array of zeros: `np.zeros`, or `common`."""


def common(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """An array of zeros that a process has in common with those that it forks.

    >>> common((2, 3), np.dtype(float)).sum()
    np.float64(0.0)
    """
    count = int(np.prod(shape, dtype=int))
    return np.frombuffer(mmap(-1, max(1, count * dtype.itemsize)), dtype, count).reshape(shape)


def alike(array: Array, zeros: Zeros) -> Array:
    """Zeros of the shape of an array, which lie in memory as it does."""
    if array.flags.c_contiguous:
        return zeros(array.shape, array.dtype)
    return zeros(array.shape[::-1], array.dtype).T


@dataclass(frozen=True, slots=True)
class Share:
    """One of several parts, as equal as may be; of fewer things than parts the first part has all.

    >>> [Share(place, 3).within(8) for place in range(3)]
    [slice(0, 2, None), slice(2, 5, None), slice(5, 8, None)]
    >>> [Share(place, 3).within(2) for place in range(3)]
    [slice(0, 2, None), slice(2, 2, None), slice(2, 2, None)]
    """

    place: int = 0
    of: int = 1

    def within(self, count: int) -> slice:
        """Its part of so many things in a row."""
        if count < self.of:
            return slice(count * min(self.place, 1), count)
        return slice(count * self.place // self.of, count * (self.place + 1) // self.of)


WHOLE = Share()
"""All of it."""
