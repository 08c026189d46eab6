"""Matrix forms computed with NumPy, held against the index formulas at a random point where symbolic sizes differ."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from backcalc.derive.arrays import nested
from backcalc.derive.derivation import Check, Derivation
from backcalc.derive.matrix import (
    Apply,
    Diagonal,
    DiagonalMatrix,
    Einsum,
    Elementwise,
    Full,
    Identity,
    Mask,
    Named,
    Node,
    Ones,
    Power,
    Product,
    RowReduce,
    Scalar,
    Scale,
    Softmax,
    SquaredNorm,
    Sum,
    Trace,
    Transpose,
    Unit,
)
from backcalc.derive.matrix_view import MatrixView, matrix_view
from backcalc.formula.integers import EvaluationError, integer
from backcalc.formula.program import Equation, Program
from backcalc.formula.tree import Call, Compare, Expr, Ref, num
from backcalc.verify.point import random_point
from backcalc.verify.vectors import Floats, evaluate_vectors

CLOSE = 1e-9  # relative to the largest entry, in double precision
ATTEMPTS = 4
MOST_NUMBERS = 300_000  # of the leaves that are drawn at random
AGAINST = "matrix forms equal the index formulas"


def check_forms(derivation: Derivation, view: MatrixView | None = None) -> Check:
    """Every matrix form by NumPy's own products, against its index formula evaluated entry by entry."""
    view = view or matrix_view(derivation)
    proved = view.proved
    if not proved:
        return Check(AGAINST, None, True, "no formula has a matrix form")
    if _numbers(derivation.program) > MOST_NUMBERS:
        return Check(AGAINST, None, True, f"{len(proved)} proved by normal form, too large to be computed here")
    reason = ""
    for attempt in range(ATTEMPTS):
        point = random_point(derivation.program, {}, attempt)
        program = _with_updates(derivation.adjoint_program(), view)
        sizes = {name: value for name, value in program.sizes.items() if value is not None} | dict(point.sizes)
        try:
            with np.errstate(all="ignore"):
                leaves = {name: _array(values) for name, values in point.values.items()}
                store = evaluate_vectors(program, {**_rate(derivation), **leaves}, point.sizes)
                worst = _worst(view, store, sizes, program.padded)
        except (EvaluationError, KeyError) as error:
            reason = str(error)
            continue
        if math.isfinite(worst):
            detail = f"{len(proved)} proved by normal form, computed with NumPy {point.chosen}"
            return Check(AGAINST, worst, worst <= CLOSE, detail)
        reason = "a value is not finite"
    return Check(AGAINST, None, False, f"proved by normal form, but not evaluated: {reason}")


def _numbers(program: Program) -> int:
    """How many numbers the leaves hold, where their sizes have one."""
    shapes = (program.shape(name) for name in program.leaves)
    return sum(math.prod(shape) for shape in shapes if shape is not None)


def _with_updates(program: Program, view: MatrixView) -> Program:
    """The program with the new parameters as equations, named `W'`."""
    new = tuple(Equation(f"{of}'", form.indices, form.formula) for of, form in view.updates.items())
    return program.extended(new, {f"{of}'": program.shapes[of] for of in view.updates})


def _worst(view: MatrixView, store: dict[str, Floats], sizes: Mapping[str, int], padded: frozenset[str]) -> float:
    worst = 0.0
    for name, form in (*view.forms.items(), *((f"{of}'", form) for of, form in view.updates.items())):
        if form.node is None:
            continue
        expected = store[name]
        found = numpy_value(form.node, store, sizes).reshape(expected.shape)
        # What cancels from numbers near 1 is no number of its own size.
        scale = max(1e-3, float(np.max(np.abs(expected), initial=0.0)))
        worst = max(worst, float(np.max(np.abs(found - expected), initial=0.0)) / scale)
    return worst


def _rate(derivation: Derivation) -> dict[str, Floats]:
    """A number for a rate that is a symbol."""
    return {derivation.rate.name: np.array(0.25)} if isinstance(derivation.rate, Ref) else {}


def _array(values: Mapping[tuple[int, ...], Any]) -> Floats:
    return np.array(nested(values, float), dtype=np.float64)


