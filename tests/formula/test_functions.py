"""Every function: its definition against the mathematics of Python, its derivatives against central differences."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import mpmath
import pytest

from backcalc.formula.functions import ALIASES, FUNCTIONS, REDUCTIONS
from backcalc.formula.read import read_expression
from backcalc.formula.tree import Add, Call, Compare, Div, Expr, Mul, Neg, Num, Pow, Ref, names

Number: TypeAlias = Any  # an mpmath number: mpmath has no types


def clip(u: Number, low: float, high: float) -> Number:
    return min(max(u, mpmath.mpf(low)), mpmath.mpf(high))


# Written from the literature, not from the table under test.
REFERENCE: Mapping[str, Callable[..., Number]] = {
    "exp": mpmath.exp,
    "log": mpmath.log,
    "sqrt": mpmath.sqrt,
    "abs": lambda u: u if u > 0 else -u,
    "erf": mpmath.erf,
    "sin": mpmath.sin,
    "cos": mpmath.cos,
    "sign": mpmath.sign,
    "relu": lambda u: clip(u, 0, math.inf),
    "relu6": lambda u: clip(u, 0, 6),
    "leaky_relu": lambda u, slope: u if u > 0 else slope * u,
    "elu": lambda u, alpha: u if u > 0 else alpha * mpmath.expm1(u),
    "gelu": lambda u: u * mpmath.ncdf(u),
    "silu": lambda u: u / (1 + mpmath.exp(-u)),
    "hard_sigmoid": lambda u: clip(u / 6 + mpmath.mpf(1) / 2, 0, 1),
    "hard_swish": lambda u: u * clip(u / 6 + mpmath.mpf(1) / 2, 0, 1),
    "softplus": lambda u: mpmath.log1p(mpmath.exp(u)),
    "sigmoid": lambda u: (1 + mpmath.tanh(u / 2)) / 2,
    "tanh": mpmath.tanh,
    "scaled_tanh": lambda u: mpmath.mpf("1.7159") * mpmath.tanh(2 * u / 3),
    "if": lambda c, a, b: a if c else b,
    "max": max,
    "min": min,
    "div": lambda u, n: mpmath.floor(u / n),
    "mod": lambda u, n: u - n * mpmath.floor(u / n),
}
# `diff` names the derivative of one quantity by another; it is no function of numbers.
SCALAR = {name: function for name, function in FUNCTIONS.items() if name != "diff"}
POINTS = ((-7.3, 0.31), (-2.6, 1.7), (-0.45, 0.9), (0.37, 2.1), (1.9, 0.2), (4.4, 3.3), (6.7, 1.1))


def value(expr: Expr, at: Mapping[str, Number]) -> Number:
    """The value of a tree, by the reference functions alone."""
    match expr:
        case Num(number):
            return mpmath.mpf(number.numerator) / number.denominator
        case Ref("pi", ()):
            return +mpmath.pi
        case Ref(name, ()):
            return at[name]
        case Add(terms):
            return mpmath.fsum(value(term, at) for term in terms)
        case Neg(operand):
            return -value(operand, at)
        case Mul(factors):
            return mpmath.fprod(value(factor, at) for factor in factors)
        case Div(above, below):
            return value(above, at) / value(below, at)
        case Pow(base, exponent):
            return value(base, at) ** value(exponent, at)
        case Compare(operators, operands):
            values = [value(operand, at) for operand in operands]
            tests = {"<": lambda p, q: p < q, "<=": lambda p, q: p <= q, ">": lambda p, q: p > q}
            tests[">="] = lambda p, q: p >= q
            pairs = zip(operators, values, values[1:], strict=False)
            return mpmath.mpf(all(tests[operator](left, right) for operator, left, right in pairs))
        case Call(function, arguments):
            return REFERENCE[function](*(value(argument, at) for argument in arguments))
        case _:
            raise AssertionError(expr)


def places(name: str) -> list[dict[str, Number]]:
    """Points inside the domain, away from kinks."""
    found = []
    for first, second in POINTS:
        if name in ("log", "sqrt"):
            first = abs(first)
        numbers = [mpmath.mpf(first), mpmath.mpf(second), mpmath.mpf(1) / 3]
        if name == "if":
            numbers[0] = mpmath.mpf(first > 0)
        found.append(dict(zip(FUNCTIONS[name].arguments, numbers, strict=False)))
    return found


def test_the_reference_knows_every_function() -> None:
    assert set(REFERENCE) == set(SCALAR)
    assert set(FUNCTIONS) - set(SCALAR) == {"diff"}
    assert all(name in FUNCTIONS for name in ALIASES.values())
    assert not set(ALIASES) & set(FUNCTIONS)
    assert {"max", "min"} == set(FUNCTIONS) & set(REDUCTIONS)


@pytest.mark.parametrize("name", [name for name, function in FUNCTIONS.items() if function.definition])
def test_definition(name: str) -> None:
    definition = read_expression(FUNCTIONS[name].definition or "")
    assert names(definition) <= {*FUNCTIONS[name].arguments, "pi"}
    for at in [*places(name), *({**places(name)[0], "u": mpmath.mpf(kink)} for kink in (-3, 0, 3, 6))]:
        expected = REFERENCE[name](*at.values())
        assert value(definition, at) == pytest.approx(expected, rel=1e-13, abs=1e-13)


@pytest.mark.parametrize(
    ("name", "place"), [(name, place) for name, function in SCALAR.items() for place in range(function.arity)]
)
def test_derivatives_against_central_differences(name: str, place: int) -> None:
    function = FUNCTIONS[name]
    assert len(function.derivatives) == function.arity
    if (name, place) in [("if", 0), ("div", 1)]:
        assert function.derivatives[place] == "0"  # a condition or a divisor does not vary
        return
    derivative = read_expression(function.derivatives[place])
    assert names(derivative) <= {*function.arguments, "pi"}
    with mpmath.workdps(40):
        step = mpmath.mpf(10) ** -12
        for at in places(name):
            low, high = list(at.values()), list(at.values())
            low[place] -= step
            high[place] += step
            slope = (REFERENCE[name](*high) - REFERENCE[name](*low)) / (2 * step)
            assert value(derivative, at) == pytest.approx(slope, rel=1e-10, abs=1e-10), at


@pytest.mark.parametrize(
    ("name", "at", "slope"),
    [
        ("relu", (0,), 0),
        ("relu6", (0,), 0),
        ("relu6", (6,), 0),
        ("abs", (0,), 0),
        ("sign", (0,), 0),
        ("hard_sigmoid", (-3,), 0),
        ("hard_sigmoid", (3,), 0),
        ("hard_swish", (-3,), 0),
        ("hard_swish", (3,), 0),
        ("leaky_relu", (0, 0.01), 0.01),
        ("elu", (0, 1.5), 1.5),
        ("max", (2, 2), 1),
        ("min", (2, 2), 1),
    ],
)
def test_conventions_at_kinks(name: str, at: tuple[float, ...], slope: float) -> None:
    arguments = dict(zip(FUNCTIONS[name].arguments, map(mpmath.mpf, at), strict=True))
    assert value(read_expression(FUNCTIONS[name].derivative), arguments) == pytest.approx(slope)


def test_ties_give_the_second_argument_nothing() -> None:
    for name in ("max", "min"):
        second = read_expression(FUNCTIONS[name].derivatives[1])
        assert value(second, {"u": mpmath.mpf(2), "v": mpmath.mpf(2)}) == 0


def test_scaled_tanh_has_the_fixed_points_of_lecun() -> None:
    """LeCun et al. 1998, appendix A: f(1) = 1 and f(-1) = -1, to the digits of 1.7159."""
    definition = read_expression(FUNCTIONS["scaled_tanh"].definition or "")
    assert value(definition, {"u": mpmath.mpf(1)}) == pytest.approx(1, abs=1e-4)
