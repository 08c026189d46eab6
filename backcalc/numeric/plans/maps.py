"""Convolution, activation and pooling as one stage.

Columns are built once, row of the output by row, and serve the product and the derivative by the weights; the outputs
that one pooling window sees stand side by side, so that pooling is a few maxima of whole blocks, and its derivative is
routed by comparing. What pooling leaves over is never computed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from backcalc.numeric.kernels.base import Array
from backcalc.numeric.kernels.windows import Axis
from backcalc.numeric.plans.stages import Pointwise, Stage


@dataclass(frozen=True, slots=True)
class Pool:
    """Pooling whose windows lie side by side: the largest number of each, or its mean."""

    rows: int = 1
    columns: int = 1
    largest: bool = True

    @property
    def taps(self) -> list[tuple[int, int]]:
        """The places of a window, in order."""
        return list(product(range(self.rows), range(self.columns)))


@dataclass(frozen=True, slots=True)
class Sizes:
    """How large a convolution on maps is; `rows` and `columns` are the axes of its windows."""

    channels: int
    filters: int
    rows: Axis
    columns: Axis
    samples: int


class Convolved(Stage):
    """A convolution, then an activation, then pooling, of which the last two may be missing."""

    def __init__(
        self,
        sizes: Sizes,
        pool: Pool,
        function: Pointwise | None,
        parameters: Sequence[Array],
        gradients: Sequence[Array],
        *,
        first: bool,
    ) -> None:
        self.sizes, self.pool, self.function = sizes, pool, function
        self.free = function is None
        self.weights, *self.bias = parameters
        self.by_weights, *self.by_bias = gradients
        dtype, rows, columns = self.weights.dtype, sizes.rows, sizes.columns
        self.high, self.wide = rows.places // pool.rows, columns.places // pool.columns
        taps = rows.taps * sizes.channels * columns.taps
        places = self.high * pool.rows, pool.columns * self.wide * sizes.samples
        self.kernel = np.empty((sizes.filters, rows.taps, sizes.channels, columns.taps), dtype)
        self.columns = np.empty((places[0], taps, places[1]), dtype)
        self.sums = np.empty((places[0], sizes.filters, places[1]), dtype)
        self.products = np.empty((places[0], taps, sizes.filters), dtype)
        self.out = np.empty((self.high, sizes.filters, self.wide, sizes.samples), dtype)
        self.best, self.mask = np.empty_like(self.out), np.empty(self.out.shape, bool)
        self.room = (max(rows.room, rows.size + rows.before), max(columns.room, columns.size + columns.before))
        self.padded = np.zeros((self.room[0], sizes.channels, self.room[1], sizes.samples), dtype)
        self.into = None if first else np.empty_like(self.padded)

    # -- views ------------------------------------------------------------------------------------

    def _inside(self, padded: Array) -> Array:
        """The cells of the input in a padded buffer."""
        rows, columns = self.sizes.rows, self.sizes.columns
        return padded[rows.before : rows.before + rows.size, :, columns.before : columns.before + columns.size]

    def _seen(self, padded: Array) -> Array:
        """`[row, tap, channel, tap, place in a window, window, sample]` of a padded buffer, as a view."""
        (row, channel, column, sample), sizes = padded.strides, self.sizes
        steps = row * sizes.rows.stride, column * sizes.columns.stride
        dilated = row * sizes.rows.dilation, column * sizes.columns.dilation
        shape = (self.high * self.pool.rows, sizes.rows.taps, sizes.channels, sizes.columns.taps)
        inner = (self.pool.columns, self.wide, sizes.samples)
        strides = (steps[0], dilated[0], channel, dilated[1], steps[1], steps[1] * self.pool.columns, sample)
        return as_strided(padded, (*shape, *inner), strides)

    def _in_windows(self, sums: Array) -> Array:
        """`[window, place in it, filter, place in it, window, sample]` of what the product gives."""
        filters, samples = self.sizes.filters, self.sizes.samples
        return sums.reshape(self.high, self.pool.rows, filters, self.pool.columns, self.wide, samples)

    # -- passes -----------------------------------------------------------------------------------

    def forward(self, x: Array, drawn: Mapping[str, Array]) -> Array:
        np.copyto(self._inside(self.padded), x)
        np.copyto(self.kernel, self.weights.transpose(0, 2, 1, 3))
        seen = self._seen(self.padded)
        np.copyto(self.columns.reshape(seen.shape), seen)
        np.matmul(self.kernel.reshape(len(self.kernel), -1), self.columns, out=self.sums)
        if len(self.pool.taps) > 1 and not self.pool.largest:
            return self._mean_pooled()
        windows = self._in_windows(self.sums)
        (a, b), *others = self.pool.taps
        np.copyto(self.best, windows[:, a, :, b])
        for a, b in others:
            np.maximum(self.best, windows[:, a, :, b], out=self.best)
        # A bias is the same for all of a window, and an activation that grows keeps the largest the largest.
        np.add(self.best, self.bias[0][:, None, None] if self.bias else 0, out=self.out)
        if self.function is not None:
            self.function.apply(self.out)
        return self.out

    def _mean_pooled(self) -> Array:
        if self.bias:
            self.sums += self.bias[0][:, None]
        if self.function is not None:
            self.function.apply(self.sums)
        windows = self._in_windows(self.sums)
        (a, b), *others = self.pool.taps
        np.copyto(self.out, windows[:, a, :, b])
        for a, b in others:
            self.out += windows[:, a, :, b]
        self.out *= self.out.dtype.type(1 / len(self.pool.taps))
        return self.out

    def backward(self, gradient: Array) -> Array | None:
        spread = self._routed(gradient)
        # Columns first: the product is the transposed one, and the larger matrix is read as it stands.
        np.matmul(self.columns, spread.swapaxes(1, 2), out=self.products)
        by_kernel = self.products.sum(axis=0).T.reshape(self.kernel.shape)
        self.by_weights += by_kernel.transpose(0, 2, 1, 3)
        if self.into is None:
            return None
        # The columns have served: their place is taken by their derivatives.
        np.matmul(self.kernel.reshape(len(self.kernel), -1).T, spread, out=self.columns)
        self.into.fill(0)
        target = self._seen(self.into)
        source = self.columns.reshape(target.shape)
        for a, b in product(range(self.sizes.rows.taps), range(self.sizes.columns.taps)):
            landing = target[:, a, :, b]
            landing += source[:, a, :, b]
        return self._inside(self.into)

    def _routed(self, gradient: Array) -> Array:
        """The derivative by the sums, in their place: that of a maximum goes to the first that is as large."""
        windows = self._in_windows(self.sums)
        if len(self.pool.taps) > 1 and not self.pool.largest:
            share = gradient * gradient.dtype.type(1 / len(self.pool.taps))
            spread = np.broadcast_to(share[:, None, :, None], windows.shape).reshape(self.sums.shape)
            if self.function is not None:
                self.function.back(self.sums, spread)
            self._by_bias(spread.sum(axis=(0, 2)))
            return spread
        if self.function is not None:
            self.function.back(self.out, gradient)
        self._by_bias(gradient.sum(axis=(0, 2, 3)))
        taps = self.pool.taps
        if len(taps) == 1:
            np.copyto(windows[:, 0, :, 0], gradient)
            return self.sums
        for a, b in taps:
            here = windows[:, a, :, b]
            np.equal(here, self.best, out=self.mask)
            np.multiply(gradient, self.mask, out=here)
            gradient -= here  # what has gone to one place does not go to another
        return self.sums

    def _by_bias(self, sums: Any) -> None:
        if self.bias:
            self.by_bias[0] += sums
