"""Chains in the language of the files, `dJ/db[j] = sum(i=1..N, dJ/dz[i,j]) = 0.5`, with their numbers as written."""

from __future__ import annotations

import re
from collections.abc import Collection
from fractions import Fraction

from backcalc.formula.errors import FormulaError
from backcalc.formula.latex_chain import Chain, Side, Written
from backcalc.formula.lexer import Token, number, tokens
from backcalc.formula.read import read_expression
from backcalc.formula.tree import Expr, Num, walk

_RELATIONS = {"=": "=", "≈": "≈", ":=": ":=", "~=": "≈", "==": "=="}
_RELATION = re.compile(r":=|~=|==|(?<![<>!=])=(?!=)|≈")


def plain_chain(text: str, losses: Collection[str]) -> Chain | None:
    """The chain that a line is in the language of the files; None where it is none.

    >>> from backcalc.formula.print_text import to_text
    >>> chain = plain_chain("s = sum(i=1..2, x[i]) = 0.70", ())
    >>> [to_text(side.expr) for side in chain.sides], chain.sides[-1].numbers[0].half_unit
    (['s', 'sum(i=1..2, x[i])', '7/10'], Fraction(1, 200))
    """
    cuts = [found for found in _RELATION.finditer(text) if not _inside(text, found.start())]
    places = [0, *(found.end() for found in cuts)]
    ends = [*(found.start() for found in cuts), len(text)]
    continues = bool(cuts) and not text[: cuts[0].start()].strip()
    sides: list[Side] = []
    try:
        for start, end in list(zip(places, ends, strict=True))[1 if continues else 0 :]:
            sides.append(_side(text[start:end], start, losses))
    except FormulaError:
        return None
    relations = tuple(_RELATIONS[found[0]] for found in cuts)
    if not relations:
        return None
    return Chain(tuple(sides), relations, continues, "", sides[0].start, sides[-1].end)


def _inside(text: str, at: int) -> bool:
    """Whether a place is inside brackets, where `=` names a range."""
    before = text[:at]
    return any(before.count(opener) > before.count(closer) for opener, closer in ("()", "[]", "{}"))


def _side(text: str, offset: int, losses: Collection[str]) -> Side:
    expr = read_expression(text, losses=losses)
    lead = len(text) - len(text.lstrip())
    numbers = _numbers(expr, text, losses)
    return Side(expr, numbers, offset + lead, offset + len(text.rstrip()))


def _numbers(expr: Expr, text: str, losses: Collection[str]) -> tuple[Written, ...]:
    """How each number of a formula is written, in their order; a quotient of two integers is exact."""
    waiting = [token for token in tokens(text, losses) if token.kind in ("number", "superscript")]
    found: list[Written] = []
    for node in walk(expr):
        if not isinstance(node, Num):
            continue
        if waiting and waiting[0].kind == "number" and number(text, waiting[0]) == abs(node.value):
            token = waiting.pop(0)
            found.append(Written(node.value, token.text, _half_unit(token), start=token.start, end=token.end))
            continue
        taken = 2 if node.value.denominator != 1 else 1
        del waiting[:taken]
        found.append(Written(node.value))
    return tuple(found)


def _half_unit(token: Token) -> Fraction:
    """Half a unit of the last digit; 0 for an integer."""
    digits, _, exponent = token.text.lower().partition("e")
    if "." not in digits and not exponent:
        return Fraction(0)
    decimals = len(digits.partition(".")[2])
    return Fraction(10) ** (int(exponent or 0) - decimals) / 2
