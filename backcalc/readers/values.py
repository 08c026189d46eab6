"""What the values of a graph are, as other programs have them: with a batch axis, anywhere, and reshaped at will.

A network here has no batch axis, so a value remembers where the file has it. Reshaping is put off until a layer reads
the value: axes of length 1 that come and go, and reshapes that undo each other, leave no layer behind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import prod
from typing import TypeAlias

from backcalc.formula.size import Size
from backcalc.layers import Shape
from backcalc.readers.draft import Draft


@dataclass(frozen=True, slots=True)
class Value:
    """A computed array: its name in the draft, and its axes as the file has them.

    `batch` is the axis of the samples; where it is `folded`, that axis holds the samples times something else.
    """

    name: str
    dims: Shape
    batch: int = 0
    folded: bool = False


@dataclass(frozen=True, slots=True)
class Weight:
    """A trained array of the file. `dims` are those of the view that is read, `stored` those of the array itself.

    `turned` says that its two axes change places in the view. `rows` is how many rows were gathered from it, where
    they were; `of` are the arrays that it was computed from, where it is not stored itself.
    """

    name: str
    dims: Shape
    stored: Shape
    turned: bool = False
    rows: int | None = None
    of: tuple[Weight, ...] = ()

    @property
    def arrays(self) -> tuple[Weight, ...]:
        """The stored arrays behind it."""
        return self.of or (self,)


@dataclass(frozen=True, slots=True)
class Constant:
    """Fixed numbers of the file; None where they are too many to keep, or not known.

    `integer` says that they are of a type of whole numbers, so that a division is one with remainder.
    """

    dims: Shape
    numbers: tuple[Fraction, ...] | None = None
    integer: bool = False

    @property
    def scalar(self) -> Fraction | None:
        """The number, where it is a single one or the same everywhere."""
        return self.numbers[0] if self.numbers and len(set(self.numbers)) == 1 else None


NEAR = 10_000
"""How much smaller than its letter what is added to a size is."""

Operand: TypeAlias = Value | Weight | Constant | None


class Misfit(Exception):
    """An operator that has no layer here, or not used in this way."""


class Graph:
    """The draft of a network, and the values of the graph so far. `batch` is how many samples the file computes."""

    def __init__(self, draft: Draft, batch: int = 1) -> None:
        self.draft, self.batch = draft, batch
        self.letters: dict[str, Size] = {}
        self.ties: dict[str, str] = {}
        self._read: dict[tuple[str, Shape], str] = {}
        self._given: dict[tuple[int, Shape], tuple[Constant, str]] = {}

    def sample(self, value: Value) -> Shape:
        """The shape of one sample."""
        before, size, after = value.dims[: value.batch], value.dims[value.batch], value.dims[value.batch + 1 :]
        middle = (size // self.batch,) if value.folded else ()
        return (*before, *middle, *after) or (1,)

    def axis(self, value: Value, axis: int) -> int:
        """An axis of the file as one of a sample, counted from 0. Raises Misfit for that of the samples."""
        axis %= len(value.dims)
        if value.folded:
            if axis == value.batch and self.batch > 1:
                raise Misfit("along the axis that holds the samples")
            return axis
        if axis == value.batch:
            raise Misfit("along the axis of the samples")
        return axis - (axis > value.batch)

    def sized(self, number: int) -> int:
        """A number that the file computes from its sizes, with the letters that are in it.

        The example of a letter is so large, and divisible by so much, that no other number is near a multiple of it.

        >>> graph = Graph(Draft("model.onnx", "model"))
        >>> graph.letters["T"] = Size.letter("T")
        >>> graph.sized(3 * int(Size.letter("T"))), graph.sized(int(Size.letter("T")) + 1), graph.sized(12)
        (3*T, (T + 1), 12)
        """
        for letter in self.letters.values():
            whole, rest = divmod(int(number), int(letter))
            if whole and rest < NEAR:
                return self.sized(whole) * letter + rest
            if rest > int(letter) - NEAR:
                return self.sized(whole + 1) * letter - (int(letter) - rest)
        return number

    def read(self, value: Value, shape: Shape | None = None) -> str:
        """The name of an array of that shape with the numbers of the value; of the sample's where none is given."""
        shape = self.sample(value) if shape is None else shape
        if self.draft.shapes[value.name] == shape:
            return value.name
        known = self._read.get((value.name, shape))
        if known is None:
            kind = "flatten" if len(shape) == 1 else "reshape"
            known = self.draft.add(kind, kind, [value.name], shape=None if len(shape) == 1 else list(shape))
            self._read[value.name, shape] = known
        return known

    def reshaped(self, value: Value, dims: Shape) -> Value:
        """The same numbers with other axes. Raises Misfit where the samples would be torn apart."""
        if prod(dims) != prod(value.dims):
            raise Misfit(f"{prod(value.dims)} numbers cannot fill {list(dims)}")
        before = prod(value.dims[: value.batch])
        ahead = 1
        for axis, size in enumerate(dims):
            if ahead == before and size == self.batch:
                return replace(value, dims=dims, batch=axis, folded=False)
            if ahead == before and size % self.batch == 0 and (size > 1 or axis == len(dims) - 1):
                return replace(value, dims=dims, batch=axis, folded=True)
            ahead *= size
        if self.batch == 1 and dims:
            return replace(value, dims=dims, batch=0, folded=True)
        raise Misfit("samples are torn apart")

    def given(self, word: str, constant: Constant, like: Value) -> Value:
        """An array of fixed numbers beside a value: an input of its own, for its numbers are not read."""
        axes = len(like.dims)
        dims = (1,) * (axes - len(constant.dims)) + constant.dims
        if len(dims) > axes or dims[like.batch] != 1 or (like.folded and self.batch > 1):
            raise Misfit("with fixed numbers")
        dims = tuple(self.batch if axis == like.batch else size for axis, size in enumerate(dims))
        shape = self.sample(Value("", dims, like.batch, like.folded))
        known = self._given.get((id(constant), shape))
        if known is None:
            known = constant, self.draft.input(word, shape)
            self._given[id(constant), shape] = known
            self.draft.note(f"`{known[1]}` are fixed numbers of the file, which are not read: here they are an input.")
        return Value(known[1], dims, like.batch, like.folded)

    def transposed(self, word: str, value: Value, order: Sequence[int]) -> Value:
        """The axes in another order."""
        order = [axis % len(value.dims) for axis in order]
        dims, batch = tuple(value.dims[axis] for axis in order), order.index(value.batch)
        moved = [self.axis(value, axis) for axis in order if value.folded or axis != value.batch]
        if moved == sorted(moved):
            return replace(value, dims=dims, batch=batch)
        shape = self.sample(value)
        if [axis for axis in moved if shape[axis] > 1] == [axis for axis in sorted(moved) if shape[axis] > 1]:
            return replace(value, dims=dims, batch=batch)  # axes of length 1 alone change places
        wrong = [place for place, axis in enumerate(moved) if place != axis]
        axes = wrong if len(wrong) == 2 else moved
        name = self.draft.add("transpose", word, [self.read(value)], axes=[axis + 1 for axis in axes])
        return Value(name, dims, batch, value.folded)

    def tied(self, weight: Weight | None) -> str | None:
        """The array that stands for a weight that a layer before has already."""
        return None if weight is None else self.ties.get(weight.name)

    def tie(self, weight: Weight | None, array: str | None) -> None:
        """Remembers which array stands for a weight."""
        if weight is not None and array is not None:
            self.ties.setdefault(weight.name, array)

    def alone(self, *weights: Operand) -> None:
        """Raises Misfit where a layer before has one of them, for kinds of layers that cannot share their arrays."""
        if any(self.tied(each) for each in weights if isinstance(each, Weight)):
            raise Misfit("with weights that another layer has")

    def own(self, made: Value, *weights: Operand) -> Value:
        """Remembers whose weights they are."""
        for each in weights:
            if isinstance(each, Weight):
                self.tie(each, f"weights of {made.name}")
        return made
