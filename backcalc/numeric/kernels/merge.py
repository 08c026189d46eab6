"""Layers that join several inputs, or weigh one by numbers a channel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np

from backcalc.layers.merge import Add, Concat, Multiply
from backcalc.layers.normalise import Normalise
from backcalc.layers.residual import LayerScale
from backcalc.numeric.kernels.base import (
    Array,
    Gradients,
    Kernel,
    Pass,
    Result,
    Stateless,
    over_samples,
    per_sample,
    summed_to,
)


class AddKernel(Kernel[Add]):
    """The sum of the inputs."""

    def forward(self, inputs: Sequence[Array], parameters: Sequence[Array], going: Pass) -> Result:
        total = inputs[0]
        for x in inputs[1:]:
            total = total + x
        return Result(total, lambda gradient: Gradients((gradient,) * len(inputs)))


class MultiplyKernel(Kernel[Multiply]):
    """The product of the inputs; an axis of length 1 stands for all lengths."""

    def forward(self, inputs: Sequence[Array], parameters: Sequence[Array], going: Pass) -> Result:
        def product(factors: Sequence[Array]) -> Array:
            result = factors[0]
            for factor in factors[1:]:
                result = result * factor
            return result

        def backward(gradient: Array) -> Gradients:
            found = []
            for place, x in enumerate(inputs):
                others = [*inputs[:place], *inputs[place + 1 :]]
                found.append(summed_to(product([gradient, *others]), x.shape))
            return Gradients(tuple(found))

        return Result(product(inputs), backward)


class ConcatKernel(Kernel[Concat]):
    """The inputs one behind the other."""

    def forward(self, inputs: Sequence[Array], parameters: Sequence[Array], going: Pass) -> Result:
        axis = self.layer.axis + 1
        ends = np.cumsum([x.shape[axis] for x in inputs])[:-1]
        output = np.concatenate(inputs, axis=axis)
        return Result(output, lambda gradient: Gradients(tuple(np.split(gradient, ends, axis=axis))))


class NormaliseKernel(Stateless[Normalise]):
    """`(x - mean)/std` with fixed numbers."""

    def apply(self, x: Array) -> tuple[Array, Callable[[Array], Array]]:
        mean, std = (self._channels(given, x) for given in (self.layer.mean, self.layer.std))
        return (x - mean) / std, lambda gradient: gradient / std

    @staticmethod
    def _channels(given: Fraction | tuple[Fraction, ...], x: Array) -> Array:
        numbers = np.array([float(number) for number in (given if isinstance(given, tuple) else (given,))], x.dtype)
        return numbers.reshape(-1, *(1,) * (x.ndim - 3))


class LayerScaleKernel(Kernel[LayerScale]):
    """`gamma·x`, one gain a channel, or a feature of `[time, features]`."""

    def forward(self, inputs: Sequence[Array], parameters: Sequence[Array], going: Pass) -> Result:
        (x,) = inputs
        axis = 1 if x.ndim == 4 else 0
        gamma = per_sample(parameters[0], axis, x.ndim - 2)
        return Result(gamma * x, lambda gradient: Gradients((gamma * gradient,), (over_samples(gradient * x, axis),)))
