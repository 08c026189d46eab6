"""Points in every branch of the functions with pieces: on both sides of each kink of a claim, and on the kink itself.

Random values seldom reach the far branch of `max(x, 1000)`, and never the point at which `x > 0` and `x >= 0` differ.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from backcalc.check.interval import INTERVALS, Interval
from backcalc.check.subject import Point, Subject
from backcalc.derive.arrays import work
from backcalc.formula.evaluate import evaluate_expression
from backcalc.formula.integers import EvaluationError
from backcalc.formula.tree import Expr, Ref, walk
from backcalc.transform.points import switches

AROUND = (Fraction(0), Fraction(1, 7), Fraction(-1, 7), Fraction(1, 1_000_003), Fraction(-1, 1_000_003), Fraction(50))
MOST_SWITCHES = 4
MOST_LEAVES = 3
MOST_WORK = 60_000
"""Operations that all points of one claim may take together."""
LONGEST = 10**24
CLOSE = 1e-70

Place = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Branch:
    """A point beside a kink, or on it."""

    point: Point
    on_kink: bool


def branch_points(left: Expr, right: Expr, subject: Subject, start: Point) -> Iterator[Branch]:
    """`start` moved along one leaf after the other to where a piece of the claim begins or ends.

    What differs on the kink alone may be another subgradient, where a derivative is claimed.
    """
    kinks = list(dict.fromkeys(switch for side in (left, right) for switch in switches(side)))[:MOST_SWITCHES]
    free = [name for name in subject.program.leaves if name in start.store and () in start.store[name]]
    arrays = [name for name in subject.program.leaves if name in start.store and () not in start.store[name]]
    spent, cost = 0, max(1, work(subject.program, start.sizes))
    for switch in kinks:
        read = {node.name for node in walk(switch) if isinstance(node, Ref)}
        direct = [name for name in free if name in read]
        for name in (direct or [*free, *arrays])[:MOST_LEAVES]:
            place = min(start.store[name], default=None)
            spent += cost * (3 + len(AROUND))
            if place is None or spent > MOST_WORK:
                continue
            root = _root(switch, name, place, subject, start)
            for shift in AROUND if root is not None else ():
                moved = subject.moved(start, name, place, (root or Fraction(0)) + shift)
                if moved is not None:
                    yield Branch(moved, not shift)


def _root(switch: Expr, name: str, place: Place, subject: Subject, start: Point) -> Fraction | None:
    """Where the switch is 0 along one number, if it is a straight line there."""
    found: list[Interval] = []
    for trial in (0, 1, 2):
        point = subject.moved(start, name, place, Fraction(trial))
        if point is None:
            return None
        try:
            found.append(evaluate_expression(switch, point.sizes, point.store, INTERVALS, subject.program))
        except (EvaluationError, ArithmeticError, LookupError, ValueError):
            return None
    low, middle, high = (value.middle for value in found)
    slope = middle - low
    if abs(slope) < CLOSE or abs(high - middle - slope) > CLOSE * max(1, abs(high)):
        return None
    at = -low / slope
    if abs(at) > LONGEST:
        return None
    scaled = Fraction(int(at * 10**60), 10**60)
    near = scaled.limit_denominator(10**20)
    return near if abs(near - scaled) < Fraction(1, 10**55) else scaled
