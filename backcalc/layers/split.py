"""One of the equal parts of an axis. A layer has one output, so every part that is wanted is a layer of its own."""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import Field, model_validator

from backcalc.layers.base import Layer, LayerEquations, Shape, ShapeError, Window, show_shape
from backcalc.layers.fields import Positive
from backcalc.layers.shape import Slice


class Split(Layer):
    """Part `part` of an axis cut into `parts` equal parts, both counted from 1.

    >>> Split(parts=3, part=2).equations("y", "x", (6,)).lines
    ('y[i] = x[i+2]',)
    >>> Split(axis=2).output_shape((3, 4))
    (3, 2)
    """

    kind: ClassVar[str] = "split"
    main: ClassVar[str | None] = "parts"

    parts: Positive = Field(2, description="number of equal parts that the axis is cut into")
    part: Positive = Field(1, description="the part that this layer hands on, counted from 1")
    axis: Positive = Field(1, description="the axis that is cut, counted from 1, the batch axis not counted")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.part > self.parts:
            raise ValueError(f"part is {self.part}, but there are {self.parts} parts")
        return self

    def _slice(self, shape: Shape) -> Slice:
        """The same as a slice. Raises ShapeError."""
        if self.axis > len(shape):
            raise ShapeError(f"split cuts axis {self.axis}, but its input {show_shape(shape)} has {len(shape)}")
        length, over = divmod(shape[self.axis - 1], self.parts)
        if over:
            message = f"split cuts axis {self.axis} of {show_shape(shape)} into {self.parts} parts"
            raise ShapeError(f"{message}, which do not come out equal", "`slice` takes parts of any length")
        first, last = (self.part - 1) * length + 1, self.part * length
        return Slice.model_validate({"start": first, "stop": last, "axis": self.axis})

    def output_shape(self, shape: Shape) -> Shape:
        return self._slice(shape).output_shape(shape)

    def shape_formula(self, shape: Shape) -> str:
        size = shape[self.axis - 1]
        return f"{size}/{self.parts} = {size // self.parts}"

    def equations(self, name: str, source: str, shape: Shape) -> LayerEquations:
        return self._slice(shape).equations(name, source, shape)

    def receptive(self, shape: Shape) -> Window | tuple[Window, ...]:
        return self._slice(shape).receptive(shape)
