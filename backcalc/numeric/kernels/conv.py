"""Convolutions as one matrix product over the columns of all windows; transposed ones are their adjoint."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from backcalc.layers import Shape
from backcalc.layers.conv import Convolution
from backcalc.layers.conv_transpose import TransposedConvolution
from backcalc.layers.local import LocallyConnected2d
from backcalc.layers.slide import channels, per_axis, slides
from backcalc.net import Node
from backcalc.numeric.kernels.base import Array, Gradients, Kernel, Pass, Result
from backcalc.numeric.kernels.windows import Axis, Windows


def _columns(windows: Array, groups: int, axes: int) -> Array:
    """Windows `[trials, samples, channels, *places, *taps]` as columns `[trials, groups, weights, samples·places]`."""
    trials, samples, maps, *rest = windows.shape
    places, taps = rest[:axes], rest[axes:]
    apart = windows.reshape(trials, samples, groups, maps // groups, *places, *taps)
    order = (0, 2, 3, *range(4 + axes, 4 + 2 * axes), 1, *range(4, 4 + axes))
    return apart.transpose(order).reshape(trials, groups, -1, samples * prod(places))


def _windows(columns: Array, samples: int, windows: Windows) -> Array:
    """The inverse of `_columns`."""
    trials, groups, axes = *columns.shape[:2], len(windows.axes)
    apart = columns.reshape(trials, groups, -1, *windows.taps, samples, *windows.places)
    order = (0, 3 + axes, 1, 2, *range(4 + axes, 4 + 2 * axes), *range(3, 3 + axes))
    return apart.transpose(order).reshape(trials, samples, -1, *windows.places, *windows.taps)


def _maps(x: Array, groups: int) -> Array:
    """Maps `[trials, samples, channels, …]` as rows `[trials, groups, channels/groups, samples·places]`."""
    trials, samples, count = x.shape[:3]
    apart = x.reshape(trials, samples, groups, count // groups, -1)
    return apart.transpose(0, 2, 3, 1, 4).reshape(trials, groups, count // groups, -1)


def _unmapped(rows: Array, samples: int, places: tuple[int, ...]) -> Array:
    """The inverse of `_maps`."""
    trials, groups, count = rows.shape[:3]
    apart = rows.reshape(trials, groups, count, samples, -1).transpose(0, 3, 1, 2, 4)
    return apart.reshape(trials, samples, groups * count, *places)


class ConvKernel(Kernel[Convolution]):
    """`q[f] = Σ W[f,c,taps] x[c,window] + b[f]`; weights that a connection table leaves out are 0."""

    def __init__(self, node: Node, arriving: tuple[Shape, ...]) -> None:
        super().__init__(node, arriving)
        layer, axes = self.layer, self.layer.axes
        found = slides(
            layer.kind,
            node.input_shape,
            per_axis(layer.kernel, axes),
            per_axis(layer.stride, axes),
            layer.padding,
            dilation=per_axis(layer.dilation, axes),
        )
        self.windows = Windows(tuple(Axis.of(slide) for slide in found))
        self.maps = channels(node.input_shape, axes)
        self.table: Array | None = None
        if layer.connections is not None:
            rows = [[float(c in row) for c in range(1, self.maps + 1)] for row in layer.connections]
            self.table = np.array(rows).reshape(layer.filters, self.maps, *(1,) * axes)

    def forward(self, inputs: Sequence[Array], parameters: Sequence[Array], going: Pass) -> Result:
        (x,), (weights, *bias) = inputs, parameters
        trials, samples = x.shape[:2]
        groups, axes = self.layer.groups, self.layer.axes
        table = None if self.table is None else self.table.astype(weights.dtype)
        used = weights if table is None else weights * table
        kernel = used.reshape(trials, groups, self.layer.filters // groups, -1)
        image = x.reshape(trials, samples, self.maps, *x.shape[x.ndim - axes :])
        columns = _columns(self.windows.view(image), groups, axes)
        output = _unmapped(kernel @ columns, samples, self.windows.places)
        if bias:
            output += bias[0].reshape(trials, 1, -1, *(1,) * axes)

        def backward(gradient: Array) -> Gradients:
            into = _maps(gradient.reshape(output.shape), groups)
            by_weights = (into @ columns.swapaxes(2, 3)).reshape(weights.shape)
            by_bias = (into.sum(axis=3).reshape(trials, -1),) if bias else ()
            spread = _windows(kernel.swapaxes(2, 3) @ into, samples, self.windows)
            by_weights = by_weights if table is None else by_weights * table
            return Gradients((self.windows.back(spread).reshape(x.shape),), (by_weights, *by_bias))

        return Result(output.reshape(trials, samples, *self.node.output_shape), backward)


class TransposedKernel(Kernel[TransposedConvolution]):
    """Each cell of the input lands, times the window, on the output: windows slide over what comes out."""

    def __init__(self, node: Node, arriving: tuple[Shape, ...]) -> None:
        super().__init__(node, arriving)
        layer, axes = self.layer, self.layer.axes
        fields = zip(
            node.input_shape[-axes:],
            node.output_shape[-axes:],
            *(per_axis(field, axes) for field in (layer.kernel, layer.stride, layer.dilation)),
            self._cut_off(),
            strict=True,
        )
        self.windows = Windows(
            tuple(Axis(out, taps, cells, stride, dilation, cut) for cells, out, taps, stride, dilation, cut in fields)
        )
        self.maps = channels(node.input_shape, axes)

    def _cut_off(self) -> tuple[int, ...]:
        """How many cells of the result padding cuts off before each axis; `same` as Keras does."""
        layer, axes = self.layer, self.layer.axes
        if layer.padding != "same":
            return (0,) * axes if isinstance(layer.padding, str) else per_axis(layer.padding, axes)
        sizes = zip(*(per_axis(field, axes) for field in (layer.kernel, layer.dilation, layer.stride)), strict=True)
        return tuple(max(0, (taps - 1) * dilation + 1 - stride) // 2 for taps, dilation, stride in sizes)

    def forward(self, inputs: Sequence[Array], parameters: Sequence[Array], going: Pass) -> Result:
        (x,), (weights, *bias) = inputs, parameters
        trials, samples = x.shape[:2]
        groups, axes = self.layer.groups, self.layer.axes
        kernel = weights.reshape(trials, groups, self.maps // groups, -1)
        image = x.reshape(trials, samples, self.maps, *x.shape[x.ndim - axes :])
        cells = _maps(image, groups)
        output = self.windows.back(_windows(kernel.swapaxes(2, 3) @ cells, samples, self.windows))
        if bias:
            output += bias[0].reshape(trials, 1, -1, *(1,) * axes)

        def backward(gradient: Array) -> Gradients:
            into = gradient.reshape(output.shape)
            columns = _columns(self.windows.view(into), groups, axes)
            by_weights = (cells @ columns.swapaxes(2, 3)).reshape(weights.shape)
            by_bias = (into.sum(axis=(1, *range(3, into.ndim))),) if bias else ()
            by_input = _unmapped(kernel @ columns, samples, self.windows.places).reshape(x.shape)
            return Gradients((by_input,), (by_weights, *by_bias))

        return Result(output.reshape(trials, samples, *self.node.output_shape), backward)


class LocalKernel(Kernel[LocallyConnected2d]):
    """`y[f,i,j] = Σ W[f,i,j,c,a,b] x[c,window] + b[f,i,j]`: a matrix product of its own at every place."""

    def __init__(self, node: Node, arriving: tuple[Shape, ...]) -> None:
        super().__init__(node, arriving)
        layer = self.layer
        kernel, stride = per_axis(layer.kernel, 2), per_axis(layer.stride, 2)
        found = slides(layer.kind, node.input_shape, kernel, stride, layer.padding)
        self.windows = Windows(tuple(Axis.of(slide) for slide in found))

    def forward(self, inputs: Sequence[Array], parameters: Sequence[Array], going: Pass) -> Result:
        (x,), (weights, *bias) = inputs, parameters
        trials, samples = x.shape[:2]
        places = prod(self.windows.places)
        filters, numbers = self.layer.filters, prod(weights.shape[4:])
        # [trials, places, filters, weights] and [trials, places, samples, weights]
        kernel = weights.reshape(trials, filters, places, numbers).swapaxes(1, 2)
        rows = self.windows.view(x).transpose(0, 3, 4, 1, 2, 5, 6).reshape(trials, places, samples, numbers)
        output = (rows @ kernel.swapaxes(2, 3)).transpose(0, 2, 3, 1)
        output = output.reshape(trials, samples, *self.node.output_shape)
        if bias:
            output = output + bias[0][:, None]

        def backward(gradient: Array) -> Gradients:
            into = gradient.reshape(trials, samples, filters, places).transpose(0, 3, 1, 2)
            by_weights = (into.swapaxes(2, 3) @ rows).swapaxes(1, 2).reshape(weights.shape)
            spread = (into @ kernel).reshape(trials, *self.windows.places, samples, *weights.shape[4:])
            by_input = self.windows.back(spread.transpose(0, 3, 4, 1, 2, 5, 6))
            return Gradients((by_input,), (by_weights, *((gradient.sum(axis=1),) if bias else ())))

        return Result(output, backward)
