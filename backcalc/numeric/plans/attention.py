"""Attention of a sequence to itself. No array is copied to turn it: products read and write across memory.

Sequences are `[time, features, samples]`; queries, keys and values `[samples, time, heads·size]`, as the products of
each sample and head need them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np

from backcalc.layers import Shape
from backcalc.numeric.kernels.attention import RelativePlacesTable
from backcalc.numeric.kernels.base import Array
from backcalc.numeric.plans.stages import Stage


class Angles:
    """Entries i and i + size/2 of step t turned by t/base^(2i/size), all from 0, in place.

    `shape` is that of either half, in which the steps stand along one axis and the entries along another.
    """

    def __init__(self, base: int, shape: Shape, steps: int, entries: int, dtype: np.dtype[Any]) -> None:
        time, entry = np.arange(shape[steps]), np.arange(shape[entries]) / shape[entries]
        along = [tuple(-1 if axis == own else 1 for axis in range(len(shape))) for own in (steps, entries)]
        angles = time.reshape(along[0]) / float(base) ** entry.reshape(along[1])
        self.cosine, self.sine = np.cos(angles).astype(dtype), np.sin(angles).astype(dtype)
        self.rooms = np.empty((2, *shape), dtype)

    def turn(self, first: Array, second: Array, *, back: bool = False) -> None:
        """Turns the halves of the entries forward or back."""
        one, other = self.rooms
        np.multiply(first, self.sine, out=one)
        np.multiply(second, self.sine, out=other)
        first *= self.cosine
        second *= self.cosine
        first += other if back else np.negative(other, out=other)
        second += np.negative(one, out=one) if back else one


class Rotated(Stage):
    """Pairs of features turned by an angle that grows with the step, the features before the samples."""

    free = True

    def __init__(self, base: int, shape: Shape, steps: int, dtype: np.dtype[Any]) -> None:
        self.half = shape[-2] // 2
        self.out = np.empty(shape, dtype)
        self.angles = Angles(base, (*shape[:-2], self.half, shape[-1]), steps, len(shape) - 2, dtype)

    def forward(self, x: Array, drawn: Mapping[str, Array]) -> Array:
        np.copyto(self.out, x)
        self.angles.turn(self.out[..., : self.half, :], self.out[..., self.half :, :])
        return self.out

    def backward(self, gradient: Array) -> Array | None:
        self.angles.turn(gradient[..., : self.half, :], gradient[..., self.half :, :], back=True)
        return gradient


@dataclass(frozen=True, slots=True, eq=False)
class Heads:
    """How many heads there are, of how many numbers each; `groups` have keys and values of their own.

    `hidden` says which steps a step does not see, `table` where the numbers for relative places stand, and `rotary` is
    the base of the angles that queries and keys are turned by.
    """

    count: int
    groups: int
    size: int
    hidden: Array | None = None
    table: RelativePlacesTable | None = None
    rotary: int | None = None

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
        parameters: Sequence[Array],
        gradients: Sequence[Array],
        arriving: tuple[int, ...],
        *,
        first: bool,
    ) -> None:
        steps, features, samples = arriving
        self.heads, dtype = heads, parameters[0].dtype
        tables = 4 if heads.table is None else 5
        (*self.inner, self.outer), self.tables, self.biases = _parted(parameters, tables)
        (*self.by_inner, self.by_outer), self.by_tables, self.by_biases = _parted(gradients, tables)
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
        self.angles = [
            Angles(heads.rotary, (*each.shape[:-1], heads.size // 2), 3, 4, dtype)
            for each in (self.q, self.k)
            if heads.rotary is not None
        ]

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
        self._turn(self.q, self.k)
        shares = self.shares
        np.matmul(self.q, self.k.swapaxes(3, 4), out=shares)
        shares *= self.scale
        if self.heads.table is not None:
            for table in self.tables:
                shares += self.heads.table.read(table[None], self.heads.count).reshape(shares.shape[1:])
        if self.heads.hidden is not None:
            np.copyto(shares, -np.inf, where=self.heads.hidden)
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
        self._turn(self.by_q, self.by_k, back=True)
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
        if self.heads.table is not None:
            for table, by_table in zip(self.tables, self.by_tables, strict=True):
                whole = by_scores.sum(axis=0).reshape(1, self.heads.count, *by_scores.shape[-2:])
                by_table += self.heads.table.back(whole, table[None])[0]
        by_scores *= self.scale

    def _turn(self, *projected: Array, back: bool = False) -> None:
        """Turns queries and keys by their places, where the layer says so."""
        for each, angles in zip(projected, self.angles, strict=False):
            half = self.heads.size // 2
            angles.turn(each[..., :half], each[..., half:], back=back)

    def _shared(self, left: Array, right: Array, out: Array) -> None:
        """The product, summed over the heads of a group."""
        if self.heads.count == self.heads.groups:
            np.matmul(left, right, out=out)
        else:
            np.copyto(out, (left @ right).sum(axis=2, keepdims=True))


def _parted(arrays: Sequence[Array], tables: int) -> tuple[Sequence[Array], Sequence[Array], Sequence[Array]]:
    """The four weights, the table of numbers for relative places if there is one, and the biases."""
    return arrays[:4], arrays[4:tables], arrays[tables:]


class Biased(Stage):
    """`x + B`, a number for every relative place of two steps and every head; `[time, heads, time, samples]`."""

    free = True

    def __init__(
        self, places: RelativePlacesTable, parameters: Sequence[Array], gradients: Sequence[Array], shape: Shape
    ) -> None:
        (self.table,), (self.by_table,) = parameters, gradients
        self.places, self.out = places, np.empty(shape, self.table.dtype)

    def forward(self, x: Array, drawn: Mapping[str, Array]) -> Array:
        numbers = self.places.read(self.table[None], x.shape[1])[0]
        np.add(x, numbers.swapaxes(0, 1)[..., None], out=self.out)
        return self.out

    def backward(self, gradient: Array) -> Array | None:
        whole = gradient.sum(axis=-1).swapaxes(0, 1)
        self.by_table += self.places.back(whole[None], self.table[None])[0]
        return gradient
