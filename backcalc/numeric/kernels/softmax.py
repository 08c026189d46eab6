"""Softmax and its logarithm along the last axis, the largest number subtracted before any exponential."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from backcalc.layers.softmax import LogSoftmax, Softmax
from backcalc.numeric.kernels.base import Array, Stateless


def softmax(x: Array) -> Array:
    """The shares of the exponentials along the last axis."""
    shares: Array = np.exp(x - x.max(axis=-1, keepdims=True))
    shares /= shares.sum(axis=-1, keepdims=True)
    return shares


def log_softmax(x: Array) -> Array:
    """Their logarithms, finite where the shares would be 0."""
    less = x - x.max(axis=-1, keepdims=True)
    result: Array = less - np.log(np.exp(less).sum(axis=-1, keepdims=True))
    return result


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
