"""Exact polynomials in generators: `e^x`, `log(x)`, `√2`, `|x|`, a sum, a name, each raised to rational powers.

Generators are independent of each other but for one relation each may have: `√2` squared is 2, `|x|` squared is x². A
polynomial whose terms all cancel is 0 wherever it is defined; that is all that a proof needs.

>>> x = Generator("x", Ref("x"))
>>> from backcalc.formula.print_text import to_text
>>> to_text(((Polynomial.of(x) + Polynomial.number(1)) * (Polynomial.of(x) - Polynomial.number(1))).expr)
'x^2 - 1'
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from math import gcd, lcm
from typing import TYPE_CHECKING

from backcalc.formula.tree import ZERO, Add, Call, Div, Expr, Mul, Neg, Num, Pow, Ref, num
from backcalc.transform.budget import OutOfReach

if TYPE_CHECKING:
    from backcalc.transform.quotient import Quotient

MOST_TERMS = 3_000
LARGEST_EXPONENT = 400
LONGEST_NUMBER = 4_000  # bits of a coefficient

__all__ = ["Generator", "Monomial", "Polynomial", "Ref"]


@dataclass(frozen=True, slots=True)
class Generator:
    """What stands in a polynomial like a letter; `key` tells two apart, `expr` is how it is written.

    A `positive` one is above 0, one that is `nonnegative` at least 0. Where `period` is not 0, `power` is what the
    generator is when raised to it. `exponent` is the logarithm of a generator that is an exponential, `inside` what a
    generator that is a logarithm is of.
    """

    key: str
    expr: Expr = field(compare=False)
    positive: bool = field(default=False, compare=False)
    period: int = field(default=0, compare=False)
    power: Polynomial | None = field(default=None, compare=False)
    exponent: Quotient | None = field(default=None, compare=False)
    inside: Polynomial | None = field(default=None, compare=False)
    nonnegative: bool = field(default=False, compare=False)


Monomial = tuple[tuple[Generator, Fraction], ...]
"""Generators with exponents that are not 0, in the order of their keys."""


@dataclass(frozen=True)
class Polynomial:
    """A sum of products; `terms` holds no zero. Exponents may be negative or fractions."""

    terms: Mapping[Monomial, Fraction]

    @staticmethod
    def number(value: int | Fraction) -> Polynomial:
        """A constant."""
        return Polynomial({(): Fraction(value)} if value else {})

    @staticmethod
    def of(generator: Generator, exponent: Fraction = Fraction(1)) -> Polynomial:
        """A generator to a power below its period."""
        return Polynomial({((generator, exponent),): Fraction(1)} if exponent else {(): Fraction(1)})

    @property
    def constant(self) -> Fraction | None:
        """Its value where no generator is in it."""
        return self.terms.get((), Fraction(0)) if set(self.terms) <= {()} else None

    @property
    def is_zero(self) -> bool:
        """Whether every term has cancelled."""
        return not self.terms

    def generators(self) -> Iterator[Generator]:
        """Every generator, with repetitions."""
        return (generator for monomial in self.terms for generator, _ in monomial)

    def __add__(self, other: Polynomial) -> Polynomial:
        total = dict(self.terms)
        for monomial, coefficient in other.terms.items():
            total[monomial] = total.get(monomial, Fraction(0)) + coefficient
        return Polynomial({monomial: c for monomial, c in total.items() if c})

    def __neg__(self) -> Polynomial:
        return Polynomial({monomial: -c for monomial, c in self.terms.items()})

    def __sub__(self, other: Polynomial) -> Polynomial:
        return self + -other

    def scaled(self, factor: Fraction) -> Polynomial:
        """Every coefficient times a number that is not 0."""
        return Polynomial({monomial: c * factor for monomial, c in self.terms.items()})

    def __mul__(self, other: Polynomial) -> Polynomial:
        if len(self.terms) * len(other.terms) > MOST_TERMS:
            raise OutOfReach(f"a product has more than {MOST_TERMS} terms")
        total: dict[Monomial, Fraction] = {}
        for left, a in self.terms.items():
            for right, b in other.terms.items():
                if (a * b).numerator.bit_length() + (a * b).denominator.bit_length() > LONGEST_NUMBER:
                    raise OutOfReach("a coefficient is too long")
                for monomial, c in _reduced(_joined(left, right)).terms.items():
                    total[monomial] = total.get(monomial, Fraction(0)) + a * b * c
        return Polynomial({monomial: c for monomial, c in total.items() if c})

    def raised(self, exponent: int) -> Polynomial:
        """The power to a whole number from 0 on."""
        if exponent > LARGEST_EXPONENT:
            raise OutOfReach(f"an exponent is larger than {LARGEST_EXPONENT}")
        result = Polynomial.number(1)
        for bit in bin(exponent)[2:]:
            result = result * result
            if bit == "1":
                result = result * self
        return result

    @cached_property
    def parts(self) -> tuple[Fraction, Monomial, Polynomial]:
        """Number, product and rest: `6·x² + 4·x·y` is 2 times x times 3·x + 2·y, whose leading coefficient is positive.

        The rest is 1 where there is a single term. Generators that have a relation stay in the rest of a longer sum.
        """
        if len(self.terms) == 1:
            ((monomial, coefficient),) = self.terms.items()
            return coefficient, monomial, Polynomial.number(1)
        coefficients = list(self.terms.values())
        content = Fraction(gcd(*(c.numerator for c in coefficients)), lcm(*(c.denominator for c in coefficients)))
        content = -content if self.terms[self.leading] < 0 else content
        exponents: dict[Generator, list[Fraction]] = {}
        for monomial in self.terms:
            for generator, exponent in monomial:
                exponents.setdefault(generator, []).append(exponent)
        count = len(self.terms)
        least = {g: min(found + [Fraction(0)] * (len(found) < count)) for g, found in exponents.items() if not g.period}
        shared = tuple((g, e) for g, e in sorted(least.items(), key=lambda pair: pair[0].key) if e)
        inverse = tuple((g, -e) for g, e in shared)
        rest = {_joined(monomial, inverse): c / content for monomial, c in self.terms.items()}
        return content, shared, Polynomial(rest)

    @property
    def leading(self) -> Monomial:
        """The first monomial in the order of its generators' keys."""
        return max(self.terms, key=_rank(self, self))

    def over(self, divisor: Polynomial) -> Polynomial | None:
        """The exact quotient where there is one that is found in a few steps; else None."""
        rank = _rank(self, divisor)
        head = max(divisor.terms, key=rank)
        inverse = tuple((g, -e) for g, e in head)
        if any(g.period for g, _ in head):
            return None
        rest, found = self, Polynomial({})
        for _ in range(2 * len(self.terms) + 2):
            if rest.is_zero:
                return found
            lead = max(rest.terms, key=_rank(rest, divisor))
            step = Polynomial({_joined(lead, inverse): rest.terms[lead] / divisor.terms[head]})
            found, rest = found + step, rest - step * divisor
            if len(rest.terms) > len(self.terms) + len(divisor.terms):
                return None
        return None

    @cached_property
    def expr(self) -> Expr:
        """Written out, added terms first."""
        order = sorted(self.terms.items(), key=lambda term: (_degree(term[0]), _text(term[0])))
        order.sort(key=lambda term: term[1] < 0)
        parts = [written(monomial, c) for monomial, c in order]
        return ZERO if not parts else parts[0] if len(parts) == 1 else Add(tuple(parts))


