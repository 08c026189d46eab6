"""Reductions over an index in normal form: constant factors leave a sum, and what has no index is counted."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING

from backcalc.derive.key import key
from backcalc.derive.match import match
from backcalc.formula.affine import tidy
from backcalc.formula.tree import ONE, Add, Expr, Neg, Num, Reduce, Ref, fresh_name, names, num, substitute, walk
from backcalc.transform.polynomial import Generator, Monomial, Polynomial
from backcalc.transform.quotient import Denominator, Quotient, monomial_quotient

if TYPE_CHECKING:
    from backcalc.transform.normal import Normal

Choice = Callable[[], Quotient]
LETTERS = "kjlmnpq"  # what the index of a sum is called, the first that is free
LONGEST = 64  # a sum over so many numbers is written out


def reduction(normal: Normal, expr: Reduce) -> Quotient:
    """The normal form of a sum, mean or product over an index; of others a generator by itself."""
    lower, upper = expr.lower, expr.upper
    if lower is None or upper is None or expr.operation not in ("sum", "mean", "prod"):
        return Quotient.of(Generator(key(expr), expr))
    count: Expr = tidy(Add((upper, Neg(lower), num(1))))
    if expr.operation == "mean":
        if expr.exclude is not None:
            count = Add((count, num(-1)))
        total = Reduce("sum", expr.index, lower, upper, expr.exclude, expr.body)
        return reduction(normal, total) * normal.quotient(count).inverse()
    numeric = isinstance(expr.exclude, Num | None)
    if numeric and isinstance(lower, Num) and isinstance(upper, Num) and upper.value - lower.value < LONGEST:
        return _spelled_out(normal, expr, lower.value, upper.value)
    if expr.operation == "prod":
        return Quotient.of(Generator(key(expr), expr))
    if expr.exclude is not None:  # the whole sum less the one term
        whole = Reduce("sum", expr.index, lower, upper, None, expr.body)
        return reduction(normal, whole) - normal.quotient(substitute(expr.body, {expr.index: expr.exclude}))
    return _sum(normal, expr, lower, upper, count)


def _spelled_out(normal: Normal, expr: Reduce, lower: Fraction, upper: Fraction) -> Quotient:
    skip = expr.exclude.value if isinstance(expr.exclude, Num) else None
    result = Quotient.number(1 if expr.operation == "prod" else 0)
    for place in range(int(lower), int(upper) + 1):
        if place != skip:
            part = normal.quotient(substitute(expr.body, {expr.index: num(place)}))
            result = result * part if expr.operation == "prod" else result + part
    return result


def _sum(normal: Normal, expr: Reduce, lower: Expr, upper: Expr, count: Expr) -> Quotient:
    index, body = expr.index, expr.body
    if index in normal.bound:
        index = fresh_name(index, names(body) | set(normal.bound))
        body = substitute(body, {expr.index: Ref(index)})
    outside = normal.bound
    normal.bound = (*outside, index)
    try:
        inside = normal.quotient(body)
    finally:
        normal.bound = outside
    below: Denominator = {t: part for t, part in inside.under.items() if index in names(part[0].expr)}
    beside: Denominator = {t: part for t, part in inside.under.items() if t not in below}
    sums: dict[str, Quotient] = {}
    total = Quotient.number(0)
    for monomial, coefficient in inside.over.terms.items():
        own = tuple((g, e) for g, e in monomial if index in names(g.expr))
        rest = tuple(pair for pair in monomial if pair not in own)
        text = "*".join(f"{g.key}^{e}" for g, e in own)
        if text not in sums:
            sums[text] = _generator(normal, own, below, (index, lower, upper), count)
        total = total + sums[text] * Quotient(Polynomial({rest: coefficient}))
    return total * Quotient(Polynomial.number(1), beside)


def _generator(
    normal: Normal, own: Monomial, below: Denominator, over: tuple[str, Expr, Expr], count: Expr
) -> Quotient:
    """Σ of a product that depends on the index: its known value, or a generator."""
    index, lower, upper = over
    if not own and not below:
        return normal.quotient(count)
    body = (monomial_quotient(own) * Quotient(Polynomial.number(1), below)).expr
    letters = {node.index for node in walk(body) if isinstance(node, Reduce)} | names(body) | normal.taken
    name = next((letter for letter in LETTERS if letter not in letters - {index}), index)
    shown = Reduce("sum", name, lower, upper, None, substitute(body, {index: Ref(name)}))
    for pattern, value in normal.facts:
        free = frozenset(part.name for part in _indices(pattern))
        if match(pattern, shown, free, {}) is not None:
            return normal.quotient(value)
    positive = lower == ONE and not below and all(generator.positive for generator, _ in own)
    return Quotient.of(Generator(key(shown), shown, positive))


def _indices(pattern: Reduce) -> list[Ref]:
    """The indices that stand free in a sum whose value is known: it holds whatever they are."""
    places = [index for node in walk(pattern.body) if isinstance(node, Ref) for index in node.indices]
    return [place for place in places if isinstance(place, Ref) and not place.indices and place.name != pattern.index]
