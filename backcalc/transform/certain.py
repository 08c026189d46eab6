"""Numbers that are certain: a fraction as long as it can be one, else an interval that holds the true value.

Two such numbers differ for certain where their intervals have no point in common; so a counterexample is a proof.

>>> third = Certain.of(Fraction(1, 3))
>>> str(third + third), (third + third).differs(Certain.of(Fraction(2, 3)))
('2/3', False)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

from backcalc.formula.evaluate import COMPARISONS, Arithmetic
from backcalc.formula.integers import EvaluationError

_Exactly = Callable[[Fraction, Fraction], Fraction]
LONGEST = 3_000  # bits of a fraction that is carried along
LARGEST = 10**5  # argument of an exponential
CLOSE = 60  # digits to which two intervals that are taken for equal agree


@lru_cache(maxsize=4)
def _context(digits: int) -> Any:
    from mpmath.ctx_iv import MPIntervalContext

    context = MPIntervalContext()
    context.dps = digits
    return context


@lru_cache(maxsize=4)
def _points(digits: int) -> Any:
    import mpmath

    context = mpmath.mp.clone()
    context.dps = digits
    return context


@dataclass(frozen=True, slots=True)
class Certain:
    """A fraction, or an interval at so many `digits`."""

    exact: Fraction | None
    interval: Any
    digits: int

    @staticmethod
    def of(value: Fraction, digits: int = 80) -> Certain:
        """A fraction."""
        return Certain(value, None, digits)

    @property
    def range(self) -> Any:
        """The interval, of no width but rounding for a fraction."""
        if self.exact is None:
            return self.interval
        context = _context(self.digits)
        return context.mpf(self.exact.numerator) / context.mpf(self.exact.denominator)

    def _with(self, other: Certain, exact: _Exactly, near: Callable[[Any, Any], Any]) -> Certain:
        if self.exact is not None and other.exact is not None:
            value = exact(self.exact, other.exact)
            if value.numerator.bit_length() + value.denominator.bit_length() <= LONGEST:
                return Certain(value, None, self.digits)
        return Certain(None, near(self.range, other.range), self.digits)

    def __add__(self, other: Certain) -> Certain:
        return self._with(other, lambda a, b: a + b, lambda a, b: a + b)

    def __mul__(self, other: Certain) -> Certain:
        if 0 in (self.exact, other.exact):
            return Certain.of(Fraction(0), self.digits)
        return self._with(other, lambda a, b: a * b, lambda a, b: a * b)

    def __neg__(self) -> Certain:
        if self.exact is not None:
            return Certain.of(-self.exact, self.digits)
        return Certain(None, -self.interval, self.digits)

    def __truediv__(self, other: Certain) -> Certain:
        if other.exact == 0:
            raise ZeroDivisionError
        if other.exact is None and 0 in other.interval:
            raise EvaluationError("a division by what may be 0")
        return self._with(other, lambda a, b: a / b, lambda a, b: a / b)

    def __int__(self) -> int:
        if self.exact is None or self.exact.denominator != 1:
            raise EvaluationError("an index is a whole number")
        return self.exact.numerator

    def differs(self, other: Certain) -> bool:
        """Whether the two are different numbers for certain."""
        if self.exact is not None and other.exact is not None:
            return self.exact != other.exact
        a, b = self.range, other.range
        return bool(a.b < b.a or b.b < a.a)

    def agrees(self, other: Certain) -> bool:
        """Whether the two are equal as far as `CLOSE` digits tell."""
        if self.exact is not None and other.exact is not None:
            return self.exact == other.exact
        points, (a, b) = _points(self.digits), (self.range, other.range)
        low, high = min(a.a, b.a), max(a.b, b.b)
        scale = max(abs(points.mpf(low.a)), abs(points.mpf(high.a)))
        return bool(points.mpf((high - low).b) <= scale * points.mpf(10) ** -CLOSE)

    def text(self, count: int = 30) -> str:
        """The fraction, or the decimal with the digits that are certain, at most so many."""
        if self.exact is not None and len(str(self.exact)) <= 2 * count:
            return str(self.exact)
        return self.decimal(count)

    def decimal(self, count: int) -> str:
        """The decimal with so many digits."""
        points, interval = _points(self.digits), self.range
        return str(points.nstr(points.mpf(interval.mid.a), count))

    def __str__(self) -> str:
        return self.text()


class NoValue(ValueError):
    """A function where it is not defined: the logarithm or the root of a negative number."""


def _without(x: Certain, function: str) -> ValueError:
    """Whether there is no value for certain, or it is only not known whether there is one."""
    negative = x.exact is not None if function == "log" else x.exact is not None and x.exact < 0
    return NoValue(function) if negative or x.range.b < 0 else ValueError(function)


def arithmetic(digits: int) -> Arithmetic[Certain]:
    """How to compute with certain numbers at so many digits."""
    context = _context(digits)

    def elementary(name: str, at_zero: int | None) -> Callable[[Certain], Certain]:
        def compute(x: Certain) -> Certain:
            if x.exact == 0 and at_zero is not None:
                return Certain.of(Fraction(at_zero), digits)
            return Certain(None, getattr(context, name)(x.range), digits)

        return compute

    def exponential(x: Certain) -> Certain:
        if x.exact == 0:
            return Certain.of(Fraction(1), digits)
        if x.range.b > LARGEST or x.range.a < -LARGEST:
            raise EvaluationError("an exponential of a number that large is not computed")
        return Certain(None, context.exp(x.range), digits)

    def logarithm(x: Certain) -> Certain:
        if x.exact == 1:
            return Certain.of(Fraction(0), digits)
        if not x.range.a > 0:
            raise _without(x, "log")
        return Certain(None, context.log(x.range), digits)

    def root(x: Certain) -> Certain:
        if x.exact is not None and x.exact >= 0:
            above, below = _whole_root(x.exact.numerator), _whole_root(x.exact.denominator)
            if above is not None and below is not None:
                return Certain.of(Fraction(above, below), digits)
        if not x.range.a > 0:
            raise _without(x, "sqrt")
        return Certain(None, context.sqrt(x.range), digits)

    def error(x: Certain) -> Certain:
        if x.exact == 0:
            return x
        points, found = _points(digits), x.range
        # erf rises, so its values at the ends enclose the others; they are padded by more than they are rounded.
        ends = [points.erf(points.mpf(end.a)) for end in (found.a, found.b)]
        pad = points.mpf(10) ** (5 - digits)
        return Certain(None, context.mpf([ends[0] - pad, ends[1] + pad]), digits)

    def power(base: Certain, exponent: Certain) -> Certain:
        whole = exponent.exact
        if whole is not None and whole.denominator == 1 and abs(whole) <= 400:
            result, factor = Certain.of(Fraction(1), digits), base
            for bit in bin(abs(whole.numerator))[2:]:
                result = result * result
                result = result * factor if bit == "1" else result
            return result if whole >= 0 else Certain.of(Fraction(1), digits) / result
        if base.exact == 0 and whole is not None and whole > 0:
            return base
        if whole == Fraction(1, 2):
            return root(base)
        if base.exact == 1:
            return base
        return exponential(exponent * logarithm(base))

    one, half, zero = (Certain.of(Fraction(value), digits) for value in (1, Fraction(1, 2), 0))

    def sigmoid(x: Certain) -> Certain:
        return one / (one + exponential(-x))

    def tanh(x: Certain) -> Certain:
        return one + -(one + one) / (one + exponential(x + x))

    def gelu(x: Certain) -> Certain:
        return half * x * (one + error(x * root(half)))

    def clipped(x: Certain, high: int) -> Certain:
        top = Certain.of(Fraction(high), digits)
        return zero if _sign(x) < 0 else top if _sign(x + -top) > 0 else x

    return Arithmetic(
        number=lambda value: Certain.of(value, digits),
        power=power,
        functions={
            "exp": exponential,
            "log": logarithm,
            "sqrt": root,
            "erf": error,
            "sin": elementary("sin", 0),
            "cos": elementary("cos", 1),
            "sign": lambda x: Certain.of(Fraction(_sign(x)), digits),
            "abs": lambda x: x if _sign(x) >= 0 else -x,
            "sigmoid": sigmoid,
            "tanh": tanh,
            "softplus": lambda x: logarithm(one + exponential(x)),
            "silu": lambda x: x * sigmoid(x),
            "gelu": gelu,
            "relu": lambda x: x if _sign(x) > 0 else zero,
            "relu6": lambda x: clipped(x, 6),
            "leaky_relu": lambda x, slope: x if _sign(x) > 0 else slope * x,
            "elu": lambda x, alpha: x if _sign(x) > 0 else alpha * (exponential(x) + -one),
        },
        compare=compare,
        constants={"e": Certain(None, +context.e, digits), "pi": Certain(None, +context.pi, digits)},
    )


def _sign(x: Certain) -> int:
    if x.exact is not None:
        return (x.exact > 0) - (x.exact < 0)
    if 0 in x.interval:
        raise EvaluationError("a sign that is not certain")
    return 1 if x.interval.a > 0 else -1


def compare(operator: str, left: Certain, right: Certain) -> bool:
    """A comparison of certain numbers. Raises EvaluationError where the intervals overlap."""
    if left.exact is not None and right.exact is not None:
        return COMPARISONS[operator](left.exact, right.exact)
    return COMPARISONS[operator](_sign(left + -right), 0)


def _whole_root(value: int) -> int | None:
    from math import isqrt

    root = isqrt(value)
    return root if root * root == value else None
