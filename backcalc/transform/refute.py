"""Trying a claim at points: a difference beyond every rounding is a counterexample, and a proof of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice, product

from backcalc.formula.evaluate import evaluate_expression
from backcalc.formula.integers import EvaluationError, integer
from backcalc.formula.tree import Expr, Num, Reduce, Ref, walk
from backcalc.transform.budget import Deadline
from backcalc.transform.certain import Certain, NoValue, arithmetic
from backcalc.transform.points import Point, kink_points, random_points
from backcalc.transform.question import Link, Question

POINTS = 40
FINE = 80  # digits computed with
FINER = 500  # where terms cancel
PLACES = 16  # of the free indices, at each point
HEAVIEST = 20_000  # terms of all sums at one point


@dataclass(frozen=True, slots=True)
class Counterexample:
    """Where a link fails: the numbers, and what both sides are there."""

    values: Mapping[str, str]
    left: str
    right: str

    def to_json(self) -> dict[str, str]:
        """`{NAME: value, left, right}`."""
        return {**self.values, "left": self.left, "right": self.right}


@dataclass(frozen=True, slots=True)
class Trial:
    """What trying a link showed: a counterexample, or at how many points both sides agreed to 60 digits.

    `alone` says where only one of the sides has a value, if such a point was met.
    """

    counterexample: Counterexample | None
    agreed: int
    undefined: int
    alone: str = ""


def trials(question: Question, deadline: Deadline) -> Iterator[Point]:
    """All the points at which a claim is tried."""
    numbers = arithmetic(FINE)
    points = list(random_points(question, POINTS, deadline, numbers))
    kinks = (kink_points(question, point, numbers, deadline) for point in points[:6])
    return chain(points[:6], islice(chain.from_iterable(kinks), 300), points[6:])


def tried(question: Question, link: Link, points: list[Point], deadline: Deadline) -> Trial:
    """Evaluates both sides of a link at points, until they differ. Raises OutOfReach where the time is over."""
    agreed = undefined = 0
    alone = ""
    indices = tuple(question.ranges)
    for point in points:
        if _work(link, point) > HEAVIEST:
            continue
        found = False
        for place in _places(question, indices, point):
            deadline.check()
            frame = {**point.sizes, **dict(zip(indices, place, strict=True))}
            verdict = _compared(link, frame, point)
            if isinstance(verdict, tuple):
                return Trial(_shown(question, point, frame, verdict), agreed, undefined)
            found = found or verdict
        agreed += found
        undefined += not found
        if not (found or alone or indices):
            alone = _alone(question, link, point)
    return Trial(None, agreed, undefined, alone)


def _alone(question: Question, link: Link, point: Point) -> str:
    """`at x = -1 the left side is 0 and the right side has no value`; nothing where both have one, or none."""
    found: dict[str, Certain] = {}
    for name, side in (("left", link.left), ("right", link.right)):
        try:
            found[name] = evaluate_expression(side, point.sizes, point.store(FINE), arithmetic(FINE))
        except (EvaluationError, ArithmeticError, ValueError) as error:
            if not any(isinstance(reason, NoValue | ZeroDivisionError) for reason in (error, error.__context__)):
                return ""
    if len(found) != 1:
        return ""
    ((name, value),) = found.items()
    shown = _shown(question, point, point.sizes, (value, value)).values
    at = ", ".join(f"{letter} = {number}" for letter, number in shown.items())
    other = "right" if name == "left" else "left"
    return f"at {at} the {name} side is {value.text(6)}, and the {other} side has no value"


def _places(question: Question, indices: tuple[str, ...], point: Point) -> Iterator[tuple[int, ...]]:
    extents = [integer(question.ranges[index], point.sizes) for index in indices]
    return islice(product(*(range(1, extent + 1) for extent in extents)), PLACES)


def _compared(link: Link, frame: Mapping[str, int], point: Point) -> bool | tuple[Certain, Certain]:
    """The two values where they differ; True where they agree, False where one of them is not there."""
    for digits in (FINE, FINER):
        store, numbers = point.store(digits), arithmetic(digits)
        try:
            left = evaluate_expression(link.left, frame, store, numbers)
            right = evaluate_expression(link.right, frame, store, numbers)
        except (EvaluationError, ArithmeticError, ValueError):
            return False
        if left.differs(right):
            return left, right
        if left.agrees(right):
            return True
    return False


def _shown(
    question: Question, point: Point, frame: Mapping[str, int], verdict: tuple[Certain, Certain]
) -> Counterexample:
    values: dict[str, str] = {name: str(frame[name]) for name in (*point.sizes, *question.ranges) if name in frame}
    for name, array in point.values.items():
        for place, value in array.items():
            values[name + (f"[{','.join(map(str, place))}]" if place else "")] = str(value)
    left, right = verdict
    digits = 30
    while left.text(digits) == right.text(digits) and digits < FINER:
        digits *= 2
    return Counterexample(values, left.text(digits), right.text(digits))


def _work(link: Link, point: Point) -> int:
    """How many terms the sums of a link have at a point, at most."""
    return sum(_terms(side, point.sizes) for side in (link.left, link.right))


def _terms(expr: Expr, sizes: Mapping[str, int]) -> int:
    count = 1
    for node in walk(expr):
        if isinstance(node, Reduce):
            low, high = (_edge(edge, sizes) for edge in (node.lower, node.upper))
            count *= max(1, high - low + 1)
    return count


def _edge(edge: Expr | None, sizes: Mapping[str, int]) -> int:
    match edge:
        case Num(value):
            return int(value)
        case Ref(name, ()) if name in sizes:
            return sizes[name]
        case _:
            return 10
