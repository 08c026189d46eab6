"""The layers and losses that networks are made of, by the name they have in files.

>>> KINDS["conv2d"].main, LOSSES["nll"].__name__
('filters', 'NegativeLogLikelihood')
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from backcalc.layers.activation import (
    Elu,
    Gelu,
    HardSigmoid,
    HardSwish,
    LeakyRelu,
    Linear,
    Relu,
    Relu6,
    ScaledTanh,
    Sigmoid,
    Sign,
    Silu,
    Softplus,
    Tanh,
)
from backcalc.layers.adaptive import AdaptiveAvgPool2d, GlobalAvgPool
from backcalc.layers.base import Cost, Layer, LayerEquations, Parameter, Samples, Shape, ShapeError, Window
from backcalc.layers.conv import Conv1d, Conv2d, Conv3d
from backcalc.layers.conv_transpose import ConvTranspose1d, ConvTranspose2d
from backcalc.layers.dense import Dense
from backcalc.layers.local import LocallyConnected2d
from backcalc.layers.loss import (
    Huber,
    Loss,
    LossEquation,
    MeanAbsolute,
    MeanSquare,
    RootMeanSquare,
    SumOfSquares,
    Target,
)
from backcalc.layers.loss_likelihood import (
    BinaryCrossEntropy,
    BinaryCrossEntropyLogits,
    CrossEntropy,
    CrossEntropyLogits,
    KullbackLeibler,
    NegativeLogLikelihood,
    NegativeLogLikelihoodLogits,
)
from backcalc.layers.loss_margin import Hinge, Perceptron
from backcalc.layers.maps import ChannelShuffle, Upsample2d
from backcalc.layers.merge import Add, Concat, Multiply
from backcalc.layers.noise import Dropout, GaussianNoise
from backcalc.layers.norm import BatchNorm, GroupNorm, LayerNorm, RmsNorm
from backcalc.layers.normalise import Normalise
from backcalc.layers.pool import AvgPool1d, AvgPool2d, MaxPool1d, MaxPool2d, Subsample2d
from backcalc.layers.rbf import Rbf
from backcalc.layers.shape import Flatten, Reshape, Slice, Transpose
from backcalc.layers.softmax import LogSoftmax, Softmax

_LAYERS: tuple[type[Layer], ...] = (
    Dense,
    Conv1d,
    Conv2d,
    Conv3d,
    ConvTranspose1d,
    ConvTranspose2d,
    LocallyConnected2d,
    MaxPool1d,
    MaxPool2d,
    AvgPool1d,
    AvgPool2d,
    Subsample2d,
    GlobalAvgPool,
    AdaptiveAvgPool2d,
    Upsample2d,
    Flatten,
    Reshape,
    Transpose,
    Slice,
    ChannelShuffle,
    Normalise,
    Relu,
    Relu6,
    LeakyRelu,
    Elu,
    Gelu,
    Silu,
    HardSigmoid,
    HardSwish,
    Softplus,
    Sigmoid,
    Tanh,
    ScaledTanh,
    Softmax,
    LogSoftmax,
    Linear,
    Sign,
    Rbf,
    Add,
    Multiply,
    Concat,
    BatchNorm,
    LayerNorm,
    GroupNorm,
    RmsNorm,
    Dropout,
    GaussianNoise,
)
_LOSSES: tuple[type[Loss], ...] = (
    NegativeLogLikelihood,
    CrossEntropy,
    NegativeLogLikelihoodLogits,
    CrossEntropyLogits,
    MeanSquare,
    SumOfSquares,
    RootMeanSquare,
    MeanAbsolute,
    Huber,
    BinaryCrossEntropy,
    BinaryCrossEntropyLogits,
    KullbackLeibler,
    Hinge,
    Perceptron,
)

KINDS: Mapping[str, type[Layer]] = MappingProxyType({layer.kind: layer for layer in _LAYERS})
LOSSES: Mapping[str, type[Loss]] = MappingProxyType({loss.kind: loss for loss in _LOSSES})

__all__ = [
    "KINDS",
    "LOSSES",
    "Cost",
    "Layer",
    "LayerEquations",
    "Loss",
    "LossEquation",
    "Parameter",
    "Samples",
    "Shape",
    "ShapeError",
    "Target",
    "Window",
]
