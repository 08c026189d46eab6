"""Evaluation of programs in any arithmetic: floats, many digits, exact numbers, all by the same walk.

Expressions are turned into closures once and called once per element; nothing is ever compiled as Python.

>>> from backcalc.formula.floats import FLOATS
>>> from backcalc.formula.infer import build_program
>>> from backcalc.formula.source import SourceEquation
>>> from backcalc.formula.read import read_equation
>>> line = SourceEquation(*read_equation("z[j] = sum(k, W[j,k]*x[k])"))
>>> program = build_program([line], {"W": (2, 2), "x": (2,)})
>>> x, W = {(1,): 1.0, (2,): 2.0}, {(1, 1): 1.0, (1, 2): 2.0, (2, 1): 3.0, (2, 2): 4.0}
>>> evaluate(program, {"x": x, "W": W}, FLOATS)["z"]
{(1,): 5.0, (2,): 11.0}
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from itertools import product
from typing import Any, Generic, SupportsInt, TypeAlias, TypeVar, cast

from backcalc.formula.functions import FUNCTIONS
from backcalc.formula.integers import EvaluationError, integer, rational
from backcalc.formula.program import Equation, Program, Rows
from backcalc.formula.read import read_expression
from backcalc.formula.recurrence import Edge
from backcalc.formula.tree import (
    Add,
    Call,
    Compare,
    Div,
    Expr,
    Mul,
    Neg,
    Num,
    Pow,
    Reduce,
    Ref,
    Table,
    substitute,
    walk,
)

T = TypeVar("T")
Array: TypeAlias = Mapping[tuple[int, ...], T]
Frame: TypeAlias = dict[str, int]


COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": lambda a, b: bool(a == b),
    "!=": lambda a, b: bool(a != b),
    "<": lambda a, b: bool(a < b),
    "<=": lambda a, b: bool(a <= b),
    ">": lambda a, b: bool(a > b),
    ">=": lambda a, b: bool(a >= b),
}


@dataclass(frozen=True)
class Arithmetic(Generic[T]):
    """How to compute with one kind of number: `+ - * /` are the number's own, the rest stands here.

    A function that is not in `functions` is computed by its definition. `compare(operator, a, b)` decides.
    """

    number: Callable[[Fraction], T]
    power: Callable[[T, T], T]
    functions: Mapping[str, Callable[..., T]]
    compare: Callable[[str, T, T], bool]
    constants: Mapping[str, T]


@dataclass(frozen=True)
class _Compiler(Generic[T]):
    """Turns expressions into closures over one store of arrays."""

    arithmetic: Arithmetic[T]
    store: Mapping[str, Array[T]]
    padded: frozenset[str]
    sizes: Mapping[str, int]
    edges: Mapping[str, tuple[Edge, ...]] = field(default_factory=dict)

    def value(self, expr: Expr) -> Callable[[Frame], T]:
        number = self.arithmetic.number
        match expr:
            case Num(value):
                constant = number(value)
                return lambda frame: constant
            case Ref(name, indices):
                return self._read(name, indices)
            case Add(terms):
                first, *rest = [self.value(term) for term in terms]
                return lambda frame: _fold_sum(first(frame), (part(frame) for part in rest))
            case Neg(operand):
                inner = self.value(operand)
                return lambda frame: _negative(inner(frame))
            case Mul(factors):
                return self._product(factors)
            case Div(numerator, denominator):
                over, under = self.value(numerator), self.value(denominator)
                return lambda frame: _quotient(over(frame), under(frame))
            case Pow(base, exponent):
                low, high = self.value(base), self.value(exponent)
                return lambda frame: self.arithmetic.power(low(frame), high(frame))
            case Compare():
                holds, one, zero = self.truth(expr), number(Fraction(1)), number(Fraction(0))
                return lambda frame: one if holds(frame) else zero
            case Call("if", (condition, yes, no)):
                decide, then, other = self.truth(condition), self.value(yes), self.value(no)
                return lambda frame: then(frame) if decide(frame) else other(frame)
            case Call(("max" | "min") as function, parts):
                choices = [self.value(part) for part in parts]
                better = ">" if function == "max" else "<"
                return lambda frame: _extreme(better, [part(frame) for part in choices], self.arithmetic)[1]
            case Call(("div" | "mod"), _):
                return lambda frame: number(rational(expr, frame))
            case Call(function, arguments):
                return self._call(function, arguments)
            case Reduce():
                return self._reduction(expr)
            case Table():
                raise EvaluationError("a table can only be the whole right-hand side of an equation")

    def truth(self, expr: Expr) -> Callable[[Frame], bool]:
        if not isinstance(expr, Compare):
            inner, zero = self.value(expr), self.arithmetic.number(Fraction(0))
            return lambda frame: self.arithmetic.compare("!=", inner(frame), zero)
        parts, operators, decide = [self.value(part) for part in expr.operands], expr.operators, self.arithmetic.compare

        def chain(frame: Frame) -> bool:
            values = [part(frame) for part in parts]
            return all(decide(op, left, right) for op, left, right in zip(operators, values, values[1:], strict=False))

        return chain

    def _read(self, name: str, indices: tuple[Expr, ...]) -> Callable[[Frame], T]:
        store, number, constants = self.store, self.arithmetic.number, self.arithmetic.constants
        if not indices:

            def plain(frame: Frame) -> T:
                if name in frame:
                    return number(Fraction(frame[name]))
                if name in store:
                    return store[name][()]
                if name in constants:
                    return constants[name]
                raise EvaluationError(f"`{name}` has no value")

            return plain
        padded = name in self.padded
        zero = number(Fraction(0))
        places = [self.place(index) for index in indices]
        edges = self.edges.get(name, ())

        def read(frame: Frame) -> T:
            place = tuple(at(frame) for at in places)
            array = store.get(name)
            if array is None:
                raise EvaluationError(f"`{name}` has no value")
            found = array.get(place)
            if found is None:
                for edge in edges:
                    if place[edge.axis] == edge.row and edge.name in store:
                        return store[edge.name][place[: edge.axis] + place[edge.axis + 1 :]]
                if padded:
                    return zero
                raise EvaluationError(f"`{name}[{','.join(map(str, place))}]` is outside its range")
            return found

        return read

    def element(self, equation: Equation) -> Callable[[tuple[int, ...]], T]:
        """One element of the left side, from its indices."""
        body, sizes = equation.body, dict(self.sizes)
        if isinstance(body, Table):
            return lambda place: self.value(entry(body, place))(sizes)
        compute = self.value(body)
        return lambda place: compute({**sizes, **dict(zip(equation.indices, place, strict=True))})

    def place(self, index: Expr) -> Callable[[Frame], int]:
        """An index expression; a value in it, as the class in `y[t]`, is read as a whole number."""
        if isinstance(index, Num) and index.value.denominator == 1:
            number = int(index.value)
            return lambda frame: number
        if not any(isinstance(node, Ref) and (node.indices or node.name in self.store) for node in walk(index)):
            return lambda frame: integer(index, frame)
        value = self.value(index)
        return lambda frame: int(cast(SupportsInt, value(frame)))

    def _call(self, function: str, arguments: tuple[Expr, ...]) -> Callable[[Frame], T]:
        compute = self.arithmetic.functions.get(function)
        if compute is None:
            return self.value(definition(function, arguments))
        parts = [self.value(argument) for argument in arguments]

        def call(frame: Frame) -> T:
            inputs = [part(frame) for part in parts]
            try:
                return compute(*inputs)
            except (ValueError, OverflowError, ZeroDivisionError):
                shown = ", ".join(str(value) for value in inputs)
                raise EvaluationError(f"{function}({shown}) is not a real number") from None

        return call

    def _product(self, factors: tuple[Expr, ...]) -> Callable[[Frame], T]:
        # A bracket [condition] that is 0 makes the product 0 whatever the other factors are (Iverson's convention),
        # so conditions are decided first and nothing is read outside its range behind a closed bracket.
        conditions = [factor for factor in factors if isinstance(factor, Compare)]
        brackets = [self.truth(condition) for condition in sorted(conditions, key=reads_arrays)]
        others = [self.value(factor) for factor in factors if not isinstance(factor, Compare)]
        one, zero = self.arithmetic.number(Fraction(1)), self.arithmetic.number(Fraction(0))

        def times(frame: Frame) -> T:
            if not all(bracket(frame) for bracket in brackets):
                return zero
            if not others:
                return one
            result: T = _fold_product(others[0](frame), (part(frame) for part in others[1:]))
            return result

        return times

    def _reduction(self, expr: Reduce) -> Callable[[Frame], T]:
        index, lower, upper, exclude = expr.index, expr.lower, expr.upper, expr.exclude
        if lower is None or upper is None:
            raise EvaluationError(f"the range of `{index}` is not known")
        body, number, operation = self.value(expr.body), self.arithmetic.number, expr.operation
        left_out = None if exclude is None else self.place(exclude)

        def reduce(frame: Frame) -> T:
            low, high = integer(lower, frame), integer(upper, frame)
            skip = None if left_out is None else left_out(frame)
            places = [place for place in range(low, high + 1) if place != skip]
            values = [body({**frame, index: place}) for place in places]
            if operation == "sum":
                return _fold_sum(values[0], values[1:]) if values else number(Fraction(0))
            if operation == "prod":
                return _fold_product(values[0], values[1:]) if values else number(Fraction(1))
            if not values:
                raise EvaluationError(f"`{operation}` over an empty range of `{index}`")
            if operation == "mean":
                average: T = _quotient(_fold_sum(values[0], values[1:]), number(Fraction(len(values))))
                return average
            better = ">" if operation in ("max", "argmax") else "<"
            at, best = _extreme(better, values, self.arithmetic)
            return number(Fraction(places[at])) if operation.startswith("arg") else best

        return reduce


@lru_cache(maxsize=128)
def _definition(function: str) -> tuple[tuple[str, ...], Expr]:
    """The arguments and the definition of a function, read once from the table."""
    found = FUNCTIONS.get(function)
    if found is None or found.definition is None:
        raise EvaluationError(f"`{function}` cannot be computed here")
    return found.arguments, read_expression(found.definition)


def definition(function: str, arguments: tuple[Expr, ...]) -> Expr:
    """A call written out by the definition of its function, `tanh(z)` in exponentials.

    Raises EvaluationError for a function that has none.
    """
    names, body = _definition(function)
    return substitute(body, dict(zip(names, arguments, strict=True)))


def _negative(value: Any) -> Any:
    return -value


def _fold_sum(first: Any, rest: Iterable[Any]) -> Any:
    for value in rest:
        first = first + value
    return first


def _fold_product(first: Any, rest: Iterable[Any]) -> Any:
    for value in rest:
        first = first * value
    return first


def _quotient(over: Any, under: Any) -> Any:
    try:
        return over / under
    except ZeroDivisionError:
        raise EvaluationError("division by zero") from None


def _extreme(better: str, values: Sequence[T], arithmetic: Arithmetic[T]) -> tuple[int, T]:
    """The place and value of the best; a tie goes to the first."""
    at = 0
    for place, value in enumerate(values):
        if arithmetic.compare(better, value, values[at]):
            at = place
    return at, values[at]


@dataclass(frozen=True)
class Nudge(Generic[T]):
    """What is added to one element of a quantity once it has been computed; everything behind it feels it."""

    name: str
    place: tuple[int, ...]
    amount: T


def evaluate(
    program: Program,
    values: Mapping[str, Array[T]],
    arithmetic: Arithmetic[T],
    sizes: Mapping[str, int] | None = None,
    nudge: Nudge[T] | None = None,
) -> dict[str, Array[T]]:
    """Every intermediate of the program, in order, from the values of its leaves.

    `sizes` gives numbers to the sizes that the program leaves symbolic. Indices run from 1.

    Raises EvaluationError where a value is missing or does not exist.
    """
    numbers = {name: value for name, value in program.sizes.items() if value is not None} | dict(sizes or {})
    store: dict[str, Array[T]] = dict(values)
    compiler = _Compiler(arithmetic, store, program.padded, numbers, program.rows_beside)
    computed: dict[str, dict[tuple[int, ...], T]] = {}
    for block in program.blocks:
        group = (block,) if isinstance(block, Equation) else block.equations
        shapes = {each.name: tuple(integer(axis, numbers) for axis in program.shapes[each.name]) for each in group}
        elements = {each.name: compiler.element(each) for each in group}
        for equation in group:  # filled row by row where it is read while it is being computed
            store[equation.name] = computed[equation.name] = {}
        for row in (None,) if isinstance(block, Equation) else block.numbers(shapes):
            for equation in group:
                ranges = [range(1, extent + 1) for extent in shapes[equation.name]]
                if isinstance(block, Rows) and row is not None:
                    axis = block.axes[equation.name]
                    ranges[axis] = range(row, row + 1) if row in ranges[axis] else range(0)
                array, element = computed[equation.name], elements[equation.name]
                for place in product(*ranges):
                    array[place] = element(place)
                    if nudge is not None and (nudge.name, nudge.place) == (equation.name, place):
                        array[place] = _fold_sum(array[place], (nudge.amount,))
    return dict(computed)


def evaluate_expression(
    expr: Expr,
    frame: Mapping[str, int],
    store: Mapping[str, Array[T]],
    arithmetic: Arithmetic[T],
    program: Program | None = None,
) -> T:
    """The value of one expression, its free indices and sizes taken from `frame`.

    `program` says which arrays are padded and which have boundary rows, where some do.
    """
    padded, edges = (frozenset[str](), {}) if program is None else (program.padded, program.rows_beside)
    return _Compiler(arithmetic, store, padded, frame, edges).value(expr)(dict(frame))


def reads_arrays(expr: Expr) -> bool:
    """Whether an expression reads an element of an array: such a condition may stand behind one on indices alone."""
    return any(isinstance(node, Ref) and node.indices for node in walk(expr))


def entry(table: Table, place: tuple[int, ...]) -> Expr:
    """The entry of a table at indices from 1.

    >>> entry(Table((Table((Ref("a"), Ref("b"))), Table((Ref("c"), Ref("d"))))), (2, 1))
    Ref(name='c', indices=())
    """
    found: Expr = table
    for index in place:
        if not isinstance(found, Table):
            raise EvaluationError("the table has fewer axes than indices")
        found = found.items[index - 1]
    return found
