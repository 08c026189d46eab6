"""A tensor of a Keras model: an array of the draft, and in which order its axes stand there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from backcalc.layers import Shape
from backcalc.readers.draft import Draft
from backcalc.readers.padding import zeros_around


@dataclass(frozen=True, slots=True)
class Tensor:
    """`first` says that the array has the channels first, where Keras has them last.

    `pads` are zeros around the spatial axes, which a convolution may take as its own.
    """

    name: str
    first: bool = False
    pads: tuple[tuple[int, int], ...] = ()


def keras_shape(draft: Draft, tensor: Tensor) -> Shape:
    """The shape as Keras has it, without the batch and without zeros around."""
    shape = draft.shapes[tensor.name]
    return (*shape[1:], shape[0]) if tensor.first else shape


def channels_first(draft: Draft, tensor: Tensor, *, padded: bool = True) -> str:
    """The array with the channels first; `padded` with the zeros around it."""
    name = tensor.name
    if not tensor.first and len(draft.shapes[name]) > 1:
        rank = len(draft.shapes[name])
        comment = "Keras has the channels last, a convolution here has them first"
        name = draft.add("transpose", f"{name}_first", [name], axes=_order(rank, first=True), comment=comment)
    return with_zeros(draft, name, tensor.pads) if padded and tensor.pads else name


def as_keras(draft: Draft, tensor: Tensor) -> str:
    """The array with its axes in the order of Keras."""
    name = with_zeros(draft, tensor.name, tensor.pads) if tensor.pads else tensor.name
    rank = len(draft.shapes[name])
    if not tensor.first or rank == 1:
        return name
    return draft.add("transpose", f"{name}_last", [name], axes=_order(rank, first=False))


def _order(rank: int, *, first: bool) -> list[int]:
    """The axes, counted from 1, with the last one first, or the first one last."""
    return [rank, *range(1, rank)] if first else [*range(2, rank + 1), 1]


def with_zeros(draft: Draft, source: str, pads: Sequence[tuple[int, int]]) -> str:
    """Zeros around the spatial axes of [channels, …], as a layer."""
    return zeros_around(draft, f"{source}_padded", source, [(0, 0), *pads])
