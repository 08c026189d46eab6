"""Stages around a stage: what comes in seen otherwise, and convolutions without some of their weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from backcalc.layers import Shape
from backcalc.numeric.kernels.base import Array
from backcalc.numeric.plans.stages import Stage


class Viewed(Stage):
    """A stage that sees what comes in under another shape, and what it puts out under that of the plan."""

    def __init__(self, inner: Stage, arriving: Shape, within: Shape, leaving: Shape) -> None:
        self.inner, self.free = inner, inner.free
        self.arriving, self.within, self.leaving = arriving, within, leaving

    def forward(self, x: Array, drawn: Mapping[str, Array]) -> Array:
        self.out = self.inner.forward(x.reshape(self.within), drawn)
        return self.out.reshape(self.leaving)

    def backward(self, gradient: Array) -> Array | None:
        into = self.inner.backward(gradient.reshape(self.out.shape))
        return None if into is None else into.reshape(self.arriving)


class Partial(Stage):
    """A convolution whose filters see some of the maps: what a table of 0 and 1 leaves out of the weights is 0.

    The stage within reads what is kept of the weights, and adds to a buffer of its own.
    """

    def __init__(self, make: Callable[[Array, Array], Stage], weights: Array, by_weights: Array, table: Array) -> None:
        self.weights, self.by_weights, self.table = weights, by_weights, table.astype(weights.dtype)
        self.kept, self.by_kept = np.zeros_like(weights), np.zeros_like(weights)
        self.inner = make(self.kept, self.by_kept)
        self.free = self.inner.free

    def forward(self, x: Array, drawn: Mapping[str, Array]) -> Array:
        np.multiply(self.weights, self.table, out=self.kept)
        return self.inner.forward(x, drawn)

    def backward(self, gradient: Array) -> Array | None:
        self.by_kept.fill(0)
        into = self.inner.backward(gradient)
        self.by_kept *= self.table
        self.by_weights += self.by_kept
        return into
