"""Locally connected layers: windows as in a convolution, but every place has weights of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Self

from pydantic import Field, model_validator

from backcalc.layers.base import Cost, LayerEquations, Parameter, Shape, Window, fresh_indices, times
from backcalc.layers.conv import KERNEL_IN_WORDS, PLACES_IN_WORDS, join_formulas
from backcalc.layers.fields import Padding, Positive, Sizes
from backcalc.layers.slide import Slide, check_axes, per_axis, size_in_words, slides
from backcalc.layers.weighted import WeightedLayer, parameter


class LocallyConnected2d(WeightedLayer):
    """`y[f,i,j] = sum(c, sum(a, sum(b, W[f,i,j,c,a,b]*x[c,i+a-1,j+b-1]))) + b[f,i,j]`: nothing is shared.

    Le Cun, "Generalization and network design strategies" (1989), section 5.

    >>> LocallyConnected2d(filters=4, kernel=3).cost((2, 8, 8)).params
    '(3*3*2 + 1)*4*6*6'
    """

    kind: ClassVar[str] = "locally_connected2d"
    main: ClassVar[str | None] = "filters"

    filters: Positive = Field(description="number of output maps")
    kernel: Sizes = Field(description="size of the window, one number or one per axis")
    stride: Sizes = Field(1, description="step of the window")
    padding: Padding = Field("valid", description="valid (none), same, or zeros on each side")

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_axes(self.kind, 2, kernel=self.kernel, stride=self.stride, padding=self.padding)
        return self

    def _slides(self, shape: Shape) -> tuple[Slide, ...]:
        return slides(self.kind, shape, per_axis(self.kernel, 2), per_axis(self.stride, 2), self.padding)

    def output_shape(self, shape: Shape) -> Shape:
        return (self.filters, *(slide.output for slide in self._slides(shape)))

    def shape_formula(self, shape: Shape) -> str:
        return join_formulas(self._slides(shape))

    def parameters(self, name: str, shape: Shape) -> tuple[Parameter, ...]:
        out = self.output_shape(shape)
        full = (*out, shape[0], *per_axis(self.kernel, 2))
        weights = parameter(f"W_{name}", self.weights, full, "weight")
        return (weights, parameter(f"b_{name}", self.biases, out, "bias")) if self.bias else (weights,)

    def equations(self, name: str, source: str, shape: Shape) -> LayerEquations:
        arrays = [parameter.name for parameter in self.parameters(name, shape)]
        f, c, i, j, a, b = fresh_indices("f c i j a b", name, source, *arrays)
        windows = self._slides(shape)
        rows, columns = (slide.cell(*names) for slide, *names in zip(windows, (i, j), (a, b), strict=True))
        weight, read = f"{arrays[0]}[{f},{i},{j},{c},{a},{b}]", f"{source}[{c},{rows},{columns}]"
        bias = f" + {arrays[1]}[{f},{i},{j}]" if self.bias else ""
        line = f"{name}[{f},{i},{j}] = sum({c}, sum({a}, sum({b}, {weight}*{read}))){bias}"
        return LayerEquations((line,), frozenset({source} if any(s.before or s.after for s in windows) else ()))

    def cost(self, shape: Shape, *, bias: bool = True, padding_connections: bool = True) -> Cost:
        windows, kernel, biased = self._slides(shape), per_axis(self.kernel, 2), self.bias and bias
        out, taps = self.output_shape(shape), times(*kernel, shape[0])
        params = times(f"({taps} + 1)" if biased else taps, *out)
        connections = params
        if not padding_connections:
            used = times(*(slide.taps_inside for slide in windows), shape[0])
            connections = times(f"({used} + {times(*out[1:])})" if biased else used, self.filters)
        per_output = kernel[0] * kernel[1] * shape[0]
        return Cost(
            weights=times(taps, *out),
            biases=times(*out) if biased else "0",
            params=params,
            connections=connections,
            macs=times(taps, *out),
            operations={"multiply": f"{per_output}", "add": f"{per_output - 1}", "bias": "1" if biased else "0"},
            units=times(*out),
        )

    def in_words(self, shape: Shape, *, bias: bool = True, padding_connections: bool = True) -> Mapping[str, str]:
        windows, biased = self._slides(shape), self.bias and bias
        window, out = f"{KERNEL_IN_WORDS[2]}·channels", f"filters·{PLACES_IN_WORDS[2]}"
        uses = f"({window} + 1)·{out}" if biased else f"{window}·{out}"
        inside = f"{KERNEL_IN_WORDS[2]}·channels·filters·places where the tap lies on the input"
        return {
            "output_shape": size_in_words(
                padded=any(slide.before or slide.after for slide in windows),
                dilated=False,
                exact=not any("floor" in slide.formula for slide in windows),
            ),
            "weights": f"{window}·{out}",
            "biases": out,
            "params": uses,
            "connections": uses if padding_connections else inside + (f" + {out}" if biased else ""),
            "macs": f"{window}·{out}",
        }

    def receptive(self, shape: Shape) -> tuple[Window, ...]:
        return tuple(Window(slide.extent, slide.stride, slide.before) for slide in self._slides(shape))
