"""Sums of products: the normal form in which a derivation is simplified.

An expression becomes a tuple of `Term`s, `coefficient · Π base^exponent · Π [condition]` under a list of sums. Factors
keep the order in which they arose, so that a product still reads along the chain rule.

>>> from backcalc.formula.read import read_expression
>>> merge(to_terms(read_expression("x*y/x + 2*y - 3*y")))
()
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from backcalc.derive.key import index_key, key
from backcalc.formula.tree import (
    Add,
    Compare,
    Div,
    Expr,
    Mul,
    Neg,
    Num,
    Pow,
    Reduce,
    Ref,
    fresh_name,
    names,
    substitute,
)


@dataclass(frozen=True, slots=True)
class Bound:
    """`Σ` over `index` from `lower` to `upper`."""

    index: str
    lower: Expr
    upper: Expr


@dataclass(frozen=True, slots=True)
class Term:
    """One product under its sums; `factors` are distinct bases with exponents that are not 0."""

    coefficient: Fraction = Fraction(1)
    factors: tuple[tuple[Expr, Fraction], ...] = ()
    brackets: tuple[Compare, ...] = ()
    sums: tuple[Bound, ...] = ()

    @property
    def bound(self) -> frozenset[str]:
        """The indices that the term sums over."""
        return frozenset(bound.index for bound in self.sums)

    def mentions(self, index: str) -> bool:
        """Whether an index stands anywhere but in its own sum."""
        parts = [base for base, _ in self.factors] + list(self.brackets)
        bounds = [part for bound in self.sums if bound.index != index for part in (bound.lower, bound.upper)]
        return any(index in names(part) for part in parts + bounds)


Terms = tuple[Term, ...]


def term_key(term: Term) -> str:
    """The key of a term without its coefficient: like terms have like keys."""
    best: str | None = None
    for order in _orders(term.sums):
        bound = tuple(b.index for b in order)
        factors = sorted(f"{key(base, bound)}^{exponent}" for base, exponent in term.factors)
        brackets = sorted(key(bracket, bound) for bracket in term.brackets)
        edges = [f"{index_key(b.lower, bound)}..{index_key(b.upper, bound)}" for b in order]
        text = "|".join(["*".join(factors), "".join(brackets), ";".join(edges)])
        best = text if best is None else min(best, text)
    return best or ""


def _orders(sums: tuple[Bound, ...]) -> Iterable[tuple[Bound, ...]]:
    """The orders of the sums worth trying: all of them while they are few."""
    from itertools import permutations

    return permutations(sums) if len(sums) <= 4 else (sums,)


# -- making terms --------------------------------------------------------------------------------


def multiply(left: Term, right: Term) -> Term:
    """The product of two terms; sums with clashing names are renamed apart first."""
    right = rename_apart(right, all_names(left))
    left = rename_apart(left, all_names(right))
    factors = list(left.factors)
    places = {key(base): position for position, (base, _) in enumerate(factors)}
    for base, exponent in right.factors:
        position = places.get(key(base))
        if position is None:
            places[key(base)] = len(factors)
            factors.append((base, exponent))
        else:
            factors[position] = (factors[position][0], factors[position][1] + exponent)
    kept = {key(bracket): bracket for bracket in left.brackets + right.brackets}
    return Term(
        left.coefficient * right.coefficient,
        tuple((base, exponent) for base, exponent in factors if exponent),
        tuple(kept.values()),
        left.sums + right.sums,
    )


def inside(term: Term, part: Term) -> Term:
    """The term with `part` multiplied in under its sums: free names of `part` may be the indices that it sums over."""
    product = multiply(replace(term, sums=()), rename_apart(part, term.bound))
    return replace(product, sums=term.sums + product.sums)


def all_names(term: Term) -> frozenset[str]:
    """Every name in a term, free or summed over."""
    parts = [base for base, _ in term.factors] + list(term.brackets)
    parts += [part for bound in term.sums for part in (bound.lower, bound.upper)]
    return term.bound.union(*(names(part) for part in parts))


def rename_apart(term: Term, taken: frozenset[str]) -> Term:
    """The term with every bound index that is in `taken` renamed."""
    for bound in term.sums:
        if bound.index in taken:
            name = fresh_name(bound.index, taken | all_names(term))
            term = rename(term, bound.index, name)
    return term


def rename(term: Term, old: str, new: str) -> Term:
    """The term with the bound index `old` called `new`."""
    changed = put(term, {old: Ref(new)})
    return replace(changed, sums=tuple(replace(b, index=new) if b.index == old else b for b in changed.sums))


def put(term: Term, values: Mapping[str, Expr]) -> Term:
    """The term with free names replaced, in factors, brackets and the bounds of sums."""
    brackets = []
    for bracket in term.brackets:
        changed = substitute(bracket, values)
        assert isinstance(changed, Compare)
        brackets.append(changed)
    plain = Term(term.coefficient, (), tuple(brackets), ())
    for base, exponent in term.factors:
        plain = multiply(plain, Term(factors=((substitute(base, values), exponent),)))
    sums = tuple(Bound(b.index, substitute(b.lower, values), substitute(b.upper, values)) for b in term.sums)
    return replace(plain, sums=sums)


def power(term: Term, exponent: Fraction) -> Term | None:
    """The term to a power; None where it has sums or a coefficient that has no such power."""
    if term.sums or (term.coefficient == 0 and exponent < 0):
        return None
    if exponent.denominator == 1 and abs(exponent) <= 64:
        coefficient = term.coefficient**exponent.numerator
    elif term.coefficient == 1 and not term.brackets and len(term.factors) == 1:
        coefficient = Fraction(1)
    else:
        return None
    if exponent.denominator != 1 and any(e.denominator == 1 and e % 2 == 0 for _, e in term.factors):
        return None  # (x²)^(1/2) is |x|, not x
    brackets = term.brackets if exponent > 0 else ()
    if term.brackets and exponent <= 0:
        return None
    return Term(Fraction(coefficient), tuple((base, e * exponent) for base, e in term.factors), brackets, ())


def to_terms(expr: Expr) -> Terms:
    """The expression as a sum of products. Sums within a product stay one factor: `h*(1 - h)` is one term.

    >>> len(to_terms(Add((Ref("a"), Mul((Ref("b"), Add((Ref("c"), Ref("d")))))))))
    2
    """
    match expr:
        case Num(value):
            return (Term(value),) if value else ()
        case Add(parts):
            return tuple(term for part in parts for term in to_terms(part))
        case Neg(operand):
            return tuple(replace(term, coefficient=-term.coefficient) for term in to_terms(operand))
        case Mul(factors):
            product = Term()
            for factor in factors:
                inner = single(factor)
                if inner is None:
                    return ()
                product = multiply(product, inner)
            return (product,)
        case Div(numerator, denominator):
            over, under = single(numerator), single(denominator)
            if over is None:
                return ()
            inverse = None if under is None else power(under, Fraction(-1))
            return (multiply(over, inverse or Term(factors=((denominator, Fraction(-1)),))),)
        case Pow(base, Num(exponent)):
            inner = single(base)
            raised = None if inner is None else power(inner, exponent)
            return (raised or Term(factors=((base, exponent),)),)
        case Compare():
            return (Term(brackets=(expr,)),)
        case Reduce("sum", index, lower, upper, None, body) if lower is not None and upper is not None:
            found = []
            for term in to_terms(body):
                inner = rename_apart(term, frozenset({index}) | names(lower) | names(upper))
                found.append(replace(inner, sums=(Bound(index, lower, upper), *inner.sums)))
            return tuple(found)
        case _:
            return (Term(factors=((expr, Fraction(1)),)),)


def single(expr: Expr) -> Term | None:
    """The expression as one term, a true sum kept whole as one factor; None for 0."""
    terms = merge(to_terms(expr))
    if not terms:
        return None
    if len(terms) == 1:
        return terms[0]
    return Term(factors=((expr, Fraction(1)),))


def merge(terms: Terms) -> Terms:
    """Like terms added up, zeros dropped; the order is that of first occurrence. Shrinks the number of terms."""
    found: dict[str, Term] = {}
    for term in terms:
        place = term_key(term)
        if place in found:
            term = replace(found[place], coefficient=found[place].coefficient + term.coefficient)
        found[place] = term
    return tuple(term for term in found.values() if term.coefficient)
