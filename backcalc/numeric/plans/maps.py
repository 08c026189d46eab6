"""Convolution, activation and pooling as one stage.

The columns of one row of the input are built once and serve every row of the output that sees them: what a row of the
output reads stands together in memory, so that products read it as it is, without a copy. Derivatives by the input are
the same with the kernel turned round. The outputs that one pooling window sees stand side by side, so that pooling is a
few maxima of whole blocks, and its derivative is routed by comparing. What pooling leaves over is never computed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import as_strided

from backcalc.numeric.kernels.base import Array
from backcalc.numeric.kernels.windows import Axis
from backcalc.numeric.plans.pooled import Pool
from backcalc.numeric.plans.stages import Pointwise, Stage


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
        high, wide = rows.places // pool.rows, columns.places // pool.columns
        places, across = high * pool.rows, pool.columns * wide * sizes.samples

        # A kernel with gaps between its rows is one whose rows there are 0.
        tall = (rows.taps - 1) * rows.dilation + 1
        self.kernel = np.zeros((sizes.filters, tall, sizes.channels, columns.taps), dtype)
        self.turned = np.empty((sizes.channels, columns.taps, tall, sizes.filters), dtype)

        room = (max(rows.room, rows.size + rows.before), max(columns.room, columns.size + columns.before))
        self.padded = np.zeros((room[0], sizes.channels, room[1], sizes.samples), dtype)
        self.into = np.empty_like(self.padded[:0] if first else self.padded)
        seen = (places - 1) * rows.stride + tall
        self.rows = np.empty((seen, sizes.channels, columns.taps, pool.columns, wide, sizes.samples), dtype)
        self.seen, self.landing = self._seen(self.padded), None if first else self._seen(self.into)
        lines = self.rows.reshape(seen, -1, across)
        self.columns = _runs(lines, tall, rows.stride)
        self.products = np.empty((places, tall * sizes.channels * columns.taps, sizes.filters), dtype)

        # Rows of zeros between and around: for the kernel that is turned round.
        around = 0 if first else tall - 1
        spread = np.zeros((around + (places - 1) * rows.stride + 1 + around, sizes.filters, across), dtype)
        self.spread = _runs(spread, tall if not first else 1, 1)
        self.sums = spread[around : len(spread) - around : rows.stride]
        self.windows = self.sums.reshape(high, pool.rows, sizes.filters, pool.columns, wide, sizes.samples)
        """`[window, place in it, filter, place in it, window, sample]`, a view of the sums."""
        self.out = np.empty((high, sizes.filters, wide, sizes.samples), dtype)
        self.best, self.mask = np.empty_like(self.out), np.empty(self.out.shape, bool)
        self.share = np.empty(self.sums.shape if self._averages else 0, dtype)

    @property
    def _averages(self) -> bool:
        """Whether pooling takes means."""
        return len(self.pool.taps) > 1 and not self.pool.largest

    # -- views ------------------------------------------------------------------------------------

    def _inside(self, padded: Array) -> Array:
        """The cells of the input in a padded buffer."""
        rows, columns = self.sizes.rows, self.sizes.columns
        return padded[rows.before : rows.before + rows.size, :, columns.before : columns.before + columns.size]

    def _seen(self, padded: Array) -> Array:
        """`[row, channel, tap, place in a window, window, sample]` of a padded buffer, as a view."""
        (row, channel, column, sample), axis = padded.strides, self.sizes.columns
        step = column * axis.stride
        strides = (row, channel, column * axis.dilation, step, step * self.pool.columns, sample)
        return as_strided(padded, self.rows.shape, strides)

    # -- passes -----------------------------------------------------------------------------------

    def forward(self, x: Array, drawn: Mapping[str, Array]) -> Array:
        np.copyto(self._inside(self.padded), x)
        np.copyto(self.kernel[:, :: self.sizes.rows.dilation], self.weights.transpose(0, 2, 1, 3))
        np.copyto(self.rows, self.seen)
        np.matmul(self.kernel.reshape(len(self.kernel), -1), self.columns, out=self.sums)
        if self._averages:
            return self._mean_pooled()
        best, *others = (self.windows[:, a, :, b] for a, b in self.pool.taps)
        for other in others:
            best = np.maximum(best, other, out=self.best)
        # A bias is the same for all of a window, and an activation that grows keeps the largest the largest.
        np.add(best, self.bias[0][:, None, None] if self.bias else 0, out=self.out)
        if self.function is not None:
            self.function.apply(self.out)
        return self.out

    def _mean_pooled(self) -> Array:
        if self.bias:
            self.sums += self.bias[0][:, None]
        if self.function is not None:
            self.function.apply(self.sums)
        (a, b), *others = self.pool.taps
        np.copyto(self.out, self.windows[:, a, :, b])
        for a, b in others:
            self.out += self.windows[:, a, :, b]
        self.out *= self.out.dtype.type(self.pool.share)
        return self.out

    def backward(self, gradient: Array) -> Array | None:
        self._route(gradient)
        # Columns first: the product is the transposed one, and the larger matrix is read as it stands.
        np.matmul(self.columns, self.sums.swapaxes(1, 2), out=self.products)
        by_kernel = self.products.sum(axis=0).reshape(*self.kernel.shape[1:], -1)
        self.by_weights += by_kernel[:: self.sizes.rows.dilation].transpose(3, 1, 0, 2)
        if self.landing is None:
            return None
        # The columns have served: their place is taken by their derivatives.
        np.copyto(self.turned, self.kernel[:, ::-1].transpose(2, 3, 1, 0))
        turned = self.turned.reshape(-1, self.spread.shape[1])
        np.matmul(turned, self.spread, out=self.rows.reshape(len(self.rows), len(turned), -1))
        self.into.fill(0)
        for tap in range(self.sizes.columns.taps):
            landing = self.landing[:, :, tap]
            landing += self.rows[:, :, tap]
        return self._inside(self.into)

    def _route(self, gradient: Array) -> None:
        """The derivative by the sums, in their place: that of a maximum goes to the first that is as large."""
        if self._averages:
            share = gradient * gradient.dtype.type(self.pool.share)
            np.copyto(self.share.reshape(self.windows.shape), share[:, None, :, None])
            if self.function is not None:
                self.function.back(self.sums, self.share)
            self._by_bias(self.share)
            np.copyto(self.sums, self.share)
            return
        if self.function is not None:
            self.function.back(self.out, gradient)
        self._by_bias(gradient)
        *others, (a, b) = self.pool.taps
        for row, column in others:
            here = self.windows[:, row, :, column]
            np.equal(here, self.best, out=self.mask)
            np.multiply(gradient, self.mask, out=here)
            gradient -= here  # what has gone to one place does not go to another
        np.copyto(self.windows[:, a, :, b], gradient)  # what is left

    def _by_bias(self, gradient: Array) -> None:
        """Adds the derivative by the bias, from `[row, filter, …]`."""
        if self.bias:
            self.by_bias[0] += gradient.reshape(len(gradient), self.sizes.filters, -1).sum(axis=2).sum(axis=0)


def _runs(lines: Array, length: int, stride: int) -> Array:
    """So many rows at a time as one matrix, from every `stride`-th on: a view of `[row, line, number]`.

    >>> _runs(np.arange(4.0).reshape(4, 1, 1), 2, 2).ravel().tolist()
    [0.0, 1.0, 2.0, 3.0]
    """
    count = (len(lines) - length) // stride + 1
    row, line, number = lines.strides
    shape = (count, length * lines.shape[1], lines.shape[2])
    return as_strided(lines, shape, (row * stride, line, number))
