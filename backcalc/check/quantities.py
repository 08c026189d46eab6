"""The quantities of a network: its derivatives, updates and counts as further equations, with their values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction

from backcalc.check.counts import Counts
from backcalc.derive import Derivation, DerivationError, derive
from backcalc.derive.adjoint import Adjoint, with_adjoints
from backcalc.derive.arrays import evaluate_available
from backcalc.derive.exact import EXACT, Exact
from backcalc.derive.partial import NotDifferentiable
from backcalc.derive.update import step_formula
from backcalc.formula.evaluate import Array
from backcalc.formula.program import Equation, Program
from backcalc.formula.tree import Add, Expr, Mul, Neg, Ref, substitute
from backcalc.net import Network
from backcalc.net.errors import InputError


def _further(network: Network, words: Sequence[str]) -> Iterator[Derivation]:
    """The derivations of further derivatives, all at once; where that is not possible, of those that can be derived."""
    try:
        yield from derive(network, wrt=[*network.find[:1], *words], view="index").further if words else ()
    except (DerivationError, NotDifferentiable, InputError):
        for word in words if len(words) > 1 else ():
            yield from _further(network, [word])


def derived(
    network: Network, first: Derivation, jacobians: tuple[str, ...]
) -> tuple[Program, dict[str, Array[Exact]], dict[str, Adjoint]]:
    """The network with its derivatives; of further ones those that can be derived."""
    parts = [*first.parts, *_further(network, jacobians)]
    program = with_adjoints(first.program, first.adjoints.values())
    exact = dict(first.values)
    adjoints = {adjoint.name: adjoint for adjoint in first.adjoints.values()}
    for part in parts[1:]:
        program = with_adjoints(program, part.adjoints.values())
        adjoints |= {adjoint.name: adjoint for adjoint in part.adjoints.values()}
        adjoints |= {gradient.adjoint.name: gradient.adjoint for gradient in part.gradients}
        exact |= part.values
    program = with_adjoints(program, adjoints.values())
    return program, _completed(program, exact), adjoints


def _completed(program: Program, exact: dict[str, Array[Exact]]) -> dict[str, Array[Exact]]:
    """The values with those that are missing and follow from them."""
    groups = ((block,) if isinstance(block, Equation) else block.equations for block in program.blocks)
    missing = [group for group in groups if any(equation.name not in exact for equation in group)]
    part = program.part(tuple(equation for group in missing for equation in group))
    return evaluate_available(part, exact, EXACT)[0]


def with_updates(
    network: Network, program: Program, exact: dict[str, Array[Exact]], adjoints: Mapping[str, Adjoint]
) -> tuple[Program, dict[str, Array[Exact]], str | None]:
    """The same with `Deltaw1` and `new_w1` for every parameter w1; the rate is a name in them."""
    update = network.update
    if network.loss is None or update.state:
        return program, exact, None
    rate = update.symbol
    equations: list[Equation] = []
    shapes: dict[str, tuple[Expr, ...]] = {rate: ()}
    by_array = {adjoint.of: adjoint for adjoint in adjoints.values() if adjoint.loss == network.loss}
    for name in network.parameters:
        adjoint = by_array.get(name)
        if adjoint is None or f"new_{name}" in program.shapes:
            continue
        places = tuple(Ref(index) for index in adjoint.indices)
        here, slope = Ref(name, places), Ref(adjoint.name, places)
        delta: Expr = Neg(Mul((Ref(rate), slope)))
        if update.kind != "sgd":
            formula = step_formula(update, Ref(rate), update.made + 1)
            delta = Add((substitute(formula, {"w": here, "g": slope}), Neg(here)))
        equations.append(Equation(f"Delta{name}", adjoint.indices, delta))
        equations.append(Equation(f"new_{name}", adjoint.indices, Add((here, Ref(f"Delta{name}", places)))))
        shapes[f"Delta{name}"] = shapes[f"new_{name}"] = adjoint.shape
    if rate in program.shapes:
        del shapes[rate]
    elif update.rate is not None:
        exact = {**exact, rate: {(): Exact.of(update.rate)}}
    program = program.extended(tuple(equations), shapes)
    return program, _completed(program, exact), rate


def with_counts(
    counts: Counts, program: Program, exact: dict[str, Array[Exact]]
) -> tuple[Program, dict[str, Array[Exact]]]:
    """The same with the counts; a total that adds up its rows is an equation."""
    names = {name: value for name, value in counts.values.items() if name not in program.shapes}
    sums = {
        total: Equation(total, (), Add(tuple(Ref(row) for row in rows)) if len(rows) > 1 else Ref(rows[0]))
        for total, rows in counts.sums.items()
        if total in names and all(row in names for row in rows)
    }
    program = program.extended(tuple(sums.values()), dict.fromkeys(names, ()))
    values: dict[str, Array[Exact]] = {name: {(): Exact.of(Fraction(value))} for name, value in names.items()}
    return program, {**exact, **values}
