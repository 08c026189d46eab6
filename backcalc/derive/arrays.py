"""Arrays between the files' nested tuples and the evaluator's elements, and their evaluation as far as values go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeVar

from backcalc.formula.evaluate import Arithmetic, Array, evaluate
from backcalc.formula.integers import EvaluationError
from backcalc.formula.program import Equation, Program
from backcalc.formula.tree import size

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
    for equation in program.equations:
        if not _available(program, equation, store, known):
            continue
        single = Program(program.shapes, (equation,), program.sizes, program.padded)
        try:
            store |= evaluate(single, store, arithmetic, sizes)
        except EvaluationError as error:
            failures.append(Failure(equation.name, str(error)))
    return store, tuple(failures)


def _available(program: Program, equation: Equation, store: Mapping[str, object], sizes: set[str]) -> bool:
    read = {ref.name for ref in equation.reads()}
    if any(name in program.shapes and name not in store for name in read):
        return False
    symbols = {name for name in program.sizes if name in read} | {
        name for axis in program.shapes[equation.name] for name in program.sizes if _mentions(axis, name)
    }
    return symbols <= sizes


def _mentions(axis: Any, name: str) -> bool:
    from backcalc.formula.tree import names

    return name in names(axis)


def work(program: Program, sizes: Mapping[str, int] | None = None) -> int:
    """About how many operations one evaluation of the program takes; -1 where a size has no number."""
    total = 0
    for equation in program.equations:
        shape = _numbers(program, equation.name, sizes)
        if shape is None:
            return -1
        inner = 1
        from backcalc.formula.integers import integer
        from backcalc.formula.tree import Num, Reduce, walk

        for node in walk(equation.body):
            if isinstance(node, Reduce) and node.upper is not None:
                try:
                    inner *= max(1, integer(node.upper, dict(sizes or {}) | _known(program)))
                except EvaluationError:
                    inner *= next((n.value.numerator for n in walk(node.upper) if isinstance(n, Num)), 1)
        total += _product(shape) * inner * min(size(equation.body), 10)
    return total


def _known(program: Program) -> dict[str, int]:
    return {name: value for name, value in program.sizes.items() if value is not None}


def _numbers(program: Program, name: str, sizes: Mapping[str, int] | None) -> tuple[int, ...] | None:
    from backcalc.formula.integers import integer

    try:
        return tuple(integer(axis, _known(program) | dict(sizes or {})) for axis in program.shapes[name])
    except EvaluationError:
        return None


def _product(shape: Sequence[int]) -> int:
    total = 1
    for extent in shape:
        total *= extent
    return total


def exact_values(values: Mapping[str, Any]) -> dict[str, dict[tuple[int, ...], Fraction]]:
    """The values of a network as elements."""
    return {name: elements(value) for name, value in values.items()}
