"""Whole numbers from index and size expressions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction

from backcalc.formula.tree import Add, Call, Div, Expr, Mul, Neg, Num, Pow, Ref


class EvaluationError(ValueError):
    """A value does not exist: division by zero, log of a negative number, a read outside the range."""


def integer(expr: Expr, frame: Mapping[str, int]) -> int:
    """The whole number that an index or size expression stands for.

    >>> integer(Add((Mul((Num(Fraction(2)), Ref("i"))), Num(Fraction(-1)))), {"i": 3})
    5
    """
    value = rational(expr, frame)
    if value.denominator != 1:
        raise EvaluationError(f"an index or size must be a whole number, not {value}")
    return value.numerator


def rational(expr: Expr, frame: Mapping[str, int]) -> Fraction:
    match expr:
        case Num(value):
            return value
        case Ref(name, ()):
            if name not in frame:
                raise EvaluationError(f"the index or size `{name}` has no value")
            return Fraction(frame[name])
        case Add(terms):
            return sum((rational(term, frame) for term in terms), Fraction(0))
        case Neg(operand):
            return -rational(operand, frame)
        case Mul(factors):
            return math.prod((rational(factor, frame) for factor in factors), start=Fraction(1))
        case Div(numerator, denominator):
            return rational(numerator, frame) / _nonzero(rational(denominator, frame))
        case Pow(base, exponent):
            power = rational(exponent, frame)
            if power.denominator != 1 or not 0 <= power <= 64:
                raise EvaluationError("the exponent of a size must be a whole number from 0 to 64")
            return rational(base, frame) ** power.numerator
        case Call("div", (a, n)):
            return Fraction(math.floor(rational(a, frame) / _nonzero(rational(n, frame))))
        case Call("mod", (a, n)):
            return rational(a, frame) % _nonzero(rational(n, frame))
        case Call("max", parts):
            return max(rational(part, frame) for part in parts)
        case Call("min", parts):
            return min(rational(part, frame) for part in parts)
        case _:
            raise EvaluationError("an index or size is made of whole numbers, sizes and indices only")


def _nonzero(value: Fraction) -> Fraction:
    if value == 0:
        raise EvaluationError("division by zero in an index or size")
    return value
