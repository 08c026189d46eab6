"""Stages of a plan: layers with buffers of their own, in place wherever that is possible."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from backcalc.layers import Layer
from backcalc.layers.activation import LeakyRelu, Relu, Sigmoid, Tanh
from backcalc.layers.noise import Dropout
from backcalc.numeric.kernels.base import Array
from backcalc.numeric.plans.layout import laid_out, strips


class Stage(ABC):
    """A part of a plan. `out` is its buffer, which the next stage may change in place where it is `free`."""

    out: Array
    free: bool = False
    fresh: bool = True
    """Whether this is the first block of a mini-batch, so that there is nothing to add to."""
    statistics: tuple[Array, ...] = ()
    """Those of the batch, which running statistics are moved towards."""

    @abstractmethod
    def forward(self, x: Array, drawn: Mapping[str, Array]) -> Array:
        """Computes `out`."""

    @abstractmethod
    def backward(self, gradient: Array) -> Array | None:
        """The derivative by what was read, in a buffer of this stage; those by parameters are added to theirs."""


class Dense(Stage):
    """`Y = W X + b` for columns of samples."""

    free = True

    def __init__(self, parameters: Sequence[Array], gradients: Sequence[Array], samples: int, *, first: bool) -> None:
        self.weights, *self.bias = parameters
        self.by_weights, *self.by_bias = gradients
        units, features = self.weights.shape
        dtype = self.weights.dtype
        self.out = np.empty((units, samples), dtype)
        self.product = np.empty((units, features), dtype)
        self.into = None if first else np.empty((features, samples), dtype)
        self.x = self.out

    def forward(self, x: Array, drawn: Mapping[str, Array]) -> Array:
        self.x = x
        np.matmul(self.weights, x, out=self.out)
        if self.bias:
            self.out += self.bias[0][:, None]
        return self.out

    def backward(self, gradient: Array) -> Array | None:
        np.matmul(gradient, self.x.T, out=self.by_weights if self.fresh else self.product)
        if not self.fresh:
            self.by_weights += self.product
        if self.bias:
            self.by_bias[0] += gradient.sum(axis=1)
        return None if self.into is None else np.matmul(self.weights.T, gradient, out=self.into)


class Pointwise(ABC):
    """An activation in place: `y` is put in the place of its argument, and the slope is computed from `y`.

    Both take any number of rows of the shape that the room has.
    """

    def __init__(self, layer: Layer, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.room = np.empty(shape, dtype)

    @abstractmethod
    def apply(self, x: Array) -> None:
        """Changes x to the function of it."""

    @abstractmethod
    def back(self, y: Array, gradient: Array) -> None:
        """Multiplies the gradient by the slope."""


class ReluPlan(Pointwise):
    """max(0, x), the mask from y."""

    def __init__(self, layer: Relu, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.mask = np.empty(shape, bool)

    def apply(self, x: Array) -> None:
        np.maximum(x, 0, out=x)

    def back(self, y: Array, gradient: Array) -> None:
        mask = self.mask[: len(y)]
        np.greater(y, 0, out=mask)
        np.multiply(gradient, mask, out=gradient)


class LeakyReluPlan(Pointwise):
    """x, or slope·x where x ≤ 0; a slope that is positive leaves y its sign."""

    def __init__(self, layer: LeakyRelu, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        super().__init__(layer, shape, dtype)
        self.less = dtype.type(layer.slope)

    def apply(self, x: Array) -> None:
        room = self.room[: len(x)]
        np.multiply(x, self.less, out=room)
        np.maximum(x, room, out=x)

    def back(self, y: Array, gradient: Array) -> None:
        room = self.room[: len(y)]
        np.greater(y, 0, out=room)
        np.maximum(room, self.less, out=room)
        gradient *= room


class TanhPlan(Pointwise):
    """tanh(x), its slope 1 - y²."""

    def apply(self, x: Array) -> None:
        np.tanh(x, out=x)

    def back(self, y: Array, gradient: Array) -> None:
        room = self.room[: len(y)]
        np.multiply(y, y, out=room)
        np.subtract(1, room, out=room)
        gradient *= room


class SigmoidPlan(Pointwise):
    """½ + ½ tanh(x/2), its slope y (1 - y)."""

    def apply(self, x: Array) -> None:
        x *= 0.5
        np.tanh(x, out=x)
        x *= 0.5
        x += 0.5

    def back(self, y: Array, gradient: Array) -> None:
        room = self.room[: len(y)]
        np.subtract(1, y, out=room)
        gradient *= y
        gradient *= room


POINTWISE: Mapping[type[Layer], Callable[..., Pointwise]] = {
    Relu: ReluPlan,
    LeakyRelu: LeakyReluPlan,
    Tanh: TanhPlan,
    Sigmoid: SigmoidPlan,
}
"""The activations that a plan computes in place."""


def pointwise(layer: Layer, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Pointwise | None:
    """The activation in place; None where a plan does not know it, or its slope does not follow from its value."""
    if isinstance(layer, LeakyRelu) and not 0 < layer.slope < 1:
        return None
    plan = POINTWISE.get(type(layer))
    return None if plan is None else plan(layer, shape, dtype)


class Activation(Stage):
    """An activation in the buffer of what it reads, or in a copy where the stage before needs that as it was."""

    def __init__(self, function: Pointwise, copy: Array | None) -> None:
        self.function, self.copy = function, copy

    def forward(self, x: Array, drawn: Mapping[str, Array]) -> Array:
        self.out = x
        if self.copy is not None:
            np.copyto(self.copy, x)
            self.out = self.copy
        for (rows,) in strips(self.out):
            self.function.apply(rows)
        return self.out

    def backward(self, gradient: Array) -> Array | None:
        for rows, along in strips(self.out, gradient):
            self.function.back(rows, along)
        return gradient


class Same(Stage):
    """The identity."""

    def forward(self, x: Array, drawn: Mapping[str, Array]) -> Array:
        return x

    def backward(self, gradient: Array) -> Array | None:
        return gradient


class Dropped(Stage):
    """Dropout: what is kept, times 1/(1 - rate)."""

    free = True

    def __init__(self, name: str, layer: Dropout, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.name = f"mask_{name}"
        self.factor = dtype.type(1 / (1 - layer.rate))
        self.kept, self.out = np.empty(shape, dtype), np.empty(shape, dtype)

    def forward(self, x: Array, drawn: Mapping[str, Array]) -> Array:
        np.multiply(laid_out(drawn[self.name]), self.factor, out=self.kept)
        return np.multiply(x, self.kept, out=self.out)

    def backward(self, gradient: Array) -> Array | None:
        gradient *= self.kept
        return gradient


class BatchNormed(Stage):
    """Batch norm over samples and places of a channel, by the statistics of the batch; in place where it is `editable`.

    Derivatives are computed in the place of those that come in.
    """

    free = True

    def __init__(
        self,
        parameters: Sequence[Array],
        gradients: Sequence[Array],
        shape: tuple[int, ...],
        epsilon: float,
        *,
        editable: bool,
    ) -> None:
        self.gamma, self.beta = parameters
        self.by_gamma, self.by_beta = gradients
        rows, channels = (shape[0], shape[1]) if len(shape) == 4 else (1, shape[0])
        self.lines = (rows, channels, int(np.prod(shape)) // (rows * channels))
        """Every channel's numbers in lines along memory: `[row, channel, number]`."""
        dtype = self.gamma.dtype
        self.count = dtype.type(rows * self.lines[2])
        self.shape, self.editable = shape, editable
        self.out, self.centred = np.empty(0 if editable else self.lines, dtype), np.empty(self.lines, dtype)
        self.epsilon = dtype.type(epsilon)
        self.spread = self.gamma
        self.together: Callable[[Array], Array] | None = None

    def join(self, together: Callable[[Array], Array], share: float) -> None:
        """The samples are a share of those of the batch; `together` adds up what all processes find."""
        self.together, self.count = together, self.count.dtype.type(round(float(self.count) / share))

    def _total(self, sums: Array) -> Array:
        """The sums over the whole batch from those over these samples."""
        return sums if self.together is None else self.together(sums)

    def forward(self, x: Array, drawn: Mapping[str, Array]) -> Array:
        x = x.reshape(self.lines)
        out = x if self.editable else self.out
        mean = self._total(x.sum(axis=2).sum(axis=0)) / self.count
        square = np.zeros_like(mean)
        for rows, centred in strips(x, self.centred):
            np.subtract(rows, mean[:, None], out=centred)
            square += _dots(centred, centred)
        variance = self._total(square) / self.count
        self.statistics = (mean, variance * (self.count / max(self.count - 1, 1)))
        self.spread = np.sqrt(variance + self.epsilon)
        scale, shift = (self.gamma / self.spread)[:, None], self.beta[:, None]
        for rows, centred in strips(out, self.centred):
            np.multiply(centred, scale, out=rows)
            rows += shift
        return out.reshape(self.shape)

    def backward(self, gradient: Array) -> Array | None:
        lines = gradient.reshape(self.lines)
        by_gamma, by_beta = _dots(lines, self.centred) / self.spread, lines.sum(axis=2).sum(axis=0)
        self.by_gamma += by_gamma
        self.by_beta += by_beta
        by_gamma, by_beta = self._total(np.stack((by_gamma, by_beta)))
        # γ/√(σ² + ε) · (g - mean of g - x̂ · mean of g x̂)
        scale = self.gamma / self.spread
        share, shift = scale * by_gamma / (self.spread * self.count), scale * by_beta / self.count
        for rows, centred in strips(lines, self.centred):
            rows *= scale[:, None]
            centred *= share[:, None]
            rows -= centred
            rows -= shift[:, None]
        return lines.reshape(self.shape)


def _dots(a: Array, b: Array) -> Array:
    """The sum of the products of each channel, `[row, channel, number]` both."""
    found: Array = np.einsum("rcn,rcn->rc", a, b).sum(axis=0)
    return found
