"""Numbers that were rounded: intervals at a hundred digits, and the arithmetic of formulas with them.

A number with written decimals may have been anything within half a unit of its last digit; what is computed from it
is then known within an interval, which always holds the true result.

>>> rounded = Interval.around(Fraction("0.5991"), Fraction("0.00005"))
>>> INTERVALS.functions["sigmoid"](rounded).meets(Interval.around(Fraction("0.6455"), Fraction("0.00005")))
True
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from backcalc.derive.exact import Exact, high_precision
from backcalc.formula.evaluate import COMPARISONS, Arithmetic
from backcalc.formula.integers import EvaluationError

_MP = high_precision()
_SLACK = _MP.mpf(10) ** -50
_CANCELLED = _MP.mpf(10) ** -15
_NOISE = _MP.mpf(10) ** -92
"""What is left where two numbers cancel is known no better than this, relatively to them."""
LARGEST = 10**6
"""Arguments of exponentials are refused beyond this, before anything large is computed."""


@dataclass(frozen=True, slots=True)
class Interval:
    """Everything from `low` to `high`; a number that is known is an interval of one point."""

    low: Any
    high: Any

    @staticmethod
    def of(value: Fraction) -> Interval:
        """A number that is known exactly."""
        point = _MP.mpf(value.numerator) / value.denominator
        return Interval(point, point)

    @staticmethod
    def around(value: Fraction, half: Fraction) -> Interval:
        """Everything within `half` of a value."""
        return Interval(Interval.of(value - half).low, Interval.of(value + half).high)

    @staticmethod
    def known(value: Exact) -> Interval:
        """The value of a derivation."""
        return Interval(value.approx, value.approx)

    @property
    def middle(self) -> Any:
        """Its centre."""
        return (self.low + self.high) / 2

    @property
    def width(self) -> Any:
        """How much is left open."""
        return self.high - self.low

    @property
    def size(self) -> Any:
        """The largest number in it, without its sign."""
        return max(abs(self.low), abs(self.high))

    @property
    def bounds(self) -> tuple[Fraction, Fraction]:
        """Both ends as fractions, wider by the rounding of the last of a hundred digits."""
        low, high = (Fraction(_MP.nstr(end, _MP.dps + 5)) for end in (self.low, self.high))
        return low - abs(low) / 10**95, high + abs(high) / 10**95

    @property
    def is_point(self) -> bool:
        """Whether nothing is left open, but for the rounding of the last of a hundred digits."""
        return bool(self.width <= _SLACK * max(abs(self.low), abs(self.high)))

    def meets(self, other: Interval) -> bool:
        """Whether both may be the same number: they touch, but for the rounding of the last of a hundred digits."""
        size = max(abs(self.low), abs(self.high), abs(other.low), abs(other.high))
        return bool(max(self.low, other.low) - min(self.high, other.high) <= _SLACK * size)

    def holds_zero(self) -> bool:
        """Whether it may be 0."""
        return bool(self.low <= 0 <= self.high)

    @property
    def is_single(self) -> bool:
        """Whether both ends are one number, which has to be computed once only."""
        return self.low is self.high

    def __add__(self, other: Interval) -> Interval:
        low = self.low + other.low
        high = low if self.is_single and other.is_single else self.high + other.high
        if low and (self.low > 0) != (other.low > 0):
            size = max(self.size, other.size)
            if max(abs(low), abs(high)) <= _CANCELLED * size:
                return Interval(low - _NOISE * size, high + _NOISE * size)
        return Interval(low, high)

    def __neg__(self) -> Interval:
        low = -self.low
        return Interval(low, low) if self.is_single else Interval(-self.high, low)

    def __mul__(self, other: Interval) -> Interval:
        if self.is_single and other.is_single:
            return _point(self.low * other.low)
        ends = (self.low * other.low, self.low * other.high, self.high * other.low, self.high * other.high)
        return Interval(min(ends), max(ends))

    def __truediv__(self, other: Interval) -> Interval:
        if other.holds_zero():
            raise ZeroDivisionError
        if self.is_single and other.is_single:
            return _point(self.low / other.low)
        ends = (self.low / other.low, self.low / other.high, self.high / other.low, self.high / other.high)
        return Interval(min(ends), max(ends))

    def __int__(self) -> int:
        return int(_MP.nint(self.middle))

    def __str__(self) -> str:
        """The centre as a person writes it.

        >>> print(Interval.of(Fraction(-2)), Interval.of(Fraction(1, 3)))
        -2 0.333333
        """
        return shown(self.middle)


def shown(number: Any, digits: int = 6) -> str:
    """A decimal as a person writes it; whole numbers in full."""
    if abs(number) < 10**15 and abs(number - _MP.nint(number)) <= _SLACK * abs(number):
        return str(int(_MP.nint(number)))
    text = str(_MP.nstr(number, digits))
    return text.removesuffix(".0")


def _point(number: Any) -> Interval:
    return Interval(number, number)


def _at_ends(function: Callable[[Any], Any], x: Interval) -> Interval:
    """A rising function of an interval."""
    return _point(function(x.low)) if x.is_single else Interval(function(x.low), function(x.high))


def _rising(function: Callable[[Any], Any]) -> Callable[[Interval], Interval]:
    return lambda x: _at_ends(function, x)


def _within(function: Callable[[Any], Any]) -> Callable[[Interval], Interval]:
    def compute(x: Interval) -> Interval:
        if max(abs(x.low), abs(x.high)) > LARGEST:
            raise EvaluationError("a number is beyond what can be computed exactly")
        return _at_ends(function, x)

    return compute


def _from(least: int, function: Callable[[Any], Any]) -> Callable[[Interval], Interval]:
    """A rising function of numbers above `least`, or at it where it has a value there."""

    def compute(x: Interval) -> Interval:
        if x.low < 0 or (least and x.low <= 0):
            raise ValueError(x.low)
        return _at_ends(function, x)

    return compute


def _absolute(x: Interval) -> Interval:
    if x.low >= 0:
        return x
    return -x if x.high <= 0 else Interval(_MP.zero, max(-x.low, x.high))


def _wave(function: Callable[[Any], Any]) -> Callable[[Interval], Interval]:
    def compute(x: Interval) -> Interval:
        if x.is_point:
            return Interval(function(x.low), function(x.low))
        return Interval(_MP.mpf(-1), _MP.mpf(1))

    return compute


def _power(base: Interval, exponent: Interval) -> Interval:
    whole = int(exponent) if exponent.is_point else None
    if whole is not None and exponent.meets(Interval.of(Fraction(whole))):
        if abs(whole) > 4000:
            raise EvaluationError("an exponent is too large")
        if whole < 0:
            if base.holds_zero():
                raise EvaluationError("division by zero")
            return Interval.of(Fraction(1)) / _power(base, Interval.of(Fraction(-whole)))
        if whole % 2 == 0:
            base = _absolute(base)
        return _at_ends(lambda number: number**whole, base)
    if base.low <= 0:
        raise EvaluationError("a power with a fractional exponent needs a positive base")
    return _EXP(exponent * Interval(_MP.log(base.low), _MP.log(base.high)))


def _compare(operator: str, left: Interval, right: Interval) -> bool:
    if left.is_point and right.is_point:
        if left.meets(right):
            return COMPARISONS[operator](0, 0)
        return COMPARISONS[operator](left.low, right.low)
    if left.meets(right):
        raise EvaluationError("which case holds depends on how a number was rounded")
    return COMPARISONS[operator](left.low, right.low)


_EXP = _within(_MP.exp)

INTERVALS: Arithmetic[Interval] = Arithmetic(
    number=Interval.of,
    power=_power,
    functions={
        "exp": _EXP,
        "log": _from(1, _MP.log),
        "sqrt": _from(0, _MP.sqrt),
        "erf": _rising(_MP.erf),
        "tanh": _within(_MP.tanh),
        "sigmoid": _within(lambda x: 1 / (1 + _MP.exp(-x))),
        "relu": _rising(lambda x: x if x > 0 else _MP.zero),
        "floor": _rising(_MP.floor),
        "sign": _rising(_MP.sign),
        "abs": _absolute,
        "sin": _wave(_MP.sin),
        "cos": _wave(_MP.cos),
    },
    compare=_compare,
    constants={"e": Interval(+_MP.e, +_MP.e), "pi": Interval(+_MP.pi, +_MP.pi)},
)
"""How the formulas of a submission are computed."""
