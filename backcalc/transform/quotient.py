"""Quotients of polynomials: the normal form of an expression.

Denominators are kept as products of sums, never multiplied out, so that equal ones meet again; single terms are no
denominators, for exponents may be negative.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from backcalc.formula.tree import Div, Expr, Mul, Pow, num
from backcalc.transform.polynomial import Generator, Monomial, Polynomial

Denominator = Mapping[str, tuple[Polynomial, int]]
"""Sums with their exponents, by a text that is equal for equal sums."""


@dataclass(frozen=True)
class Quotient:
    """`over` divided by the product of the sums in `under`, each to its power."""

    over: Polynomial
    under: Denominator = field(default_factory=dict)

    @staticmethod
    def number(value: int | Fraction) -> Quotient:
        """A constant."""
        return Quotient(Polynomial.number(value))

    @staticmethod
    def of(generator: Generator) -> Quotient:
        """A generator by itself."""
        return Quotient(Polynomial.of(generator))

    @property
    def constant(self) -> Fraction | None:
        """Its value where it is a number."""
        return self.over.constant if not self.under or self.over.is_zero else None

    def __add__(self, other: Quotient) -> Quotient:
        if not self.under and not other.under:
            return Quotient(self.over + other.over)
        common = dict(self.under)
        for text, (base, exponent) in other.under.items():
            common[text] = (base, max(exponent, common.get(text, (base, 0))[1]))
        total = self._over(common) + other._over(common)
        return _cancelled(total, common)

    def _over(self, common: Denominator) -> Polynomial:
        """What stands above the bar once the denominator is `common`."""
        result = self.over
        for text, (base, exponent) in common.items():
            missing = exponent - (self.under[text][1] if text in self.under else 0)
            if missing:
                result = result * base.raised(missing)
        return result

    def __neg__(self) -> Quotient:
        return Quotient(-self.over, self.under)

    def __sub__(self, other: Quotient) -> Quotient:
        return self + -other

    def __mul__(self, other: Quotient) -> Quotient:
        under = dict(self.under)
        for text, (base, exponent) in other.under.items():
            under[text] = (base, exponent + under.get(text, (base, 0))[1])
        if not under:
            return Quotient(self.over * other.over)
        left, right = _cancelled(self.over, under), other.over  # before multiplying out, where it is cheap
        crossed = _cancelled(right, left.under)
        return Quotient(left.over * crossed.over, crossed.under)

    def inverse(self) -> Quotient:
        """1 divided by it. Raises ZeroDivisionError."""
        if self.over.is_zero:
            raise ZeroDivisionError
        number, monomial, rest = self.over.parts
        result = Quotient.number(1 / number)
        for generator, exponent in monomial:
            result = result * power(generator, -exponent)
        for base, count in self.under.values():
            result = result * Quotient(base.raised(count))
        if rest.constant is None:
            result = result * Quotient(Polynomial.number(1), {_name(rest): (rest, 1)})
        return result

    def raised(self, exponent: int) -> Quotient:
        """The power to a whole number. Raises ZeroDivisionError."""
        if exponent < 0:
            return self.inverse().raised(-exponent)
        under = {text: (base, e * exponent) for text, (base, e) in self.under.items()} if exponent else {}
        return Quotient(self.over.raised(exponent), under)

    @property
    def expr(self) -> Expr:
        """Written out."""
        below = [base.expr if e == 1 else Pow(base.expr, num(e)) for base, e in self.under.values()]
        if not below:
            return self.over.expr
        return Div(self.over.expr, below[0] if len(below) == 1 else Mul(tuple(below)))


def power(generator: Generator, exponent: Fraction) -> Quotient:
    """A generator to any power, brought below its period."""
    if not generator.period or generator.power is None or 0 <= exponent < generator.period:
        return Quotient(Polynomial.of(generator, exponent))
    whole = exponent // generator.period
    rest = Quotient(Polynomial.of(generator, exponent - whole * generator.period))
    return rest * Quotient(generator.power).raised(whole)


def monomial_quotient(monomial: Monomial) -> Quotient:
    """A product as it is."""
    return Quotient(Polynomial({monomial: Fraction(1)}))


def _cancelled(over: Polynomial, under: Denominator) -> Quotient:
    """The quotient with every denominator divided out that divides exactly."""
    if over.is_zero:
        return Quotient(over)
    kept: dict[str, tuple[Polynomial, int]] = {}
    for text, (base, exponent) in under.items():
        while exponent:
            smaller = over.over(base) if len(over.terms) >= 2 else None
            if smaller is None:
                break
            over, exponent = smaller, exponent - 1
        if exponent:
            kept[text] = (base, exponent)
    return Quotient(over, kept)


def _name(polynomial: Polynomial) -> str:
    terms = ("*".join(f"{g.key}^{e}" for g, e in monomial) + f":{c}" for monomial, c in polynomial.terms.items())
    return "+".join(sorted(terms))
