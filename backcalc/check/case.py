"""A claim that is wrong, as the search for its cause sees it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from backcalc.check.compare import MOST_OPERATIONS, TINY, Formula, compare, constant, load
from backcalc.check.follow import Own, Spot
from backcalc.check.interval import INTERVALS, Interval, shown
from backcalc.check.names import NotFormula, free_indices
from backcalc.check.subject import Subject
from backcalc.derive.adjoint import Adjoint
from backcalc.formula.evaluate import evaluate_expression
from backcalc.formula.integers import EvaluationError
from backcalc.formula.names import lettered
from backcalc.formula.print_unicode import to_unicode
from backcalc.formula.tree import Expr, Mul, Neg, Num, Ref, Table, num, substitute

MOST_QUANTITIES = 60
FARTHEST = 4


@dataclass(frozen=True)
class Case:
    """`left` is what should be equal to `right` and is not; `about` the quantity that it says something of.

    `as_function` asks of a cause that it leads to what the student has at other values, too.
    """

    subject: Subject
    left: Formula
    right: Formula
    about: Ref | None
    own: Mapping[Spot, Own] = field(default_factory=dict)
    as_function: bool = True

    @cached_property
    def is_count(self) -> bool:
        """Whether it is about a count of a layer or a network."""
        counts = self.subject.counts
        return counts is not None and self.about is not None and self.about.name in counts.values

    @cached_property
    def is_number(self) -> bool:
        """Whether the wrong side is a number."""
        return self.value is not None

    @cached_property
    def value(self) -> Interval | None:
        """The number that was claimed, or what a formula of numbers comes to."""
        return constant(self.right, self.subject)

    @property
    def said(self) -> str:
        """The wrong side as it is said in a sentence."""
        value = self.value
        return str(value) if value is not None else to_unicode(self.right.expr)

    def gives(self, expr: Expr) -> bool:
        """Whether an expression gives what the student has, and not what would be right."""
        candidate = self.left.with_expr(expr)
        if self._misses(candidate):
            return False
        try:
            found = compare(candidate, self.right, self.subject)
            fits = found.as_function if self.as_function else found.holds is True
            return fits and compare(candidate, self.left, self.subject).holds is False
        except (NotFormula, LookupError):
            return False

    def _misses(self, candidate: Formula) -> bool:
        """Whether the given values rule a candidate out, as they do most: the wrong side is then computed once only."""
        if self._here is None or (value := self._at_given(candidate)) is None:
            return False
        return not value.meets(self._here) and max(value.size, self._here.size) >= TINY

    @cached_property
    def _here(self) -> Interval | None:
        """The wrong side at the given values, where it is one number there."""
        return self._at_given(self.right)

    def _at_given(self, formula: Formula) -> Interval | None:
        """A formula at the given values; the first of its elements, where it has free indices."""
        point, program = self.subject.given, self.subject.program
        if isinstance(formula.expr, Table) or load(formula.expr, point.sizes) > MOST_OPERATIONS:
            return None
        store = dict(point.store)
        store |= {name: {(): value} for side in (self.left, self.right) for name, value in side.known.items()}
        try:
            frame = {**dict.fromkeys(free_indices(formula.expr, self.subject), 1), **point.sizes}
            return evaluate_expression(formula.expr, frame, store, INTERVALS, program)
        except (EvaluationError, NotFormula, ArithmeticError, LookupError, ValueError):
            return None

    @cached_property
    def adjoint(self) -> Adjoint | None:
        """The derivation of what it is about, where that is a derivative."""
        return self.subject.adjoints.get(self.about.name) if self.about is not None else None

    @cached_property
    def body(self) -> Expr | None:
        """The formula of what it is about, with numbers for its indices; of what is only copied, that of its source."""
        body: Expr | None = self.about
        for _ in range(FARTHEST):
            if not isinstance(body, Ref):
                break
            equation = self.subject.program.by_name.get(body.name)
            if equation is None:
                return None if body == self.about else body
            same = len(equation.indices) == len(body.indices)
            places = dict(zip(equation.indices, body.indices, strict=True)) if same else {}
            body = substitute(equation.body, places)
        return body

    def formulas(self) -> Iterator[Expr]:
        """The formulas that the wrong side may have been computed from: the left side, and the key's own."""
        if self.left.expr != self.about:
            yield self.left.expr
        if self.body is not None:
            yield self.body

    def has_value(self, ref: Ref) -> bool:
        """Whether it is one element with a value."""
        return self._value(ref) is not None

    def _value(self, ref: Ref) -> Interval | None:
        array = self.subject.given.store.get(ref.name)
        if array is None or not all(isinstance(index, Num) for index in ref.indices):
            return None
        return array.get(tuple(index.value.numerator for index in ref.indices if isinstance(index, Num)))

    @staticmethod
    def place(ref: Ref) -> tuple[int, ...]:
        """The indices of an element, as numbers."""
        return tuple(index.value.numerator for index in ref.indices if isinstance(index, Num))

    def quantities(self) -> Iterator[Ref]:
        """Every element that has a value, as far as there are not too many; the student's own values first."""
        names = self.subject.counts.values if self.subject.counts is not None else {}
        mine = [Ref(name, tuple(num(i) for i in place)) for name, place in self.own]
        yield from mine
        count = 0
        for name, array in self.subject.given.store.items():
            if name in names or name.startswith("new_"):
                continue
            for place in array:
                count += 1
                if count > MOST_QUANTITIES:
                    return
                ref = Ref(name, tuple(num(i) for i in place))
                if ref not in mine:
                    yield ref

    def same(self, one: Ref, other: Ref) -> bool:
        """Whether two elements have the same value."""
        first, second = self._value(one), self._value(other)
        return first is not None and second is not None and first.meets(second)

    def worth(self, ref: Ref) -> str:
        """An element with its value, as in `y1 = 0.5`."""
        value = self._value(ref)
        name = to_unicode(ref, scalar_names=True)
        return name if value is None else f"{name} = {shown(value.middle)}"

    def factors(self, expr: Expr) -> tuple[Expr, ...]:
        """The factors of a product, its sign left out."""
        if isinstance(expr, Neg):
            return self.factors(expr.operand)
        return expr.factors if isinstance(expr, Mul) else (expr,)


def named(name: str) -> str:
    """A name in a sentence."""
    return lettered(name)
