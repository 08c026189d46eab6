"""The closed list of rules by which a derivative is simplified. Each says why it ends.

A rule takes terms and a `Setting` and returns terms, the very same object where it has nothing to do. The order in
`RULES` is the order of a careful person: first the deltas, then names for what has one, then like terms.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction

from backcalc.derive.affine import Linear, at_least, linear, tidy
from backcalc.derive.facts import Fact, fold_term
from backcalc.derive.terms import (
    Bound,
    Term,
    Terms,
    distribute,
    key,
    merge,
    multiply,
    put,
    splice,
    to_expr,
    to_terms,
)
from backcalc.formula.program import Equation
from backcalc.formula.tree import ONE, Add, Call, Compare, Expr, Mul, Neg, Num, Reduce, Ref, names, num, rebuild, size

Ranges = Mapping[str, tuple[Expr, Expr]]


@dataclass(frozen=True)
class Setting:
    """What a rule may know: the ranges of the free indices, the size symbols, the named quantities, the facts."""

    ranges: Ranges
    sizes: frozenset[str] = frozenset()
    named: tuple[Equation, ...] = ()
    facts: tuple[Fact, ...] = ()
    numbers: Mapping[str, int] = field(default_factory=dict)

    def within(self, term: Term) -> Ranges:
        """The ranges of all indices of a term, free and summed."""
        return {**self.ranges, **{bound.index: (bound.lower, bound.upper) for bound in term.sums}}


@dataclass(frozen=True, slots=True)
class Rule:
    """A named rewriting step; `reason` is the sentence a reader sees."""

    name: str
    apply: Callable[[Terms, Setting], Terms]
    reason: str


def _each(change: Callable[[Term, Setting], Term | None]) -> Callable[[Terms, Setting], Terms]:
    """A rule for single terms, made a rule for sums of them; None drops a term that is 0."""

    def apply(terms: Terms, setting: Setting) -> Terms:
        changed = [change(term, setting) for term in terms]
        if all(new is old for new, old in zip(changed, terms, strict=True)):
            return terms
        return tuple(term for term in changed if term is not None)

    return apply


# -- deltas ----------------------------------------------------------------------------------------------------------


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
            solution = _solve(form, bound.index)
            if solution is None or any(bound.index in names(b.lower) | names(b.upper) for b in term.sums):
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
            found = _tidy_indices(found)
            return found if not isinstance(guard, Compare) else _with_bracket(found, guard)
    return term


def _with_bracket(term: Term, bracket: Compare) -> Term:
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
) -> Compare | None | bool:
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


def _tidy_indices(term: Term) -> Term:
    """Index expressions in their shortest form: `x[i + 1 - 1]` is `x[i]`."""
    plain = replace(term, factors=())
    for base, exponent in term.factors:
        plain = multiply(plain, Term(factors=((_tidy(base), exponent),)))
    return replace(
        plain,
        brackets=tuple(Compare(b.operators, tuple(_tidy_operand(o) for o in b.operands)) for b in term.brackets),
        sums=tuple(Bound(b.index, tidy(b.lower), tidy(b.upper)) for b in term.sums),
    )


def _tidy(expr: Expr) -> Expr:
    if isinstance(expr, Ref):
        return Ref(expr.name, tuple(tidy(index) for index in expr.indices))
    return rebuild(expr, _tidy)


def _tidy_operand(expr: Expr) -> Expr:
    return _tidy(expr) if any(isinstance(atom, Ref) and atom.indices for atom in linear(expr).coefficients) else tidy(expr)


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
            return _tidy_indices(put(rest, {bound.index: total.expr()}))
    return term


def _digit(bracket: Compare, index: str) -> tuple[int, int | None, Expr, Compare] | None:
    """(place value, base or None for the top digit, the digit counted from 1, the bracket)."""
    if bracket.operators != ("==",):
        return None
    for value, other in (bracket.operands, bracket.operands[::-1]):
        form = linear(other)
        if index in names(value) or len(form.coefficients) != 1:
            continue
        (atom, coefficient), = form.coefficients.items()
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


def one_window(term: Term, setting: Setting) -> Term | None:
    """Σ_o f(o)·[1 ≤ i - s·o + s ≤ s]: windows of width s laid side by side, only one holds i. Ends: removes a sum.

    It is number div(i - 1, s) + 1; where the last window may be cut off, the condition that it exists stays.
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
            window = Add((Call("div", ((rest - linear(ONE)).expr(), num(width))), ONE))
            outer = replace(
                term,
                brackets=tuple(b for b in term.brackets if b is not bracket),
                sums=tuple(b for b in term.sums if b is not bound),
            )
            found = _tidy_indices(put(outer, {bound.index: window}))
            exists = Compare(("<=",), (window, bound.upper))
            inside = at_least(
                Mul((num(width), bound.upper)), rest.expr(), setting.within(outer), setting.sizes
            ) and at_least(rest.expr(), ONE, setting.within(outer), setting.sizes)
            return found if inside else _with_bracket(found, exists)
    return term


