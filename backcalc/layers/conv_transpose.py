"""Transposed convolutions: the windows of a convolution read backwards, so that maps become larger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, Self

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
from backcalc.layers.conv import KERNEL_IN_WORDS, PLACES_IN_WORDS, group_channel
from backcalc.layers.fields import Cells, Padding, Positive, Sizes
from backcalc.layers.slide import affine, channels, check_axes, check_groups, per_axis, spatial
from backcalc.layers.weighted import WeightedLayer, parameter


@dataclass(frozen=True, slots=True)
class Spread:
    """One axis of `size` cells, each of which a window of `taps` taps spreads over the output, `stride` cells on.

    `before` and `after` cells of the result are cut off, `extra` cells that nothing reaches stand at its end.

    >>> Spread(size=4, taps=3, stride=2, before=1, after=1, extra=1).formula
    '(4 - 1)*2 + 3 - 2*1 + 1 = 8'
    """

    size: int
    taps: int
    stride: int = 1
    dilation: int = 1
    before: int = 0
    after: int = 0
    extra: int = 0

    @property
    def extent(self) -> int:
        """How many cells the window spans, gaps of the dilation included."""
        return (self.taps - 1) * self.dilation + 1

    @property
    def output(self) -> int:
        """How many cells come out."""
        return (self.size - 1) * self.stride + self.extent - self.before - self.after + self.extra

    @property
    def formula(self) -> str:
        """How the output size comes about, with numbers."""
        window = f"{self.taps}" if self.dilation == 1 else f"{self.dilation}*({self.taps} - 1) + 1"
        if self.before == self.after:
            cut = f" - 2*{self.before}" if self.before else ""
        else:
            cut = "".join(f" - {cells}" for cells in (self.before, self.after) if cells)
        extra = f" + {self.extra}" if self.extra else ""
        return f"({self.size} - 1)*{self.stride} + {window}{cut}{extra} = {self.output}"

    @property
    def landing(self) -> int:
        """How many pairs of a cell and a tap land on the output, and not on what is cut off."""
        return sum(
            sum(1 <= start + tap * self.dilation <= self.output for tap in range(self.taps)) for start in self._starts
        )

    @property
    def reached(self) -> int:
        """How many cells of the output some pair lands on."""
        landed = {start + tap * self.dilation for start in self._starts for tap in range(self.taps)}
        return sum(1 <= cell <= self.output for cell in landed)

    @property
    def _starts(self) -> range:
        """Where the first tap of every cell lands, counted from 1."""
        return range(1 - self.before, 1 - self.before + self.size * self.stride, self.stride)

    def landing_place(self, cell: str, tap: str) -> str:
        """Where tap a of cell o lands, stride*(o - 1) + dilation*(a - 1) + 1 - before, as text.

        >>> Spread(size=4, taps=3, stride=2, before=1, after=1).landing_place("o", "a")
        '2*o+a-3'
        """
        constant = 1 - self.stride - self.dilation - self.before
        return affine((self.stride, cell), (self.dilation, tap), constant=constant)


class TransposedConvolution(WeightedLayer):
    """What transposed convolutions of any number of axes share.

    Each input cell lands, times the window, on the output, `stride` cells on for every cell; padding is cut off from
    what comes out. Counts are those of the products that are not 0: a tap that lands on padding is a connection (unless
    padding is left out) and a multiply-accumulate, but no operation.

    Dumoulin and Visin, "A guide to convolution arithmetic for deep learning" (2016), relationship 14.
    """

    axes: ClassVar[int]
    channels_first: ClassVar[bool] = True
    main: ClassVar[str | None] = "filters"

    filters: Positive = Field(description="number of output maps")
    kernel: Sizes = Field(description="size of the window, one number or one per axis")
    stride: Sizes = Field(1, description="how many output cells lie between neighbouring input cells")
    padding: Padding = Field("valid", description="valid (none), same (input·stride cells), or cells cut off each side")
    output_padding: Cells = Field(0, description="cells added at the end of each axis, one number or one per axis")
    dilation: Sizes = Field(1, description="distance of the window's taps")
    groups: Positive = Field(1, description="groups of channels that are convolved apart")

    @model_validator(mode="after")
    def _check(self) -> Self:
        given = {"kernel": self.kernel, "stride": self.stride, "padding": self.padding, "dilation": self.dilation}
        check_axes(self.kind, self.axes, **given, output_padding=self.output_padding)
        if self.filters % self.groups:
            raise ValueError(f"{self.filters} filters cannot be shared by {self.groups} groups")
        if self.padding == "same" and self.output_padding != 0:
            raise ValueError("output_padding goes with padding in numbers: same fixes the size already")
        axes = zip(*(per_axis(field, self.axes) for field in (self.output_padding, self.stride, self.dilation)),
                   strict=True)  # fmt: skip
        for extra, stride, dilation in axes:
            if extra >= max(stride, dilation):
                raise ValueError(f"output_padding is {extra}, but must be less than the stride or the dilation")
        return self

    def _spreads(self, shape: Shape) -> tuple[Spread, ...]:
        """The window along every spatial axis of an input [channels, …]; a vector is one channel."""
        result = []
        for axis, size in enumerate(spatial(self.kind, shape, self.axes)):
            taps, stride, dilation, extra = (
                per_axis(field, self.axes)[axis]
                for field in (self.kernel, self.stride, self.dilation, self.output_padding)
            )
            before = after = 0
            if self.padding == "same":
                # As Keras does: what a convolution with padding `same` makes of the output is as large as the input.
                missing = (taps - 1) * dilation + 1 - stride
                before, after, extra = max(0, missing) // 2, -(-max(0, missing) // 2), max(0, -missing)
            elif not isinstance(self.padding, str):
                before = after = per_axis(self.padding, self.axes)[axis]
            result.append(Spread(size, taps, stride, dilation, before, after, extra))
        if any(spread.output < 1 for spread in result):
            raise ShapeError(
                f"the padding of {self.kind} cuts off all that comes out of its input {show_shape(shape)}: "
                f"{join_formulas(result)}",
                "make the padding smaller",
            )
        return tuple(result)

    def _is_vector(self, shape: Shape) -> bool:
        """Whether a vector came in and, having one filter, a vector goes out."""
        return len(shape) == self.axes and self.filters == 1

    def output_shape(self, shape: Shape) -> Shape:
        sizes = tuple(spread.output for spread in self._spreads(shape))
        count = channels(shape, self.axes)
        check_groups(self.kind, self.groups, shape, count)
        return sizes if self._is_vector(shape) else (self.filters, *sizes)

    def shape_formula(self, shape: Shape) -> str:
        return join_formulas(self._spreads(shape))

    def parameters(self, name: str, shape: Shape) -> tuple[Parameter, ...]:
        full = (channels(shape, self.axes), self.filters // self.groups, *per_axis(self.kernel, self.axes))
        weights = parameter(f"W_{name}", self.weights, full, "weight")
        if not self.bias:
            return (weights,)
        return weights, parameter(f"b_{name}", self.biases, (self.filters,), "bias")

    def equations(self, name: str, source: str, shape: Shape) -> LayerEquations:
        arrays = [parameter.name for parameter in self.parameters(name, shape)]
        f, c, *indices = fresh_indices("f c i j a b o p", name, source, *arrays)
        places, taps, cells = (indices[start : start + self.axes] for start in (0, 2, 4))
        vector = len(shape) == self.axes
        inputs, filters = channels(shape, self.axes) // self.groups, self.filters // self.groups
        channel, row = "1" if vector else c, "1" if self._is_vector(shape) else f
        if self.groups > 1:
            channel = group_channel(f, c, filters, inputs)
            row = "1" if filters == 1 else f"mod({f}-1,{filters})+1"
        read = f"{source}[{','.join(cells if vector else [channel, *cells])}]"
        body = f"{arrays[0]}[{','.join([channel, row, *taps])}]*{read}"
        spreads = self._spreads(shape)
        for spread, place, tap, cell in zip(spreads, places, taps, cells, strict=True):
            body += f"*({place} == {spread.landing_place(cell, tap)})"
        for index in reversed([*taps, *cells]):
            body = f"sum({index}, {body})"
        if not vector:
            body = f"sum({c}, {body})" if self.groups == 1 else f"sum({c}=1..{inputs}, {body})"
        left = ",".join(places if self._is_vector(shape) else (f, *places))
        bias = f" + {arrays[1]}[{'1' if self._is_vector(shape) else f}]" if self.bias else ""
        return LayerEquations((f"{name}[{left}] = {body}{bias}",))

    def cost(self, shape: Shape, *, bias: bool = True, padding_connections: bool = True) -> Cost:
        spreads, kernel = self._spreads(shape), per_axis(self.kernel, self.axes)
        sizes, places = [spread.size for spread in spreads], [spread.output for spread in spreads]
        inputs, filters, biased = channels(shape, self.axes), self.filters // self.groups, self.bias and bias
        weights = times(*kernel, inputs, filters)
        landing = [spread.landing for spread in spreads]
        products = times(*landing, inputs // self.groups)
        reached = times(*(spread.reached for spread in spreads))
        macs = times(*kernel, *sizes, inputs, filters)
        connections = macs if padding_connections else times(*landing, inputs, filters)
        return Cost(
            weights=weights,
            biases=f"{self.filters}" if biased else "0",
            params=f"{weights} + {self.filters}" if biased else weights,
            connections=f"{connections} + {times(self.filters, *places)}" if biased else connections,
            macs=macs,
            operations={
                "multiply": products,
                "add": f"{products} - {reached}",
                "bias": reached if biased else "0",
            },
            units=f"{self.filters}",
        )

    def in_words(self, shape: Shape, *, bias: bool = True, padding_connections: bool = True) -> Mapping[str, str]:
        kernel, places = KERNEL_IN_WORDS[self.axes], PLACES_IN_WORDS[self.axes]
        weights = f"{kernel}·channels·filters" + ("/groups" if self.groups > 1 else "")
        cells = places.replace("output", "input")
        uses = f"{weights}·{cells}" if padding_connections else f"{weights}, each where it lands on the output"
        biased = self.bias and bias
        return {
            "output_shape": "(input - 1)·stride + window - padding + output padding",
            "weights": weights,
            "biases": "filters",
            "params": f"{weights} + filters" if biased else weights,
            "connections": f"{uses} + filters·{places}" if biased else uses,
            "macs": f"{weights}·{cells}",
            "unit": "output map",
        }

    def receptive(self, shape: Shape) -> tuple[Window, ...]:
        return tuple(
            Window(Fraction(spread.extent - 1, spread.stride) + 1, Fraction(1, spread.stride))
            for spread in self._spreads(shape)
        )


class ConvTranspose1d(TransposedConvolution):
    """`q[f,i] = sum(c, sum(a, sum(o, W[c,f,a]*x[c,o]*(i == s*(o-1)+a-p)))) + b[f]`; a vector is one channel.

    >>> ConvTranspose1d(filters=1, kernel=3, stride=2, padding=1, bias=False).equations("q", "x", (4,)).lines
    ('q[i] = sum(a, sum(o, W_q[1,1,a]*x[o]*(i == 2*o+a-3)))',)
    """

    kind: ClassVar[str] = "conv_transpose1d"
    axes: ClassVar[int] = 1


class ConvTranspose2d(TransposedConvolution):
    """As `conv_transpose1d` over rows and columns; the weights are [channels, filters/groups, kernel].

    >>> up = ConvTranspose2d(filters=6, kernel=4, stride=2, padding=1)
    >>> up.output_shape((8, 7, 7)), up.shape_formula((8, 7, 7)), up.cost((8, 7, 7)).params
    ((6, 14, 14), '(7 - 1)*2 + 4 - 2*1 = 14', '4*4*8*6 + 6')
    """

    kind: ClassVar[str] = "conv_transpose2d"
    axes: ClassVar[int] = 2


def join_formulas(spreads: Sequence[Spread]) -> str:
    """The size formulas of all axes, once where they agree."""
    return ", ".join(dict.fromkeys(spread.formula for spread in spreads))
