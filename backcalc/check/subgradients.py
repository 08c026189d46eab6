"""Slopes at a kink: any one between those of its two sides is a subgradient, and the key's is one of them.

R. T. Rockafellar, *Convex Analysis*, Princeton 1970, §23.
"""

from __future__ import annotations

from collections.abc import Iterator

from backcalc.check.compare import Formula, constant
from backcalc.check.interval import INTERVALS, Interval
from backcalc.check.subject import MOST_WORK, Subject
from backcalc.derive.arrays import evaluate_available, work
from backcalc.formula.evaluate import evaluate_expression
from backcalc.formula.integers import EvaluationError
from backcalc.formula.names import is_derivative
from backcalc.formula.program import Equation
from backcalc.formula.tree import Add, Call, Compare, Expr, Mul, Neg, Num, Ref, num, rebuild, walk

SENTENCE = "at a kink every slope between those of its two sides is a subgradient; the key has another"


def is_another_subgradient(about: Ref, right: Formula, subject: Subject) -> bool:
    """Whether what is claimed of a derivative or a step lies between its values for the slopes of either side."""
    value = constant(right, subject)
    if value is None or not (is_derivative(about.name) or about.name.startswith(("Delta", "new_"))):
        return False
    if about.name not in subject.given.store or not 0 <= work(subject.program, subject.given.sizes) <= MOST_WORK:
        return False
    found = list(_sides(about, subject))
    if len(found) < 2 or all(one.meets(found[0]) for one in found):
        return False
    between = Interval(min(one.low for one in found), max(one.high for one in found))
    return between.meets(value)


def claims_derivative(*sides: Expr) -> bool:
    """Whether a claim speaks of a derivative, which has several right values at a kink."""
    return any(isinstance(node, Ref) and is_derivative(node.name) for side in sides for node in walk(side))


def _sides(about: Ref, subject: Subject) -> Iterator[Interval]:
    """The quantity with the key's slopes, and with those of the left and of the right side of every kink."""
    given, program = subject.given, subject.program
    sided = [tuple(_sided(equation, side) for equation in program.equations) for side in ("left", "right")]
    changed = [equations for equations in sided if equations != tuple(program.equations)]
    leaves = {name: given.store[name] for name in program.leaves if name in given.store}
    try:
        if changed:
            yield evaluate_expression(about, given.sizes, given.store, INTERVALS, program)
        for equations in changed:
            store, _ = evaluate_available(program.part(equations), leaves, INTERVALS, given.sizes)
            yield evaluate_expression(about, given.sizes, store, INTERVALS, program)
    except (EvaluationError, LookupError):
        return


def _sided(equation: Equation, side: str) -> Equation:
    """The equation of a derivative with the slope that its functions have on one side of their kinks."""
    if not is_derivative(equation.name):
        return equation
    return Equation(equation.name, equation.indices, _slopes(equation.body, side))


def _slopes(expr: Expr, side: str) -> Expr:
    match expr:
        case Compare((operator,), operands) if operator in (">", ">=", "<", "<=") and _has_value(operands):
            closed = operator[0] == (">" if side == "right" else "<")
            return Compare((operator[0] + "=" * closed,), operands)
        case Call("sign", (inside,)):
            up = Compare((">=" if side == "right" else ">",), (inside, num(0)))
            return Add((Mul((num(2), up)), Neg(num(1))))
        case _:
            return rebuild(expr, lambda part: _slopes(part, side))


def _has_value(operands: tuple[Expr, ...]) -> bool:
    """Whether a comparison is one of values, and not one of indices."""
    return any(isinstance(node, Ref) and node.indices for node in operands for node in walk(node)) or any(
        isinstance(operand, Num) for operand in operands
    )
