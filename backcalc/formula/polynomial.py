"""Polynomials in the letters that stand for sizes: `12*L*d^2 + 13*L*d`, exact, in one normal form.

What is no polynomial, as `div(H - 3, 2)`, counts as a letter of its own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from backcalc.formula.integers import EvaluationError, rational
from backcalc.formula.print_text import to_text
from backcalc.formula.tree import Add, Call, Div, Expr, Mul, Neg, Num, Pow, Ref, num

Monomial = tuple[tuple[Expr, int], ...]
"""Letters with their exponents, in the order of their text."""

MOST_TERMS = 10_000


@dataclass(frozen=True)
class Polynomial:
    """A sum of products of letters; `terms` holds no zero."""

    terms: Mapping[Monomial, Fraction]

    @staticmethod
    def of(value: int | Fraction | Expr) -> Polynomial:
        """A number or a letter as a polynomial."""
        if isinstance(value, int | Fraction):
            return Polynomial({(): Fraction(value)} if value else {})
        return Polynomial({((value, 1),): Fraction(1)})

    @property
    def constant(self) -> Fraction | None:
        """Its value where no letter is in it."""
        return self.terms.get((), Fraction(0)) if set(self.terms) <= {()} else None

    def __add__(self, other: Polynomial) -> Polynomial:
        total = dict(self.terms)
        for monomial, coefficient in other.terms.items():
            total[monomial] = total.get(monomial, Fraction(0)) + coefficient
        return Polynomial({monomial: c for monomial, c in total.items() if c})

    def __mul__(self, other: Polynomial) -> Polynomial:
        if len(self.terms) * len(other.terms) > MOST_TERMS:
            raise EvaluationError("the size has too many terms")
        total: dict[Monomial, Fraction] = {}
        for left, a in self.terms.items():
            for right, b in other.terms.items():
                powers = dict(left)
                for letter, exponent in right:
                    powers[letter] = powers.get(letter, 0) + exponent
                monomial = tuple(sorted(powers.items(), key=lambda pair: to_text(pair[0])))
                total[monomial] = total.get(monomial, Fraction(0)) + a * b
        return Polynomial({monomial: c for monomial, c in total.items() if c})

    def __sub__(self, other: Polynomial) -> Polynomial:
        return self + other * Polynomial.of(-1)

    def over(self, divisor: Polynomial) -> Polynomial | None:
        """The exact quotient by a single term, where it is a polynomial; else None."""
        if len(divisor.terms) != 1:
            return None
        ((below, coefficient),) = divisor.terms.items()
        found: dict[Monomial, Fraction] = {}
        for monomial, c in self.terms.items():
            powers = dict(monomial)
            for letter, exponent in below:
                powers[letter] = powers.get(letter, 0) - exponent
            if any(exponent < 0 for exponent in powers.values()):
                return None
            found[tuple((letter, exponent) for letter, exponent in powers.items() if exponent)] = c / coefficient
        return Polynomial(found)

    def value(self, numbers: Mapping[str, int]) -> Fraction:
        """The value at numbers for its letters. Raises EvaluationError where one is missing."""
        total = Fraction(0)
        for monomial, coefficient in self.terms.items():
            total += coefficient * math.prod(rational(letter, numbers) ** exponent for letter, exponent in monomial)
        return total

    @cached_property
    def expr(self) -> Expr:
        """Written out, the highest powers first.

        >>> d, L = Polynomial.of(Ref("d")), Polynomial.of(Ref("L"))
        >>> to_text((d * L + L * d * d * Polynomial.of(12)).expr)
        '12*L*d^2 + L*d'
        """
        order = sorted(self.terms.items(), key=lambda term: (-sum(e for _, e in term[0]), _text(term[0])))
        order.sort(key=lambda term: term[1] < 0 and not term[0])
        parts = [_written(monomial, coefficient) for monomial, coefficient in order]
        return num(0) if not parts else parts[0] if len(parts) == 1 else Add(tuple(parts))


def _text(monomial: Monomial) -> str:
    return "*".join(f"{to_text(letter)}^{exponent}" for letter, exponent in monomial)


def _written(monomial: Monomial, coefficient: Fraction) -> Expr:
    letters: list[Expr] = [letter if exponent == 1 else Pow(letter, num(exponent)) for letter, exponent in monomial]
    if not letters:
        return num(coefficient)
    if coefficient.numerator == -1:
        return Neg(_written(monomial, -coefficient))
    if coefficient.denominator != 1:
        above = _written(monomial, Fraction(coefficient.numerator))
        return Div(above, num(coefficient.denominator))
    if coefficient != 1:
        letters.insert(0, num(coefficient))
    return letters[0] if len(letters) == 1 else Mul(tuple(letters))


def polynomial(expr: Expr, letters: Mapping[str, Polynomial] | None = None) -> Polynomial:
    """The normal form of a size; `letters` puts polynomials in for names.

    >>> from backcalc.formula.read import read_expression
    >>> to_text(polynomial(read_expression("(d + 1)*4*d - 4*d")).expr)
    '4*d^2'

    >>> to_text(polynomial(read_expression("div(div(d - 1, 2) + 3, 5)")).expr)
    'div(d + 5, 10)'

    Raises EvaluationError for what is no size.
    """
    match expr:
        case Num(value):
            return Polynomial.of(value)
        case Ref(name, ()):
            known = (letters or {}).get(name)
            return Polynomial.of(expr) if known is None else known
        case Add(terms):
            total = Polynomial.of(0)
            for term in terms:
                total = total + polynomial(term, letters)
            return total
        case Neg(operand):
            return polynomial(operand, letters) * Polynomial.of(-1)
        case Mul(factors):
            product = Polynomial.of(1)
            for factor in factors:
                product = product * polynomial(factor, letters)
            return product
        case Div(numerator, denominator):
            over, under = polynomial(numerator, letters), polynomial(denominator, letters)
            quotient = over.over(under) if under.terms else None
            if quotient is None:
                raise EvaluationError("a size is divided by what does not divide it")
            return quotient
        case Pow(base, Num(exponent)) if exponent.denominator == 1 and 0 <= exponent <= 64:
            raised = Polynomial.of(1)
            for _ in range(exponent.numerator):
                raised = raised * polynomial(base, letters)
            return raised
        case Call(("div" | "mod" | "max" | "min") as function, arguments):
            return _call(function, tuple(polynomial(argument, letters) for argument in arguments))
        case _:
            raise EvaluationError("a size is made of whole numbers and letters only")


def _divided_once(above: Polynomial, below: Polynomial) -> Expr | None:
    """`div(div(x, b) + k, c)` as `div(x + b*k, b*c)`, and `div(x/b, c)` as `div(x, b*c)`.

    So it is for whole numbers (Graham, Knuth, Patashnik, "Concrete Mathematics", 3.2, eq. 3.11).
    """
    if below.constant is None or below.constant < 1:
        return None
    common = math.lcm(*(coefficient.denominator for coefficient in above.terms.values()))
    if common > 1:
        return Call("div", ((above * Polynomial.of(common)).expr, num(common * below.constant)))
    rest = dict(above.terms)
    number = rest.pop((), Fraction(0))
    if len(rest) != 1:
        return None
    ((monomial, coefficient),) = rest.items()
    match monomial, coefficient:
        case ((Call("div", (inner, Num(by))), 1),), 1 if number.denominator == 1:
            return Call("div", (Add((inner, num(by * number))), num(by * below.constant)))
    return None


def _call(function: str, arguments: tuple[Polynomial, ...]) -> Polynomial:
    """A quotient rounded down, and the like: a number where all are, else a letter of its own."""
    written = Call(function, tuple(argument.expr for argument in arguments))
    if all(argument.constant is not None for argument in arguments):
        return Polynomial.of(rational(written, {}))
    if function in ("div", "mod"):
        whole = arguments[0].over(arguments[1]) if arguments[1].terms else None
        if whole is not None and all(coefficient.denominator == 1 for coefficient in whole.terms.values()):
            return whole if function == "div" else Polynomial.of(0)
    if function == "div" and (once := _divided_once(*arguments)) is not None:
        return polynomial(once)
    return Polynomial.of(written)
