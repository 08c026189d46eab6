"""Scalar lines: a quantity written out, its formula with everything put in, and why it is 0 where it is.

For every element there are up to three right-hand sides: the chain rule with the derivatives upstream named, the
shorter form where one exists (y1 - 1), and everything upstream put in, as long as a person would still read it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from backcalc.derive.adjoint import Adjoint
from backcalc.derive.exact import EXACT, Exact
from backcalc.derive.ground import Ground
from backcalc.derive.key import key
from backcalc.derive.terms import Term, Terms, merge, multiply, to_terms
from backcalc.derive.write import distribute, to_expr
from backcalc.formula.evaluate import Array, evaluate_expression
from backcalc.formula.integers import EvaluationError
from backcalc.formula.print_unicode import to_unicode
from backcalc.formula.tree import ZERO, Add, Expr, Neg, Num, Ref, num, size, walk

READABLE = 60  # nodes of a formula with everything put in


@dataclass(frozen=True, slots=True)
class Line:
    """One scalar equation of the derivation: `of` at `place` = `formula` = … = `value`.

    `short` is the shorter form where there is one, `inserted` the formula with everything upstream put in, `how` the
    identity that this used; `because` says why the value is 0 where the terms themselves are not, `absent` that nothing
    in the forward pass reads the element.
    """

    of: str
    place: tuple[int, ...]
    formula: Expr
    value: Exact | None = None
    short: Expr | None = None
    inserted: Expr | None = None
    because: str = ""
    how: str = ""
    absent: bool = False

    @property
    def left(self) -> Ref:
        """The left side, `dJ/dz[1]`."""
        return Ref(self.of, tuple(num(index) for index in self.place))


@dataclass
class Writer:
    """Writes derivatives out element by element; remembers what it has put in."""

    ground: Ground
    adjoints: Mapping[str, Adjoint]
    totals: tuple[tuple[Ref, ...], ...]
    store: Mapping[str, Array[Exact]]
    present: frozenset[Ref] = frozenset()
    memo: dict[Ref, Terms | None] = field(default_factory=dict)
    used: dict[Ref, tuple[Ref, ...]] = field(default_factory=dict)

    def line(self, adjoint: Adjoint, place: tuple[int, ...]) -> Line:
        """The line of one element of one derivative."""
        frame = dict(zip(adjoint.indices, place, strict=True))
        formula = self.ground(adjoint.chain, frame)
        short = None if adjoint.closed == adjoint.chain else self.ground(adjoint.closed, frame)
        value = self.value(Ref(adjoint.name, tuple(num(i) for i in place)))
        left = Ref(adjoint.name, tuple(num(i) for i in place))
        terms = self.inserted(left)
        inserted = None if terms is None else to_expr(terms)
        if inserted is not None and (size(inserted) > READABLE or inserted in (formula, short)):
            inserted = None
        because = ""
        lead = len(adjoint.shape) - len(self.ground.program.shapes[adjoint.of])
        element = Ref(adjoint.of, left.indices[lead:])
        absent = formula == ZERO and (bool(lead) or element not in self.present)
        if formula == ZERO and not absent:
            because = f"{to_unicode(element, scalar_names=True)} makes no difference where it goes in"
        if value is not None and value.is_zero() and formula != ZERO and short != ZERO:
            because = self.zero_reason(terms) if terms is not None else ""
        used = self.used.get(left)
        how = "" if used is None else " + ".join(to_unicode(ref, scalar_names=True) for ref in used) + " = 1"
        return Line(
            adjoint.name, place, formula, value, None if short == formula else short, inserted, because, how, absent
        )

    def value(self, expr: Expr) -> Exact | None:
        """The exact value of a written-out expression; None where a name in it has none."""
        for node in walk(expr):
            if isinstance(node, Ref) and node.name not in self.store and node.name not in ("e", "pi"):
                return None
        try:
            return evaluate_expression(expr, {}, self.store, EXACT, self.ground.program)
        except EvaluationError:
            return None

    # -- everything put in ------------------------------------------------------------------------

    def inserted(self, element: Ref) -> Terms | None:
        """The derivative with every derivative upstream put in; None where that is too long to read."""
        if element not in self.memo:
            self.memo[element] = None
            self.memo[element] = self._insert(element)
        return self.memo[element]

    def _insert(self, element: Ref) -> Terms | None:
        adjoint = next((a for a in self.adjoints.values() if a.name == element.name), None)
        if adjoint is None:
            return None
        place = [index.value.numerator for index in element.indices if isinstance(index, Num)]
        written = self.ground(adjoint.closed, dict(zip(adjoint.indices, place, strict=True)))
        found: list[Term] = []
        for term in to_terms(written):
            product = Term(term.coefficient, (), term.brackets)
            for base, exponent in term.factors:
                part: Terms | None = (Term(factors=((base, exponent),)),)
                if isinstance(base, Ref) and any(base.name == a.name for a in self.adjoints.values()):
                    part = self.inserted(base)
                if part is None:
                    return None
                if not part:
                    product = Term(Fraction(0))
                    break
                product = multiply(
                    product, part[0] if len(part) == 1 else Term(factors=((to_expr(part), Fraction(1)),))
                )
            if product.coefficient:
                found.append(product)
            if sum(size(base) for term in found for base, _ in term.factors) > 4 * READABLE:
                return None
        plain = merge(tuple(found))
        terms = self._with_totals(plain)
        if to_expr(terms) != to_expr(plain):
            self.used[element] = next(t for t in self.totals if len(t) == 2)
        return to_terms(to_expr(terms))

    def _with_totals(self, terms: Terms) -> Terms:
        """y1 - 1 is -y2 where y1 + y2 = 1, at the top and inside the factors, where it makes the whole shorter."""
        changed: Terms = ()
        for term in terms:
            product = Term(term.coefficient, (), term.brackets)
            for base, exponent in term.factors:
                inner = self._use_total(merge(to_terms(base))) if isinstance(base, Add) and exponent == 1 else None
                single = Term(factors=((base, exponent),)) if inner is None or len(inner) != 1 else inner[0]
                product = multiply(product, single)
            changed += (product,)
        whole = self._use_total(changed)
        return merge(whole if whole is not None else changed)

    def _use_total(self, terms: Terms) -> Terms | None:
        for total in self.totals:
            if len(total) != 2:
                continue
            for own, other in (total, total[::-1]):
                shape = {key(own): None, "1": None}
                found = {key(to_expr((Term(factors=t.factors, brackets=t.brackets),))): t for t in terms}
                if len(terms) == 2 and set(found) == set(shape):
                    share, constant = found[key(own)], found["1"]
                    if share.coefficient == -constant.coefficient:
                        return (Term(-share.coefficient, ((other, Fraction(1)),)),)
        return None

    # -- why a value is 0 -------------------------------------------------------------------------

    def zero_reason(self, terms: Terms) -> str:
        """The reason in words: `w3 = w5`, `x3 = 0`, `q2 = -1/2 is not > 0`; empty where no factor shows it."""
        reasons: list[str] = []
        for term in terms:
            reason = self._zero_factor(term)
            if reason is None:
                return self._cancellation(terms)
            reasons += [r for r in reason.split(" and ") if r not in reasons]
        return " and ".join(reasons)

    def _zero_factor(self, term: Term) -> str | None:
        for bracket in term.brackets:
            if (value := self.value(bracket)) is not None and value.is_zero():
                return f"{to_unicode(bracket, scalar_names=True)} does not hold"
        for base, exponent in term.factors:
            value = self.value(base)
            if exponent < 0 or value is None or not value.is_zero():
                continue
            match base:
                case Add((left, Neg(right))):
                    return f"{to_unicode(left, scalar_names=True)} = {to_unicode(right, scalar_names=True)}"
                case Add():
                    return self.zero_reason(to_terms(base))
                case _:
                    return f"{to_unicode(base, scalar_names=True)} = 0"
        return None

    def _cancellation(self, terms: Terms) -> str:
        """The terms multiplied out and grouped by what stays: each group's bracket is 0."""
        wide = distribute(terms)
        for total in self.totals:
            wide = self._eliminate(wide, total)
        groups: dict[str, list[Term]] = {}
        kept = {key(ref) for total in self.totals for ref in total}
        for term in wide:
            shares = [(base, e) for base, e in term.factors if key(base) in kept]
            rest = tuple((base, e) for base, e in term.factors if key(base) not in kept)
            place = "*".join(sorted(f"{key(base)}^{e}" for base, e in shares))
            groups.setdefault(place, []).append(Term(term.coefficient, rest, term.brackets))
        reasons = []
        for group in groups.values():
            factor = to_expr(tuple(group))
            value = self.value(factor)
            if value is None or not value.is_zero() or len(group) != 2:
                return ""
            left, right = (to_expr((Term(abs(t.coefficient), t.factors, t.brackets),)) for t in group)
            reasons.append(f"{to_unicode(left, scalar_names=True)} = {to_unicode(right, scalar_names=True)}")
        return " and ".join(dict.fromkeys(reasons))

    def _eliminate(self, terms: Terms, total: tuple[Ref, ...]) -> Terms:
        """The first share replaced by 1 minus the others."""
        first, *others = total
        rest: Expr = Add((num(1), *(Neg(other) for other in others)))
        changed: list[Term] = []
        for term in terms:
            product = Term(term.coefficient, (), term.brackets)
            for base, exponent in term.factors:
                product = multiply(product, Term(factors=((rest if base == first else base, exponent),)))
            changed.append(product)
        return distribute(tuple(changed))
