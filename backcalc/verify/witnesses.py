"""The witnesses: what the derivation says, held against what it cannot have influenced.

- every step: both sides evaluated at a random point, with sizes that all differ;
- the closed forms at a hundred digits: the formulas evaluated anew, against the exact values as printed;
- central differences at a hundred digits of the forward equations alone: (J(w + h) − J(w − h))/2h with h = 10⁻²⁵.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from itertools import islice, product
from typing import Any

from backcalc.derive.adjoint import Adjoint
from backcalc.derive.arrays import elements, evaluate_available, work
from backcalc.derive.decimals import DECIMALS, DIGITS, MP
from backcalc.derive.derivation import Check, Derivation, derive, finite, with_checks
from backcalc.derive.exact import Exact
from backcalc.formula.evaluate import Array, Nudge, evaluate, evaluate_expression
from backcalc.formula.floats import FLOATS
from backcalc.formula.integers import EvaluationError, integer
from backcalc.formula.program import Program
from backcalc.formula.read import read_expression
from backcalc.formula.tree import Expr, Reduce, walk
from backcalc.net.network import Network
from backcalc.verify.point import Point, Values, given_point, numbers_for, random_point

STEP = MP.mpf(10) ** -25
CLOSE = 1e-30  # relative, at a hundred digits
HARMLESS = MP.mpf(10) ** -30  # of the slope that J has on the whole, J/w
SMALLEST = 1e-25  # what cancels from numbers near 1 is right to 60 digits of them, not of itself
SHARP = 1e-25  # what rounding may leave of a difference quotient, relative
CLOSE_FLOAT = 1e-9  # relative, in double precision
_Loss = Callable[[tuple[int, ...], str, tuple[int, ...], Any], Any]

CHEAP = 200_000  # operations that `grad` may spend on differences
THOROUGH = 2_000_000  # operations that `verify` may
ATTEMPTS = 8
HEAVIEST_STEP = 20_000  # operations of one side of one step


@dataclass(frozen=True, slots=True)
class Verification:
    """The witnesses of one network side by side."""

    net: str
    ways: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Whether every way agrees, and there is one."""
        return bool(self.ways) and all(way.passed for way in self.ways)

    def to_json(self) -> dict[str, Any]:
        """`{net, ways: [{way, max_error, passed}], passed}`."""
        ways = [
            {"way": way.against, "max_error": finite(way.max_error), "passed": way.passed, "detail": way.detail}
            for way in self.ways
        ]
        return {"schema_version": 1, "net": self.net, "ways": ways, "passed": self.passed}


def verify(network: Network, wrt: Sequence[str] | None = None) -> Verification:
    """Derives the gradients and holds them against every witness at hand, sparing no effort."""
    derivation = derive(network, wrt)
    ways = [replace(way, against=_about(part, way)) for part in derivation.parts for way in check(part, THOROUGH)]
    from backcalc.verify.trainer import check_trainer

    further = (check_trainer(derivation, _given(derivation)), _by_autograd(derivation))
    return Verification(network.name, (*ways, *(way for way in further if way is not None)))


def _by_autograd(derivation: Derivation) -> Check | None:
    """PyTorch's gradients, at the same point as the other ways; None where there are none to be had."""
    from backcalc.verify.autograd import check_autograd

    if work(derivation.program, numbers_for(derivation.program)) > CHEAP:
        return None
    found = _point(derivation, _given(derivation))
    return None if isinstance(found, str) else check_autograd(derivation, *found)


def verified(derivation: Derivation) -> Derivation:
    """The derivation with the cheap witnesses called, for each of its parts."""
    further = tuple(with_checks(part, _cheap(part)) for part in derivation.further)
    return replace(with_checks(derivation, _cheap(derivation)), further=further)


def _cheap(derivation: Derivation) -> tuple[Check, ...]:
    """The cheap witnesses, and that of the matrix forms where they are shown."""
    if derivation.view != "matrix":
        return check(derivation)
    from backcalc.verify.matrix_forms import check_forms

    return (*check(derivation), check_forms(derivation))


