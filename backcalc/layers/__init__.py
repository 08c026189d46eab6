"""The layers and losses that networks are made of, by the name they have in files.

>>> KINDS["conv2d"].main, LOSSES["nll"].__name__
('filters', 'NegativeLogLikelihood')
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from backcalc.layers.activation import Linear, Relu, ScaledTanh, Sigmoid, Softmax, Tanh
from backcalc.layers.base import Cost, Layer, LayerEquations, Parameter, Shape, ShapeError, Window
from backcalc.layers.conv import Conv1d, Conv2d
from backcalc.layers.dense import Dense
from backcalc.layers.loss import (
    BinaryCrossEntropy,
    CrossEntropy,
    Loss,
    LossEquation,
    MeanSquare,
    NegativeLogLikelihood,
    SumOfSquares,
    Target,
)
from backcalc.layers.pool import AvgPool1d, AvgPool2d, MaxPool1d, MaxPool2d, Subsample2d
from backcalc.layers.rbf import Rbf
from backcalc.layers.shape import Flatten

_LAYERS: tuple[type[Layer], ...] = (
    Dense,
    Conv1d,
    Conv2d,
    MaxPool1d,
    MaxPool2d,
    AvgPool1d,
    AvgPool2d,
    Subsample2d,
    Flatten,
    Relu,
    Sigmoid,
    Tanh,
    ScaledTanh,
    Softmax,
    Linear,
    Rbf,
)
_LOSSES: tuple[type[Loss], ...] = (
    NegativeLogLikelihood,
    CrossEntropy,
    MeanSquare,
    SumOfSquares,
    BinaryCrossEntropy,
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
    "Shape",
    "ShapeError",
    "Target",
    "Window",
]
