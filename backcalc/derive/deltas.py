"""Deltas [a = e(i)] solved for a summed index: one term is picked out of the sum.

Where the solution may leave the range of the sum, the condition that it does not stays behind as a bracket.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from backcalc.derive.key import key
from backcalc.derive.setting import Ranges, Setting
from backcalc.derive.terms import Bound, Term, inside, put
from backcalc.formula.affine import Linear, at_least, linear, tidied, tidy
from backcalc.formula.tree import ONE, Add, Call, Compare, Expr, Mul, Num, Reduce, Ref, names, num


def collapse(term: Term, setting: Setting) -> Term | None:
    """Σ_i f(i)·[a = e(i)] is f at the solution. Ends: every application removes a sum.

    A summed index with coefficient ±1 in the condition is solved for. Where the solution may leave the range of the
    sum, the condition that it does not is kept.
    """
    for bracket in term.brackets:
        if bracket.operators != ("==",):
            continue
        form = linear(bracket.operands[1]) - linear(bracket.operands[0])
        for bound in term.sums:
            solution = _solve(form, bound.index) if setting.is_whole(form, term) else None
            if solution is None or (names(solution) & term.bound and bound.index in _bounds_of(term)):
                continue
            rest = replace(
                term,
                brackets=tuple(b for b in term.brackets if b is not bracket),
                sums=tuple(b for b in term.sums if b is not bound),
            )
            guard = range_condition(solution, bound.lower, bound.upper, setting.within(rest), setting.sizes)
            if guard is False:
                return None
            found = put(rest, {bound.index: solution})
            found = tidy_indices(found)
            certain = not isinstance(guard, Compare) or setting.is_place(solution, bound, term)
            return found if certain or not isinstance(guard, Compare) else with_bracket(found, guard)
    return term


def with_bracket(term: Term, bracket: Compare) -> Term:
    if any(key(bracket) == key(other) for other in term.brackets):
        return term
    return replace(term, brackets=(*term.brackets, bracket))


def _solve(form: Linear, index: str) -> Expr | None:
    """The index from `form = 0`, where it stands there once with coefficient ±1 and nowhere inside an atom."""
    coefficient = form.coefficients.get(Ref(index))
    if coefficient is None or abs(coefficient) != 1:
        return None
    rest = form.without(Ref(index))
    if any(index in names(atom) or isinstance(atom, Reduce) for atom in rest.coefficients):
        return None
    return (rest * (-1 / coefficient)).expr()


def range_condition(
    expr: Expr, lower: Expr, upper: Expr, ranges: Ranges, sizes: frozenset[str]
) -> Compare | bool | None:
    """The condition `lower <= expr <= upper` as far as it is not certain; None where it is, False where it fails."""
    if at_least(lower, Add((expr, num(1))), ranges, sizes) or at_least(expr, Add((upper, num(1))), ranges, sizes):
        return False
    above = at_least(expr, lower, ranges, sizes)
    below = at_least(upper, expr, ranges, sizes)
    if above and below:
        return None
    if above:
        return Compare(("<=",), (expr, upper))
    if below:
        return Compare(("<=",), (lower, expr))
    return Compare(("<=", "<="), (lower, expr, upper))


def tidy_indices(term: Term) -> Term:
    """Index expressions in their shortest form: `x[i + 1 - 1]` is `x[i]`."""
    plain = replace(term, factors=())
    for base, exponent in term.factors:
        plain = inside(plain, Term(factors=((tidied(base), exponent),)))
    return replace(
        plain,
        brackets=tuple(Compare(b.operators, tuple(tidy(o) for o in b.operands)) for b in term.brackets),
        sums=tuple(Bound(b.index, tidy(b.lower), tidy(b.upper)) for b in term.sums),
    )


def mixed_radix(term: Term, setting: Setting) -> Term | None:
    """Σ_n over a flattened axis whose digits are all given: n is put together from them. Ends: removes a sum.

    `div(n - 1, 4) + 1 = c` and `mod(n - 1, 4) + 1 = i` say n = 4·(c - 1) + i.
    """
    for bound in term.sums:
        digits = [found for b in term.brackets if (found := _digit(b, bound.index)) is not None]
        mentioned = sum(1 for b in term.brackets if bound.index in names(b))
        if not digits or len(digits) != mentioned:
            continue
        digits.sort(key=lambda digit: digit[0])
        stride = 1
        for place, modulus, _, _ in digits:
            if place != stride:
                break
            stride = stride * modulus if modulus else 0
        else:
            if stride not in (0, _number(bound.upper)):
                continue
            total = linear(ONE)
            for place, _, value, _ in digits:
                total = total + (linear(value) - linear(ONE)) * Fraction(place)
            used = {id(bracket) for *_, bracket in digits}
            rest = replace(
                term,
                brackets=tuple(b for b in term.brackets if id(b) not in used),
                sums=tuple(b for b in term.sums if b is not bound),
            )
            if not setting.is_whole(total, rest) or bound.index in _bounds_of(rest):
                continue
            within = setting.within(rest)
            edges: list[tuple[Expr, Expr, Expr]] = [(total.expr(), bound.lower, bound.upper)]
            edges[:0] = [(value, ONE, num(base)) for _, base, value, _ in digits if base is not None]
            guards = [range_condition(value, low, high, within, setting.sizes) for value, low, high in edges]
            if False in guards:
                return None
            one = tidy_indices(put(rest, {bound.index: total.expr()}))
            for guard in guards:
                one = with_bracket(one, guard) if isinstance(guard, Compare) else one
            return one
    return term


def _digit(bracket: Compare, index: str) -> tuple[int, int | None, Expr, Compare] | None:
    """(place value, base or None for the top digit, the digit counted from 1, the bracket)."""
    if bracket.operators != ("==",):
        return None
    for value, other in (bracket.operands, bracket.operands[::-1]):
        form = linear(other)
        if index in names(value) or len(form.coefficients) != 1:
            continue
        ((atom, coefficient),) = form.coefficients.items()
        if coefficient != 1:
            continue
        counted = (linear(value) - Linear({}, form.constant) + linear(ONE)).expr()
        modulus: int | None = None
        if isinstance(atom, Call) and atom.function == "mod":
            modulus = _number(atom.arguments[1])
            inner = linear(atom.arguments[0])
            if len(inner.coefficients) == 1 and inner.constant == 0:
                atom = next(iter(inner.coefficients))
            else:
                atom = inner.expr()
            if modulus is None:
                continue
        place: int | None = 1
        if isinstance(atom, Call) and atom.function == "div":
            place = _number(atom.arguments[1])
            atom = atom.arguments[0]
        if place is not None and linear(atom) == Linear({Ref(index): Fraction(1)}, Fraction(-1)):
            return place, modulus, counted, bracket
    return None


def _number(expr: Expr) -> int | None:
    return expr.value.numerator if isinstance(expr, Num) and expr.value.denominator == 1 else None


def joined(term: Term, setting: Setting) -> Term | None:
    """[a = div(u, n) + 1] beside [b = mod(u, n) + 1] says u = n·(a - 1) + b - 1. Ends: two quotients go."""
    parts = [(bracket, *part) for bracket in term.brackets if (part := _part(bracket)) is not None]
    for first, function, inner, n, quotient in parts:
        for second, other, same, m, remainder in parts:
            if (
                (function, other) != ("div", "mod")
                or (key(inner), n) != (key(same), m)
                or not names(inner) & term.bound
            ):
                continue
            if names(inner) <= {index for index in term.bound if linear(inner).coefficients.get(Ref(index)) == 1} and (
                len(linear(inner).coefficients) == 1
            ):
                continue  # one index: its digits put it together
            whole = (linear(quotient) * Fraction(n) + linear(remainder)).expr()
            rest = tuple(bracket for bracket in term.brackets if bracket not in (first, second))
            found = replace(term, brackets=(*rest, Compare(("==",), (whole, inner))))
            guard = range_condition(remainder, num(0), num(n - 1), setting.within(term), setting.sizes)
            if guard is False:
                return None
            return with_bracket(found, guard) if isinstance(guard, Compare) else found
    return term


def _part(bracket: Compare) -> tuple[str, Expr, int, Expr] | None:
    """`div` or `mod`, its argument, its divisor and its value, of a condition that gives the value of one."""
    if bracket.operators != ("==",):
        return None
    form = linear(bracket.operands[1]) - linear(bracket.operands[0])
    for atom, coefficient in form.coefficients.items():
        match atom:
            case Call(("div" | "mod") as function, (inner, Num(n))) if abs(coefficient) == 1 and n.denominator == 1:
                value = form.without(atom) * (-1 / coefficient)
                if not any(isinstance(other, Call) for other in value.coefficients):
                    return function, inner, n.numerator, value.expr()
            case _:
                continue
    return None


def shuffled(term: Term, setting: Setting) -> Term | None:
    """[a = c·mod(u, n) + div(u, n)], u below c·n, gives both digits of u. Ends: one condition becomes two simpler."""
    for bracket in term.brackets:
        if bracket.operators != ("==",):
            continue
        form = linear(bracket.operands[1]) - linear(bracket.operands[0])
        quotients = [(a, c) for a, c in form.coefficients.items() if isinstance(a, Call) and a.function == "div"]
        remainders = [(a, c) for a, c in form.coefficients.items() if isinstance(a, Call) and a.function == "mod"]
        if len(quotients) != 1 or len(remainders) != 1 or quotients[0][0].arguments != remainders[0][0].arguments:
            continue
        (high, by_quotient), (low, by_remainder) = quotients[0], remainders[0]
        inner, divisor = high.arguments
        n, scale = _number(divisor), by_remainder / by_quotient
        bound = next((b for b in term.sums if linear(inner) == linear(Ref(b.index)) - linear(ONE)), None)
        if (
            n is None
            or abs(by_quotient) != 1
            or bound is None
            or _number(bound.upper) != n * scale
            or bound.lower != ONE
        ):
            continue
        value = form.without(high).without(low) * (-1 / by_quotient)
        step = num(scale)
        conditions = (
            Compare(("==",), (low, Call("div", (value.expr(), step)))),
            Compare(("==",), (high, Call("mod", (value.expr(), step)))),
        )
        rest = tuple(other for other in term.brackets if other is not bracket)
        guard = range_condition(value.expr(), num(0), num(n * scale - 1), setting.within(term), setting.sizes)
        if guard is False:
            return None
        found = replace(term, brackets=(*rest, *conditions))
        return with_bracket(found, guard) if isinstance(guard, Compare) else found
    return term


def spread(term: Term, setting: Setting) -> Term | None:
    """[a = div(i - 1, s) + 1] says that i is one of s neighbours: a range. Ends: a delta becomes a range."""
    for bracket in term.brackets:
        if bracket.operators != ("==",):
            continue
        form = linear(bracket.operands[0]) - linear(bracket.operands[1])
        for atom, coefficient in form.coefficients.items():
            match atom:
                case Call("div", (inner, Num(n))) if abs(coefficient) == 1 and names(inner) & term.bound:
                    quotient = form.without(atom) * (-1 / coefficient)
                    if any(names(other) & names(inner) & term.bound for other in quotient.coefficients):
                        continue
                    low = quotient * n
                    bounds = (low.expr(), inner, (low + Linear({}, n - 1)).expr())
                    rest = replace(term, brackets=tuple(b for b in term.brackets if b is not bracket))
                    return with_bracket(rest, Compare(("<=", "<="), bounds))
                case _:
                    continue
    return term


def multiples(term: Term, setting: Setting) -> Term | None:
    """Σ_i f(i)·[a = 2·i - 1]: i is div(a + 1, 2) where that is whole. Ends: every application removes a sum."""
    for bracket in term.brackets:
        if bracket.operators != ("==",):
            continue
        form = linear(bracket.operands[1]) - linear(bracket.operands[0])
        for bound in term.sums:
            coefficient = form.coefficients.get(Ref(bound.index))
            rest_form = form.without(Ref(bound.index))
            if coefficient is None or coefficient.denominator != 1 or bound.index in _bounds_of(term):
                continue
            if any(bound.index in names(atom) or isinstance(atom, Reduce) for atom in rest_form.coefficients):
                continue
            if any(abs(form.coefficients.get(Ref(b.index), Fraction(0))) == 1 for b in term.sums):
                continue  # another sum settles it without a remainder
            multiple = (rest_form * Fraction(-1 if coefficient > 0 else 1)).expr()
            step = num(abs(coefficient))
            solution = Call("div", (multiple, step))
            rest = replace(
                term,
                brackets=tuple(b for b in term.brackets if b is not bracket),
                sums=tuple(b for b in term.sums if b is not bound),
            )
            found = tidy_indices(put(rest, {bound.index: solution}))
            found = with_bracket(found, Compare(("==",), (Call("mod", (multiple, step)), num(0))))
            return with_bracket(found, Compare(("<=", "<="), (bound.lower, solution, bound.upper)))
    return term


def one_window(term: Term, setting: Setting) -> Term | None:
    """Σ_o f(o)·[1 ≤ i - s·o + s ≤ s]: windows of width s laid side by side, only one holds i. Ends: removes a sum.

    It is number div(i - 1, s) + 1; where that may be no window's number, the condition that it is one stays.
    """
    for bracket in term.brackets:
        if bracket.operators != ("<=", "<="):
            continue
        low, middle, high = bracket.operands
        form, width = linear(middle), _number(high)
        for bound in term.sums:
            step = form.coefficients.get(Ref(bound.index))
            if low != ONE or width is None or step != -width or width < 2 or bound.lower != ONE:
                continue
            rest = form.without(Ref(bound.index)) - Linear({}, Fraction(width))
            if any(bound.index in names(atom) for atom in rest.coefficients) or bound.index in _bounds_of(term):
                continue
            if not setting.is_whole(rest, term):
                continue
            window = Add((Call("div", ((rest - linear(ONE)).expr(), num(width))), ONE))
            outer = replace(
                term,
                brackets=tuple(b for b in term.brackets if b is not bracket),
                sums=tuple(b for b in term.sums if b is not bound),
            )
            found = tidy_indices(put(outer, {bound.index: window}))
            within = setting.within(outer)
            first = at_least(rest.expr(), ONE, within, setting.sizes)
            last = at_least(Mul((num(width), bound.upper)), rest.expr(), within, setting.sizes)
            if first and last:
                return found
            if first:
                return with_bracket(found, Compare(("<=",), (window, bound.upper)))
            return with_bracket(found, Compare(("<=", "<="), (ONE, window, bound.upper)))
    return term


def _bounds_of(term: Term) -> frozenset[str]:
    """The names that the bounds of the sums mention."""
    return frozenset().union(*(names(b.lower) | names(b.upper) for b in term.sums)) if term.sums else frozenset()
