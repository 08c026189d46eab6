"""Which stage computes which kind of layer. A kind that has none here is computed by its kernel, as a stage."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from backcalc.layers import Layer
from backcalc.layers import activation as activations
from backcalc.layers.dense import Dense
from backcalc.layers.maps import ChannelShuffle, Upsample2d
from backcalc.layers.matmul import Matmul
from backcalc.layers.merge import Add, Concat, Multiply
from backcalc.layers.noise import Dropout, GaussianNoise
from backcalc.layers.norm import BatchNorm
from backcalc.layers.normalise import Normalise
from backcalc.layers.residual import LayerScale, StochasticDepth
from backcalc.layers.shape import Flatten, Reshape, Slice, Transpose
from backcalc.layers.slide import per_axis
from backcalc.layers.softmax import LogSoftmax, Softmax
from backcalc.layers.split import Split
from backcalc.numeric.arena import floats
from backcalc.numeric.kernels.shape import SliceKernel, TransposeKernel
from backcalc.numeric.plans import joined, moves, scaled, stages
from backcalc.numeric.plans.curves import LogSoftmaxed, Softmaxed, activation
from backcalc.numeric.plans.joined import Joint
from backcalc.numeric.plans.kernelled import Kernelled
from backcalc.numeric.plans.layout import axis_of
from backcalc.numeric.plans.map_makers import MAP_MAKERS
from backcalc.numeric.plans.place import Place
from backcalc.numeric.plans.sequence_makers import SEQUENCE_MAKERS
from backcalc.numeric.plans.stages import Stage
from backcalc.numeric.plans.steps import DenseSteps


def stage_of(place: Place) -> Stage | Joint:
    """The stage of a layer in its place, by its kernel where there is no faster way."""
    make = MAKERS.get(type(place.node.layer))
    made = None if make is None or place.numbers.has_made(place.node) else make(place)
    if made is not None:
        return made
    return Kernelled(place.kernel, place.numbers, place.shapes, place.samples, wanted=place.wanted)


# -- what reads vectors and maps ------------------------------------------------------------------


def _dense(place: Place) -> Stage | None:
    if len(place.shapes[0]) > 1:
        return DenseSteps(*place.views, place.arriving, first=not place.wanted)
    return stages.Dense(*place.views, place.samples, first=not place.wanted)


def _normed(place: Place) -> Stage | None:
    layer = place.node.layer
    assert isinstance(layer, BatchNorm)
    return stages.BatchNormed(*place.views, place.leaving, float(layer.epsilon), editable=place.editable)


def _dropped(place: Place) -> Stage | None:
    layer = place.node.layer
    assert isinstance(layer, Dropout)
    return stages.Dropped(place.node.name, layer, place.leaving, place.dtype)


def _noisy(place: Place) -> Stage:
    layer = place.node.layer
    assert isinstance(layer, GaussianNoise)
    return scaled.Noisy(place.node.name, float(layer.std), place.leaving, place.dtype)


def _scaled(place: Place) -> Stage:
    rank = len(place.shapes[0])
    return scaled.Scaled(*place.views, place.arriving, axis_of(1 if rank == 2 else 0, rank))


def _standardised(place: Place) -> Stage:
    layer, rank = place.node.layer, len(place.shapes[0])
    assert isinstance(layer, Normalise)
    along = (1,) * (rank - axis_of(0, rank))
    mean, std = (np.array(floats(each)).reshape(-1, *along) for each in (layer.mean, layer.std))
    return scaled.Standardised(mean, std, place.leaving, place.dtype)


# -- activations ----------------------------------------------------------------------------------


def _activation(place: Place) -> Stage | None:
    return activation(place.node.layer, place.leaving, place.dtype, editable=place.editable)


def _same(place: Place) -> Stage | None:
    return stages.Same()


def _softmax(place: Place) -> Stage | None:
    return Softmaxed(place.leaving, place.dtype)


def _log_softmax(place: Place) -> Stage | None:
    return LogSoftmaxed(place.leaving, place.dtype)


# -- what moves numbers, and what joins them ------------------------------------------------------


def _reshaped(place: Place) -> Stage | None:
    return moves.Reshaped(place.shapes[0], place.node.output_shape, place.samples, place.dtype)


def _transposed(place: Place) -> Stage | None:
    assert isinstance(place.kernel, TransposeKernel)
    return moves.Transposed([axis - 2 for axis in place.kernel.order[2:]])


def _sliced(place: Place) -> Stage | None:
    assert isinstance(place.kernel, SliceKernel)
    *before, taken = place.kernel.taken
    axis = axis_of(len(before) - 2, len(place.shapes[0]))
    return moves.Sliced(taken, axis, place.arriving, place.dtype)


def _shuffled(place: Place) -> Stage | None:
    layer = place.node.layer
    assert isinstance(layer, ChannelShuffle)
    return moves.Shuffled(layer.groups, axis_of(0, len(place.shapes[0])), place.arriving, place.dtype)


def _upsampled(place: Place) -> Stage | None:
    layer = place.node.layer
    assert isinstance(layer, Upsample2d)
    return moves.Upsampled(per_axis(layer.factor, 2), place.arriving, place.dtype)


def _added(place: Place) -> Joint:
    return joined.Added(len(place.shapes), place.node.output_shape, place.samples, place.dtype)


def _multiplied(place: Place) -> Joint:
    return joined.Multiplied(place.shapes, place.node.output_shape, place.samples, place.dtype)


def _concatenated(place: Place) -> Joint:
    layer = place.node.layer
    assert isinstance(layer, Concat)
    return joined.Concatenated(layer.axis - 1, place.shapes, place.node.output_shape, place.samples, place.dtype)


def _matrix_product(place: Place) -> Joint:
    return joined.MatrixProduct(place.shapes, place.node.output_shape, place.samples, place.dtype)


MAKERS: Mapping[type[Layer], Callable[[Place], Stage | Joint | None]] = {
    Dense: _dense,
    **MAP_MAKERS,
    **SEQUENCE_MAKERS,
    GaussianNoise: _noisy,
    LayerScale: _scaled,
    Normalise: _standardised,
    BatchNorm: _normed,
    Dropout: _dropped,
    StochasticDepth: _dropped,
    activations.Relu: _activation,
    activations.Relu6: _activation,
    activations.LeakyRelu: _activation,
    activations.Elu: _activation,
    activations.Gelu: _activation,
    activations.Silu: _activation,
    activations.HardSigmoid: _activation,
    activations.HardSwish: _activation,
    activations.Softplus: _activation,
    activations.Sigmoid: _activation,
    activations.Tanh: _activation,
    activations.ScaledTanh: _activation,
    activations.Linear: _same,
    activations.Sign: _activation,
    Softmax: _softmax,
    LogSoftmax: _log_softmax,
    Flatten: _reshaped,
    Reshape: _reshaped,
    Transpose: _transposed,
    Slice: _sliced,
    Split: _sliced,
    ChannelShuffle: _shuffled,
    Upsample2d: _upsampled,
    Add: _added,
    Multiply: _multiplied,
    Concat: _concatenated,
    Matmul: _matrix_product,
}
"""How the stage of a layer is made; None is given where the layer has a form that its stage does not know."""
