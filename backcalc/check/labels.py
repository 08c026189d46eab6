"""What a number or an array that a program has printed is: by its label, `'W1': array([[…]])`, or by its digits."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import replace
from fractions import Fraction

from backcalc.check.names import NotFormula, Translator, Unknown
from backcalc.check.read import Line, Read, chains, led
from backcalc.check.spoken import answers_named, number, shown_shape, words_of
from backcalc.check.subject import Subject
from backcalc.derive.target import derivative_name
from backcalc.formula.latex_chain import Side, Written
from backcalc.formula.tree import Num, Ref, Table, num

_SAYS = re.compile(r"(?:=|:|≈|\b(?:is|are|equals?|be|becomes|gives|of)\b)\s*(?:about|roughly|approximately)?\s*$")
_LABEL = re.compile(r"[A-Za-z_][\w/]{0,30}")
_CLOSE = re.compile(r"\bclose to\b|\babout\b|\bapprox|\broughly\b|\baround\b", re.IGNORECASE)
FEWEST_DIGITS = 6
"""A number without a label is recognised by its digits: so many at least."""


def is_close(line: Line) -> bool:
    """Whether the line says that its numbers are no more than close."""
    return _CLOSE.search(line.source.split("\n")[0]) is not None


def labelled(line: Line, asked: Collection[str], subject: Subject) -> Iterator[Read]:
    """The chains that a printed number or array may be, the likeliest first."""
    if subject.stated:
        yield from _answers(line, subject)
        return
    label = line.beside.strip()
    if label and not _LABEL.fullmatch(label):
        return
    if not label:
        yield from _recognised(line, asked, subject) if line.kind == "number" else ()
        return
    for target in _named(label, asked, subject):
        text = f"{label} = {' '.join(line.text.split())}"
        for read in chains(replace(line, text=text, fixed=len(line.text.split("\n")[0]), words=True), subject):
            if isinstance(read, Read) and read.links:
                first = read.links[0]
                yield replace(read, links=(replace(first, left=replace(first.left, expr=target)), *read.links[1:]))


def _named(label: str, asked: Collection[str], subject: Subject) -> Iterator[Ref]:
    """The quantities that a label may mean: its own, its gradient, its new value; what is asked for first."""
    try:
        own = Translator(subject)(Ref(label))
    except (Unknown, NotFormula):
        stem = re.fullmatch(r"d([A-Za-z]\w*)|grad_(\w+)", label)
        if stem is None:
            return
        try:
            own = Translator(subject)(Ref(stem[1] or stem[2]))
        except (Unknown, NotFormula):
            return
    if not isinstance(own, Ref):
        return
    slope = derivative_name(subject.loss, own.name) if subject.loss is not None else ""
    others = [name for name in (slope, own.name, f"new_{own.name}") if name in subject.program.shapes]
    for name in sorted(others, key=lambda name: name not in asked):
        yield Ref(name, own.indices)


def _recognised(line: Line, asked: Collection[str], subject: Subject) -> Iterator[Read]:
    """A number by itself, where it is one of the scalars that are asked for."""
    side = number(line.text)
    if side is None or len(re.sub(r"\D", "", line.text).lstrip("0")) < FEWEST_DIGITS:
        return
    plain = Read(line, (), False, side, side, ())
    for name in sorted({*asked, *((subject.loss,) if subject.loss else ())}):
        if name in subject.given.store and set(subject.given.store[name]) == {()}:
            yield led(plain, Ref(name))


def _answers(line: Line, subject: Subject) -> Iterator[Read]:
    """A number beside the words of an answer that the key states; a percentage also as it stands."""
    if line.kind == "shape":
        yield from _listed(line, subject)
        return
    side = number(line.text)
    before = line.source.split("\n")[0][: max(line.column - 1, 0)].rstrip()
    if side is None or not (_SAYS.search(line.beside) or before.endswith((":", "=")) or line.above):
        return
    for target in answers_named(line, subject):
        plain = Read(line, (), False, side, side, ())
        yield led(plain, target)
        if side.numbers[0].unit == "%" and isinstance(side.expr, Num):
            written = replace(side.numbers[0], value=side.expr.value * 100, half_unit=side.numbers[0].half_unit * 100)
            whole = replace(side, expr=Num(written.value), numbers=(written,))
            yield led(replace(plain, first=whole, last=whole), target)
        return


def _listed(line: Line, subject: Subject) -> Iterator[Read]:
    """A shape beside exactly the words of an answer that is a list."""
    sizes = shown_shape(line.text)
    names = [name for name in subject.exact if words_of(name) == words_of(line.beside)]
    if sizes is None or not names:
        return
    numbers = tuple(Written(Fraction(size), str(size)) for size in sizes)
    side = Side(Table(tuple(num(size) for size in sizes)), numbers, 0, len(line.text))
    yield led(Read(line, (), False, side, side, ()), Ref(names[0]))