def _about(part: Derivation, way: Check) -> str:
    """What a way verifies, with the name of what is differentiated where it is not the loss."""
    return way.against if part.loss == part.network.loss else f"d({part.loss}): {way.against}"


def check(derivation: Derivation, budget: int = CHEAP) -> tuple[Check, ...]:
    """Calls the witnesses; `budget` bounds the operations spent on differences."""
    program, given = derivation.program, _given(derivation)
    sizes = numbers_for(program)
    if work(program, sizes) > CHEAP:
        from backcalc.verify.large import check_large

        return check_large(replace(derivation, program=replace(program, sizes={**program.sizes, **sizes})), given)
    found = _point(derivation, given)
    if isinstance(found, str):
        return (Check("any witness", None, False, f"nothing could be evaluated: {found}"),)
    point, store = found
    return (
        *_steps(derivation, point, store),
        *_lines(derivation, store),
        *_closed_forms(derivation, store, point),
        _differences(derivation, point, store, budget),
    )


def _given(derivation: Derivation) -> Values:
    """The values that the file gives to leaves of the program."""
    return {
        name: {place: Fraction(value) for place, value in elements(nested).items()}
        for name, nested in derivation.network.values.items()
        if name in derivation.program.leaves
    }


# -- a point where everything exists -------------------------------------------------------------


def _point(derivation: Derivation, given: Values) -> tuple[Point, dict[str, Array[Any]]] | str:
    """The first candidate point at which forward pass and derivatives exist, with their values; else why none is."""
    program = derivation.program
    on_kink = any("kink" in note or "tie" in note for note in derivation.notes)
    reason = "no point was found"
    for point in _candidates(program, given, on_kink, derivation.stated):
        if work(program, point.sizes) > CHEAP:
            return "one evaluation takes too many operations"
        try:
            return point, _evaluate(derivation.adjoint_program(), point)
        except EvaluationError as error:
            reason = str(error)
    return reason


def _candidates(program: Program, given: Values, on_kink: bool, fixed: frozenset[str]) -> Iterator[Point]:
    own = given_point(program, given)
    if own is not None and not on_kink:
        yield own
    if own is not None or on_kink:
        yield from (random_point(program, given, attempt, near=True, fixed=fixed) for attempt in range(ATTEMPTS))
        given = {name: array for name, array in given.items() if name in fixed}
    yield from (random_point(program, given, attempt) for attempt in range(ATTEMPTS))


def _evaluate(program: Program, point: Point) -> dict[str, Array[Any]]:
    values = {
        name: {place: DECIMALS.number(value) for place, value in array.items()} for name, array in point.values.items()
    }
    return {**values, **evaluate(program, values, DECIMALS, point.sizes)}


# -- steps ---------------------------------------------------------------------------------------


def _steps(derivation: Derivation, point: Point, exactly: Mapping[str, Array[Any]]) -> tuple[Check, ...]:
    """Both sides of every step, in double precision; at a hundred digits where that does not show them equal."""
    program = derivation.adjoint_program()
    sizes = {name: value for name, value in program.sizes.items() if value is not None} | dict(point.sizes)
    floats = {name: {at: float(value) for at, value in array.items()} for name, array in point.values.items()}
    store, _ = evaluate_available(program, floats, FLOATS, point.sizes)
    worst, checked, total = 0.0, 0, 0
    for adjoint in derivation.adjoints.values():
        places = list(islice(_spread(program, adjoint, sizes), 24))
        for step in adjoint.steps:
            if step.before is None:
                continue
            total += 1
            if max(_cost(step.before, sizes), _cost(step.after, sizes)) * len(places) > HEAVIEST_STEP:
                continue
            checked += 1
            for place in places:
                frame = {**sizes, **dict(zip(adjoint.indices, place, strict=True))}
                sides = (step.before, step.after)
                worst = max(worst, _difference(sides, frame, (store, exactly), program))
    detail = f"{checked} of {total} steps" if checked < total else many(total, "step")
    what = "both sides of every step" if checked == total else "both sides of the steps that are not too long"
    found = Check(what, worst, worst <= CLOSE_FLOAT, f"{detail}, {point.chosen}")
    return (found,) if total else ()


