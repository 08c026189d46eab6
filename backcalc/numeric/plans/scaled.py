"""Stages that change each number by a number of its own or of its channel: noise, gains, fixed means and spreads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from backcalc.numeric.kernels.base import Array
from backcalc.numeric.plans.layout import laid_out
from backcalc.numeric.plans.stages import Stage


class Noisy(Stage):
    """`x + std·noise`."""

    free = True

    def __init__(self, name: str, std: float, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.name, self.std = f"noise_{name}", dtype.type(std)
        self.out = np.empty(shape, dtype)

    def forward(self, x: Array, drawn: Mapping[str, Array]) -> Array:
        np.multiply(laid_out(drawn[self.name]), self.std, out=self.out)
        self.out += x
        return self.out

    def backward(self, gradient: Array) -> Array | None:
        return gradient


class Scaled(Stage):
    """`gamma·x`, one gain along an axis."""

    free = True

    def __init__(
        self, parameters: Sequence[Array], gradients: Sequence[Array], shape: tuple[int, ...], axis: int
    ) -> None:
        (gamma,), (self.by_gamma,) = parameters, gradients
        self.gamma = gamma.reshape(-1, *(1,) * (len(shape) - axis - 1))
        self.others = tuple(place for place in range(len(shape)) if place != axis)
        self.out, self.room = (np.empty(shape, gamma.dtype) for _ in range(2))
        self.x = self.out

    def forward(self, x: Array, drawn: Mapping[str, Array]) -> Array:
        self.x = x
        return np.multiply(x, self.gamma, out=self.out)

    def backward(self, gradient: Array) -> Array | None:
        np.multiply(gradient, self.x, out=self.room)
        self.by_gamma += self.room.sum(axis=self.others)
        gradient *= self.gamma
        return gradient


class Standardised(Stage):
    """`(x - mean)/std` with fixed numbers, of all or of each channel."""

    free = True

    def __init__(self, mean: Array, std: Array, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.mean, self.std = mean.astype(dtype), std.astype(dtype)
        self.out = np.empty(shape, dtype)

    def forward(self, x: Array, drawn: Mapping[str, Array]) -> Array:
        np.subtract(x, self.mean, out=self.out)
        self.out /= self.std
        return self.out

    def backward(self, gradient: Array) -> Array | None:
        gradient /= self.std
        return gradient
