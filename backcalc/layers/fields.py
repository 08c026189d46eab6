"""The types of the fields that a layer is written with in a file: whole numbers, exact numbers, entries.

Files hand over exact numbers (`int` or `Fraction`), so `2` and `4/2` are the same whole number and `0.1` is 1/10.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import Annotated, TypeAlias

from pydantic_core import core_schema

Nested: TypeAlias = Fraction | tuple["Nested", ...]
"""A number or a nested list of numbers."""

Entries: TypeAlias = str | Fraction | tuple["Entries", ...]
"""A name, a number, or a nested list of both: `[[w1, w2], [w3, 0]]`."""

LARGEST_WINDOW = 100_000
DEEPEST_LIST = 8


@dataclass(frozen=True, slots=True)
class Read:
    """How a field is read, by one function, and what the JSON Schema says of it.

    Recursive types stay recursive in the annotation; pydantic never looks into them.
    """

    reader: Callable[[object], object]
    json_schema: Mapping[str, object]

    def __hash__(self) -> int:
        return hash(self.reader)

    def __get_pydantic_core_schema__(self, source: object, handler: object) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(self.reader)

    def __get_pydantic_json_schema__(self, schema: object, handler: object) -> dict[str, object]:
        return dict(self.json_schema)


def whole(value: object) -> int:
    """The whole number that a file means.

    >>> whole(Fraction(4, 2))
    2
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, Fraction) and value.denominator == 1:
        return value.numerator
    raise ValueError("expected a whole number")


def exact(value: object) -> Fraction:
    """The exact number that a file means: `0.1` is 1/10, `"17/6"` is a fraction.

    >>> exact("17/6"), exact(3)
    (Fraction(17, 6), Fraction(3, 1))
    """
    if isinstance(value, int | Fraction) and not isinstance(value, bool):
        return Fraction(value)
    if isinstance(value, str) and len(value) <= 100:
        numerator, slash, denominator = value.partition("/")
        if not slash and "e" not in value.lower():
            with suppress(ValueError):
                return Fraction(value)
        if numerator.strip().lstrip("-").isdigit() and denominator.strip().isdigit() and int(denominator):
            return Fraction(int(numerator), int(denominator))
    raise ValueError("expected a number, as 2, 0.5 or 17/6")


def positive(value: object) -> int:
    """A whole number from 1 that a file means."""
    number = whole(value)
    if number < 1:
        raise ValueError("expected a whole number from 1")
    return number


def sizes(value: object) -> int | tuple[int, ...]:
    """One size of a window, or one per axis.

    >>> sizes([3, 5])
    (3, 5)
    """
    message = f"expected a whole number from 1 to {LARGEST_WINDOW}, or one per axis"
    return _cells(value, smallest=1, message=message)


def cells(value: object) -> int | tuple[int, ...]:
    """A number of cells, 0 too, or one per axis."""
    message = f"expected a whole number from 0 to {LARGEST_WINDOW}, or one per axis"
    return _cells(value, smallest=0, message=message)


def padding(value: object) -> str | int | tuple[int, ...]:
    """`valid`, `same`, or how many cells of padding stand on each side, or on each side per axis."""
    if value in ("valid", "same"):
        return str(value)
    message = f"expected valid, same, a whole number from 0 to {LARGEST_WINDOW}, or one per axis"
    return _cells(value, smallest=0, message=message)


def _cells(value: object, *, smallest: int, message: str) -> int | tuple[int, ...]:
    try:
        read = tuple(whole(item) for item in value) if isinstance(value, list | tuple) else whole(value)
    except ValueError:
        raise ValueError(message) from None
    numbers = read if isinstance(read, tuple) else (read,)
    if not numbers or not all(smallest <= number <= LARGEST_WINDOW for number in numbers):
        raise ValueError(message)
    return read


def entries(value: object, depth: int = 0) -> Entries:
    """Names and exact numbers, as deep as the file nests them.

    >>> entries(["w1", 2])
    ('w1', Fraction(2, 1))
    """
    if isinstance(value, list | tuple):
        if depth == DEEPEST_LIST:
            raise ValueError(f"a list of weights is at most {DEEPEST_LIST} lists deep")
        return tuple(entries(item, depth + 1) for item in value)
    if isinstance(value, str) and value.strip():
        return value.strip()
    if isinstance(value, int | Fraction) and not isinstance(value, bool):
        return Fraction(value)
    raise ValueError("expected a name, a number, or a list of names and numbers")


def _window_size(value: int | tuple[int, ...]) -> int | tuple[int, ...]:
    for size in value if isinstance(value, tuple) else (value,):
        if not 1 <= size <= LARGEST_WINDOW:
            raise ValueError(f"expected a whole number from 1 to {LARGEST_WINDOW}")
    return value


def _padding(value: str | int | tuple[int, ...]) -> str | int | tuple[int, ...]:
    for size in () if isinstance(value, str) else value if isinstance(value, tuple) else (value,):
        if not 0 <= size <= LARGEST_WINDOW:
            raise ValueError(f"expected valid, same, or a whole number from 0 to {LARGEST_WINDOW}")
    return value


def _sizes_schema(smallest: int) -> dict[str, object]:
    one = {"anyOf": [{"type": "integer", "minimum": smallest, "maximum": LARGEST_WINDOW}, dict(LETTERS)]}
    return {"anyOf": [*one["anyOf"], {"type": "array", "items": one, "minItems": 1}]}


LETTERS: Mapping[str, object] = MappingProxyType(
    {"type": "string", "description": "a size that `sizes` declares, or arithmetic with some, as 4*d"}
)
"""What the JSON Schema says of a size that is no number."""

Positive = Annotated[int, Read(positive, {"anyOf": [{"type": "integer", "minimum": 1}, dict(LETTERS)]})]
"""A whole number from 1."""

Sizes = Annotated[int | tuple[int, ...], Read(sizes, _sizes_schema(1))]
"""One whole number from 1, or one per axis."""

Cells = Annotated[int | tuple[int, ...], Read(cells, _sizes_schema(0))]
"""A number of cells, 0 too, or one per axis."""

Padding = Annotated[
    str | int | tuple[int, ...], Read(padding, {"anyOf": [{"enum": ["valid", "same"]}, _sizes_schema(0)]})
]
"""`valid` (none), `same` (the output is as large as the input, divided by the stride), or cells on each side."""

Exact = Annotated[
    Fraction,
    Read(exact, {"anyOf": [{"type": "number"}, {"type": "string", "pattern": "^-?[0-9]+/[0-9]+$"}]}),
]
"""An exact number: `2`, `0.1` (1/10), `17/6`."""

OwnEntries = Annotated[Entries, Read(entries, {"anyOf": [{"type": "string"}, {"type": "number"}, {"type": "array"}]})]
"""Own names and fixed numbers of an array's entries, or one name for the whole array."""
