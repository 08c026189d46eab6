"""The closed list of rules by which a derivative is simplified. Each says why it ends.

A rule takes terms and a `Setting` and returns terms, the very same object where it has nothing to do. The order in
`RULES` is the order of a careful person: first the deltas, then names for what has one, then like terms.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction

from backcalc.derive.brackets import certain, decide, narrow, settle
from backcalc.derive.deltas import collapse, joined, mixed_radix, multiples, one_window, shuffled, spread, tidy_indices
from backcalc.derive.facts import Centred, Fact, fold_term
from backcalc.derive.key import key
from backcalc.derive.setting import Setting
from backcalc.derive.terms import Term, Terms, merge, multiply, put, rename, single
from backcalc.derive.write import distribute, splice, to_expr
from backcalc.formula.affine import at_least, linear, tidy
from backcalc.formula.tree import ONE, ZERO, Add, Call, Neg, Num, Ref, size


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


def count_constant_sums(term: Term, setting: Setting) -> Term | None:
    """Σ_{i=1..n} c is n·c, where the range is certainly not empty the wrong way round. Ends: it removes a sum."""
    for bound in term.sums:
        if term.mentions(bound.index):
            continue
        rest = replace(term, sums=tuple(b for b in term.sums if b is not bound))
        length = (linear(bound.upper) - linear(bound.lower) + linear(ONE)).expr()
        if not at_least(length, ZERO, setting.within(rest), setting.sizes):
            continue
        count = single(length)
        return None if count is None else replace(multiply(count, replace(rest, sums=())), sums=rest.sums)
    return term


def single_terms(term: Term, setting: Setting) -> Term | None:
    """A sum from 1 to 1 is its one term. Ends: every application removes a sum."""
    for bound in term.sums:
        if key(tidy(bound.lower)) == key(tidy(bound.upper)):
            rest = replace(term, sums=tuple(b for b in term.sums if b is not bound))
            return tidy_indices(put(rest, {bound.index: bound.lower}))
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
    """What equals a named quantity gets its name: exp(z_i)/Σ exp(z_k) is y_i. Ends: functions and quotients go."""
    return fold_term(term, setting.candidates(term), lambda condition: certain(condition, term, setting))


def _shrink(terms: Terms, setting: Setting) -> Terms:
    """Products of sums multiplied out where that makes the whole shorter. Ends: the size falls."""
    wide = tuple(sorted(merge(distribute(terms)), key=lambda term: term.coefficient < 0))  # y - t, not -t + y
    return wide if size(to_expr(wide)) < size(to_expr(terms)) else terms


def _gather(terms: Terms, setting: Setting) -> Terms:
    """Σ_n p_n·x_n - Σ_n t_n·x_n is Σ_n (p_n - t_n)·x_n. Ends: there is one sum less, and the whole is shorter."""
    for place, left in enumerate(terms):
        for other, right in enumerate(terms[place + 1 :], start=place + 1):
            both = _in_one_sum(left, right)
            if both is not None:
                found = (*terms[:place], both, *terms[place + 1 : other], *terms[other + 1 :])
                if size(to_expr(found)) < size(to_expr(terms)):
                    return found
    return terms


def _in_one_sum(left: Term, right: Term) -> Term | None:
    """Two terms under the same sums with a factor in common as one; None for others."""
    if not left.sums or len(left.sums) != len(right.sums):
        return None
    for mine, theirs in zip(left.sums, right.sums, strict=True):
        if mine.index != theirs.index:
            if right.mentions(mine.index) or mine.index in right.bound:
                return None
            right = rename(right, theirs.index, mine.index)
    edges = [[(key(b.lower), key(b.upper)) for b in term.sums] for term in (left, right)]
    if edges[0] != edges[1] or {*map(key, left.brackets)} != {*map(key, right.brackets)}:
        return None
    theirs_by_key = {key(base): exponent for base, exponent in right.factors}
    common = tuple(pair for pair in left.factors if theirs_by_key.get(key(pair[0])) == pair[1])
    if not common:
        return None
    shared = {key(base) for base, _ in common}
    parts = [
        Term(term.coefficient, tuple(pair for pair in term.factors if key(pair[0]) not in shared))
        for term in sorted((left, right), key=lambda term: term.coefficient < 0)
    ]
    if any(len(part.factors) != 1 or not isinstance(part.factors[0][0], Ref) for part in parts):
        return None  # p - t reads well in one sum, what is longer does not
    own = [place for place, (base, _) in enumerate(left.factors) if key(base) not in shared]
    place = own[0] if own else len(common)
    factors = (*common[:place], (to_expr(tuple(parts)), Fraction(1)), *common[place:])
    return Term(factors=factors, brackets=left.brackets, sums=left.sums)


def _merge(terms: Terms, setting: Setting) -> Terms:
    found = merge(terms)
    return terms if len(found) == len(terms) else found


def _splice(terms: Terms, setting: Setting) -> Terms:
    found = splice(terms)
    return terms if len(found) == len(terms) else found


RULES: tuple[Rule, ...] = (
    Rule("collapse", _each(collapse), "a delta picks one term out of the sum"),
    Rule("collapse", _each(mixed_radix), "the flattened index is put together from its digits"),
    Rule("collapse", _each(joined), "quotient and remainder put the flattened index together"),
    Rule("collapse", _each(shuffled), "the digits change places"),
    Rule("collapse", _each(spread), "the quotient is the same for neighbours: they are a range"),
    Rule("collapse", _each(multiples), "a multiple has one quotient"),
    Rule("collapse", _each(one_window), "the windows lie side by side: one of them holds the element"),
    Rule("single", _each(single_terms), "a sum of one term is that term"),
    Rule("decide", _each(decide), "a condition that always or never holds is 1 or 0"),
    Rule("narrow", _each(narrow), "the condition becomes the range of the sum"),
    Rule("settle", _each(settle), "beside [i = c] the index is c"),
    Rule("root", _each(square_roots), "the square of a root is what stands under it"),
    Rule("fold", _each(fold), "what already has a name is called by it"),
    Rule("count", _each(count_constant_sums), "a sum of n equal terms is n times the term"),
    Rule("merge", _merge, "like terms are added up"),
    Rule("multiply out", _shrink, "multiplied out, terms cancel"),
    Rule("gather", _gather, "sums over the same index are one sum"),
    Rule("turn", _each(turn), "the minus sign goes into the difference"),
    Rule("open", _splice, "parentheses around the whole are dropped"),
)

MERGING = next(position for position, rule in enumerate(RULES) if rule.name == "merge")


def _with_facts(setting: Setting) -> tuple[Rule, ...]:
    """The rules, and behind the names the facts that were proved of this program, each with its own reason."""
    facts = tuple(Rule("fact", _each(_fact_rule(fact)), fact.reason) for fact in setting.facts)
    return RULES[:MERGING] + facts + RULES[MERGING:]


def _fact_rule(fact: Fact | Centred) -> Callable[[Term, Setting], Term | None]:
    """Σ_k y_k = 1 and its like, proved from the definitions. Ends: every application removes a sum."""
    return lambda term, setting: fact.apply(term)


def simplify(terms: Terms, setting: Setting) -> tuple[Terms, tuple[tuple[Rule, Terms], ...]]:
    """Applies the rules until none fires; returns the result and the states after each rule that did.

    Ends because every rule does and the later ones never undo an earlier one; a bound on the rounds stands guard.
    """
    trail: list[tuple[Rule, Terms]] = []
    rules = _with_facts(setting)
    for _ in range(200):
        for rule in rules:
            changed = rule.apply(terms, setting)
            if changed is not terms:
                terms = changed
                if trail and trail[-1][0] == rule:
                    trail[-1] = (rule, terms)
                else:
                    trail.append((rule, terms))
                break
        else:
            return terms, tuple(trail)
    raise RuntimeError("simplification did not end")
