"""What a simplification may know: ranges, sizes, named quantities and proved facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from backcalc.derive.facts import Centred, Fact
from backcalc.derive.terms import Term
from backcalc.formula.program import Equation
from backcalc.formula.tree import Expr

Ranges = Mapping[str, tuple[Expr, Expr]]


@dataclass(frozen=True)
class Setting:
    """What a rule may know: the ranges of the free indices, the size symbols, the named quantities, the facts."""

    ranges: Ranges
    sizes: frozenset[str] = frozenset()
    named: tuple[Equation, ...] = ()
    facts: tuple[Fact | Centred, ...] = ()

    def within(self, term: Term) -> Ranges:
        """The ranges of all indices of a term, free and summed."""
        return {**self.ranges, **{bound.index: (bound.lower, bound.upper) for bound in term.sums}}
