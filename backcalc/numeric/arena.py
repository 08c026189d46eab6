"""All parameters of a network in one flat array, and the views of it that layers read.

An array of own names and fixed numbers is put together from the entries that its names stand for; a name that stands
in it twice, or in two arrays, is one entry, whose derivatives add.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from backcalc.layers import Parameter, Shape
from backcalc.layers.fields import Entries
from backcalc.net import Node
from backcalc.numeric.kernels.base import Array


@dataclass(frozen=True, slots=True)
class Piece:
    """Where one array stands in the flat one."""

    start: int
    shape: Shape

    @property
    def stop(self) -> int:
        """Behind its last number."""
        return self.start + prod(self.shape)

    def view(self, flat: Array) -> Array:
        """The array of every trial, without a copy."""
        return flat[:, self.start : self.stop].reshape(len(flat), *self.shape)


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """An array of own names and fixed numbers: for each number its place in the flat array, -1 for a fixed one."""

    shape: Shape
    places: Array
    fixed: Array


@dataclass(frozen=True, slots=True)
class Arena:
    """The parameters of a network: what is trained stands in one flat array of `size` numbers a trial.

    `pieces` are the names in it, arrays and own names of single weights, `made` the arrays that are made of those,
    `still` the arrays that no gradient changes: running statistics and fixed centres.
    """

    pieces: Mapping[str, Piece]
    made: Mapping[str, Made]
    still: Mapping[str, Parameter]
    size: int

    def read(self, flat: Array, still: Mapping[str, Array], name: str) -> Array:
        """The array of that name, of every trial; the number of a single weight that is fixed is put in."""
        if name in self.pieces:
            return self.pieces[name].view(flat)
        if name in still:
            return still[name]
        made = self.made[name]
        taken = np.where(made.places >= 0, flat[:, made.places], made.fixed.astype(flat.dtype))
        return taken.reshape(len(flat), *made.shape)

    def give(self, into: Array, name: str, gradient: Array) -> None:
        """Adds the derivative by an array to those by all parameters."""
        if name in self.pieces:
            self.pieces[name].view(into)[...] += gradient
        elif name in self.made:
            made, each = self.made[name], gradient.reshape(len(into), -1)
            trainable = made.places >= 0
            trials = np.arange(len(into))[:, None]
            np.add.at(into, (trials, made.places[trainable]), each[:, trainable])

    def flat(self, values: Mapping[str, Any], dtype: np.dtype[Any], trials: int = 1) -> Array:
        """The flat array from values by name, the same for every trial. Raises KeyError where one is missing."""
        flat = np.empty((trials, self.size), dtype)
        for name, piece in self.pieces.items():
            piece.view(flat)[...] = np.asarray(values[name], dtype).reshape(piece.shape)
        return flat

    def named(self, flat: Array) -> dict[str, Array]:
        """The arrays by name, `[trials, *shape]`, without a copy."""
        return {name: piece.view(flat) for name, piece in self.pieces.items()}


def arena_of(nodes: Iterable[Node]) -> Arena:
    """Gives every parameter of the layers its place; an array that two layers share has one."""
    pieces: dict[str, Piece] = {}
    still: dict[str, Parameter] = {}
    listed: dict[str, Parameter] = {}
    size = 0
    for parameter in (parameter for node in nodes for parameter in node.parameters):
        if not parameter.trainable:
            still.setdefault(parameter.name, parameter)
            continue
        if parameter.entries is not None:
            listed.setdefault(parameter.name, parameter)
        own = (
            {parameter.name: parameter.shape}
            if parameter.entries is None
            else dict.fromkeys(_names(parameter.entries), ())
        )
        for name, shape in own.items():
            if name not in pieces:
                pieces[name] = Piece(size, shape)
                size += prod(shape)
    made = {name: _made(parameter, pieces) for name, parameter in listed.items()}
    return Arena(pieces, made, still, size)


def _flat(entries: Entries) -> Iterable[Any]:
    if isinstance(entries, tuple):
        for entry in entries:
            yield from _flat(entry)
    else:
        yield entries


def _names(entries: Entries) -> Iterable[str]:
    return (entry for entry in _flat(entries) if isinstance(entry, str))


def _made(parameter: Parameter, pieces: Mapping[str, Piece]) -> Made:
    entries = list(_flat(parameter.entries or ()))
    places = [pieces[entry].start if isinstance(entry, str) else -1 for entry in entries]
    fixed = [0.0 if isinstance(entry, str) else float(entry) for entry in entries]
    return Made(parameter.shape, np.array(places, np.intp), np.array(fixed))


def floats(value: Any) -> Any:
    """Exact numbers of a file, nested as they are, as lists of floats.

    >>> floats((1, (2, 3)))
    [1.0, [2.0, 3.0]]
    """
    return [floats(item) for item in value] if isinstance(value, tuple) else float(value)
