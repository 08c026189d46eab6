"""What a kernel is: a layer in its place, computed with arrays, forward and backward.

Arrays are stacked: `[trials, samples, *shape]` for what a layer reads and puts out, `[trials, *shape]` for parameters.
One network is a stack of one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeAlias, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from backcalc.layers import Layer, Shape
from backcalc.net import Node

Array: TypeAlias = NDArray[Any]


class NotTrainable(ValueError):
    """A network that arrays cannot be computed of: without layers, with one that is unknown, without a loss."""


Kind = TypeVar("Kind", bound=Layer)


@dataclass(frozen=True, slots=True)
class Gradients:
    """Derivatives of the loss by what a kernel read, in the order in which it read; None where there is none."""

    inputs: tuple[Array | None, ...]
    parameters: tuple[Array | None, ...] = ()


Backward: TypeAlias = Callable[[Array], Gradients]
"""From the derivative of the loss by the output to those by what was read."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a forward pass of one layer gives; `statistics` are those of the batch, for the running ones."""

    output: Array
    backward: Backward
    statistics: tuple[Array, ...] = ()


@dataclass(frozen=True, slots=True)
class Pass:
    """Whether the network trains or answers, and what its random layers have drawn, by the names of those arrays."""

    training: bool = False
    drawn: Mapping[str, Array] = field(default_factory=dict)


class Kernel(ABC, Generic[Kind]):
    """One layer in its place. What does not depend on numbers is prepared once, in `__init__`."""

    def __init__(self, node: Node, arriving: tuple[Shape, ...]) -> None:
        self.node = node
        self.layer = cast(Kind, node.layer)

    @abstractmethod
    def forward(self, inputs: Sequence[Array], parameters: Sequence[Array], going: Pass) -> Result:
        """The output, and how to go back; `parameters` in the order of the node's."""

    def draw(self, generators: Sequence[Any], samples: int, dtype: np.dtype[Any]) -> dict[str, Array]:
        """What the layer draws for a mini-batch, each trial from its own generator."""
        return {}

    def moved(self, running: Sequence[Array], batch: Sequence[Array]) -> tuple[Array, ...]:
        """The running statistics after a mini-batch that had those of its own."""
        return tuple(running)


class Stateless(Kernel[Kind]):
    """A kernel of one input and no parameters."""

    @abstractmethod
    def apply(self, x: Array) -> tuple[Array, Callable[[Array], Array]]:
        """The output, and the derivative by the input from that by the output."""

    def forward(self, inputs: Sequence[Array], parameters: Sequence[Array], going: Pass) -> Result:
        output, back = self.apply(inputs[0])
        return Result(output, lambda gradient: Gradients((back(gradient),)))


def summed_to(gradient: Array, shape: tuple[int, ...]) -> Array:
    """The derivative by an array that was broadcast: summed over the axes that it did not have.

    >>> summed_to(np.ones((2, 3, 4)), (2, 1, 4)).tolist()
    [[[3.0, 3.0, 3.0, 3.0]], [[3.0, 3.0, 3.0, 3.0]]]
    """
    axes = tuple(axis for axis, (size, own) in enumerate(zip(gradient.shape, shape, strict=True)) if own == 1 < size)
    return gradient.sum(axis=axes, keepdims=True) if axes else gradient


def per_sample(parameter: Array, axis: int, axes: int) -> Array:
    """A parameter `[trials, size]` so that it stands along one of the `axes` of each sample, from 0.

    >>> per_sample(np.zeros((2, 3)), 0, 3).shape
    (2, 1, 3, 1, 1)
    """
    return parameter.reshape(len(parameter), 1, *(-1 if place == axis else 1 for place in range(axes)))


def over_samples(gradient: Array, axis: int) -> Array:
    """The derivative by a parameter that stands along one axis of each sample: summed over all others but trials."""
    others = tuple(place for place in range(1, gradient.ndim) if place != axis + 2)
    total: Array = gradient.sum(axis=others)
    return total
