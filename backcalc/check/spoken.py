"""What a number or a formula without a name is about, from the words round it and from where it stands.

Words are never certain: where they may mean several quantities, one that fits makes the claim right, and where none
fits nothing is called wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from backcalc.check.counts import ROW_FIELDS, TOTAL_FIELDS, Counts
from backcalc.check.nouns import Said, said
from backcalc.check.read import Line
from backcalc.check.sections import Section, kind_of, layer_in, sections, steps
from backcalc.check.subject import Subject
from backcalc.formula.latex_chain import Side, Written
from backcalc.formula.tree import Neg, Num, Ref
from backcalc.net.network import Node

_NUMBER = re.compile(
    r"(?P<about>[~≈]\s?)?(?P<sign>[-−])?(?P<about2>[~≈]\s?)?(?P<digits>\d[\d,]*(?:\.\d+)?|\.\d+)"
    r"(?:[eE](?P<power>[+-]?\d{1,3}))?(?P<scale>[KkMB])?\s?(?P<percent>%)?(?:\s?/\s?(?P<below>[1-9]\d*))?"
)
_SCALES = {"K": 10**3, "k": 10**3, "M": 10**6, "B": 10**9}
_FOLLOWS = (r"\Rightarrow", r"\implies", r"\to", "⇒", "=>", "→")
_WHOLE = re.compile(
    r"^\W*$|total|\bsum\b|\ball\b|whole|entire|network|model|overall|param|weight|bias|connect|flop|mac", re.I
)
_WORD = re.compile(r"[^\W_]+")
_TOTALS = ("biases", "params", "weights", "connections", "macs", "flops", "trainable", "non_trainable")


@dataclass(frozen=True, slots=True)
class Meant:
    """The quantities that may be meant, the likeliest first; `sure` where it can only be these.

    `shape` are the layers whose output shape is meant, or whose kernel where `of` says so, `facts` further numbers that
    are right here though nothing has their name, as the multiplications of one output.
    """

    refs: tuple[Ref, ...] = ()
    sure: bool = False
    shape: tuple[str, ...] = ()
    facts: frozenset[Fraction] = frozenset()
    convention: str | None = None
    of: str = "shape"


@dataclass
class Speech:
    """The words of one problem's lines, with the layers that they are about."""

    subject: Subject
    lines: Sequence[Line]
    sections: Mapping[tuple[str, int], Section] = field(init=False)

    def __post_init__(self) -> None:
        files: dict[str, list[Line]] = {}
        for line in self.lines:
            files.setdefault(line.file, []).append(line)
        self.sections = {
            (file, number): section
            for file, lines in files.items()
            for number, section in sections(lines, self.subject).items()
        }

    def meant(self, line: Line) -> Meant | None:
        """What a number, a cell or a formula without a name is about; None where the words do not say."""
        counts = self.subject.counts
        if counts is None or not (line.beside or line.above or line.after):
            return None
        before = "" if line.text.startswith(_FOLLOWS) else line.beside
        found = said(before, line.after, line.above)
        if found is None:
            return self._row_shape(line) if line.above else None
        own = layer_in(line.beside, self.subject) if not line.above else None
        section = self.sections.get((line.file, line.number))
        layer = own or (section.layer if section is not None else None)
        if found.noun in ("shape", "kernel"):
            return self._shapes(layer, section, found.noun)
        if line.above and layer is None and not _WHOLE.search(line.beside):
            found = replace(found, counted=False)  # a row of its own, and nothing says of which layer
        return self._counted(found, layer, section, counts)

    def _shapes(self, layer: str | None, section: Section | None, of: str) -> Meant:
        names = tuple(node.name for node in steps(self.subject))
        if layer is not None and (section is None or section.sure):
            return Meant(sure=True, shape=(layer,), of=of)
        return Meant(shape=names, of=of)

    def _row_shape(self, line: Line) -> Meant | None:
        """The cell of a table that stands for the size of a map, between the rows of the layers."""
        names = tuple(node.name for node in steps(self.subject))
        return Meant(shape=names) if line.text == line.beside or line.above.lower().startswith("size") else None

    def _counted(self, found: Said, layer: str | None, section: Section | None, counts: Counts) -> Meant | None:
        noun = found.noun
        facts = self._facts(noun)
        if noun == "memory_bytes":
            return Meant(facts=facts)
        if noun not in (*ROW_FIELDS, *TOTAL_FIELDS):
            return Meant(facts=facts) if facts else None
        refs: list[Ref] = []
        sure = found.counted and not found.part
        if layer is not None and f"{layer}_{noun}" in counts.values:
            refs = [Ref(f"{layer}_{noun}")]
            sure = sure and (section is None or section.sure)
        elif noun in counts.values:
            refs = [Ref(noun)]
            rows = [name for name in counts.values if name.endswith(f"_{noun}") and counts.values[name]]
            sure = sure and (found.total or noun != "biases" or len(rows) <= 1)
        if not refs:
            return Meant(facts=facts)
        return Meant(tuple(refs), sure, facts=facts if not sure else frozenset(), convention=_bias(found, self.subject))

    def _facts(self, noun: str) -> frozenset[Fraction]:
        """Numbers that are right of some layer: what one output takes, how often that is done, what all rows have."""
        counts = self.subject.counts
        assert counts is not None
        values = counts.values
        found: set[Fraction] = set()
        for node in steps(self.subject):
            outputs = Fraction(values[f"{node.name}_activations"]) or Fraction(1)
            products = Fraction(values[f"{node.name}_macs"]) / outputs
            if noun in _TOTALS:
                found.add(Fraction(values.get(f"{node.name}_{noun}", 0)))
            if noun == "flops":
                found |= {Fraction(values[f"{node.name}_flops"]) / outputs, 2 * products - 1, 2 * products}
            if noun == "multiplications":
                found |= {products, products * outputs}
            if noun == "additions":
                found |= {products - 1, products, (products - 1) * outputs}
            if noun in ("filters", "times"):
                found.add(Fraction(node.output_shape[0]))
            if noun == "times":
                found |= {outputs, outputs / (node.output_shape[0] or 1)}
        if noun == "memory_bytes":
            sizes = (values["memory_bytes"], 4 * values["params"], 4 * values["total"])
            found |= {Fraction(size, unit) for size in sizes for unit in (1, 10**3, 2**10, 10**6, 2**20)}
        return frozenset(value for value in found if value)


