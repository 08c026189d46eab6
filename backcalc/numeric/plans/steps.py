"""Stages of sequences, `[time, features, samples]`: dense layers step by step, tokens, places, the class token."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from backcalc.numeric.kernels.base import Array
from backcalc.numeric.plans.stages import Stage


class DenseSteps(Stage):
    """`Y = W X + b` for every step, the features before the samples."""

    free = True

    def __init__(
        self, parameters: Sequence[Array], gradients: Sequence[Array], arriving: tuple[int, ...], *, first: bool
    ) -> None:
        self.weights, *self.bias = parameters
        self.by_weights, *self.by_bias = gradients
        *lead, features, samples = arriving
        units, dtype = len(self.weights), self.weights.dtype
        self.out = np.empty((*lead, units, samples), dtype)
        self.products = np.empty((*lead, units, features), dtype)
        self.into = None if first else np.empty(arriving, dtype)
        self.x = self.out

    def forward(self, x: Array, drawn: Mapping[str, Array]) -> Array:
        self.x = x
        np.matmul(self.weights, x, out=self.out)
        if self.bias:
            self.out += self.bias[0][:, None]
        return self.out

    def backward(self, gradient: Array) -> Array | None:
        lead = tuple(range(gradient.ndim - 2))
        np.matmul(gradient, self.x.swapaxes(-1, -2), out=self.products)
        self.by_weights += self.products.sum(axis=lead)
        if self.bias:
            self.by_bias[0] += gradient.sum(axis=(*lead, gradient.ndim - 1))
        return None if self.into is None else np.matmul(self.weights.T, gradient, out=self.into)


class Embedded(Stage):
    """Row x[t] of the table, tokens numbered from 1."""

    def __init__(self, parameters: Sequence[Array], gradients: Sequence[Array], arriving: tuple[int, ...]) -> None:
        (self.table,), (self.by_table,) = parameters, gradients
        units, dtype = self.table.shape[1], self.table.dtype
        self.tokens = np.empty(arriving, np.intp)
        self.rows = np.empty((*arriving, units), dtype)
        self.sorted = np.empty((self.tokens.size, units), dtype)
        self.begins = np.ones(self.tokens.size, bool)
        """Where, in the order of tokens, another one begins."""

    def forward(self, x: Array, drawn: Mapping[str, Array]) -> Array:
        np.copyto(self.tokens, x, casting="unsafe")
        self.tokens -= 1
        np.take(self.table, self.tokens, axis=0, out=self.rows)
        return self.rows.swapaxes(-1, -2)

    def backward(self, gradient: Array) -> Array | None:
        """Adds up what belongs to one token: rows in the order of their tokens, which are summed in runs."""
        np.copyto(self.rows, gradient.swapaxes(-1, -2))
        tokens = self.tokens.ravel()
        order = np.argsort(tokens, kind="stable")
        np.take(self.rows.reshape(self.sorted.shape), order, axis=0, out=self.sorted, mode="clip")
        tokens = tokens[order]
        np.not_equal(tokens[1:], tokens[:-1], out=self.begins[1:])
        starts = np.flatnonzero(self.begins)
        self.by_table[tokens[starts]] += np.add.reduceat(self.sorted, starts, axis=0)
        return None


class Positioned(Stage):
    """`x + P`, a vector for every place."""

    free = True

    def __init__(self, parameters: Sequence[Array], gradients: Sequence[Array], arriving: tuple[int, ...]) -> None:
        (places,), (by_places,) = parameters, gradients
        self.places, self.by_places = places[: arriving[0]], by_places[: arriving[0]]
        self.out = np.empty(arriving, places.dtype)

    def forward(self, x: Array, drawn: Mapping[str, Array]) -> Array:
        return np.add(x, self.places[..., None], out=self.out)

    def backward(self, gradient: Array) -> Array | None:
        self.by_places += gradient.sum(axis=-1)
        return gradient


class Headed(Stage):
    """One learned row before the steps."""

    free = True

    def __init__(self, parameters: Sequence[Array], gradients: Sequence[Array], leaving: tuple[int, ...]) -> None:
        (self.token,), (self.by_token,) = parameters, gradients
        self.out = np.empty(leaving, self.token.dtype)

    def forward(self, x: Array, drawn: Mapping[str, Array]) -> Array:
        np.copyto(self.out[0], self.token[:, None])
        np.copyto(self.out[1:], x)
        return self.out

    def backward(self, gradient: Array) -> Array | None:
        self.by_token += gradient[0].sum(axis=-1)
        return gradient[1:]
