"""The proof that a folded layer is the two layers it stands for: their outputs' difference simplifies to 0.

The equations of both are put together, everything but leaves is put in, products are multiplied out, and like terms
cancel. Beside it both are evaluated at random numbers to 60 digits, or some of their outputs where they are large.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product

from backcalc.derive.arrays import work
from backcalc.derive.derivation import Check
from backcalc.derive.rules import simplify
from backcalc.derive.setting import Setting
from backcalc.derive.terms import merge, to_terms
from backcalc.derive.write import distribute
from backcalc.formula.evaluate import evaluate, evaluate_expression
from backcalc.formula.floats import FLOATS
from backcalc.formula.infer import build_program
from backcalc.formula.integers import EvaluationError
from backcalc.formula.program import Program
from backcalc.formula.read import read_equation
from backcalc.formula.source import SourceEquation
from backcalc.formula.tree import Add, Expr, Neg, Num, Reduce, Ref, Table, children, num, rebuild, substitute
from backcalc.net.network import Node
from backcalc.transform.certain import Certain, arithmetic

HEAVIEST = 60_000  # operations of an evaluation with certain numbers
DIGITS = 80
LONGEST_SUM = 150_000  # terms of one output
CLOSE = 1e-9


@dataclass(frozen=True)
class Both:
    """The program of two neighbours and of the layer that replaces them; `old` and `new` are the outputs."""

    program: Program
    old: str
    new: str
    definitions: tuple[str, ...]


def together(old: Sequence[Node], new: Sequence[Node], definitions: Sequence[str]) -> Both:
    """One program of both sides, over the same input and the same parameters."""
    source = old[0].inputs[0]
    lines: list[str] = list(definitions)
    shapes: dict[str, tuple[int, ...]] = {source: old[0].input_shape}
    padded: set[str] = set()
    for node in old:
        stated = node.stated(None)
        lines += [line for line in stated.lines if line not in lines]
        padded |= stated.padded
        shapes |= {parameter.name: parameter.shape for parameter in node.parameters}
        shapes |= dict(stated.shapes) | {node.name: node.output_shape}
    reads = source
    for node in new:
        name = f"{node.name}_new"
        stated = node.layer.equations(name, reads, node.input_shape)
        lines += stated.lines
        padded |= stated.padded
        shapes |= {parameter.name: parameter.shape for parameter in node.parameters}
        shapes |= dict(stated.shapes) | {name: node.output_shape}
        reads = name
    sources = [SourceEquation(*read_equation(line)) for line in lines]
    read = {source.left.name for source in sources} | {old[0].inputs[0]}
    known = {name: shape for name, shape in shapes.items() if shape and (name in read or _stands(name, lines))}
    program = build_program(sources, known, {}, frozenset(padded))
    names = tuple(read_equation(line)[0].name for line in definitions)
    return Both(program, old[-1].name, reads, names)


def _stands(name: str, lines: Sequence[str]) -> bool:
    return any(f"{name}[" in line for line in lines)


def symbolic(both: Both) -> Check:
    """Whether the difference of the outputs is 0 by the rules of sums and products."""
    old, new = (both.program.by_name[name] for name in (both.old, both.new))
    at = dict(zip(new.indices, map(Ref, old.indices), strict=True))
    left = in_leaves(old.body, both.program)
    right = substitute(in_leaves(new.body, both.program), at)
    ranges = {index: (num(1), size) for index, size in zip(old.indices, both.program.shapes[old.name], strict=True)}
    terms = distribute(merge(to_terms(Add((left, Neg(right))))))
    rest, _ = simplify(terms, Setting(ranges))
    rest = merge(distribute(rest))
    passed = not rest
    detail = "every term of the difference cancels" if passed else f"{len(rest)} terms of the difference are left"
    return Check("the difference of the outputs, simplified", 0.0 if passed else None, passed, detail)


def in_leaves(expr: Expr, program: Program) -> Expr:
    """The expression with every intermediate put in, tables of numbers aside."""

    def put(part: Expr) -> Expr:
        if isinstance(part, Ref) and part.name in program.by_name:
            equation = program.by_name[part.name]
            if isinstance(equation.body, Table):
                return part
            inner = in_leaves(equation.body, program)
            return substitute(inner, dict(zip(equation.indices, part.indices, strict=True)))
        return rebuild(part, put)

    return put(expr)


def numeric(both: Both) -> Check:
    """Whether both outputs are the same numbers at random parameters and inputs."""
    against = "both outputs at random rational numbers, to 60 digits"
    if work(both.program) > HEAVIEST:
        return _sampled(both)
    source = random.Random("backcalc fold")
    values: dict[str, dict[tuple[int, ...], Certain]] = {}
    for name in both.program.leaves:
        places = product(*(range(1, extent + 1) for extent in both.program.shape(name) or ()))
        positive = name.startswith("var")
        values[name] = {
            place: Certain.of(Fraction(source.randint(1 if positive else -96, 96), 97), DIGITS) for place in places
        }
    try:
        found = evaluate(both.program, values, arithmetic(DIGITS))
    except EvaluationError as error:
        return Check(against, None, False, str(error))
    pairs = [(found[both.old][place], found[both.new][place]) for place in found[both.old]]
    passed = all(left.agrees(right) for left, right in pairs)
    return Check(against, 0.0 if passed else 1.0, passed, f"{len(pairs)} outputs")


class _Drawn(Mapping[tuple[int, ...], float]):
    """An array of random numbers, each made when it is read: only a few of a large array are."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.numbers: dict[tuple[int, ...], float] = {}

    def __getitem__(self, place: tuple[int, ...]) -> float:
        if place not in self.numbers:
            lowest = 0.1 if self.name.startswith("var") else -1.0
            self.numbers[place] = random.Random(f"{self.name}{place}").uniform(lowest, 1.0)
        return self.numbers[place]

    def __iter__(self) -> Iterator[tuple[int, ...]]:
        return iter(self.numbers)

    def __len__(self) -> int:
        return len(self.numbers)