def _difference(
    sides: tuple[Expr, Expr],
    frame: Mapping[str, int],
    stores: tuple[Mapping[str, Array[Any]], Mapping[str, Array[Any]]],
    program: Program,
) -> float:
    """How far two expressions are apart; floats overflow and cancel, so only a hundred digits decide a difference."""
    floats, exactly = stores
    try:
        left, right = (evaluate_expression(side, frame, floats, FLOATS, program) for side in sides)
        if (error := _error(left, right)) <= CLOSE_FLOAT:
            return error
    except (EvaluationError, OverflowError):
        pass
    left, right = (evaluate_expression(side, frame, exactly, DECIMALS, program) for side in sides)
    return _error(left, right)


def _spread(program: Program, adjoint: Adjoint, sizes: Mapping[str, int]) -> Iterator[tuple[int, ...]]:
    return iter(list(product(*(range(1, integer(axis, sizes) + 1) for axis in adjoint.shape))))


def _cost(expr: Expr, sizes: Mapping[str, int]) -> int:
    cost = 1
    for node in walk(expr):
        if isinstance(node, Reduce) and node.upper is not None:
            try:
                cost *= max(1, integer(node.upper, sizes))
            except EvaluationError:
                cost *= 4
    return cost


def _error(left: Any, right: Any) -> float:
    """The relative difference; below `SMALLEST` the absolute one, in units of it, since sums cancel."""
    return float(abs(left - right) / max(SMALLEST, abs(left), abs(right)))


# -- lines -----


def _lines(derivation: Derivation, store: Mapping[str, Array[Any]]) -> tuple[Check, ...]:
    """Every line of the scalar view, in each of its forms, against the equation that it writes out."""
    lines = [line for block in (*derivation.forward, *derivation.backward) for line in block.lines]
    known = {name: {at: v.approx for at, v in array.items()} for name, array in derivation.values.items()}
    where = "at the given values" if derivation.loss in known else "at random values"
    if derivation.loss not in known and any("tie" in note for note in derivation.notes):
        return ()  # the lines say which of equals is taken, and elsewhere it is not the largest
    values = known if derivation.loss in known else store
    worst, count = 0.0, 0
    for line in lines:
        if line.of not in values:
            continue
        for formula in (line.formula, line.short, line.inserted):
            if formula is not None:
                count += 1
                found = evaluate_expression(formula, {}, values, DECIMALS, derivation.program)
                worst = max(worst, _error(found, values[line.of][line.place]))
    return (
        (Check("every line written out", worst, worst <= CLOSE, f"{many(count, 'formula')}, {where}"),) if count else ()
    )


# -- closed forms --------------------------------------------------------------------------------


def _closed_forms(derivation: Derivation, store: Mapping[str, Array[Any]], point: Point) -> tuple[Check, ...]:
    """The exact values as they are printed, read again and evaluated, against the formulas at a hundred digits."""
    if point.chosen != "at the given values":
        return ()
    worst, count = 0.0, 0
    for name, array in derivation.values.items():
        if name in derivation.program.leaves or name not in store:
            continue
        for place, value in array.items():
            count += 1
            worst = max(worst, _error(_printed(value), store[name][place]))
    if not count:
        return ()
    return (Check("the closed forms at 50 digits", worst, worst <= CLOSE, f"{many(count, 'value')}, {point.chosen}"),)


def _printed(value: Exact) -> Any:
    text = value.text()
    if text is None:
        return value.approx
    return evaluate_expression(read_expression(text), {}, {}, DECIMALS)


# -- central differences -------------------------------------------------------------------------


