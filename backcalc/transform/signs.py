"""What is known of signs: assumptions as linear inequalities between monomials, and what follows from them.

Monomials count as variables of their own, so whatever is said to be impossible is; not all that is impossible is found.

Source: Fourier-Motzkin elimination; A. Schrijver, *Theory of Linear and Integer Programming*, Wiley 1986, ch. 12.2.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from backcalc.transform.polynomial import Monomial, Polynomial

MOST_INEQUALITIES = 120


@dataclass(frozen=True, slots=True)
class Inequality:
    """`polynomial > 0`, or `≥ 0` where it is not `strict`."""

    polynomial: Polynomial
    strict: bool


def sign(polynomial: Polynomial, assumed: Sequence[Inequality]) -> int | None:
    """1, 0 or -1 where the sign is certain under the assumptions, else None.

    >>> from backcalc.formula.tree import Ref
    >>> from backcalc.transform.polynomial import Generator
    >>> x, one = Polynomial.of(Generator("x", Ref("x"))), Polynomial.number(1)
    >>> sign(x + one, [Inequality(x, True)]), sign(x * x + one, []), sign(x - one, [Inequality(x, True)])
    (1, 1, None)
    """
    constant = polynomial.constant
    if constant is not None:
        return (constant > 0) - (constant < 0)
    for verdict, excluded in ((1, -polynomial), (-1, polynomial)):
        if infeasible([*assumed, Inequality(excluded, False)]):
            return verdict
    if all(infeasible([*assumed, Inequality(side, True)]) for side in (polynomial, -polynomial)):
        return 0
    return None


def infeasible(inequalities: Sequence[Inequality]) -> bool:
    """Whether no point satisfies them all, for certain."""
    rows = [(each.polynomial.terms, each.strict) for each in inequalities]
    monomials = sorted({m for row, _ in rows for m in row if m}, key=_text)
    signs = [(monomial, _sign_of(monomial)) for monomial in monomials]
    rows += [({monomial: Fraction(1)}, positive) for monomial, positive in signs if positive is not None]
    for monomial in monomials:
        above = [row for row in rows if row[0].get(monomial, 0) > 0]
        below = [row for row in rows if row[0].get(monomial, 0) < 0]
        rest = [row for row in rows if not row[0].get(monomial, 0)]
        if len(above) * len(below) + len(rest) > MOST_INEQUALITIES:
            return False
        rows = rest + [_eliminated(monomial, up, down) for up in above for down in below]
    return any(_contradicts(row, strict) for row, strict in rows)


_Row = tuple[Mapping[Monomial, Fraction], bool]


def _eliminated(monomial: Monomial, up: _Row, down: _Row) -> _Row:
    """The sum of two inequalities in which a monomial cancels."""
    a, b = up[0][monomial], -down[0][monomial]
    total = {m: b * c for m, c in up[0].items()}
    for m, c in down[0].items():
        total[m] = total.get(m, Fraction(0)) + a * c
    return {m: c for m, c in total.items() if c}, up[1] or down[1]


def _contradicts(row: Mapping[Monomial, Fraction], strict: bool) -> bool:
    value = row.get((), Fraction(0))
    return value < 0 or (strict and value == 0)


def _sign_of(monomial: Monomial) -> bool | None:
    """True for a product that is positive, False for one that is at least 0, None for what may be negative."""
    if all(generator.positive for generator, _ in monomial):
        return True
    if all(g.positive or g.nonnegative or (e.denominator == 1 and e % 2 == 0) for g, e in monomial):
        return False
    return None


def _text(monomial: Monomial) -> str:
    return "*".join(f"{generator.key}^{exponent}" for generator, exponent in monomial)


def consistent(inequalities: Iterable[Inequality]) -> bool:
    """Whether the inequalities are not known to exclude each other."""
    return not infeasible(list(inequalities))