def _joined(left: Monomial, right: Monomial) -> Monomial:
    if not left or not right:
        return left or right
    powers = dict(left)
    for generator, exponent in right:
        powers[generator] = powers.get(generator, Fraction(0)) + exponent
    return tuple(sorted(((g, e) for g, e in powers.items() if e), key=lambda pair: pair[0].key))


def _reduced(monomial: Monomial) -> Polynomial:
    """The product with every power that a relation replaces, `√2·√2` as 2."""
    for generator, exponent in monomial:
        if generator.period and exponent >= generator.period and generator.power is not None:
            rest = _joined(monomial, ((generator, Fraction(-generator.period)),))
            return _reduced(rest) * generator.power
    return Polynomial({monomial: Fraction(1)})


class _rank:
    """Orders the monomials of two polynomials lexically, as a group order: products keep the order."""

    def __init__(self, *polynomials: Polynomial) -> None:
        found = {generator.key for polynomial in polynomials for generator in polynomial.generators()}
        self.keys = sorted(found)

    def __call__(self, monomial: Monomial) -> tuple[Fraction, ...]:
        exponents = {generator.key: exponent for generator, exponent in monomial}
        return tuple(exponents.get(key, Fraction(0)) for key in self.keys)


def _degree(monomial: Monomial) -> Fraction:
    return -sum((abs(exponent) for _, exponent in monomial), Fraction(0))


def _text(monomial: Monomial) -> str:
    return "*".join(f"{generator.key}^{exponent}" for generator, exponent in monomial)


def written(monomial: Monomial, coefficient: Fraction = Fraction(1)) -> Expr:
    """A product with its number in front, negative powers below the bar."""
    if coefficient < 0:
        inner = written(monomial, -coefficient)
        return num(-inner.value) if isinstance(inner, Num) else Neg(inner)
    over = [_raised(g, e) for g, e in monomial if e > 0 or g.exponent is not None]
    under = [_raised(g, -e) for g, e in monomial if e < 0 and g.exponent is None]
    if coefficient.numerator != 1 or not over:
        over.insert(0, num(coefficient.numerator))
    if coefficient.denominator != 1:
        under.insert(0, num(coefficient.denominator))
    top = over[0] if len(over) == 1 else Mul(tuple(over))
    if not under:
        return top
    if len(over) == len(under) == 1 and isinstance(over[0], Num) and isinstance(under[0], Num):
        return num(over[0].value / under[0].value)
    return Div(top, under[0] if len(under) == 1 else Mul(tuple(under)))


def _raised(generator: Generator, exponent: Fraction) -> Expr:
    if generator.exponent is not None:
        return Call("exp", (_times(exponent, generator.exponent.expr),))
    if exponent == Fraction(1, 2):
        return Call("sqrt", (generator.expr,))
    return generator.expr if exponent == 1 else Pow(generator.expr, num(exponent))


def _times(factor: Fraction, expr: Expr) -> Expr:
    if isinstance(expr, Num):
        return num(factor * expr.value)
    if factor < 0:
        return Neg(_times(-factor, expr))
    if factor == 1:
        return expr
    rest = expr.factors if isinstance(expr, Mul) else (expr,)
    top = Mul((num(factor.numerator), *rest)) if factor.numerator != 1 else expr
    return top if factor.denominator == 1 else Div(top, num(factor.denominator))
