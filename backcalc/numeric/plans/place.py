"""What a stage is made from: a layer where it stands in a network, and the arrays that it reads and adds to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from backcalc.layers import Shape
from backcalc.layers.pool import MaxPooling, PoolingWithStride
from backcalc.layers.slide import per_axis
from backcalc.net import Node
from backcalc.numeric.kernels.base import Array, Kernel
from backcalc.numeric.plans.kernelled import Numbers
from backcalc.numeric.plans.layout import shape_of
from backcalc.numeric.plans.pooled import Pool


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A layer in its place.

    `shapes` are those of what it reads. `wanted` says whether anybody asks for the derivative by that, `editable`
    whether it may be changed in place, and `behind` are the layers that the stage computes too.
    """

    node: Node
    kernel: Kernel[Any]
    shapes: tuple[Shape, ...]
    samples: int
    numbers: Numbers
    wanted: bool
    editable: bool
    behind: tuple[Node, ...] = ()

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of all numbers."""
        return self.numbers.flat.dtype

    @property
    def arriving(self) -> Shape:
        """The shape of a buffer for what it reads first."""
        return shape_of(self.shapes[0], self.samples)

    @property
    def leaving(self) -> Shape:
        """The shape of a buffer for what it puts out."""
        return shape_of(self.node.output_shape, self.samples)

    @property
    def views(self) -> tuple[list[Array], list[Array]]:
        """Its parameters and the derivatives by them, where they stand."""
        names = [parameter.name for parameter in self.node.parameters if parameter.trainable]
        pieces = [self.numbers.arena.pieces[name] for name in names]
        flats = self.numbers.flat, self.numbers.gradients
        parameters, gradients = ([piece.view(flat)[0] for piece in pieces] for flat in flats)
        return parameters, gradients


def pool_of(node: Node) -> Pool | None:
    """The windows of a pooling that lie side by side, without padding, none hanging over; None for anything else.

    Signals are maps of one row.
    """
    layer = node.layer
    if not isinstance(layer, PoolingWithStride) or layer.ceil:
        return None
    size = per_axis(layer.size, layer.axes)
    unpadded = layer.padding in (0, (0,), (0, 0), "valid")
    if not unpadded or (layer.stride is not None and per_axis(layer.stride, layer.axes) != size):
        return None
    rows, columns = (1, *size)[-2:]
    return Pool(rows, columns, isinstance(layer, MaxPooling))
