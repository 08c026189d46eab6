"""The scalar view of a derivation: which lines are written out, and whether they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Literal

from backcalc.derive.adjoint import Adjoint
from backcalc.derive.exact import Exact
from backcalc.derive.facts import complement, shares
from backcalc.derive.gradient import Gradient
from backcalc.derive.ground import Ground, TooWide, is_copy, is_identity
from backcalc.derive.scalar import Line, Writer
from backcalc.formula.evaluate import Array
from backcalc.formula.program import Equation, Program
from backcalc.formula.tree import Ref, Table, num, walk

View = Literal["scalar", "index"]

MOST_LINES = 300  # elements that the scalar view writes out
LARGEST_SCALAR = 120  # elements of forward pass and derivatives that are written out unasked


class DerivationError(ValueError):
    """Why there is nothing to derive, with the way out."""


@dataclass(frozen=True, slots=True)
class Block:
    """All lines of one quantity in the scalar view."""

    of: str
    lines: tuple[Line, ...]
    note: str = ""


def written(
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
    backward = needed(adjoints, gradients, program)
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
        first = tuple(_forward_block(e, program, ground, writer) for e in forward)
        nodes = (node for block in first for line in block.lines for node in walk(line.formula))
        writer.present = frozenset(node for node in nodes if isinstance(node, Ref))
        return (
            "scalar",
            first,
            tuple(_backward_block(a, gradients, program, writer) for a in backward),
        )
    except TooWide as error:
        if view == "scalar":
            raise DerivationError(f"the scalar view cannot be written out: {error}; use `--view index`") from None
        return "index", (), ()


def _transparent(equation: Equation) -> bool:
    return isinstance(equation.body, Table) or is_copy(equation)


def needed(
    adjoints: Mapping[str, Adjoint], gradients: tuple[Gradient, ...], program: Program, through: bool = True
) -> list[Adjoint]:
    """The derivatives that lead to what was asked for, in order; `through` leaves out what is merely handed on."""
    by_name = {adjoint.name: adjoint for adjoint in adjoints.values()}
    waiting = [gradient.adjoint for gradient in gradients]
    seen: set[str] = set()
    while waiting:
        adjoint = waiting.pop()
        if adjoint.name in seen:
            continue
        seen.add(adjoint.name)
        waiting += [by_name[n.name] for n in walk(adjoint.chain) if isinstance(n, Ref) and n.name in by_name]
    hidden = {e.name for e in program.equations if (_transparent(e) if through else is_identity(e))}
    return [adjoint for adjoint in adjoints.values() if adjoint.name in seen and adjoint.of not in hidden]


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
