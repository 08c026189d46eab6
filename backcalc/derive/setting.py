"""What a simplification may know: ranges, sizes, named quantities and proved facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from backcalc.derive.affine import Linear
from backcalc.derive.facts import Centred, Fact
from backcalc.derive.terms import Term
from backcalc.formula.program import Equation
from backcalc.formula.tree import Expr, names

Ranges = Mapping[str, tuple[Expr, Expr]]


@dataclass(frozen=True)
class Setting:
    """What a rule may know: the ranges of the free indices, the size symbols, the named quantities, the facts.

    `whole` are the names that stand in an index somewhere, as the class in `y[t]`: their values are whole numbers.
    """

    ranges: Ranges
    sizes: frozenset[str] = frozenset()
    named: tuple[Equation, ...] = ()
    facts: tuple[Fact | Centred, ...] = ()
    whole: frozenset[str] = frozenset()

    def within(self, term: Term) -> Ranges:
        """The ranges of all indices of a term, free and summed."""
        return {**self.ranges, **{bound.index: (bound.lower, bound.upper) for bound in term.sums}}

    def is_whole(self, form: Linear, term: Term) -> bool:
        """Whether a linear form is certainly a whole number, built from indices, sizes and what indexes arrays."""
        known = self.whole | self.sizes | frozenset(self.ranges) | term.bound
        numbers = [form.constant, *form.coefficients.values()]
        return all(n.denominator == 1 for n in numbers) and all(names(atom) <= known for atom in form.coefficients)
