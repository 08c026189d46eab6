"""Layers that join several inputs: their sum, their product, or one behind the other.

A residual is the sum of a branch and what it began with: `add: [x, z]` (He et al. 2016, eq. 1).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar, Self

from pydantic import Field, PrivateAttr

from backcalc.layers.base import Cost, Layer, LayerEquations, Shape, ShapeError, axis_names, show_shape, times
from backcalc.layers.fields import Positive


class Merge(Layer):
    """A layer of two inputs or more. In its place, by `reading`, it knows the shapes of all of them."""

    main: ClassVar[str | None] = "inputs"
    several: ClassVar[bool] = True

    inputs: tuple[str, ...] = Field(description="names of two inputs or more, earlier outputs or inputs of the network")

    _shapes: tuple[Shape, ...] = PrivateAttr(())

    def reading(self, sources: tuple[str, ...], shapes: tuple[Shape, ...]) -> Self:
        placed = self.model_copy(update={"inputs": sources})
        placed._shapes = shapes
        placed._fit(shapes)
        return placed

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """The shapes of all that it reads, where it stands in a network."""
        return self._shapes

    @abstractmethod
    def _fit(self, shapes: tuple[Shape, ...]) -> None:
        """Raises ShapeError where inputs of these shapes cannot be joined."""


class _Elementwise(Merge):
    """Joins numbers at the same place of inputs of one shape."""

    sign: ClassVar[str]
    operation: ClassVar[str]

    def _fit(self, shapes: tuple[Shape, ...]) -> None:
        if len(set(shapes)) > 1:
            came = ", ".join(show_shape(shape) for shape in shapes)
            raise ShapeError(f"{self.kind} joins inputs of one shape, but got {came}")

    def output_shape(self, shape: Shape) -> Shape:
        return shape

    def equations(self, name: str, source: str, shape: Shape) -> LayerEquations:
        out = self.output_shape(shape)
        axes = axis_names(out, name, *self.inputs)
        body = self.sign.join(
            f"{each}[{','.join(places_in(own, out, axes))}]"
            for each, own in zip(self.inputs, self._shapes or (shape,) * len(self.inputs), strict=True)
        )
        return LayerEquations((f"{name}[{','.join(axes)}] = {body}",))

    def cost(self, shape: Shape, *, bias: bool = True, padding_connections: bool = True) -> Cost:
        return Cost(operations={self.operation: f"{len(self.inputs) - 1}"}, units=times(*self.output_shape(shape)))


def places_in(own: Shape, out: Shape, axes: tuple[str, ...]) -> tuple[str, ...]:
    """Where an input of shape `own` is read for the place `axes` of an output of shape `out`.

    >>> places_in((8, 1, 4), (8, 3, 4), ("c", "i", "j"))
    ('c', '1', 'j')
    """
    return tuple("1" if size == 1 < whole else axis for size, whole, axis in zip(own, out, axes, strict=True))


class Add(_Elementwise):
    """The sum of its inputs, number by number: n inputs take n - 1 additions each.

    >>> Add(inputs=["a", "b"]).equations("y", "a", (3,)).lines
    ('y[i] = a[i] + b[i]',)
    """

    kind: ClassVar[str] = "add"
    sign: ClassVar[str] = " + "
    operation: ClassVar[str] = "add"


class Multiply(_Elementwise):
    """The product of its inputs, number by number: n inputs take n - 1 multiplications each.

    An axis of length 1 stands for all lengths, so that a gate `[channels, 1, 1]` weighs whole maps (Hu, Shen, Sun,
    "Squeeze-and-excitation networks", 2018, eq. 4).

    >>> Multiply(inputs=["a", "b"]).equations("y", "a", (2, 3)).lines
    ('y[t,j] = a[t,j]*b[t,j]',)
    >>> Multiply(inputs=["x", "g"]).reading(("x", "g"), ((8, 3, 4), (8, 1, 1))).equations("y", "x", (8, 3, 4)).lines
    ('y[c,i,j] = x[c,i,j]*g[c,1,1]',)
    """

    kind: ClassVar[str] = "multiply"
    sign: ClassVar[str] = "*"
    operation: ClassVar[str] = "multiply"

    def _fit(self, shapes: tuple[Shape, ...]) -> None:
        alike = len({len(shape) for shape in shapes}) == 1
        if not alike or any(len({*axis} - {1}) > 1 for axis in zip(*shapes, strict=True)):
            came = ", ".join(show_shape(shape) for shape in shapes)
            hint = "an axis of length 1 stands for all lengths, as in a gate [channels, 1, 1]"
            raise ShapeError(f"multiply joins inputs of one shape, but got {came}", hint)

    def output_shape(self, shape: Shape) -> Shape:
        return tuple(map(max, *self._shapes)) if self._shapes else shape


class Concat(Merge):
    """Its inputs one behind the other along an axis, by default the first, the channels.

    >>> Concat(inputs=["a", "b"]).reading(("a", "b"), ((2, 5), (3, 5))).equations("y", "a", (2, 5)).lines
    ('y[t,j] = if(t <= 2, a[t-0,j], b[t-2,j])',)
    """

    kind: ClassVar[str] = "concat"

    axis: Positive = Field(1, description="the axis along which they stand, from 1, the batch not counted")

    def _fit(self, shapes: tuple[Shape, ...]) -> None:
        came = ", ".join(show_shape(shape) for shape in shapes)
        at = self.axis - 1
        if at >= len(shapes[0]):
            raise ShapeError(f"concat along axis {self.axis} needs inputs with so many axes, but got {came}")
        if len({(*shape[:at], *shape[at + 1 :]) for shape in shapes}) > 1 or len({len(shape) for shape in shapes}) > 1:
            raise ShapeError(f"concat joins inputs that differ along axis {self.axis} alone, but got {came}")

    @property
    def _lengths(self) -> list[int]:
        return [shape[self.axis - 1] for shape in self._shapes]

    def output_shape(self, shape: Shape) -> Shape:
        if not self._shapes:
            return shape
        return (*shape[: self.axis - 1], sum(self._lengths), *shape[self.axis :])

    def shape_formula(self, shape: Shape) -> str:
        return f"{' + '.join(map(str, self._lengths))} = {sum(self._lengths)}" if self._shapes else "as the input"

    def in_words(self, shape: Shape, *, bias: bool = True, padding_connections: bool = True) -> Mapping[str, str]:
        return {"output_shape": "the sum of the inputs' lengths"}

    def equations(self, name: str, source: str, shape: Shape) -> LayerEquations:
        axes = axis_names(shape, name, *self.inputs)
        here = axes[self.axis - 1]
        ends = [sum(self._lengths[: position + 1]) for position in range(len(self.inputs))]
        body = ""
        for each, end, length in reversed(list(zip(self.inputs, ends, self._lengths, strict=True))):
            # `i-0` and not `i`: an index read plainly would have the range of that one input.
            places = [*axes[: self.axis - 1], f"{here}-{end - length}", *axes[self.axis :]]
            read = f"{each}[{','.join(places)}]"
            body = f"if({here} <= {end}, {read}, {body})" if body else read
        return LayerEquations((f"{name}[{','.join(axes)}] = {body}",))
