"""Layers that only move numbers: flatten, reshape, transpose, slice."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from backcalc.layers.base import (
    POINT,
    Layer,
    LayerEquations,
    Shape,
    ShapeError,
    Window,
    axis_names,
    fresh_indices,
    show_shape,
    times,
)
from backcalc.layers.fields import Positive, Read, positive, whole
from backcalc.layers.slide import affine

_NEW_SHAPE = {"type": "array", "items": {"type": "integer", "minimum": -1}, "minItems": 1, "maxItems": 8}
_AXES = {"type": "array", "items": {"type": "integer", "minimum": 1}, "minItems": 2, "maxItems": 8}


def _new_shape(value: object) -> Shape:
    """Sizes from 1, of which one may be -1."""
    sizes = tuple(whole(item) for item in (value if isinstance(value, list | tuple) else [value]))
    if not 1 <= len(sizes) <= 8 or sizes.count(-1) > 1 or any(size < 1 and size != -1 for size in sizes):
        raise ValueError("expected 1 to 8 sizes, of which one may be -1: what is left")
    return sizes


def _axes(value: object) -> tuple[int, ...]:
    """Different axes, counted from 1."""
    if not isinstance(value, list | tuple) or len(value) < 2 or len(set(value)) != len(value):
        raise ValueError("expected a list of different axes, counted from 1")
    return tuple(positive(item) for item in value)


def regrouped(old: Shape, new: Shape, places: tuple[str, ...]) -> tuple[str, ...]:
    """Where the number at `places` of an array of shape `new` stands in one of shape `old`, the last axis fastest.

    Axes are taken apart and put together only within the smallest groups of the same product.

    >>> regrouped((12,), (3, 4), ("i", "j")), regrouped((2, 3, 4), (6, 4), ("i", "j"))
    (('4*i+j-4',), ('div(i-1,3)+1', 'mod(i-1,3)+1', 'j'))
    """
    before, after = _cuts(old), _cuts(new)
    inner = sorted(before.keys() & after.keys())[1:-1]
    ends = [*((before[size], after[size]) for size in inner), (len(old), len(new))]
    cells: list[str] = []
    taken = made = 0
    for end, stop in ends:
        sizes = new[made:stop]
        steps = [(prod(sizes[axis + 1 :]), places[made + axis]) for axis, size in enumerate(sizes) if size > 1]
        cells += _split(steps, old[taken:end])
        taken, made = end, stop
    return tuple(cells)


def _cuts(shape: Shape) -> dict[int, int]:
    """After which axis the axes before it hold so many numbers, the first where several do."""
    return {prod(shape[:axis]): axis for axis in reversed(range(len(shape) + 1))}


def _split(steps: list[tuple[int, str]], sizes: Shape) -> list[str]:
    """The indices of one number of an array of that shape, from its place in the row of all numbers.

    The place is the sum of `step*(name - 1)`, counted from 0; axes of length 1 have one index only.
    """
    ahead = sum(step for step, _ in steps)
    long = [axis for axis, size in enumerate(sizes) if size > 1]
    cells = ["1"] * len(sizes)
    for axis in long:
        step = prod(sizes[axis + 1 :])
        cell = affine(*steps, constant=-ahead)
        cell = cell if step == 1 else f"div({cell},{step})"
        cells[axis] = f"{cell}+1" if axis == long[0] else f"mod({cell},{sizes[axis]})+1"
    if len(long) == 1:
        cells[long[0]] = affine(*steps, constant=1 - ahead)
    return cells


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
        places = fresh_indices("i" if len(shape) == 1 else "n", name, source)
        cells = regrouped(shape, (prod(shape),), places)
        return LayerEquations((f"{name}[{places[0]}] = {source}[{','.join(cells)}]",))

    def scatters(self, shape: Shape) -> bool:
        return len(shape) > 1


class Reshape(Layer):
    """The same numbers in another shape, the last axis fastest; one size may be -1: what is left.

    >>> Reshape(shape=[3, -1]).output_shape((12,))
    (3, 4)
    >>> Reshape(shape=[3, -1]).equations("y", "x", (12,)).lines
    ('y[t,j] = x[4*t+j-4]',)
    """

    kind: ClassVar[str] = "reshape"
    main: ClassVar[str | None] = "shape"

    shape: Annotated[tuple[int, ...], Read(_new_shape, _NEW_SHAPE)] = Field(
        description="sizes of the output without the batch axis, one of which may be -1: what is left"
    )

    def output_shape(self, shape: Shape) -> Shape:
        known = prod(size for size in self.shape if size != -1)
        rest, over = divmod(prod(shape), known)
        if over or (rest != 1 and -1 not in self.shape):
            needed = f"a multiple of {known}" if -1 in self.shape else f"{known}"
            raise ShapeError(
                f"{show_shape(shape)} has {prod(shape)} numbers, but {show_shape(self.shape)} needs {needed}"
            )
        return tuple(rest if size == -1 else size for size in self.shape)

    def shape_formula(self, shape: Shape) -> str:
        out = self.output_shape(shape)
        if -1 not in self.shape:
            return f"{times(*shape)} = {times(*out)}"
        known = times(*(size for size in self.shape if size != -1))
        return f"{times(*shape)}/({known}) = {out[self.shape.index(-1)]}"

    def equations(self, name: str, source: str, shape: Shape) -> LayerEquations:
        out = self.output_shape(shape)
        places = axis_names(out, name, source)
        cells = regrouped(shape, out, places)
        return LayerEquations((f"{name}[{','.join(places)}] = {source}[{','.join(cells)}]",))

    def scatters(self, shape: Shape) -> bool:
        return self.output_shape(shape) != shape


class Transpose(Layer):
    """Axes in another order: a permutation of all of them, or two that change places; without `axes`, of a matrix.

    >>> Transpose().equations("y", "x", (3, 4)).lines, Transpose(axes=[1, 3]).output_shape((2, 3, 4))
    (('y[t,j] = x[j,t]',), (4, 3, 2))
    """

    kind: ClassVar[str] = "transpose"
    main: ClassVar[str | None] = "axes"

    axes: Annotated[tuple[int, ...], Read(_axes, _AXES)] | None = Field(
        None, description="two axes that change places, or the input's axes in their new order, counted from 1"
    )

    def _order(self, shape: Shape) -> tuple[int, ...]:
        """The input's axes, counted from 0, in the order of the output's."""
        axes = self.axes
        if axes is None:
            if len(shape) != 2:
                raise ShapeError(
                    f"transpose without axes works on a matrix, but got {show_shape(shape)}",
                    "say which axes change places, as in `transpose: [1, 2]`",
                )
            return 1, 0
        if max(axes) > len(shape) or len(axes) not in (2, len(shape)):
            raise ShapeError(
                f"transpose names the axes {show_shape(axes)}, but its input {show_shape(shape)} has {len(shape)}",
                "name two axes, or every axis once",
            )
        if len(axes) == 2:
            order = list(range(len(shape)))
            one, other = axes[0] - 1, axes[1] - 1
            order[one], order[other] = other, one
            return tuple(order)
        return tuple(axis - 1 for axis in axes)

    def output_shape(self, shape: Shape) -> Shape:
        return tuple(shape[axis] for axis in self._order(shape))

    def shape_formula(self, shape: Shape) -> str:
        return f"axes {', '.join(str(axis + 1) for axis in self._order(shape))} of the input"

    def equations(self, name: str, source: str, shape: Shape) -> LayerEquations:
        order = self._order(shape)
        places = axis_names(self.output_shape(shape), name, source)
        cells = [places[order.index(axis)] for axis in range(len(shape))]
        return LayerEquations((f"{name}[{','.join(places)}] = {source}[{','.join(cells)}]",))

    def scatters(self, shape: Shape) -> bool:
        order = self._order(shape)
        return [axis for axis in order if axis] != list(range(1, len(shape))) or order[0] != 0


class Slice(Layer):
    """The numbers `start` to `stop` along one axis, both counted from 1 and both in it.

    >>> Slice(start=2, stop=4).equations("y", "x", (5,)).lines
    ('y[i] = x[i+1]',)
    >>> Slice(axis=2, step=2).output_shape((3, 5))
    (3, 3)
    """

    kind: ClassVar[str] = "slice"

    start: Positive = Field(1, description="first number that is taken, counted from 1")
    stop: Positive | None = Field(None, description="last number that may be taken; by default the last there is")
    step: Positive = Field(1, description="every how manieth number is taken")
    axis: Positive = Field(1, description="axis along which is taken, counted from 1, the batch axis not counted")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.stop is not None and self.stop < self.start:
            raise ValueError(f"stop is {self.stop}, but start is {self.start}: nothing is left")
        return self

    def _stop(self, shape: Shape) -> int:
        if self.axis > len(shape):
            raise ShapeError(f"slice takes along axis {self.axis}, but its input {show_shape(shape)} has {len(shape)}")
        size = shape[self.axis - 1]
        stop = size if self.stop is None else self.stop
        if max(self.start, stop) > size:
            taken = f"from {self.start} on" if self.stop is None else f"{self.start} to {stop}"
            raise ShapeError(
                f"slice takes {taken} along axis {self.axis}, but its input {show_shape(shape)} has {size} there"
            )
        return stop

    def output_shape(self, shape: Shape) -> Shape:
        taken = (self._stop(shape) - self.start) // self.step + 1
        return (*shape[: self.axis - 1], taken, *shape[self.axis :])

    def shape_formula(self, shape: Shape) -> str:
        stop = self._stop(shape)
        room, taken = f"({stop} - {self.start})/{self.step}", self.output_shape(shape)[self.axis - 1]
        return f"{room if (stop - self.start) % self.step == 0 else f'floor({room})'} + 1 = {taken}"

    def equations(self, name: str, source: str, shape: Shape) -> LayerEquations:
        places = axis_names(self.output_shape(shape), name, source)
        cells = list(places)
        place, cut = places[self.axis - 1], self._stop(shape) < shape[self.axis - 1]
        # A plain index would run over the whole axis: `i+0` says that only its beginning is read.
        first = f"{place}+0" if cut and self.start == self.step == 1 else ""
        cells[self.axis - 1] = first or affine((self.step, place), constant=self.start - self.step)
        return LayerEquations((f"{name}[{','.join(places)}] = {source}[{','.join(cells)}]",))

    def receptive(self, shape: Shape) -> Window | tuple[Window, ...]:
        if len(shape) == 1:
            return Window(1, self.step)
        return tuple(Window(1, self.step) if axis == self.axis else POINT for axis in range(2, len(shape) + 1))
