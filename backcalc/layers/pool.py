"""Pooling: a window that slides over each map alone; and LeNet-5's trainable subsampling."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Annotated, ClassVar, Self

from pydantic import Field, Strict, model_validator

from backcalc.layers.base import (
    Cost,
    Layer,
    LayerEquations,
    Parameter,
    Shape,
    ShapeError,
    Window,
    fresh_indices,
    times,
)
from backcalc.layers.conv import join_formulas
from backcalc.layers.fields import Padding, Sizes
from backcalc.layers.slide import Slide, check_axes, per_axis, size_in_words, slides


class Pooling(Layer):
    """What all pooling shares. A vector `[length]` is one map and gives a vector again."""

    axes: ClassVar[int]
    channels_first: ClassVar[bool] = True
    main: ClassVar[str | None] = "size"

    size: Sizes = Field(description="size of the window, one number or one per axis")

    @property
    def _size(self) -> tuple[int, ...]:
        return per_axis(self.size, self.axes)

    def _slides(self, shape: Shape) -> tuple[Slide, ...]:
        return slides(self.kind, shape, self._size, self._size, "valid")

    def output_shape(self, shape: Shape) -> Shape:
        return (*shape[: -self.axes], *(slide.output for slide in self._slides(shape)))

    def shape_formula(self, shape: Shape) -> str:
        return join_formulas(self._slides(shape))

    def in_words(self, shape: Shape, *, bias: bool = True, padding_connections: bool = True) -> Mapping[str, str]:
        windows = self._slides(shape)
        rounded = [word for word in ("floor", "ceil") if any(word in slide.formula for slide in windows)]
        size = size_in_words(
            padded=any(slide.before or slide.after for slide in windows),
            dilated=False,
            ceil="ceil" in rounded,
            exact=not rounded,
        )
        return {"output_shape": size, "connections": self._connections_in_words(bias=bias)}

    def _connections_in_words(self, *, bias: bool) -> str:
        return "window·maps·output places"

    def receptive(self, shape: Shape) -> tuple[Window, ...]:
        return tuple(Window(slide.extent, slide.stride, slide.before) for slide in self._slides(shape))

    def _reads(self, name: str, source: str, shape: Shape, *taken: str) -> tuple[str, str, tuple[str, ...]]:
        """The output's axes, what a tap of the window reads, and the names of the places, as text."""
        c, i, j, a, b = fresh_indices("c i j a b", name, source, *taken)
        places, taps = (i, j)[: self.axes], (a, b)[: self.axes]
        cells = [slide.cell(*names) for slide, *names in zip(self._slides(shape), places, taps, strict=True)]
        channel = [] if len(shape) == self.axes else [c]
        return ",".join([*channel, *places]), f"{source}[{','.join([*channel, *cells])}]", (*places, *taps)


class PoolingWithStride(Pooling):
    """What max and average pooling share."""

    stride: Sizes | None = Field(None, description="step of the window; by default its size")
    padding: Padding = Field(0, description="cells on each side that belong to no input")
    ceil: Annotated[bool, Strict()] = Field(False, description="round output sizes up instead of down")

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_axes(self.kind, self.axes, size=self.size, stride=self.stride, padding=self.padding)
        return self

    def _slides(self, shape: Shape) -> tuple[Slide, ...]:
        stride = self._size if self.stride is None else per_axis(self.stride, self.axes)
        result = slides(self.kind, shape, self._size, stride, self.padding, ceil=self.ceil)
        for slide in result:
            if slide.before >= slide.taps:
                raise ShapeError(
                    f"{self.kind} has windows of {slide.taps} that lie on its padding of {slide.before} alone",
                    f"the padding is at most {slide.taps - 1}",
                )
        return result

    def _window_cost(self, shape: Shape, operations: dict[str, str], *, padding_connections: bool) -> Cost:
        windows = self._slides(shape)
        maps, places = shape[: -self.axes], [slide.output for slide in windows]
        seen = [*self._size, *maps, *places]
        if not padding_connections or self.ceil:
            seen = [*(slide.taps_inside for slide in windows), *maps]
        return Cost(operations=operations, units=times(*maps, *places), window_inputs=times(*seen))


class MaxPooling(PoolingWithStride):
    """The largest number of each window, k - 1 comparisons for k numbers; padding never wins."""

    def equations(self, name: str, source: str, shape: Shape) -> LayerEquations:
        left, body, names = self._reads(name, source, shape)
        places, taps = names[: self.axes], names[self.axes :]
        for slide, place, tap in reversed(list(zip(self._slides(shape), places, taps, strict=True))):
            body = f"max({tap}={slide.bounds(place)}, {body})"
        return LayerEquations((f"{name}[{left}] = {body}",))

    def cost(self, shape: Shape, *, bias: bool = True, padding_connections: bool = True) -> Cost:
        operations = {"compare": f"{times(*self._size)} - 1"}
        return self._window_cost(shape, operations, padding_connections=padding_connections)


