"""Norms of each sample: over the features of a row, or over a group of channels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from backcalc.numeric.kernels.base import Array
from backcalc.numeric.plans.stages import Stage


class Normed(Stage):
    """Numbers less their mean over the root of their variance plus epsilon, then scaled by gamma and shifted by beta.

    `shape` is that in which buffers are seen, and `axes` those that are normalised over. The parameters stand along the
    axes that `scaled` says, several where channels have been divided into groups. RMS norm, not `centred`, subtracts no
    mean. Derivatives are computed in the place of those that come in.
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
        self.by_gamma, *self.by_beta = (each.reshape([shape[axis] for axis in scaled]) for each in gradients)
        dtype = self.gamma.dtype
        self.arriving, self.shape = arriving, shape
        self.epsilon, self.centred = dtype.type(epsilon), centred
        self.out, self.hat = (np.empty(shape, dtype) for _ in range(2))
        rows = tuple(1 if axis in axes else size for axis, size in enumerate(shape))
        self.row, self.inverse = (np.empty(rows, dtype) for _ in range(2))
        self.sums = self.row.reshape([size for axis, size in enumerate(shape) if axis not in axes])
        self.share = dtype.type(self.row.size / self.out.size)
        names = "abcdefg"[: len(shape)]
        kept = "".join(name for axis, name in enumerate(names) if axis not in axes)
        own = "".join(names[axis] for axis in scaled)
        self.mean, self.product = f"{names}->{kept}", f"{names},{names}->{kept}"
        self.total, self.weighed = f"{names}->{own}", f"{names},{names}->{own}"
        """Means and sums as `einsum` has them: it writes nothing down in between."""

    def forward(self, x: Array, drawn: Mapping[str, Array]) -> Array:
        x = x.reshape(self.shape)
        if self.centred:
            self._mean(self.mean, x)
            np.subtract(x, self.row, out=self.hat)
            x = self.hat
        self._mean(self.product, x, x)
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
            by_beta += np.einsum(self.total, gradient)
        self.by_gamma += np.einsum(self.weighed, gradient, self.hat)
        # (g - mean g - hat·mean(g hat))/spread, with g = gamma·gradient
        gradient *= self.gamma
        self._mean(self.product, gradient, self.hat)
        self.hat *= self.row
        if self.centred:
            self._mean(self.mean, gradient)
            gradient -= self.row
        gradient -= self.hat
        gradient *= self.inverse
        return gradient.reshape(self.arriving)

    def _mean(self, subscripts: str, *factors: Array) -> None:
        """The mean over the axes, in `row`."""
        np.einsum(subscripts, *factors, out=self.sums)
        self.row *= self.share