def _differences(derivation: Derivation, point: Point, store: Mapping[str, Array[Any]], budget: int) -> Check:
    """Every asked derivative, and every other while the budget lasts, against differences of the forward equations."""
    program = derivation.program
    asked = [gradient.adjoint for gradient in derivation.gradients if gradient.adjoint.of in derivation.adjoints]
    inner = {*program.by_name, *(derivation.network.parameters if derivation.network.nodes else ())}
    if any(" tie " in note for note in derivation.notes):
        inner = set()  # an intermediate may sit in a tie that no nearby point breaks, as with padding
    others = [a for a in derivation.adjoints.values() if a not in asked and a.of in inner]
    entries = [(adjoint, place) for adjoint in asked for place in store[adjoint.name]]
    extra = [(adjoint, place) for adjoint in others for place in store[adjoint.name]]
    loss = _loss_function(derivation, point, store)
    affordable = max(4, budget // max(1, 2 * work(derivation.program, point.sizes)))
    chosen = _evenly(entries, affordable)
    chosen += _evenly(extra, affordable - len(chosen))
    worst, passed = 0.0, True
    lead = len(program.shapes[derivation.loss])
    for adjoint, place in chosen:
        at, by = place[:lead], place[lead:]
        value, expected = store[adjoint.of][by], store[adjoint.name][place]
        error, agrees = _slope_error(partial(loss, at), adjoint.of, by, value, expected)
        worst, passed = max(worst, error), passed and agrees
    total = len(entries) + len(extra)
    amount = many(total, "derivative") if len(chosen) == total else f"{len(chosen)} of {total} derivatives"
    return Check("central differences of the forward equations", worst, passed, f"{amount}, h = 1e-25, {point.chosen}")


def _slope_error(
    loss: Callable[[str, tuple[int, ...], Any], Any], name: str, place: tuple[int, ...], value: Any, expected: Any
) -> tuple[float, bool]:
    """The relative error of a derivative (the absolute one where it is lost in rounding), and whether it is small.

    Beside a kink or an edge that is nearer than the step, a step as small as the value is tried too.
    """
    best, agrees = float("inf"), False
    for step in (STEP * abs(value), STEP * abs(value) / 10**5, STEP):
        if not step:
            continue
        try:
            ends = loss(name, place, step), loss(name, place, -step)
        except EvaluationError:
            continue
        slope = (ends[0] - ends[1]) / (2 * step)
        rounding = MP.mpf(10) ** (3 - DIGITS) * max(abs(end) for end in ends) / step
        if rounding > SHARP * max(abs(slope), abs(expected), *(abs(end) for end in ends)):
            continue  # so small a step shows nothing: any derivative would pass
        apart = abs(slope - expected)
        # What cancels inside J (1 - sigmoid(50)) leaves rounding of the size of its parts, not of J.
        inner = MP.mpf(10) ** (3 - DIGITS) / step
        if inner <= HARMLESS * max(abs(end) for end in ends) / max(abs(value), step):
            rounding = max(rounding, inner)
        scale = abs(expected) if apart > rounding and expected else max(1, abs(expected))
        best = min(best, float(apart / scale))
        if apart <= rounding + CLOSE * max(abs(slope), abs(expected)):
            agrees = True
            break
    return best, agrees


def many(count: int, noun: str) -> str:
    """`1 step`, `2 steps`."""
    return f"{count} {noun}" + ("" if count == 1 else "s")


def _evenly(entries: list[Any], count: int) -> list[Any]:
    """At most `count` entries, spread over the list."""
    if count <= 0:
        return []
    if len(entries) <= count:
        return list(entries)
    return [entries[position * len(entries) // count] for position in range(count)]


def _loss_function(derivation: Derivation, point: Point, store: Mapping[str, Array[Any]]) -> _Loss:
    """The loss (or its element `at`) as a function of one element of one array, which is moved by hand.

    What comes behind the element is computed anew, its own later rows too.
    """
    program, loss = derivation.program, derivation.loss
    leaves = {leaf: store[leaf] for leaf in program.leaves}

    def compute(at: tuple[int, ...], name: str, place: tuple[int, ...], shift: Any) -> Any:
        if name in leaves:
            moved = {**leaves, name: {**leaves[name], place: leaves[name][place] + shift}}
            return evaluate(program, moved, DECIMALS, point.sizes)[loss][at]
        return evaluate(program, leaves, DECIMALS, point.sizes, Nudge(name, place, shift))[loss][at]

    return compute
