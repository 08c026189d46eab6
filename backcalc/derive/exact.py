"""Exact numbers with a hundred digits at their side.

A value is a fraction as long as it can be one, then an exact expression of exponentials, logarithms and roots, and in
any case a decimal of `DIGITS` digits. An exact form that grows past what anybody would read is dropped, the decimal
stays.

>>> half = Exact.of(Fraction(1, 2))
>>> str(half + half * half), (half.function("log") + half.function("log")).text()
('3/4', '-2*log(2)')
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import mpmath

from backcalc.formula.evaluate import COMPARISONS, Arithmetic
from backcalc.formula.integers import EvaluationError

if TYPE_CHECKING:
    from backcalc.formula.tree import Expr

DIGITS = 100
CERTAIN = 50  # digits of the decimal that no rounding has reached
LONGEST = 2000  # characters of an exact form
HEAVIEST = 120  # operations of an exact form that is still carried along
DEEPEST = 40  # levels of an exact form
MOST_DIGITS = 100  # of a number that is written out
FRACTION_DIGITS = 200  # of a numerator or denominator

_MP = mpmath.mp.clone()
_MP.dps = DIGITS


def high_precision() -> Any:
    """The mpmath context of `DIGITS` digits that all decimals are computed in."""
    return _MP


@dataclass(frozen=True, slots=True)
class Exact:
    """`value` is a Fraction, a SymPy expression, or None where the exact form was dropped; `approx` always stands."""

    value: Any
    approx: Any

    @staticmethod
    def of(value: Fraction) -> Exact:
        """An exact fraction."""
        return Exact(value, _MP.mpf(value.numerator) / value.denominator)

    @property
    def rational(self) -> Fraction | None:
        """The value as a fraction where it is one."""
        return self.value if isinstance(self.value, Fraction) else None

    def __add__(self, other: Exact) -> Exact:
        if self.rational == 0:
            return other
        if other.rational == 0:
            return self
        return _join(self, other, "+", self.approx + other.approx)

    def __mul__(self, other: Exact) -> Exact:
        if 0 in (self.rational, other.rational):
            return Exact.of(Fraction(0))
        if self.rational == 1:
            return other
        if other.rational == 1:
            return self
        return _join(self, other, "*", self.approx * other.approx)

    def __neg__(self) -> Exact:
        return Exact(None if self.value is None else -self.value, -self.approx)

    def __truediv__(self, other: Exact) -> Exact:
        if other.is_zero():
            raise ZeroDivisionError
        if self.rational == 0 or other.rational == 1:
            return self
        return _join(self, other, "/", self.approx / other.approx)

    def __int__(self) -> int:
        return int(_MP.nint(self.approx)) if self.rational is None else int(self.rational)

    def is_zero(self) -> bool:
        """Whether the value is 0: certain for an exact value, to 50 digits for a decimal."""
        if isinstance(self.value, Fraction):
            return self.value == 0
        if abs(self.approx) > _MP.mpf(10) ** -50:
            return False
        if self.value is None:
            return True
        from backcalc.derive.from_sympy import vanishes

        return vanishes(self.value)

    def function(self, name: str) -> Exact:
        """The function of that name of this number; raises ValueError outside its domain."""
        return _function(name, self)

    def expr(self) -> Expr | None:
        """The exact form as a tree of the language; None where there is none or it is too long to read."""
        if self.value is None:
            return None
        if isinstance(self.value, Fraction):
            from backcalc.formula.tree import num

            return num(self.value)
        from backcalc.derive.from_sympy import from_sympy

        return from_sympy(self.value)

    def text(self) -> str | None:
        """The exact form in the syntax of formulas; None where it would pass 2000 characters."""
        from backcalc.formula.print_text import to_text

        tree = self.expr()
        written = None if tree is None or not _writable(tree) else to_text(tree)
        return written if written is not None and len(written) <= LONGEST else None

    def decimal(self) -> float:
        """The nearest float."""
        return float(self.approx)

    def digits(self, count: int) -> str:
        """The decimal with `count` significant digits; with fewer where there is no exact form to take more from."""
        if count <= CERTAIN:
            return str(_MP.nstr(self.approx, count))
        if self.value is None:
            return str(_MP.nstr(self.approx, CERTAIN))
        fine = mpmath.mp.clone()
        fine.dps = count + 10
        if isinstance(self.value, Fraction):
            return str(fine.nstr(fine.mpf(self.value.numerator) / self.value.denominator, count))
        from backcalc.derive.from_sympy import decimal

        return str(fine.nstr(fine.mpf(decimal(self.value, count + 10)), count))

    def __str__(self) -> str:
        return self.text() or self.digits(17)


def _writable(tree: Expr) -> bool:
    """Whether a tree is within what the reader of formulas takes: not too deep, no number too long."""
    from backcalc.formula.tree import Num, children

    level, depth = [tree], 0
    while level:
        depth += 1
        for node in level:
            if isinstance(node, Num) and max(abs(node.value.numerator), node.value.denominator) >= 10**MOST_DIGITS:
                return False
        level = [part for node in level for part in children(node)]
    return depth <= DEEPEST


def _join(left: Exact, right: Exact, operator: str, approx: Any) -> Exact:
    a, b = left.value, right.value
    if a is None or b is None:
        return Exact(None, approx)
    if isinstance(a, Fraction) and isinstance(b, Fraction):
        value = a + b if operator == "+" else a * b if operator == "*" else a / b
        small = max(value.numerator.bit_length(), value.denominator.bit_length()) < FRACTION_DIGITS * 3.33
        return Exact.of(value) if small else Exact(None, approx)
    x, y = _symbolic(a), _symbolic(b)
    if operator == "*":  # equal factors cancel by themselves
        return _checked(x * y, approx, cancel=False)
    return _checked(x + y if operator == "+" else x / y, approx)


@lru_cache(maxsize=1)
def _sympy() -> Any:
    import sympy

    return sympy


def _symbolic(value: Any) -> Any:
    if isinstance(value, Fraction):
        return _sympy().Rational(value.numerator, value.denominator)
    return value


def _checked(expression: Any, approx: Any, cancel: bool = True) -> Exact:
    """The exact form brought into its shortest known form, as a fraction where it is one, dropped where too heavy."""
    from backcalc.derive.from_sympy import shorten, vanishes

    if expression.is_Rational:
        return Exact.of(Fraction(int(expression.p), int(expression.q)))
    if abs(approx) < _MP.mpf(10) ** -50 and vanishes(expression):
        return Exact.of(Fraction(0))
    if expression.count_ops() > 4 * HEAVIEST:
        return Exact(None, approx)
    short = shorten(expression) if cancel else expression
    if short.is_Rational:
        return Exact.of(Fraction(int(short.p), int(short.q)))
    if short.count_ops() > HEAVIEST:
        return Exact(None, approx)
    return Exact(short, approx)


def _function(name: str, argument: Exact) -> Exact:
    approx = _approximate(name, argument)
    if argument.value is None:
        return Exact(None, approx)
    if isinstance(argument.value, Fraction):
        simple = _rational_case(name, argument.value)
        if simple is not None:
            return Exact.of(simple)
        if max(abs(argument.value.numerator), argument.value.denominator) > 10**30:
            return Exact(None, approx)
    from backcalc.derive.from_sympy import apply_function

    return _checked(apply_function(name, _symbolic(argument.value)), approx)


def _approximate(name: str, argument: Exact) -> Any:
    x = argument.approx
    if abs(x) > 10**6 and name in ("exp", "sigmoid", "tanh", "softplus"):
        raise EvaluationError(f"{name}({_MP.nstr(x, 6)}) is beyond what can be computed exactly")
    if (name == "log" and x <= 0) or (name == "sqrt" and x < 0):
        raise ValueError(name)
    if name == "sigmoid":
        return 1 / (1 + _MP.exp(-x))
    if name == "softplus":
        return _MP.log1p(_MP.exp(-abs(x))) + max(x, 0)
    return getattr(_MP, name)(x)


def _rational_case(name: str, value: Fraction) -> Fraction | None:
    """Functions that stay rational: exp(0) = 1, sigmoid(0) = 1/2."""
    at_zero = {"exp": Fraction(1), "sigmoid": Fraction(1, 2), "tanh": Fraction(0), "erf": Fraction(0)}
    if value == 0:
        return at_zero.get(name, Fraction(0) if name == "sqrt" else None)
    if value == 1 and name == "log":
        return Fraction(0)
    return None


def _relu(value: Exact) -> Exact:
    return value if value.approx > 0 else Exact.of(Fraction(0))


def _sign(value: Exact) -> Exact:
    return Exact.of(Fraction(0 if value.is_zero() else 1 if value.approx > 0 else -1))


def _absolute(value: Exact) -> Exact:
    return value if value.approx >= 0 else -value


def _floor(value: Exact) -> Exact:
    return Exact.of(Fraction(int(_MP.floor(value.approx))))


def _power(base: Exact, exponent: Exact) -> Exact:
    whole = exponent.rational
    if whole is not None and whole.denominator == 1 and abs(whole) <= 64:
        result = Exact.of(Fraction(1))
        for _ in range(abs(whole.numerator)):
            result = result * base
        if whole >= 0:
            return result
        if base.is_zero():
            raise EvaluationError("division by zero")
        return Exact.of(Fraction(1)) / result
    if base.rational == 0 and exponent.approx > 0:
        return base
    if base.approx <= 0:
        raise EvaluationError("a power with a fractional exponent needs a positive base")
    return _function("exp", exponent * _function("log", base))


def _compare(operator: str, left: Exact, right: Exact) -> bool:
    if left.rational is not None and right.rational is not None:
        return COMPARISONS[operator](left.rational, right.rational)
    apart = abs(left.approx - right.approx)
    if apart > _MP.mpf(10) ** -CERTAIN * max(abs(left.approx), abs(right.approx)):
        return COMPARISONS[operator](left.approx, right.approx)
    difference = left + -right
    return COMPARISONS[operator](0 if difference.is_zero() else difference.approx, 0)


def _constants() -> dict[str, Exact]:
    from backcalc.derive.from_sympy import constant

    return {"e": Exact(constant("e"), +_MP.e), "pi": Exact(constant("pi"), +_MP.pi)}


class _Constants(dict[str, Exact]):
    """`e` and `pi`, made when first asked for, so that rational problems never load SymPy."""

    def __contains__(self, name: object) -> bool:
        return name in ("e", "pi")

    def __missing__(self, name: str) -> Exact:
        return _constants()[name]


EXACT: Arithmetic[Exact] = Arithmetic(
    number=Exact.of,
    power=_power,
    functions={
        "exp": lambda x: _function("exp", x),
        "log": lambda x: _function("log", x),
        "sqrt": lambda x: _function("sqrt", x),
        "erf": lambda x: _function("erf", x),
        "sin": lambda x: _function("sin", x),
        "cos": lambda x: _function("cos", x),
        "tanh": lambda x: _function("tanh", x),
        "sigmoid": lambda x: _function("sigmoid", x),
        "abs": _absolute,
        "sign": _sign,
        "relu": _relu,
        "floor": _floor,
    },
    compare=_compare,
    constants=_Constants(),
)
