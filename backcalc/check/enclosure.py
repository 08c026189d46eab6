"""Exact bounds of formulas of rational numbers: what tells two numbers apart that agree in their first fifty digits."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from backcalc.formula.tree import Add, Div, Expr, Mul, Neg, Num, Pow, Ref

Bounds = tuple[Fraction, Fraction]
"""The lowest and the highest number that a formula may come to."""

MOST_BITS = 8_000
MOST_POWER = 64


def enclosed(expr: Expr, value: Callable[[Ref], Bounds | None]) -> Bounds | None:
    """The bounds of a formula of `+ − × ÷` and whole powers; None for any other, and where it gets long.

    >>> from backcalc.formula.read import read_expression
    >>> enclosed(read_expression("1/3 + 1/6"), lambda ref: None)
    (Fraction(1, 2), Fraction(1, 2))
    """
    found = _enclosed(expr, value)
    return found if found is not None and all(_is_short(end) for end in found) else None


def apart(one: Bounds, other: Bounds) -> bool:
    """Whether two numbers differ for certain.

    >>> apart((Fraction(0), Fraction(1)), (Fraction(1), Fraction(2)))
    False
    """
    return one[1] < other[0] or other[1] < one[0]


def _enclosed(expr: Expr, value: Callable[[Ref], Bounds | None]) -> Bounds | None:
    match expr:
        case Num(number):
            return number, number
        case Ref():
            return value(expr)
        case Neg(operand):
            inner = enclosed(operand, value)
            return None if inner is None else (-inner[1], -inner[0])
        case Add(parts) | Mul(parts):
            join = _sum if isinstance(expr, Add) else _product
            total: Bounds | None = None
            for part in parts:
                one = enclosed(part, value)
                if one is None:
                    return None
                total = one if total is None else join(total, one)
                if not all(_is_short(end) for end in total):
                    return None
            return total
        case Div(above, below):
            top, bottom = enclosed(above, value), enclosed(below, value)
            if top is None or bottom is None or bottom[0] <= 0 <= bottom[1]:
                return None
            return _product(top, (1 / bottom[1], 1 / bottom[0]))
        case Pow(base, Num(power)) if power.denominator == 1 and 0 <= power <= MOST_POWER:
            inner = enclosed(base, value)
            if inner is None:
                return None
            ends = [end ** int(power) for end in inner]
            return (Fraction(0) if inner[0] < 0 < inner[1] and power % 2 == 0 else min(ends)), max(ends)
        case _:
            return None


def _sum(one: Bounds, other: Bounds) -> Bounds:
    return one[0] + other[0], one[1] + other[1]


def _product(one: Bounds, other: Bounds) -> Bounds:
    ends = [a * b for a in one for b in other]
    return min(ends), max(ends)


def _is_short(number: Fraction) -> bool:
    return max(number.numerator.bit_length(), number.denominator.bit_length()) <= MOST_BITS
