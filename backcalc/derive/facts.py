"""Named quantities and proved facts: how `exp(z_i)/Σ exp(z_k)` becomes y_i, and why Σ y_k = 1.

A fact is never assumed: it is read off the definition of a quantity, and carries its reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from backcalc.derive.key import key
from backcalc.derive.match import Binding, match, match_parts
from backcalc.derive.terms import Term, merge, multiply, to_terms
from backcalc.derive.write import to_expr
from backcalc.formula.affine import linear
from backcalc.formula.program import Equation
from backcalc.formula.tree import (
    ONE,
    Add,
    Call,
    Compare,
    Div,
    Expr,
    Mul,
    Neg,
    Num,
    Pow,
    Reduce,
    Ref,
    Table,
    names,
    rebuild,
    substitute,
    walk,
)


def worth_naming(
    equation: Equation, padded: frozenset[str] = frozenset(), shapes: Mapping[str, tuple[Expr, ...]] | None = None
) -> bool:
    """Whether a definition shortens what it names: it holds a function or a quotient, and is one product.

    Every index must stand by itself in an array that is not `padded`, or run through one backwards, as in `x[T+1-s]`:
    what reads such an array inside its range then names the quantity inside its own.
    """
    plain: set[str] = set()
    for node in walk(equation.body):
        if isinstance(node, Ref) and node.name not in padded:
            extents = (shapes or {}).get(node.name, ())
            for axis, index in enumerate(node.indices):
                if isinstance(index, Ref):
                    plain.add(index.name)
                elif axis < len(extents):
                    end = linear(extents[axis]) + linear(ONE)
                    plain |= {name for name in names(index) if linear(index) + linear(Ref(name)) == end}
    if not plain >= set(equation.indices):
        return False
    _, body = guarded(equation.body)
    if isinstance(body, (Table, Ref, Num)) or len(to_terms(body)) != 1:
        return False
    (term,) = to_terms(body)
    if term.sums or term.brackets or any(not _binds(index, term) for index in equation.indices):
        return False
    heavy = [base for base, exponent in term.factors if exponent < 0 or isinstance(base, (Call, Pow, Reduce))]
    return bool(heavy) and not any(
        isinstance(base, Call) and base.function in ("log", "if", "max", "min") for base in heavy
    )


def guarded(body: Expr) -> tuple[tuple[Compare, ...], Expr]:
    """The condition of `if(c, a, 0)` or of `a·[c]`, and a; without one, nothing and the body itself."""
    match body:
        case Call("if", (Compare() as condition, core, Num(value))) if value == 0:
            return (condition,), core
        case Mul(factors) if any(isinstance(factor, Compare) for factor in factors):
            rest = tuple(factor for factor in factors if not isinstance(factor, Compare))
            core = rest[0] if len(rest) == 1 else Mul(rest) if rest else ONE
            return tuple(factor for factor in factors if isinstance(factor, Compare)), core
        case Div(numerator, denominator):
            conditions, core = guarded(numerator)
            return conditions, Div(core, denominator) if conditions else body
        case _:
            return (), body


def _binds(index: str, term: Term) -> bool:
    return any(index in names(base) for base, _ in term.factors)


def fold_term(term: Term, named: tuple[Equation, ...], holds: Callable[[Compare], bool]) -> Term:
    """The term with every product that is a named quantity replaced by the name, inside its factors too.

    A quantity that is defined under a condition is called by its name where that `holds`.
    """
    for equation in named:
        found = _fold_product(term, equation, holds)
        if found is not term:
            return found
    factors = tuple((_fold_inside(base, named), exponent) for base, exponent in term.factors)
    if all(new is old for (new, _), (old, _) in zip(factors, term.factors, strict=True)):
        return term
    plain = replace(term, factors=(), sums=())
    for base, exponent in factors:
        plain = multiply(plain, Term(factors=((base, exponent),)))
    return replace(plain, sums=term.sums)


def _fold_product(term: Term, equation: Equation, holds: Callable[[Compare], bool]) -> Term:
    conditions, body = guarded(equation.body)
    (pattern,) = to_terms(body)
    variables = frozenset(equation.indices)
    left_over = [exponent for _, exponent in term.factors]
    matched = _match_factors(list(pattern.factors), term, left_over, variables, {})
    if matched is None or set(matched[0]) != variables:
        return term
    binding, left_over = matched
    for condition in conditions:
        here = substitute(condition, binding)
        if not (isinstance(here, Compare) and holds(here)):
            return term
    name = Ref(equation.name, tuple(binding[index] for index in equation.indices))
    factors: list[tuple[Expr, Fraction]] = []
    placed = False
    for (base, exponent), left in zip(term.factors, left_over, strict=True):
        if left != exponent and not placed:
            factors.append((name, Fraction(1)))
            placed = True
        factors.append((base, left) if left.denominator == 1 else (Call("sqrt", (base,)), 2 * left))
    plain = Term(term.coefficient / pattern.coefficient, (), term.brackets)
    for base, exponent in factors:
        if exponent:
            plain = multiply(plain, Term(factors=((base, exponent),)))
    return replace(plain, sums=term.sums)


def _match_factors(
    wanted: list[tuple[Expr, Fraction]],
    term: Term,
    left_over: list[Fraction],
    variables: frozenset[str],
    binding: Binding,
) -> tuple[Binding, list[Fraction]] | None:
    """The binding, and the exponents of the term's factors that are left when all that is `wanted` is taken away."""
    if not wanted:
        return binding, left_over
    (pattern, exponent), *rest = wanted
    under = pattern.arguments[0] if isinstance(pattern, Call) and pattern.function == "sqrt" else None
    candidates = [(place, pattern, exponent) for place in range(len(term.factors))]
    if under is not None:  # the root of u is taken out of u as well
        candidates += [(place, under, exponent / 2) for place in range(len(term.factors))]
    for place, pattern, exponent in candidates:
        base, there = term.factors[place][0], left_over[place]
        if there * exponent <= 0 or abs(there) < abs(exponent):
            continue
        found = match_parts(pattern, base, variables, binding)
        if found is None:
            continue
        remaining = [*left_over[:place], there - exponent, *left_over[place + 1 :]]
        if (done := _match_factors(rest, term, remaining, variables, found)) is not None:
            return done
    return None


