"""Norms of each sample: over the features of a row, or over a group of channels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from backcalc.numeric.kernels.base import Array
from backcalc.numeric.plans.stages import Stage


class Normed(Stage):
    """Numbers less their mean over the root of their variance plus epsilon, then scaled by gamma and shifted by beta.

    `shape` is that of a buffer in which `axes` are normalised over. The parameters stand along the axes that `scaled`
    says, one in a shape where channels have been divided into groups. RMS norm, not `centred`, subtracts no mean.
    """

    free = True

    def __init__(
        self,
        parameters: Sequence[Array],
        gradients: Sequence[Array],
        arriving: tuple[int, ...],
        shape: tuple[int, ...],
        axes: tuple[int, ...],
        scaled: tuple[int, ...],
        epsilon: float,
        *,
        centred: bool,
    ) -> None:
        along = tuple(size if axis in scaled else 1 for axis, size in enumerate(shape))
        self.gamma, *self.beta = (each.reshape(along) for each in parameters)
        self.by_gamma, *self.by_beta = (each.reshape(along) for each in gradients)
        dtype = self.gamma.dtype
        self.arriving, self.shape, self.axes = arriving, shape, axes
        self.others = tuple(axis for axis in range(len(shape)) if axis not in scaled)
        self.epsilon, self.centred = dtype.type(epsilon), centred
        self.out, self.hat, self.into, self.room = (np.empty(shape, dtype) for _ in range(4))
        rows = tuple(1 if axis in axes else size for axis, size in enumerate(shape))
        self.row, self.inverse = (np.empty(rows, dtype) for _ in range(2))
        self.share = dtype.type(self.row.size / self.out.size)

    def forward(self, x: Array, drawn: Mapping[str, Array]) -> Array:
        x = x.reshape(self.shape)
        if self.centred:
            self._mean(x)
            np.subtract(x, self.row, out=self.hat)
            x = self.hat
        np.multiply(x, x, out=self.room)
        self._mean(self.room)
        np.add(self.row, self.epsilon, out=self.inverse)
        np.sqrt(self.inverse, out=self.inverse)
        np.divide(1, self.inverse, out=self.inverse)
        np.multiply(x, self.inverse, out=self.hat)
        np.multiply(self.hat, self.gamma, out=self.out)
        for beta in self.beta:
            self.out += beta
        return self.out.reshape(self.arriving)

    def backward(self, gradient: Array) -> Array | None:
        gradient = gradient.reshape(self.shape)
        for by_beta in self.by_beta:
            by_beta += gradient.sum(axis=self.others, keepdims=True)
        np.multiply(gradient, self.hat, out=self.room)
        self.by_gamma += self.room.sum(axis=self.others, keepdims=True)
        # (g - mean g - hat·mean(g hat))/spread, with g = gamma·gradient
        np.multiply(gradient, self.gamma, out=self.into)
        np.multiply(self.into, self.hat, out=self.room)
        self._mean(self.room)
        np.multiply(self.hat, self.row, out=self.room)
        if self.centred:
            self._mean(self.into)
            self.into -= self.row
        self.into -= self.room
        self.into *= self.inverse
        return self.into.reshape(self.arriving)

    def _mean(self, x: Array) -> None:
        """The mean over the axes, in `row`."""
        np.sum(x, axis=self.axes, keepdims=True, out=self.row)
        self.row *= self.share
