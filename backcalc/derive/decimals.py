"""Arithmetic with a hundred decimal digits, through mpmath, for evaluations that must not round."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import mpmath

from backcalc.formula.evaluate import COMPARISONS, Arithmetic
from backcalc.formula.integers import EvaluationError

DIGITS = 100

MP = mpmath.mp.clone()
MP.dps = DIGITS


def _number(value: Fraction) -> Any:
    return MP.mpf(value.numerator) / value.denominator


def _power(base: Any, exponent: Any) -> Any:
    whole = int(MP.nint(exponent))
    if exponent == whole:
        if base == 0 and whole < 0:
            raise EvaluationError("division by zero")
        return base**whole
    if base == 0 and exponent > 0:
        return MP.zero
    if base <= 0:
        raise EvaluationError("a power with a fractional exponent needs a positive base")
    return MP.power(base, exponent)


def _real(function: Callable[[Any], Any], allowed: Callable[[Any], bool]) -> Callable[[Any], Any]:
    def compute(value: Any) -> Any:
        if not allowed(value):
            raise ValueError(value)
        return function(value)

    return compute


_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "exp": MP.exp,
    "log": _real(MP.log, lambda x: bool(x > 0)),
    "sqrt": _real(MP.sqrt, lambda x: bool(x >= 0)),
    "abs": abs,
    "erf": MP.erf,
    "sin": MP.sin,
    "cos": MP.cos,
    "floor": MP.floor,
    "sign": MP.sign,
    "sigmoid": lambda x: 1 / (1 + MP.exp(-x)),
    "tanh": MP.tanh,
    "relu": lambda x: x if x > 0 else MP.zero,
}

DECIMALS: Arithmetic[Any] = Arithmetic(
    number=_number,
    power=_power,
    functions=_FUNCTIONS,
    compare=lambda operator, a, b: COMPARISONS[operator](a, b),
    constants={"e": +MP.e, "pi": +MP.pi},
)
