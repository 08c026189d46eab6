"""Sums of products: the normal form in which a derivation is simplified.

An expression becomes a tuple of `Term`s, `coefficient · Π base^exponent · Π [condition]` under a list of sums. Factors
keep the order in which they arose, so that a product still reads along the chain rule.

>>> from backcalc.formula.print_text import to_text
>>> from backcalc.formula.read import read_expression
>>> to_text(to_expr(merge(to_terms(read_expression("x*y/x + 2*y - y")))))
'2*y'
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from backcalc.derive.affine import linear
from backcalc.formula.tree import (
    ZERO,
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
    fresh_name,
    names,
    num,
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


# -- canonical keys: equal up to the names of bound indices and the order of commuting parts ---------------------------


def key(expr: Expr, bound: tuple[str, ...] = ()) -> str:
    """A text that is equal for expressions that differ only in bound names and the order of terms and factors.

    >>> from backcalc.formula.read import read_expression
    >>> key(read_expression("sum(i, a[i]*b)")) == key(read_expression("sum(k, b*a[k])"))
    True
    """
    match expr:
        case Num(value):
            return str(value)
        case Ref(name, ()):
            return f"#{len(bound) - 1 - bound[::-1].index(name)}" if name in bound else name
        case Ref(name, indices):
            return f"{name}[{','.join(_index_key(index, bound) for index in indices)}]"
        case Add(terms):
            return "(" + "+".join(sorted(key(term, bound) for term in terms)) + ")"
        case Mul(factors):
            return "(" + "*".join(sorted(key(factor, bound) for factor in factors)) + ")"
        case Neg(operand):
            return f"-{key(operand, bound)}"
        case Div(numerator, denominator):
            return f"({key(numerator, bound)}/{key(denominator, bound)})"
        case Pow(base, exponent):
            return f"({key(base, bound)}^{key(exponent, bound)})"
        case Call(function, arguments):
            return f"{function}({','.join(key(argument, bound) for argument in arguments)})"
        case Compare(operators, operands):
            shown = [_index_key(operand, bound) for operand in operands]
            return "[" + shown[0] + "".join(f"{op}{part}" for op, part in zip(operators, shown[1:], strict=True)) + "]"
        case Reduce(operation, index, lower, upper, exclude, body):
            edges = [_index_key(part, bound) if part is not None else "" for part in (lower, upper, exclude)]
            return f"{operation}({';'.join(edges)};{key(body, (*bound, index))})"
        case Table(items):
            return "[" + ",".join(key(item, bound) for item in items) + "]"


def _index_key(expr: Expr, bound: tuple[str, ...]) -> str:
    form = linear(expr)
    parts = sorted(f"{coefficient}·{key(atom, bound)}" for atom, coefficient in form.coefficients.items())
    return "+".join([*parts, str(form.constant)]) if form.constant or not parts else "+".join(parts)


def term_key(term: Term) -> str:
    """The key of a term without its coefficient: like terms have like keys."""
    best: str | None = None
    for order in _orders(term.sums):
        bound = tuple(b.index for b in order)
        factors = sorted(f"{key(base, bound)}^{exponent}" for base, exponent in term.factors)
        brackets = sorted(key(bracket, bound) for bracket in term.brackets)
        edges = [f"{_index_key(b.lower, bound)}..{_index_key(b.upper, bound)}" for b in order]
        text = "|".join(["*".join(factors), "".join(brackets), ";".join(edges)])
        best = text if best is None else min(best, text)
    return best or ""


def _orders(sums: tuple[Bound, ...]) -> Iterable[tuple[Bound, ...]]:
    """The orders of the sums worth trying: all of them while they are few."""
    from itertools import permutations

    return permutations(sums) if len(sums) <= 4 else (sums,)


# -- making terms --------------------------------------------------------------------------------------------------


def multiply(left: Term, right: Term) -> Term:
    """The product of two terms; sums with clashing names are renamed apart first."""
    right = rename_apart(right, _all_names(left))
    left = rename_apart(left, _all_names(right))
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


def _all_names(term: Term) -> frozenset[str]:
    parts = [base for base, _ in term.factors] + list(term.brackets)
    parts += [part for bound in term.sums for part in (bound.lower, bound.upper)]
    return term.bound.union(*(names(part) for part in parts))


def rename_apart(term: Term, taken: frozenset[str]) -> Term:
    """The term with every bound index that is in `taken` renamed."""
    for bound in term.sums:
        if bound.index in taken:
            name = fresh_name(bound.index, taken | _all_names(term))
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


# -- back to expressions -------------------------------------------------------------------------------------------


def to_expr(terms: Terms) -> Expr:
    """The terms written out, with what all of them share pulled out in front.

    >>> from backcalc.formula.print_text import to_text
    >>> from backcalc.formula.read import read_expression
    >>> to_text(to_expr(to_terms(read_expression("g*y - y*sum(i=1..3, g2[i])"))))
    'y*(g - sum(i=1..3, g2[i]))'
    """
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
    if coefficient < 0:
        return negated(_product(-coefficient, factors, last, brackets))
    over = [_raised(base, exponent) for base, exponent in factors if exponent > 0]
    under = [_raised(base, -exponent) for base, exponent in factors if exponent < 0]
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


def negated(expr: Expr) -> Expr:
    """-expr, the sign in the leading number where there is one, as it is read: `-2*x` opens with the number -2."""
    match expr:
        case Num(value):
            return num(-value)
        case Mul((Num(value), *rest)):
            return Mul((num(-value), *rest))
        case Div(Num() | Mul((Num(), *_)) as numerator, denominator):
            return Div(negated(numerator), denominator)
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
        for base, exponent in term.factors:
            parts = merge(to_terms(base)) if isinstance(base, (Add, Neg, Mul, Div)) else ()
            if len(parts) > 1 and exponent.denominator == 1 and 1 <= exponent <= 4:
                for _ in range(exponent.numerator):
                    open_terms = [multiply(left, right) for left in open_terms for right in distribute(parts)]
                    if len(open_terms) > limit:
                        return terms
            else:
                single = Term(factors=((base, exponent),))
                open_terms = [multiply(left, single) for left in open_terms]
        found.extend(open_terms)
    return merge(tuple(found))


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

