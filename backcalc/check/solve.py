"""The model solution of an answer key: each problem worked out, its answers, and how they were verified."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import Any

from backcalc.check.asked import Ask
from backcalc.check.conventions import CONVENTIONS
from backcalc.check.counts import Counts
from backcalc.check.key import Key, KeyProblem, load_key
from backcalc.check.solution import Part, Result, Solution, Variant, Verb
from backcalc.check.subject import Subject
from backcalc.derive import Derivation, derive
from backcalc.derive.adjoint import Adjoint
from backcalc.derive.derivation import Check
from backcalc.derive.exact import Exact
from backcalc.derive.scalar import READABLE
from backcalc.formula.evaluate import Array
from backcalc.formula.names import derivative_parts, is_derivative
from backcalc.formula.print_text import to_text
from backcalc.formula.read import read_expression
from backcalc.formula.tree import ONE, Add, Expr, Mul, Num, Ref, names, num, rebuild, size, substitute
from backcalc.net import Network
from backcalc.transform import prove
from backcalc.verify import verified

_UPDATES: Mapping[Verb, str] = MappingProxyType({"delta": "Delta", "new": "new_"})
"""How the subject of a problem names what an update makes of a parameter."""

ARRAYS = frozenset({"weights", "biases", "params", "trainable"})
"""Counts that have a witness besides their formulas: the entries of the network's own arrays."""


def solve(key: str | Path | Mapping[str, Any] | Key) -> Solution:
    """Works out every problem of a key.

    >>> problems = [{"id": 1, "count": "lenet5", "bias": False, "ask": ["conv2.weights"], "points": 5}]
    >>> (part,) = solve({"problems": problems}).parts
    >>> to_text(part.results[0].formula), str(part.results[0].values[()])
    ('5*5*6*16', '2400')

    Raises InputError with everything that is wrong with the key.
    """
    read = key if isinstance(key, Key) else load_key(key)
    accepted = tuple((name, text) for name, text in CONVENTIONS.items() if name in read.accept)
    return Solution(read.name, accepted, tuple(_part(problem, read.accept) for problem in read.problems))


def _part(problem: KeyProblem, accept: frozenset[str]) -> Part:
    if problem.identities:
        proofs = tuple(prove(f"{to_text(left)} = {to_text(right)}") for left, right in problem.identities)
        return Part(problem.id, "claims", problem.points, proofs=proofs)
    subject, asks = problem.subjects[0], problem.asks[0]
    share = problem.points / max(len(asks), 1)
    if subject.network is None:
        return Part(problem.id, "answers", problem.points, tuple(_stated(ask, subject, share) for ask in asks))
    derivation, backward = _derived(subject.network, subject, asks)
    results = tuple(_accepted(_result(ask, subject, share, derivation), accept) for ask in asks)
    counts = subject.counts if any(_is_count(ask, subject) for ask in asks) else None
    return Part(
        problem.id,
        "net" if problem.derives else "count",
        problem.points,
        results,
        derivation,
        backward,
        None if counts is None else counts.table,
        checks=() if counts is None else tuple(_counted_again(counts, subject.network, asks)),
        variants=tuple(_variants(problem, share)),
    )


def _accepted(result: Result, accept: frozenset[str]) -> Result:
    """The result with its values under those other conventions that the key accepts."""
    return replace(result, others=tuple(other for other in result.others if other[0] in accept))


def _is_count(ask: Ask, subject: Subject) -> bool:
    return subject.counts is not None and ask.target.name in subject.counts.values


def _variants(problem: KeyProblem, share: Fraction) -> Iterator[Variant]:
    """The answers of the networks that may be meant besides the first."""
    for subject, asks in list(zip(problem.subjects, problem.asks, strict=True))[1:]:
        yield Variant(subject.title, tuple(_result(ask, subject, share, None) for ask in asks))


# -- gradients --------------------------------------------------------------------------------------


