"""Exponentials, logarithms and real powers of normal forms.

The laws used hold wherever both sides exist: exp(a + b) = exp(a)·exp(b), log(u·v) = log|u| + log|v| for u·v > 0,
(u·v)^r = |u|^r·|v|^r for u·v > 0, and |u| is u where u is known to be positive.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from backcalc.derive.key import key
from backcalc.formula.tree import Call, num
from backcalc.transform.budget import OutOfReach
from backcalc.transform.polynomial import LARGEST_EXPONENT, Generator, Polynomial
from backcalc.transform.quotient import Quotient
from backcalc.transform.quotient import power as generator_power
from backcalc.transform.signs import Inequality, sign

LARGEST_PRIME = 10_000


@dataclass(frozen=True)
class Powers:
    """`assumed` are what signs follow from; `logarithms` the sums whose logarithm has been taken so far."""

    assumed: Sequence[Inequality]
    logarithms: list[Polynomial]

    def sign(self, polynomial: Polynomial) -> int | None:
        """The sign of a polynomial where it is certain."""
        return sign(polynomial, self.assumed)

    def exponential(self, exponent: Quotient) -> Quotient:
        """exp of a sum as a product: one generator for every product in the exponent."""
        result = Quotient.number(1)
        for monomial, coefficient in exponent.over.terms.items():
            ((generator, degree),) = monomial if len(monomial) == 1 else ((None, Fraction(0)),)
            if generator is not None and generator.inside is not None and degree == 1 and not exponent.under:
                result = result * self._absolute(generator.inside, coefficient)
                continue
            unit = Quotient(Polynomial({monomial: Fraction(1)}), exponent.under)
            shown = unit.expr
            base = Generator(f"exp({key(shown)})", Call("exp", (shown,)), True, exponent=unit)
            result = result * Quotient(Polynomial.of(base, coefficient))
        return result

    def logarithm(self, value: Quotient) -> Quotient:
        """log of a product as a sum. The value is positive wherever it has a logarithm."""
        if value.over.is_zero:
            raise ZeroDivisionError
        number, monomial, rest = value.over.parts
        result = self._log_number(abs(number))
        for generator, exponent in monomial:
            result = result + self._log_generator(generator) * Quotient.number(exponent)
        result = result + self._log_sum(rest)
        for base, count in value.under.values():
            result = result - self._log_sum(base) * Quotient.number(count)
        return result

    def power(self, value: Quotient, exponent: Fraction) -> Quotient:
        """|value|^exponent."""
        if value.over.is_zero:
            if exponent < 0:
                raise ZeroDivisionError
            return value
        number, monomial, rest = value.over.parts
        result = self._power_number(abs(number), exponent)
        for generator, degree in monomial:
            result = result * self._absolute(Polynomial.of(generator), degree * exponent)
        result = result * self._absolute(rest, exponent)
        for base, count in value.under.values():
            result = result * self._absolute(base, -exponent * count)
        return result

    def _absolute(self, base: Polynomial, exponent: Fraction) -> Quotient:
        """|base|^exponent, where `base` is a single generator or a sum."""
        if abs(exponent) > LARGEST_EXPONENT:
            raise OutOfReach(f"an exponent is larger than {LARGEST_EXPONENT}")
        constant = base.constant
        if constant is not None:
            return self._power_number(abs(constant), exponent)
        if exponent.denominator == 1 and exponent % 2 == 0:
            return Quotient(base).raised(exponent.numerator)
        (single,) = base.terms if len(base.terms) == 1 else (None,)
        if single is not None and (single[0][0].positive or single[0][0].nonnegative):
            generator, degree = single[0]
            return generator_power(generator, degree * exponent)
        known = self.sign(base)
        if known == 0:
            if exponent < 0:
                raise ZeroDivisionError
            return Quotient.number(0)
        if known is not None:
            positive = base if known > 0 else -base
            if exponent.denominator == 1:
                return Quotient(positive).raised(exponent.numerator)
            root = Generator(f"|{key(positive.expr)}|", positive.expr, True, 1, positive)
        else:
            shown = Call("abs", (base.expr,))
            root = Generator(key(shown), shown, False, 2, base * base, nonnegative=True)
        return generator_power(root, exponent)

    # -- logarithms -------------------------------------------------------------------------------

    def _log_number(self, value: Fraction) -> Quotient:
        result = Quotient.number(0)
        for prime, count in primes(value):
            shown = Call("log", (num(prime),))
            result = result + Quotient.of(Generator(key(shown), shown, True, inside=Polynomial.number(prime))) * (
                Quotient.number(count)
            )
        return result

    def _log_generator(self, generator: Generator) -> Quotient:
        if generator.exponent is not None:
            return generator.exponent
        if generator.period and generator.power is not None:  # log|u|^p is p·log|u|
            return self.logarithm(Quotient(generator.power)) * Quotient.number(Fraction(1, generator.period))
        return Quotient.of(_log(Polynomial.of(generator)))

    def _log_sum(self, polynomial: Polynomial) -> Quotient:
        """log of a sum, of its factors where those have been met."""
        if polynomial.constant is not None:
            return self._log_number(abs(polynomial.constant))
        result = Quotient.number(0)
        for known in sorted(self.logarithms, key=degree):
            while (smaller := polynomial.over(known)) is not None:
                result = result + Quotient.of(_log(known))
                if smaller.constant is not None or len(smaller.terms) == 1:
                    return result + self.logarithm(Quotient(smaller))
                polynomial = smaller
        self.logarithms.append(polynomial)
        return result + Quotient.of(_log(polynomial))

    def _power_number(self, value: Fraction, exponent: Fraction) -> Quotient:
        if value == 0:
            return Quotient.number(0)
        result = Quotient.number(1)
        for prime, count in primes(value):
            if abs(count * exponent) > LARGEST_EXPONENT:
                raise OutOfReach(f"an exponent is larger than {LARGEST_EXPONENT}")
            root = Generator(f"#{prime}", num(prime), True, 1, Polynomial.number(prime))
            result = result * generator_power(root, count * exponent)
        return result


def degree(polynomial: Polynomial) -> Fraction:
    """The largest sum of exponents of a term."""
    return max(sum((abs(e) for _, e in monomial), Fraction(0)) for monomial in polynomial.terms)


def _log(inside: Polynomial) -> Generator:
    """The generator log|inside|."""
    shown = Call("log", (inside.expr,))
    return Generator(key(shown), shown, inside=inside)


def primes(value: Fraction) -> list[tuple[int, int]]:
    """The prime factors of a positive fraction with their exponents; what has no small factor counts as a prime.

    >>> primes(Fraction(12, 5))
    [(2, 2), (3, 1), (5, -1)]
    """
    found: dict[int, int] = {}
    for number, direction in ((value.numerator, 1), (value.denominator, -1)):
        divisor = 2
        while divisor * divisor <= number and divisor < LARGEST_PRIME:
            while number % divisor == 0:
                found[divisor] = found.get(divisor, 0) + direction
                number //= divisor
            divisor += 1
        if number > 1:
            found[number] = found.get(number, 0) + direction
    return sorted(found.items())
