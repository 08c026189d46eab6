"""Whether two formulas are equal: at the given values, and as functions; a difference always comes with a witness.

Numbers are intervals at a hundred digits. What differs at one point is different; what agrees at every point that was
tried is taken as equal (for polynomials of degree d that fails with probability d/4000 a point: Schwartz 1980, Zippel
1979); what has too few points where it is defined stays open.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product

from backcalc.check.branches import branch_points
from backcalc.check.enclosure import Bounds, apart, enclosed
from backcalc.check.interval import INTERVALS, Interval, shown
from backcalc.check.names import PLACES, NotFormula, at, free_indices
from backcalc.check.proved import proved
from backcalc.check.subject import Point, Subject
from backcalc.check.written import entries
from backcalc.formula.evaluate import COMPARISONS, Array, evaluate_expression
from backcalc.formula.integers import EvaluationError, integer, rational
from backcalc.formula.print_unicode import to_unicode
from backcalc.formula.tree import ONE, Expr, Num, Reduce, Ref, Table, children, num, rebuild, walk
from backcalc.transform.proof import Proof

MOST_ELEMENTS = 400
FEWEST_POINTS = 4
TINY = 1e-60
MOST_OPERATIONS = 50_000
Elements = dict[tuple[int, ...], Expr]
EQUALS = ("=", "≈", ":=", "==", "←")


@dataclass(frozen=True, slots=True)
class Witness:
    """Values of the names that two sides read, and what either side is there."""

    values: Mapping[str, str]
    left: str
    right: str
    of: str = ""
    """What the left side is, where that is not the left side of the link itself."""

    def to_json(self) -> dict[str, object]:
        """As JSON has it."""
        return {"values": dict(self.values), "left": self.left, "right": self.right}

    def __str__(self) -> str:
        if self.of:
            return f"{self.of} is {self.left}, not {self.right}"
        where = ", ".join(f"{name} = {value}" for name, value in self.values.items())
        return f"{f'at {where} ' if where else ''}the left side is {self.left}, the right side {self.right}"


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula in the key's names; `known` is what each letter for a rounded number may be, `notes` its notation.

    `whole` is a formula over whole arrays as it was before it was written out.
    """

    expr: Expr
    known: Mapping[str, Interval] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    whole: Expr | None = None

    def with_expr(self, expr: Expr) -> Formula:
        """Another formula with the same letters."""
        return replace(self, expr=expr, whole=None)


@dataclass(frozen=True, slots=True)
class Outcome:
    """`holds` is None where it is not settled, for the `reason`; `elsewhere` shows that it holds here only.

    `normalised` says that it holds where the targets add up to 1, `at_kink` that it fails nowhere but on a kink.
    """

    holds: bool | None
    reason: str = ""
    witness: Witness | None = None
    elsewhere: Witness | None = None
    normalised: bool = False
    at_kink: bool = False

    @property
    def as_function(self) -> bool:
        """Whether it holds wherever it was tried, and not at the given values alone."""
        return self.holds is True and self.elsewhere is None


def compare(left: Formula, right: Formula, subject: Subject, relation: str = "=", here: Point | None = None) -> Outcome:
    """Whether `left relation right` holds; at `here` alone where that is given.

    >>> from backcalc.check.subject import letters_subject
    >>> from backcalc.formula.read import read_expression
    >>> one, other = (Formula(read_expression(text)) for text in ("2*sigmoid(2*x) - 1", "tanh(x)"))
    >>> compare(one, other, letters_subject("tanh", ["x"])).holds
    True
    """
    point = here or subject.given
    read = _read(left, right)
    missing = [name for name in sorted(read) if name not in point.store and name in subject.program.shapes]
    missing += [name for name in sorted(read) if name in subject.program.sizes and name not in point.sizes]
    try:
        if not missing:
            found = _test(left, right, subject, relation, point)
            if found is None and here is None and relation in EQUALS:
                found = _exactly_apart(left, right, subject, point)
            if found is not None:
                return Outcome(False, witness=found)
            quantities = read & subject.program.shapes.keys()
            if here is not None or left.known or right.known or not quantities or relation not in EQUALS:
                return Outcome(True)
            if not (_reads(left) and _reads(right)):
                return Outcome(True)
            return _elsewhere(left, right, subject, relation)
        if here is not None:
            return Outcome(None, f"`{missing[0]}` has no value")
        return _everywhere(left, right, subject, relation)
    except EvaluationError as error:
        return Outcome(None, str(error))


def load(expr: Expr, sizes: Mapping[str, int]) -> int:
    """About how many operations a formula takes; a sum as many as it has terms.

    >>> from backcalc.formula.read import read_expression
    >>> load(read_expression("sum(k=1..1000, k^2)"), {})
    4001
    """
    if not isinstance(expr, Reduce):
        return 1 + sum(load(part, sizes) for part in children(expr))
    try:
        width = max(0, int(rational(expr.upper or ONE, sizes) - rational(expr.lower or ONE, sizes)) + 1)
    except EvaluationError:
        width = max([8, *sizes.values()])
    return 1 + width * (1 + load(expr.body, sizes))


