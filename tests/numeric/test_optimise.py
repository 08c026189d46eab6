"""The rules in place against their equations, and Keras's variants against Keras's formulas, written out."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from backcalc.formula.evaluate import evaluate
from backcalc.formula.floats import FLOATS
from backcalc.formula.infer import build_program
from backcalc.formula.read import read_expression
from backcalc.formula.source import SourceEquation
from backcalc.formula.tree import Ref, substitute
from backcalc.net import Update
from backcalc.net.update import UPDATES
from backcalc.numeric.optimise import RULES, Optimiser, Schedule

STEPS = 5


def gradient(w):
    return np.cos(w) + w**2 / 3


def by_equations(kind: str, w: float, rate: float, arguments: dict[str, Fraction], flag: bool) -> float:
    """Some steps of the rule as its equations state it."""
    rule = UPDATES[kind]
    equations = rule.flagged if flag else rule.equations
    known = {name: float(value) for name, value in {**rule.arguments, **arguments}.items()} | {"eta": rate}
    state = dict.fromkeys(rule.state, 0.0)
    for k in range(1, STEPS + 1):
        leaves = known | {"g": float(gradient(w)), "k": float(k), "old": w}
        leaves |= {f"{name}0": value for name, value in state.items()}
        lines = []
        for name, text in equations:
            new = "new" if name == "w" else name
            lines.append(SourceEquation(Ref(new), substitute(read_expression(text), {"w": Ref("old")})))
        program = build_program(lines, dict.fromkeys(leaves, ()))
        store = evaluate(program, {name: {(): value} for name, value in leaves.items()}, FLOATS)
        w = store["new"][()]
        state = {name: store[name][()] for name in state}
    return w


@pytest.mark.parametrize("kind", RULES)
@pytest.mark.parametrize("flag", [False, True])
def test_rules_are_their_equations(kind: str, flag: bool) -> None:
    if flag and UPDATES[kind].flag is None:
        flag = False
    arguments = {name: Fraction(1, 7) for name in UPDATES[kind].arguments if name != "epsilon"}
    rates = np.array([0.1, 0.03])
    start = np.array([[0.3, -1.2, 2.0], [1.0, 0.5, -0.7]])
    w = start.copy()
    rule = Optimiser(replace(Update(kind), arguments=arguments, flag=flag), w, rates)
    for _ in range(STEPS):
        rule.step(w, gradient(w))
    for trial, place in np.ndindex(w.shape):
        expected = by_equations(kind, start[trial, place], rates[trial], arguments, flag)
        assert w[trial, place] == pytest.approx(expected, rel=1e-12)


def keras_adam(w, m, v, g, k):
    m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
    alpha = 0.01 * np.sqrt(1 - 0.999**k) / (1 - 0.9**k)
    return w - alpha * m / (np.sqrt(v) + 1e-7), m, v


def keras_rmsprop(w, m, v, g, k):
    v = 0.9 * v + 0.1 * g * g
    return w - 0.01 * g / np.sqrt(v + 1e-7), m, v


def keras_adagrad(w, m, v, g, k):
    v = (0.1 if k == 1 else v) + g * g
    return w - 0.01 * g / np.sqrt(v + 1e-7), m, v


def keras_momentum(w, m, v, g, k):
    m = 0.9 * m - 0.01 * g
    return w + m, m, v


def keras_nesterov(w, m, v, g, k):
    m = 0.9 * m - 0.01 * g
    return w + 0.9 * m - 0.01 * g, m, v


KERAS = [("adam", keras_adam), ("rmsprop", keras_rmsprop), ("adagrad", keras_adagrad)]
KERAS += [("momentum", keras_momentum), ("nesterov", keras_nesterov)]


@pytest.mark.parametrize(("kind", "formula"), KERAS)
def test_keras_puts_epsilon_elsewhere(kind, formula) -> None:
    w, expected, m, v = np.array([[0.3, -1.2]]), np.array([[0.3, -1.2]]), 0.0, 0.0
    rule = Optimiser(Update(kind), w, 0.01, style="keras")
    for k in range(1, STEPS + 1):
        expected, m, v = formula(expected, m, v, gradient(expected), k)
        rule.step(w, gradient(w))
    np.testing.assert_allclose(w, expected, rtol=1e-13)


def test_blocks_make_no_difference() -> None:
    generator = np.random.default_rng(0)
    w, g = generator.normal(size=(1, 40_000)), generator.normal(size=(1, 40_000))
    parts = [w[:, :17].copy(), w[:, 17:].copy()]
    whole = Optimiser(Update("adam"), w, 0.1)
    whole.step(w, g)
    for part, gradients in zip(parts, (g[:, :17], g[:, 17:]), strict=True):
        Optimiser(Update("adam"), part, 0.1).step(part, gradients)
    np.testing.assert_array_equal(w, np.concatenate(parts, axis=1))


@pytest.mark.parametrize("kind", RULES)
def test_parameters_may_lie_in_memory_by_trials_or_by_numbers(kind: str) -> None:
    generator = np.random.default_rng(0)
    w, g = generator.normal(size=(3, 50)), generator.normal(size=(3, 50))
    found = []
    for order, rate in (("C", 0.1), ("F", 0.1), ("C", np.full(3, 0.1)), ("F", np.full(3, 0.1))):
        own, gradients = w.copy(order=order), g.copy(order=order)
        rule = Optimiser(Update(kind), own, rate)
        for _ in range(2):
            rule.step(own, gradients)
        found.append(own)
    assert not np.array_equal(found[0], w)
    for each in found[1:]:
        np.testing.assert_array_equal(found[0], each)


def test_schedules() -> None:
    assert Schedule().at(99) == 1
    assert Schedule("exponential", every=10, factor=0.5).at(5) == pytest.approx(0.5**0.5)
    assert [Schedule("cosine", every=4).at(step) for step in (0, 2, 4, 9)] == pytest.approx([1, 0.5, 0, 0])
    w = np.zeros((1, 1))
    rule = Optimiser(Update("sgd"), w, 1.0, schedule=Schedule("step", every=1, factor=0.5))
    for _ in range(3):
        rule.step(w, -np.ones((1, 1)))
    assert w[0, 0] == 1.75
