"""Rotary positions: pairs of features turned by an angle that grows with the step.

Su et al., "RoFormer" (2021), eq. 34. The pairs are entry i of the first half and entry i of the second, as GPT-NeoX
and Llama have them; the paper pairs neighbours, which is the same but for the order of the features.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from backcalc.layers.base import Cost, Layer, LayerEquations, Shape, ShapeError, axis_names, show_shape, times
from backcalc.layers.fields import Positive


def rotated(name: str, source: str, places: tuple[str, ...], size: int, base: int) -> str:
    """The array `source` turned, as an equation; of `places` the last two are the step and the feature, of `size`.

    >>> rotated("y", "x", ("t", "i"), 2, 10000)
    'y[t,i] = x[t,i]*cos(t-1) + if(i <= 1, -x[t,i+1], x[t,i-1])*sin(t-1)'
    """
    half, (*lead, t, i) = size // 2, places
    here, after, before = (f"{source}[{','.join((*lead, t, place))}]" for place in (i, f"{i}+{half}", f"{i}-{half}"))
    angle = f"{t}-1" if half == 1 else f"({t}-1)/{base}^(mod({i}-1,{half})/{half})"
    partner = f"if({i} <= {half}, -{after}, {before})"
    return f"{name}[{','.join(places)}] = {here}*cos({angle}) + {partner}*sin({angle})"


class Rotary(Layer):
    """Entries i and i + size/2 of step t turned by the angle (t - 1)/base^(2(i - 1)/size).

    It turns the numbers that it reads, of [time, features] or [heads, time, features]; `attention: {rotary: 10000}`
    turns queries and keys, behind their projections.

    >>> Rotary().equations("y", "x", (5, 2)).lines
    ('y[t,j] = x[t,j]*cos(t-1) + if(j <= 1, -x[t,j+1], x[t,j-1])*sin(t-1)',)
    """

    kind: ClassVar[str] = "rotary"
    main: ClassVar[str | None] = "base"

    base: Positive = Field(10_000, description="base of the angles: the larger, the slower the last pairs turn")

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) not in (2, 3):
            message = f"rotary works on [time, features] or [heads, time, features], but got {show_shape(shape)}"
            raise ShapeError(message)
        if shape[-1] % 2:
            raise ShapeError(f"rotary turns pairs of features, but {show_shape(shape)} has {shape[-1]}")
        return shape

    def equations(self, name: str, source: str, shape: Shape) -> LayerEquations:
        return LayerEquations((rotated(name, source, axis_names(shape, name, source), shape[-1], self.base),))

    def cost(self, shape: Shape, *, bias: bool = True, padding_connections: bool = True) -> Cost:
        pairs = times(*shape[:-1], shape[-1] // 2)
        return Cost(operations={"multiply": "4", "add": "2", "negate": "1"}, units=pairs)

    def in_words(self, shape: Shape, *, bias: bool = True, padding_connections: bool = True) -> Mapping[str, str]:
        return {"unit": "pair of features"}
