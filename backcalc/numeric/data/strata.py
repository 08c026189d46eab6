"""Samples parted so that every class has its share in both parts."""

from __future__ import annotations

from typing import Any

import numpy as np

from backcalc.numeric.kernels.base import Array


def strata(labels: Array, count: int, random: Any) -> tuple[Array, Array]:
    """The places of `count` samples and of all others, both in random order, each class in both by its share.

    From a `RandomState` they are those of scikit-learn's `train_test_split(stratify=labels, test_size=count)`.

    >>> few, many = strata(np.array([0, 0, 0, 0, 0, 0, 1, 1, 1]), 3, np.random.RandomState(0))
    >>> few.tolist(), many.tolist()
    ([7, 0, 4], [2, 1, 3, 6, 5, 8])
    """
    classes = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    sizes = np.array([len(places) for places in classes])
    many = _shares(sizes, len(labels) - count, random)
    few = _shares(sizes - many, count, random)
    drawn = [random.permutation(places) for places in classes]
    others = [places[:size] for places, size in zip(drawn, many, strict=True)]
    kept = [places[start : start + size] for places, start, size in zip(drawn, many, few, strict=True)]
    rest = random.permutation(np.concatenate(others))
    return random.permutation(np.concatenate(kept)), rest


def _shares(sizes: Array, count: int, random: Any) -> Array:
    """How many of `count` samples each class has: its share, rounded so that the largest remainders gain one.

    Of equal remainders some are drawn at random.
    """
    exact = sizes / sizes.sum() * count
    found: Array = np.floor(exact)
    left = int(count - found.sum())
    for remainder in np.unique(exact - found)[::-1]:
        if not left:
            break
        (alike,) = np.nonzero(exact - np.floor(exact) == remainder)
        chosen = random.choice(alike, size=min(len(alike), left), replace=False)
        found[chosen] += 1
        left -= len(chosen)
    return np.asarray(found, np.intp)