def constant(formula: Formula, subject: Subject) -> Interval | None:
    """The value of a formula of numbers alone; None where it reads a quantity, or has none."""
    if _reads(formula) or isinstance(formula.expr, Table):
        return None
    store: dict[str, Array[Interval]] = {name: {(): value} for name, value in formula.known.items()}
    try:
        if load(formula.expr, subject.given.sizes) > MOST_OPERATIONS:
            return None
        return evaluate_expression(formula.expr, subject.given.sizes, store, INTERVALS)
    except EvaluationError:
        return None


def _read(*formulas: Formula) -> frozenset[str]:
    return frozenset(node.name for formula in formulas for node in walk(formula.expr) if isinstance(node, Ref))


def _reads(formula: Formula) -> bool:
    return any(isinstance(node, Ref) and not node.name.startswith("#") for node in walk(formula.expr))


def _exactly_apart(left: Formula, right: Formula, subject: Subject, point: Point) -> Witness | None:
    """What shows that two sides of rational numbers differ, however little: both are bounded exactly."""

    def value(ref: Ref) -> Bounds | None:
        for formula in (left, right):
            if ref.name in formula.known:
                return formula.known[ref.name].bounds
        place = tuple(index.value.numerator for index in ref.indices if isinstance(index, Num))
        if len(place) != len(ref.indices) or ref.name in subject.bounds:
            return None
        if ref.name in subject.exact:
            exact = subject.exact[ref.name].get(place)
            number = None if exact is None else exact.rational
            return None if number is None else (number, number)
        drawn = point.store.get(ref.name, {}).get(place) if ref.name in subject.program.leaves else None
        return None if drawn is None else drawn.bounds

    one, other = enclosed(left.expr, value), enclosed(right.expr, value)
    if one is None or other is None or not apart(one, other):
        return None
    middles = [Interval.of((low + high) / 2) for low, high in (one, other)]
    gap = Interval.of((other[0] + other[1] - one[0] - one[1]) / 2)
    return Witness({}, str(middles[0]), f"{middles[1]}, which is {gap} more")


def _elsewhere(left: Formula, right: Formula, subject: Subject, relation: str) -> Outcome:
    """What is true at the given values: whether it is true at others."""
    outcome = _tried(left, right, subject, relation, subject.points)
    return Outcome(True, elsewhere=outcome.witness, normalised=outcome.normalised)


def _everywhere(left: Formula, right: Formula, subject: Subject, relation: str) -> Outcome:
    return _tried(left, right, subject, relation, subject.open_points)


def _tried(left: Formula, right: Formula, subject: Subject, relation: str, points: Sequence[Point]) -> Outcome:
    """Both sides at many points."""
    tried = special = 0
    first: Point | None = None
    for point in sorted(points, key=lambda point: not point.normalised):
        try:
            witness = _test(left, right, subject, relation, point)
        except EvaluationError:
            continue
        if witness is None and relation in EQUALS and not subject.program.equations:
            witness = _exactly_apart(left, right, subject, point)
        if witness is not None:
            # What holds wherever the targets add up to 1, and nowhere else, was meant for such targets.
            return (
                Outcome(True, normalised=True) if special and not point.normalised else Outcome(False, witness=witness)
            )
        tried += 1
        special += point.normalised
        first = first or point
    if relation in EQUALS and not subject.program.equations and not (left.known or right.known):
        proof = proved(left.expr, right.expr)
        if proof is not None and (proof.holds is not None or tried < FEWEST_POINTS):
            return _proven(proof)
    if tried < FEWEST_POINTS:
        return Outcome(None, "there are too few values at which both sides are defined")
    return _on_every_branch(left, right, subject, relation, first) if first is not None else Outcome(True)


def _proven(proof: Proof) -> Outcome:
    """What a proof has settled."""
    against = proof.counterexample
    if proof.holds is not False or against is None:
        return Outcome(proof.holds, "" if proof.holds else "it is neither proved nor refuted")
    return Outcome(False, witness=Witness(against.values, against.left, against.right))


def _on_every_branch(left: Formula, right: Formula, subject: Subject, relation: str, start: Point) -> Outcome:
    """What holds at random points: whether it holds in every branch of its functions with pieces, too."""
    on_kink: Witness | None = None
    for branch in branch_points(left.expr, right.expr, subject, start):
        try:
            witness = _test(left, right, subject, relation, branch.point)
        except EvaluationError:
            continue
        if witness is not None and not branch.on_kink:
            return Outcome(False, witness=witness)
        on_kink = on_kink or witness
    return Outcome(True) if on_kink is None else Outcome(False, witness=on_kink, at_kink=True)


