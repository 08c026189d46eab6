"""Evaluation of a program with NumPy, a whole equation at a time, where number by number would take minutes.

Every index is an axis. An equation `z[j] = sum(k, W[j,k]*x[k])` is one array over (j, k), summed over k; reads are
gathered at broadcast index arrays, conditions are masks. Double precision.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from backcalc.formula.evaluate import definition
from backcalc.formula.integers import EvaluationError, integer
from backcalc.formula.program import Equation, Program, Rows
from backcalc.formula.tree import Add, Call, Compare, Div, Expr, Mul, Neg, Num, Pow, Reduce, Ref, Table, children

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]

LARGEST = 10_000_000  # elements of one array


def evaluate_vectors(program: Program, values: Mapping[str, Floats], sizes: Mapping[str, int]) -> dict[str, Floats]:
    """Every intermediate of the program as an array; leaves are taken from `values`.

    Raises EvaluationError where an equation would need an array of more than 10 million elements.
    """
    known = {name: value for name, value in program.sizes.items() if value is not None} | dict(sizes)
    store: dict[str, Floats] = dict(values)
    for block in program.blocks:
        if isinstance(block, Rows):
            _rows(block, program, store, known)
            continue
        extents = tuple(integer(axis, known) for axis in program.shapes[block.name])
        if isinstance(block.body, Table):
            store[block.name] = _table(block.body, store).reshape(extents)
            continue
        store[block.name] = evaluated(block, program, store, known, [(1, extent) for extent in extents])
    return store


def evaluated(
    equation: Equation,
    program: Program,
    store: Mapping[str, Floats],
    known: Mapping[str, int],
    ranges: Sequence[tuple[int, int]],
) -> Floats:
    """The elements of a left-hand side whose indices lie in the ranges."""
    grid = _Grid(store, program, dict(known), len(ranges) + _depth(equation.body))
    for index, (low, high) in zip(equation.indices, ranges, strict=True):
        grid = grid.along(index, low, high)
    body = grid.value(equation.body)
    extents = tuple(high - low + 1 for low, high in ranges)
    return np.array(np.broadcast_to(body.reshape(body.shape[: len(extents)]), extents))


def _rows(block: Rows, program: Program, store: dict[str, Floats], known: Mapping[str, int]) -> None:
    """A recurrence, row by row: what is not computed yet is no number."""
    shapes = {e.name: tuple(integer(axis, known) for axis in program.shapes[e.name]) for e in block.equations}
    for equation in block.equations:
        store[equation.name] = np.full(shapes[equation.name], np.nan)
    for row in block.numbers(shapes):
        for equation in block.equations:
            axis, shape = block.axes[equation.name], shapes[equation.name]
            if row > shape[axis]:
                continue
            ranges = [(1, extent) for extent in shape]
            ranges[axis] = (row, row)
            here = tuple(slice(row - 1, row) if place == axis else slice(None) for place in range(len(shape)))
            store[equation.name][here] = evaluated(equation, program, store, known, ranges)


def _table(table: Expr, store: Mapping[str, Floats]) -> Floats:
    if isinstance(table, Table):
        return np.array([_table(item, store) for item in table.items])
    return np.asarray(
        float(table.value) if isinstance(table, Num) else store[table.name] if isinstance(table, Ref) else 0
    )


def _depth(expr: Expr) -> int:
    """How many reductions stand inside each other at most."""
    inner = max((_depth(part) for part in children(expr)), default=0)
    return inner + isinstance(expr, Reduce)


@dataclass(frozen=True)
class _Grid:
    """Indices as axes of arrays of `depth` axes; `axes` holds the index arrays, `used` how many axes are taken."""

    store: Mapping[str, Floats]
    program: Program
    sizes: Mapping[str, int]
    depth: int
    axes: Mapping[str, Whole] = field(default_factory=dict)
    used: int = 0

    def along(self, index: str, low: int, high: int) -> _Grid:
        shape = [1] * self.depth
        shape[self.used] = max(0, high - low + 1)
        axis = np.arange(low, high + 1).reshape(shape)
        total = math.prod(max(1, array.size) for array in (*self.axes.values(), axis))
        if total > LARGEST:
            raise EvaluationError(f"an equation over {total:,} elements is too large to be evaluated here")
        return _Grid(self.store, self.program, self.sizes, self.depth, {**self.axes, index: axis}, self.used + 1)

    # -- numbers ----------------------------------------------------------------------------------

    def value(self, expr: Expr) -> Floats:
        """The expression over the whole grid, broadcast where it does not depend on an index."""
        match expr:
            case Num(value):
                return self._constant(float(value))
            case Ref(name, ()):
                return self._plain(name)
            case Ref(name, indices):
                return self._read(name, indices)
            case Add(terms):
                return _total([self.value(term) for term in terms])
            case Neg(operand):
                return -self.value(operand)
            case Mul(factors):
                return self._product(factors)
            case Div(numerator, denominator):
                return self.value(numerator) / self.value(denominator)
            case Pow(base, Num(exponent)) if exponent == 2:
                low = self.value(base)
                return low * low
            case Pow(base, exponent):
                return np.asarray(np.power(self.value(base), self.value(exponent)))
            case Compare():
                return self.truth(expr).astype(np.float64)
            case Reduce():
                return self._reduction(expr)
            case Call(function, arguments):
                return self._call(function, arguments)
            case Table():
                raise EvaluationError("a table can only be the whole right-hand side of an equation")

    def truth(self, expr: Expr) -> npt.NDArray[np.bool_]:
        if not isinstance(expr, Compare):
            return np.asarray(self.value(expr) != 0)
        parts = [self.value(part) for part in expr.operands]
        pairs = zip(expr.operators, parts, parts[1:], strict=False)
        verdicts = [_COMPARE[operator](left, right) for operator, left, right in pairs]
        result = verdicts[0]
        for verdict in verdicts[1:]:
            result = result & verdict
        return np.asarray(result)

    def whole(self, expr: Expr) -> Whole:
        """An index expression as whole numbers over the grid."""
        return np.rint(self.value(expr)).astype(np.int64)

    def _constant(self, value: float) -> Floats:
        return np.full((1,) * self.depth, value)

    def _plain(self, name: str) -> Floats:
        if name in self.axes:
            return self.axes[name].astype(np.float64)
        if name in self.sizes:
            return self._constant(float(self.sizes[name]))
        if name in self.store:
            return np.asarray(self.store[name]).reshape((1,) * self.depth)
        if name in ("e", "pi"):
            return self._constant({"e": math.e, "pi": math.pi}[name])
        raise EvaluationError(f"`{name}` has no value")

    def _read(self, name: str, indices: tuple[Expr, ...]) -> Floats:
        array = self.store[name]
        places = [self.whole(index) - 1 for index in indices]
        inside = np.ones((1,) * self.depth, dtype=bool)
        clipped = []
        for place, extent in zip(places, array.shape, strict=True):
            inside = inside & (place >= 0) & (place < extent)
            clipped.append(np.clip(place, 0, extent - 1))
        found = array[tuple(np.broadcast_arrays(*clipped))]
        if inside.all():
            return np.asarray(found)
        # Outside its range a padded array is 0; another one may be read there only behind a bracket that is 0.
        result = np.where(inside, found, 0.0 if name in self.program.padded else np.nan)
        for edge in self.program.rows_beside.get(name, ()):
            if edge.name in self.store and np.any(there := places[edge.axis] + 1 == edge.row):
                others = [place for axis, place in enumerate(clipped) if axis != edge.axis]
                row = self.store[edge.name][tuple(np.broadcast_arrays(*others))] if others else self.store[edge.name]
                result = np.where(there, row, result)
        return np.asarray(result)

    def _product(self, factors: tuple[Expr, ...]) -> Floats:
        result: Floats = self._constant(1.0)
        for factor in factors:
            if not isinstance(factor, Compare):
                result = result * self.value(factor)
        for factor in factors:
            if isinstance(factor, Compare):
                result = np.where(self.truth(factor), result, 0.0)
        return result

    def _call(self, function: str, arguments: tuple[Expr, ...]) -> Floats:
        if function == "if":
            condition, yes, no = arguments
            return np.where(self.truth(condition), self.value(yes), self.value(no))
        if function in ("max", "min"):
            parts = [self.value(argument) for argument in arguments]
            pick = np.maximum if function == "max" else np.minimum
            result = parts[0]
            for part in parts[1:]:
                result = pick(result, part)
            return np.asarray(result)
        compute = _FUNCTIONS.get(function)
        if compute is None:
            return self.value(definition(function, arguments))
        return np.asarray(compute(*(self.value(argument) for argument in arguments)))

    def _reduction(self, expr: Reduce) -> Floats:
        if expr.lower is None or expr.upper is None:
            raise EvaluationError(f"the range of `{expr.index}` is not known")
        low, high = self.whole(expr.lower), self.whole(expr.upper)
        first, last = int(low.min(initial=1)), int(high.max(initial=0))
        inner = self.along(expr.index, first, last)
        place = inner.axes[expr.index]
        mask = (place >= low) & (place <= high)
        if expr.exclude is not None:
            mask = mask & (place != self.whole(expr.exclude))
        body = inner.value(expr.body)
        axis = self.used
        everywhere = bool(mask.all())
        if expr.operation in ("sum", "mean"):
            masked = body if everywhere else np.where(mask, body, 0.0)
            width = place.shape[axis]
            total = masked.sum(axis=axis, keepdims=True)
            # A body that does not depend on the index is added up as often as the index runs.
            total = total * width if masked.shape[axis] == 1 and width != 1 else total
            count = np.broadcast_to(mask, np.broadcast_shapes(mask.shape, place.shape)).sum(axis=axis, keepdims=True)
            return np.asarray(total if expr.operation == "sum" else total / count)
        if expr.operation == "prod":
            return np.asarray(
                np.broadcast_to(np.where(mask, body, 1.0), _joint(mask, body)).prod(axis=axis, keepdims=True)
            )
        sign = 1.0 if expr.operation.endswith("max") else -1.0
        masked = np.where(mask, sign * body, -np.inf)
        if expr.operation.startswith("arg"):
            return np.asarray(np.argmax(masked, axis=axis, keepdims=True) + first, dtype=np.float64)
        return np.asarray(sign * masked.max(axis=axis, keepdims=True))


def _joint(mask: Any, body: Any) -> tuple[int, ...]:
    return tuple(np.broadcast_shapes(mask.shape, body.shape))


def _total(parts: list[Floats]) -> Floats:
    result = parts[0]
    for part in parts[1:]:
        result = result + part
    return result


def _sigmoid(u: Floats) -> Floats:
    return np.asarray(0.5 * (1 + np.tanh(0.5 * u)))


_COMPARE: Mapping[str, Callable[[Any, Any], Any]] = {
    "==": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}

_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "exp": np.exp,
    "sin": np.sin,
    "cos": np.cos,
    "log": np.log,
    "sqrt": np.sqrt,
    "abs": np.abs,
    "sign": np.sign,
    "tanh": np.tanh,
    "sigmoid": _sigmoid,
    "relu": lambda u: np.maximum(u, 0.0),
    "erf": np.vectorize(math.erf, otypes=[float]),
    "div": np.floor_divide,
    "mod": np.mod,
}
