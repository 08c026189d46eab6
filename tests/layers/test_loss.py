"""Losses as equations, their targets, and their values against numbers by hand."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from pydantic import ValidationError

from backcalc.formula.evaluate import evaluate
from backcalc.formula.floats import FLOATS
from backcalc.formula.infer import build_program
from backcalc.formula.read import read_equation
from backcalc.formula.source import SourceEquation
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
        ("rmse", {"factor": 2}, (2,), "J = 2*sqrt(mean(i, (y[i] - t[i])^2))"),
        ("mae", {}, (2,), "J = mean(i, abs(y[i] - t[i]))"),
        ("huber", {}, (2,), "J = mean(i, if(abs(y[i] - t[i]) <= 1, 1/2*(y[i] - t[i])^2, abs(y[i] - t[i]) - 1/2))"),
        ("kl", {}, (2,), "J = sum(i, (t[i] > 0)*t[i]*log(t[i]) - t[i]*log(y[i]))"),
        ("kl", {"target": [0, 1]}, (2,), "J = sum(i, (t[i] > 0)*t[i]*log(t[i]/y[i]))"),
        ("nll_logits", {"target": 2}, (3,), "J = log(sum(k, exp(y[k]))) - y[2]"),
        ("nll_logits", {"factor": HALF, "target": "k"}, (3,), "J = 1/2*(log(sum(k2, exp(y[k2]))) - y[k])"),
        ("cross_entropy_logits", {"target": 2}, (3,), "J = sum(i, t[i]*(log(sum(k, exp(y[k]))) - y[i]))"),
        (
            "cross_entropy_logits",
            {},
            (2, 3),
            "J = sum(i, sum(j, t[i,j]*(log(sum(k, exp(y[i,k]))) - y[i,j])))",
        ),
        ("bce_logits", {}, (2,), "J = sum(i, (softplus(y[i]) - t[i]*y[i]))"),
        ("hinge", {}, (1,), "J = max(0, 1 - t*y[1])"),
        ("hinge", {"target": 2, "factor": HALF}, (3,), "J = 1/2*sum(j != 2, max(0, 1 + y[j] - y[2]))"),
        ("hinge", {}, (3,), "J = sum(j != t, max(0, 1 + y[j] - y[t]))"),
        ("perceptron", {"target": -1}, (1,), "J = max(0, -t*y[1])"),
        ("perceptron", {"target": 3}, (3,), "J = sum(j != 3, max(0, y[j] - y[3]))"),
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
        ("rmse", {"target": [1, 0, 0]}, math.sqrt((0.64 + 0.09 + 0.25) / 3)),
        ("rmse", {"target": [1, 0, 0], "factor": 3}, 3 * math.sqrt((0.64 + 0.09 + 0.25) / 3)),
        ("mae", {"target": [1, 0, 0]}, (0.8 + 0.3 + 0.5) / 3),
        ("huber", {"target": [1, 0, 3]}, (0.32 + 0.045 + 2.5 - 0.5) / 3),
        ("huber", {"target": [1, 0, 3], "delta": HALF}, (0.4 - 0.125 + 0.045 + 1.25 - 0.125) / 3),
        ("kl", {"target": [HALF, HALF, 0]}, math.log(0.5 / 0.2) / 2 + math.log(0.5 / 0.3) / 2),
        ("nll_logits", {"target": 2}, math.log(math.exp(0.2) + math.exp(0.3) + math.exp(0.5)) - 0.3),
        ("cross_entropy_logits", {"target": 2}, math.log(math.exp(0.2) + math.exp(0.3) + math.exp(0.5)) - 0.3),
        (
            "cross_entropy_logits",
            {"target": [Fraction(1, 4), 0, Fraction(3, 4)]},
            math.log(math.exp(0.2) + math.exp(0.3) + math.exp(0.5)) - 0.05 - 0.375,
        ),
        (
            "bce_logits",
            {"target": [1, 0, 1]},
            math.log1p(math.exp(-0.2)) + math.log1p(math.exp(0.3)) + math.log1p(math.exp(-0.5)),
        ),
        ("hinge", {"target": 2}, (1 + 0.2 - 0.3) + (1 + 0.5 - 0.3)),
        ("perceptron", {"target": 2}, 0.5 - 0.3),
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
    ("kind", "target", "score", "by_hand"),
    [
        ("hinge", 1, 0.25, 0.75),
        ("hinge", -1, 0.25, 1.25),
        ("hinge", -1, -1.5, 0),
        ("perceptron", 1, 0.25, 0),
        ("perceptron", -1, 0.25, 0.25),
    ],
)
def test_margins_of_one_score(kind, target, score, by_hand):
    equation = LOSSES[kind](target=target).equation("y", (1,))
    program = build_program([SourceEquation(*read_equation(equation.line))], {"y": (1,), "t": ()}, loss="J")
    values = {"y": {(1,): score}, "t": {(): float(equation.target.values)}}
    assert evaluate(program, values, FLOATS)["J"][()] == by_hand


@pytest.mark.parametrize(("of_logits", "of_shares"), [("nll_logits", "nll"), ("cross_entropy_logits", "cross_entropy")])
def test_logits_cost_what_their_softmax_costs(of_logits, of_shares):
    """Far from 0 too, where a probability is no longer a number between 0 and 1."""
    logits = [3.0, -40.0, 1.5]
    total = sum(map(math.exp, logits))
    for target in (1, 2, 3):
        costs = []
        for kind, y in ((of_logits, logits), (of_shares, [math.exp(z) / total for z in logits])):
            equation = LOSSES[kind](target=target).equation("y", (3,))
            values = {"y": {(n,): number for n, number in enumerate(y, 1)}}
            shapes = {"y": (3,)}
            if equation.target is not None:
                shapes["t"] = (3,)
                values["t"] = {(n,): float(number) for n, number in enumerate(equation.target.values, 1)}
            program = build_program([SourceEquation(*read_equation(equation.line))], shapes, loss="J")
            costs.append(evaluate(program, values, FLOATS)["J"][()])
        assert costs[0] == pytest.approx(costs[1], rel=1e-12)


@pytest.mark.parametrize(
    ("kind", "fields", "shape", "message"),
    [
        ("nll", {"target": 4}, (3,), "the target of nll is a class from 1 to 3, but is 4"),
        ("nll", {"target": HALF}, (3,), "the target of nll is a class from 1 to 3, but is 1/2"),
        ("cross_entropy", {"target": 0}, (3,), "the target of cross_entropy is a class from 1 to 3, but is 0"),
        ("nll", {"target": [1, 0]}, (2,), "the target of nll is one class number, counted from 1; "
         "for a list use cross_entropy"),
        ("nll_logits", {"target": [1, 0]}, (2,), "the target of nll_logits is one class number, counted from 1; "
         "for a list use cross_entropy_logits"),
        ("nll_logits", {"target": 1}, (2, 3), "nll_logits works on a vector of logits, but the output is [2, 3]"),
        ("cross_entropy_logits", {"target": 4}, (3,), "the target of cross_entropy_logits is a class from 1 to 3, "
         "but is 4"),
        ("hinge", {"target": 0}, (1,), "the target of hinge for one output is -1 or 1, but is 0"),
        ("perceptron", {"target": [1]}, (1,), "the target of perceptron for one output is -1 or 1, but is a list"),
        ("hinge", {"target": 4}, (3,), "the target of hinge is a class from 1 to 3, but is 4"),
        ("hinge", {"target": [1, 0]}, (2,), "the target of hinge is one class number, counted from 1"),
        ("hinge", {}, (2, 3), "hinge works on a vector of scores, but the output is [2, 3]"),
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


def test_the_delta_of_huber_is_positive():
    with pytest.raises(ValidationError, match="delta is 0, but must be more than 0"):
        LOSSES["huber"](delta=0)
