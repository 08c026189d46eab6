"""The derivation of a network's gradients: data, complete, to be rendered by others.

`derive` runs the whole: forward values, the derivatives of the loss from the back to the front, the gradients asked
for, and their update rules, every formula with its exact value where values are given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import isfinite

from backcalc.derive.adjoint import Adjoint, Step, differentiate
from backcalc.derive.arrays import Failure, elements, evaluate_available, work
from backcalc.derive.exact import EXACT, Exact
from backcalc.derive.facts import Fact, given_total
from backcalc.derive.gradient import Gradient
from backcalc.derive.ground import Ground, TooWide
from backcalc.derive.kinks import kinks
from backcalc.derive.sharing import sharing
from backcalc.derive.update import Change, change
from backcalc.derive.written import Block, DerivationError, View, needed, written
from backcalc.formula.errors import nearest
from backcalc.formula.evaluate import Array, evaluate_expression
from backcalc.formula.integers import EvaluationError
from backcalc.formula.program import Program
from backcalc.formula.read import read_expression
from backcalc.formula.tree import ZERO, Expr, Num, Ref, num, substitute
from backcalc.net import Network, find_names

MOST_WORK = 300_000  # operations of an evaluation with exact numbers


@dataclass(frozen=True, slots=True)
class Check:
    """One independent verification: what it was held against, the largest error, and whether that is small enough."""

    against: str
    max_error: float | None
    passed: bool
    detail: str = ""


def finite(error: float | None) -> float | None:
    """The error as JSON can say it: null where it is beyond every number."""
    return error if error is not None and isfinite(error) else None


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
    wanted = find_names(network, wrt, label="wrt") if wrt else _found(network.find, program)
    ground = Ground(program, loss, adjoints, _decider(store, program))
    gradients = tuple(_gradient(name, program, loss, adjoints, store) for name in wanted)
    shown, forward, backward = written(program, ground, adjoints, gradients, store, view)
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
        updates=tuple(change(g, network.update, rate, store) for g in gradients if _is_parameter(g, network)),
        values=store,
        forward=forward,
        backward=backward,
        rate=rate,
        notes=notes,
        sharing=sharing(gradients, program, ground, shown == "scalar"),
        needed=tuple(needed(adjoints, gradients, program, through=shown == "scalar")),
        stated=frozenset(fact.name for fact in stated),
    )


def _found(names: tuple[str, ...], program: Program) -> tuple[str, ...]:
    """What is asked for where nobody asked: everything but whole numbers, unless those alone."""
    return tuple(name for name in names if name not in program.index_names) or names


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
    if ref.name in program.index_names:
        raise DerivationError(f"`{ref.name}` stands in an index: it is a whole number and has no derivative")
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


def with_checks(derivation: Derivation, checks: tuple[Check, ...]) -> Derivation:
    """The derivation with the verifications that were made of it."""
    return replace(derivation, verified=checks)
