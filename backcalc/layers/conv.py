"""Convolutions: one small set of weights, used at every place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from math import prod
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from backcalc.layers.base import (
    Cost,
    LayerEquations,
    Parameter,
    Shape,
    ShapeError,
    Window,
    fresh_indices,
    show_shape,
    times,
)
from backcalc.layers.fields import Padding, Positive, Read, Sizes, whole
from backcalc.layers.slide import Slide, affine, channels, check_axes, check_groups, per_axis, size_in_words, slides
from backcalc.layers.weighted import WeightedLayer, parameter

KERNEL_IN_WORDS = {1: "kernel", 2: "kernel height·kernel width", 3: "kernel depth·kernel height·kernel width"}
PLACES_IN_WORDS = {1: "output length", 2: "output height·output width", 3: "output depth·output height·output width"}

_ROWS = {"type": "array", "items": {"type": "array", "items": {"type": "integer", "minimum": 1}}}


def _rows(value: object) -> tuple[tuple[int, ...], ...]:
    """A connection table as tuples of whole numbers."""
    if not isinstance(value, list | tuple) or not all(isinstance(row, list | tuple) for row in value):
        raise ValueError("expected a list of lists: for each output map the input maps it sees, counted from 1")
    return tuple(tuple(whole(item) for item in row) for row in value)


class Convolution(WeightedLayer):
    """What convolutions of any number of axes share; the window slides over the spatial axes, over all channels.

    With a connection table each output map sees the listed input maps alone; what is not listed has no weights.
    """

    axes: ClassVar[int]
    channels_first: ClassVar[bool] = True
    main: ClassVar[str | None] = "filters"

    filters: Positive = Field(description="number of output maps")
    kernel: Sizes = Field(description="size of the window, one number or one per axis")
    stride: Sizes = Field(1, description="step of the window")
    padding: Padding = Field("valid", description="valid (none), same, or zeros on each side")
    dilation: Sizes = Field(1, description="distance of the window's taps")
    groups: Positive = Field(1, description="groups of channels that are convolved apart")
    connections: Annotated[tuple[tuple[int, ...], ...], Read(_rows, _ROWS)] | None = Field(
        None, description="for each output map the list of its input maps, counted from 1"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        given = {"kernel": self.kernel, "stride": self.stride, "padding": self.padding, "dilation": self.dilation}
        check_axes(self.kind, self.axes, **given)
        if self.filters % self.groups:
            raise ValueError(f"{self.filters} filters cannot be shared by {self.groups} groups")
        if self.connections is not None:
            if self.groups != 1:
                raise ValueError("a table of connections and groups exclude each other")
            if isinstance(self.weights, tuple):
                raise ValueError("single weights cannot be named where a table of connections leaves some out")
            if len(self.connections) != self.filters:
                raise ValueError(f"connections has {len(self.connections)} rows for {self.filters} filters")
            for number, row in enumerate(self.connections, 1):
                if not row or len(set(row)) != len(row) or min(row) < 1:
                    raise ValueError(f"row {number} of connections must list different maps, counted from 1")
        return self

    @property
    def _kernel(self) -> tuple[int, ...]:
        return per_axis(self.kernel, self.axes)

    def _slides(self, shape: Shape) -> tuple[Slide, ...]:
        return slides(
            self.kind,
            shape,
            self._kernel,
            per_axis(self.stride, self.axes),
            self.padding,
            dilation=per_axis(self.dilation, self.axes),
        )

    def _is_vector(self, shape: Shape) -> bool:
        """Whether a vector came in and, having one filter, a vector goes out."""
        return len(shape) == self.axes and self.filters == 1

    def output_shape(self, shape: Shape) -> Shape:
        sizes = tuple(slide.output for slide in self._slides(shape))
        count = channels(shape, self.axes)
        check_groups(self.kind, self.groups, shape, count)
        for number, row in enumerate(self.connections or (), 1):
            if max(row) > count:
                raise ShapeError(
                    f"row {number} of the connections of {self.kind} names map {max(row)}, "
                    f"but its input {show_shape(shape)} has {count} channels"
                )
        return sizes if self._is_vector(shape) else (self.filters, *sizes)

    def shape_formula(self, shape: Shape) -> str:
        return join_formulas(self._slides(shape))

    def parameters(self, name: str, shape: Shape) -> tuple[Parameter, ...]:
        count = channels(shape, self.axes)
        absent = 0
        if self.connections is not None:
            absent = (self.filters * count - sum(map(len, self.connections))) * prod(self._kernel)
        full = (self.filters, count // self.groups, *self._kernel)
        weights = parameter(f"W_{name}", self.weights, full, "weight", absent=absent)
        if not self.bias:
            return (weights,)
        return weights, parameter(f"b_{name}", self.biases, (self.filters,), "bias")

    def equations(self, name: str, source: str, shape: Shape) -> LayerEquations:
        arrays = [parameter.name for parameter in self.parameters(name, shape)]
        mask = f"M_{name}"
        f, c, *indices = fresh_indices("f c i j k a b d", name, source, mask, *arrays)
        places, taps = tuple(indices[: self.axes]), tuple(indices[3 : 3 + self.axes])
        windows = self._slides(shape)
        cells = [slide.cell(*names) for slide, *names in zip(windows, places, taps, strict=True)]
        vector = len(shape) == self.axes
        row = "1" if self._is_vector(shape) else f
        weight = f"{arrays[0]}[{row},{'1' if vector else c},{','.join(taps)}]"
        read = f"{source}[{','.join(cells if vector else [self._channel(f, c, shape), *cells])}]"
        body = f"{weight}*{read}"
        for tap in reversed(taps):
            body = f"sum({tap}, {body})"
        lines: list[str] = []
        if not vector:
            if self.connections is not None:
                lines.append(f"{mask} = {self._mask(shape)}")
                body = f"({mask}[{f},{c}] == 1)*{body}"
            body = f"sum({c}, {body})"
        left = ",".join(places if self._is_vector(shape) else (f, *places))
        lines.append(f"{name}[{left}] = {body}" + (f" + {arrays[1]}[{row}]" if self.bias else ""))
        padded = frozenset({source} if any(slide.before or slide.after for slide in windows) else ())
        shapes = {mask: (self.filters, shape[0])} if len(lines) == 2 else {}
        return LayerEquations(tuple(lines), padded, shapes)

    def _channel(self, f: str, c: str, shape: Shape) -> str:
        """The input channel that filter f's weight c reads: the c-th of the filter's group."""
        return c if self.groups == 1 else group_channel(f, c, self.filters // self.groups, shape[0] // self.groups)

    def _mask(self, shape: Shape) -> str:
        rows = (("1" if c in row else "0" for c in range(1, shape[0] + 1)) for row in self.connections or ())
        return "[" + ", ".join(f"[{', '.join(row)}]" for row in rows) + "]"

    def cost(self, shape: Shape, *, bias: bool = True, padding_connections: bool = True) -> Cost:
        windows = self._slides(shape)
        kernel, places = self._kernel, [slide.output for slide in windows]
        inside = [slide.taps_inside for slide in windows] if not padding_connections else []
        if self.connections is not None:
            return self._table_cost(kernel, places, inside, biased=self.bias and bias)
        per_filter, filters = channels(shape, self.axes) // self.groups, self.filters
        taps, biased = prod(kernel) * per_filter, self.bias and bias
        params = times(f"({times(*kernel, per_filter)} + 1)" if biased else times(*kernel, per_filter), filters)
        connections = times(params, *places)
        if inside:
            used = times(*inside, per_filter)
            connections = times(f"({used} + {times(*places)})" if biased else used, filters)
        return Cost(
            weights=times(*kernel, per_filter, filters),
            biases=f"{filters}" if biased else "0",
            params=params,
            connections=connections,
            macs=times(*kernel, per_filter, filters, *places),
            operations={"multiply": f"{taps}", "add": f"{taps - 1}", "bias": "1" if biased else "0"},
            units=times(filters, *places),
        )

    def _table_cost(self, kernel: tuple[int, ...], places: list[int], inside: list[int], *, biased: bool) -> Cost:
        """The cost with a connection table: a unit is one place of all maps, since the maps differ."""
        sizes = Counter(len(row) for row in self.connections or ())
        kernels = " + ".join(times(maps, size) for size, maps in sorted(sizes.items()))
        kernels = f"({kernels})" if len(sizes) > 1 else kernels
        taps = sum(size * maps for size, maps in sizes.items()) * prod(kernel)
        weights, filters = times(kernels, *kernel), self.filters
        params = f"{weights} + {filters}" if biased else weights
        connections = times(f"({params})" if biased else params, *places)
        if inside:
            connections = times(kernels, *inside) + (f" + {times(filters, *places)}" if biased else "")
        return Cost(
            weights=weights,
            biases=f"{filters}" if biased else "0",
            params=params,
            connections=connections,
            macs=times(weights, *places),
            operations={
                "multiply": f"{taps}",
                "add": f"{taps - filters}",
                "bias": f"{filters}" if biased else "0",
            },
            units=times(*places),
        )

    def in_words(self, shape: Shape, *, bias: bool = True, padding_connections: bool = True) -> Mapping[str, str]:
        kernel, places = KERNEL_IN_WORDS[self.axes], PLACES_IN_WORDS[self.axes]
        window = f"{kernel}·channels" + ("/groups" if self.groups > 1 else "")
        uses, weights = f"({window} + 1)·filters" if self.bias and bias else f"{window}·filters", f"{window}·filters"
        per_place = uses
        if self.connections is not None:
            weights = f"(maps seen, over all filters)·{kernel}"
            uses = f"{weights} + filters" if self.bias and bias else weights
            per_place = f"({uses})" if self.bias and bias else weights
        uses_in_all = f"{per_place}·{places}"
        if not padding_connections:
            uses_in_all = f"{weights}·places where the tap lies on the input"
            uses_in_all += f" + filters·{places}" if self.bias and bias else ""
        windows = self._slides(shape)
        return {
            "output_shape": size_in_words(
                padded=any(slide.before or slide.after for slide in windows),
                dilated=any(slide.dilation > 1 for slide in windows),
                exact=not any("floor" in slide.formula for slide in windows),
            ),
            "weights": weights,
            "biases": "filters",
            "params": uses,
            "connections": uses_in_all,
            "macs": f"{weights}·{places}",
            "unit": "output" if self.connections is None else "place of all maps",
        }

    def receptive(self, shape: Shape) -> tuple[Window, ...]:
        return tuple(Window(slide.extent, slide.stride, slide.before) for slide in self._slides(shape))


class Conv1d(Convolution):
    """`q[f,i] = sum(c, sum(a, W[f,c,a]*x[c,i+a-1])) + b[f]`; a vector is one channel, one filter gives a vector again.

    >>> Conv1d(filters=1, kernel=2, bias=False).equations("q", "x", (3,)).lines
    ('q[i] = sum(a, W_q[1,1,a]*x[i+a-1])',)
    """

    kind: ClassVar[str] = "conv1d"
    axes: ClassVar[int] = 1


class Conv2d(Convolution):
    """`q[f,i,j] = sum(c, sum(a, sum(b, W[f,c,a,b]*x[c,i+a-1,j+b-1]))) + b[f]`.

    >>> conv1 = Conv2d(filters=6, kernel=5, padding="same")
    >>> conv1.output_shape((1, 28, 28)), conv1.shape_formula((1, 28, 28)), conv1.cost((1, 28, 28)).params
    ((6, 28, 28), '(28 + 2*2 - 5)/1 + 1 = 28', '(5*5*1 + 1)*6')
    """

    kind: ClassVar[str] = "conv2d"
    axes: ClassVar[int] = 2


class Conv3d(Convolution):
    """`q[f,i,j,k] = sum(c, sum(a, sum(b, sum(d, W[f,c,a,b,d]*x[c,i+a-1,j+b-1,k+d-1])))) + b[f]`.

    >>> Conv3d(filters=4, kernel=3).output_shape((3, 8, 10, 12))
    (4, 6, 8, 10)
    """

    kind: ClassVar[str] = "conv3d"
    axes: ClassVar[int] = 3


def group_channel(f: str, c: str, filters: int, inputs: int) -> str:
    """The c-th input channel of filter f's group, of so many filters and input channels each, as text.

    >>> group_channel("f", "c", 2, 3), group_channel("f", "c", 1, 3)
    ('3*div(f-1,2)+c', '3*f+c-3')
    """
    if filters == 1:
        return affine((inputs, f), (1, c), constant=-inputs)
    return affine((inputs, f"div({f}-1,{filters})"), (1, c))


def join_formulas(windows: tuple[Slide, ...]) -> str:
    """The size formulas of all axes, once where they agree.

    >>> join_formulas((Slide(6, 2), Slide(8, 3)))
    '(6 - 2)/1 + 1 = 5, (8 - 3)/1 + 1 = 6'
    """
    return ", ".join(dict.fromkeys(slide.formula for slide in windows))
