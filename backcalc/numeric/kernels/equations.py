"""Any layer from its equations alone: formulas evaluated over whole arrays, and back by a tape.

Layers of one's own are computed so, and mixtures of experts. Each index is an axis; a sum adds one and takes it away.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import e as euler
from math import pi, sqrt
from typing import Any

import numpy as np

from backcalc.formula.evaluate import definition
from backcalc.formula.infer import build_program
from backcalc.formula.program import Equation, Program
from backcalc.formula.read import read_equation
from backcalc.formula.source import SourceEquation
from backcalc.formula.tree import Add, Call, Compare, Div, Expr, Mul, Neg, Num, Pow, Reduce, Ref, Table
from backcalc.layers import Layer, Samples, Shape
from backcalc.net import Node
from backcalc.numeric.kernels import tape
from backcalc.numeric.kernels.activation import sigmoid, softplus
from backcalc.numeric.kernels.base import Array, Gradients, Kernel, NotTrainable, Pass, Result
from backcalc.numeric.kernels.erf import erf
from backcalc.numeric.kernels.tape import Var

_FUNCTIONS: Mapping[str, tuple[Callable[[Array], Array], Callable[[Array, Array], Array]]] = {
    "exp": (np.exp, lambda x, y: y),
    "log": (np.log, lambda x, y: 1 / x),
    "sqrt": (np.sqrt, lambda x, y: 0.5 / y),
    "sin": (np.sin, lambda x, y: np.cos(x)),
    "cos": (np.cos, lambda x, y: -np.sin(x)),
    "abs": (np.abs, lambda x, y: np.sign(x)),
    "sign": (np.sign, lambda x, y: np.zeros_like(x)),
    "erf": (erf, lambda x, y: 2 / sqrt(pi) * np.exp(-x * x)),
    "relu": (lambda x: np.maximum(x, 0), lambda x, y: x > 0),
    "relu6": (lambda x: np.clip(x, 0, 6), lambda x, y: (x > 0) & (x < 6)),
    "tanh": (np.tanh, lambda x, y: 1 - y * y),
    "sigmoid": (sigmoid, lambda x, y: y * (1 - y)),
    "softplus": (softplus, lambda x, y: sigmoid(x)),
}
"""Functions that have a better way than their definition: value and slope."""

_COMPARE: Mapping[str, Callable[[Array, Array], Array]] = {
    "==": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}


_EXTREME: Mapping[str, Callable[[Array, Array], Array]] = {"max": np.maximum, "min": np.minimum}


class EquationsKernel(Kernel[Layer]):
    """A layer computed by its equations, of one sample each."""

    def __init__(self, node: Node, arriving: tuple[Shape, ...]) -> None:
        super().__init__(node, arriving)
        if node.stated(Samples("n", "N")).draws:
            raise ValueError(
                f"layer `{node.name}`: layers that draw numbers cannot be trained inside a {node.layer.kind}"
            )
        stated = node.stated(None)
        shapes = dict(zip(node.inputs, arriving, strict=True))
        shapes |= {parameter.name: parameter.shape for parameter in node.parameters}
        shapes |= {**stated.shapes, node.name: node.output_shape}
        lines = [SourceEquation(*read_equation(line)) for line in stated.lines]
        self.program = build_program(lines, shapes, padded=stated.padded)
        if any(not isinstance(block, Equation) for block in self.program.blocks):
            raise NotTrainable(f"layer `{node.name}`: recurrences in equations of your own cannot be trained")

    def forward(self, inputs: Sequence[Array], parameters: Sequence[Array], going: Pass) -> Result:
        leaves = [Var(x) for x in inputs] + [Var(parameter[:, None]) for parameter in parameters]
        names = [*self.node.inputs, *(parameter.name for parameter in self.node.parameters)]
        store = dict(zip(names, leaves, strict=True))
        walk = _Walk(self.program, store, inputs[0].dtype)
        for equation in self.program.equations:
            store[equation.name] = walk.array(equation)
        output, samples = store[self.node.name], inputs[0].shape[:2]
        value = np.broadcast_to(output.value, (*samples, *output.value.shape[2:]))

        def backward(gradient: Array) -> Gradients:
            into = gradient if output.value.shape[1] == samples[1] else gradient.sum(axis=1, keepdims=True)
            found = tape.backward(output, into, leaves)
            whole = [
                np.zeros_like(leaf.value) if each is None else each for leaf, each in zip(leaves, found, strict=True)
            ]
            count = len(inputs)
            return Gradients(tuple(whole[:count]), tuple(each[:, 0] for each in whole[count:]))

        return Result(value, backward)


@dataclass(frozen=True)
class _Walk:
    """Evaluates expressions; `frame` holds the indices in force with the numbers they take, an axis each.

    Values are `[trials, samples, *indices]`, with length 1 along what they do not depend on.
    """

    program: Program
    store: Mapping[str, Var]
    dtype: np.dtype[Any]
    frame: tuple[tuple[str, Array], ...] = ()

    def array(self, equation: Equation) -> Var:
        """The left side of an equation as an array."""
        shape = self.program.shape(equation.name) or ()
        if isinstance(equation.body, Table):
            return tape.constant(np.array(_numbers(equation.body), self.dtype)[None, None])
        inner = replace(
            self, frame=tuple((i, np.arange(1, n + 1)) for i, n in zip(equation.indices, shape, strict=True))
        )
        value = inner.value(equation.body)
        whole = (*value.value.shape[:2], *shape)
        return tape.add(value, tape.constant(np.zeros(whole, self.dtype)))

    def value(self, expr: Expr) -> Var:
        """The value of an expression over all indices in force."""
        match expr:
            case Num(number):
                return self._number(float(number))
            case Ref():
                return self._read(expr)
            case Add(terms):
                found: Var = _folded(tape.add, [self.value(term) for term in terms])
                return found
            case Neg(operand):
                return tape.multiply(self._number(-1), self.value(operand))
            case Mul(factors):
                return self._product(factors)
            case Div(over, under):
                return tape.divide(self.value(over), self.value(under))
            case Pow(base, exponent):
                return self._power(base, exponent)
            case Compare():
                return tape.constant(self._truth(expr).astype(self.dtype))
            case Call("if", (condition, yes, no)):
                return tape.choose(self._truth(condition), self.value(yes), self.value(no))
            case Call(("max" | "min") as function, parts):
                return self._extreme(function, [self.value(part) for part in parts])
            case Call(("div" | "mod"), _):
                return tape.constant(self._place(expr).astype(self.dtype))
            case Call(function, arguments):
                return self._call(function, arguments)
            case Reduce():
                return self._reduced(expr)
            case Table():
                raise ValueError("a table can only be the whole right-hand side of an equation")

    def _number(self, number: float) -> Var:
        return tape.constant(np.full((1, 1, *(1,) * len(self.frame)), number, self.dtype))

    def _index(self, name: str) -> Array | None:
        """The numbers that an index takes, along its own axis."""
        for axis, (index, numbers) in reversed(list(enumerate(self.frame))):
            if index == name:
                return numbers.reshape(-1, *(1,) * (len(self.frame) - axis - 1))
        return None

    def _read(self, ref: Ref) -> Var:
        numbers = None if ref.indices else self._index(ref.name)
        if numbers is not None:
            return tape.constant(
                np.asarray(numbers, self.dtype).reshape(1, 1, *(1,) * (len(self.frame) - numbers.ndim), *numbers.shape)
            )
        if ref.name not in self.store:
            known = {"pi": pi, "e": euler} | {k: v for k, v in self.program.sizes.items() if v is not None}
            return self._number(float(known[ref.name]))
        var = self.store[ref.name]
        if not ref.indices:
            lead = var.value.shape[:2]
            ones = (1,) * len(self.frame)
            return Var(var.value.reshape(*lead, *ones), ((var, lambda g: g.reshape(var.value.shape)),))
        places = [self._place(index) - 1 for index in ref.indices]
        sizes = var.value.shape[2:]
        inside = np.ones((), bool)
        for place, size in zip(places, sizes, strict=True):
            inside = inside & (place >= 0) & (place < size)
        places = [np.clip(place, 0, size - 1) for place, size in zip(places, sizes, strict=True)]
        trials, samples = var.value.shape[:2]
        wide = np.broadcast_shapes(*(place.shape for place in places), (1, 1, *(1,) * len(self.frame)))
        ones = (1,) * len(self.frame)
        at = (
            np.arange(trials).reshape(-1, 1, *ones) if trials > 1 else np.zeros((1, 1, *ones), int),
            np.arange(samples).reshape(1, -1, *ones) if samples > 1 else np.zeros((1, 1, *ones), int),
            *(np.broadcast_to(place, wide) for place in places),
        )
        value = np.where(inside, var.value[at], 0)

        def back(gradient: Array) -> Array:
            whole = np.zeros(var.value.shape, gradient.dtype)
            np.add.at(whole, at, np.where(inside, gradient, 0))
            return whole

        return Var(value, ((var, back),))

    def _place(self, expr: Expr) -> Array:
        """An index expression as whole numbers over the axes in force."""
        match expr:
            case Call("div", (over, under)):
                return self._place(over) // self._place(under)
            case Call("mod", (over, under)):
                return self._place(over) % self._place(under)
            case Call(("max" | "min") as function, parts):
                extreme: Array = _folded(_EXTREME[function], [self._place(part) for part in parts])
                return extreme
        numbers: Array = np.rint(self.value(expr).value).astype(np.intp)
        return numbers

    def _truth(self, expr: Expr) -> Array:
        if isinstance(expr, Compare):
            parts = [self.value(part).value for part in expr.operands]
            holds = [_COMPARE[op](a, b) for op, a, b in zip(expr.operators, parts, parts[1:], strict=False)]
        else:
            holds = [self.value(expr).value != 0]
        truth: Array = _folded(np.logical_and, holds)
        return truth

    def _product(self, factors: tuple[Expr, ...]) -> Var:
        """A bracket that is 0 makes the product 0 whatever the other factors are (Iverson's convention)."""
        brackets = [self._truth(factor) for factor in factors if isinstance(factor, Compare)]
        others = [self.value(factor) for factor in factors if not isinstance(factor, Compare)]
        product = _folded(tape.multiply, others) if others else self._number(1)
        return tape.choose(_folded(np.logical_and, brackets), product, self._number(0)) if brackets else product

    def _power(self, base: Expr, exponent: Expr) -> Var:
        low = self.value(base)
        if isinstance(exponent, Num):
            power = float(exponent.value)
            return tape.pointwise(low, low.value**power, power * low.value ** (power - 1))
        high = tape.multiply(self.value(exponent), tape.pointwise(low, np.log(low.value), 1 / low.value))
        value = np.exp(high.value)
        return tape.pointwise(high, value, value)

    def _extreme(self, function: str, parts: list[Var]) -> Var:
        best = parts[0]
        for part in parts[1:]:
            keeps = best.value >= part.value if function == "max" else best.value <= part.value
            best = tape.choose(keeps, best, part)
        return best

    def _call(self, function: str, arguments: tuple[Expr, ...]) -> Var:
        if function not in _FUNCTIONS:
            return self.value(definition(function, arguments))
        forward, slope = _FUNCTIONS[function]
        argument = self.value(arguments[0])
        value = forward(argument.value)
        return tape.pointwise(argument, value, slope(argument.value, value))

    def _reduced(self, expr: Reduce) -> Var:
        """A sum or the like: its index is a further axis while its body is evaluated."""
        assert expr.lower is not None and expr.upper is not None
        low, high = self._place(expr.lower), self._place(expr.upper)
        numbers = np.arange(int(low.min()), int(high.max()) + 1)
        inner = replace(self, frame=(*self.frame, (expr.index, numbers)))
        taken = (numbers >= low[..., None]) & (numbers <= high[..., None])
        if expr.exclude is not None:
            taken = taken & (numbers != inner._place(expr.exclude))
        body = inner.value(expr.body)
        whole = np.broadcast_shapes(body.value.shape, taken.shape)
        body = tape.add(body, tape.constant(np.zeros(whole, self.dtype)))
        return _REDUCE[expr.operation](body, np.broadcast_to(taken, whole))


def _sum(body: Var, taken: Array) -> Var:
    value = np.where(taken, body.value, 0).sum(axis=-1)
    return Var(value, ((body, lambda g: np.where(taken, g[..., None], 0)),))


def _mean(body: Var, taken: Array) -> Var:
    return tape.divide(_sum(body, taken), tape.constant(taken.sum(axis=-1).astype(body.value.dtype)))


def _product(body: Var, taken: Array) -> Var:
    factors = np.where(taken, body.value, 1)

    def back(gradient: Array) -> Array:
        others = [np.delete(factors, place, axis=-1).prod(axis=-1) for place in range(factors.shape[-1])]
        return np.where(taken, gradient[..., None] * np.stack(others, axis=-1), 0)

    return Var(factors.prod(axis=-1), ((body, back),))


def _extreme_over(sign: int) -> Callable[[Var, Array], Var]:
    def reduce(body: Var, taken: Array) -> Var:
        at = np.where(taken, sign * body.value, -np.inf).argmax(axis=-1)[..., None]

        def back(gradient: Array) -> Array:
            routed = np.zeros(body.value.shape, gradient.dtype)
            np.put_along_axis(routed, at, gradient[..., None], axis=-1)
            return routed

        return Var(np.take_along_axis(body.value, at, axis=-1)[..., 0], ((body, back),))

    return reduce


_REDUCE: Mapping[str, Callable[[Var, Array], Var]] = {
    "sum": _sum,
    "mean": _mean,
    "prod": _product,
    "max": _extreme_over(1),
    "min": _extreme_over(-1),
}


def _folded(join: Callable[[Any, Any], Any], parts: Sequence[Any]) -> Any:
    result = parts[0]
    for part in parts[1:]:
        result = join(result, part)
    return result


def _numbers(table: Expr) -> Any:
    """A table that is spelled out as nested lists."""
    if isinstance(table, Table):
        return [_numbers(item) for item in table.items]
    if isinstance(table, Neg):
        return -_numbers(table.operand)
    if isinstance(table, Div):
        return _numbers(table.numerator) / _numbers(table.denominator)
    assert isinstance(table, Num)
    return float(table.value)
