"""Which stage computes which convolution or pooling; signals are maps of one row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from math import prod
from typing import Any

from backcalc.layers import Layer
from backcalc.layers.adaptive import AdaptiveAvgPool2d, GlobalAvgPool
from backcalc.layers.conv import Conv1d, Conv2d, Conv3d, Convolution
from backcalc.layers.conv_transpose import ConvTranspose1d, ConvTranspose2d, TransposedConvolution
from backcalc.layers.pool import AvgPool1d, AvgPool2d, MaxPool1d, MaxPool2d, Subsample2d
from backcalc.numeric.kernels.base import Array, Kernel
from backcalc.numeric.kernels.conv import ConvKernel, TransposedKernel
from backcalc.numeric.kernels.pool import AdaptiveKernel, AveragePoolKernel, MaxPoolKernel, SubsampleKernel
from backcalc.numeric.kernels.windows import Axis, Windows
from backcalc.numeric.plans.columns import Grouped, Landed
from backcalc.numeric.plans.curves import in_place
from backcalc.numeric.plans.layout import axis_of
from backcalc.numeric.plans.maps import Convolved, Sizes
from backcalc.numeric.plans.place import Place, pool_of
from backcalc.numeric.plans.pooled import Averaged, Pool, Pooled, Subsampled, WindowedMax, WindowedMean
from backcalc.numeric.plans.stages import Stage
from backcalc.numeric.plans.steps import DenseSteps
from backcalc.numeric.plans.wrapped import Partial, Viewed

ONE = Axis(size=1, taps=1, places=1)
"""The only row of a signal."""


THIN, MANY = 32, 2**18
"""Where a row of places has fewer numbers, over all samples, so many weights are not to be read for every row."""


def _convolved(place: Place) -> Stage | None:
    layer, kernel = place.node.layer, place.kernel
    assert isinstance(layer, Convolution) and isinstance(kernel, ConvKernel)
    if is_one_by_one(kernel):
        return _mixed(place, kernel)
    if is_thin(kernel, place.samples):
        return None
    axes = _at_least_two(kernel.windows)
    maps = len(axes)
    parameters, gradients = (_as_maps(each, maps) for each in place.views)
    if joins(kernel, place.samples):
        make = partial(_joined, place, axes, kernel.maps)
    else:
        make = partial(_grouped, place, axes, layer.groups, kernel.maps)
    if kernel.table is None:
        return _around(place, make(parameters, gradients))
    rest, by_rest = parameters[1:], gradients[1:]
    table = kernel.table.reshape(*kernel.table.shape[:2], *(1,) * maps)
    inner = Partial(lambda one, by: make([one, *rest], [by, *by_rest]), parameters[0], gradients[0], table)
    return _around(place, inner)


def is_one_by_one(kernel: ConvKernel) -> bool:
    """Whether each place of the filters sees that place of all maps, and nothing else."""
    alone = all(axis == Axis(axis.size, 1, axis.size) for axis in kernel.windows.axes)
    return alone and kernel.layer.groups == 1 and kernel.table is None


def is_thin(kernel: ConvKernel, samples: int) -> bool:
    """Whether the product of a row is so thin that one of all rows, which the kernel makes, is faster."""
    weights = kernel.layer.filters * kernel.maps // kernel.layer.groups * prod(kernel.windows.taps)
    return weights >= MANY and kernel.windows.axes[-1].places * samples < THIN


def joins(kernel: Kernel[Any], samples: int) -> bool:
    """Whether a kernel is that of a convolution which an activation and a pooling behind it are computed with."""
    if not isinstance(kernel, ConvKernel) or is_one_by_one(kernel) or is_thin(kernel, samples):
        return False
    return kernel.layer.groups == 1 and len(kernel.windows.axes) < 3


def _mixed(place: Place, kernel: ConvKernel) -> Stage:
    """Such a convolution is a dense layer of the channels, whose samples are all places."""
    shape, (parameters, gradients) = place.arriving, place.views
    rows = shape[: axis_of(0, len(place.shapes[0]))]
    within = (*rows, kernel.maps, prod(shape) // (prod(rows) * kernel.maps))
    matrix, by_matrix = ([weights.reshape(len(weights), -1), *bias] for weights, *bias in (parameters, gradients))
    stage = DenseSteps(matrix, by_matrix, within, first=not place.wanted)
    return Viewed(stage, shape, within, place.leaving)


def _joined(
    place: Place, axes: tuple[Axis, ...], channels: int, parameters: list[Array], gradients: list[Array]
) -> Stage:
    """With the activation and the pooling behind it."""
    rows, columns = axes
    pool = next((pool for pool in map(pool_of, place.behind) if pool is not None), Pool())
    sizes = Sizes(channels, len(parameters[0]), rows, columns, place.samples)
    function = None
    if place.behind and pool_of(place.behind[0]) is None:
        high, wide = rows.places // pool.rows, columns.places // pool.columns
        shape: tuple[int, ...] = (high, sizes.filters, wide, place.samples)
        if len(pool.taps) > 1 and not pool.largest:
            shape = (high * pool.rows, sizes.filters, pool.columns * wide * place.samples)
        function = in_place(place.behind[0].layer, shape, place.dtype)
    return Convolved(sizes, pool, function, parameters, gradients, first=not place.wanted)


def _grouped(
    place: Place,
    axes: tuple[Axis, ...],
    groups: int,
    channels: int,
    parameters: list[Array],
    gradients: list[Array],
) -> Stage:
    return Grouped(axes, groups, channels, place.samples, parameters, gradients, first=not place.wanted)


def _landed(place: Place) -> Stage:
    layer, kernel = place.node.layer, place.kernel
    assert isinstance(layer, TransposedConvolution) and isinstance(kernel, TransposedKernel)
    axes = _at_least_two(kernel.windows)
    parameters, gradients = (_as_maps(each, len(axes)) for each in place.views)
    filters = parameters[0].shape[1] * layer.groups
    stage = Landed(axes, layer.groups, filters, place.samples, parameters, gradients, first=not place.wanted)
    return _around(place, stage)


def _pooled(place: Place) -> Stage:
    pool = pool_of(place.node)
    channels, *sizes = place.shapes[0] if len(place.shapes[0]) > len(_windows(place).axes) else (1, *place.shapes[0])
    if pool is not None:
        rows, columns = (1, *sizes)[-2:]
        return _around(place, Pooled(pool, (channels, rows, columns), place.samples, place.dtype))
    rows_axis, columns_axis = _at_least_two(_windows(place))
    axes = rows_axis, columns_axis
    if isinstance(place.kernel, MaxPoolKernel):
        return _around(place, WindowedMax(axes, channels, place.samples, place.dtype))
    assert isinstance(place.kernel, AveragePoolKernel)
    return _around(place, WindowedMean(axes, channels, place.samples, 1 / place.kernel.counts, place.dtype))


def _adaptive(place: Place) -> Stage | None:
    kernel = place.kernel
    assert isinstance(kernel, AdaptiveKernel)
    rows, columns = kernel.windows.axes
    if not rows.stride or not columns.stride:
        return None  # fewer cells than windows: they are copied
    return WindowedMean((rows, columns), place.shapes[0][0], place.samples, 1 / kernel.counts, place.dtype)


def _subsampled(place: Place) -> Stage:
    assert isinstance(place.kernel, SubsampleKernel)
    rows, columns = place.kernel.windows.axes
    return Subsampled((rows, columns), place.shapes[0][0], place.samples, *place.views)


def _averaged(place: Place) -> Stage:
    return Averaged(place.arriving, axis_of(0, len(place.shapes[0])), place.dtype)


def _windows(place: Place) -> Windows:
    assert isinstance(place.kernel, (MaxPoolKernel, AveragePoolKernel))
    return place.kernel.windows


def _at_least_two(windows: Windows) -> tuple[Axis, ...]:
    return (ONE, *windows.axes) if len(windows.axes) == 1 else windows.axes


def _as_maps(arrays: list[Array], axes: int) -> list[Array]:
    """Weights, biases left as they are, with two axes of taps at least; views."""
    weights, *rest = arrays
    taps = weights.shape[2:]
    return [weights.reshape(*weights.shape[:2], *(1,) * (axes - len(taps)), *taps), *rest]


def _around(place: Place, stage: Stage) -> Stage:
    """The stage, where signals come in with what makes them maps of one row."""
    if len(place.shapes[0]) > 2:
        return stage
    channels = place.arriving[:-2] or (1,)
    leaving = (*(place.node, *place.behind)[-1].output_shape, place.samples)
    return Viewed(stage, place.arriving, (1, *channels, *place.arriving[-2:]), leaving)


MAP_MAKERS: Mapping[type[Layer], Callable[[Place], Stage | None]] = {
    Conv1d: _convolved,
    Conv2d: _convolved,
    Conv3d: _convolved,
    ConvTranspose1d: _landed,
    ConvTranspose2d: _landed,
    MaxPool1d: _pooled,
    MaxPool2d: _pooled,
    AvgPool1d: _pooled,
    AvgPool2d: _pooled,
    Subsample2d: _subsampled,
    AdaptiveAvgPool2d: _adaptive,
    GlobalAvgPool: _averaged,
}
"""How the stage of a layer of maps is made; None is given where the layer has a form that its stage does not know."""
