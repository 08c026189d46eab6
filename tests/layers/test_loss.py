"""Losses as equations, their targets, and their values against numbers by hand."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest

from backcalc.formula.evaluate import evaluate
from backcalc.formula.floats import FLOATS
from backcalc.formula.infer import SourceEquation, build_program
from backcalc.formula.read import read_equation
from backcalc.layers import LOSSES, ShapeError

HALF = Fraction(1, 2)


@pytest.mark.parametrize(
    ("kind", "fields", "shape", "line"),
    [
        ("nll", {"target": 2}, (3,), "J = -log(y[2])"),
        ("nll", {"target": 2, "factor": HALF, "name": "L"}, (3,), "L = -1/2*log(y[2])"),
        ("nll", {}, (3,), "J = -log(y[t])"),
        ("cross_entropy", {"target": 2}, (3,), "J = -sum(i, t[i]*log(y[i]))"),
        ("cross_entropy", {"target": "d"}, (3,), "J = -sum(i, d[i]*log(y[i]))"),
        ("mse", {"factor": HALF}, (2,), "J = 1/2*mean(i, (y[i] - t[i])^2)"),
        ("sse", {"factor": "1/2"}, (2,), "J = 1/2*sum(i, (y[i] - t[i])^2)"),
        ("sse", {"target": 3}, (2,), "J = sum(i, (y[i] - t)^2)"),
        ("sse", {}, (2, 3), "J = sum(i, sum(j, (y[i,j] - t[i,j])^2))"),
        ("bce", {}, (2,), "J = -sum(i, (t[i]*log(y[i]) + (1 - t[i])*log(1 - y[i])))"),
    ],
)
def test_losses_as_textbooks_have_them(kind, fields, shape, line):
    assert LOSSES[kind](**fields).equation("y", shape).line == line


@pytest.mark.parametrize(
    ("kind", "fields", "by_hand"),
    [
        ("nll", {"target": 2}, -math.log(0.3)),
        ("cross_entropy", {"target": 2}, -math.log(0.3)),
        ("cross_entropy", {"target": [Fraction(1, 4), 0, Fraction(3, 4)]}, -math.log(0.2) / 4 - 3 * math.log(0.5) / 4),
        ("mse", {"target": [1, 0, 0]}, (0.64 + 0.09 + 0.25) / 3),
        ("sse", {"target": [1, 0, 0], "factor": HALF}, (0.64 + 0.09 + 0.25) / 2),
        ("sse", {"target": 1}, 0.64 + 0.49 + 0.25),
        ("bce", {"target": [1, 0, 1]}, -math.log(0.2) - math.log(0.7) - math.log(0.5)),
    ],
)
def test_values_by_hand(kind, fields, by_hand):
    equation = LOSSES[kind](**fields).equation("y", (3,))
    values = {"y": {(1,): 0.2, (2,): 0.3, (3,): 0.5}}
    shapes = {"y": (3,)}
    target = equation.target
    if target is not None:
        shapes[target.name] = target.shape
        given = target.values if isinstance(target.values, tuple) else (target.values,)
        places = [(place,) for place in range(1, len(given) + 1)] if target.shape else [()]
        values[target.name] = {place: float(number) for place, number in zip(places, given, strict=True)}
    program = build_program([SourceEquation(*read_equation(equation.line))], shapes, loss="J")
    assert evaluate(program, values, FLOATS)["J"][()] == pytest.approx(by_hand, abs=1e-15)


@pytest.mark.parametrize(
    ("kind", "fields", "shape", "message"),
    [
        ("nll", {"target": 4}, (3,), "the target of nll is a class from 1 to 3, but is 4"),
        ("nll", {"target": HALF}, (3,), "the target of nll is a class from 1 to 3, but is 1/2"),
        ("cross_entropy", {"target": 0}, (3,), "the target of cross_entropy is a class from 1 to 3, but is 0"),
        ("nll", {"target": [1, 0]}, (2,), "the target of nll is one class number, counted from 1; "
         "for a list use cross_entropy"),
        ("nll", {"target": 1}, (2, 3), "nll works on a vector of probabilities, but the output is [2, 3]"),
        ("mse", {"target": [1, 0]}, (3,), "the target of mse is of shape [2], but the output has the shape [3]"),
        ("mse", {"target": [[1], [1, 0]]}, (3,),
         "the target of mse is a list that is not rectangular, but the output has the shape [3]"),
    ],
)  # fmt: skip
def test_targets_that_do_not_fit(kind, fields, shape, message):
    with pytest.raises(ShapeError) as error:
        LOSSES[kind](**fields).equation("y", shape)
    assert str(error.value) == message
