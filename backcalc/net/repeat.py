"""`repeat: {name, times, layers}`: a block of layers several times over, each time with weights of its own.

The names in a block get `_1`, `_2`, … behind them, own names of weights too. Inside the block its name stands for what
the block reads, so that a residual can be written `add: [block, h]`; behind it for what its last copy puts out. With
`sizes: {c: [64, 128]}` the letter c is 64 in the first copy and 128 in the second. Where `times` is a size without a
number the block stands once, and says for how many copies: it can be counted, but has no equations.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from backcalc.formula.size import Size
from backcalc.layers import Layer
from backcalc.layers.fields import LETTERS, Entries, Read, positive
from backcalc.net.load import Document, Path
from backcalc.net.spec import MOST_LAYERS, Name


def _times(value: object) -> int:
    """A whole number from 1, or a letter alone."""
    number = positive(value)
    if isinstance(number, Size) and not str(number).isidentifier():
        raise ValueError("expected a whole number from 1 or a letter alone")
    return number


def _per_copy(value: object) -> tuple[int, ...]:
    """Sizes from 1, one for each copy of a block."""
    if not isinstance(value, list | tuple):
        raise ValueError("expected a list of whole numbers, one for each copy")
    return tuple(positive(item) for item in value)


PerCopy = Annotated[tuple[int, ...], Read(_per_copy, {"type": "array", "items": {"type": "integer", "minimum": 1}})]


class Repeat(BaseModel):
    """A block of layers several times over, each time with weights of its own."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    name: Name | None = Field(
        None, description="name of the block: inside it what it reads, behind it what it puts out"
    )
    times: Annotated[int, Read(_times, {"anyOf": [{"type": "integer", "minimum": 1}, dict(LETTERS)]})] = Field(
        description="number of copies"
    )
    layers: list[Any] = Field(description="the layers of the block, in order")
    sizes: dict[Name, PerCopy] | None = Field(
        None, description="numbers of letters that stand for sizes in the block: a list, one for each copy"
    )

    def letters(self, copy: int) -> dict[str, int]:
        """What the letters of the block stand for in that copy, counted from 0."""
        return {word: numbers[copy] for word, numbers in (self.sizes or {}).items()}

    def misfits(self) -> dict[str, int]:
        """The letters that have not one number for each copy, and how many they have."""
        return {word: len(numbers) for word, numbers in (self.sizes or {}).items() if len(numbers) != self.times}


@dataclass(frozen=True, slots=True)
class Entry:
    """A layer in its order: its name, where it stands in the file, and the layer, None where it could not be read.

    `suffix` is what names in the block that it comes from get behind them. `copies` is how many layers it stands for,
    one behind the other, where their number is a letter; the last layer of such a block names what the block reads, to
    whose shape it must come `back`.
    """

    name: str
    path: Path
    layer: Layer | None
    suffix: str = ""
    copies: int = 1
    back: str | None = None


@dataclass(frozen=True, slots=True)
class Single:
    """A layer as the file has it, with the name that the file gives it."""

    kind: str
    name: str | None
    path: Path
    layer: Layer | None


@dataclass(frozen=True, slots=True)
class Block:
    """A block as the file has it. `copies` are its items for each time, or once where they are the same each time."""

    name: str | None
    times: int
    path: Path
    copies: tuple[tuple[Single | Block, ...], ...]

    def size(self) -> int:
        """How many layers it is written out as."""
        if len(self.copies) > 1:
            return sum(map(size_of, self.copies))
        return size_of(self.copies[0]) * (1 if isinstance(self.times, Size) else self.times)

    @property
    def numbers(self) -> Sequence[int]:
        """The numbers of the copies that are written out, from 1; the letter alone where there are so many."""
        if isinstance(self.times, Size):
            return (self.times,)
        return range(1, self.times + 1) if self.size() else ()

    def items(self, copy: int) -> tuple[Single | Block, ...]:
        """What stands in a copy, counted from 1."""
        return self.copies[0] if len(self.copies) == 1 else self.copies[copy - 1]


def size_of(items: tuple[Single | Block, ...]) -> int:
    """How many layers the items stand for."""
    return sum(item.size() if isinstance(item, Block) else 1 for item in items)


def expanded(document: Document, items: tuple[Single | Block, ...], first: str | None) -> list[Entry]:
    """The layers one after the other, blocks written out. `first` is what the first of them reads."""
    if size_of(items) > MOST_LAYERS:
        document.report(("layers",), f"there are more than {MOST_LAYERS} layers", key=True)
        return []
    expansion = _Expansion(document, first)
    return list(expansion.entries(items, {}, ""))


@dataclass
class _Expansion:
    """`last` is what the layer before put out, `counts` how many layers there are of a kind."""

    document: Document
    last: str | None
    counts: Counter[str] = field(default_factory=Counter)

    def entries(self, items: tuple[Single | Block, ...], outside: Mapping[str, str], suffix: str) -> Iterator[Entry]:
        """The items as entries; `outside` says what names around them stand for, `suffix` what theirs get."""
        known = dict(outside)
        known |= {item.name: item.name + suffix for item in items if isinstance(item, Single) and item.name}
        for item in items:
            if isinstance(item, Single):
                entry = self.entry(item, known, suffix)
                self.last = entry.name
                yield entry
                continue
            if item.name is not None and item.name in known:
                message = f"the name `{item.name}` of the block is taken by a layer or another block"
                self.document.report((*item.path, "name"), message, "give it another name")
            for copy in item.numbers:
                before, items_here = self.last, item.items(copy)
                here = self.entries(items_here, known | self._named(item), f"{suffix}_{copy}")
                yield from _each(here, item.times, before) if isinstance(item.times, Size) else here
                inner = (each.name for each in items_here if isinstance(each, Single) and each.name)
                known |= {f"{name}_{copy}": f"{name}{suffix}_{copy}" for name in inner}
            known |= self._named(item)

    def _named(self, block: Block) -> dict[str, str]:
        """What the name of a block stands for, where it has one: what was put out last."""
        return {block.name: self.last} if block.name and self.last else {}

    def entry(self, item: Single, known: Mapping[str, str], suffix: str) -> Entry:
        self.counts[item.kind] += 1
        name = f"{item.kind}_{self.counts[item.kind]}" if item.name is None else item.name + suffix
        if item.layer is None:
            return Entry(name, item.path, None, suffix)
        changed: dict[str, object] = {}
        if item.layer.inputs is not None:
            changed["inputs"] = tuple(known.get(word, word) for word in item.layer.inputs)
        if (also := type(item.layer).also) is not None and (word := getattr(item.layer, also)) is not None:
            changed[also] = known.get(word, word)
        for argument in ("weights", "biases"):
            given = getattr(item.layer, argument, None)
            if given is not None and suffix:
                changed[argument] = _suffixed(given, suffix)
        return Entry(name, item.path, item.layer.model_copy(update=changed) if changed else item.layer, suffix)


def _each(entries: Iterator[Entry], copies: int, before: str | None) -> Iterator[Entry]:
    """The layers of a block that stands so many times, a letter; `before` is what it reads."""
    layers = [replace(entry, copies=copies * entry.copies) for entry in entries]
    yield from layers[:-1]
    yield from (replace(last, back=last.back or before) for last in layers[-1:])


def _suffixed(entries: Entries, suffix: str) -> Entries:
    """Own names of weights with a suffix, numbers as they are."""
    match entries:
        case tuple():
            return tuple(_suffixed(entry, suffix) for entry in entries)
        case str():
            return entries + suffix
        case _:
            return entries
