"""`random: {seed, scale}`: draws the values that are missing, the same on every machine.

A number depends on the seed, the name of its array and its place there, on nothing else: SHAKE-256 (FIPS 202) of seed
and name gives 8 bytes for every place. Numbers are uniform on ±1/1000, ±2/1000, …, ±1, times the scale: short enough to
be read and computed with exactly, and never 0, where functions have their kinks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import TYPE_CHECKING, Annotated, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from backcalc.layers import Shape
from backcalc.layers.fields import Exact, Nested, Read, whole
from backcalc.net.build import Built
from backcalc.net.load import Document
from backcalc.net.nested import LARGEST_ARRAY, folded
from backcalc.net.network import Drawn
from backcalc.net.spec import described, validated

if TYPE_CHECKING:
    from backcalc.formula.program import Program
    from backcalc.formula.tree import Expr

GRAIN = 1000
"""Numbers are drawn in steps of one part in so many."""

LARGEST_SEED = 2**64


def _seed(value: object) -> int:
    try:
        seed = whole(value)
    except ValueError:
        seed = -1
    if not 0 <= seed < LARGEST_SEED:
        raise ValueError("expected a whole number from 0")
    return seed


def _scale(value: Fraction) -> Fraction:
    if value <= 0:
        raise ValueError("expected a number more than 0")
    return value


class Random(BaseModel):
    """Draws the values that are missing: numbers of three decimals, uniform between minus and plus the scale, never 0.

    What is a class is drawn from the classes, the target of a likelihood is one-hot, and a mask of dropout is 0 or 1.
    A number depends only on the seed, the name of its array and its place there.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    seed: Annotated[int, Read(_seed, {"type": "integer", "minimum": 0})] = Field(
        0, description="another seed draws other numbers"
    )
    scale: Annotated[Exact, AfterValidator(_scale)] = Field(Fraction(1), description="the largest number that is drawn")


def read_random(document: Document, raw: object) -> Random | None:
    """`random` of a file; a number alone is the seed. None where there is none, or it is wrong."""
    if raw is None:
        return None
    if isinstance(raw, dict):
        given = raw
    elif isinstance(raw, int | Fraction) and not isinstance(raw, bool):
        given = {"seed": raw}
    else:
        document.report(("random",), f"expected `random: {{seed: 0}}`, got {described(raw)}")
        return None
    return validated(Random, given, ("random",), document, "`random`")[0]


def draw(
    document: Document,
    random: Random,
    program: Program,
    built: Built,
    elements: Mapping[str, Mapping[tuple[int, ...], Fraction]],
) -> tuple[dict[str, Nested], Drawn]:
    """The values that are missing, and what was drawn; `elements` are single numbers that the file gives of an array.

    A size without a number is reported.
    """
    read = {ref.name for equation in program.equations for ref in equation.reads()}
    missing = [name for name in program.leaves if name in read and name not in built.values]
    nothing = Drawn((), random.seed, random.scale)
    symbol = next(_open_sizes(program, missing), None)
    if symbol is not None:
        message = f"`random` draws where all sizes have numbers, but `{symbol}` has none"
        document.report(("random",), message, f"give it one, as in `sizes: {{{symbol}: 3}}`", key=True)
        return {}, nothing
    shapes = {name: program.shape(name) or () for name in missing}
    total = sum(prod(shape) for shape in shapes.values())
    if total > LARGEST_ARRAY:
        message = f"`random` draws at most {LARGEST_ARRAY} numbers, but {total} are missing"
        document.report(("random",), message, key=True)
        return {}, nothing
    kinds = _kinds(program, built)
    values: dict[str, Nested] = {}
    for name, shape in shapes.items():
        numbers = kinds.get(name, Numbers()).drawn(_stream(random.seed, name, prod(shape)), random.scale, shape)
        given = elements.get(name, {})
        if given:
            numbers = [given.get(place, number) for place, number in zip(_places(shape), numbers, strict=True)]
        values[name] = cast(Nested, folded(numbers, shape))
    return values, Drawn(tuple(missing), random.seed, random.scale)


def _open_sizes(program: Program, arrays: list[str]) -> Iterator[str]:
    """The sizes of the arrays that have no number."""
    from backcalc.formula.tree import names

    for array in arrays:
        for axis in program.shapes[array]:
            yield from (name for name in sorted(names(axis)) if program.sizes.get(name) is None)


def _places(shape: Shape) -> list[tuple[int, ...]]:
    from itertools import product

    return list(product(*(range(1, size + 1) for size in shape)))


