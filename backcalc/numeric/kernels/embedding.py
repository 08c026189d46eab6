"""Learned vectors for tokens, places, and the class token."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from backcalc.layers.embedding import ClassToken, Embedding, Positional
from backcalc.numeric.kernels.base import Array, Gradients, Kernel, Pass, Result


class EmbeddingKernel(Kernel[Embedding]):
    """Row x[t] of the table, tokens numbered from 1; there is no derivative by a token."""

    def forward(self, inputs: Sequence[Array], parameters: Sequence[Array], going: Pass) -> Result:
        (x,), (table,) = inputs, parameters
        tokens = np.asarray(x).astype(np.intp) - 1
        trials = np.arange(len(table)).reshape(-1, *(1,) * (x.ndim - 1))

        def backward(gradient: Array) -> Gradients:
            by_table = np.zeros(table.shape, gradient.dtype)
            np.add.at(by_table, (trials, tokens), gradient)
            return Gradients((None,), (by_table,))

        return Result(table[trials, tokens], backward)


class PositionalKernel(Kernel[Positional]):
    """`x + P`, a vector for every place."""

    def forward(self, inputs: Sequence[Array], parameters: Sequence[Array], going: Pass) -> Result:
        (x,), (places,) = inputs, parameters
        steps = x.shape[2]

        def backward(gradient: Array) -> Gradients:
            by_places = np.zeros(places.shape, gradient.dtype)
            by_places[:, :steps] = gradient.sum(axis=1)
            return Gradients((gradient,), (by_places,))

        return Result(x + places[:, None, :steps], backward)


class ClassTokenKernel(Kernel[ClassToken]):
    """One learned row before the steps."""

    def forward(self, inputs: Sequence[Array], parameters: Sequence[Array], going: Pass) -> Result:
        (x,), (token,) = inputs, parameters
        first = np.broadcast_to(token[:, None, None], (*x.shape[:2], 1, x.shape[3]))
        output = np.concatenate([first, x], axis=2)
        return Result(output, lambda gradient: Gradients((gradient[:, :, 1:],), (gradient[:, :, 0].sum(axis=1),)))
