"""Attention of a sequence to itself. No array is copied to turn it: products read and write across memory.

Sequences are `[time, features, samples]`; queries, keys and values `[samples, time, heads·size]`, as the products of
each sample and head need them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from backcalc.numeric.kernels.base import Array
from backcalc.numeric.plans.stages import Stage


@dataclass(frozen=True, slots=True)
class Heads:
    """How many heads there are, of how many numbers each; `groups` have keys and values of their own."""

    count: int
    groups: int
    size: int

    @property
    def widths(self) -> tuple[int, int, int]:
        """How many numbers all queries of a step have, all keys, and all values."""
        return self.count * self.size, self.groups * self.size, self.groups * self.size


class Attended(Stage):
    """`y = Wo context + bo`, `context = softmax(q k/√size) v` in every head; the three projections are one product."""

    free = True

    def __init__(
        self,
        heads: Heads,
        hidden: Array | None,
        parameters: Sequence[Array],
        gradients: Sequence[Array],
        arriving: tuple[int, ...],
        *,
        first: bool,
    ) -> None:
        steps, features, samples = arriving
        self.heads, self.hidden, dtype = heads, hidden, parameters[0].dtype
        (*self.inner, self.outer), self.biases = parameters[:4], parameters[4:]
        (*self.by_inner, self.by_outer), self.by_biases = gradients[:4], gradients[4:]
        self.scale = dtype.type(1 / sqrt(heads.size))
        width = sum(heads.widths)
        self.weights, self.bias = np.empty((width, features), dtype), np.empty(width, dtype)
        self.projected, self.by_projected = (np.empty((samples, steps, width), dtype) for _ in range(2))
        self.context, self.by_context = (np.empty((samples, steps, heads.widths[0]), dtype) for _ in range(2))
        shared = heads.count // heads.groups
        pairs = (samples, heads.groups, shared, steps, steps)
        self.shares, self.by_scores, self.room = (np.empty(pairs, dtype) for _ in range(3))
        self.row = np.empty((*pairs[:-1], 1), dtype)
        self.out = np.empty((steps, len(self.outer), samples), dtype)
        self.into = None if first else np.empty(arriving, dtype)
        self.x = self.out
        self.q, self.k, self.v = self._apart(self.projected)
        self.by_q, self.by_k, self.by_v = self._apart(self.by_projected)

    def _apart(self, projected: Array) -> tuple[Array, Array, Array]:
        """Queries `[samples, groups, heads of a group, time, size]`, keys and values for all of them."""
        queries, keys, _ = self.heads.widths
        parts = np.split(projected, [queries, queries + keys], axis=2)
        q, k, v = (self._in_heads(each) for each in parts)
        return q, k, v

    def _in_heads(self, rows: Array) -> Array:
        apart = rows.reshape(*rows.shape[:2], self.heads.groups, -1, self.heads.size)
        return apart.transpose(0, 2, 3, 1, 4)

    def forward(self, x: Array, drawn: Mapping[str, Array]) -> Array:
        self.x = x
        np.concatenate(self.inner, out=self.weights)
        np.matmul(x.swapaxes(1, 2), self.weights.T, out=self.projected.swapaxes(0, 1))
        if self.biases:
            np.concatenate(self.biases[:3], out=self.bias)
            self.projected += self.bias
        shares = self.shares
        np.matmul(self.q, self.k.swapaxes(3, 4), out=shares)
        shares *= self.scale
        if self.hidden is not None:
            np.copyto(shares, -np.inf, where=self.hidden)
        np.max(shares, axis=-1, keepdims=True, out=self.row)
        shares -= self.row
        np.exp(shares, out=shares)
        np.sum(shares, axis=-1, keepdims=True, out=self.row)
        shares /= self.row
        np.matmul(shares, self.v, out=self._in_heads(self.context))
        np.matmul(self.outer, self.context.transpose(1, 2, 0), out=self.out)
        for bias in self.biases[3:]:
            self.out += bias[:, None]
        return self.out

    def backward(self, gradient: Array) -> Array | None:
        np.matmul(gradient.swapaxes(1, 2), self.outer, out=self.by_context.swapaxes(0, 1))
        self.by_outer += (gradient @ self.context.swapaxes(0, 1)).sum(axis=0)
        for by_bias in self.by_biases[3:]:
            by_bias += gradient.sum(axis=(0, 2))
        by_context = self._in_heads(self.by_context)
        self._to_scores(by_context)
        np.matmul(self.by_scores, self.k, out=self.by_q)
        self._shared(self.by_scores.swapaxes(3, 4), self.q, self.by_k)
        self._shared(self.shares.swapaxes(3, 4), by_context, self.by_v)
        by_rows = self.by_projected.transpose(1, 2, 0)
        found = (by_rows @ self.x.swapaxes(1, 2)).sum(axis=0)
        stops = np.cumsum(self.heads.widths)[:2]
        for by_weights, each in zip(self.by_inner, np.split(found, stops), strict=True):
            by_weights += each
        if self.biases:
            for by_bias, each in zip(self.by_biases, np.split(self.by_projected.sum(axis=(0, 1)), stops), strict=False):
                by_bias += each
        return None if self.into is None else np.matmul(self.weights.T, by_rows, out=self.into)

    def _to_scores(self, by_context: Array) -> None:
        """Back through the softmax: `y (g - Σ g y)`, times the scale."""
        by_scores = self.by_scores
        np.matmul(by_context, self.v.swapaxes(3, 4), out=by_scores)
        np.multiply(by_scores, self.shares, out=self.room)
        np.sum(self.room, axis=-1, keepdims=True, out=self.row)
        by_scores -= self.row
        by_scores *= self.shares
        by_scores *= self.scale

    def _shared(self, left: Array, right: Array, out: Array) -> None:
        """The product, summed over the heads of a group."""
        if self.heads.count == self.heads.groups:
            np.matmul(left, right, out=out)
        else:
            np.copyto(out, (left @ right).sum(axis=2, keepdims=True))
