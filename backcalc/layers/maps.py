"""Layers that move the numbers of images: channel shuffle and upsampling."""

from __future__ import annotations

from fractions import Fraction
from typing import ClassVar, Self

from pydantic import Field, model_validator

from backcalc.layers.base import Layer, LayerEquations, Shape, Window, axis_names
from backcalc.layers.fields import Positive, Sizes
from backcalc.layers.slide import affine, check_axes, check_groups, per_axis, spatial


class ChannelShuffle(Layer):
    """Channels dealt out: the first of every group, then the second of every group, and so on.

    Zhang, Zhou, Lin, Sun, "ShuffleNet" (2018), section 3.1: [groups, n] transposed and flattened.

    >>> ChannelShuffle(groups=2).equations("y", "x", (6, 4, 4)).lines
    ('y[c,i,j] = x[3*mod(c-1,2)+div(c-1,2)+1,i,j]',)
    """

    kind: ClassVar[str] = "channel_shuffle"
    main: ClassVar[str | None] = "groups"

    groups: Positive = Field(description="groups of channels that are dealt out")

    def output_shape(self, shape: Shape) -> Shape:
        check_groups("channel_shuffle", self.groups, shape, shape[0])
        return shape

    def equations(self, name: str, source: str, shape: Shape) -> LayerEquations:
        c, *rest = axis_names(shape, name, source)
        each = shape[0] // self.groups
        cell = affine((each, f"mod({c}-1,{self.groups})"), (1, f"div({c}-1,{self.groups})"), constant=1)
        # One group, or groups of one channel, leave every channel where it is.
        taken = ",".join([c if self.groups in (1, shape[0]) else cell, *rest])
        return LayerEquations((f"{name}[{','.join((c, *rest))}] = {source}[{taken}]",))

    def scatters(self, shape: Shape) -> bool:
        return len(shape) == 1 and self.groups not in (1, shape[0])


class Upsample2d(Layer):
    """Every cell repeated `factor` times along rows and columns: nearest-neighbour upsampling.

    >>> Upsample2d(factor=2).equations("y", "x", (3, 4, 4)).lines
    ('y[c,i,j] = x[c,div(i-1,2)+1,div(j-1,2)+1]',)
    """

    kind: ClassVar[str] = "upsample2d"
    main: ClassVar[str | None] = "factor"

    factor: Sizes = Field(description="how often each cell is repeated, one number or one per axis")

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_axes(self.kind, 2, factor=self.factor)
        return self

    def output_shape(self, shape: Shape) -> Shape:
        sizes = spatial(self.kind, shape, 2)
        return (shape[0], *(size * factor for size, factor in zip(sizes, per_axis(self.factor, 2), strict=True)))

    def shape_formula(self, shape: Shape) -> str:
        axes = zip(shape[1:], per_axis(self.factor, 2), strict=True)
        return ", ".join(dict.fromkeys(f"{size}*{factor} = {size * factor}" for size, factor in axes))

    def equations(self, name: str, source: str, shape: Shape) -> LayerEquations:
        c, *places = axis_names(shape, name, source)
        pairs = zip(places, per_axis(self.factor, 2), strict=True)
        cells = [place if factor == 1 else f"div({place}-1,{factor})+1" for place, factor in pairs]
        return LayerEquations((f"{name}[{','.join((c, *places))}] = {source}[{','.join((c, *cells))}]",))

    def receptive(self, shape: Shape) -> tuple[Window, ...]:
        return tuple(
            Window(Fraction(2 * factor - 1, factor), Fraction(1, factor)) for factor in per_axis(self.factor, 2)
        )
