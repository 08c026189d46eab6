"""Norms: numbers less their mean over their spread, and back through both."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from backcalc.layers import Shape
from backcalc.layers.norm import BatchNorm, GroupNorm, LayerNorm, RmsNorm
from backcalc.net import Node
from backcalc.numeric.kernels.base import Array, Gradients, Kernel, Pass, Result, over_samples, per_sample


def standardised(
    x: Array, axes: tuple[int, ...], epsilon: float, *, centred: bool = True
) -> tuple[Array, Array, Array, Callable[[Array], Array]]:
    """The numbers less their mean over the root of their variance plus epsilon, over some axes.

    Also mean and variance, and the derivative by x: `(g - mean g - hat·mean(g hat))/spread`. Not `centred`, the mean is
    left out, as in RMS norm.
    """
    mean = x.mean(axis=axes, keepdims=True) if centred else np.zeros((), x.dtype)
    less = x - mean
    variance = (less * less).mean(axis=axes, keepdims=True)
    spread = np.sqrt(variance + x.dtype.type(epsilon))
    hat = less / spread

    def back(gradient: Array) -> Array:
        rest = gradient - hat * (gradient * hat).mean(axis=axes, keepdims=True)
        if centred:
            rest = rest - gradient.mean(axis=axes, keepdims=True)
        by_input: Array = rest / spread
        return by_input

    return hat, mean, variance, back


def _scaled(hat: Array, parameters: Sequence[Array], axis: int, back: Callable[[Array], Array]) -> Result:
    """`gamma·hat + beta`, one of each along an axis of the samples, and back through what made `hat`."""
    gamma, *beta = (per_sample(parameter, axis, hat.ndim - 2) for parameter in parameters)
    output = gamma * hat + beta[0] if beta else gamma * hat

    def backward(gradient: Array) -> Gradients:
        by_gamma = over_samples(gradient * hat, axis)
        by_beta = (over_samples(gradient, axis),) if beta else ()
        return Gradients((back(gradient * gamma),), (by_gamma, *by_beta))

    return Result(output, backward)


class BatchNormKernel(Kernel[BatchNorm]):
    """Over samples and positions of a channel in training; with the running statistics in use.

    The running variance is moved towards the unbiased variance of the batch (Ioffe and Szegedy 2015, algorithm 2).
    """

    def forward(self, inputs: Sequence[Array], parameters: Sequence[Array], going: Pass) -> Result:
        (x,), (gamma, beta, *running) = inputs, parameters
        epsilon = float(self.layer.epsilon)
        if going.training:
            axes = (1, *range(3, x.ndim))
            hat, mean, variance, back = standardised(x, axes, epsilon)
            count = x[0, :, 0].size
            unbiased = variance * (count / max(count - 1, 1))
            scaled = _scaled(hat, (gamma, beta), 0, back)
            statistics: tuple[Array, ...] = (mean.reshape(gamma.shape), unbiased.reshape(gamma.shape))
        else:
            mean, variance = (per_sample(each, 0, x.ndim - 2) for each in running)
            spread = np.sqrt(variance + x.dtype.type(epsilon))
            scaled = _scaled((x - mean) / spread, (gamma, beta), 0, lambda gradient: gradient / spread)
            statistics = ()

        def backward(gradient: Array) -> Gradients:
            found = scaled.backward(gradient)
            return Gradients(found.inputs, (*found.parameters, None, None))

        return Result(scaled.output, backward, statistics)

    def moved(self, running: Sequence[Array], batch: Sequence[Array]) -> tuple[Array, ...]:
        share = float(self.layer.momentum)
        return tuple(old + old.dtype.type(share) * (new - old) for old, new in zip(running, batch, strict=True))


class GroupNormKernel(Kernel[GroupNorm]):
    """Over each group of channels of a sample."""

    def forward(self, inputs: Sequence[Array], parameters: Sequence[Array], going: Pass) -> Result:
        (x,) = inputs
        grouped = x.reshape(*x.shape[:2], self.layer.groups, -1)
        hat, _, _, back = standardised(grouped, (3,), float(self.layer.epsilon))
        return _scaled(
            hat.reshape(x.shape), parameters, 0, lambda gradient: back(gradient.reshape(grouped.shape)).reshape(x.shape)
        )


class FeatureNormKernel(Kernel[LayerNorm | RmsNorm]):
    """Over one axis of a sample: layer norm, or RMS norm, which subtracts no mean."""

    def __init__(self, node: Node, arriving: tuple[Shape, ...]) -> None:
        super().__init__(node, arriving)
        self.axis = len(node.input_shape) - 1 if self.layer.axis is None else self.layer.axis - 1

    def forward(self, inputs: Sequence[Array], parameters: Sequence[Array], going: Pass) -> Result:
        (x,) = inputs
        centred = self.layer.shifts
        hat, _, _, back = standardised(x, (self.axis + 2,), float(self.layer.epsilon), centred=centred)
        return _scaled(hat, parameters, self.axis, back)
