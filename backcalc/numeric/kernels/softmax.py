"""Softmax and its logarithm along the last axis, the largest number subtracted before any exponential."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from backcalc.layers.softmax import LogSoftmax, Softmax
from backcalc.numeric.kernels.base import Array, Stateless

FEW = 8
"""So many numbers along the last axis are joined one by one: reducing a short axis is slow."""


def _joined(function: np.ufunc, x: Array) -> Array:
    """All numbers along the last axis joined, the axis kept."""
    if x.shape[-1] > FEW:
        whole: Array = function.reduce(x, axis=-1, keepdims=True)
        return whole
    total = x[..., :1].copy()
    for place in range(1, x.shape[-1]):
        function(total, x[..., place : place + 1], out=total)
    return total


def softmax(x: Array) -> Array:
    """The shares of the exponentials along the last axis."""
    shares = x - _joined(np.maximum, x)
    np.exp(shares, out=shares)
    shares /= _joined(np.add, shares)
    return shares


def log_softmax(x: Array) -> Array:
    """Their logarithms, finite where the shares would be 0."""
    less = x - _joined(np.maximum, x)
    less -= np.log(_joined(np.add, np.exp(less)))
    return less


def through_softmax(gradient: Array, shares: Array) -> Array:
    """The derivative by the argument of a softmax: `y (g - Σ g y)`."""
    result: Array = shares * (gradient - (gradient * shares).sum(axis=-1, keepdims=True))
    return result


class SoftmaxKernel(Stateless[Softmax]):
    """exp(x)/Σ exp(x)."""

    def apply(self, x: Array) -> tuple[Array, Callable[[Array], Array]]:
        shares = softmax(x)
        return shares, lambda gradient: through_softmax(gradient, shares)


class LogSoftmaxKernel(Stateless[LogSoftmax]):
    """x - log Σ exp(x)."""

    def apply(self, x: Array) -> tuple[Array, Callable[[Array], Array]]:
        logs = log_softmax(x)
        return logs, lambda gradient: gradient - np.exp(logs) * gradient.sum(axis=-1, keepdims=True)
