"""What a key asks for, word by word: `w1`, `dJ/dw1`, `delta w1`, `new gamma`, `weights`, `conv2.weights`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from backcalc.check.names import NotFormula, Translator, Unknown
from backcalc.check.result import Expected
from backcalc.check.subject import Subject
from backcalc.derive.arrays import nested
from backcalc.derive.exact import Exact
from backcalc.formula.evaluate import Array
from backcalc.formula.print_text import to_text
from backcalc.formula.tree import Expr, Num, Ref
from backcalc.net.errors import did_you_mean
from backcalc.net.names import NameFault, Place
from backcalc.net.spec import shown

_STEP = re.compile(r"(?:(delta|Δ|\\Delta)\s*|(new)\s+)(.+)")
_QUOTIENT = re.compile(r"[d∂](?P<above>[^/]+)/[d∂](?P<below>.+)")
LONGEST = 200


@dataclass(frozen=True, slots=True)
class Ask:
    """One thing that is asked for; `target` is the quantity in the subject's names."""

    word: str
    target: Ref


def read_ask(word: str, subject: Subject) -> Ask:
    """What a word of `ask` stands for. Raises NameFault, with the nearest right name.

    >>> from backcalc.check.subject import network_subject
    >>> from backcalc.net import load_network
    >>> subject = network_subject(load_network("equations: 'J = (w*x - t)^2'"))
    >>> read_ask("dJ/dw", subject).target.name, read_ask("delta w", subject).target.name
    ('dJ/dw', 'Deltaw')
    """
    plain = word.strip()
    if len(plain) > LONGEST:
        raise NameFault(f"`{shown(word)}` is too long for a name")
    if found := _STEP.fullmatch(plain):
        place = subject.names.place(found[3].strip())
        prefix = "Delta" if found[1] else "new_"
        if f"{prefix}{place.array}" not in subject.program.shapes:
            if place.array not in subject.program.shapes or subject.loss is None:
                raise NameFault(f"`{shown(word)}`: nothing is updated here")
            raise NameFault(f"`{shown(word)}`: `{place.array}` is not a parameter that is updated")
        return Ask(word, _ref(Place(f"{prefix}{place.array}", place.indices)))
    if found := _QUOTIENT.fullmatch(plain):
        above = subject.names.place(found["above"].strip())
        below = subject.names.place(found["below"].strip("{} "))
        try:
            target = Translator(subject).derivative(_ref(above), _ref(below), frozenset())
        except (Unknown, NotFormula):
            raise NameFault(f"`{shown(word)}`: the key has no such derivative") from None
        assert isinstance(target, Ref)
        return Ask(word, target)
    if "." in plain and subject.counts is not None:
        layer, _, item = plain.rpartition(".")
        rows = [row.name for row in subject.counts.table.rows]
        if layer not in rows:
            hint = did_you_mean(layer, rows, f"the layers are {', '.join(rows[:12])}")
            raise NameFault(f"there is no layer `{shown(layer)}`", hint)
        name = f"{layer}_{item}"
        if name not in subject.counts.values:
            fields = [dotted.rpartition(".")[2] for dotted in subject.counts.dotted.values()]
            raise NameFault(f"`{shown(word)}`: a layer has no `{shown(item)}`", did_you_mean(item, fields))
        return Ask(word, Ref(name))
    if plain in subject.aliases and plain not in subject.program.shapes:
        return Ask(word, read_ask(subject.aliases[plain], subject).target)
    return Ask(word, _ref(subject.names.place(plain)))


def _ref(place: Place) -> Ref:
    return Ref(place.array, tuple(_number(index) for index in place.indices or ()))


def _number(index: int) -> Expr:
    from backcalc.formula.tree import num

    return num(index)


def expected_of(target: Expr, subject: Subject) -> Expected:
    """The value of a quantity, or its formula where values are open."""
    if not isinstance(target, Ref):
        return Expected()
    array = subject.exact.get(target.name)
    if array is None:
        return Expected(exact=formula_of(target, subject))
    if target.indices:
        if not all(isinstance(index, Num) for index in target.indices):
            return Expected(exact=formula_of(target, subject))
        place = tuple(index.value.numerator for index in target.indices if isinstance(index, Num))
        value = array.get(place)
        return Expected() if value is None else Expected(str(value), value.decimal())
    if () in array:
        return Expected(str(array[()]), array[()].decimal())
    return Expected(written_out(array))


def written_out(array: Array[Exact]) -> str:
    """The elements of an array as text: exact where that is short, else decimals."""
    if len(array) > 64:
        return f"an array of {len(array)} numbers"

    def text(value: Exact) -> str:
        exact = value.text()
        return exact if exact is not None and len(exact) <= 24 else value.digits(6)

    return str(nested(array, text)).replace("'", "")


def formula_of(target: Expr, subject: Subject) -> str | None:
    """The equation that defines a quantity, as text."""
    if not isinstance(target, Ref):
        return None
    if subject.counts is not None and target.name in subject.counts.formulas:
        return subject.counts.formulas[target.name]
    equation = subject.program.by_name.get(target.name)
    if equation is None:
        return None
    try:
        return to_text(equation.body)
    except ValueError:
        return None
