"""The names of a network: what each one is, its shape, and how elements and ranges of names are written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from backcalc.layers import Shape
from backcalc.net.errors import did_you_mean
from backcalc.net.spec import name, shown

LONGEST_RANGE = 10_000

_RANGE = re.compile(r"(.*?)([0-9]{1,9})\s*\.\.\s*(.*?)([0-9]{1,9})")
_ELEMENT = re.compile(r"([^\[\]]+)\[([0-9,\s]{1,60})\]")
_SCALAR = re.compile(r"(.*?)_?([0-9]{1,9})")


class NameFault(ValueError):
    """A name that stands for nothing here, with a way out."""

    def __init__(self, message: str, help: str | None = None) -> None:
        super().__init__(message)
        self.message, self.help = message, help


@dataclass(frozen=True, slots=True)
class Place:
    """An array, or one element of it at indices from 1."""

    array: str
    indices: tuple[int, ...] | None = None

    def __str__(self) -> str:
        return self.array if self.indices is None else f"{self.array}[{','.join(map(str, self.indices))}]"


@dataclass
class Names:
    """Every name of a network with its shape; None where a size is a symbol or not known yet.

    `loose` are layers that could not be read: what they would have defined is not called unknown.
    """

    shapes: dict[str, Shape | None] = field(default_factory=dict)
    loose: set[str] = field(default_factory=set)

    def places(self, text: str) -> Iterator[Place]:
        """The places that `W`, `z[1]`, `x1` (an element of the vector x) or `w1..w6` stand for.

        Raises NameFault, with the nearest name.

        >>> [str(place) for place in Names({"x": (3,), "w1": ()}).places("x1..x2")]
        ['x[1]', 'x[2]']
        """
        if text not in self.shapes and (found := _RANGE.fullmatch(text.strip())):
            yield from (self.place(single) for single in _expanded(text, *found.groups()))
        else:
            yield self.place(text.strip())

    def place(self, text: str) -> Place:
        """The one place that a name or an element stands for. Raises NameFault."""
        if text in self.shapes:
            return Place(text)
        found = _ELEMENT.fullmatch(text)
        try:
            plain = name(found[1] if found else text)
        except ValueError as error:
            raise NameFault(f"{error}, got `{shown(text)}`") from None
        if found is not None:
            indices = tuple(int(index) for index in found[2].split(",") if index.strip())
            self.known(plain)
            return self._element(plain, indices, text)
        if plain in self.shapes:
            return Place(plain)
        if (scalar := _SCALAR.fullmatch(plain)) and len(self.shapes.get(scalar[1]) or ()) == 1:
            return self._element(scalar[1], (int(scalar[2]),), text)
        self.known(plain)
        return Place(plain)

    def known(self, plain: str) -> None:
        """Raises NameFault where nothing has the name."""
        if plain not in self.shapes and not any(plain == layer or plain.endswith(f"_{layer}") for layer in self.loose):
            raise NameFault(f"unknown name `{shown(plain)}`", did_you_mean(plain, self.shapes, self._all()))

    def _all(self) -> str | None:
        names = [f"`{word}`" for word in self.shapes]
        more = f" and {len(names) - 12} more" if len(names) > 12 else ""
        return f"the names here are {', '.join(names[:12])}{more}" if names else None

    def _element(self, array: str, indices: tuple[int, ...], text: str) -> Place:
        shape = self.shapes.get(array)
        if shape is None:
            return Place(array, indices)
        if len(shape) != len(indices):
            takes = (
                "no index: it is a number" if not shape else "1 index" if len(shape) == 1 else f"{len(shape)} indices"
            )
            raise NameFault(f"`{shown(text)}`: `{array}` takes {takes}")
        for index, size in zip(indices, shape, strict=True):
            if not 1 <= index <= size:
                raise NameFault(f"`{shown(text)}` is outside of `{array}`: its indices run from 1 to {size}")
        return Place(array, indices)


def _expanded(text: str, first: str, start: str, last: str, stop: str) -> Iterator[str]:
    """The names of `w1..w6`, or of `w1..6`."""
    lower, upper = int(start), int(stop)
    if last not in ("", first):
        raise NameFault(f"the range `{shown(text)}` begins with `{first}` but ends with `{last}`")
    if lower > upper:
        raise NameFault(f"the range `{shown(text)}` runs backwards")
    if upper - lower >= LONGEST_RANGE:
        raise NameFault(f"the range `{shown(text)}` has more than {LONGEST_RANGE} names")
    return (f"{first}{number}" for number in range(lower, upper + 1))
