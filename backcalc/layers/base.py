"""What a layer is: one class that answers shape, parameters, equations and cost.

Shapes are channels first and never hold the batch axis. Everything that a layer says about numbers is text in the
language of formulas with its numbers in, `(5*5*1 + 1)*6`; whoever wants the value evaluates the text, so that a
number and the formula printed beside it cannot differ.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import prod
from typing import Any, ClassVar, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from backcalc.formula.tree import fresh_name
from backcalc.layers.fields import Entries

Shape: TypeAlias = tuple[int, ...]


class ShapeError(ValueError):
    """An input that a layer cannot take: what came in and what was needed, in words, and a way out.

    >>> str(ShapeError("dense works on a vector, but got [6, 5, 5]", "put flatten before it"))
    'dense works on a vector, but got [6, 5, 5]; put flatten before it'
    """

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message if hint is None else f"{message}; {hint}")
        self.message = message
        self.hint = hint


def first_paragraph(schema: dict[str, Any]) -> None:
    """Keeps of a class's docstring what an editor should show: not its examples."""
    schema["description"] = schema["description"].partition("\n\n")[0]


@dataclass(frozen=True, slots=True)
class Parameter:
    """An array of weights or biases, or of the running statistics of a norm, which no gradient changes.

    `entries` are its own names and fixed numbers, nested as deep as `shape`, where the file gives them. `absent` is how
    many entries of `shape` are not there (a connection table leaves them out).

    >>> Parameter("W_conv1", (6, 1, 5, 5), "weight").count
    150
    """

    name: str
    shape: Shape
    role: Literal["weight", "bias", "statistic"]
    trainable: bool = True
    entries: Entries | None = None
    absent: int = 0

    @property
    def count(self) -> int:
        """How many numbers the array holds."""
        return prod(self.shape) - self.absent


@dataclass(frozen=True, slots=True)
class Cost:
    """What a layer costs for one sample, each entry a formula with its numbers, as text.

    `operations` are those of one unit, by kind (`multiply`, `add`, `bias`, `compare`, `divide`, `exp`, `negate`), and
    `units` is how many units there are: `{"multiply": "800", "add": "799"}` and `"20*6*6"`. `window_inputs` are the
    connections of a pooling layer, which count only where they are asked for; `masked_macs` those of `macs` that a mask
    of attention makes needless, which are left out only where that is asked for. Fixed weights are in `weights`, not
    in `params`; `idle` are those of `params` that one token does not use, as those of experts that do not answer for
    it. `cache` are the numbers that a decoder keeps of every token that it has seen.
    """

    weights: str = "0"
    biases: str = "0"
    params: str = "0"
    connections: str = "0"
    macs: str = "0"
    operations: Mapping[str, str] = field(default_factory=dict)
    units: str = "1"
    window_inputs: str = "0"
    masked_macs: str = "0"
    idle: str = "0"
    cache: str = "0"

    def times(self, count: int) -> Cost:
        """The cost of doing the same to so many parts of the input, with the same weights.

        >>> Cost(params="12", macs="3*4 + 5", units="4").times(7).macs
        '7*(3*4 + 5)'
        """
        return replace(
            self,
            connections=product(count, self.connections),
            macs=product(count, self.macs),
            units=product(count, self.units),
            window_inputs=product(count, self.window_inputs),
            masked_macs=product(count, self.masked_macs),
        )


@dataclass(frozen=True, slots=True)
class LayerEquations:
    """A layer as equations in the language of formulas, one per line, indices from 1.

    `padded` names the arrays that read as 0 outside their range; `shapes` gives those of arrays that the lines define
    besides the output; `draws` those of arrays that the lines read and that are drawn anew for every sample, as masks.
    Lines are of one sample, unless `batched` names the arrays to which they give the index of the samples themselves.
    """

    lines: tuple[str, ...]
    padded: frozenset[str] = frozenset()
    shapes: Mapping[str, Shape] = field(default_factory=dict)
    draws: Mapping[str, Shape] = field(default_factory=dict)
    batched: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Samples:
    """How equations count the samples of a mini-batch: by the index `index`, from 1 to `size`, a symbol or a number.

    >>> Samples("n", "N").share_of(16)
    '1/(16*N)'
    """

    index: str
    size: str

    def share_of(self, positions: int = 1) -> str:
        """What one of so many numbers a sample is of all of them, as text."""
        if self.size.isdigit():
            return f"1/{int(self.size) * positions}"
        return f"1/{self.size}" if positions == 1 else f"1/({positions}*{self.size})"


@dataclass(frozen=True, slots=True)
class Window:
    """What one output sees along one axis of the input: `extent` cells (None: the whole axis), a `stride` apart.

    Where a layer makes its input larger both are fractions: of every `1/stride` neighbours the luckiest sees the most,
    which is `extent` rounded down. The first window begins `padding` cells before the axis does.
    """

    extent: int | Fraction | None
    stride: int | Fraction = 1
    padding: int = 0


POINT = Window(1)
"""An output sees the input at its own place."""

WHOLE = Window(None)
"""An output sees all of the input."""


