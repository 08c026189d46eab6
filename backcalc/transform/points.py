"""Points at which a claim is tried: random rationals of several sizes, and every kink with a point at each side."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise, product
from types import MappingProxyType

from backcalc.formula.evaluate import Arithmetic, evaluate_expression
from backcalc.formula.integers import EvaluationError, integer
from backcalc.formula.tree import Add, Call, Compare, Expr, Neg, Num, Reduce, Ref, names, walk
from backcalc.transform.budget import Deadline
from backcalc.transform.certain import Certain
from backcalc.transform.claim import free_indices
from backcalc.transform.question import Question

TRIES = 40
NEAR = (Fraction(0), Fraction(1, 7), Fraction(-1, 7), Fraction(1, 1_000_003), Fraction(-1, 1_000_003))
SCALES = (Fraction(2), Fraction(4), Fraction(1, 50), Fraction(12))
LARGEST_ARRAY = 400
_Place = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Point:
    """Exact values of all numbers and arrays, and numbers for the sizes."""

    values: Mapping[str, Mapping[_Place, Fraction]]
    sizes: Mapping[str, int]

    def store(self, digits: int) -> dict[str, dict[_Place, Certain]]:
        """The values for the evaluator."""
        return {
            name: {place: Certain.of(value, digits) for place, value in array.items()}
            for name, array in self.values.items()
        }

    def moved(self, name: str, place: _Place, value: Fraction) -> Point:
        """The same point with one number changed."""
        return replace(self, values={**self.values, name: {**self.values[name], place: value}})


def random_points(
    question: Question, count: int, deadline: Deadline, arithmetic: Arithmetic[Certain]
) -> Iterator[Point]:
    """Reproducible points that satisfy the assumptions; fewer where these are hard to meet."""
    source = random.Random("backcalc prove")
    for attempt in range(count):
        for _ in range(TRIES):
            deadline.check()
            point = _drawn(question, attempt, source)
            if point is None:
                return
            if allowed(question, point, arithmetic):
                yield point
                break


def _drawn(question: Question, attempt: int, source: random.Random) -> Point | None:
    scale = SCALES[attempt % len(SCALES)]
    denominator = (97, 8, 35, 1009, 1)[attempt % 5]
    sizes = {name: 2 + (place + attempt) % 4 for place, name in enumerate(question.sizes)}
    lowest, highest = _bounds(question)
    values: dict[str, dict[_Place, Fraction]] = {}
    for name, shape in question.shapes.items():
        try:
            extents = [integer(axis, sizes) for axis in shape]
        except EvaluationError:
            return None
        places = list(product(*(range(1, extent + 1) for extent in extents)))
        if len(places) > LARGEST_ARRAY:
            return None
        values[name] = {}
        for place in places:
            value = scale * Fraction(source.randint(-denominator, denominator), denominator)
            if name in question.whole:
                value = Fraction(source.randint(1, 2))
            low, high = lowest.get(name), highest.get(name)
            if low is not None and high is not None:
                value = low + (high - low) * Fraction(source.randint(1, 96), 97)
            elif low is not None:
                value = low + abs(value)
            elif high is not None:
                value = high - abs(value)
            values[name][place] = value
    return _with_totals(question, Point(values, sizes))


def _bounds(question: Question) -> tuple[dict[str, Fraction], dict[str, Fraction]]:
    """What simple assumptions such as `0 < x` say, so that points meet them at once."""
    lowest: dict[str, Fraction] = {}
    highest: dict[str, Fraction] = {}
    for fact, _ in question.given.facts:  # shares of a total are best positive
        if isinstance(fact.body, Ref):
            lowest[fact.body.name] = Fraction(0)
    for comparison in question.given.comparisons:
        for operator, (left, right) in zip(comparison.operators, pairwise(comparison.operands), strict=True):
            if operator in (">", ">="):
                left, right = right, left
            elif operator not in ("<", "<="):
                continue
            match left, right:
                case Num(value), Ref(name, _):
                    lowest[name] = max(value, lowest.get(name, value))
                case Ref(name, _), Num(value):
                    highest[name] = min(value, highest.get(name, value))
                case _:
                    pass
    return lowest, highest


def _with_totals(question: Question, point: Point) -> Point | None:
    """The point with arrays scaled so that their given totals hold; None where that cannot be."""
    for fact, total in question.given.facts:
        body = fact.body
        if not (isinstance(body, Ref) and body.name in point.values and isinstance(total, Num)):
            if names(fact) & point.values.keys():
                return None
            continue
        axis = next((a for a, index in enumerate(body.indices) if index == Ref(fact.index)), None)
        if axis is None:
            return None
        groups: dict[_Place, Fraction] = {}
        array = point.values[body.name]
        for place, value in array.items():
            rest = place[:axis] + place[axis + 1 :]
            groups[rest] = groups.get(rest, Fraction(0)) + value
        if 0 in groups.values():
            return None
        scaled = {p: v * total.value / groups[p[:axis] + p[axis + 1 :]] for p, v in array.items()}
        point = replace(point, values={**point.values, body.name: scaled})
    return point


def allowed(question: Question, point: Point, arithmetic: Arithmetic[Certain]) -> bool:
    """Whether the assumptions hold at a point, for every element that they speak of."""
    store = point.store(80)
    for comparison in question.given.comparisons:
        free = [name for name in free_indices(comparison) if name not in point.sizes]
        extents = _extents(question, comparison, free, point)
        if extents is None:
            return False
        for place in product(*(range(1, extent + 1) for extent in extents)):
            frame = {**point.sizes, **dict(zip(free, place, strict=True))}
            try:
                if evaluate_expression(comparison, frame, store, arithmetic).exact != 1:
                    return False
            except (EvaluationError, ArithmeticError, ValueError):
                return False
    return True


def _extents(question: Question, expr: Expr, free: list[str], point: Point) -> list[int] | None:
    found: dict[str, int] = {}
    for node in walk(expr):
        if isinstance(node, Ref) and node.indices and node.name in question.shapes:
            for index, extent in zip(node.indices, question.shapes[node.name], strict=False):
                if isinstance(index, Ref):
                    found[index.name] = integer(extent, point.sizes)
    return [found[name] for name in free] if all(name in found for name in free) else None


# -- kinks ---------------------------------------------------------------------------------------


def switches(expr: Expr) -> Iterator[Expr]:
    """The expressions whose sign decides which piece of a function holds, those of functions with kinks included.

    >>> from backcalc.formula.read import read_expression
    >>> from backcalc.formula.print_text import to_text
    >>> [to_text(switch) for switch in switches(read_expression("relu(x - 3) + abs(y)"))]
    ['x - 3', 'y']
    """
    for node in walk(expr):
        match node:
            case Compare(_, operands):
                yield from (Add((a, Neg(b))) for a, b in pairwise(operands))
            case Call(function, (inside, *_)) if function in KINKS:
                yield from (inside if not at else Add((inside, Num(Fraction(-at)))) for at in KINKS[function])
            case Call(("max" | "min"), arguments):
                yield from (Add((a, Neg(b))) for i, a in enumerate(arguments) for b in arguments[i + 1 :])
            case Reduce(("max" | "min"), _, _, _, _, body):
                yield body
            case _:
                pass


KINKS: Mapping[str, tuple[int, ...]] = MappingProxyType(
    {
        "abs": (0,),
        "sign": (0,),
        "relu": (0,),
        "relu6": (0, 6),
        "leaky_relu": (0,),
        "elu": (0,),
        "hard_sigmoid": (-3, 3),
        "hard_swish": (-3, 3),
    }
)
"""Where a function has a kink or a jump in its first argument."""


def kink_points(
    question: Question, point: Point, arithmetic: Arithmetic[Certain], deadline: Deadline
) -> Iterator[Point]:
    """The point moved, along one number after the other, onto each kink and to both sides of it."""
    found: dict[Expr, None] = {}
    for link in question.links:
        for side in (link.left, link.right):
            found.update(dict.fromkeys(switches(side)))
    for switch in list(found)[:12]:
        for name in sorted(names(switch) & point.values.keys())[:4]:
            for place in list(point.values[name])[:3]:
                deadline.check()
                root = _root(switch, name, place, point, arithmetic)
                if root is None:
                    continue
                for shift in NEAR:
                    moved = _with_totals(question, point.moved(name, place, root + shift))
                    if moved is not None and allowed(question, moved, arithmetic):
                        yield moved


def _root(switch: Expr, name: str, place: _Place, point: Point, arithmetic: Arithmetic[Certain]) -> Fraction | None:
    """Where the switch is 0 along one number, if it is a straight line there."""
    values = []
    for trial in (Fraction(0), Fraction(1), Fraction(2)):
        store = point.moved(name, place, trial).store(80)
        try:
            value = evaluate_expression(
                switch, {**point.sizes, **_first_places(switch, point)}, store, arithmetic
            ).exact
        except (EvaluationError, ArithmeticError, ValueError):
            return None
        if value is None:
            return None
        values.append(value)
    low, middle, high = values
    slope = middle - low
    return None if slope == 0 or high - middle != slope else -low / slope


def _first_places(switch: Expr, point: Point) -> dict[str, int]:
    """Every index at 1."""
    return {name: 1 for name in names(switch) if name not in point.values and name not in point.sizes}
