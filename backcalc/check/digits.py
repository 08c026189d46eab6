"""Numbers that can be read in two ways: `101 178`, `101.178` and `2,012` by country, `1¾` as a sum."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from backcalc.check.read import Link, Read
from backcalc.formula.latex_chain import Side, Written
from backcalc.formula.tree import Add, Expr, Mul, Neg, Num

_POINTED = re.compile(r"[1-9]\d{0,2}(?:\.\d{3})+")
_COMMA = re.compile(r"(\d{1,3})(?:,|\{,\})(\d{3})")
_HALVES = 2


def other_digits(read: Read) -> Iterator[Read]:
    """The chain with the other reading of its numbers, where one stands alone on a side and has two.

    >>> from backcalc.check.read import Line, chains
    >>> from backcalc.check.subject import letters_subject
    >>> (read,) = chains(Line("x = 2,012", 1, 1, ""), letters_subject("", "x"))
    >>> [link.right.expr.value for other in other_digits(read) for link in other.links]
    [Fraction(503, 250)]
    """
    for links in (read.links, *read.others):
        changed = tuple(_relinked(link) for link in links)
        first, last = _otherwise(read.first), _otherwise(read.last)
        if changed != links or (not links and first is not None):
            yield replace(read, links=changed, first=first or read.first, last=last or read.last, others=())


def _relinked(link: Link) -> Link:
    left, right = _otherwise(link.left), _otherwise(link.right)
    return link if left is None and right is None else replace(link, left=left or link.left, right=right or link.right)


def _otherwise(side: Side) -> Side | None:
    """The side as it can be read otherwise; None where there is one way only."""
    match side.expr:
        case Num() | Neg(Num()) if len(side.numbers) == 1:
            number = _other_number(side.numbers[0])
            if number is None:
                return None
            expr: Expr = Num(abs(number.value))
            negative = isinstance(side.expr, Neg) or side.numbers[0].value < 0
            return replace(side, expr=Neg(expr) if negative else expr, numbers=(number,))
        case Mul((Num(whole) as one, Num(part) as other)) if whole.denominator == 1 and 0 < part < 1:
            mixed = len(side.numbers) == _HALVES and side.numbers[0].end == side.numbers[1].start
            text = side.numbers[1].text
            drawn = mixed and ("frac" in text or not text.isascii())
            return replace(side, expr=Add((one, other))) if drawn else None
        case _:
            return None


def _other_number(number: Written) -> Written | None:
    """`101.178` with its point between thousands, `2,012` with its comma before decimals."""
    text = number.text.strip().lstrip("-−+~≈ ")
    if number.unit:
        return None
    if _POINTED.fullmatch(text):
        return replace(number, value=Fraction(text.replace(".", "")), half_unit=Fraction(0))
    if found := _COMMA.fullmatch(text):
        return replace(number, value=Fraction(f"{found[1]}.{found[2]}"), half_unit=Fraction(1, 2000))
    return None
