"""Any layer at all as a stage, by its reference kernel: what it reads is copied to where kernels have it, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from backcalc.layers import Shape
from backcalc.net import Node
from backcalc.numeric.arena import Arena
from backcalc.numeric.kernels.base import Array, Kernel, Pass, Result
from backcalc.numeric.plans.joined import Joint
from backcalc.numeric.plans.layout import as_samples, laid_out


@dataclass(frozen=True, slots=True, eq=False)
class Numbers:
    """The parameters of one trial and the derivatives by them, flat, and the arrays that no gradient changes."""

    arena: Arena
    flat: Array
    gradients: Array
    still: Mapping[str, Array]

    def read(self, name: str) -> Array:
        """The array of that name, `[1, *shape]`."""
        return self.arena.read(self.flat, self.still, name)

    def has_made(self, node: Node) -> bool:
        """Whether an array of the layer is made of own names, so that it stands nowhere as it is."""
        return any(parameter.name in self.arena.made for parameter in node.parameters)


class Kernelled(Joint):
    """A layer that has no stage of its own."""

    def __init__(
        self, kernel: Kernel[Any], numbers: Numbers, shapes: Sequence[Shape], samples: int, *, wanted: bool
    ) -> None:
        self.kernel, self.numbers, self.wanted = kernel, numbers, wanted
        dtype = numbers.flat.dtype
        self.sources, self.into = ([np.empty((1, samples, *each), dtype) for each in shapes] for _ in range(2))
        self.gradient = np.empty((1, samples, *kernel.node.output_shape), dtype)
        self.result: Result | None = None

    def forward(self, sources: Sequence[Array], drawn: Mapping[str, Array]) -> Array:
        for source, x in zip(self.sources, sources, strict=True):
            np.copyto(source[0], as_samples(x))
        parameters = [self.numbers.read(parameter.name) for parameter in self.kernel.node.parameters]
        going = Pass(True, {name: array[None] for name, array in drawn.items()})
        self.result = self.kernel.forward(self.sources, parameters, going)
        self.statistics = tuple(each[0] for each in self.result.statistics)
        return laid_out(self.result.output[0])

    def backward(self, gradient: Array) -> Sequence[Array | None]:
        assert self.result is not None
        np.copyto(self.gradient[0], as_samples(gradient))
        found = self.result.backward(self.gradient)
        for parameter, each in zip(self.kernel.node.parameters, found.parameters, strict=True):
            if each is not None:
                self.numbers.arena.give(self.numbers.gradients, parameter.name, each)
        return [self._own(into, by) for into, by in zip(self.into, found.inputs, strict=True)]

    def _own(self, into: Array, by_input: Array | None) -> Array | None:
        """A copy: what a kernel gives may be what it was given, or stand for several numbers."""
        if by_input is None or not self.wanted:
            return None
        np.copyto(into, by_input)
        return laid_out(into[0])