def _fold_inside(expr: Expr, named: tuple[Equation, ...]) -> Expr:
    """Names put in below the top: `1 - sigmoid(z)` is `1 - h`."""
    changed = rebuild(expr, lambda part: _fold_inside(part, named))
    if not isinstance(changed, (Call, Div, Mul, Pow)):
        return changed
    terms = to_terms(changed)
    if len(terms) != 1:
        return changed
    folded = terms[0]
    for equation in named:
        folded = _fold_product(folded, equation, lambda _: False)
    return changed if folded is terms[0] else to_expr((folded,))


@dataclass(frozen=True, slots=True)
class Fact:
    """Σ_{index} name[…, index] = 1, because every element is a share of one total."""

    name: str
    axis: int
    lower: Expr
    upper: Expr
    reason: str

    def apply(self, term: Term) -> Term:
        """The term with the sum replaced by 1, where nothing else depends on the summed index."""
        for bound in term.sums:
            if key(bound.lower) != key(self.lower) or key(bound.upper) != key(self.upper):
                continue
            holders = [(base, e) for base, e in term.factors if bound.index in names(base)]
            if len(holders) != 1 or holders[0][1] != 1 or any(bound.index in names(b) for b in term.brackets):
                continue
            base = holders[0][0]
            if not (isinstance(base, Ref) and base.name == self.name and base.indices[self.axis] == Ref(bound.index)):
                continue
            if any(bound.index in names(part) for i, part in enumerate(base.indices) if i != self.axis):
                continue
            if any(bound.index in names(b.lower) | names(b.upper) for b in term.sums if b is not bound):
                continue
            return replace(
                term,
                factors=tuple(pair for pair in term.factors if pair[0] is not base),
                sums=tuple(b for b in term.sums if b is not bound),
            )
        return term


def given_total(name: str, values: Mapping[tuple[int, ...], Fraction], lower: Expr, upper: Expr) -> Fact | None:
    """The fact that given values sum to 1 along their last axis; None where they do not.

    >>> given_total("t", {(1,): Fraction(0), (2,): Fraction(1)}, ONE, Num(Fraction(2))).reason
    'Σ t = 1 for the given t'
    """
    totals: dict[tuple[int, ...], Fraction] = {}
    for place, value in values.items():
        totals[place[:-1]] = totals.get(place[:-1], Fraction(0)) + value
    if not totals or () in values or set(totals.values()) != {Fraction(1)}:
        return None
    rank = len(next(iter(values)))
    return Fact(name, rank - 1, lower, upper, f"Σ {name} = 1 for the given {name}")


