"""The derivation of a network's gradients: data, complete, to be rendered by others.

`derive` runs the whole: forward values, the derivatives of the loss from the back to the front, the gradients asked
for, and their update rules, every formula with its exact value where values are given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product
from math import prod
from typing import Literal

from backcalc.derive.adjoint import Adjoint, Step, differentiate
from backcalc.derive.arrays import Failure, elements, evaluate_available, work
from backcalc.derive.exact import EXACT, Exact
from backcalc.derive.facts import Fact, complement, given_total, shares
from backcalc.derive.ground import Ground, TooWide, is_copy, is_identity, uses
from backcalc.derive.kinks import kinks
from backcalc.derive.scalar import Line, Writer
from backcalc.derive.terms import to_terms
from backcalc.formula.errors import nearest
from backcalc.formula.evaluate import Array, evaluate_expression
from backcalc.formula.integers import EvaluationError, integer
from backcalc.formula.print_unicode import to_unicode
from backcalc.formula.program import Equation, Program
from backcalc.formula.read import read_expression
from backcalc.formula.tree import ZERO, Add, Expr, Mul, Neg, Num, Ref, Table, num, substitute, walk
from backcalc.net import Network, find_names

View = Literal["scalar", "index"]

MOST_LINES = 300  # elements that the scalar view writes out
MOST_WORK = 300_000  # operations of an evaluation with exact numbers
LARGEST_SCALAR = 120  # elements of forward pass and derivatives that are written out unasked


class DerivationError(ValueError):
    """Why there is nothing to derive, with the way out."""


@dataclass(frozen=True, slots=True)
class Check:
    """One independent verification: what it was held against, the largest error, and whether that is small enough."""

    against: str
    max_error: float | None
    passed: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Gradient:
    """A derivative that was asked for: of an array, of an own name, or of one element (`place` is then its indices)."""

    asked: str
    adjoint: Adjoint
    place: tuple[int, ...] | None
    formula: Expr
    indices: tuple[str, ...]
    value: Array[Exact] | None


@dataclass(frozen=True, slots=True)
class Change:
    """The update of one parameter: delta = -rate · gradient, new = old + delta."""

    name: str
    formula: Expr
    delta: Array[Exact] | None
    new: Array[Exact] | None


@dataclass(frozen=True, slots=True)
class Block:
    """All lines of one quantity in the scalar view."""

    of: str
    lines: tuple[Line, ...]
    note: str = ""


@dataclass(frozen=True)
class Derivation:
    """Everything that is known after differentiating: formulas, values, steps, updates, checks.

    `values` holds every leaf, intermediate and derivative that has a value; `forward` and `backward` are the lines of
    the scalar view, empty in the index view. `adjoints` are in the order in which they are derived; `needed` are those
    that lead to what was asked for, `stated` the leaves whose given values a fact was read off.
    """

    network: Network
    program: Program
    loss: str
    view: View
    adjoints: Mapping[str, Adjoint]
    gradients: tuple[Gradient, ...]
    updates: tuple[Change, ...]
    values: Mapping[str, Array[Exact]]
    forward: tuple[Block, ...]
    backward: tuple[Block, ...]
    rate: Expr
    notes: tuple[str, ...] = ()
    verified: tuple[Check, ...] = ()
    sharing: tuple[str, ...] = ()
    needed: tuple[Adjoint, ...] = ()
    stated: frozenset[str] = frozenset()

    @property
    def passed(self) -> bool:
        """Whether every verification that ran holds, and one did."""
        return bool(self.verified) and all(check.passed for check in self.verified)

    @property
    def asked(self) -> tuple[str, ...]:
        """The names that were asked for."""
        return tuple(gradient.asked for gradient in self.gradients)

    def adjoint_program(self) -> Program:
        """Forward equations, then the derivatives as equations of the same language."""
        shapes = {adjoint.name: self.program.shapes[adjoint.of] for adjoint in self.adjoints.values()}
        return self.program.extended(tuple(adjoint.equation for adjoint in self.adjoints.values()), shapes)


def derive(network: Network, wrt: Sequence[str] | None = None, view: View | None = None) -> Derivation:
    """Differentiates the loss of a network with respect to `wrt` (default: what the file asks for).

    Without a `view` small networks are written out number by number, larger ones in indices.
    Raises DerivationError where there is no loss, NotDifferentiable where a function has no derivative.
    """
    program, loss = network.program, network.loss
    if loss is None or loss not in program.shapes:
        raise DerivationError(
            "there is nothing to differentiate: the file has no loss; add one, as in `loss: {sse: {}}`"
        )
    if program.shapes[loss]:
        raise DerivationError(f"the loss `{loss}` is an array; only a scalar can be differentiated here")
    stated = _stated(network, program)
    adjoints = {adjoint.of: adjoint for adjoint in differentiate(program, loss, stated)}
    store, failures, notes = _values(network, program, adjoints)
    wanted = find_names(network, wrt, label="wrt") if wrt else network.find
    ground = Ground(program, loss, adjoints, _decider(store, program))
    gradients = tuple(_gradient(name, program, loss, adjoints, store) for name in wanted)
    shown, forward, backward = _written(program, ground, adjoints, gradients, store, view)
    rate: Expr = num(network.update.rate) if network.update.rate is not None else Ref(network.update.symbol)
    notes += tuple(f"{failure.name} has no value: {failure.reason}" for failure in failures)
    notes += kinks(program, ground, store)
    return Derivation(
        network=network,
        program=program,
        loss=loss,
        view=shown,
        adjoints=adjoints,
        gradients=gradients,
        updates=tuple(_change(g, rate, store) for g in gradients if _is_parameter(g, network)),
        values=store,
        forward=forward,
        backward=backward,
        rate=rate,
        notes=notes,
        sharing=_sharing(gradients, program, ground, shown),
        needed=tuple(_needed(adjoints, gradients, program, through=shown == "scalar")),
        stated=frozenset(fact.name for fact in stated),
    )


def _stated(network: Network, program: Program) -> tuple[Fact, ...]:
    """What the given values of leaves that are not trained say: targets that sum to 1."""
    found = []
    for name, nested in network.values.items():
        if name in program.leaves and name not in network.parameters and program.shapes[name]:
            values = {place: Fraction(value) for place, value in elements(nested).items()}
            fact = given_total(name, values, num(1), program.shapes[name][-1])
            if fact is not None and name not in network.inputs:
                found.append(fact)
    return tuple(found)


def _values(
    network: Network, program: Program, adjoints: Mapping[str, Adjoint]
) -> tuple[dict[str, Array[Exact]], tuple[Failure, ...], tuple[str, ...]]:
    given = {
        name: {place: Exact.of(Fraction(value)) for place, value in elements(nested).items()}
        for name, nested in network.values.items()
        if name in program.shapes
    }
    if not given:
        return {}, (), ()
    cost = work(program)
    if cost > MOST_WORK:
        return {}, (), (f"values are left out: one evaluation takes about {cost:,} exact operations",)
    shapes = {adjoint.name: program.shapes[adjoint.of] for adjoint in adjoints.values()}
    whole = program.extended(tuple(adjoint.equation for adjoint in adjoints.values()), shapes)
    store, failures = evaluate_available(whole, given, EXACT)
    return store, failures, ()


def _decider(store: Mapping[str, Array[Exact]], program: Program) -> Callable[[Expr, Mapping[str, int]], int]:
    """Settles which element is the largest, from the values."""

    def decide(expr: Expr, frame: Mapping[str, int]) -> int:
        try:
            place = evaluate_expression(expr, frame, store, EXACT, program.padded).rational
        except EvaluationError:
            raise TooWide("which element is the largest depends on values that are not given") from None
        if place is None:
            raise TooWide("which element is the largest is not known")
        return place.numerator

    return decide


# -- what was asked for --------------------------------------------------------------------------


def _gradient(
    asked: str, program: Program, loss: str, adjoints: Mapping[str, Adjoint], store: Mapping[str, Array[Exact]]
) -> Gradient:
    ref = _asked_name(asked, program, loss)
    place = tuple(index.value.numerator for index in ref.indices if isinstance(index, Num)) or None
    adjoint = adjoints.get(ref.name)
    if adjoint is None:
        indices = tuple("ijklmn"[: len(program.shapes[ref.name])])
        reason = f"{loss} is the loss itself" if ref.name == loss else f"{loss} does not depend on {ref.name}"
        formula: Expr = num(1) if ref.name == loss else ZERO
        adjoint = Adjoint(ref.name, loss, indices, formula, formula, (), 0, (Step("no path", formula, reason),))
    values = store.get(adjoint.name)
    if place is None:
        return Gradient(asked, adjoint, None, adjoint.closed, adjoint.indices, values)
    here: Array[Exact] | None = None if values is None else {(): values[place]}
    fixed = {index: num(at) for index, at in zip(adjoint.indices, place, strict=True)}
    return Gradient(asked, adjoint, place, substitute(adjoint.closed, fixed), (), here)


def _asked_name(asked: str, program: Program, loss: str) -> Ref:
    """The array or element that was asked for: `w1`, `z[1]`, `dJ/dz[1]`."""
    ref = read_expression(asked, losses=(loss,))
    if not isinstance(ref, Ref) or not all(isinstance(index, Num) for index in ref.indices):
        raise DerivationError(f"`{asked}` is not a name or an element such as `W[2,3]`")
    name = ref.name.removeprefix(f"d{loss}/d")
    if name not in program.shapes:
        close = nearest(name, list(program.shapes))
        raise DerivationError(f"there is no `{name}` here" + (f"; did you mean `{close}`?" if close else ""))
    rank, shape = len(program.shapes[name]), program.shape(name)
    if ref.indices and len(ref.indices) != rank:
        raise DerivationError(f"`{asked}` has {len(ref.indices)} indices, but `{name}` has {rank}")
    for position, index in enumerate(ref.indices):
        if shape is not None and isinstance(index, Num) and not 1 <= index.value <= shape[position]:
            raise DerivationError(
                f"`{asked}` is outside `{name}`: axis {position + 1} runs from 1 to {shape[position]}"
            )
    return Ref(name, ref.indices)


def _is_parameter(gradient: Gradient, network: Network) -> bool:
    return gradient.adjoint.of in network.parameters


def _change(gradient: Gradient, rate: Expr, store: Mapping[str, Array[Exact]]) -> Change:
    """w - η·∂J/∂w for one array, own name or element."""
    adjoint = gradient.adjoint
    place = [num(i) for i in gradient.place] if gradient.place is not None else [Ref(i) for i in adjoint.indices]
    old, slope = Ref(adjoint.of, tuple(place)), Ref(adjoint.name, tuple(place))
    formula = Add((old, Neg(Mul((rate, slope))) if not isinstance(rate, Num) else Mul((num(-rate.value), slope))))
    if gradient.value is None or not isinstance(rate, Num):
        return Change(gradient.asked, formula, None, None)
    step = Exact.of(-rate.value)
    delta = {at: step * value for at, value in gradient.value.items()}
    before = store.get(adjoint.of)
    if before is not None and gradient.place is not None:
        before = {(): before[gradient.place]}
    new = None if before is None else {at: before[at] + change for at, change in delta.items()}
    return Change(gradient.asked, formula, delta, new)


# -- the scalar view -----------------------------------------------------------------------------


def _written(
    program: Program,
    ground: Ground,
    adjoints: Mapping[str, Adjoint],
    gradients: tuple[Gradient, ...],
    store: Mapping[str, Array[Exact]],
    view: View | None,
) -> tuple[View, tuple[Block, ...], tuple[Block, ...]]:
    """The view, and the lines of forward pass and derivatives where they are written out."""
    if view == "index":
        return "index", (), ()
    forward = [e for e in program.equations if not _transparent(e)]
    backward = _needed(adjoints, gradients, program)
    shapes = [program.shape(e.name) for e in forward] + [program.shape(a.of) for a in backward]
    count = sum(prod(shape) for shape in shapes if shape is not None)
    limit = MOST_LINES if view == "scalar" else LARGEST_SCALAR
    if count > limit or None in shapes:
        if view == "scalar":
            why = "a size is symbolic" if None in shapes else f"it would take {count} lines, the limit is {limit}"
            raise DerivationError(f"the scalar view cannot be written out: {why}; use `--view index`")
        return "index", (), ()
    facts = _totals(program)
    writer = Writer(ground, adjoints, facts, store)
    try:
        return (
            "scalar",
            tuple(_forward_block(e, program, ground, writer) for e in forward),
            tuple(_backward_block(a, gradients, program, writer) for a in backward),
        )
    except TooWide as error:
        if view == "scalar":
            raise DerivationError(f"the scalar view cannot be written out: {error}; use `--view index`") from None
        return "index", (), ()


def _transparent(equation: Equation) -> bool:
    return isinstance(equation.body, Table) or is_copy(equation)


def _needed(
    adjoints: Mapping[str, Adjoint], gradients: tuple[Gradient, ...], program: Program, through: bool = True
) -> list[Adjoint]:
    """The derivatives that lead to what was asked for, in order; `through` leaves out what is merely handed on."""
    by_name = {adjoint.name: adjoint for adjoint in adjoints.values()}
    waiting = [gradient.adjoint for gradient in gradients]
    needed: set[str] = set()
    while waiting:
        adjoint = waiting.pop()
        if adjoint.name in needed:
            continue
        needed.add(adjoint.name)
        waiting += [by_name[n.name] for n in walk(adjoint.chain) if isinstance(n, Ref) and n.name in by_name]
    hidden = {e.name for e in program.equations if (_transparent(e) if through else is_identity(e))}
    return [adjoint for adjoint in adjoints.values() if adjoint.name in needed and adjoint.of not in hidden]


def _totals(program: Program) -> tuple[tuple[Ref, ...], ...]:
    """Elements that sum to 1, read off their definitions."""
    found: list[tuple[Ref, ...]] = []
    for equation in program.equations:
        fact, shape = shares(equation), program.shape(equation.name)
        if fact is None or shape is None:
            continue
        others = [range(1, extent + 1) for axis, extent in enumerate(shape) if axis != fact.axis]
        for rest in product(*others):
            row = [(*rest[: fact.axis], at, *rest[fact.axis :]) for at in range(1, shape[fact.axis] + 1)]
            found.append(tuple(Ref(equation.name, tuple(num(i) for i in place)) for place in row))
    found += [tuple(Ref(name) for name in group) for group, _ in complement(program.equations)]
    return tuple(found)


def _places(program: Program, name: str) -> list[tuple[int, ...]]:
    shape = program.shape(name)
    assert shape is not None
    return list(product(*(range(1, extent + 1) for extent in shape)))


def _forward_block(equation: Equation, program: Program, ground: Ground, writer: Writer) -> Block:
    lines = []
    for place in _places(program, equation.name):
        formula = ground(equation.body, dict(zip(equation.indices, place, strict=True)))
        values = writer.store.get(equation.name)
        lines.append(Line(equation.name, place, formula, None if values is None else values[place]))
    return Block(equation.name, tuple(lines), equation.layer)


def _backward_block(adjoint: Adjoint, gradients: tuple[Gradient, ...], program: Program, writer: Writer) -> Block:
    places = _places(program, adjoint.of)
    own = [gradient for gradient in gradients if gradient.adjoint.of == adjoint.of]
    if own and adjoint.of in program.leaves and all(gradient.place is not None for gradient in own):
        places = [gradient.place for gradient in own if gradient.place is not None]
    return Block(adjoint.name, tuple(writer.line(adjoint, place) for place in places))


def _sharing(gradients: tuple[Gradient, ...], program: Program, ground: Ground, view: View) -> tuple[str, ...]:
    """What is used more than once, in words: `w1 is used twice: in q1 and in q2`."""
    found = []
    for gradient in gradients:
        name = gradient.adjoint.of
        if name not in program.leaves:
            continue
        if not program.shapes[name] and view == "scalar":
            readers = [to_unicode(ref, scalar_names=True) for ref in uses(program, name, ground)]
            if len(readers) > 1:
                listed = ", in ".join(readers[:-1]) + " and in " + readers[-1]
                found.append(f"{name} is used {_times(len(readers))}: in {listed}")
        elif program.shapes[name]:
            times = _repetitions(gradient.adjoint, program)
            if times > 1:
                found.append(f"every entry of {name} is used {_times(times)}; its gradient adds up over all uses")
    return tuple(found)


def _times(count: int) -> str:
    return {2: "twice", 3: "three times"}.get(count, f"{count} times")


def _repetitions(adjoint: Adjoint, program: Program) -> int:
    """How many terms the gradient of one entry adds up; 1 where a size is symbolic."""
    known = {name: value for name, value in program.sizes.items() if value is not None}
    total = 0
    for term in to_terms(adjoint.chain):
        try:
            total += prod(integer(b.upper, known) - integer(b.lower, known) + 1 for b in term.sums)
        except EvaluationError:
            return 1
    return total


def with_checks(derivation: Derivation, checks: tuple[Check, ...]) -> Derivation:
    """The derivation with the verifications that were made of it."""
    return replace(derivation, verified=checks)
