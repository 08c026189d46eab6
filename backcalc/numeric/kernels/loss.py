"""Losses as arrays: `[trials, samples, *shape]` and a target give one loss a trial, and its derivative by the output.

Targets are those of the equations: classes `[trials, samples]` counted from 1, or numbers as the output has them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Generic, TypeVar, cast

import numpy as np

from backcalc.layers import Loss
from backcalc.layers.loss import Huber, MeanAbsolute, MeanSquare, RootMeanSquare, SumOfSquares
from backcalc.layers.loss_likelihood import (
    BinaryCrossEntropy,
    BinaryCrossEntropyLogits,
    CrossEntropy,
    CrossEntropyLogits,
    KullbackLeibler,
    NegativeLogLikelihood,
    NegativeLogLikelihoodLogits,
)
from backcalc.layers.loss_margin import Hinge, Margin, Perceptron
from backcalc.numeric.kernels.activation import sigmoid
from backcalc.numeric.kernels.base import Array
from backcalc.numeric.kernels.softmax import log_softmax, softmax

Measure = TypeVar("Measure", bound=Loss)


class LossKernel(ABC, Generic[Measure]):
    """One loss. A subclass says what each sample costs, and the derivative of that."""

    def __init__(self, loss: Loss) -> None:
        self.loss = cast(Measure, loss)

    @abstractmethod
    def costs(self, y: Array, t: Array) -> Array:
        """What each sample costs, `[trials, samples]`, without the factor."""

    @abstractmethod
    def slopes(self, y: Array, t: Array) -> Array:
        """The derivative of each sample's cost by its output."""

    def slopes_behind(self, y: Array, t: Array, output: Array) -> Array:
        """The same where it is known what the activation behind makes of y."""
        return self.slopes(y, t)

    def share(self, y: Array) -> float:
        """What one sample weighs in the loss of a batch."""
        return float(self.loss.factor) / (y.shape[1] if self.loss.over == "mean" else 1)

    def value(self, y: Array, t: Array) -> Array:
        """The loss of every trial."""
        total: Array = self.costs(y, t).sum(axis=1) * y.dtype.type(self.share(y))
        return total

    def gradient(self, y: Array, t: Array, output: Array | None = None) -> Array:
        """Its derivative by y; `output` is what the activation behind makes of y, where that is known."""
        found = self.slopes(y, t) if output is None else self.slopes_behind(y, t, output)
        found *= y.dtype.type(self.share(y))
        return found


def _summed(terms: Array) -> Array:
    """The sum over all numbers of each sample."""
    total: Array = terms.reshape(*terms.shape[:2], -1).sum(axis=2)
    return total


def _count(y: Array) -> int:
    """How many numbers a sample has."""
    return int(y[0, 0].size)


class SumOfSquaresKernel(LossKernel[SumOfSquares]):
    """Σ (y - t)²."""

    def costs(self, y: Array, t: Array) -> Array:
        return _summed((y - t) ** 2)

    def slopes(self, y: Array, t: Array) -> Array:
        return 2 * (y - t)


class MeanSquareKernel(LossKernel[MeanSquare | RootMeanSquare]):
    """mean (y - t)²."""

    def costs(self, y: Array, t: Array) -> Array:
        return _summed((y - t) ** 2) / _count(y)

    def slopes(self, y: Array, t: Array) -> Array:
        return (y - t) * (2 / _count(y))


class RootMeanSquareKernel(MeanSquareKernel):
    """The root of the mean square over outputs and samples; at 0, where there is no derivative, none flows."""

    def value(self, y: Array, t: Array) -> Array:
        found: Array = np.sqrt(self.costs(y, t).sum(axis=1) * self._each(y)) * y.dtype.type(self.loss.factor)
        return found

    def gradient(self, y: Array, t: Array, output: Array | None = None) -> Array:
        root = np.sqrt(self.costs(y, t).sum(axis=1) * self._each(y))
        factor = float(self.loss.factor) * self._each(y) / (2 * np.where(root == 0, 1, root))
        found: Array = self.slopes(y, t) * factor.reshape(-1, *(1,) * (y.ndim - 1)).astype(y.dtype)
        return found

    def _each(self, y: Array) -> float:
        return 1 / y.shape[1] if self.loss.over == "mean" else 1.0


class MeanAbsoluteKernel(LossKernel[MeanAbsolute]):
    """mean |y - t|."""

    def costs(self, y: Array, t: Array) -> Array:
        return _summed(np.abs(y - t)) / _count(y)

    def slopes(self, y: Array, t: Array) -> Array:
        found: Array = np.sign(y - t) / _count(y)
        return found


class HuberKernel(LossKernel[Huber]):
    """The mean of e²/2 where |e| ≤ delta, else delta·(|e| - delta/2)."""

    def costs(self, y: Array, t: Array) -> Array:
        error, delta = np.abs(y - t), y.dtype.type(self.loss.delta)
        return _summed(np.where(error <= delta, error * error / 2, delta * (error - delta / 2))) / _count(y)

    def slopes(self, y: Array, t: Array) -> Array:
        delta = y.dtype.type(self.loss.delta)
        found: Array = np.clip(y - t, -delta, delta) / _count(y)
        return found


class BinaryCrossEntropyKernel(LossKernel[BinaryCrossEntropy]):
    """-Σ t log y + (1 - t) log(1 - y)."""

    def costs(self, y: Array, t: Array) -> Array:
        return -_summed(_weighted(t, y) + _weighted(1 - t, 1 - y))

    def slopes(self, y: Array, t: Array) -> Array:
        return _divided(1 - t, 1 - y) - _divided(t, y)


