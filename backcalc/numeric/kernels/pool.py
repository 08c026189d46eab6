"""Pooling: the largest number or the mean of each window; LeNet-5's subsampling; means over whole maps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

import numpy as np

from backcalc.layers import Shape
from backcalc.layers.adaptive import AdaptiveAvgPool2d, GlobalAvgPool
from backcalc.layers.pool import AveragePooling, MaxPooling, PoolingWithStride, Subsample2d
from backcalc.layers.slide import Slide, per_axis, slides
from backcalc.net import Node
from backcalc.numeric.kernels.base import Array, Gradients, Kernel, Pass, Result, Stateless, over_samples, per_sample
from backcalc.numeric.kernels.windows import Axis, Windows


def pooling_slides(layer: PoolingWithStride, node: Node) -> tuple[Slide, ...]:
    """The windows of a pooling layer; its stride is their size where it has none."""
    size = per_axis(layer.size, layer.axes)
    stride = size if layer.stride is None else per_axis(layer.stride, layer.axes)
    return slides(layer.kind, node.input_shape, size, stride, layer.padding, ceil=layer.ceil)


class MaxPoolKernel(Stateless[MaxPooling]):
    """The largest of each window, the first of several; padding never wins."""

    def __init__(self, node: Node, arriving: tuple[Shape, ...]) -> None:
        super().__init__(node, arriving)
        self.windows = Windows(tuple(Axis.of(slide) for slide in pooling_slides(self.layer, node)))

    def apply(self, x: Array) -> tuple[Array, Callable[[Array], Array]]:
        seen = self.windows.view(x, fill=-np.inf)
        flat = seen.reshape(*seen.shape[: x.ndim], -1)
        first = flat.argmax(axis=-1)[..., None]

        def back(gradient: Array) -> Array:
            routed = np.zeros(flat.shape, gradient.dtype)
            np.put_along_axis(routed, first, gradient[..., None], axis=-1)
            return self.windows.back(routed.reshape(seen.shape))

        return np.take_along_axis(flat, first, axis=-1)[..., 0], back


class AveragePoolKernel(Stateless[AveragePooling]):
    """The sum of each window over how many cells it has, padding counted, what hangs over not."""

    def __init__(self, node: Node, arriving: tuple[Shape, ...]) -> None:
        super().__init__(node, arriving)
        found = pooling_slides(self.layer, node)
        self.windows = Windows(tuple(Axis.of(slide) for slide in found))
        self.counts: Array = np.ones(())
        for slide in found:
            starts = np.arange(slide.output) * slide.stride - slide.before
            cells = np.minimum(starts + slide.taps, slide.size + slide.after) - starts
            self.counts = np.multiply.outer(self.counts, cells)

    def apply(self, x: Array) -> tuple[Array, Callable[[Array], Array]]:
        return _means(x, self.windows, self.counts)


class AdaptiveKernel(Stateless[AdaptiveAvgPool2d]):
    """The means of equal windows, as many as the layer says."""

    def __init__(self, node: Node, arriving: tuple[Shape, ...]) -> None:
        super().__init__(node, arriving)
        axes = []
        for cells, places in zip(node.input_shape[1:], node.output_shape[1:], strict=True):
            step = cells // places  # where windows overlap, all of them begin so many cells apart
            axes.append(Axis(cells, -(-cells // places), places, step))
        self.windows = Windows(tuple(axes))
        self.counts: Array = np.array(float(prod(self.windows.taps)))

    def apply(self, x: Array) -> tuple[Array, Callable[[Array], Array]]:
        return _means(x, self.windows, self.counts)


def _means(x: Array, windows: Windows, counts: Array) -> tuple[Array, Callable[[Array], Array]]:
    """The mean of every window."""
    shares = (1 / counts).astype(x.dtype)
    taps = tuple(range(-len(windows.axes), 0))

    def back(gradient: Array) -> Array:
        each = np.expand_dims(gradient * shares, taps)
        return windows.back(np.broadcast_to(each, (*gradient.shape, *windows.taps)))

    return windows.view(x).sum(axis=taps) * shares, back


class SubsampleKernel(Kernel[Subsample2d]):
    """The sum of each window times a coefficient a map, plus a bias a map."""

    def __init__(self, node: Node, arriving: tuple[Shape, ...]) -> None:
        super().__init__(node, arriving)
        size = per_axis(self.layer.size, 2)
        found = slides(self.layer.kind, node.input_shape, size, size, "valid")
        self.windows = Windows(tuple(Axis.of(slide) for slide in found))

    def forward(self, inputs: Sequence[Array], parameters: Sequence[Array], going: Pass) -> Result:
        (x,), (gain, bias) = inputs, (per_sample(parameter, 0, 3) for parameter in parameters)
        sums = self.windows.view(x).sum(axis=(-2, -1))

        def backward(gradient: Array) -> Gradients:
            each = (gradient * gain)[..., None, None]
            by_input = self.windows.back(np.broadcast_to(each, (*gradient.shape, *self.windows.taps)))
            return Gradients((by_input,), (over_samples(gradient * sums, 0), over_samples(gradient, 0)))

        return Result(gain * sums + bias, backward)


class GlobalAverageKernel(Stateless[GlobalAvgPool]):
    """The mean of each map."""

    def apply(self, x: Array) -> tuple[Array, Callable[[Array], Array]]:
        places = tuple(range(3, x.ndim))
        count = prod(x.shape[3:])
        return x.mean(axis=places), lambda gradient: np.broadcast_to(np.expand_dims(gradient / count, places), x.shape)