def numpy_value(node: Node, store: Mapping[str, Floats], sizes: Mapping[str, int]) -> Floats:
    """A matrix form by NumPy, of the node's own shape: a column is n×1, a number 1×1."""

    def at(part: Node) -> Floats:
        return numpy_value(part, store, sizes)

    shape = tuple(integer(size, sizes) for size in node.shape)
    match node:
        case Named(name, _):
            return np.asarray(store[name], dtype=np.float64).reshape(shape)
        case Scalar(value) | Full(value, _):
            return np.full(shape, _entrywise(value, (), store, sizes))
        case Ones():
            return np.ones(shape)
        case Unit(_, place):
            return np.eye(shape[0])[:, [round(float(_entrywise(place, (), store, sizes))) - 1]]
        case Identity():
            return np.eye(shape[0])
        case Transpose(of):
            return at(of).T
        case Product((first, *rest)):
            result = at(first)
            for factor in rest:
                result = result @ at(factor)
            return result
        case RowReduce(operation, of):
            return np.asarray(_REDUCTIONS[operation](at(of))).reshape(shape)
        case Diagonal(of):
            return np.asarray(np.diag(at(of)).reshape(shape))
        case DiagonalMatrix(of):
            return np.diag(at(of)[:, 0])
        case Trace(of):
            return np.asarray(np.trace(at(of)).reshape(shape))
        case SquaredNorm(of):
            return np.asarray(np.square(at(of)).sum().reshape(shape))
        case Scale(factor, of):
            return at(factor).reshape(()) * at(of)
        case Sum(terms):
            return np.asarray(np.sum([at(term) for term in terms], axis=0))
        case Elementwise(over, under):
            above = np.prod([at(part) for part in over], axis=0) if over else np.ones(shape)
            return np.asarray(above / np.prod([at(part) for part in under], axis=0) if under else above)
        case Power(of, exponent):
            return np.asarray(at(of) ** float(exponent))
        case Apply(function, arguments):
            slots = tuple(f"argument{position}" for position in range(len(arguments)))
            filled = {slot: at(argument) for slot, argument in zip(slots, arguments, strict=True)}
            return _entrywise(Call(function, tuple(_slot(slot, shape) for slot in slots)), shape, filled, {})
        case Mask(operators, operands):
            slots = tuple(f"operand{position}" for position in range(len(operands)))
            filled = {slot: at(operand) for slot, operand in zip(slots, operands, strict=True)}
            return _entrywise(Compare(operators, tuple(_slot(slot, shape) for slot in slots)), shape, filled, {})
        case Softmax(of):
            exp = np.exp(at(of))
            return np.asarray(exp / exp.sum(axis=node.axis, keepdims=True))
        case Einsum(operands, result):
            return _einsum(operands, result, store, sizes).reshape(shape)
        case _:
            raise AssertionError(node)


def _einsum(
    operands: tuple[tuple[Node, tuple[str, ...]], ...],
    result: tuple[str, ...],
    store: Mapping[str, Floats],
    sizes: Mapping[str, int],
) -> Floats:
    numbers = {label: position for position, label in enumerate(dict.fromkeys(i for _, own in operands for i in own))}
    arguments: list[Any] = []
    for node, labels in operands:
        array = numpy_value(node, store, sizes)
        arguments += [array.reshape(array.shape[: len(labels)]), [numbers[label] for label in labels]]
    return np.asarray(np.einsum(*arguments, [numbers[label] for label in result]))


def _slot(name: str, shape: tuple[int, ...]) -> Expr:
    return Ref(name, tuple(Ref(f"axis{position}") for position in range(len(shape))))


def _entrywise(expr: Expr, shape: tuple[int, ...], store: Mapping[str, Floats], sizes: Mapping[str, int]) -> Floats:
    """The scalar functions of the language over the entries of arrays."""
    axes = tuple(f"axis{position}" for position in range(len(shape)))
    whole = Program({"result": tuple(num(extent) for extent in shape)}, (Equation("result", axes, expr),))
    return evaluate_vectors(whole, store, sizes)["result"]


_REDUCTIONS: Mapping[str, Callable[[Floats], Any]] = {
    "sum": lambda array: array.sum(axis=1),
    "mean": lambda array: array.mean(axis=1),
    "prod": lambda array: array.prod(axis=1),
    "max": lambda array: array.max(axis=1),
    "min": lambda array: array.min(axis=1),
    "argmax": lambda array: array.argmax(axis=1) + 1.0,
    "argmin": lambda array: array.argmin(axis=1) + 1.0,
}
