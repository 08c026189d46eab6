"""An evaluator of scalar formulas that shares nothing with the package but the tree: mpmath, 120 digits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import mpmath

from backcalc.formula.tree import Add, Call, Compare, Div, Expr, Mul, Neg, Num, Pow, Ref

MP = mpmath.mp.clone()
MP.dps = 120

FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "exp": MP.exp,
    "log": MP.log,
    "sqrt": MP.sqrt,
    "sin": MP.sin,
    "cos": MP.cos,
    "tanh": MP.tanh,
    "erf": MP.erf,
    "abs": abs,
    "sign": MP.sign,
    "sigmoid": lambda u: 1 / (1 + MP.exp(-u)),
    "softplus": lambda u: MP.log(1 + MP.exp(u)),
    "silu": lambda u: u / (1 + MP.exp(-u)),
    "gelu": lambda u: u * MP.ncdf(u),
    "relu": lambda u: max(u, MP.mpf(0)),
    "max": max,
    "min": min,
}


def value(expr: Expr, at: Mapping[str, Any]) -> Any:
    """The value of a scalar formula at numbers for its names; a complex number where a root or logarithm is none."""
    match expr:
        case Num(number):
            return MP.mpf(number.numerator) / number.denominator
        case Ref("pi", ()):
            return +MP.pi
        case Ref(name, ()):
            return at[name]
        case Add(terms):
            return MP.fsum([value(term, at) for term in terms])
        case Neg(operand):
            return -value(operand, at)
        case Mul(factors):
            return MP.fprod([value(factor, at) for factor in factors])
        case Div(above, below):
            return value(above, at) / value(below, at)
        case Pow(base, exponent):
            return MP.power(value(base, at), value(exponent, at))
        case Call("if", (condition, yes, no)):
            return value(yes if value(condition, at) else no, at)
        case Call(function, arguments):
            return FUNCTIONS[function](*(value(argument, at) for argument in arguments))
        case Compare((operator,), (left, right)):
            apart = value(left, at) - value(right, at)
            holds = {"<": apart < 0, "<=": apart <= 0, ">": apart > 0, ">=": apart >= 0, "==": apart == 0}
            return MP.mpf(int(holds[operator]))
        case _:
            raise AssertionError(f"no value for {expr}")