def _aim(ask: Ask, subject: Subject) -> tuple[Verb, Ref]:
    """What is asked of which quantity: `Deltaw1` is the change of w1. The one element of an array stands for it."""
    name, indices = ask.target.name, ask.target.indices
    if not indices and set(subject.program.shapes.get(name, ())) == {ONE}:
        indices = (ONE,) * len(subject.program.shapes[name])
    for verb, prefix in _UPDATES.items():
        of = name.removeprefix(prefix)
        if of != name and of in subject.program.shapes and name in subject.program.by_name:
            return verb, Ref(of, indices)
    return "", Ref(name, indices)


def _derived(network: Network, subject: Subject, asks: tuple[Ask, ...]) -> tuple[Derivation | None, bool]:
    """The derivation of what is asked for, verified; whether any of it is a derivative."""
    if subject.loss is None or all(_is_count(ask, subject) for ask in asks):
        return None, False
    wanted: dict[str, None] = {}
    updated: set[str] = set()
    for ask in asks:
        verb, of = _aim(ask, subject)
        if verb:
            updated.add(to_text(of))
            wanted[to_text(of)] = None
        elif is_derivative(of.name):
            wanted[to_text(Ref(derivative_parts(of.name)[1], of.indices))] = None
    found = verified(derive(network, wrt=tuple(wanted) or None))
    if not wanted:
        return replace(found, gradients=(), updates=(), backward=(), needed=(), sharing=()), False
    return replace(found, updates=tuple(change for change in found.updates if change.name in updated)), True


def _result(ask: Ask, subject: Subject, share: Fraction, derivation: Derivation | None) -> Result:
    if _is_count(ask, subject):
        assert subject.counts is not None
        return _counted(ask, subject.counts, share)
    verb, of = _aim(ask, subject)
    values = _values(Ref(f"{_UPDATES.get(verb, '')}{of.name}", of.indices), subject)
    left = _indexed(of, verb, subject)
    if verb:
        formula = _step(verb, left, subject) if values is None or _is_descent(subject) else None
    else:
        formula = None if derivation is None else _written(of, derivation)
        equation = subject.program.by_name.get(of.name)
        if formula is None and equation is not None and len(equation.indices) == len(left.indices):
            body = substitute(equation.body, dict(zip(equation.indices, left.indices, strict=True)))
            formula = _put_in(body, subject.adjoints.values())
    return Result(ask.word, share, left, verb, formula, values)


def _is_descent(subject: Subject) -> bool:
    """Whether the update is short enough to be written out beside its value."""
    return subject.network is not None and subject.network.update.kind == "sgd"


def _step(verb: Verb, of: Ref, subject: Subject) -> Expr:
    """The rule of the update: `-eta*dJ/dw1`, and w1 before it where the new value is asked for."""
    equation = subject.program.by_name[f"Delta{of.name}"]
    change = substitute(equation.body, dict(zip(equation.indices, of.indices, strict=True)))
    return change if verb == "delta" else Add((of, change))


def _indexed(of: Ref, verb: Verb, subject: Subject) -> Ref:
    """The quantity with the indices that are free in its formula."""
    equation = subject.program.by_name.get(f"{_UPDATES.get(verb, '')}{of.name}")
    return Ref(of.name, tuple(map(Ref, equation.indices))) if equation is not None and not of.indices else of


def _written(of: Ref, derivation: Derivation) -> Expr | None:
    """The formula of a quantity as the derivation ends with it; None for what it has no line for."""
    place = tuple(index.value.numerator for index in of.indices if isinstance(index, Num))
    asked = None
    if is_derivative(of.name):
        by = to_text(Ref(derivative_parts(of.name)[1], of.indices))
        asked = next((gradient for gradient in derivation.gradients if gradient.asked == by), None)
    name = of.name if asked is None else asked.adjoint.name
    at = place if asked is None or asked.place is None else asked.place
    for block in (*derivation.forward, *derivation.backward):
        for line in block.lines:
            if block.of == name and line.place == at:
                return line.inserted or line.short or line.formula
    return None if asked is None else _put_in(asked.formula, derivation.adjoints.values())


