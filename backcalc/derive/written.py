"""The scalar view of a derivation: which lines are written out, and whether they are."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Literal

from backcalc.derive.adjoint import Adjoint, with_adjoints
from backcalc.derive.exact import Exact
from backcalc.derive.facts import complement, shares
from backcalc.derive.gradient import Gradient
from backcalc.derive.ground import Ground, TooWide, is_copy, is_identity
from backcalc.derive.question import DerivationError
from backcalc.derive.scalar import Line, Writer
from backcalc.formula.evaluate import Array
from backcalc.formula.integers import EvaluationError, integer
from backcalc.formula.program import Equation, Program, Rows
from backcalc.formula.tree import Expr, Num, Ref, Table, num, walk

View = Literal["scalar", "index", "matrix"]

MOST_LINES = 300  # elements that the scalar view writes out
LARGEST_SCALAR = 120  # elements of forward pass and derivatives that are written out unasked


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
    shown: Collection[str] = (),
) -> tuple[View, tuple[Block, ...], tuple[Block, ...]]:
    """The view, and the lines of forward pass and derivatives where they are written out.

    What is `shown` already is not written again.
    """
    if view == "index" or view == "matrix":
        return view, (), ()
    forward = [e for e in program.equations if not (_transparent(e) or _is_given_row(e, program) or e.name in shown)]
    backward = needed(adjoints, gradients, program)
    shapes = [program.shape(e.name) for e in forward] + [_extents(program, a.shape) for a in backward]
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
        first = tuple(_forward_blocks(forward, program, ground, writer))
        nodes = (node for block in first for line in block.lines for node in walk(line.formula))
        writer.present = frozenset(node for node in nodes if isinstance(node, Ref))
        return (
            "scalar",
            first,
            tuple(_backward_blocks(backward, gradients, program, writer)),
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


def _is_given_row(equation: Equation, program: Program) -> bool:
    """Whether an equation is a boundary row of numbers, which stand where it is read."""
    return isinstance(equation.body, Num) and any(edge.name == equation.name for edge in program.edges)


def _extents(program: Program, shape: tuple[Expr, ...]) -> tuple[int, ...] | None:
    known = {name: value for name, value in program.sizes.items() if value is not None}
    try:
        return tuple(integer(axis, known) for axis in shape)
    except EvaluationError:
        return None


def _places(program: Program, shape: tuple[Expr, ...]) -> list[tuple[int, ...]]:
    extents = _extents(program, shape)
    assert extents is not None
    return list(product(*(range(1, extent + 1) for extent in extents)))


def _forward_blocks(equations: Sequence[Equation], program: Program, ground: Ground, writer: Writer) -> Iterator[Block]:
    """The lines of the forward pass; what is computed row by row together is written row by row."""
    wanted = {equation.name for equation in equations}
    for block in program.blocks:
        if isinstance(block, Equation):
            if block.name in wanted:
                yield _forward_block(block, _places(program, program.shapes[block.name]), ground, writer)
            continue
        for rows in _by_row(block, program, {e.name: program.shapes[e.name] for e in block.equations}):
            yield from (_forward_block(e, places, ground, writer) for e, places in rows if places and e.name in wanted)


def _by_row(
    block: Rows, program: Program, shapes: Mapping[str, tuple[Expr, ...]]
) -> Iterator[list[tuple[Equation, list[tuple[int, ...]]]]]:
    """The elements of a recurrence in the order in which they are computed; those of a single array all at once."""
    extents = {name: _extents(program, shape) or () for name, shape in shapes.items()}
    numbers = block.numbers(extents)
    places = {name: _places(program, shape) for name, shape in shapes.items()}
    if len(block.equations) == 1:
        (equation,) = block.equations
        axis = block.axes[equation.name]
        yield [(equation, sorted(places[equation.name], key=lambda place: numbers.index(place[axis])))]
        return
    for row in numbers:
        yield [(e, [place for place in places[e.name] if place[block.axes[e.name]] == row]) for e in block.equations]


def _forward_block(equation: Equation, places: list[tuple[int, ...]], ground: Ground, writer: Writer) -> Block:
    lines = []
    for place in places:
        formula = ground(equation.body, dict(zip(equation.indices, place, strict=True)))
        values = writer.store.get(equation.name)
        lines.append(Line(equation.name, place, formula, None if values is None else values[place]))
    return Block(equation.name, tuple(lines), equation.layer)


def _backward_blocks(
    adjoints: Sequence[Adjoint], gradients: tuple[Gradient, ...], program: Program, writer: Writer
) -> Iterator[Block]:
    """The lines of the derivatives; those that are computed row by row together are written row by row."""
    by_name = {adjoint.name: adjoint for adjoint in adjoints}
    whole = with_adjoints(program, adjoints)
    for block in whole.blocks:
        if isinstance(block, Equation):
            if block.name in by_name:
                yield _backward_block(by_name[block.name], gradients, program, writer)
            continue
        shapes = {e.name: whole.shapes[e.name] for e in block.equations}
        if not shapes.keys() <= by_name.keys():
            continue
        for rows in _by_row(block, program, shapes):
            for equation, places in rows:
                if places:
                    found = by_name[equation.name]
                    yield Block(found.name, tuple(writer.line(found, place) for place in places))


def _backward_block(adjoint: Adjoint, gradients: tuple[Gradient, ...], program: Program, writer: Writer) -> Block:
    places = _places(program, adjoint.shape)
    own = [gradient for gradient in gradients if gradient.adjoint.of == adjoint.of]
    if own and adjoint.of in program.leaves and all(gradient.place is not None for gradient in own):
        places = [gradient.place for gradient in own if gradient.place is not None]
    return Block(adjoint.name, tuple(writer.line(adjoint, place) for place in places))
