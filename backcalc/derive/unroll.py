"""A backward recurrence solved: what flows back through the later rows, as one sum.

dJ/dh[t] = a[t] + c[t]·dJ/dh[t+1] is dJ/dh[t] = Σ_{s=t..T} a[s]·Π_{r=t+1..s} c[r-1], where every element depends on
its own later self alone. A matrix between the rows has no such form in indices; there the recurrence is the answer.

Source: P. J. Werbos, Backpropagation through time, Proc. IEEE 78 (1990), equation 12, unrolled.
"""

from __future__ import annotations

from fractions import Fraction

from backcalc.derive.deltas import tidy_indices
from backcalc.derive.terms import Term, Terms, put
from backcalc.derive.write import to_expr
from backcalc.formula.affine import linear
from backcalc.formula.tree import ONE, Add, Expr, Mul, Reduce, Ref, fresh_name, names, num, substitute


def unrolled(terms: Terms, name: str, indices: tuple[str, ...], shape: tuple[Expr, ...]) -> Expr | None:
    """The derivative `name[indices]` as a sum over the later rows; None where its terms are no such recurrence.

    >>> from backcalc.derive.terms import to_terms
    >>> from backcalc.formula.print_text import to_text
    >>> from backcalc.formula.read import read_expression
    >>> terms = to_terms(read_expression("e[t] + u*dJ/dh[t+1]*(t < T)", losses={"J"}))
    >>> to_text(unrolled(terms, "dJ/dh", ("t",), (Ref("T"),)))
    'sum(s=t..T, e[s]*prod(r=t + 1..s, u))'
    """
    later = [term for term in terms if any(isinstance(base, Ref) and base.name == name for base, _ in term.factors)]
    rest = tuple(term for term in terms if term not in later)
    if len(later) != 1 or not rest or any(name in names(base) for term in rest for base, _ in term.factors):
        return None
    (link,) = later
    own = next(base for base, _ in link.factors if isinstance(base, Ref) and base.name == name)
    others = tuple(pair for pair in link.factors if pair[0] is not own)
    away = [linear(place) - linear(Ref(index)) for place, index in zip(own.indices, indices, strict=True)]
    moved = [axis for axis, form in enumerate(away) if form.coefficients or form.constant]
    if link.sums or len(moved) != 1 or (own, Fraction(1)) not in link.factors:
        return None
    if any(name in names(base) for base, _ in others):
        return None
    axis = moved[0]
    row, last = indices[axis], shape[axis]
    guards = [linear(bracket.operands[1]) - linear(bracket.operands[0]) for bracket in link.brackets]
    inside = linear(last) - linear(Ref(row)) - linear(ONE)
    strict = [bracket.operators == ("<",) for bracket in link.brackets]
    if away[axis] != linear(ONE) or len(guards) != 1 or guards[0] != (inside + linear(ONE) if strict[0] else inside):
        return None
    used = set(indices) | {name for term in terms for base, _ in term.factors for name in names(base)} | names(last)
    at = fresh_name("s", used)
    between = fresh_name("r", used | {at})
    factor = tidy_indices(put(Term(link.coefficient, others), {row: Add((Ref(between), num(-1)))}))
    product = Reduce("prod", between, Add((Ref(row), ONE)), Ref(at), None, to_expr((factor,)))
    start = substitute(to_expr(rest), {row: Ref(at)})
    parts = start.factors if isinstance(start, Mul) else (start,)
    return Reduce("sum", at, Ref(row), last, None, Mul((*parts, product)))
