"""Activations beyond the common ones, in place where the slope follows from the value; softmax over the features."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import pi, sqrt
from typing import Any

import numpy as np

from backcalc.layers import Layer
from backcalc.layers.activation import Elu, Gelu, HardSigmoid, HardSwish, Relu6, ScaledTanh, Sign, Silu, Softplus
from backcalc.numeric.kernels.base import Array
from backcalc.numeric.kernels.erf import erf
from backcalc.numeric.plans.layout import strips
from backcalc.numeric.plans.stages import Activation, Pointwise, Stage, pointwise


class Relu6Plan(Pointwise):
    """min(max(0, x), 6)."""

    def __init__(self, layer: Relu6, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.above, self.below = (np.empty(shape, bool) for _ in range(2))

    def apply(self, x: Array) -> None:
        np.clip(x, 0, 6, out=x)

    def back(self, y: Array, gradient: Array) -> None:
        above, below = self.above[: len(y)], self.below[: len(y)]
        np.greater(y, 0, out=above)
        np.less(y, 6, out=below)
        above &= below
        np.multiply(gradient, above, out=gradient)


class HardSigmoidPlan(Pointwise):
    """relu6(x + 3)/6, its slope 1/6 inside."""

    def __init__(self, layer: HardSigmoid, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.above, self.below = (np.empty(shape, bool) for _ in range(2))
        self.sixth = dtype.type(1 / 6)

    def apply(self, x: Array) -> None:
        x += 3
        np.clip(x, 0, 6, out=x)
        x *= self.sixth

    def back(self, y: Array, gradient: Array) -> None:
        above, below = self.above[: len(y)], self.below[: len(y)]
        np.greater(y, 0, out=above)
        np.less(y, 1, out=below)
        above &= below
        np.multiply(gradient, above, out=gradient)
        gradient *= self.sixth


class ScaledTanhPlan(Pointwise):
    """1.7159·tanh(2x/3), its slope ⅔·(1.7159 - y²/1.7159)."""

    def apply(self, x: Array) -> None:
        x *= 2 / 3
        np.tanh(x, out=x)
        x *= 1.7159

    def back(self, y: Array, gradient: Array) -> None:
        room = self.room[: len(y)]
        np.multiply(y, y, out=room)
        room *= -2 / (3 * 1.7159)
        room += 1.7159 * 2 / 3
        gradient *= room


class EluPlan(Pointwise):
    """x, or alpha·(exp(x) - 1) where x ≤ 0, its slope there y + alpha."""

    def __init__(self, layer: Elu, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        super().__init__(layer, shape, dtype)
        self.alpha = dtype.type(layer.alpha)

    def apply(self, x: Array) -> None:
        room = self.room[: len(x)]
        np.minimum(x, 0, out=room)
        np.expm1(room, out=room)
        room *= self.alpha
        np.maximum(x, 0, out=x)
        x += room

    def back(self, y: Array, gradient: Array) -> None:
        room = self.room[: len(y)]
        np.minimum(y, 0, out=room)
        room += self.alpha
        np.copyto(room, 1, where=y > 0)
        gradient *= room


class SoftplusPlan(Pointwise):
    """log(1 + exp(x)), its slope 1 - exp(-y)."""

    def apply(self, x: Array) -> None:
        room = self.room[: len(x)]
        np.abs(x, out=room)
        np.negative(room, out=room)
        np.exp(room, out=room)
        np.log1p(room, out=room)
        np.maximum(x, 0, out=x)
        x += room

    def back(self, y: Array, gradient: Array) -> None:
        room = self.room[: len(y)]
        np.negative(y, out=room)
        np.expm1(room, out=room)
        gradient *= room
        np.negative(gradient, out=gradient)


class SignPlan(Pointwise):
    """-1, 0 or 1; its derivative is 0."""

    def __init__(self, layer: Sign, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        pass

    def apply(self, x: Array) -> None:
        np.sign(x, out=x)

    def back(self, y: Array, gradient: Array) -> None:
        gradient *= 0


_IN_PLACE: Mapping[type[Layer], Callable[..., Pointwise]] = {
    Relu6: Relu6Plan,
    HardSigmoid: HardSigmoidPlan,
    ScaledTanh: ScaledTanhPlan,
    Elu: EluPlan,
    Softplus: SoftplusPlan,
    Sign: SignPlan,
}


def in_place(layer: Layer, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Pointwise | None:
    """The activation in place; None where it is none, or its slope does not follow from its value."""
    if isinstance(layer, Elu) and layer.alpha <= 0:
        return None
    plan = _IN_PLACE.get(type(layer))
    return pointwise(layer, shape, dtype) if plan is None else plan(layer, shape, dtype)


def activation(layer: Layer, shape: tuple[int, ...], dtype: np.dtype[Any], *, editable: bool) -> Stage | None:
    """The stage of an activation, which changes what it reads where that is `editable`; None where it has none."""
    if type(layer) in CURVES:
        return Curved(layer, shape, dtype)
    function = in_place(layer, shape, dtype)
    return None if function is None else Activation(function, None if editable else np.empty(shape, dtype))


def is_activation(layer: Layer) -> bool:
    """Whether there is such a stage."""
    return type(layer) in CURVES or is_in_place(layer)


def is_in_place(layer: Layer) -> bool:
    """Whether its slope follows from its value, so that it needs no room of its own."""
    return in_place(layer, (), np.dtype(float)) is not None


class Curved(Stage):
    """An activation whose slope needs the argument: it is computed with the value."""

    free = True

    def __init__(self, layer: Layer, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.layer, self.curve = layer, CURVES[type(layer)]
        self.out, self.slope, self.room = (np.empty(shape, dtype) for _ in range(3))

    def forward(self, x: Array, drawn: Mapping[str, Array]) -> Array:
        for parts in strips(x, self.out, self.slope, self.room):
            self.curve(self.layer, *parts)
        return self.out

    def backward(self, gradient: Array) -> Array | None:
        gradient *= self.slope
        return gradient


def _silu(layer: Silu, x: Array, y: Array, slope: Array, room: Array) -> None:
    """y = x s, its slope s + y (1 - s), with s = ½ + ½ tanh(x/2)."""
    np.multiply(x, 0.5, out=slope)
    np.tanh(slope, out=slope)
    slope *= 0.5
    slope += 0.5
    np.multiply(x, slope, out=y)
    np.subtract(1, slope, out=room)
    room *= y
    slope += room


def _hard_swish(layer: HardSwish, x: Array, y: Array, slope: Array, room: Array) -> None:
    """y = x·relu6(x + 3)/6, its slope (2x + 3)/6 inside, 0 to the left, 1 to the right."""
    np.add(x, 3, out=y)
    np.clip(y, 0, 6, out=y)
    y *= x
    y *= 1 / 6
    np.multiply(x, 1 / 3, out=slope)
    slope += 0.5
    np.copyto(slope, x > 3, where=np.abs(x) >= 3)


def _gelu(layer: Gelu, x: Array, y: Array, slope: Array, room: Array) -> None:
    """y = x Φ(x), its slope Φ(x) + x φ(x); or with the approximation of Φ by tanh."""
    if layer.approximate:
        np.multiply(x, x, out=room)
        np.multiply(room, sqrt(2 / pi) * 0.044715, out=slope)
        slope += sqrt(2 / pi)
        np.multiply(slope, x, out=y)
        np.tanh(y, out=y)
        room *= 3 * 0.044715 * sqrt(2 / pi)
        room += sqrt(2 / pi)
        np.multiply(y, y, out=slope)
        np.subtract(1, slope, out=slope)
        slope *= room
    else:
        np.multiply(x, 1 / sqrt(2), out=y)
        if y.dtype == np.float32:
            single_erf(y, slope, room)
        else:
            np.copyto(y, erf(y))
        np.multiply(x, x, out=slope)
        slope *= -0.5
        np.exp(slope, out=slope)
        slope *= sqrt(2 / pi)
    slope *= x
    y += 1
    slope += y
    slope *= 0.5
    y *= x
    y *= 0.5


_ERF_OVER = (
    *(-2.72614225801306e-10, 2.77068142495902e-08, -2.10102402082508e-06, -5.69250639462346e-05),
    *(-7.34990630326855e-04, -2.95459980854025e-03, -1.60960333262415e-02),
)
_ERF_UNDER = (
    *(-1.45660718464996e-05, -2.13374055278905e-04, -1.68282697438203e-03, -7.37332916720468e-03),
    -1.42647390514189e-02,
)


def single_erf(x: Array, square: Array, room: Array) -> None:
    """The error function in single precision, in place: one polynomial in x² over another, times x (Eigen's)."""
    np.clip(x, -4, 4, out=x)
    np.multiply(x, x, out=square)
    for coefficients, divide in ((_ERF_OVER, False), (_ERF_UNDER, True)):
        first, second, *others = coefficients
        np.multiply(square, first, out=room)
        room += second
        for coefficient in others:
            room *= square
            room += coefficient
        np.divide(x, room, out=x) if divide else np.multiply(x, room, out=x)


CURVES: Mapping[type[Layer], Callable[..., None]] = {Silu: _silu, HardSwish: _hard_swish, Gelu: _gelu}
"""How value and slope of those activations are computed, with a buffer for what is in between."""


class Softmaxed(Stage):
    """exp(x)/Σ exp(x) over the features, which stand before the samples."""

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.out, self.room = (np.empty(shape, dtype) for _ in range(2))
        self.row = np.empty((*shape[:-2], 1, shape[-1]), dtype)

    def forward(self, x: Array, drawn: Mapping[str, Array]) -> Array:
        np.max(x, axis=-2, keepdims=True, out=self.row)
        np.subtract(x, self.row, out=self.out)
        np.exp(self.out, out=self.out)
        np.sum(self.out, axis=-2, keepdims=True, out=self.row)
        self.out /= self.row
        return self.out

    def backward(self, gradient: Array) -> Array | None:
        np.multiply(gradient, self.out, out=self.room)
        np.sum(self.room, axis=-2, keepdims=True, out=self.row)
        gradient -= self.row
        gradient *= self.out
        return gradient


class LogSoftmaxed(Softmaxed):
    """x - log Σ exp(x) over the features."""

    def forward(self, x: Array, drawn: Mapping[str, Array]) -> Array:
        np.max(x, axis=-2, keepdims=True, out=self.row)
        np.subtract(x, self.row, out=self.out)
        np.exp(self.out, out=self.room)
        np.sum(self.room, axis=-2, keepdims=True, out=self.row)
        np.log(self.row, out=self.row)
        self.out -= self.row
        return self.out

    def backward(self, gradient: Array) -> Array | None:
        np.sum(gradient, axis=-2, keepdims=True, out=self.row)
        np.exp(self.out, out=self.room)
        self.room *= self.row
        gradient -= self.room
        return gradient