def _stream(seed: int, name: str, count: int) -> list[int]:
    """As many whole numbers below 2^64."""
    from hashlib import shake_256

    data = shake_256(f"{seed} {name}".encode()).digest(8 * count)
    return [int.from_bytes(data[start : start + 8], "big") for start in range(0, len(data), 8)]


# -- what an array holds -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Numbers:
    """Numbers of either sign, or positive ones.

    >>> Numbers().drawn([0, 999, 1000, 1999], Fraction(2), (4,))
    [Fraction(-1, 500), Fraction(-2, 1), Fraction(1, 500), Fraction(2, 1)]
    """

    positive: bool = False

    def drawn(self, stream: list[int], scale: Fraction, shape: Shape) -> list[Fraction]:
        """One number for each of the stream."""
        grain = scale / GRAIN
        sizes = [grain * (size + 1) for size in range(GRAIN)]
        signed = sizes if self.positive else [*(-size for size in sizes), *sizes]
        return [signed[number % len(signed)] for number in stream]


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of a few numbers, each as likely: the classes, the signs."""

    numbers: tuple[int, ...]

    def drawn(self, stream: list[int], scale: Fraction, shape: Shape) -> list[Fraction]:
        """One number for each of the stream."""
        return [Fraction(self.numbers[number % len(self.numbers)]) for number in stream]


@dataclass(frozen=True, slots=True)
class Mask:
    """1 for what is kept, 0 for the share of the numbers that is dropped."""

    rate: Fraction

    def drawn(self, stream: list[int], scale: Fraction, shape: Shape) -> list[Fraction]:
        """One number for each of the stream."""
        return [Fraction(number >= self.rate * 2**64) for number in stream]


@dataclass(frozen=True, slots=True)
class OneHot:
    """1 for one class and 0 for the others, along the last axis."""

    def drawn(self, stream: list[int], scale: Fraction, shape: Shape) -> list[Fraction]:
        """One number for each of the stream."""
        size = shape[-1] if shape else 1
        firsts = stream[::size]
        return [Fraction(place == first % size) for first in firsts for place in range(size)]


Kind = Numbers | OneOf | Mask | OneHot

_TARGETS: Mapping[str, Kind] = {"distribution": OneHot(), "bits": OneOf((0, 1)), "signs": OneOf((-1, 1))}
"""What is drawn for a target, by what its loss says that it is; classes are found by what they index."""


def _kinds(program: Program, built: Built) -> dict[str, Kind]:
    """What the arrays hold that are not just numbers."""
    kinds: dict[str, Kind] = {}
    for node in built.nodes:
        stated = node.stated(None if built.batch is None else built.batch.samples(built.names.shapes))
        rate = getattr(node.layer, "rate", None)
        if isinstance(rate, Fraction):
            kinds |= dict.fromkeys(stated.draws, Mask(rate))
        variances = [p.name for p in node.parameters if p.role == "statistic" and p.name.startswith("var")]
        kinds |= dict.fromkeys(variances, Numbers(positive=True))
    if built.loss is not None and built.loss.target is not None and built.target_is in _TARGETS:
        kinds[built.loss.target.name] = _TARGETS[built.target_is]
    kinds |= dict.fromkeys(built.factors, Numbers(positive=True))
    return kinds | {name: OneOf(tuple(range(1, size + 1))) for name, size in _classes(program).items()}


def _classes(program: Program) -> dict[str, int]:
    """The arrays that stand in an index, as t in `y[t]`, with how far the axis reaches; 1 where that is not plain."""
    from backcalc.formula.tree import Num, Reduce, Ref, walk

    found = dict.fromkeys(sorted(program.index_names & set(program.leaves)), 0)

    def note(index: Expr, size: int | None) -> None:
        for part in walk(index):
            if isinstance(part, Ref) and part.name in found:
                reach = size if part is index and size is not None else 1
                found[part.name] = min(found[part.name] or reach, reach)

    for equation in program.equations:
        for node in walk(equation.body):
            if isinstance(node, Ref):
                shape = program.shape(node.name) if node.indices and node.name in program.shapes else None
                for axis, index in enumerate(node.indices):
                    note(index, None if shape is None else shape[axis])
            elif isinstance(node, Reduce) and node.exclude is not None and isinstance(node.upper, Num):
                note(node.exclude, node.upper.value.numerator)
    return {name: reach or 1 for name, reach in found.items()}
