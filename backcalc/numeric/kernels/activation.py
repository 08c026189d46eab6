"""Activations: a value and a slope for every number. The slope at a kink is 0, `slope` or `alpha`, as derived."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from math import pi, sqrt
from typing import TypeVar

import numpy as np

from backcalc.layers import Layer
from backcalc.layers.activation import (
    Elu,
    Gelu,
    HardSigmoid,
    HardSwish,
    LeakyRelu,
    Linear,
    Relu,
    Relu6,
    ScaledTanh,
    Sigmoid,
    Sign,
    Silu,
    Softplus,
    Tanh,
)
from backcalc.numeric.kernels.base import Array, Stateless
from backcalc.numeric.kernels.erf import erf

Function = TypeVar("Function", bound=Layer)


def sigmoid(x: Array) -> Array:
    """`1/(1 + exp(-x))` without overflow, small values to their last digit."""
    result: Array = np.exp(np.minimum(x, 0)) / (1 + np.exp(-np.abs(x)))
    return result


def softplus(x: Array) -> Array:
    """`log(1 + exp(x))` without overflow."""
    result: Array = np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))
    return result


class Pointwise(Stateless[Function]):
    """A function of each number alone."""

    @abstractmethod
    def value(self, x: Array) -> Array:
        """The function."""

    @abstractmethod
    def slope(self, x: Array, y: Array) -> Array:
        """Its derivative, from argument and value."""

    def apply(self, x: Array) -> tuple[Array, Callable[[Array], Array]]:
        y = self.value(x)
        return y, lambda gradient: gradient * self.slope(x, y)


class ReluKernel(Pointwise[Relu]):
    """max(0, x)."""

    def value(self, x: Array) -> Array:
        return np.maximum(x, 0)

    def slope(self, x: Array, y: Array) -> Array:
        return x > 0


class Relu6Kernel(Pointwise[Relu6]):
    """min(max(0, x), 6)."""

    def value(self, x: Array) -> Array:
        return np.clip(x, 0, 6)

    def slope(self, x: Array, y: Array) -> Array:
        return (x > 0) & (x < 6)


class LeakyReluKernel(Pointwise[LeakyRelu]):
    """x, or slope·x where x ≤ 0."""

    def value(self, x: Array) -> Array:
        return np.where(x > 0, x, x.dtype.type(self.layer.slope) * x)

    def slope(self, x: Array, y: Array) -> Array:
        found: Array = np.where(x > 0, x.dtype.type(1), x.dtype.type(self.layer.slope))
        return found


class EluKernel(Pointwise[Elu]):
    """x, or alpha·(exp(x) - 1) where x ≤ 0."""

    def value(self, x: Array) -> Array:
        return np.where(x > 0, x, x.dtype.type(self.layer.alpha) * np.expm1(np.minimum(x, 0)))

    def slope(self, x: Array, y: Array) -> Array:
        alpha = x.dtype.type(self.layer.alpha)
        found: Array = np.where(x > 0, x.dtype.type(1), alpha * np.exp(np.minimum(x, 0)))
        return found


class GeluKernel(Pointwise[Gelu]):
    """½x·(1 + erf(x/√2)), or its approximation by tanh."""

    def value(self, x: Array) -> Array:
        half: Array = 0.5 * x * (1 + (np.tanh(self._inner(x)) if self.layer.approximate else erf(x / sqrt(2))))
        return half

    def slope(self, x: Array, y: Array) -> Array:
        if not self.layer.approximate:
            exact: Array = 0.5 * (1 + erf(x / sqrt(2))) + x * np.exp(-0.5 * x * x) / sqrt(2 * pi)
            return exact
        tanh = np.tanh(self._inner(x))
        inner = sqrt(2 / pi) * (1 + 3 * 0.044715 * x * x)
        near: Array = 0.5 * (1 + tanh) + 0.5 * x * (1 - tanh * tanh) * inner
        return near

    def _inner(self, x: Array) -> Array:
        inner: Array = sqrt(2 / pi) * (x + 0.044715 * x * x * x)
        return inner


class SiluKernel(Pointwise[Silu]):
    """x·sigmoid(x)."""

    def value(self, x: Array) -> Array:
        return x * sigmoid(x)

    def slope(self, x: Array, y: Array) -> Array:
        share = sigmoid(x)
        found: Array = share + y * (1 - share)
        return found


class HardSigmoidKernel(Pointwise[HardSigmoid]):
    """relu6(x + 3)/6."""

    def value(self, x: Array) -> Array:
        found: Array = np.clip(x + 3, 0, 6) / 6
        return found

    def slope(self, x: Array, y: Array) -> Array:
        found: Array = ((x > -3) & (x < 3)) / x.dtype.type(6)
        return found


class HardSwishKernel(Pointwise[HardSwish]):
    """x·relu6(x + 3)/6."""

    def value(self, x: Array) -> Array:
        found: Array = x * np.clip(x + 3, 0, 6) / 6
        return found

    def slope(self, x: Array, y: Array) -> Array:
        return np.where((x > -3) & (x < 3), (2 * x + 3) / 6, x > 3)


class SoftplusKernel(Pointwise[Softplus]):
    """log(1 + exp(x))."""

    def value(self, x: Array) -> Array:
        return softplus(x)

    def slope(self, x: Array, y: Array) -> Array:
        return sigmoid(x)


class SigmoidKernel(Pointwise[Sigmoid]):
    """1/(1 + exp(-x))."""

    def value(self, x: Array) -> Array:
        return sigmoid(x)

    def slope(self, x: Array, y: Array) -> Array:
        found: Array = y * (1 - y)
        return found


class TanhKernel(Pointwise[Tanh]):
    """tanh(x)."""

    def value(self, x: Array) -> Array:
        return np.tanh(x)

    def slope(self, x: Array, y: Array) -> Array:
        return 1 - y * y


class ScaledTanhKernel(Pointwise[ScaledTanh]):
    """1.7159·tanh(2x/3)."""

    def value(self, x: Array) -> Array:
        return 1.7159 * np.tanh(x * (2 / 3))

    def slope(self, x: Array, y: Array) -> Array:
        tanh = y / 1.7159
        return 1.7159 * (2 / 3) * (1 - tanh * tanh)


class SignKernel(Pointwise[Sign]):
    """-1, 0 or 1; its derivative is 0."""

    def value(self, x: Array) -> Array:
        return np.sign(x)

    def slope(self, x: Array, y: Array) -> Array:
        return np.zeros_like(x)


class LinearKernel(Stateless[Linear]):
    """The identity."""

    def apply(self, x: Array) -> tuple[Array, Callable[[Array], Array]]:
        return x, lambda gradient: gradient