def _put_in(formula: Expr, adjoints: Iterable[Adjoint]) -> Expr:
    """The formula with the derivatives upstream put in, where a person would still read it."""
    definitions = {adjoint.name: adjoint.equation for adjoint in adjoints}

    def opened(expr: Expr) -> Expr:
        if isinstance(expr, Ref) and (equation := definitions.get(expr.name)) is not None:
            return substitute(equation.body, dict(zip(equation.indices, expr.indices, strict=True)))
        changed = rebuild(expr, opened)
        if not isinstance(changed, Mul):
            return changed
        return Mul(
            tuple(f for factor in changed.factors for f in (factor.factors if isinstance(factor, Mul) else [factor]))
        )

    whole = formula
    for _ in definitions:
        if size(whole) <= READABLE:
            whole = opened(whole)
    return formula if names(whole) & definitions.keys() or size(whole) > READABLE else whole


def _values(target: Ref, subject: Subject) -> Array[Exact] | None:
    """The elements that have a value: all of an array, or the one that is meant."""
    array = subject.exact.get(target.name)
    if array is None or not target.indices:
        return array or None
    place = tuple(index.value.numerator for index in target.indices if isinstance(index, Num))
    return {(): array[place]} if place in array else None


# -- counts and stated answers ----------------------------------------------------------------------


def _counted(ask: Ask, counts: Counts, share: Fraction) -> Result:
    """A count by its formula; a total by the rows that it adds up."""
    name = ask.target.name
    value = counts.values[name]
    terms: tuple[str, ...] = ()
    formula: Expr | None = None
    if name in counts.formulas:
        formula = read_expression(counts.formulas[name])
    elif name in counts.sums:
        rows = [(row.removesuffix(f"_{name}"), counts.values[row]) for row in counts.sums[name]]
        rows = [(layer, count) for layer, count in rows if count]
        terms = tuple(layer for layer, _ in rows) if len(rows) > 1 else ()
        formula = Add(tuple(num(count) for _, count in rows)) if len(rows) > 1 else None
    elif name == "memory_bytes":
        formula = read_expression(counts.table.totals.memory.text)
    others = tuple((other, str(values[name])) for other, values in counts.variants.items() if name in values)
    exact: Array[Exact] = {(): Exact.of(Fraction(value))}
    return Result(ask.word, share, formula=formula, values=exact, terms=terms, others=others)


def _counted_again(counts: Counts, network: Network, asks: tuple[Ask, ...]) -> Iterator[Check]:
    """The entries of the network's own arrays against the formulas, where weights are asked for."""
    asked = {counts.dotted.get(ask.target.name, ask.target.name).rpartition(".")[2] for ask in asks}
    roles = ("weight", "bias") if counts.table.bias else ("weight",)
    arrays = {
        parameter.name: parameter for node in network.nodes for parameter in node.parameters if parameter.role in roles
    }
    if asked & ARRAYS and all(parameter.entries is None for parameter in arrays.values()):
        entries = sum(parameter.count for parameter in arrays.values())
        difference = abs(entries - counts.values["weights"] - counts.values["biases"])
        said = f"{entries} in {len(arrays)} array{'s' if len(arrays) != 1 else ''}"
        yield Check("the entries of the network's arrays, one by one", float(difference), difference == 0, said)


def _stated(ask: Ask, subject: Subject, share: Fraction) -> Result:
    """A value that the key states, with its tolerance; nothing is derived."""
    bounds = subject.bounds.get(ask.target.name)
    array = subject.exact[ask.target.name]
    half = None if bounds is None else Fraction(f"{float(bounds.width / 2):.12g}")
    return Result(ask.word, share, values=array, tolerance=half)