class BinaryCrossEntropyLogitsKernel(LossKernel[BinaryCrossEntropyLogits]):
    """Σ softplus(y) - t y."""

    def costs(self, y: Array, t: Array) -> Array:
        terms = np.exp(-np.abs(y))
        terms += 1
        np.log(terms, out=terms)
        terms += np.maximum(y, 0)
        terms -= t * y
        return _summed(terms)

    def slopes(self, y: Array, t: Array) -> Array:
        return self.slopes_behind(y, t, sigmoid(y))

    def slopes_behind(self, y: Array, t: Array, output: Array) -> Array:
        return output - t


class CrossEntropyKernel(LossKernel[CrossEntropy]):
    """-Σ t log y."""

    def costs(self, y: Array, t: Array) -> Array:
        return -_summed(_weighted(t, y))

    def slopes(self, y: Array, t: Array) -> Array:
        return -_divided(t, y)


class CrossEntropyLogitsKernel(LossKernel[CrossEntropyLogits]):
    """-Σ t log softmax(y)."""

    def costs(self, y: Array, t: Array) -> Array:
        return -_summed(t * log_softmax(y))

    def slopes(self, y: Array, t: Array) -> Array:
        return self.slopes_behind(y, t, softmax(y))

    def slopes_behind(self, y: Array, t: Array, output: Array) -> Array:
        found: Array = output * t.sum(axis=-1, keepdims=True) - t
        return found


class KullbackLeiblerKernel(LossKernel[KullbackLeibler]):
    """Σ t log(t/y); a t of 0 adds nothing."""

    def costs(self, y: Array, t: Array) -> Array:
        return _summed(_weighted(t, np.divide(t, y, out=np.ones_like(y), where=t != 0)))

    def slopes(self, y: Array, t: Array) -> Array:
        return -_divided(t, y)


def _weighted(t: Array, y: Array) -> Array:
    """t log y, and 0 where t is 0."""
    t, y = np.broadcast_arrays(t, y)
    return t * np.log(y, out=np.zeros(y.shape, y.dtype), where=t != 0)


def _divided(t: Array, y: Array) -> Array:
    """t/y, and 0 where t is 0."""
    t, y = np.broadcast_arrays(t, y)
    return np.divide(t, y, out=np.zeros(y.shape, y.dtype), where=t != 0)


def _class(t: Array) -> Array:
    """The place of the class along the last axis, from classes counted from 1."""
    return np.asarray(t).astype(np.intp)[..., None] - 1


class NegativeLogLikelihoodKernel(LossKernel[NegativeLogLikelihood]):
    """-log y[t]."""

    def costs(self, y: Array, t: Array) -> Array:
        found: Array = -np.log(np.take_along_axis(y, _class(t), axis=-1))[..., 0]
        return found

    def slopes(self, y: Array, t: Array) -> Array:
        found = np.zeros_like(y)
        np.put_along_axis(found, _class(t), -1 / np.take_along_axis(y, _class(t), axis=-1), axis=-1)
        return found


class NegativeLogLikelihoodLogitsKernel(LossKernel[NegativeLogLikelihoodLogits]):
    """-log softmax(y)[t]."""

    def costs(self, y: Array, t: Array) -> Array:
        return -np.take_along_axis(log_softmax(y), _class(t), axis=-1)[..., 0]

    def slopes(self, y: Array, t: Array) -> Array:
        found = softmax(y)
        right = np.take_along_axis(found, _class(t), axis=-1)
        np.put_along_axis(found, _class(t), right - 1, axis=-1)
        return found


class MarginKernel(LossKernel[Margin]):
    """max(0, margin - t y) of one score; of several the sum over the others of max(0, margin + y - y[t])."""

    def costs(self, y: Array, t: Array) -> Array:
        return _summed(np.maximum(self._missing(y, t), 0))

    def slopes(self, y: Array, t: Array) -> Array:
        short = (self._missing(y, t) > 0).astype(y.dtype)
        if y.shape[2:] == (1,):
            return -short * t[..., None]
        np.put_along_axis(short, _class(t), -short.sum(axis=-1, keepdims=True), axis=-1)
        return short

    def _missing(self, y: Array, t: Array) -> Array:
        """By how much each score misses its margin; nothing for the right class."""
        margin = type(self.loss).margin
        if y.shape[2:] == (1,):
            return margin - t[..., None] * y
        missing: Array = margin + y - np.take_along_axis(y, _class(t), axis=-1)
        np.put_along_axis(missing, _class(t), 0, axis=-1)
        return missing


LOSS_KERNELS: Mapping[type[Loss], type[LossKernel[Loss]]] = cast(
    Mapping[type[Loss], type[LossKernel[Loss]]],
    {
        SumOfSquares: SumOfSquaresKernel,
        MeanSquare: MeanSquareKernel,
        RootMeanSquare: RootMeanSquareKernel,
        MeanAbsolute: MeanAbsoluteKernel,
        Huber: HuberKernel,
        BinaryCrossEntropy: BinaryCrossEntropyKernel,
        BinaryCrossEntropyLogits: BinaryCrossEntropyLogitsKernel,
        CrossEntropy: CrossEntropyKernel,
        CrossEntropyLogits: CrossEntropyLogitsKernel,
        KullbackLeibler: KullbackLeiblerKernel,
        NegativeLogLikelihood: NegativeLogLikelihoodKernel,
        NegativeLogLikelihoodLogits: NegativeLogLikelihoodLogitsKernel,
        Hinge: MarginKernel,
        Perceptron: MarginKernel,
    },
)
"""The kernel of every loss."""