class Layer(BaseModel, ABC):
    """One layer of a network.

    `kind` is its name in files, `main` the field that `kind: value` sets, `several` says that it reads two inputs or
    more, which it must then name, `any_number` that it may name as many as it likes, `also` is the field that names one
    more output it reads besides, `channels_first` says that it reads an array of two axes as [channels, length], not as
    [time, features]. Subclasses add their fields, each with a description, and answer the questions below.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True, json_schema_extra=first_paragraph)

    kind: ClassVar[str]
    main: ClassVar[str | None] = None
    several: ClassVar[bool] = False
    any_number: ClassVar[bool] = False
    also: ClassVar[str | None] = None
    channels_first: ClassVar[bool] = False

    name: str | None = Field(None, description="name of the layer's output; by default its kind and a number")
    inputs: tuple[str, ...] | None = Field(None, description="names of earlier outputs; by default the one before")

    @abstractmethod
    def output_shape(self, shape: Shape) -> Shape:
        """The shape of the output for an input of `shape`, both without the batch axis.

        Raises ShapeError where the layer cannot take that input.
        """

    @abstractmethod
    def equations(self, name: str, source: str, shape: Shape) -> LayerEquations:
        """The layer as equations that define the array `name` from the array `source` of `shape`."""

    def batch_equations(self, name: str, source: str, shape: Shape, samples: Samples) -> LayerEquations:
        """The layer as it trains on a mini-batch, where that differs from how it answers one sample."""
        return self.equations(name, source, shape)

    def reading(self, sources: tuple[str, ...], shapes: tuple[Shape, ...]) -> Self:
        """The layer in its place, where it knows all that it reads: only layers of several inputs differ by it.

        The `shape` that the other methods take is then that of the first source. Raises ShapeError.
        """
        return self

    def shape_formula(self, shape: Shape) -> str:
        """How the output shape comes about, with numbers: `(28 + 2*2 - 5)/1 + 1 = 28`; may be a word."""
        return "as the input"

    def parameters(self, name: str, shape: Shape) -> tuple[Parameter, ...]:
        """The layer's arrays of weights and biases, named after its output."""
        return ()

    def cost(self, shape: Shape, *, bias: bool = True, padding_connections: bool = True) -> Cost:
        """What the layer costs for one sample; `bias=False` leaves biases out of everything."""
        return Cost()

    def counted(self, shape: Shape) -> bool:
        """Whether `cost` knows the operations; else totals are at least so many."""
        return True

    def receptive(self, shape: Shape) -> Window | tuple[Window, ...]:
        """What one output sees of the input: one window for every spatial axis, or one per axis."""
        return POINT

    def notes(self, shape: Shape) -> tuple[str, ...]:
        """What a count should say besides its numbers."""
        return ()

    def assumes(self, shape: Shape) -> tuple[str, ...]:
        """What is taken for granted of sizes that are letters, in words: `T is at most 1024`."""
        return ()

    def scatters(self, shape: Shape) -> bool:
        """Whether neighbours in the output need not be neighbours in the input, as behind flatten."""
        return False

    def in_words(self, shape: Shape, *, bias: bool = True, padding_connections: bool = True) -> Mapping[str, str]:
        """The formulas of `cost` and `shape_formula` in general terms, by what they count.

        `unit` is what one unit is called, by default an output.
        """
        return {}


def show_shape(shape: Shape) -> str:
    """The shape as it is written in files.

    >>> show_shape((1, 28, 28))
    '[1, 28, 28]'
    """
    return f"[{', '.join(map(str, shape))}]"


def times(*factors: int | str) -> str:
    """A product as text, every factor written out.

    >>> times(5, 5, "(3 + 1)")
    '5*5*(3 + 1)'
    """
    return "*".join(map(str, factors)) if factors else "1"


def product(*factors: int | str) -> str:
    """A product as text without its ones, sums in parentheses; 0 where one of them is 0.

    >>> product(1, 4, "10 + 20", 20), product(2, "0"), product("1")
    ('4*(10 + 20)*20', '0', '1')
    """
    written = [f"({factor})" if " " in str(factor) else str(factor) for factor in factors if str(factor) != "1"]
    return "0" if "0" in written else times(*written)


def fresh_indices(wanted: str, *taken: str) -> tuple[str, ...]:
    """Index names that no array of the equation has.

    >>> fresh_indices("i j", "x", "i")
    ('i2', 'j')
    """
    return tuple(fresh_name(name, {*taken, *(other for other in wanted.split() if other != name)})
                 for name in wanted.split())  # fmt: skip


def axis_names(shape: Shape, *taken: str) -> tuple[str, ...]:
    """Index names for every axis, as textbooks have them: `i` for a vector, `t,j` for steps, `c,i,j` for maps.

    >>> axis_names((3, 28, 28), "x", "c")
    ('c2', 'i', 'j')
    """
    usual = {1: "i", 2: "t j", 3: "c i j", 4: "c i j k"}
    return fresh_indices(usual.get(len(shape), " ".join(f"i{axis}" for axis in range(1, len(shape) + 1))), *taken)
