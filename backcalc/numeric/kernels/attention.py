"""Attention in all its heads at once, rotary positions, and learned numbers for relative places."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import sqrt

import numpy as np

from backcalc.layers import Shape
from backcalc.layers.attention import Attention
from backcalc.layers.mask import Mask
from backcalc.layers.relative_bias import RelativeBias
from backcalc.layers.rotary import Rotary
from backcalc.layers.slide import per_axis
from backcalc.net import Node
from backcalc.numeric.kernels.base import Array, Gradients, Kernel, Pass, Result, Stateless
from backcalc.numeric.kernels.softmax import softmax, through_softmax


def turned(x: Array, base: int) -> tuple[Array, Callable[[Array], Array]]:
    """Entries i and i + size/2 of step t turned by the angle t/base^(2i/size), all from 0; `[…, time, size]`."""
    steps, half = x.shape[-2], x.shape[-1] // 2
    angles = np.arange(steps)[:, None] / float(base) ** (np.arange(half) / half)
    cosine, sine = (np.tile(function(angles), 2).astype(x.dtype) for function in (np.cos, np.sin))

    def back(gradient: Array) -> Array:
        beside = gradient * sine
        by_input: Array = gradient * cosine + np.concatenate([beside[..., half:], -beside[..., :half]], axis=-1)
        return by_input

    return x * cosine + np.concatenate([-x[..., half:], x[..., :half]], axis=-1) * sine, back


class RotaryKernel(Stateless[Rotary]):
    """Pairs of features turned by an angle that grows with the step."""

    def apply(self, x: Array) -> tuple[Array, Callable[[Array], Array]]:
        return turned(x, self.layer.base)


class RelativePlacesTable:
    """Where the number for every pair of steps stands in a table `[…, rows, columns]`, whose axes are one here."""

    def __init__(self, window: tuple[int, ...]) -> None:
        rows, columns = window
        cells = np.arange(rows * columns)
        row, column = cells // columns, cells % columns
        width = 2 * columns - 1
        self.places = (row[:, None] - row + rows - 1) * width + (column[:, None] - column + columns - 1)

    def read(self, table: Array, heads: int) -> Array:
        """`[trials, heads, steps, steps]`."""
        return table.reshape(len(table), heads, -1)[..., self.places]

    def back(self, gradient: Array, table: Array) -> Array:
        """The derivative by the table from that by what was read."""
        by_table = np.zeros((*gradient.shape[:2], table[0].size // gradient.shape[1]), gradient.dtype)
        trials, heads = (np.arange(size) for size in gradient.shape[:2])
        np.add.at(by_table, (trials[:, None, None, None], heads[:, None, None], self.places), gradient)
        return by_table.reshape(table.shape)


class RelativeBiasKernel(Kernel[RelativeBias]):
    """`x + B`, a number for every relative place of two steps and every head."""

    def __init__(self, node: Node, arriving: tuple[Shape, ...]) -> None:
        super().__init__(node, arriving)
        self.table = RelativePlacesTable(per_axis(self.layer.window, 2))

    def forward(self, inputs: Sequence[Array], parameters: Sequence[Array], going: Pass) -> Result:
        (x,), (table,) = inputs, parameters

        def backward(gradient: Array) -> Gradients:
            return Gradients((gradient,), (self.table.back(gradient.sum(axis=1), table),))

        return Result(x + self.table.read(table, x.shape[2])[:, None], backward)


class AttentionKernel(Kernel[Attention]):
    """`y = Wo context + bo`, `context = softmax(q k/√size) v` in every head."""

    def __init__(self, node: Node, arriving: tuple[Shape, ...]) -> None:
        super().__init__(node, arriving)
        layer, (steps, width) = self.layer, node.input_shape[-2:]
        self.heads, self.groups = layer.heads, layer.kv_heads or layer.heads
        self.size = layer.head_size or width // layer.heads
        self.table = None if layer.relative_bias is None else RelativePlacesTable((layer.relative_bias,) * 2)
        self.hidden: Array | None = None
        mask = Mask(steps, layer.causal, layer.window)
        if layer.memory is None and mask.masks:
            ahead = np.arange(steps) - np.arange(steps)[:, None]  # how far a key stands behind its query
            near = steps if mask.near is None else mask.near
            self.hidden = (ahead <= -near) | (ahead > 0 if layer.causal else ahead >= near)

    def forward(self, inputs: Sequence[Array], parameters: Sequence[Array], going: Pass) -> Result:
        x, memory = (_in_one_row(each) for each in (inputs[0], inputs[-1]))
        weights, rest = parameters[:4], parameters[4:]
        table, biases = (None, rest) if self.table is None else (rest[0], rest[1:])
        scale = x.dtype.type(1 / sqrt(self.size))
        projected = [_rows(source, weight) for source, weight in zip((x, memory, memory), weights, strict=False)]
        projected = [each + bias[:, None, None] for each, bias in zip(projected, biases, strict=False)] or projected
        q, back_q = self._turned(self._apart(projected[0], self.heads))
        k, back_k = self._turned(self._apart(projected[1], self.groups))
        v = self._apart(projected[2], self.groups)
        shared = self.heads // self.groups
        keys, values = (each.repeat(shared, axis=2) for each in (k, v))
        scores = q @ keys.swapaxes(3, 4) * scale
        if self.table is not None and table is not None:
            scores += self.table.read(table, self.heads)[:, None]
        if self.hidden is not None:
            scores[..., self.hidden] = -np.inf
        shares = softmax(scores)
        context = self._together(shares @ values)
        output = _rows(context, weights[3])
        for bias in biases[3:]:
            output += bias[:, None, None]

        def backward(gradient: Array) -> Gradients:
            gradient = _in_one_row(gradient)
            by_context, by_output = _back(gradient, context, weights[3])
            into = self._apart(by_context, self.heads)
            by_scores = through_softmax(into @ values.swapaxes(3, 4), shares)
            by_keys = self._shared(by_scores.swapaxes(3, 4) @ q) * scale
            by_parts = (back_q(by_scores @ keys * scale), back_k(by_keys), self._shared(shares.swapaxes(3, 4) @ into))
            parts = [self._together(each) for each in by_parts]
            sources = zip(parts, (x, memory, memory), weights, strict=False)
            found = [_back(each, source, weight) for each, source, weight in sources]
            by_sources = [source for source, _ in found]
            by_weights = [*(weight for _, weight in found), by_output]
            if self.table is not None and table is not None:
                by_weights.append(self.table.back(by_scores.sum(axis=1), table))
            by_weights += [each.sum(axis=(1, 2)) for each in (*parts, gradient)[: len(biases)]]
            whole = by_sources[1] + by_sources[2]
            by_inputs = (by_sources[0], whole) if len(inputs) == 2 else (by_sources[0] + whole,)
            apart = (by.reshape(each.shape) for by, each in zip(by_inputs, inputs, strict=True))
            return Gradients(tuple(apart), tuple(by_weights))

        return Result(output.reshape(*inputs[0].shape[:-1], -1), backward)

    def _apart(self, rows: Array, heads: int) -> Array:
        """`[trials, samples, heads, time, size]` from `[trials, samples, time, heads·size]`."""
        return rows.reshape(*rows.shape[:3], heads, self.size).swapaxes(2, 3)

    def _together(self, heads: Array) -> Array:
        """The inverse of `_apart`."""
        rows = heads.swapaxes(2, 3)
        return rows.reshape(*rows.shape[:3], -1)

    def _shared(self, gradient: Array) -> Array:
        """The derivative by the heads of keys or values: the sum over the heads that share one."""
        trials, samples, _, *rest = gradient.shape
        total: Array = gradient.reshape(trials, samples, self.groups, -1, *rest).sum(axis=3)
        return total

    def _turned(self, heads: Array) -> tuple[Array, Callable[[Array], Array]]:
        """Queries or keys turned by their place, where the layer says so."""
        if self.layer.rotary is None:
            return heads, lambda gradient: gradient
        return turned(heads, self.layer.rotary)


def _in_one_row(x: Array) -> Array:
    """Windows of every sample as if they were samples: `[trials, samples·windows, time, features]`."""
    return x.reshape(len(x), -1, *x.shape[-2:])


def _rows(x: Array, weights: Array) -> Array:
    """`X Wᵀ` for every sample."""
    return x @ weights.swapaxes(1, 2)[:, None]


def _back(gradient: Array, x: Array, weights: Array) -> tuple[Array, Array]:
    """The derivatives of `_rows` by x and by the weights."""
    return gradient @ weights[:, None], (gradient.swapaxes(2, 3) @ x).sum(axis=1)
