"""The numbers that a file gives: `values`, with ranges of names, elements, nested lists, and files of arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from math import prod
from pathlib import Path as FilePath
from typing import Any, cast

from backcalc.layers import Shape
from backcalc.layers.base import show_shape
from backcalc.layers.fields import Nested
from backcalc.net.load import Document, NumberError, Path, exact_number
from backcalc.net.names import NameFault, Names, Place
from backcalc.net.nested import LARGEST_ARRAY, filled, fits, flat, folded, shape_of
from backcalc.net.spec import described

MOST_PLACES = 20_000


class Values:
    """Collects the values of a file; what is wrong with names and types goes to the document at once, what is wrong
    with shapes to `document` too, by `check_shapes`, when everything else is known to be right. Where what is missing
    is drawn afterwards, arrays may be `completed`: some elements are given, the others not.
    """

    def __init__(self, document: Document, folder: FilePath | None, root: Path = ("values",)) -> None:
        self.document = document
        self.folder = folder
        self.root = root
        self.count = 0
        self.completed = False
        self.found: dict[str, tuple[Path, Nested]] = {}
        self.elements: dict[str, dict[tuple[int, ...], tuple[Path, Fraction]]] = {}

    def read(self, raw: Mapping[str, Any], names: Names, computed: Mapping[str, str]) -> None:
        """Reads every entry; `computed` says of the names that take no value why they do not."""
        for word, value in raw.items():
            path: Path = (*self.root, word)
            if word == "file" and "file" not in names.shapes:
                self._read_file(value, path, names, computed)
                continue
            number = self._numbers(value, path)
            if number is not None:
                self._assign(word, number, path, names, computed)

    def take(self, array: str, value: object, path: Path) -> None:
        """Takes the value of an array that stands elsewhere in the file."""
        number = self._numbers(value, path)
        if number is not None:
            self._keep(Place(array), number, path)

    def _assign(self, word: str, number: Nested, path: Path, names: Names, computed: Mapping[str, str]) -> None:
        try:
            places = list(names.places(word))
            self.count += len(places)
            if self.count > MOST_PLACES:
                raise NameFault(f"the ranges name more than {MOST_PLACES} places", "give an array as a list")
        except NameFault as fault:
            self.document.report(path, fault.message, fault.help, key=True)
            return
        for place in places:
            if place.array in computed:
                self.document.report(path, f"`{place.array}` takes no value: {computed[place.array]}", key=True)
                return
            self._keep(place, number, path)

    def _keep(self, place: Place, number: Nested, path: Path) -> None:
        elements = self.elements.setdefault(place.array, {})
        if place.array in self.found or (place.indices is None and elements) or place.indices in elements:
            self.document.report(path, f"`{place}` has a value already", "give every name its value once", key=True)
        elif place.indices is None:
            self.found[place.array] = (path, number)
        elif isinstance(number, Fraction):
            elements[place.indices] = (path, number)
        else:
            self.document.report(path, f"`{place}` is one number, but its value is a list")

    def _numbers(self, value: object, path: Path) -> Nested | None:
        """A value as exact numbers; None where it is none, which is reported."""
        if isinstance(value, list):
            if not value:
                self.document.report(path, "expected numbers, got an empty list")
                return None
            items = [self._numbers(item, (*path, number)) for number, item in enumerate(value)]
            return None if any(item is None for item in items) else cast(Nested, tuple(items))
        if isinstance(value, str):
            try:
                value = exact_number(value.strip())
            except NumberError as error:
                self.document.report(path, str(error))
                return None
        if isinstance(value, int | Fraction) and not isinstance(value, bool):
            return Fraction(value)
        got = described(self._raw(path))
        self.document.report(path, f"expected a number or a list of numbers, got {got}", _LEAVE_OUT)
        return None

    def _raw(self, path: Path) -> object:
        here: Any = self.document.data
        for step in path:
            here = here[step]
        return here

    def _read_file(self, value: object, path: Path, names: Names, computed: Mapping[str, str]) -> None:
        from backcalc.net.arrays import ArrayFault, read_arrays

        if not isinstance(value, str):
            self.document.report(path, f"`file`: expected a path, as `arrays.npz`, got {described(value)}")
            return
        try:
            arrays = read_arrays(value, self.folder)
        except ArrayFault as fault:
            self.document.report(path, str(fault))
            return
        for word, number in arrays.items():
            self._assign(word, number, path, names, computed)

    def samples(self, sampled: Mapping[str, Shape]) -> Iterator[int]:
        """How many samples the values show: their first axes, where they have one more than one sample has."""
        for array, (_, number) in self.found.items():
            given = shape_of(number)
            if array in sampled and given and len(given) == len(sampled[array]) + 1:
                yield given[0]

    def refuse_samples(self, sampled: Mapping[str, Shape], size: str) -> None:
        """Reports the values of arrays of all samples: none of them shows how many samples there are."""
        for array, (path, number) in self.found.items():
            given = shape_of(number)
            if array in sampled and given is not None:
                wanted = f"[{', '.join((size, *map(str, sampled[array])))}]"
                came = f"has the shape {show_shape(given)}" if given else "is one number"
                help = f"give a value for every sample, or `{size}` its number, as in `sizes: {{{size}: 4}}`"
                self.document.report(path, f"`{array}` has the shape {wanted}, but its value {came}", help)

    def check_shapes(self, shapes: Mapping[str, Shape | None]) -> dict[str, Nested]:
        """The values, each in the shape of its array; what does not fit is reported."""
        result: dict[str, Nested] = {}
        for array, (path, number) in self.found.items():
            fitted = self._fitted(array, path, number, shapes.get(array))
            if fitted is not None:
                result[array] = fitted
        for array, elements in self.elements.items():
            whole = self._whole(array, elements, shapes.get(array)) if elements else None
            if whole is not None:
                result[array] = whole
        return result

    def _fitted(self, array: str, path: Path, number: Nested, shape: Shape | None) -> Nested | None:
        given = shape_of(number)
        if given is None:
            rows = "a list of lists has rows of one length"
            self.document.report(path, f"the value of `{array}` is not rectangular", rows)
            return None
        if shape is None or given == shape:
            return number
        if not given:
            if prod(shape) <= LARGEST_ARRAY:
                return cast(Nested, filled(number, shape))
            self.document.report(path, f"`{array}` has the shape {show_shape(shape)}: too large to be filled")
            return None
        if fits(given, shape):
            return cast(Nested, folded(list(flat(number)), shape))
        wanted = f"has the shape {show_shape(shape)}" if shape else "is one number"
        self.document.report(path, f"`{array}` {wanted}, but its value has the shape {show_shape(given)}")
        return None

    def _whole(
        self, array: str, elements: Mapping[tuple[int, ...], tuple[Path, Fraction]], shape: Shape | None
    ) -> Nested | None:
        """An array whose elements were given one by one."""
        path = next(iter(elements.values()))[0]
        if shape is None:
            self.document.report(path, f"the size of `{array}` is a symbol: give its value as a whole", key=True)
            return None
        if len(elements) != prod(shape) and self.completed:
            return None
        if len(elements) != prod(shape):
            missing = next(index for index in _indices(shape) if index not in elements)
            self.document.report(path, f"`{Place(array, missing)}` has no value, but `{array}` has others", key=True)
            return None
        return cast(Nested, folded([elements[index][1] for index in _indices(shape)], shape))


_LEAVE_OUT = "leave a name out to keep it a symbol"


def _indices(shape: Shape) -> Any:
    from itertools import product

    return product(*(range(1, size + 1) for size in shape))