def _test(left: Formula, right: Formula, subject: Subject, relation: str, point: Point) -> Witness | None:
    """None where the relation holds at one point, for every element; else what shows that it does not."""
    store = dict(point.store)
    store |= {name: {(): value} for formula in (left, right) for name, value in formula.known.items()}
    for one, other in _elements(left.expr, right.expr, subject, point):
        if load(one, point.sizes) + load(other, point.sizes) > MOST_OPERATIONS:
            raise EvaluationError("the formula takes too many operations")
        values = [evaluate_expression(side, point.sizes, store, INTERVALS, subject.program) for side in (one, other)]
        if relation in EQUALS and max(values[0].size, values[1].size) < TINY and (_reads(left) or _reads(right)):
            continue  # what is as small as this may be what rounding has left
        if not _holds(relation, *values):
            return Witness(_values(one, other, point, subject), str(values[0]), str(values[1]))
    return None


def _holds(relation: str, left: Interval, right: Interval) -> bool:
    if relation in EQUALS:
        return left.meets(right)
    if left.meets(right) and not (left.is_point and right.is_point):
        raise EvaluationError("which is larger depends on how a number was rounded")
    if left.meets(right):
        return COMPARISONS[relation](0, 0)
    return COMPARISONS[relation](left.low, right.low)


def _elements(left: Expr, right: Expr, subject: Subject, point: Point) -> Iterator[tuple[Expr, Expr]]:
    """Both sides element by element, where they are arrays or have free indices. Raises NotFormula."""
    if any(isinstance(side, Table) or _wholes(side, subject) for side in (left, right)):
        one, other = _spelled_both(left, right, subject, point)
        if one.keys() != other.keys():
            raise NotFormula(f"the shapes differ: {_shape(one)} and {_shape(other)}")
        yield from ((one[place], other[place]) for place in one)
        return
    free = free_indices(left, subject) | free_indices(right, subject)
    extents = [range(1, integer(size, point.sizes) + 1) for size in free.values()]
    for count, place in enumerate(product(*extents)):
        if count == MOST_ELEMENTS:
            return
        frame = dict(zip(free, place, strict=True))
        yield at(left, frame), at(right, frame)


def _spelled_both(left: Expr, right: Expr, subject: Subject, point: Point) -> tuple[Elements, Elements]:
    """The elements of both sides; what has no name is an element at every place of the other side."""
    if _has_places(right):
        one = spelled_out(left, subject, point)
        return one, _at_places(right, one)
    if _has_places(left):
        other = spelled_out(right, subject, point)
        return _at_places(left, other), other
    return spelled_out(left, subject, point), spelled_out(right, subject, point)


def _has_places(expr: Expr) -> bool:
    return any(node == Ref(PLACES[0]) for node in walk(expr))


def _at_places(expr: Expr, places: Iterable[tuple[int, ...]]) -> Elements:
    count = sum(any(node == Ref(letter) for node in walk(expr)) for letter in PLACES)
    found = {place: at(expr, dict(zip(PLACES, place, strict=False))) for place in places}
    if any(len(place) != count for place in found):
        raise NotFormula("the sides have different numbers of axes")
    return found


def _wholes(expr: Expr, subject: Subject) -> list[str]:
    """The arrays that stand in a formula without indices."""
    if isinstance(expr, Table):
        return []
    read = (node for node in walk(expr) if isinstance(node, Ref) and not node.indices)
    return list(dict.fromkeys(node.name for node in read if subject.program.shapes.get(node.name)))


def _element(expr: Expr, wholes: Sequence[str], place: tuple[Expr, ...]) -> Expr:
    """The formula for one element of the arrays in it."""
    if isinstance(expr, Ref):
        return Ref(expr.name, place) if expr.name in wholes and not expr.indices else expr
    return rebuild(expr, lambda part: _element(part, wholes, place))


def spelled_out(expr: Expr, subject: Subject, point: Point) -> dict[tuple[int, ...], Expr]:
    """The elements of an array: one that is written out, or one that has a name. Raises NotFormula."""
    if isinstance(expr, Table):
        return dict(entries(expr))
    if wholes := _wholes(expr, subject):
        shapes = [[integer(axis, point.sizes) for axis in subject.program.shapes[name]] for name in wholes]
        if any(shape != shapes[0] for shape in shapes):
            raise NotFormula("arrays of different shapes are taken together")
        places = product(*(range(1, extent + 1) for extent in shapes[0]))
        return {place: _element(expr, wholes, tuple(num(i) for i in place)) for place in places}
    raise NotFormula("an array is compared with a number")


def _shape(array: Iterable[tuple[int, ...]]) -> str:
    places = list(array)
    return str([max(place[axis] for place in places) for axis in range(len(places[0]))]) if places else "[]"


def _values(left: Expr, right: Expr, point: Point, subject: Subject) -> dict[str, str]:
    """The values of the elements that both sides read, those of single names first."""
    found: dict[str, str] = {}
    for node in dict.fromkeys(node for side in (left, right) for node in walk(side) if isinstance(node, Ref)):
        if not node.name.startswith("#") and node.name in point.store:
            try:
                place = tuple(integer(index, point.sizes) for index in node.indices)
            except EvaluationError:
                continue
            value = point.store[node.name].get(place)
            if value is not None:
                found[to_unicode(node, scalar_names=True)] = shown(value.middle)
            if len(found) == 6:
                break
    return found
