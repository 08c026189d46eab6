"""Layers that only move numbers: whatever moved forward moves back."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from backcalc.layers import Shape
from backcalc.layers.maps import ChannelShuffle, Upsample2d
from backcalc.layers.shape import Flatten, Reshape, Slice, Transpose
from backcalc.layers.slide import per_axis
from backcalc.layers.split import Split
from backcalc.net import Node
from backcalc.numeric.kernels.base import Array, Stateless


class ReshapeKernel(Stateless[Flatten | Reshape]):
    """The same numbers in the output's shape."""

    def apply(self, x: Array) -> tuple[Array, Callable[[Array], Array]]:
        return x.reshape(*x.shape[:2], *self.node.output_shape), lambda gradient: gradient.reshape(x.shape)


class TransposeKernel(Stateless[Transpose]):
    """Axes in another order."""

    def __init__(self, node: Node, arriving: tuple[Shape, ...]) -> None:
        super().__init__(node, arriving)
        axes = self.layer.axes or (1, 2)
        order = list(range(len(node.input_shape)))
        if len(axes) == 2:
            one, other = axes[0] - 1, axes[1] - 1
            order[one], order[other] = other, one
        else:
            order = [axis - 1 for axis in axes]
        self.order = (0, 1, *(axis + 2 for axis in order))

    def apply(self, x: Array) -> tuple[Array, Callable[[Array], Array]]:
        inverse = tuple(int(place) for place in np.argsort(self.order))
        return x.transpose(self.order), lambda gradient: gradient.transpose(inverse)


class SliceKernel(Stateless[Slice | Split]):
    """Some of the numbers along one axis."""

    def __init__(self, node: Node, arriving: tuple[Shape, ...]) -> None:
        super().__init__(node, arriving)
        layer = self.layer
        if isinstance(layer, Split):
            length = node.input_shape[layer.axis - 1] // layer.parts
            taken = slice((layer.part - 1) * length, layer.part * length)
        else:
            taken = slice(layer.start - 1, layer.stop, layer.step)
        self.taken = (slice(None),) * (layer.axis + 1) + (taken,)

    def apply(self, x: Array) -> tuple[Array, Callable[[Array], Array]]:
        def back(gradient: Array) -> Array:
            whole = np.zeros(x.shape, gradient.dtype)
            whole[self.taken] = gradient
            return whole

        return x[self.taken], back


class ShuffleKernel(Stateless[ChannelShuffle]):
    """Channels dealt out: `[groups, n]` transposed and flattened."""

    def apply(self, x: Array) -> tuple[Array, Callable[[Array], Array]]:
        groups = self.layer.groups

        def dealt(array: Array, rows: int) -> Array:
            apart = array.reshape(*x.shape[:2], rows, -1, *x.shape[3:])
            return apart.swapaxes(2, 3).reshape(x.shape)

        return dealt(x, groups), lambda gradient: dealt(gradient, x.shape[2] // groups)


class UpsampleKernel(Stateless[Upsample2d]):
    """Every cell repeated along rows and columns."""

    def apply(self, x: Array) -> tuple[Array, Callable[[Array], Array]]:
        rows, columns = per_axis(self.layer.factor, 2)

        def back(gradient: Array) -> Array:
            apart = gradient.reshape(*x.shape[:-2], x.shape[-2], rows, x.shape[-1], columns)
            total: Array = apart.sum(axis=(-3, -1))
            return total

        return x.repeat(rows, axis=-2).repeat(columns, axis=-1), back
