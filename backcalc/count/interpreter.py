"""The oracle: executes a program's equations with plain loops, and counts every operation and every read.

It knows nothing of layers or of their cost formulas, so that the two can be compared. The rules:

* a sum of n terms is n - 1 additions, a product of m factors m - 1 multiplications, a maximum of n numbers n - 1
  comparisons; a power with a whole exponent is a product; a sign inside a sum is part of the subtraction;
* a term that its condition leaves out is not added, a sum of no terms is left out in turn, and such a condition is no
  operation; a comparison of numbers anywhere else, `if(u > 0, …)`, is one;
* a function is executed by its definition;
* within one equation, what does not change is computed once: a reduction for the same free indices, a function of
  the same argument;
* arithmetic of indices, sizes and constants alone costs nothing;
* the term that is a bias is added as `bias`; a product of a weight and another number is one `mac` besides.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import product
from operator import eq, ge, gt, le, lt, ne
from typing import TypeAlias

from backcalc.formula.functions import FUNCTIONS
from backcalc.formula.program import Equation, Program, Rows
from backcalc.formula.read import read_expression
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
    names,
    num,
    rebuild,
    substitute,
    walk,
)

Number: TypeAlias = Fraction | float
Place: TypeAlias = tuple[int, ...]
Array: TypeAlias = Mapping[Place, Number]
Frame: TypeAlias = Mapping[str, int]

_PRIMITIVES: Mapping[str, Callable[[float], float]] = {
    "exp": math.exp,
    "log": math.log,
    "sqrt": math.sqrt,
    "erf": math.erf,
    "sin": math.sin,
    "cos": math.cos,
}
_CONSTANTS: Mapping[str, float] = {"e": math.e, "pi": math.pi}
_RELATIONS: Mapping[str, Callable[[Number, Number], bool]] = {"==": eq, "!=": ne, "<": lt, "<=": le, ">": gt, ">=": ge}


@dataclass(frozen=True, slots=True)
class Execution:
    """What executing an equation gave: the array, and how often what was done.

    `reads` counts reads of each array on its range, `padding_reads` those outside it; `touched` is which entries.
    """

    values: Array
    operations: Counter[str] = field(default_factory=Counter)
    reads: Counter[str] = field(default_factory=Counter)
    padding_reads: Counter[str] = field(default_factory=Counter)
    touched: dict[str, set[Place]] = field(default_factory=dict)


def execute(
    program: Program,
    values: Mapping[str, Array],
    *,
    weights: Iterable[str] = (),
    biases: Iterable[str] = (),
) -> dict[str, Execution]:
    """Executes every equation in order, from the values of the leaves (indices from 1, `()` for a number).

    >>> from backcalc.formula.infer import build_program
    >>> from backcalc.formula.source import SourceEquation
    >>> from backcalc.formula.read import read_equation
    >>> line = SourceEquation(*read_equation("z[j] = sum(k, W[j,k]*x[k]) + b[j]"))
    >>> program = build_program([line], {"W": (1, 2), "x": (2,), "b": (1,)})
    >>> values = {"W": {(1, 1): 2, (1, 2): 3}, "x": {(1,): 10, (2,): 1}, "b": {(1,): 4}}
    >>> z = execute(program, values, weights=["W"], biases=["b"])["z"]
    >>> z.values[1,] == 27, sorted(z.operations.items())
    (True, [('add', 1), ('bias', 1), ('mac', 2), ('multiply', 2)])

    Raises KeyError where a value is missing and ValueError for an equation that it cannot execute.
    """
    store: dict[str, Array] = dict(values)
    result = {}
    for block in program.blocks:
        group = (block,) if isinstance(block, Equation) else block.equations
        machines = {e.name: _Machine(store, program, frozenset(weights), frozenset(biases)) for e in group}
        shapes = {equation.name: machines[equation.name].shape(equation) for equation in group}
        for row in (None,) if isinstance(block, Equation) else block.numbers(shapes):
            for equation in group:
                ranges = [range(1, size + 1) for size in shapes[equation.name]]
                if isinstance(block, Rows) and row is not None:
                    axis = block.axes[equation.name]
                    ranges[axis] = range(row, row + 1) if row in ranges[axis] else range(0)
                result[equation.name] = machines[equation.name].run(equation, product(*ranges))
                store[equation.name] = result[equation.name].values
    return result


class _Machine:
    """Executes one equation; `done` and `called` remember the reductions and functions that were computed already,
    `results` the arguments of definitions, `reductions` which of them are reductions.
    """

    def __init__(
        self, store: Mapping[str, Array], program: Program, weights: frozenset[str], biases: frozenset[str]
    ) -> None:
        self.store, self.program, self.weights, self.biases = store, program, weights, biases
        self.sizes = {name: size for name, size in program.sizes.items() if size is not None}
        self.done: dict[tuple[object, ...], Number | None] = {}
        self.called: dict[tuple[object, ...], Number] = {}
        self.reductions: dict[tuple[object, ...], Expr] = {}
        self.results: dict[str, Number] = {}
        self.result: dict[Place, Number] = {}
        self.counts = Execution({})

    def shape(self, equation: Equation) -> Place:
        shape = self.program.shape(equation.name)
        if shape is None:
            raise ValueError(f"`{equation.name}` has a symbolic size")
        return shape

    def run(self, equation: Equation, places: Iterable[Place]) -> Execution:
        """Executes the equation at some places more; what it counted before stays counted."""
        for place in places:
            body = equation.body
            for index in place:
                body = body.items[index - 1] if isinstance(body, Table) else body
            frame = {**self.sizes, **dict(zip(equation.indices, place, strict=False))}
            self.result[place] = _or_zero(self.term(body, frame))
        counts = self.counts
        return Execution(self.result, counts.operations, counts.reads, counts.padding_reads, counts.touched)

    def term(self, expr: Expr, frame: Frame) -> Number | None:
        """The value of a term; None where its condition leaves it out."""
        match expr:
            case Mul(factors):
                return self.product(factors, frame)
            case Call("if", (condition, yes, no)):
                return self.term(yes if self.decided(condition, frame) else no, frame)
            case Reduce() if self.reads_array(expr):
                return self.reduce(expr, frame)
            case Num(value) if value == 0:
                return None
            case _:
                return self.value(expr, frame)

    def value(self, expr: Expr, frame: Frame) -> Number:
        match expr:
            case Num(value):
                return value
            case Ref(name, indices):
                return self.read(name, indices, frame)
            case _ if not self.reads_array(expr):
                return _free(expr, frame)
            case Add(terms):
                return self.sum(terms, frame)
            case Neg(operand):
                self.counts.operations["negate"] += 1
                return -self.value(operand, frame)
            case Mul(factors):
                return _or_zero(self.product(factors, frame))
            case Div(numerator, denominator):
                self.counts.operations["divide"] += 1
                return self.value(numerator, frame) / self.value(denominator, frame)
            case Pow(base, Num(exponent)) if exponent.denominator == 1 and exponent >= 1:
                self.counts.operations["multiply"] += exponent.numerator - 1
                return self.value(base, frame) ** exponent.numerator
            case Call("if", _):
                return _or_zero(self.term(expr, frame))
            case Call(("max" | "min") as function, arguments):
                self.counts.operations["compare"] += len(arguments) - 1
                return (max if function == "max" else min)(self.value(part, frame) for part in arguments)
            case Call(function, arguments):
                return self.call(function, arguments, frame)
            case Compare():
                return Fraction(self.decided(expr, frame))
            case Reduce():
                return _or_zero(self.reduce(expr, frame))
            case _:
                raise ValueError(f"cannot execute {expr}")

    def read(self, name: str, indices: tuple[Expr, ...], frame: Frame) -> Number:
        if not indices and name in frame:
            return Fraction(frame[name])
        if name in self.results:
            return self.results[name]
        place = tuple(_whole(_free(self.gathered(index, frame), frame)) for index in indices)
        found = self.store.get(name, {}).get(place)
        for edge in self.program.rows_beside.get(name, ()):
            if place[edge.axis] == edge.row:
                found = self.store[edge.name][place[: edge.axis] + place[edge.axis + 1 :]]
        if found is None:
            if name not in self.program.padded:
                raise ValueError(f"{name}{list(place)} is outside its range")
            self.counts.padding_reads[name] += 1
            return Fraction(0)
        self.counts.reads[name] += 1
        self.counts.touched.setdefault(name, set()).add(place)
        return found

    def gathered(self, index: Expr, frame: Frame) -> Expr:
        """An index with the values in it put in, as the token in `E[tok[t], j]`: looking them up costs nothing."""
        if isinstance(index, Ref) and index.name in self.store and index.name not in frame:
            place = tuple(_whole(_free(self.gathered(part, frame), frame)) for part in index.indices)
            return num(Fraction(self.store[index.name][place]))
        return rebuild(index, lambda part: self.gathered(part, frame))

    def sum(self, terms: Iterable[Expr], frame: Frame) -> Number:
        total: Number = Fraction(0)
        plain = biases = 0
        for term in terms:
            inner, sign = (term.operand, -1) if isinstance(term, Neg) else (term, 1)
            value = self.term(inner, frame)
            if value is not None:
                total += sign * value
                is_bias = isinstance(inner, Ref) and inner.name in self.biases
                biases, plain = biases + is_bias, plain + (not is_bias)
        self.counts.operations["bias"] += biases if plain else max(0, biases - 1)
        self.counts.operations["add"] += max(0, plain - 1)
        return total

    def product(self, factors: Iterable[Expr], frame: Frame) -> Number | None:
        factors = tuple(factors)
        if not all(self.holds(factor, frame) for factor in factors if isinstance(factor, Compare)):
            return None
        rest = [factor for factor in factors if not isinstance(factor, Compare)]
        self.counts.operations["multiply"] += max(0, len(rest) - 1)
        weighs = [isinstance(factor, Ref) and factor.name in self.weights for factor in rest]
        if len(rest) == 2 and any(weighs) and all(isinstance(factor, Ref) for factor in rest):
            self.counts.operations["mac"] += 1
        return math.prod((self.value(factor, frame) for factor in rest), start=Fraction(1))

    def decided(self, condition: Expr, frame: Frame) -> bool:
        """Whether a condition holds; comparing numbers is an operation."""
        if isinstance(condition, Compare) and self.reads_array(condition):
            self.counts.operations["compare"] += len(condition.operators)
        return self.holds(condition, frame)

    def holds(self, condition: Expr, frame: Frame) -> bool:
        """Whether a condition holds; deciding it costs nothing."""
        kept = self.counts
        self.counts = Execution({})
        try:
            if not isinstance(condition, Compare):
                return self.value(condition, frame) != 0
            values = [self.value(operand, frame) for operand in condition.operands]
        finally:
            self.counts = kept
        pairs = zip(condition.operators, values, values[1:], strict=False)
        return all(_RELATIONS[operator](left, right) for operator, left, right in pairs)

    def call(self, function: str, arguments: tuple[Expr, ...], frame: Frame) -> Number:
        grounded = tuple(self.grounded(argument, frame) for argument in arguments)
        key = (function, *grounded)
        if key not in self.called:
            definition = FUNCTIONS[function].definition
            if definition is not None:
                arguments_once = [self.computed(argument, {}) for argument in grounded]
                given = dict(zip(FUNCTIONS[function].arguments, arguments_once, strict=True))
                self.called[key] = self.value(substitute(read_expression(definition), given), {})
            else:
                self.counts.operations[function] += 1
                self.called[key] = _PRIMITIVES[function](float(self.value(grounded[0], {})))
        return self.called[key]

    def computed(self, argument: Expr, frame: Frame) -> Expr:
        """The argument of a definition, computed once however often the definition has it."""
        if isinstance(argument, Num | Ref):
            return argument
        name = f"#{len(self.results)}"
        self.results[name] = self.value(argument, frame)
        return Ref(name)

    def reduce(self, expr: Reduce, frame: Frame) -> Number | None:
        key = _instance(expr, frame)
        if key not in self.done:
            self.done[key] = self.reduced(expr, frame)
        return self.done[key]

    def reduced(self, expr: Reduce, frame: Frame) -> Number | None:
        """The value of a reduction; None for a sum of which every term is left out."""
        if expr.lower is None or expr.upper is None:
            raise ValueError(f"the range of `{expr.index}` is open")
        skip = None if expr.exclude is None else _whole(_free(expr.exclude, frame))
        values = []
        for place in range(_whole(_free(expr.lower, frame)), _whole(_free(expr.upper, frame)) + 1):
            value = None if place == skip else self.term(expr.body, {**frame, expr.index: place})
            if value is not None:
                values.append(value)
        operations, between = self.counts.operations, max(0, len(values) - 1)
        match expr.operation:
            case "sum":
                operations["add"] += between
                return sum(values, Fraction(0)) if values else None
            case "mean":
                operations["add"] += between
                operations["divide"] += 1
                return sum(values, Fraction(0)) / len(values)
            case "prod":
                operations["multiply"] += between
                return math.prod(values, start=Fraction(1))
            case "max" | "min":
                operations["compare"] += between
                return (max if expr.operation == "max" else min)(values)
            case _:
                raise ValueError(f"cannot execute {expr.operation}")

    def reads_array(self, expr: Expr) -> bool:
        """Whether the expression reads any array, and so is no arithmetic of indices and sizes."""
        reads = (node for node in walk(expr) if isinstance(node, Ref))
        return any(read.indices or read.name in self.store or read.name in self.results for read in reads)

    def grounded(self, expr: Expr, frame: Frame) -> Expr:
        """The expression with every index and size replaced by its number, and every reduction by its result."""
        if isinstance(expr, Ref) and not expr.indices:
            return num(frame[expr.name]) if expr.name in frame else expr
        if isinstance(expr, Reduce):
            key = _instance(expr, frame)
            if key not in self.reductions:
                self.reductions[key] = self.computed(expr, frame)
            return self.reductions[key]
        if isinstance(expr, Ref):
            return Ref(expr.name, tuple(num(_whole(_free(index, frame))) for index in expr.indices))
        return rebuild(expr, lambda part: self.grounded(part, frame))


def _instance(expr: Reduce, frame: Frame) -> tuple[object, ...]:
    """What a reduction is for the indices and sizes that it depends on."""
    free = names(expr)
    return expr, tuple((name, value) for name, value in frame.items() if name in free)


def _or_zero(value: Number | None) -> Number:
    """What stands where a term was left out."""
    return Fraction(0) if value is None else value


def _free(expr: Expr, frame: Frame) -> Fraction:
    """The value of arithmetic of indices and sizes, which costs nothing."""
    match expr:
        case Num(value):
            return value
        case Ref(name, ()):
            return Fraction(frame[name] if name in frame else _CONSTANTS[name])
        case Add(terms):
            return sum((_free(term, frame) for term in terms), Fraction(0))
        case Neg(operand):
            return -_free(operand, frame)
        case Mul(factors):
            return math.prod((_free(factor, frame) for factor in factors), start=Fraction(1))
        case Div(numerator, denominator):
            return _free(numerator, frame) / _free(denominator, frame)
        case Pow(base, exponent):
            return Fraction(_free(base, frame) ** _free(exponent, frame))
        case Call(function, (a,)) if function in _PRIMITIVES:
            return Fraction(_PRIMITIVES[function](float(_free(a, frame))))
        case Call("div", (a, n)):
            return Fraction(_free(a, frame) // _free(n, frame))
        case Call("mod", (a, n)):
            return _free(a, frame) % _free(n, frame)
        case Call("max", parts):
            return max(_free(part, frame) for part in parts)
        case Call("min", parts):
            return min(_free(part, frame) for part in parts)
        case _:
            raise ValueError(f"cannot execute {expr} as an index or size")


def _whole(value: Fraction) -> int:
    if value.denominator != 1:
        raise ValueError(f"an index must be whole, not {value}")
    return value.numerator