def _bounds_of(term: Term) -> frozenset[str]:
    """The names that the bounds of the sums mention."""
    return frozenset().union(*(names(b.lower) | names(b.upper) for b in term.sums)) if term.sums else frozenset()


# -- brackets --------------------------------------------------------------------------------------------------------


def decide(term: Term, setting: Setting) -> Term | None:
    """Brackets whose truth is certain are 1 or make the term 0. Ends: every application removes a bracket."""
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
        elif (operator == "<=" and at_least(right, left, ranges, sizes)) or (
            operator == ">=" and at_least(left, right, ranges, sizes)
        ):
            known.append(True)
        elif operator == "==" and at_least(left, right, ranges, sizes) and at_least(right, left, ranges, sizes):
            known.append(True)
        elif operator == "==" and (
            at_least(left, Add((right, num(1))), ranges, sizes) or at_least(right, Add((left, num(1))), ranges, sizes)
        ):
            known.append(False)
        else:
            known.append(None)
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
            if not isinstance(right, Num) or not any(left.name in names(base) for base, _ in term.factors):
                continue
            rest = replace(term, brackets=tuple(b for b in term.brackets if b is not bracket))
            return _with_bracket(_tidy_indices(put(rest, {left.name: right})), bracket)
    return term


def narrow(term: Term, setting: Setting) -> Term | None:
    """A condition on a summed index becomes the range of its sum. Ends: every application removes a bracket.

    Σ_{k=1..K} f(k)·[1 ≤ i - k + 1 ≤ P] is Σ_{k=max(1, i-P+1)..min(K, i)} f(k): a full correlation, readable as such.
    """
    for bracket in term.brackets:
        if set(bracket.operators) != {"<="}:
            continue
        for place, bound in enumerate(term.sums):
            if len(bracket.operands) == 3:
                low, middle, high = bracket.operands
                bounds: tuple[Expr | None, Expr | None] = (low, high)
            elif bound.index in names(bracket.operands[0]):
                middle, bounds = bracket.operands[0], (None, bracket.operands[1])
            else:
                middle, bounds = bracket.operands[1], (bracket.operands[0], None)
            form = linear(middle)
            coefficient = form.coefficients.get(Ref(bound.index))
            rest = form.without(Ref(bound.index))
            inside = frozenset().union(*(names(a) for a in rest.coefficients)) if rest.coefficients else frozenset()
            later = {other.index for other in term.sums[place:]}
            if coefficient is None or abs(coefficient) != 1 or inside & later:
                continue
            if any(edge is not None and names(edge) & later for edge in bounds):
                continue
            # coefficient 1: low - rest <= k <= high - rest; coefficient -1: rest - high <= k <= rest - low
            edges = [None if edge is None else (linear(edge) - rest) * (1 / coefficient) for edge in bounds]
            below, above = edges if coefficient == 1 else edges[::-1]
            lower = bound.lower if below is None else tidy(Call("max", (bound.lower, below.expr())))
            upper = bound.upper if above is None else tidy(Call("min", (bound.upper, above.expr())))
            sums = tuple(Bound(b.index, lower, upper) if b is bound else b for b in term.sums)
            return replace(term, brackets=tuple(b for b in term.brackets if b is not bracket), sums=sums)
    return term


# -- sums and names ----------------------------------------------------------------------------------------------------


def count_constant_sums(term: Term, setting: Setting) -> Term | None:
    """Σ_{i=1..n} c is n·c. Ends: every application removes a sum."""
    for bound in term.sums:
        if not term.mentions(bound.index):
            length = linear(bound.upper) - linear(bound.lower) + linear(ONE)
            rest = replace(term, sums=tuple(b for b in term.sums if b is not bound))
            if any(isinstance(atom, Call) for atom in length.coefficients):
                return term  # a clipped range may be empty
            (count,) = to_terms(length.expr()) if len(to_terms(length.expr())) == 1 else (None,)
            return multiply(count or Term(factors=((length.expr(), Fraction(1)),)), rest)
    return term


