"""What a simplification may know: ranges, sizes, named quantities and proved facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from backcalc.derive.facts import Centred, Fact
from backcalc.derive.terms import Bound, Term
from backcalc.formula.affine import Linear
from backcalc.formula.program import Equation
from backcalc.formula.tree import ONE, Expr, Ref, names, walk

Ranges = Mapping[str, tuple[Expr, Expr]]


@dataclass(frozen=True)
class Setting:
    """What a rule may know: the ranges of the free indices, the size symbols, the named quantities, the facts.

    `whole` are the names that stand in an index somewhere, as the class in `y[t]`: their values are whole numbers.
    `shapes` are those of the arrays that may be read inside their ranges only.
    """

    ranges: Ranges
    sizes: frozenset[str] = frozenset()
    named: tuple[Equation, ...] = ()
    reach: Mapping[str, tuple[Equation, ...]] = field(default_factory=dict)
    facts: tuple[Fact | Centred, ...] = ()
    whole: frozenset[str] = frozenset()
    shapes: Mapping[str, tuple[Expr, ...]] = field(default_factory=dict)

    def candidates(self, term: Term) -> tuple[Equation, ...]:
        """The named quantities that the term could hold: those that read an array which stands in it.

        `reach` groups them by one array that each cannot do without; without it all are candidates.
        """
        if not self.reach:
            return self.named
        present = sorted(frozenset().union(*(names(base) for base, _ in term.factors)) if term.factors else ())
        return tuple(equation for name in present for equation in self.reach.get(name, ()))

    def within(self, term: Term) -> Ranges:
        """The ranges of all indices of a term, free and summed."""
        return {**self.ranges, **{bound.index: (bound.lower, bound.upper) for bound in term.sums}}

    def is_place(self, value: Expr, bound: Bound, term: Term) -> bool:
        """Whether a value, as the class o, is certainly in the range of a sum: the term reads an array there, y[o]."""
        if not isinstance(value, Ref) or value.name not in self.shapes or bound.lower != ONE:
            return False
        reads = (node for base, _ in term.factors for node in walk(base) if isinstance(node, Ref))
        return any(
            index == value and extent == bound.upper
            for read in reads
            for index, extent in zip(read.indices, self.shapes.get(read.name, ()), strict=False)
        )

    def is_whole(self, form: Linear, term: Term) -> bool:
        """Whether a linear form is certainly a whole number, built from indices, sizes and what indexes arrays."""
        known = self.whole | self.sizes | frozenset(self.ranges) | term.bound
        numbers = [form.constant, *form.coefficients.values()]
        return all(n.denominator == 1 for n in numbers) and all(names(atom) <= known for atom in form.coefficients)
