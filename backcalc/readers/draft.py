"""A network as a reader writes it down, layer by layer: checked at once, and in the end a net.yaml file.

What a file calls its layers is kept as far as it can be a name; whatever is changed on the way stands in a comment.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from pydantic import ValidationError

from backcalc.formula.functions import FUNCTIONS, REDUCTIONS
from backcalc.formula.program import CONSTANTS
from backcalc.formula.size import Size
from backcalc.formula.source import ProgramErrors
from backcalc.layers import KINDS, Layer, Shape, ShapeError
from backcalc.layers.base import show_shape
from backcalc.net.spec import LARGEST_SIZE, MOST_LAYERS
from backcalc.net.text import inline
from backcalc.readers.bounded import refuse

RESERVED = frozenset({*CONSTANTS, *FUNCTIONS, *REDUCTIONS})
LONGEST_NAME = 60
WIDEST = 116

_ODD = re.compile(r"\W+|__+", re.ASCII)


def clean(word: str, otherwise: str = "x") -> str:
    """A word as a name: letters, digits and `_`, a letter first.

    >>> clean("/layer1/layer1.0/conv1"), clean("20", "dense")
    ('layer1_layer1_0_conv1', 'dense_20')
    """
    plain = _ODD.sub("_", word).strip("_")[-LONGEST_NAME:].strip("_")
    return plain if plain[:1].isalpha() else f"{otherwise}_{plain}".rstrip("_")


def alike(numbers: Sequence[int]) -> int | list[int]:
    """One number where they are all the same.

    >>> alike([3, 3]), alike([1, 2])
    (3, [1, 2])
    """
    return numbers[0] if len(set(numbers)) == 1 else list(numbers)


@dataclass(frozen=True, slots=True)
class _Entry:
    """A layer as it is written: its kind, its arguments, and what is said of it."""

    kind: str
    arguments: Mapping[str, Any]
    comment: str | None


class Draft:
    """The layers so far. `shapes` are those of inputs and outputs by name, without the batch axis."""

    def __init__(self, file: str, title: str) -> None:
        self.file, self.title = file, "".join(letter for letter in title if letter.isprintable()) or "network"
        self.notes: list[str] = []
        self.shapes: dict[str, Shape] = {}
        self.output: str | None = None
        self._inputs: dict[str, Shape] = {}
        self._entries: list[_Entry] = []
        self._taken: set[str] = set()
        self._last: str | None = None
        self._arrays: dict[str, tuple[str, ...]] = {}
        self._letters: list[Size] = []

    def input(self, word: str, shape: Sequence[int]) -> str:
        """States an input of the network, and returns its name."""
        if not shape or len(shape) > 8 or not all(map(_sensible, shape)):
            refuse(self.file, f"the input `{word[:60]}` has the shape {show_shape(tuple(shape)[:9])} without its batch")
        name = self.fresh(clean(word))
        self._inputs[name] = self.shapes[name] = tuple(shape)
        self._last = name if len(self._inputs) == 1 else None
        self._taken.add(name)
        return name

    def letter(self, word: str) -> Size:
        """States a size that stays open, and returns it."""
        size = Size.letter(self.fresh(clean(word, "n")))
        self._taken |= size.letters
        self._letters.append(size)
        return size

    def fresh(self, word: str) -> str:
        """The word, or the word with a number that nothing is called by."""
        name, count = word, 0 if word in RESERVED else 1
        while name in self._taken or name in RESERVED:
            count += 1
            name = f"{word}_{count}"
        return name

    def add(self, kind: str, word: str, sources: Sequence[str], *, comment: str | None = None, **arguments: Any) -> str:
        """Adds a layer that reads `sources`, and returns its name. Raises InputError where it cannot be."""
        if len(self._entries) >= MOST_LAYERS:
            refuse(self.file, f"there are more than {MOST_LAYERS} layers")
        name = self._free(clean(word, kind))
        fields = {key: value for key, value in arguments.items() if value is not None}
        try:
            layer = KINDS[kind].model_validate({"name": name, "inputs": tuple(sources), **fields})
            layer = layer.reading(tuple(sources), tuple(self.shapes[source] for source in sources))
            shape = layer.output_shape(self.shapes[sources[0]])
            arrays = tuple(array.name for array in layer.parameters(name, self.shapes[sources[0]]))
        except (ValidationError, ShapeError, ProgramErrors) as error:
            refuse(self.file, f"layer `{word[:80]}` ({kind}): {_reason(error)}")
        if not shape or not all(map(_sensible, shape)):
            refuse(self.file, f"layer `{word[:80]}` ({kind}) would put out {show_shape(shape)}")
        written = {"name": name, **_unlike_defaults(layer, fields)}
        if layer.several or tuple(sources) != (self._last,):
            written = {"name": name, "inputs": list(sources), **written}
        self._entries.append(_Entry(kind, written, comment))
        self._taken |= {name, *arrays}
        self.shapes[name], self._arrays[name], self._last = shape, arrays, name
        return name

    def array(self, name: str, prefix: str) -> str | None:
        """What the array of a layer is called that begins so: `W_` of a dense layer."""
        return next((array for array in self._arrays[name] if array.startswith(prefix)), None)

    def remark(self, comment: str) -> None:
        """Says something of the layer that was added last."""
        last = self._entries[-1]
        joined = comment if last.comment is None else f"{last.comment}; {comment}"
        self._entries[-1] = _Entry(last.kind, last.arguments, joined)

    def note(self, text: str) -> None:
        """Says something of the network, once."""
        if text not in self.notes:
            self.notes.append(text)

    def text(self) -> str:
        """The net.yaml file."""
        if not self._entries:
            refuse(self.file, "the file has no layers")
        if len(self._inputs) > 1 and "inputs" not in (first := self._entries[0]).arguments:  # it was the only one then
            own = {"name": first.arguments["name"], "inputs": [next(iter(self._inputs))], **first.arguments}
            self._entries[0] = _Entry(first.kind, own, first.comment)
        lines = [*(line for note in self.notes for line in _comment(note))]
        lines += [f"name: {inline(self.title)}"]
        letters = {letter: None for size in self._letters for letter in sorted(size.letters)}
        lines += [f"sizes: {inline(letters)}"] if letters else []
        lines += [f"input: {inline(self._inputs)}", "layers:"]
        for entry in self._entries:
            lines += [f"  {line}" for line in _comment(entry.comment)] if entry.comment else []
            lines.append(f"  - {entry.kind}: {inline(entry.arguments)}")
        if self.output is not None and self.output != self._last:
            lines.append(f"output: {self.output}")
        return "\n".join(lines) + "\n"

    def _free(self, word: str) -> str:
        """A name for a layer whose arrays have free names too."""
        name = self.fresh(word)
        while any(f"{letter}_{name}" in self._taken for letter in ("W", "b", "E", "P", "gamma", "beta", "U", "bU")):
            self._taken.add(name)
            name = self.fresh(word)
        return name


def _sensible(size: int) -> bool:
    """Whether an axis may be so long; one with a letter in it may."""
    return isinstance(size, Size) or 1 <= size <= LARGEST_SIZE


def _unlike_defaults(layer: Layer, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that say something."""
    defaults = {field.alias or name: field.default for name, field in type(layer).model_fields.items()}
    return {key: value for key, value in fields.items() if key not in defaults or not _same(value, defaults[key])}


def _same(value: object, default: object) -> bool:
    return (type(value) is type(default) and value == default) or (
        isinstance(value, Fraction | int) and isinstance(default, Fraction) and value == default
    )


def _reason(error: ValidationError | ShapeError | ProgramErrors) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    faults = error.errors(include_url=False, include_input=False, include_context=False)
    said = (
        f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" if fault["loc"] else str(fault["msg"])
        for fault in faults[:3]
    )
    return "; ".join(each.replace("Value error, ", "") for each in said)


def _comment(text: str) -> list[str]:
    """A comment, on lines that fit."""
    from textwrap import wrap

    plain = "".join(letter if letter.isprintable() else " " for letter in text)
    return wrap(plain, WIDEST, initial_indent="# ", subsequent_indent="# ", break_long_words=False)
