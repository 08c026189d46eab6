"""A learned number for every relative place of two steps, added to the scores of attention.

Liu et al., "Swin Transformer" (2021), eq. 4: the steps are the cells of a window of an image, row by row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import ClassVar, Self

from pydantic import Field, model_validator

from backcalc.layers.base import (
    Cost,
    Layer,
    LayerEquations,
    Parameter,
    Shape,
    ShapeError,
    fresh_indices,
    show_shape,
    times,
)
from backcalc.layers.fields import Sizes
from backcalc.layers.slide import check_axes, per_axis


@dataclass(frozen=True, slots=True)
class RelativePlaces:
    """The places of two cells of a window relative to each other: 2·size - 1 of them along each axis.

    >>> RelativePlaces((7, 7)).sizes
    (13, 13)
    >>> RelativePlaces((3, 2)).between("t", "u")
    ('div(t-1,2)-div(u-1,2)+3', 'mod(t-1,2)-mod(u-1,2)+2')
    """

    window: tuple[int, ...]

    @property
    def sizes(self) -> Shape:
        """How many there are along each axis."""
        return tuple(2 * size - 1 for size in self.window)

    def between(self, t: str, u: str) -> tuple[str, ...]:
        """The place of step t as step u sees it, from 1, as text."""
        rows, columns = self.window
        if columns == 1:
            return f"{t}-{u}+{rows}", "1"
        row = f"div({t}-1,{columns})-div({u}-1,{columns})+{rows}" if rows > 1 else "1"
        column = f"mod({t}-1,{columns})-mod({u}-1,{columns})+{columns}" if rows > 1 else f"{t}-{u}+{columns}"
        return row, column

    def check(self, steps: int) -> None:
        """Raises ShapeError where the window has not so many cells as there are steps."""
        if prod(self.window) != steps:
            cells = f"{'x'.join(map(str, self.window))} = {prod(self.window)}"
            raise ShapeError(f"the window of the relative bias has {cells} cells, but there are {steps} steps")


class RelativeBias(Layer):
    """`y[h,t,u] = x[h,t,u] + B[h, row of t - row of u, column of t - column of u]`, a table for every head.

    It works on scores `[heads, steps, steps]`; `attention: {relative_bias: 7}` adds it where the scores come about.

    >>> RelativeBias(window=7).cost((3, 49, 49)).params
    '3*13*13'
    """

    kind: ClassVar[str] = "relative_bias"
    main: ClassVar[str | None] = "window"

    window: Sizes = Field(description="rows and columns of the window, one number or one per axis")

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_axes(self.kind, 2, window=self.window)
        return self

    @property
    def _places(self) -> RelativePlaces:
        return RelativePlaces(per_axis(self.window, 2))

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) != 3 or shape[1] != shape[2]:
            message = f"relative_bias works on scores [heads, steps, steps], but got {show_shape(shape)}"
            raise ShapeError(message, "inside attention write `attention: {relative_bias: …}`")
        self._places.check(shape[1])
        return shape

    def parameters(self, name: str, shape: Shape) -> tuple[Parameter, ...]:
        return (Parameter(f"B_{name}", (shape[0], *self._places.sizes), "weight"),)

    def equations(self, name: str, source: str, shape: Shape) -> LayerEquations:
        h, t, u = fresh_indices("h t u", name, source)
        places = ",".join(self._places.between(t, u))
        return LayerEquations((f"{name}[{h},{t},{u}] = {source}[{h},{t},{u}] + B_{name}[{h},{places}]",))

    def cost(self, shape: Shape, *, bias: bool = True, padding_connections: bool = True) -> Cost:
        table = times(shape[0], *self._places.sizes)
        return Cost(
            weights=table, params=table, connections=times(*shape), operations={"add": "1"}, units=times(*shape)
        )

    def in_words(self, shape: Shape, *, bias: bool = True, padding_connections: bool = True) -> Mapping[str, str]:
        table = "heads·(2·rows - 1)·(2·columns - 1)"
        return {"weights": table, "params": table, "connections": "heads·steps·steps"}