def _bias(found: Said, subject: Subject) -> str | None:
    """The convention `bias` where the words say that this number has it the other way from the key."""
    counts = subject.counts
    if found.bias is None or counts is None:
        return None
    with_bias = counts.values["biases"] > 0
    return "bias" if found.bias != with_bias else None


def number(text: str) -> Side | None:
    """A number as it stands in prose, with its last digit: `1,200`, `~500K`, `77.6 %`.

    >>> side = number("~500K")
    >>> side.expr.value, side.numbers[0].half_unit
    (Fraction(500000, 1), Fraction(500, 1))
    """
    found = _NUMBER.fullmatch(text.strip())
    if found is None or len(text) > 40:
        return None
    digits = found["digits"].replace(",", "")
    value, decimals = Fraction(digits), len(digits.partition(".")[2])
    unit = Fraction(1, 10**decimals)
    scale = Fraction(_SCALES.get(found["scale"] or "", 1)) * Fraction(10) ** int(found["power"] or 0)
    about = bool(found["about"] or found["about2"])
    exact = not decimals and scale == 1 and not about
    half = Fraction(0) if exact else unit * scale / 2
    if found["percent"]:
        scale, half = scale / 100, half / 100
    if found["below"]:
        scale, half = scale / int(found["below"]), half / int(found["below"])
    written = Written(value * scale, text.strip(), half, about, "%" if found["percent"] else "")
    expr = Num(value * scale)
    return Side(Neg(expr) if found["sign"] else expr, (written,), 0, len(text))


def shown_shape(text: str) -> tuple[int, ...] | None:
    """The sizes of a shape that a program has printed: `(None, 24, 24, 6)`; without the batch.

    >>> shown_shape("(None, 128)"), shown_shape("(50000, 3072)")
    ((128,), (50000, 3072))
    """
    parts = [part.strip() for part in text.strip().strip("[]()").split(",") if part.strip()]
    sizes = parts[1:] if parts[:1] == ["None"] else parts
    return tuple(map(int, sizes)) if sizes and all(size.isdigit() and len(size) < 10 for size in sizes) else None


def words_of(name: str) -> frozenset[str]:
    """The words of an answer's name, in small letters."""
    return frozenset(word.casefold() for word in _WORD.findall(name.replace("_", " ")))


def answers_named(line: Line, subject: Subject) -> Iterator[Ref]:
    """The answers of the key all of whose words stand beside a number, those with most words first."""
    before = f"{line.beside} {line.above}" if line.beside or line.above else line.after
    words = words_of(before)
    fitting = [name for name in subject.bounds if words_of(name) and words_of(name) <= words]
    yield from (Ref(name) for name in sorted(fitting, key=lambda name: (-len(words_of(name)), name)))


def kind_shapes(subject: Subject, of: str = "shape") -> Mapping[str, tuple[int, ...]]:
    """The output shape of every layer that one counts on paper; or its kernel or window, with the depth it reaches."""
    if of == "shape":
        return {node.name: node.output_shape for node in steps(subject)}
    return {node.name: kernel for node in steps(subject) if (kernel := _kernel(node))}


def _kernel(node: Node) -> tuple[int, ...]:
    weight = next((parameter for parameter in node.parameters if parameter.role == "weight"), None)
    if kind_of(node) == "conv" and weight is not None:
        return tuple(size for size in weight.shape[1:] if isinstance(size, int))
    size = getattr(node.layer, "size", None)
    if kind_of(node) != "pool" or size is None:
        return ()
    return (size,) * (len(node.output_shape) - 1) if isinstance(size, int) else tuple(size)


__all__ = ["Meant", "Speech", "answers_named", "kind_of", "kind_shapes", "number", "shown_shape"]
