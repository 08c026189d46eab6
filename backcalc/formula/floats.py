"""Double precision as an arithmetic of the evaluator."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from backcalc.formula.evaluate import COMPARISONS, Arithmetic
from backcalc.formula.integers import EvaluationError


def _float_power(base: float, exponent: float) -> float:
    try:
        result = base**exponent
    except (OverflowError, ZeroDivisionError) as error:
        raise EvaluationError(str(error)) from None
    if isinstance(result, complex):
        raise EvaluationError(f"({base})^({exponent}) is not a real number")
    return float(result)


def _sigmoid(u: float) -> float:
    return 1 / (1 + math.exp(-u)) if u >= 0 else math.exp(u) / (1 + math.exp(u))


_FLOAT_FUNCTIONS: Mapping[str, Callable[..., float]] = {
    "exp": math.exp,
    "log": math.log,
    "sqrt": math.sqrt,
    "abs": abs,
    "erf": math.erf,
    "sin": math.sin,
    "cos": math.cos,
    "floor": math.floor,
    "sign": lambda u: float((u > 0) - (u < 0)),
    "sigmoid": _sigmoid,
    "tanh": math.tanh,
    "relu": lambda u: max(u, 0.0),
    "softplus": lambda u: max(u, 0.0) + math.log1p(math.exp(-abs(u))),
}

FLOATS: Arithmetic[float] = Arithmetic(
    number=float,
    power=_float_power,
    functions=_FLOAT_FUNCTIONS,
    compare=lambda operator, a, b: COMPARISONS[operator](a, b),
    constants={"e": math.e, "pi": math.pi},
)
