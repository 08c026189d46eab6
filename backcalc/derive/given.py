"""What the values of a file give: facts about targets, and every value that follows from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction

from backcalc.derive.adjoint import Adjoint, with_adjoints
from backcalc.derive.arrays import Failure, elements, evaluate_available, work
from backcalc.derive.decimals import DECIMALS
from backcalc.derive.exact import EXACT, Exact
from backcalc.derive.facts import Fact, given_total
from backcalc.derive.ground import TooWide
from backcalc.formula.evaluate import Array, evaluate_expression
from backcalc.formula.integers import EvaluationError
from backcalc.formula.program import Program
from backcalc.formula.tree import Expr, num
from backcalc.net import Network

MOST_EXACT = 300_000  # operations of an evaluation with exact numbers
MOST_DIGITAL = 2_000_000  # operations of an evaluation with many digits


def stated_facts(network: Network, program: Program) -> tuple[Fact, ...]:
    """What the given values of leaves that are not trained say: targets that sum to 1."""
    found = []
    for name, nested in network.values.items():
        if name in program.leaves and name not in network.parameters and program.shapes[name]:
            values = {place: Fraction(value) for place, value in elements(nested).items()}
            fact = given_total(name, values, num(1), program.shapes[name][-1])
            if fact is not None and name not in network.inputs:
                found.append(fact)
    return tuple(found)


def known_values(
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
    if cost > MOST_DIGITAL:
        return {}, (), (f"values are left out: one evaluation takes about {cost:,} operations",)
    whole = with_adjoints(program, adjoints.values())
    if cost <= MOST_EXACT:
        store, failures = evaluate_available(whole, given, EXACT)
        return _where_defined(store, failures, adjoints), failures, ()
    decimals = {name: {place: value.approx for place, value in array.items()} for name, array in given.items()}
    rounded, failures = evaluate_available(whole, decimals, DECIMALS)
    found: dict[str, Array[Exact]] = {
        name: {at: Exact(None, value) for at, value in array.items()} for name, array in rounded.items()
    }
    note = "values are decimals: there are too many for exact forms"
    return _where_defined(found, failures, adjoints) | given, failures, (note,)


def _where_defined(
    store: dict[str, Array[Exact]], failures: tuple[Failure, ...], adjoints: Mapping[str, Adjoint]
) -> dict[str, Array[Exact]]:
    """The values without the derivatives of what has no value itself: log(w) has no slope at -1, though 1/w has one."""
    loss = next((adjoint.loss for adjoint in adjoints.values()), None)
    if not failures or loss is None or loss in store:
        return store
    derivatives = {adjoint.name for adjoint in adjoints.values()}
    return {name: array for name, array in store.items() if name not in derivatives}


def decider(store: Mapping[str, Array[Exact]], program: Program) -> Callable[[Expr, Mapping[str, int]], int]:
    """Settles which element is the largest, from the values."""

    def decide(expr: Expr, frame: Mapping[str, int]) -> int:
        try:
            place = evaluate_expression(expr, frame, store, EXACT, program).rational
        except EvaluationError:
            raise TooWide("which element is the largest depends on values that are not given") from None
        if place is None:
            raise TooWide("which element is the largest is not known")
        return place.numerator

    return decide
