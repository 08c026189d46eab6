"""What is random in training: dropout, Gaussian noise, stochastic depth. In use they hand on what they read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from backcalc.layers.noise import Dropout, GaussianNoise
from backcalc.numeric.kernels.base import Array, Gradients, Kernel, Pass, Result


def _same(x: Array) -> Result:
    return Result(x, lambda gradient: Gradients((gradient,)))


class DropoutKernel(Kernel[Dropout]):
    """`mask·x/(1 - rate)`, a mask for every number; of stochastic depth one for every sample."""

    def forward(self, inputs: Sequence[Array], parameters: Sequence[Array], going: Pass) -> Result:
        (x,) = inputs
        if not going.training:
            return _same(x)
        mask = going.drawn[f"mask_{self.node.name}"]
        kept = mask.reshape(*mask.shape, *(1,) * (x.ndim - mask.ndim)) * x.dtype.type(1 / (1 - self.layer.rate))
        return Result(x * kept, lambda gradient: Gradients((gradient * kept,)))

    def shape(self) -> tuple[int, ...]:
        """The shape of the mask of one sample."""
        return self.node.input_shape

    def draw(self, generators: Sequence[Any], samples: int, dtype: np.dtype[Any]) -> dict[str, Array]:
        rate, shape = float(self.layer.rate), (samples, *self.shape())
        masks = [generator.random(shape) >= rate for generator in generators]
        return {f"mask_{self.node.name}": np.stack(masks).astype(dtype)}


class StochasticDepthKernel(DropoutKernel):
    """One mask for all numbers of a sample."""

    def shape(self) -> tuple[int, ...]:
        return ()


class GaussianNoiseKernel(Kernel[GaussianNoise]):
    """`x + std·noise`."""

    def forward(self, inputs: Sequence[Array], parameters: Sequence[Array], going: Pass) -> Result:
        (x,) = inputs
        if not going.training:
            return _same(x)
        noise = going.drawn[f"noise_{self.node.name}"]
        return Result(x + x.dtype.type(self.layer.std) * noise, lambda gradient: Gradients((gradient,)))

    def draw(self, generators: Sequence[Any], samples: int, dtype: np.dtype[Any]) -> dict[str, Array]:
        shape = (samples, *self.node.input_shape)
        noise = [generator.standard_normal(shape) for generator in generators]
        return {f"noise_{self.node.name}": np.stack(noise).astype(dtype)}
