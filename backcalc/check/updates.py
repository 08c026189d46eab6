"""Updates of parameters: `w1 ← w1 − η ∂J/∂w1` speaks of the new w1 on its left and of the old one on its right.

Students mark the new value with an arrow, a word, a prime, a plus, a step number, or not at all. Where nothing marks
it, both readings stay open: the old value, which the key gives, and the new one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from backcalc.check.names import NotFormula, Translator, Unknown
from backcalc.check.subject import Subject
from backcalc.formula.latex_chain import Side
from backcalc.formula.tree import Add, Expr, Neg, Ref, rebuild, walk

Sides = tuple[Side, ...]

_NEW = re.compile(r"_?(?:new|next|updated|neu)|'|\+")
_OLD = re.compile(r"_?(?:old|prev|alt)")
_STEM = r"(?P<stem>\\?[A-Za-zα-ω]+(?:_?\d+|_\{\d+(?:,\s?\d+)*\}|_[A-Za-z0-9])?)"
_LATER = re.compile(
    rf"{_STEM}\s*(?P<mark>[_^]?\{{?[(\[]?(?P<step>[tkn])\s*\+\s*1[)\]]?\}}?)(?=\s*(?::?=|\\leftarrow|←))"
)
_FIRST = re.compile(rf"{_STEM}(?P<mark>\^\{{?\(1\)\}}?)(?=\s*(?::?=|\\leftarrow|←).*\^\{{?\(0\)\}}?)")
_PLUS = re.compile(rf"{_STEM}(?P<mark>\^\{{?\+\}}?|\((?:new|neu)\)|\^\{{?\*\}}?)(?=\s*(?::?=|\\leftarrow|←))")
_COMMA = re.compile(r"(?P<head>_\{\d+(?:,\d+)*),\s?(?:\\text\{\s*|\\mathrm\{\s*)?(?P<word>new|old)\}?\}")
_LOWERED = re.compile(r"_(?=\{\s*(?:\\text\{|\\mathrm\{)?\s*(?:new|old|neu|alt)\s*\}?\})")
_STEPWISE = re.compile(rf"^(?P<before>\s*{_STEM}\s*)(?P<sign>[-−+])=(?!=)")
_SAID = re.compile(
    r"(?:\\to|\\(?:long)?rightarrow|→|->)\s*$"
    r"|\b(?:new|updated?|updating|after (?:the |one |an? |this )?(?:update|step)|neue[nrs]?|aktualisiert\w*"
    r"|nouve(?:au|lle)s?|mis(?:e)? à jour)\b",
    re.IGNORECASE,
)


def spelled_updates(text: str, subject: Subject) -> str:
    """The text with a prime for each mark of a new value, and blanks for one of an old value; no longer, no shorter.

    >>> from backcalc.check.subject import network_subject
    >>> from backcalc.net import load_network
    >>> square = network_subject(load_network({"equations": "J = w^2", "values": {"w": 1}}))
    >>> spelled_updates("w^{(t+1)} = w^{(t)} - 2", square)
    "w'        = w       - 2"
    """
    if not _updated(subject):
        return text
    text = _LOWERED.sub("^", text)
    text = _COMMA.sub(
        lambda found: (found["head"] + ("}'" if found["word"] == "new" else "}")).ljust(len(found[0])), text
    )
    found = _LATER.search(text) or _FIRST.search(text) or _PLUS.search(text)
    if found is None or not _is_parameter(found["stem"], subject):
        return text
    before = "".join("0" if "step" not in found.groupdict() else found["step"])
    text = text[: found.start("mark")] + "'".ljust(len(found["mark"])) + text[found.end("mark") :]
    marks = re.compile(rf"(?<=[\w}}])\s?(?:[_^]\{{?)?[(\[]{before}[)\]]\}}?|(?<=[\w}}])[_^]\{{?{before}\}}?(?![\w+])")
    return text[: found.end("mark")] + marks.sub(lambda mark: " " * len(mark[0]), text[found.end("mark") :])


def _is_parameter(stem: str, subject: Subject) -> bool:
    name = re.sub(r"[\\_{}\s]", "", stem)
    return _new(Ref(name), subject) is not None


def stepwise(text: str) -> tuple[str, str]:
    """`w1 -= 3` as `w1  = 3` and the sign that it had; any other text with no sign."""
    found = _STEPWISE.match(text)
    if found is None:
        return text, ""
    at = found.start("sign")
    return f"{text[:at]} {text[at + 1 :]}", "+" if found["sign"] == "+" else "-"


def readings(
    sides: Sides, relations: tuple[str, ...], before: str, subject: Subject, sign: str = ""
) -> Iterator[Sides]:
    """The sides as they may be meant, the likeliest first: of the new value of a parameter, or as they stand.

    `before` are the words before the chain on its line.
    """
    if not _updated(subject) or len(sides) < 2:
        yield sides
        return
    sides = tuple(replace(side, expr=_old(side.expr, subject)) for side in sides)
    first = sides[0]
    target = _new(first.expr, subject)
    if target is None:
        yield sides
        return
    assert isinstance(first.expr, Ref)
    new, name = target
    if sign:
        old: Expr = name
        change = Neg(sides[1].expr) if sign == "-" else sides[1].expr
        yield (replace(first, expr=new), replace(sides[1], expr=Add((old, change))), *sides[2:])
        return
    changed = (replace(first, expr=new), *sides[1:])
    again = any(_reads(side.expr, first.expr, name) for side in sides[1:])
    likely = again or relations[0] in ("←", ":=") or _SAID.search(before) is not None
    if first.expr.name.endswith("'"):
        yield changed
        if not likely:
            yield sides
    elif first.expr != name and _NEW.search(first.expr.name):
        yield changed
    elif likely:
        yield changed
        yield sides
    else:
        yield sides
        yield changed


def _updated(subject: Subject) -> bool:
    return subject.loss is not None and subject.rate is not None


def _reads(expr: Expr, *names: Expr) -> bool:
    return any(node in names for node in walk(expr))


def _new(expr: Expr, subject: Subject) -> tuple[Ref, Ref] | None:
    """The new value of a parameter, for its name with or without a mark, and the name without; None for any other."""
    if not isinstance(expr, Ref):
        return None
    plain = expr
    found = _known(plain, subject)
    if found is None and (mark := re.search(rf"(?:{_NEW.pattern})$", expr.name)):
        plain = Ref(expr.name[: mark.start()], expr.indices)
        found = _known(plain, subject)
    if found is None or f"new_{found.name}" not in subject.program.shapes:
        return None
    return Ref(f"new_{found.name}", found.indices), plain


def _old(expr: Expr, subject: Subject) -> Expr:
    """The formula with the plain name for `w_old`."""
    if isinstance(expr, Ref):
        mark = re.search(rf"(?:{_OLD.pattern})$", expr.name)
        plain = Ref(expr.name[: mark.start()], expr.indices) if mark else None
        return plain if plain is not None and _known(plain, subject) is not None else expr
    return rebuild(expr, lambda part: _old(part, subject))


def _known(ref: Ref, subject: Subject) -> Ref | None:
    if not ref.name:
        return None
    try:
        found = Translator(subject)(ref)
    except (Unknown, NotFormula):
        return None
    return found if isinstance(found, Ref) else None