def square_roots(term: Term, setting: Setting) -> Term | None:
    """√u·√u is u, wherever √u exists. Ends: exponents of roots shrink."""
    for base, exponent in term.factors:
        if isinstance(base, Call) and base.function == "sqrt" and abs(exponent) >= 2:
            half = Fraction(abs(exponent.numerator) // 2 * (1 if exponent > 0 else -1))
            rest = replace(term, factors=tuple(pair for pair in term.factors if pair[0] is not base), sums=())
            whole = multiply(rest, Term(factors=((base.arguments[0], half),)))
            if exponent - 2 * half:
                whole = multiply(whole, Term(factors=((base, exponent - 2 * half),)))
            return replace(whole, sums=term.sums)
    return term


def turn(term: Term, setting: Setting) -> Term | None:
    """-2·(t - y) is 2·(y - t). Ends: the coefficient is positive afterwards."""
    if term.coefficient >= 0:
        return term
    for position, (base, exponent) in enumerate(term.factors):
        match base:
            case Add((left, Neg(right))) if exponent % 2 == 1 and not isinstance(left, Num):
                turned = (Add((right, Neg(left))), exponent)
                factors = (*term.factors[:position], turned, *term.factors[position + 1 :])
                return replace(term, coefficient=-term.coefficient, factors=factors)
    return term


def fold(term: Term, setting: Setting) -> Term | None:
    """What equals a named quantity gets its name: exp(z_i)/Σ exp(z_k) is y_i. Ends: functions and quotients disappear."""
    return fold_term(term, setting.named)


def apply_facts(term: Term, setting: Setting) -> Term | None:
    """Σ_k y_k = 1 and its like, proved from the definitions. Ends: every application removes a sum."""
    for fact in setting.facts:
        found = fact.apply(term)
        if found is not term:
            return found
    return term


def _shrink(terms: Terms, setting: Setting) -> Terms:
    """Products of sums multiplied out where that makes the whole shorter. Ends: the size falls."""
    wide = merge(distribute(terms))
    return wide if size(to_expr(wide)) < size(to_expr(terms)) else terms


def _merge(terms: Terms, setting: Setting) -> Terms:
    found = merge(terms)
    return terms if len(found) == len(terms) else found


def _splice(terms: Terms, setting: Setting) -> Terms:
    found = splice(terms)
    return terms if len(found) == len(terms) else found


RULES: tuple[Rule, ...] = (
    Rule("collapse", _each(collapse), "a delta picks one term out of the sum"),
    Rule("collapse", _each(mixed_radix), "the flattened index is put together from its digits"),
    Rule("collapse", _each(one_window), "the windows lie side by side: one of them holds the element"),
    Rule("decide", _each(decide), "a condition that always or never holds is 1 or 0"),
    Rule("narrow", _each(narrow), "the condition becomes the range of the sum"),
    Rule("settle", _each(settle), "beside [i = c] the index is c"),
    Rule("root", _each(square_roots), "the square of a root is what stands under it"),
    Rule("fold", _each(fold), "what already has a name is called by it"),
    Rule("count", _each(count_constant_sums), "a sum of n equal terms is n times the term"),
    Rule("fact", _each(apply_facts), "a proved identity is used"),
    Rule("merge", _merge, "like terms are added up"),
    Rule("multiply out", _shrink, "multiplied out, terms cancel"),
    Rule("turn", _each(turn), "the minus sign goes into the difference"),
    Rule("open", _splice, "parentheses around the whole are dropped"),
)


def simplify(terms: Terms, setting: Setting) -> tuple[Terms, tuple[tuple[Rule, Terms], ...]]:
    """Applies the rules until none fires; returns the result and the states after each rule that did.

    Ends because every rule does and the later ones never undo an earlier one; a bound on the rounds stands guard.
    """
    trail: list[tuple[Rule, Terms]] = []
    for _ in range(200):
        for rule in RULES:
            changed = rule.apply(terms, setting)
            if changed is not terms:
                terms = changed
                if trail and trail[-1][0] is rule:
                    trail[-1] = (rule, terms)
                else:
                    trail.append((rule, terms))
                break
        else:
            return terms, tuple(trail)
    raise RuntimeError("simplification did not end")


__all__ = ["RULES", "Fact", "Rule", "Setting", "key", "simplify"]
