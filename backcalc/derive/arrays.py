"""Arrays between the files' nested tuples and the evaluator's elements, and their evaluation as far as values go."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from math import prod
from typing import Any, TypeVar

from backcalc.formula.evaluate import Arithmetic, Array, evaluate
from backcalc.formula.integers import EvaluationError, integer
from backcalc.formula.program import Equation, Program
from backcalc.formula.tree import Expr, Num, Reduce, Ref, Table, children, names, walk

T = TypeVar("T")


def elements(nested: Any, prefix: tuple[int, ...] = ()) -> dict[tuple[int, ...], Any]:
    """The elements of nested sequences by their indices from 1; a scalar has the index ().

    >>> elements(((1, 2), (3, 4)))[2, 1]
    3
    """
    if not isinstance(nested, (tuple, list)):
        return {prefix: nested}
    found: dict[tuple[int, ...], Any] = {}
    for position, item in enumerate(nested, start=1):
        found |= elements(item, (*prefix, position))
    return found


def nested(array: Array[T], change: Any = None) -> Any:
    """Nested lists from elements, each put through `change`.

    >>> nested({(1, 1): 1, (1, 2): 2})
    [[1, 2]]
    """
    change = change or (lambda value: value)
    if () in array:
        return change(array[()])
    rows: dict[int, dict[tuple[int, ...], T]] = {}
    for (first, *rest), value in array.items():
        rows.setdefault(first, {})[tuple(rest)] = value
    return [nested(rows[position], change) for position in sorted(rows)]


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a quantity has no value although everything it reads has one."""

    name: str
    reason: str


def evaluate_available(
    program: Program, values: Mapping[str, Array[T]], arithmetic: Arithmetic[T], sizes: Mapping[str, int] | None = None
) -> tuple[dict[str, Array[T]], tuple[Failure, ...]]:
    """Every quantity whose inputs all have values, and the failures among them; leaves are included."""
    store: dict[str, Array[T]] = dict(values)
    failures: list[Failure] = []
    known = {name for name, value in program.sizes.items() if value is not None} | set(sizes or {})
    for block in program.blocks:
        group = (block,) if isinstance(block, Equation) else block.equations
        together = {equation.name for equation in group}
        if not all(_available(program, equation, store.keys() | together, known) for equation in group):
            continue
        try:
            store |= evaluate(program.part(group), store, arithmetic, sizes)
        except EvaluationError as error:
            failures += [Failure(equation.name, str(error)) for equation in group]
    return store, tuple(failures)


def _available(program: Program, equation: Equation, store: Set[str], sizes: set[str]) -> bool:
    read = set(program.needs(equation))
    if any(name in program.shapes and name not in store for name in read):
        return False
    symbols = frozenset(program.sizes) & read.union(*(names(axis) for axis in program.shapes[equation.name]))
    return symbols <= sizes


def work(program: Program, sizes: Mapping[str, int] | None = None) -> int:
    """About how many operations one evaluation of the program takes; -1 where a size has no number."""
    known = {name: value for name, value in program.sizes.items() if value is not None} | dict(sizes or {})
    total = 0
    for equation in program.equations:
        try:
            count = prod(integer(axis, known) for axis in program.shapes[equation.name])
        except EvaluationError:
            return -1
        total += count * (1 if isinstance(equation.body, Table) else _operations(equation.body, known))
    return total


def _operations(expr: Expr, known: Mapping[str, int]) -> int:
    """How many operations and reads an expression takes, a clipped range counted to its longest."""
    if isinstance(expr, Ref):
        return 2
    inner = sum(_operations(part, known) for part in children(expr) if not isinstance(expr, Reduce))
    return _width(expr, known) * (1 + _operations(expr.body, known)) if isinstance(expr, Reduce) else 1 + inner


def _width(reduction: Reduce, known: Mapping[str, int]) -> int:
    """How many terms a reduction has; of a clipped range the largest number in its bound."""
    if reduction.upper is None:
        return 1
    try:
        return max(1, integer(reduction.upper, known))
    except EvaluationError:
        return max([1, *(node.value.numerator for node in walk(reduction.upper) if isinstance(node, Num))])
