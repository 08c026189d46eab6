"""Weighted sums of all inputs, and squared distances to centres."""

from __future__ import annotations

from collections.abc import Sequence

from backcalc.layers.dense import Dense
from backcalc.layers.rbf import Rbf
from backcalc.numeric.kernels.base import Array, Gradients, Kernel, Pass, Result


class DenseKernel(Kernel[Dense]):
    """`Z = X Wᵀ + b`, steps as further samples."""

    def forward(self, inputs: Sequence[Array], parameters: Sequence[Array], going: Pass) -> Result:
        (x,), (weights, *bias) = inputs, parameters
        rows = x.reshape(len(x), -1, x.shape[-1])
        output = rows @ weights.swapaxes(1, 2)
        if bias:
            output += bias[0][:, None]

        def backward(gradient: Array) -> Gradients:
            into = gradient.reshape(len(x), -1, gradient.shape[-1])
            by_weights = into.swapaxes(1, 2) @ rows
            by_bias = (into.sum(axis=1),) if bias else ()
            return Gradients(((into @ weights).reshape(x.shape),), (by_weights, *by_bias))

        return Result(output.reshape(*x.shape[:-1], -1), backward)


class RbfKernel(Kernel[Rbf]):
    """`y[i] = Σ (x[k] - W[i,k])²`."""

    def forward(self, inputs: Sequence[Array], parameters: Sequence[Array], going: Pass) -> Result:
        (x,), (centres,) = inputs, parameters
        apart = x[:, :, None] - centres[:, None]

        def backward(gradient: Array) -> Gradients:
            into = 2 * gradient[..., None] * apart
            return Gradients((into.sum(axis=2),), (-into.sum(axis=1),))

        return Result((apart * apart).sum(axis=-1), backward)
