"""A witness for every derivative in a claim: the slope of the function itself, between two points close together.

The derivative is derived by rules, the slope by evaluating the function; where they differ nothing is decided.
"""

from __future__ import annotations

from fractions import Fraction

from backcalc.formula.evaluate import evaluate_expression
from backcalc.formula.integers import EvaluationError, integer
from backcalc.formula.tree import Ref
from backcalc.transform.budget import Deadline
from backcalc.transform.certain import Certain, arithmetic
from backcalc.transform.points import Point
from backcalc.transform.question import Derivative, Question

STEP = Fraction(1, 10**40)
DIGITS = 250
CLOSE = Fraction(1, 10**25)  # of the larger of 1 and the derivative
POINTS = 3


def confirmed(question: Question, derivative: Derivative, points: list[Point], deadline: Deadline) -> bool:
    """Whether the derivative is the slope at the first points at which there is one; none is no objection."""
    tried = 0
    for turn, point in enumerate(points):
        if tried == POINTS:
            break
        deadline.check()
        verdict = _agrees(question, derivative, point, turn)
        if verdict is False:
            return False
        tried += verdict is True
    return True


def _agrees(question: Question, derivative: Derivative, point: Point, turn: int) -> bool | None:
    above, below = derivative.of.arguments
    assert isinstance(above, Ref) and isinstance(below, Ref)
    if below.name not in point.values:
        return None
    frame = dict(point.sizes)
    for index, extent in question.ranges.items():
        frame[index] = 1 + turn % integer(extent, point.sizes)
    numbers = arithmetic(DIGITS)
    try:
        place = tuple(integer(index, frame) for index in below.indices)
        here = point.values[below.name][place]
        ends = [point.moved(below.name, place, here + step).store(DIGITS) for step in (STEP, -STEP)]
        ends.append(point.store(DIGITS))
        high, low, middle = (evaluate_expression(derivative.function_at, frame, store, numbers) for store in ends)
        claimed = evaluate_expression(derivative.closed, frame, point.store(DIGITS), numbers)
    except (EvaluationError, ArithmeticError, ValueError, KeyError):
        return None
    rates = [(high + -middle) * Certain.of(1 / STEP, DIGITS), (middle + -low) * Certain.of(1 / STEP, DIGITS)]
    if not _close(*rates):  # a kink, where there is a convention and no slope
        return None
    slope = (high + -low) * Certain.of(1 / (2 * STEP), DIGITS)
    return _close(slope, claimed)


def _close(slope: Certain, claimed: Certain) -> bool | None:
    gap = (slope + -claimed).range
    scale = max(1, abs(float(claimed.range.mid.a)))
    width = float(gap.delta.b)
    if width > float(CLOSE) * scale:
        return None
    return bool(abs(float(gap.mid.a)) <= float(CLOSE) * scale)
