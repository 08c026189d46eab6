"""Terms back to expressions: what all share in front, numbers first, sums behind the factors they do not touch."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from backcalc.derive.key import key
from backcalc.derive.terms import Term, Terms, all_names, inside, merge, multiply, rename_apart, to_terms
from backcalc.formula.tree import ZERO, Add, Compare, Div, Expr, Mul, Neg, Num, Pow, Reduce, Ref, names, num, walk


def to_expr(terms: Terms) -> Expr:
    """The terms written out, with what all of them share pulled out in front.

    >>> from backcalc.formula.print_text import to_text
    >>> from backcalc.formula.read import read_expression
    >>> to_text(to_expr(to_terms(read_expression("g*y - y*sum(i=1..3, g2[i])"))))
    'y*(g - sum(i=1..3, g2[i]))'
    """
    terms = tuple(term for term in terms if term.coefficient)
    if not terms:
        return ZERO
    if len(terms) == 1:
        return term_expr(terms[0])
    shared = _shared(terms)
    if not shared.factors and not shared.brackets and shared.coefficient == 1:
        return _add(terms)
    rest = tuple(_without(term, shared) for term in terms)
    return term_expr(Term(shared.coefficient, (*shared.factors, (_add(rest), Fraction(1))), shared.brackets))


def _add(terms: Terms) -> Expr:
    parts: list[Expr] = []
    for term in sorted(terms, key=lambda term: term.coefficient < 0) if terms[0].coefficient < 0 else terms:
        part = term_expr(term)
        parts.extend(part.terms if isinstance(part, Add) else (part,))
    return Add(tuple(parts))


def _shared(terms: Terms) -> Term:
    """The factors and brackets that every term has outside its sums, and a common coefficient."""
    first, *others = terms
    factors = []
    for base, exponent in first.factors:
        if names(base) & first.bound:
            continue
        least = exponent
        for other in others:
            there = next((e for b, e in other.factors if key(b) == key(base) and not names(b) & other.bound), None)
            if there is None or (there < 0) != (exponent < 0):
                break
            least = min(least, there, key=abs)
        else:
            factors.append((base, least))
    brackets = tuple(
        bracket
        for bracket in first.brackets
        if not names(bracket) & first.bound
        and all(any(key(bracket) == key(b) and not names(b) & o.bound for b in o.brackets) for o in others)
    )
    # What a condition of one term keeps inside its range stays behind that condition.
    guards = frozenset().union(
        *(names(b) for t in terms for b in t.brackets if "<=" in b.operators and b not in brackets)
    )
    factors = [(base, exponent) for base, exponent in factors if not _indices(base) & guards]
    sizes = {abs(term.coefficient) for term in terms}
    common = sizes.pop() if len(sizes) == 1 else Fraction(1)
    # -a·y + b·y reads better as -y·(a - b): the sum in parentheses then opens with its first term.
    negative = all(term.coefficient < 0 for term in terms) or (first.coefficient < 0 and bool(factors))
    sign = -1 if negative else 1
    return Term(common * sign, tuple(factors), brackets)


def _without(term: Term, shared: Term) -> Term:
    inverse = Term(1 / shared.coefficient, tuple((base, -exponent) for base, exponent in shared.factors))
    kept = tuple(b for b in term.brackets if all(key(b) != key(s) for s in shared.brackets))
    bare = replace(term, brackets=kept, sums=())
    return replace(multiply(bare, inverse), sums=term.sums)


def term_expr(term: Term) -> Expr:
    """One term written out: number, factors without a summed index, then the sums; brackets last."""
    inner = [(base, e) for base, e in term.factors if names(base) & term.bound]
    outer = [(base, e) for base, e in term.factors if not names(base) & term.bound]
    inner_brackets = tuple(bracket for bracket in term.brackets if names(bracket) & term.bound)
    outer_brackets = tuple(bracket for bracket in term.brackets if not names(bracket) & term.bound)
    if not term.sums:
        return _product(term.coefficient, outer, (), outer_brackets)
    body = _product(Fraction(1), inner, (), inner_brackets)
    for bound in reversed(term.sums):
        body = Reduce("sum", bound.index, bound.lower, bound.upper, None, body)
    return _product(term.coefficient, outer, (body,), outer_brackets)


def _product(
    coefficient: Fraction,
    factors: list[tuple[Expr, Fraction]],
    last: tuple[Expr, ...],
    brackets: tuple[Compare, ...],
) -> Expr:
    brackets = tuple(map(_readable, brackets))
    if coefficient < 0:
        return negated(_product(-coefficient, factors, last, brackets))
    over = [_raised(base, exponent) for base, exponent in factors if exponent > 0]
    under = [_raised(base, -exponent) for base, exponent in factors if exponent < 0]
    # A condition stands outside a quotient whose denominator it keeps inside its range: a[i+1] where i + 1 <= N.
    guarded = tuple(b for b in brackets if any(names(b) & _indices(part) for part in under))
    if guarded:
        kept = tuple(b for b in brackets if b not in guarded)
        quotient = _product(coefficient, factors, last, kept)
        return Mul((*(quotient.factors if isinstance(quotient, Mul) else (quotient,)), *guarded))
    over += [*last, *brackets]
    if coefficient == 0:
        return ZERO
    if not over and not under:
        return num(coefficient)
    if coefficient == 1 and len(over) == 1 and not under:
        return over[0]
    if under and coefficient.denominator != 1:
        under.insert(0, num(coefficient.denominator))
        coefficient = Fraction(coefficient.numerator)
    if coefficient != 1 or not over:
        over.insert(0, num(coefficient))
    top = over[0] if len(over) == 1 else Mul(tuple(over))
    if not under:
        return top
    return Div(top, under[0] if len(under) == 1 else Mul(tuple(under)))


def _readable(bracket: Compare) -> Compare:
    """[j = i] as [i = j], [T = t] as [t = T]; of whole numbers [t + 1 ≤ T] as [t < T], [1 ≤ j-2 ≤ 2] as [3 ≤ j ≤ 4]."""
    match bracket:
        case Compare(("==",), (Ref(left, ()), Ref(right, ()))) if (right.isupper(), right) < (left.isupper(), left):
            return Compare(("==",), (Ref(right), Ref(left)))
        case Compare(("==",), (Num() as left, Ref(_, ()) as right)):
            return Compare(("==",), (right, left))
        case Compare(("<=",), (Add((Ref(_, ()) as left, Num(value))), Ref(_, ()) | Num() as right)) if value == 1:
            return Compare(("<",), (left, right))
        case Compare(("<=",), (Ref(_, ()) | Num() as left, Add((Ref(_, ()) as right, Num(value))))) if value == -1:
            return Compare(("<",), (left, right))
        case Compare(("<=", "<="), (Num(low), Add((Ref(_, ()) as index, Num(value))), Num(high))):
            return Compare(bracket.operators, (num(low - value), index, num(high - value)))
        case _:
            return bracket


def _indices(expr: Expr) -> frozenset[str]:
    """The names that stand in the indices of what an expression reads."""
    reads = (node for node in walk(expr) if isinstance(node, Ref))
    return frozenset().union(*(names(index) for read in reads for index in read.indices))


def negated(expr: Expr) -> Expr:
    """-expr, the sign in the leading number where there is one, as it is read: `-2*x` opens with the number -2."""
    match expr:
        case Num(value):
            return num(-value)
        case Mul((Num(value), *rest)):
            return Mul((num(-value), *rest))
        case Div(Num() | Mul((Num(), *_)) as numerator, denominator):
            return Div(negated(numerator), denominator)
        case Mul((Div(Num(), _) as quotient, *rest)):
            return Mul((negated(quotient), *rest))
        case _:
            return Neg(expr)


def _raised(base: Expr, exponent: Fraction) -> Expr:
    return base if exponent == 1 else Pow(base, num(exponent))


def distribute(terms: Terms, limit: int = 200) -> Terms:
    """Every product of sums multiplied out, `(1 - y)*t` as `t - y*t`; the terms themselves where that passes `limit`.

    >>> from backcalc.formula.read import read_expression
    >>> len(distribute(to_terms(read_expression("(a + b)*(c + d)"))))
    4
    """
    found: list[Term] = []
    for term in terms:
        open_terms = [replace(term, factors=())]
        free = all_names(term)  # what a factor sums over must not take hold of the factors behind it
        # Quotients first, so that what they divide by cancels before it is multiplied out.
        for base, exponent in sorted(term.factors, key=lambda pair: not _divides(pair[0])):
            single = Term(factors=((base, exponent),))
            parts = merge(to_terms(base)) if isinstance(base, (Add, Neg, Mul, Div, Reduce)) else ()
            if len(parts) < 2 or exponent.denominator != 1 or not 1 <= exponent <= 4:
                open_terms = [inside(left, single) for left in open_terms]
                continue
            for _ in range(exponent.numerator):
                opened: list[Term] = []
                for left in open_terms:
                    below = {key(other) for other, power in left.factors if power < 0}
                    once = (Term(factors=((base, Fraction(1)),)),)
                    right = once if key(base) in below else distribute(parts)
                    opened += [inside(left, rename_apart(part, free)) for part in right]
                open_terms = opened
                if len(open_terms) > limit:
                    return terms
        found.extend(open_terms)
    return merge(tuple(found))


def _divides(expr: Expr) -> bool:
    """Whether a sum has a quotient among its terms."""
    return isinstance(expr, Add) and any(power < 0 for term in to_terms(expr) for _, power in term.factors)


def splice(terms: Terms) -> Terms:
    """A term that is nothing but a sum in parentheses, opened: `1·(y - t)` is `y - t`."""
    found: list[Term] = []
    for term in terms:
        if abs(term.coefficient) == 1 and [e for _, e in term.factors] == [1] and not term.sums and not term.brackets:
            inner = to_terms(term.factors[0][0])
            if len(inner) > 1:
                found.extend(replace(part, coefficient=part.coefficient * term.coefficient) for part in inner)
                continue
        found.append(term)
    return tuple(found)