@dataclass(frozen=True, slots=True)
class Centred:
    """Σ_i (a[…, i, …] - mean) = 0, because the mean is that of the same elements."""

    index: str
    lower: Expr
    upper: Expr
    deviation: Add
    variables: frozenset[str]
    reason: str

    def apply(self, term: Term) -> Term | None:
        """None, for 0, where a sum over deviations from their mean has no other factor with the index."""
        for bound in term.sums:
            if key(bound.lower) != key(self.lower) or key(bound.upper) != key(self.upper):
                continue
            holders = [(base, e) for base, e in term.factors if bound.index in names(base)]
            if len(holders) != 1 or holders[0][1] != 1 or any(bound.index in names(b) for b in term.brackets):
                continue
            wanted = substitute(self.deviation, {self.index: Ref(bound.index)})
            for sign in (wanted, _opposite(wanted)):
                found = match(sign, holders[0][0], self.variables, {})
                if found is not None and not any(bound.index in names(value) for value in found.values()):
                    return None
        return term


def _opposite(difference: Expr) -> Expr:
    match difference:
        case Add((left, Neg(right))):
            return Add((right, Neg(left)))
        case _:
            return difference


def centred(equation: Equation) -> Centred | None:
    """The fact that deviations from a mean sum to 0, read off the definition of the mean; None for another equation.

    >>> from backcalc.formula.read import read_expression
    >>> centred(Equation("mu", ("j",), read_expression("1/N*sum(i=1..N, a[i,j])"))).reason
    'Σ (a - mu) = 0, since mu is the mean of a'
    """
    body = equation.body
    if isinstance(body, Reduce) and body.operation == "mean" and body.exclude is None and body.upper is not None:
        body = Div(Reduce("sum", body.index, body.lower, body.upper, None, body.body), body.upper)
    terms = to_terms(body)
    if len(terms) != 1 or len(terms[0].sums) != 1 or terms[0].brackets:
        return None
    (term,), (bound,) = terms, terms[0].sums
    inside = [base for base, exponent in term.factors if bound.index in names(base) and exponent == 1]
    outside = to_expr((replace(term, factors=tuple(p for p in term.factors if p[0] not in inside), sums=()),))
    if len(inside) != 1 or not isinstance(inside[0], Ref) or bound.lower != ONE:
        return None
    if names(bound.upper) & set(equation.indices):
        return None
    if key(outside) != key(to_expr(to_terms(Div(ONE, bound.upper)))):
        return None
    mean = Ref(equation.name, tuple(Ref(index) for index in equation.indices))
    reason = f"Σ ({inside[0].name} - {equation.name}) = 0, since {equation.name} is the mean of {inside[0].name}"
    deviation = Add((inside[0], Neg(mean)))
    return Centred(bound.index, bound.lower, bound.upper, deviation, frozenset(equation.indices), reason)


def shares(equation: Equation) -> Fact | None:
    """The fact that a softmax sums to 1, read off `y[i] = f(i)/Σ_k f(k)`; None for another equation.

    >>> from backcalc.formula.read import read_expression
    >>> y = Equation("y", ("i",), read_expression("exp(z[i])/sum(k=1..3, exp(z[k]))"))
    >>> shares(y).reason
    'Σ y = 1, since every y is its share of one total'
    """
    match equation.body:
        case Div(share, Reduce("sum", index, lower, upper, None, body)) if lower is not None and upper is not None:
            pass
        case _:
            return None
    if names(upper) & set(equation.indices):
        return None  # every element has a total of its own
    for axis, free in enumerate(equation.indices):
        if lower == ONE and key(substitute(body, {index: Ref(free)})) == key(share):
            reason = f"Σ {equation.name} = 1, since every {equation.name} is its share of one total"
            return Fact(equation.name, axis, lower, upper, reason)
    return None


def complement(equations: tuple[Equation, ...]) -> tuple[tuple[tuple[str, ...], str], ...]:
    """Scalars that are the shares of one total, `y1 = a/(a + b)` and `y2 = b/(a + b)`: they sum to 1."""
    groups: dict[str, list[tuple[str, Expr]]] = {}
    totals: dict[str, Expr] = {}
    for equation in equations:
        if not equation.indices and isinstance(equation.body, Div):
            place = key(equation.body.denominator)
            groups.setdefault(place, []).append((equation.name, equation.body.numerator))
            totals[place] = equation.body.denominator
    found = []
    for place, group in groups.items():
        parts = sorted(key(part) for _, part in group)
        if len(group) > 1 and sorted(key(to_expr((term,))) for term in merge(to_terms(totals[place]))) == parts:
            names_of = tuple(name for name, _ in group)
            found.append((names_of, f"{' + '.join(names_of)} = 1, since each is its share of one total"))
    return tuple(found)
