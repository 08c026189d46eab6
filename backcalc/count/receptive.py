"""The receptive field: how many cells of the input one output depends on, along each spatial axis.

Araujo, Norris, Sim, "Computing Receptive Fields of Convolutional Neural Networks", Distill (2019), eq. 2.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from math import floor, prod
from typing import TypeVar

from backcalc.layers.base import Layer, Shape, Window
from backcalc.net import Network


@dataclass(frozen=True, slots=True)
class Field:
    """Along one axis of the input: how many cells an output sees, and how many apart neighbouring outputs are.

    Behind a layer that makes its input larger both are fractions; what an output sees is `cells` rounded down. What
    sees the `whole` axis cannot see more of it. The first output sees `padding` cells before the axis begins.
    """

    cells: int | Fraction = 1
    jump: int | Fraction = 1
    whole: bool = False
    padding: int | Fraction = 0

    def after(self, window: Window, axis: int) -> Field:
        """The field behind one more window; `axis` is the input's length.

        >>> Field(5, 1).after(Window(2, 2), 28)
        Field(cells=6, jump=2, whole=False, padding=0)
        """
        jump = self.jump * window.stride
        if window.extent is None or self.whole:
            return Field(max(self.cells, axis), jump, True, self.padding)
        padding = self.padding + window.padding * self.jump
        return Field(self.cells + (window.extent - 1) * self.jump, jump, padding=padding)

    def formula(self, window: Window, axis: int) -> str:
        """How the field behind that window comes about, with numbers.

        >>> Field(6, 2).formula(Window(5), 28)
        '6 + (5 - 1)*2 = 14'
        """
        if window.extent == 1:
            return "as the input"
        if window.extent is None or self.whole:
            return f"all {self.after(window, axis).cells} cells"
        cells = self.after(window, axis).cells
        text = f"{self.cells} + ({window.extent} - 1)*{self.jump}"
        return f"{text} = {cells}" if cells == _whole(cells) else f"floor({text}) = {_whole(cells)}"


def _whole(cells: int | Fraction) -> int:
    """Rounded down; a size with letters stays what it is."""
    return cells if isinstance(cells, int) else floor(cells)


@dataclass(frozen=True, slots=True)
class Reception:
    """The fields of one array of the network, per spatial axis of the network's input.

    `scattered` is set by flatten and the like: neighbours in a flattened map are no neighbours in the input, so that a
    window over it sees all. Where all places of a map stand in one row, `row` is the sides of that map and the axis of
    the row: laid out as it was, the map is one again.
    """

    fields: tuple[Field, ...]
    extents: Shape
    scattered: bool = False
    formula: str = "1"
    row: tuple[Shape, int] | None = None

    @property
    def cells(self) -> int | tuple[int, ...]:
        """One number, or one per axis where they differ."""
        return _same(tuple(_whole(field.cells) for field in self.fields))

    @property
    def jump(self) -> int | Fraction | tuple[int | Fraction, ...]:
        """How many cells of the input neighbours are apart, one number or one per axis."""
        return _same(tuple(field.jump for field in self.fields))

    @property
    def padding(self) -> int | Fraction | tuple[int | Fraction, ...]:
        """How many cells before the input the first output sees, one number or one per axis."""
        return _same(tuple(field.padding for field in self.fields))

    def after(self, window: Window | tuple[Window, ...], *, scatters: bool = False) -> Reception:
        """The fields behind a layer with that window: one for all axes, or one per axis."""
        windows = window if isinstance(window, tuple) else (window,) * len(self.fields)
        slides = any(each.extent != 1 for each in windows)
        if len(windows) != len(self.fields) or (self.scattered and slides):
            windows = (Window(None),) * len(self.fields)
        steps = list(zip(self.fields, windows, self.extents, strict=True))
        formulas = dict.fromkeys(field.formula(each, axis) for field, each, axis in steps)
        return Reception(
            tuple(field.after(each, axis) for field, each, axis in steps),
            self.extents,
            self.scattered or scatters,
            ", ".join(formulas),
        )

    def through(self, layer: Layer, shape: Shape, output: Shape) -> Reception:
        """The fields behind a layer of one input."""
        behind = self.after(layer.receptive(shape), scatters=layer.scatters(shape))
        if layer.kind == "reshape" and not self.scattered and output == (shape[0], prod(shape[1:])):
            return replace(behind, row=(shape[1:], 1))
        if self.row is None:
            return behind
        sides, axis = self.row
        if layer.kind == "reshape" and axis == 1 and output == (shape[0], *sides):
            return replace(behind, scattered=False)
        if layer.kind == "transpose" and output == (shape[1], shape[0]):
            return replace(behind, row=(sides, 1 - axis))
        by_place = axis == 0 and not layer.scatters(shape) and output[0] == shape[0]
        return replace(behind, row=self.row if by_place else None)


def at_input(shape: Shape, *, steps: bool = False) -> Reception:
    """An input sees itself; its spatial axes are all but the channels, and the one axis of a vector.

    Of `[time, features]`, which `steps` says that it is, the axis is time.

    >>> at_input((1, 28, 28)).after(Window(5)).cells
    5
    """
    extents = shape[:1] if steps else shape if len(shape) == 1 else shape[1:]
    return Reception((Field(),) * len(extents), extents)


def is_steps(network: Network, name: str) -> bool:
    r"""Whether an input of two axes is `[time, features]`: not where a layer reads it as [channels, length].

    >>> from backcalc.net import load_network
    >>> is_steps(load_network("input: {x: [7, 3]}\nlayers: [attention: 1]"), "x")
    True
    """
    if len(network.inputs[name]) != 2:
        return False
    reached = {name}
    for node in network.nodes:
        if reached.isdisjoint(node.inputs):
            continue
        if node.layer.channels_first:
            return False
        if not node.layer.scatters(node.input_shape):
            reached.add(node.name)
    return True


T = TypeVar("T")


def _same(sizes: tuple[T, ...]) -> T | tuple[T, ...]:
    """One number where it is the same along all axes."""
    return sizes[0] if len(set(sizes)) == 1 else sizes


def merged(receptions: tuple[Reception, ...]) -> Reception:
    """What a layer of several inputs sees: the largest along each axis."""
    first, *rest = receptions
    fields = list(first.fields)
    for other in rest:
        if len(other.fields) == len(fields):
            fields = [
                max(pair, key=lambda field: (field.whole, field.cells))
                for pair in zip(fields, other.fields, strict=True)
            ]
    cells = dict.fromkeys(str(each.cells) for each in receptions)
    formula = f"the largest of {', '.join(cells)}" if len(cells) > 1 else "as the inputs"
    return Reception(tuple(fields), first.extents, any(each.scattered for each in receptions), formula)


def align(receptions: tuple[Reception, ...]) -> bool:
    """Whether neighbours are equally far apart in all branches, over one input, so that their fields lie together.

    >>> align((at_input((1, 8, 8)), at_input((1, 8, 8)).after(Window(2, 2))))
    False
    """
    return len({(each.extents, tuple(field.jump for field in each.fields)) for each in receptions}) == 1
