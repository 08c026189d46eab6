"""What holds while a link is being proved: the assumptions of the claim, and the case that is being looked at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from backcalc.derive.key import key
from backcalc.formula.tree import (
    ZERO,
    Add,
    Call,
    Compare,
    Expr,
    Mul,
    Neg,
    Num,
    Pow,
    Reduce,
    Ref,
    children,
    num,
    rebuild,
    size,
    walk,
)
from backcalc.transform.budget import Deadline
from backcalc.transform.normal import Normal, Undecided, Undefined
from backcalc.transform.polynomial import Polynomial
from backcalc.transform.question import Link, Question
from backcalc.transform.signs import Inequality, consistent

Sides = tuple[Expr, Expr]


@dataclass(frozen=True)
class Known:
    """Comparisons that hold, what they say as inequalities, what is positive, and sums whose value is known.

    `sizes` are letters for sizes, `taken` names that no index of a sum is given.
    """

    comparisons: tuple[Compare, ...]
    inequalities: tuple[Inequality, ...]
    positive: frozenset[str]
    facts: tuple[tuple[Reduce, Expr], ...]
    sizes: frozenset[str] = frozenset()
    taken: frozenset[str] = frozenset()

    def normal(self, deadline: Deadline) -> Normal:
        """A maker of normal forms that knows this much."""
        return Normal(deadline, self.inequalities, self.positive, self.facts, taken=self.taken)


def known(question: Question, link: Link, deadline: Deadline) -> Known:
    """What the assumptions of a claim say, and that both sides exist; sizes are positive by themselves."""
    sizes = frozenset(question.sizes)
    start = Known((), (), sizes, question.given.facts, sizes, sizes | frozenset(question.ranges))
    implied = dict.fromkeys(condition for side in (link.left, link.right) for condition in domain(side))
    return _knowing(start, (*question.given.comparisons, *implied), deadline)


def domain(expr: Expr) -> Iterator[Compare]:
    """What must hold where the expression has a value: logarithms are of positive numbers, roots of none below 0.

    Nothing is said of what a condition may skip, nor of what stands under a sum.
    """
    match expr:
        case Reduce() | Compare() | Call("if", _):
            return
        case Mul(factors) if any(isinstance(factor, Compare) for factor in factors):
            return
        case Call("log", (inside,)):
            yield Compare((">",), (inside, ZERO))
        case Call("sqrt", (inside,)):
            yield Compare((">=",), (inside, ZERO))
        case Pow(base, Num(exponent)) if exponent.denominator != 1:
            yield Compare((">=",), (base, ZERO))
        case _:
            pass
    parts = expr.arguments[:1] if isinstance(expr, Call) and expr.function not in ("max", "min") else children(expr)
    for part in parts:
        yield from domain(part)


def _knowing(start: Known, comparisons: Sequence[Compare], deadline: Deadline) -> Known:
    """What the comparisons add, the shortest first."""
    result = start
    for comparison in sorted(comparisons, key=size):
        for operator, (left, right) in zip(comparison.operators, pairwise(comparison.operands), strict=True):
            result = _with(result, operator, left, right, deadline)
    return replace(result, comparisons=tuple(comparisons))


def _with(known: Known, operator: str, left: Expr, right: Expr, deadline: Deadline) -> Known:
    if operator in ("<", "<="):
        return _with(known, operator.replace("<", ">"), right, left, deadline)
    if operator == "!=":
        return known
    positive = known.positive
    match left, right:
        # `x[i] > 0` is said of every element.
        case Ref(name, indices), Num(value) if value > 0 or (value == 0 and operator == ">"):
            if _everywhere(indices, known.sizes):
                positive |= {name}
    normal = replace(known, positive=positive).normal(deadline)
    try:
        found = normal.quotient(Add((left, Neg(right))))
        polynomial = found.over
        for base, exponent in found.under.values():
            if exponent % 2 and normal.powers.sign(base) != 1:
                return replace(known, positive=positive)
    except (Undecided, Undefined):
        return replace(known, positive=positive)
    added = [Inequality(polynomial, operator == ">")]
    if operator == "==":
        added.append(Inequality(-polynomial, False))
    return replace(known, positive=positive, inequalities=(*known.inequalities, *added))


def _everywhere(indices: tuple[Expr, ...], sizes: frozenset[str]) -> bool:
    """Whether a read stands for every element: its indices are different letters, and none of them is a size."""
    letters = {index.name for index in indices if isinstance(index, Ref) and not index.indices}
    return len(letters) == len(indices) and not letters & sizes


def with_case(
    known: Known, switch: Polynomial, operator: str, sides: Sides, deadline: Deadline
) -> tuple[Known, Sides] | None:
    """What is known and the sides in one case of a sign; None where the case cannot occur."""
    signs = {">": [Inequality(switch, True)], "<": [Inequality(-switch, True)]}
    added = signs.get(operator) or [Inequality(switch, False), Inequality(-switch, False)]
    if not consistent([*known.inequalities, *added]):
        return None
    condition = Compare((operator,), (switch.expr, num(0)))
    comparisons = (*known.comparisons, condition)
    if operator == "==" and (solved := _solved(switch, sides)) is not None:
        letter, value = solved
        sides = (_put(sides[0], letter, value), _put(sides[1], letter, value))
        changed = [_put(comparison, letter, value) for comparison in known.comparisons]
        comparisons = tuple(each for each in changed if isinstance(each, Compare))
    return _knowing(replace(known, inequalities=()), comparisons, deadline), sides


def _solved(switch: Polynomial, sides: Sides) -> tuple[Ref, Expr] | None:
    """A name and its value where the switch is 0, if it stands there alone and to the first power."""
    for monomial, coefficient in sorted(switch.terms.items(), key=lambda term: len(term[0])):
        if len(monomial) != 1 or monomial[0][1] != 1 or not isinstance(monomial[0][0].expr, Ref):
            continue
        letter = monomial[0][0].expr
        others = [generator.expr for other in switch.terms if other != monomial for generator, _ in other]
        if any(isinstance(node, Ref) and node.name == letter.name for other in others for node in walk(other)):
            continue
        if letter.indices and any(_bound_reads(side, letter.name) for side in sides):
            continue
        rest = Polynomial({m: -c / coefficient for m, c in switch.terms.items() if m != monomial})
        return letter, rest.expr
    return None


def _bound_reads(expr: Expr, name: str) -> bool:
    """Whether a sum reads the array, so that one of its elements cannot be replaced by itself."""
    sums = (node for node in walk(expr) if isinstance(node, Reduce))
    return any(isinstance(node, Ref) and node.name == name for total in sums for node in walk(total.body))


def _put(expr: Expr, letter: Ref, value: Expr) -> Expr:
    """The expression with a name, or one element of an array, replaced; a bound index hides a name."""
    if isinstance(expr, Ref) and key(expr) == key(letter):
        return value
    if isinstance(expr, Reduce) and expr.index == letter.name:
        return expr
    return rebuild(expr, lambda part: _put(part, letter, value))
