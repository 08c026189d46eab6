"""The chain rule on one equation: what each of its reads of an array adds to the derivative by that array."""

from __future__ import annotations

from dataclasses import replace

from backcalc.derive.partial import Partial, partials
from backcalc.derive.target import Target
from backcalc.derive.terms import Bound, Term, multiply, rename_apart, single
from backcalc.formula.program import Equation, Program
from backcalc.formula.tree import (
    ONE,
    Call,
    Compare,
    Expr,
    Mul,
    Reduce,
    Ref,
    Table,
    fresh_name,
    names,
    num,
    substitute,
    table_entries,
)


def contributions(
    program: Program, equation: Equation, target: Target, name: str, place: tuple[Expr, ...], indices: tuple[str, ...]
) -> list[Term]:
    """One term for every read of `name` at `place` in the equation, its deltas still standing."""
    loss = target.name
    if isinstance(equation.body, Table):
        upstream = target.derivative(equation.name)
        return [
            _contribution(part, Ref(upstream, (*target.places, *(num(i) for i in at))), [], [], place, indices)
            for at, item in table_entries(equation.body)
            for part in partials(item, name)
        ]
    taken = frozenset(indices) | names(equation.body) | frozenset(program.shapes)
    renaming: dict[str, Expr] = {}
    outer: list[Bound] = []
    for index, extent in zip(equation.indices, program.shapes[equation.name], strict=True):
        own = fresh_name(index, taken) if index in indices else index
        taken |= {own}
        renaming[index] = Ref(own)
        outer.append(Bound(own, num(1), extent))
    body = substitute(equation.body, renaming)
    place_refs = tuple(Ref(bound.index) for bound in outer)
    seeds: list[Compare] = []
    weight: Expr = ONE
    if equation.name == loss and not target.recurs:
        seeds = [Compare(("==",), pair) for pair in zip(target.places, place_refs, strict=True)]
    else:
        weight = Ref(target.derivative(equation.name), target.places + place_refs)
    return [_contribution(part, weight, seeds, outer, place, indices) for part in partials(body, name)]


def _contribution(
    part: Partial,
    weight: Expr,
    seeds: list[Compare],
    outer: list[Bound],
    place: tuple[Expr, ...],
    indices: tuple[str, ...],
) -> Term:
    """Σ over the equation's own indices and the sums around the read of weight · local derivative · deltas."""
    part = _apart(part, frozenset(indices) | {bound.index for bound in outer})
    deltas = [Compare(("==",), pair) for pair in zip(place, part.read.indices, strict=True)]
    sums = (*outer, *part.sums)
    taken = frozenset(bound.index for bound in sums) | frozenset(indices)
    product = Term(brackets=(*seeds, *deltas))
    for factor in (weight, *part.factors):
        inner = single(factor)
        if inner is None:
            return replace(product, coefficient=product.coefficient * 0)
        product = multiply(product, rename_apart(inner, taken))
    return replace(product, sums=(*sums, *product.sums))


def _apart(part: Partial, taken: frozenset[str]) -> Partial:
    """The partial with its own summed indices renamed away from `taken`."""
    for position, bound in enumerate(part.sums):
        if bound.index not in taken:
            taken |= {bound.index}
            continue
        mentioned = frozenset().union(*(names(factor) for factor in (part.read, *part.factors)))
        own = fresh_name(bound.index, taken | mentioned)
        value: dict[str, Expr] = {bound.index: Ref(own)}
        later = tuple(
            Bound(b.index, substitute(b.lower, value), substitute(b.upper, value)) for b in part.sums[position + 1 :]
        )
        read = substitute(part.read, value)
        assert isinstance(read, Ref)
        part = replace(
            part,
            read=read,
            factors=tuple(substitute(factor, value) for factor in part.factors),
            sums=(*part.sums[:position], replace(bound, index=own), *later),
        )
        taken |= {own}
    return part


def chain_rule(
    program: Program, equation: Equation, target: Target, name: str, place: tuple[Expr, ...], indices: tuple[str, ...]
) -> Expr:
    """Σ_o ∂J/∂v[o] · ∂v[o]/∂u[a], for display."""
    own = tuple(fresh_name(index, set(indices)) for index in equation.indices)
    at = tuple(Ref(index) for index in own)
    local = Call("diff", (Ref(equation.name, at), Ref(name, place)))
    product: Expr = Mul((Ref(target.derivative(equation.name), target.places + at), local))
    for index, extent in reversed(list(zip(own, program.shapes[equation.name], strict=True))):
        product = Reduce("sum", index, num(1), extent, None, product)
    return product