class AveragePooling(PoolingWithStride):
    """The mean of each window, k - 1 additions and a division for k numbers; padding counts as zeros."""

    def equations(self, name: str, source: str, shape: Shape) -> LayerEquations:
        left, body, names = self._reads(name, source, shape)
        places, taps = names[: self.axes], names[self.axes :]
        windows = self._slides(shape)
        counts: list[str] = []
        for slide, place, tap in reversed(list(zip(windows, places, taps, strict=True))):
            bounds = slide.bounds(place, padding=True)
            body = f"sum({tap}={bounds}, {body})"
            counts.insert(0, bounds.removeprefix("1.."))
        count = f"({times(*counts)})" if any(slide.overhangs for slide in windows) else f"{prod(self._size)}"
        padded = frozenset({source} if any(slide.before or slide.after for slide in windows) else ())
        return LayerEquations((f"{name}[{left}] = {body}/{count}",), padded)

    def cost(self, shape: Shape, *, bias: bool = True, padding_connections: bool = True) -> Cost:
        operations = {"add": f"{times(*self._size)} - 1", "divide": "1"}
        return self._window_cost(shape, operations, padding_connections=padding_connections)


class MaxPool1d(MaxPooling):
    """Max pooling along a sequence.

    >>> MaxPool1d(size=2).equations("h", "x", (4,)).lines
    ('h[i] = max(a=1..2, x[2*i+a-2])',)
    """

    kind: ClassVar[str] = "maxpool1d"
    axes: ClassVar[int] = 1


class MaxPool2d(MaxPooling):
    """Max pooling over rows and columns.

    >>> MaxPool2d(size=3, stride=1).cost((20, 6, 6)).operations
    {'compare': '3*3 - 1'}
    """

    kind: ClassVar[str] = "maxpool2d"
    axes: ClassVar[int] = 2


class AvgPool1d(AveragePooling):
    """Average pooling along a sequence."""

    kind: ClassVar[str] = "avgpool1d"
    axes: ClassVar[int] = 1


class AvgPool2d(AveragePooling):
    """Average pooling over rows and columns.

    >>> AvgPool2d(size=2).equations("h", "x", (6, 28, 28)).lines
    ('h[c,i,j] = sum(a=1..2, sum(b=1..2, x[c,2*i+a-2,2*j+b-2]))/4',)
    """

    kind: ClassVar[str] = "avgpool2d"
    axes: ClassVar[int] = 2


class Subsample2d(Pooling):
    """LeNet-5's S layers: the sum of each window times one trainable coefficient a map, plus one bias a map.

    LeCun, Bottou, Bengio, Haffner, "Gradient-based learning applied to document recognition" (1998), II-B.

    >>> Subsample2d(size=2).cost((6, 28, 28)).connections
    '(2*2 + 1)*6*14*14'
    """

    kind: ClassVar[str] = "subsample2d"
    axes: ClassVar[int] = 2

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_axes(self.kind, self.axes, size=self.size)
        return self

    def parameters(self, name: str, shape: Shape) -> tuple[Parameter, ...]:
        return Parameter(f"a_{name}", shape[:1], "weight"), Parameter(f"b_{name}", shape[:1], "bias")

    def equations(self, name: str, source: str, shape: Shape) -> LayerEquations:
        arrays = (f"a_{name}", f"b_{name}")
        left, body, names = self._reads(name, source, shape, *arrays)
        for size, tap in reversed(list(zip(self._size, names[self.axes :], strict=True))):
            body = f"sum({tap}=1..{size}, {body})"
        c = left.partition(",")[0]
        return LayerEquations((f"{name}[{left}] = {arrays[0]}[{c}]*{body} + {arrays[1]}[{c}]",))

    def in_words(self, shape: Shape, *, bias: bool = True, padding_connections: bool = True) -> Mapping[str, str]:
        params = "2·maps: a coefficient and a bias each" if bias else "maps"
        return {
            **super().in_words(shape, bias=bias, padding_connections=padding_connections),
            "weights": "maps",
            "biases": "maps",
            "params": params,
        }

    def _connections_in_words(self, *, bias: bool) -> str:
        return "(window + 1)·maps·output places" if bias else "window·maps·output places"

    def cost(self, shape: Shape, *, bias: bool = True, padding_connections: bool = True) -> Cost:
        maps, places = shape[0], [slide.output for slide in self._slides(shape)]
        window = times(*self._size)
        return Cost(
            weights=f"{maps}",
            biases=f"{maps}" if bias else "0",
            params=times(2, maps) if bias else f"{maps}",
            connections=times(f"({window} + 1)" if bias else window, maps, *places),
            operations={"add": f"{window} - 1", "multiply": "1", "bias": "1" if bias else "0"},
            units=times(maps, *places),
        )