def _sampled(both: Both) -> Check:
    """Some outputs of large layers, in double precision, each from the leaves alone; padding reads as 0."""
    against = "some outputs at random numbers, in double precision"
    program = both.program
    old, new = (in_leaves(program.by_name[name].body, program) for name in (both.old, both.new))
    if max(_terms(old, program), _terms(new, program)) > LONGEST_SUM:
        return Check(against, None, True, "left out: the sums are too long for that")
    store: dict[str, Mapping[tuple[int, ...], float]] = {name: _Drawn(name) for name in program.leaves}
    tables = {e.name: e for e in program.equations if isinstance(e.body, Table)}
    store.update(evaluate(program.part(tuple(tables.values())), {}, FLOATS))
    shape, worst = program.shape(both.old) or (), 0.0
    middle, last = tuple((extent + 1) // 2 for extent in shape), tuple(shape)
    for place in dict.fromkeys((middle, last[:1] + middle[1:], middle[:1] + last[1:])):
        if _outside(place, both):
            continue
        frames = [dict(zip(program.by_name[name].indices, place, strict=True)) for name in (both.old, both.new)]
        left, right = (
            evaluate_expression(side, frame, store, FLOATS) for side, frame in zip((old, new), frames, strict=True)
        )
        worst = max(worst, abs(left - right) / max(1.0, abs(left)))
    return Check(against, worst, worst < CLOSE, "outputs in the middle and at the end")


def _outside(place: tuple[int, ...], both: Both) -> bool:
    """Whether an output may read the padding, which numbers made on demand do not know."""
    shape = both.program.shape(both.old) or ()
    return bool(both.program.padded) and any(at == extent > 1 for at, extent in zip(place[1:], shape[1:], strict=True))


def _terms(expr: Expr, program: Program) -> int:
    """How many terms the nested sums of an expression have together."""
    match expr:
        case Reduce(_, _, lower, upper, _, body) if isinstance(lower, Num) and isinstance(upper, Num):
            return int(upper.value - lower.value + 1) * _terms(body, program)
        case _:
            return max(1, sum(_terms(part, program) for part in children(expr)))


def defined(
    both: Both, values: Mapping[str, Mapping[tuple[int, ...], Certain]]
) -> dict[str, dict[tuple[int, ...], Certain]]:
    """The arrays of the folded layer from numbers of the old ones. Raises EvaluationError where one is missing."""
    wanted = tuple(both.program.by_name[name] for name in both.definitions)
    found = evaluate(both.program.part(wanted), values, arithmetic(DIGITS))
    return {name: dict(found[name]) for name in both.definitions}
