"""Brackets [condition]: decided where they are certain, used where they fix an index, turned into ranges of sums."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from backcalc.derive.deltas import tidy_indices, with_bracket
from backcalc.derive.key import key
from backcalc.derive.setting import Ranges, Setting
from backcalc.derive.terms import Bound, Term, put
from backcalc.formula.affine import Linear, at_least, linear, tidy
from backcalc.formula.tree import Add, Call, Compare, Expr, Num, Ref, names, num


def certain(condition: Compare, term: Term, setting: Setting) -> bool:
    """Whether a condition holds wherever the term counts: a bracket of it, or true in the ranges of its indices."""
    parts = {key(part) for bracket in term.brackets for part in _links(bracket)}
    within = setting.within(term)
    return all(
        key(link) in parts or all(_verdict(part, within, setting.sizes) for part in _split(link))
        for link in _links(condition)
    )


def _links(bracket: Compare) -> list[Compare]:
    """`1 <= i <= N` as `1 <= i` and `i <= N`."""
    pairs = zip(bracket.operators, bracket.operands, bracket.operands[1:], strict=False)
    return [Compare((operator,), (left, right)) for operator, left, right in pairs]


def _split(bracket: Compare) -> list[Compare]:
    """`max(1, i-2) <= j` as `1 <= j` and `i-2 <= j`, `j <= min(i, N)` likewise."""
    match bracket:
        case Compare(("<=",), (Call("max", parts), right)):
            return [Compare(("<=",), (part, right)) for part in parts]
        case Compare(("<=",), (left, Call("min", parts))):
            return [Compare(("<=",), (left, part)) for part in parts]
        case _:
            return [bracket]


def _trimmed(bracket: Compare, ranges: Ranges, sizes: frozenset[str]) -> Compare:
    """`max(1, i-2) <= j <= i` without the 1, where j is at least that anyway; `min` likewise."""
    if bracket.operators != ("<=", "<="):
        return bracket
    low, middle, high = bracket.operands
    if isinstance(low, Call) and low.function == "max":
        kept = [part for part in low.arguments if not _verdict(Compare(("<=",), (part, middle)), ranges, sizes)]
        low = kept[0] if len(kept) == 1 else low
    if isinstance(high, Call) and high.function == "min":
        kept = [part for part in high.arguments if not _verdict(Compare(("<=",), (middle, part)), ranges, sizes)]
        high = kept[0] if len(kept) == 1 else high
    return Compare(bracket.operators, (low, middle, high))


def decide(term: Term, setting: Setting) -> Term | None:
    """Brackets whose truth is certain are 1 or make the term 0. Ends: every application removes one, or a maximum."""
    within = setting.within(term)
    split = [part for bracket in term.brackets for part in _split(_trimmed(bracket, within, setting.sizes))]
    if tuple(split) != term.brackets:
        return replace(term, brackets=tuple({key(bracket): bracket for bracket in split}.values()))
    kept = []
    for bracket in term.brackets:
        verdict = _verdict(bracket, setting.within(term), setting.sizes)
        if verdict is False:
            return None
        if verdict is None:
            kept.append(bracket)
    return term if len(kept) == len(term.brackets) else replace(term, brackets=tuple(kept))


def _verdict(bracket: Compare, ranges: Ranges, sizes: frozenset[str]) -> bool | None:
    known: list[bool | None] = []
    for operator, left, right in zip(bracket.operators, bracket.operands, bracket.operands[1:], strict=False):
        difference = linear(left) - linear(right)
        if not difference.coefficients:
            constant = difference.constant
            table = {"==": constant == 0, "!=": constant != 0, "<": constant < 0, "<=": constant <= 0}
            table |= {">": constant > 0, ">=": constant >= 0}
            known.append(table[operator])
        elif not all(_is_index(atom, ranges, sizes) for atom in difference.coefficients):
            known.append(None)
        else:
            above, below = at_least(left, right, ranges, sizes), at_least(right, left, ranges, sizes)
            over = above and at_least(left, Add((right, num(1))), ranges, sizes)
            under = below and at_least(right, Add((left, num(1))), ranges, sizes)
            truth = {"==": above and below, "!=": over or under, "<": under, "<=": below, ">": over, ">=": above}
            untruth = {"==": over or under, "!=": above and below, "<": above, "<=": over, ">": below, ">=": under}
            known.append(True if truth[operator] else False if untruth[operator] else None)
    if False in known:
        return False
    return True if all(known) else None


def _is_index(atom: Expr, ranges: Ranges, sizes: frozenset[str]) -> bool:
    return isinstance(atom, Ref) and not atom.indices and (atom.name in ranges or atom.name in sizes)


def settle(term: Term, setting: Setting) -> Term | None:
    """Beside [i = 1], every other i is 1. Ends: an index leaves the factors for good."""
    for bracket in term.brackets:
        if bracket.operators != ("==",):
            continue
        for left, right in (bracket.operands, bracket.operands[::-1]):
            if not (isinstance(left, Ref) and left.name in setting.ranges and not left.indices):
                continue
            known = isinstance(right, Num) or (isinstance(right, Ref) and right.name in setting.shapes)
            if not known or not any(left.name in names(base) for base, _ in term.factors):
                continue
            rest = replace(term, brackets=tuple(b for b in term.brackets if b is not bracket))
            return with_bracket(tidy_indices(put(rest, {left.name: right})), bracket)
    return term


def _largest(left: Expr, right: Expr, term: Term, setting: Setting) -> Expr:
    ranges = setting.within(term)
    if at_least(right, left, ranges, setting.sizes):
        return tidy(right)
    return tidy(left) if at_least(left, right, ranges, setting.sizes) else tidy(Call("max", (left, right)))


def _smallest(left: Expr, right: Expr, term: Term, setting: Setting) -> Expr:
    ranges = setting.within(term)
    if at_least(left, right, ranges, setting.sizes):
        return tidy(right)
    return tidy(left) if at_least(right, left, ranges, setting.sizes) else tidy(Call("min", (left, right)))


def _weak(bracket: Compare) -> Compare:
    """[t < T] as [t + 1 <= T], which of whole numbers is the same; the sides of > and >= change places."""
    match bracket:
        case Compare(((">" | ">=") as operator,), (left, right)):
            return _weak(Compare((operator.replace(">", "<"),), (right, left)))
        case Compare(("<",), (left, right)):
            return Compare(("<=",), (Add((left, num(1))), right))
        case _:
            return bracket


def _quotient(form: Linear, step: Fraction) -> Linear:
    """The form divided by a step and rounded down."""
    if step == 1:
        return form
    return (
        linear(Call("div", (form.expr(), num(step))))
        if form.coefficients
        else Linear({}, Fraction(form.constant // step))
    )


def sign(number: Fraction) -> int:
    """1, 0 or -1."""
    return (number > 0) - (number < 0)


def narrow(term: Term, setting: Setting) -> Term | None:
    """A condition on a summed index becomes the range of its sum. Ends: every application removes a bracket.

    Σ_{k=1..K} f(k)·[1 ≤ i - k + 1 ≤ P] is Σ_{k=max(1, i-P+1)..min(K, i)} f(k): a full correlation, readable as such;
    with a stride the edges are quotients rounded down.
    """
    for bracket in term.brackets:
        weak = _weak(bracket)
        if set(weak.operators) != {"<="}:
            continue
        for place, bound in enumerate(term.sums):
            if len(weak.operands) == 3:
                low, middle, high = weak.operands
                bounds: tuple[Expr | None, Expr | None] = (low, high)
            elif bound.index in names(weak.operands[0]):
                middle, bounds = weak.operands[0], (None, weak.operands[1])
            else:
                middle, bounds = weak.operands[1], (weak.operands[0], None)
            form = linear(middle)
            coefficient = form.coefficients.get(Ref(bound.index))
            rest = form.without(Ref(bound.index))
            inside = frozenset().union(*(names(a) for a in rest.coefficients)) if rest.coefficients else frozenset()
            later = {other.index for other in term.sums[place:]}
            if coefficient is None or coefficient.denominator != 1 or inside & later:
                continue
            if any(edge is not None and names(edge) & later for edge in bounds):
                continue
            if not all(setting.is_whole(linear(part), term) for part in (middle, *bounds) if part is not None):
                continue
            # c·k + rest between low and high: k from (low - rest)/c, rounded up, to (high - rest)/c, rounded down.
            edges = [None if edge is None else (linear(edge) - rest) * Fraction(sign(coefficient)) for edge in bounds]
            below, above = edges if coefficient > 0 else edges[::-1]
            step = abs(coefficient)
            below = None if below is None else _quotient(below + Linear({}, step - 1), step)
            above = None if above is None else _quotient(above, step)
            around = replace(term, sums=term.sums[:place])
            lower = bound.lower if below is None else _largest(bound.lower, below.expr(), around, setting)
            upper = bound.upper if above is None else _smallest(bound.upper, above.expr(), around, setting)
            sums = tuple(Bound(b.index, lower, upper) if b is bound else b for b in term.sums)
            return replace(term, brackets=tuple(b for b in term.brackets if b is not bracket), sums=sums)
    return term
