"""Average pooling to a size that is given: one number a map, or a grid of equal windows."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from math import prod
from typing import ClassVar, Self

from pydantic import Field, model_validator

from backcalc.layers.base import (
    WHOLE,
    Cost,
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
from backcalc.layers.fields import Sizes
from backcalc.layers.slide import affine, check_axes, per_axis, spatial


class GlobalAvgPool(Layer):
    """The mean of each map: `[channels, height, width]` gives `[channels]`; k - 1 additions and a division each.

    Lin, Chen, Yan, "Network in network" (2014), section 3.2.

    >>> GlobalAvgPool().equations("y", "x", (8, 3, 4)).lines
    ('y[c] = sum(i, sum(j, x[c,i,j]))/12',)
    """

    kind: ClassVar[str] = "global_avgpool"
    channels_first: ClassVar[bool] = True

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) < 2:
            raise ShapeError(f"global_avgpool works on [channels, height, width], but got {show_shape(shape)}")
        return shape[:1]

    def shape_formula(self, shape: Shape) -> str:
        return f"channels = {shape[0]}"

    def equations(self, name: str, source: str, shape: Shape) -> LayerEquations:
        c, *places = fresh_indices("c i j k"[: 2 * len(shape) - 1], name, source)
        body = f"{source}[{','.join((c, *places))}]"
        for place in reversed(places):
            body = f"sum({place}, {body})"
        return LayerEquations((f"{name}[{c}] = {body}/{prod(shape[1:])}",))

    def cost(self, shape: Shape, *, bias: bool = True, padding_connections: bool = True) -> Cost:
        return Cost(
            operations={"add": f"{times(*shape[1:])} - 1", "divide": "1"},
            units=f"{shape[0]}",
            window_inputs=times(*shape),
        )

    def in_words(self, shape: Shape, *, bias: bool = True, padding_connections: bool = True) -> Mapping[str, str]:
        return {"output_shape": "channels", "connections": "places·maps"}

    def receptive(self, shape: Shape) -> Window:
        return WHOLE


class AdaptiveAvgPool2d(Layer):
    """The means of equal windows that cover each map, as many as `size` says (PyTorch's AdaptiveAvgPool2d).

    Window i of n over m cells runs from floor((i - 1)·m/n) to ceil(i·m/n); where n divides m these are m/n cells each.

    >>> AdaptiveAvgPool2d(size=2).equations("y", "x", (8, 4, 6)).lines
    ('y[c,i,j] = sum(a=1..2, sum(b=1..3, x[c,2*i+a-2,3*j+b-3]))/6',)
    """

    kind: ClassVar[str] = "adaptive_avgpool2d"
    main: ClassVar[str | None] = "size"

    size: Sizes = Field(description="height and width of the output, one number or one per axis")

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_axes(self.kind, 2, size=self.size)
        return self

    def _windows(self, shape: Shape) -> tuple[tuple[int, int], ...]:
        """How many cells a window has and how many apart windows are, along both axes."""
        return tuple(
            _window(cells, parts, shape)
            for cells, parts in zip(spatial(self.kind, shape, 2), per_axis(self.size, 2), strict=True)
        )

    def output_shape(self, shape: Shape) -> Shape:
        self._windows(shape)
        return (shape[0], *per_axis(self.size, 2))

    def shape_formula(self, shape: Shape) -> str:
        return f"size = {' x '.join(map(str, dict.fromkeys(per_axis(self.size, 2))))}"

    def equations(self, name: str, source: str, shape: Shape) -> LayerEquations:
        c, *places = axis_names(shape, name, source)
        taps = fresh_indices("a b", name, source)
        windows = self._windows(shape)
        cells = [
            affine((step, place), (1, tap), constant=-step)
            for (_, step), place, tap in zip(windows, places, taps, strict=True)
        ]
        body = f"{source}[{','.join((c, *cells))}]"
        for (extent, _), tap in reversed(list(zip(windows, taps, strict=True))):
            body = f"sum({tap}=1..{extent}, {body})"
        count = prod(extent for extent, _ in windows)
        return LayerEquations((f"{name}[{','.join((c, *places))}] = {body}/{count}",))

    def cost(self, shape: Shape, *, bias: bool = True, padding_connections: bool = True) -> Cost:
        window, out = times(*(extent for extent, _ in self._windows(shape))), self.output_shape(shape)
        return Cost(
            operations={"add": f"{window} - 1", "divide": "1"},
            units=times(*out),
            window_inputs=times(window, *out),
        )

    def in_words(self, shape: Shape, *, bias: bool = True, padding_connections: bool = True) -> Mapping[str, str]:
        return {"output_shape": "size", "connections": "window·maps·output places"}

    def receptive(self, shape: Shape) -> tuple[Window, ...]:
        windows = zip(self._windows(shape), shape[1:], strict=True)
        return tuple(WHOLE if extent == cells else Window(extent, step) for (extent, step), cells in windows)


def _window(cells: int, parts: int, shape: Shape) -> tuple[int, int]:
    """Extent and step of so many equal windows over the cells of an axis; they may overlap.

    >>> _window(6, 3, (1, 6, 6)), _window(5, 2, (1, 5, 5)), _window(1, 7, (1, 1, 1))
    ((2, 2), (3, 2), (1, 0))

    Raises ShapeError where the windows differ.
    """
    starts = [part * cells // parts for part in range(parts)]
    extents = {-(-(part + 1) * cells // parts) - start for part, start in enumerate(starts)}
    steps = {later - start for start, later in pairwise(starts)} or {cells}
    if len(extents) > 1 or len(steps) > 1:
        raise ShapeError(
            f"adaptive_avgpool2d shares {cells} cells of its input {show_shape(shape)} among {parts} windows, "
            "which are not equal",
            f"choose a size that divides {cells}",
        )
    return extents.pop(), steps.pop()
