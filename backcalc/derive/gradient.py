"""A derivative that was asked for: of an array, of an own name, or of one element."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from backcalc.derive.adjoint import Adjoint, Step
from backcalc.derive.exact import Exact
from backcalc.derive.question import DerivationError, Question
from backcalc.derive.rules import simplify
from backcalc.derive.setting import Setting
from backcalc.derive.target import Target, index_names, target_of
from backcalc.derive.terms import to_terms
from backcalc.derive.write import to_expr
from backcalc.formula.evaluate import Array
from backcalc.formula.program import Program
from backcalc.formula.tree import ONE, ZERO, Compare, Expr, Mul, Ref, num, substitute, walk


@dataclass(frozen=True, slots=True)
class Gradient:
    """A derivative that was asked for; `place` are the indices of the one element, None where an index stays free.

    `left` is what it is called with its indices, `indices` those that are free in `formula` and count in `value`.
    """

    asked: str
    adjoint: Adjoint
    place: tuple[int, ...] | None
    left: Ref
    formula: Expr
    indices: tuple[str, ...]
    value: Array[Exact] | None


def gradient_of(
    question: Question,
    program: Program,
    loss: str,
    adjoints: Mapping[str, Adjoint],
    store: Mapping[str, Array[Exact]],
) -> Gradient:
    """The answer to one question. Raises DerivationError for what stands in an index."""
    asked, by, place = question.asked, question.by.array, question.place
    adjoint = adjoints.get(by)
    if by in program.index_names:
        raise DerivationError(f"`{by}` stands in an index: it is a whole number and has no derivative")
    if adjoint is None:
        adjoint = _without_path(question, program, loss)
    values = store.get(adjoint.name)
    if place is None:
        whole = Ref(adjoint.name, tuple(Ref(index) for index in adjoint.indices))
        return Gradient(asked, adjoint, None, whole, adjoint.closed, adjoint.indices, values)
    # Of an element of the target by a whole array, or the other way round, the array's indices stay free.
    lead = len(adjoint.indices) - len(program.shapes[by])
    at = (*(question.at or (None,) * lead), *(question.by.indices or (None,) * len(program.shapes[by])))
    fixed: dict[str, Expr] = {index: num(i) for index, i in zip(adjoint.indices, at, strict=True) if i is not None}
    free = tuple(index for index, i in zip(adjoint.indices, at, strict=True) if i is None)
    here = None if values is None else _at(values, at)
    places = tuple(fixed.get(index, Ref(index)) for index in adjoint.indices)
    left = Ref(adjoint.name, places)
    ranges = {index: (ONE, extent) for index, extent in zip(adjoint.indices, adjoint.shape, strict=True)}
    setting = Setting({index: ranges[index] for index in free}, frozenset(program.sizes))
    formula = _decided(substitute(adjoint.closed, fixed), setting)
    return Gradient(asked, adjoint, None if free else place, left, formula, free, here)


def _decided(formula: Expr, setting: Setting) -> Expr:
    """A formula at fixed indices, its conditions decided where that can be: [2 = 1] is 0."""
    if not any(isinstance(node, Compare) for node in walk(formula)):
        return formula
    return to_expr(simplify(to_terms(formula), setting)[0])


def _at(values: Array[Exact], at: tuple[int | None, ...]) -> Array[Exact]:
    """The elements at the indices that are fixed, by those that are free."""
    return {
        tuple(i for i, fixed in zip(place, at, strict=True) if fixed is None): value
        for place, value in values.items()
        if all(fixed is None or fixed == i for i, fixed in zip(place, at, strict=True))
    }


def _without_path(question: Question, program: Program, loss: str) -> Adjoint:
    """The derivative of what the target does not depend on, which is 0; of the loss by itself, which is 1."""
    by = question.by.array
    target = target_of(program, loss) if loss in program.shapes else Target(loss)
    own = index_names(program, by, target.indices)
    indices, shape = target.indices + own, target.shape + program.shapes[by]
    formula: Expr = ZERO
    reason = f"{loss} does not depend on {by}"
    if by == loss:
        deltas = [Compare(("==",), (Ref(a), Ref(b))) for a, b in zip(target.indices, own, strict=True)]
        formula = ONE if not deltas else deltas[0] if len(deltas) == 1 else Mul(tuple(deltas))
        reason = f"{loss} is the loss itself" if not deltas else f"{loss} by itself"
    step = Step("no path", formula, reason)
    return Adjoint(target.derivative(by), by, loss, indices, shape, formula, formula, (), 0, (step,))
