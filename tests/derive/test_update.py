"""The first step of every update rule, against the rule written out again in plain floats."""

from __future__ import annotations

from math import sqrt
from typing import Any

import pytest

import backcalc
from backcalc.formula.print_text import to_text
from backcalc.formula.read import read_expression
from backcalc.net import InputError
from backcalc.net.update import UPDATES

RATE, W, G = 0.1, 0.7, 2 * 0.7 * 3.0  # J = 3 w²


def network(update: object) -> dict[str, Any]:
    return {"equations": "J = 3*w^2", "values": {"w": "0.7"}, "update": update, "find": ["w"]}


def new(update: object) -> float:
    (change,) = backcalc.grad(network(update)).updates
    assert change.new is not None
    return change.new[()].decimal()


def adam_step(decay: float = 0.0, epsilon: float = 1e-8) -> float:
    m, s = (1 - 0.9) * G, (1 - 0.999) * G * G
    return W - RATE * ((m / (1 - 0.9)) / (sqrt(s / (1 - 0.999)) + epsilon) + decay * W)


EXPECTED = {
    "sgd": W - RATE * G,
    "momentum": W - RATE * G,
    "nesterov": W - RATE * (G + 0.9 * G),
    "rmsprop": W - RATE * G / (sqrt(0.1 * G * G) + 1e-8),
    "adagrad": W - RATE * G / (sqrt(G * G) + 1e-8),
    "adam": adam_step(),
    "adamw": adam_step(decay=0.01),
}


@pytest.mark.parametrize("kind", UPDATES)
def test_the_first_step(kind: str) -> None:
    assert new({kind: {"rate": 0.1}}) == pytest.approx(EXPECTED[kind], rel=1e-12)


def test_every_rule_reads_as_formulas_and_ends_with_the_new_parameter() -> None:
    for rule in UPDATES.values():
        for equations in (rule.equations, rule.flagged or rule.equations):
            assert equations[-1][0] == "w"
            for _, formula in equations:
                assert to_text(read_expression(formula)) == formula


def test_arguments_change_the_step() -> None:
    assert new({"nesterov": {"rate": 0.1, "beta": "0.5"}}) == pytest.approx(W - RATE * 1.5 * G)
    assert new({"adam": {"rate": 0.1, "epsilon": 1}}) == pytest.approx(adam_step(epsilon=1.0))


def test_the_rate_inside_the_velocity_makes_the_same_first_step() -> None:
    derivation = backcalc.grad(network({"momentum": {"rate": 0.1, "rate_inside": True}}))
    assert derivation.network.update.flag
    assert new({"momentum": {"rate": 0.1, "rate_inside": True}}) == pytest.approx(EXPECTED["momentum"])


def test_without_a_number_the_rate_stays_a_symbol() -> None:
    (change,) = backcalc.grad(network("adagrad")).updates
    assert to_text(change.formula) == "w - (eta*dJ/dw)/(sqrt((dJ/dw)^2) + 1/100000000)"
    assert change.delta is None


def test_an_unknown_rule_and_an_unknown_argument_are_named() -> None:
    with pytest.raises(InputError, match="did you mean `adam`"):
        backcalc.load(network({"adm": 0.1}))
    with pytest.raises(InputError, match="did you mean `beta1`"):
        backcalc.load(network({"adam": {"beta3": 0.9}}))
