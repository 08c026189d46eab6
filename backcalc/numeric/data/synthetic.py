"""Data that are drawn: a line, |x|, the eggholder function, blobs, spirals."""

from __future__ import annotations

from math import pi, sqrt

import numpy as np

from backcalc.numeric.data.base import Data, Random
from backcalc.numeric.kernels.base import Array


def line(count: int, random: Random) -> Data:
    """Points of a square on both sides of a line through it, drawn too: classes a perceptron can tell apart."""
    angle, shift = random.uniform(0, 2 * pi), random.uniform(-0.3, 0.3)
    x = random.uniform(-1, 1, (count, 2))
    y = (x @ np.array([np.cos(angle), np.sin(angle)]) > shift).astype(float)
    y[:2] = 0, 1  # both classes are there; the first two points are put on their side
    x[:2] = np.outer([shift - 0.5, shift + 0.5], [np.cos(angle), np.sin(angle)])
    return Data("line", x, y, classes=("below", "above"))


def absolute(count: int, random: Random) -> Data:
    """`y = |x|` for x between ±√7 (Lu et al. 2019, "Dying ReLU and initialization", section 4)."""
    x = random.uniform(-sqrt(7), sqrt(7), (count, 1))
    return Data("abs", x, np.abs(x))


def eggholder(count: int, random: Random) -> Data:
    """The eggholder function between ±512, with noise of variance 0.3.

    `-(b + 47) sin √|a/2 + b + 47| - a sin √|a - b - 47|`.
    """
    x = random.uniform(-512, 512, (count, 2))
    noise = random.normal(0, sqrt(0.3), count)
    return Data("eggholder", x, (_eggholder(x[:, 0], x[:, 1]) + noise)[:, None])


def _eggholder(a: Array, b: Array) -> Array:
    first = -(b + 47) * np.sin(np.sqrt(np.abs(a / 2 + b + 47)))
    value: Array = first - a * np.sin(np.sqrt(np.abs(a - b - 47)))
    return value


def blobs(count: int, random: Random) -> Data:
    """Three clouds of points in the plane."""
    centres = np.array([[0, 1.5], [-1.3, -0.75], [1.3, -0.75]])
    y = np.arange(count) % 3
    return Data("blobs", centres[y] + random.normal(0, 0.5, (count, 2)), y.astype(float), classes=("1", "2", "3"))


def spirals(count: int, random: Random) -> Data:
    """Two spirals wound into each other (Lang and Witbrock 1988)."""
    y = np.arange(count) % 2
    turn = np.sqrt(random.uniform(0.02, 1, count)) * 3 * pi
    angle = turn + pi * y
    x = np.stack([turn * np.cos(angle), turn * np.sin(angle)], axis=1) / (3 * pi)
    return Data("spirals", x + random.normal(0, 0.02, (count, 2)), y.astype(float), classes=("1", "2"))


SYNTHETIC = {
    "line": (line, 1000),
    "abs": (absolute, 3000),
    "eggholder": (eggholder, 100_000),
    "blobs": (blobs, 300),
    "spirals": (spirals, 400),
}
"""What is drawn by each name, and how many points without a number."""
