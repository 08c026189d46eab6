"""Layers that only move numbers: flatten."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import ClassVar

from backcalc.layers.base import Layer, LayerEquations, Shape, fresh_indices, times


class Flatten(Layer):
    """All numbers in one vector, the last axis fastest (channels first, then rows, then columns).

    >>> Flatten().output_shape((16, 5, 5))
    (400,)
    >>> Flatten().equations("v", "x", (2, 3, 4)).lines
    ('v[n] = x[div(n-1,12)+1,mod(div(n-1,4),3)+1,mod(n-1,4)+1]',)
    """

    kind: ClassVar[str] = "flatten"

    def output_shape(self, shape: Shape) -> Shape:
        return (prod(shape),)

    def shape_formula(self, shape: Shape) -> str:
        return "as the input" if len(shape) == 1 else f"{times(*shape)} = {prod(shape)}"

    def in_words(self, shape: Shape, *, bias: bool = True, padding_connections: bool = True) -> Mapping[str, str]:
        return {"output_shape": "the product of the input's axes"} if len(shape) > 1 else {}

    def equations(self, name: str, source: str, shape: Shape) -> LayerEquations:
        if len(shape) == 1:
            (i,) = fresh_indices("i", name, source)
            return LayerEquations((f"{name}[{i}] = {source}[{i}]",))
        (n,) = fresh_indices("n", name, source)
        axes = []
        for axis, size in enumerate(shape):
            stride = prod(shape[axis + 1 :])
            place = f"{n}-1" if stride == 1 else f"div({n}-1,{stride})"
            axes.append(f"{place}+1" if axis == 0 else f"mod({place},{size})+1")
        return LayerEquations((f"{name}[{n}] = {source}[{','.join(axes)}]",))
