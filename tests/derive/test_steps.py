"""Several steps of every update rule, against the rules written out in NumPy, and against numbers made by hand."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import backcalc
from backcalc.derive import Derivation, DerivationError
from backcalc.net.update import UPDATES
from backcalc.render import grad_text
from backcalc.render.grad_json import render

Floats = NDArray[np.float64]
RATE, STEPS = 0.1, 4

X: Floats = np.array([[0.5, -1.0], [2.0, 0.25], [-0.75, 1.5]])
T: Floats = np.array([[1.0], [-0.5], [0.25]])
START: dict[str, Floats] = {
    "W_h": np.array([[0.3, -0.2], [0.7, 0.4]]),
    "b_h": np.array([0.1, -0.3]),
    "W_y": np.array([[-0.6, 0.9]]),
    "b_y": np.array([0.2]),
}


def network(update: object) -> dict[str, Any]:
    """A network of two layers on three samples, J = 1/(2N) Σ (y − t)²."""
    return {
        "input": 2,
        "batch": 3,
        "layers": [
            {"dense": {"name": "h", "units": 2}},
            {"tanh": {"name": "a"}},
            {"dense": {"name": "y", "units": 1}},
        ],
        "loss": {"sse": {"factor": "1/2", "target": T.tolist()}},
        "values": {"x": X.tolist(), **{name: array.tolist() for name, array in START.items()}},
        "update": update,
    }


def gradients(w: dict[str, Floats]) -> tuple[float, dict[str, Floats]]:
    """The loss and its gradients by back-propagation in NumPy."""
    a = np.tanh(X @ w["W_h"].T + w["b_h"])
    error = (a @ w["W_y"].T + w["b_y"] - T) / len(X)
    back = (error @ w["W_y"]) * (1 - a**2)
    loss = float(len(X) / 2 * (error**2).sum())
    return loss, {"W_h": back.T @ X, "b_h": back.sum(0), "W_y": error.T @ a, "b_y": error.sum(0)}


def moved(kind: str, w: Floats, g: Floats, state: dict[str, Floats], k: int) -> Floats:
    """One step of a rule as its paper has it; `state` is changed."""
    v, s = state.setdefault("v", np.zeros_like(w)), state.setdefault("s", np.zeros_like(w))
    match kind:
        case "sgd":
            return w - RATE * g
        case "momentum":
            state["v"] = 0.9 * v + g
            return w - RATE * state["v"]
        case "nesterov":
            state["v"] = 0.9 * v + g
            return w - RATE * (g + 0.9 * state["v"])
        case "rmsprop":
            state["s"] = 0.9 * s + 0.1 * g * g
            return w - RATE * g / (np.sqrt(state["s"]) + 1e-8)
        case "adagrad":
            state["s"] = s + g * g
            return w - RATE * g / (np.sqrt(state["s"]) + 1e-8)
        case "adam" | "adamw":
            state["v"], state["s"] = 0.9 * v + 0.1 * g, 0.999 * s + 0.001 * g * g
            step = (state["v"] / (1 - 0.9**k)) / (np.sqrt(state["s"] / (1 - 0.999**k)) + 1e-8)
            return w - RATE * (step + (0.01 * w if kind == "adamw" else 0))
    raise AssertionError(kind)


@pytest.mark.parametrize("kind", UPDATES)
def test_every_rule_walks_as_in_numpy(kind: str) -> None:
    derivation = backcalc.grad(network({kind: {"rate": 0.1, "steps": STEPS}}))
    assert derivation.passed
    updates = render(derivation)["updates"]
    weights = dict(START)
    states: dict[str, dict[str, Floats]] = {name: {} for name in START}
    for number in range(1, STEPS + 1):
        loss, slopes = gradients(weights)
        before = weights
        weights = {name: moved(kind, w, slopes[name], states[name], number) for name, w in weights.items()}
        after, _ = gradients(weights)
        for name, walk in updates.items():
            assert len(walk) == STEPS
            step = walk[number - 1]
            assert step["step"] == number
            assert step["loss"]["decimal"] == pytest.approx(loss, rel=1e-12)
            assert step["loss_after"]["decimal"] == pytest.approx(after, rel=1e-12)
            assert np.allclose(step["gradient"]["decimal"], slopes[name], rtol=1e-10, atol=1e-14)
            assert np.allclose(step["new"]["decimal"], weights[name], rtol=1e-10, atol=1e-13)
            assert np.allclose(step["delta"]["decimal"], weights[name] - before[name], rtol=1e-8, atol=1e-13)


def scalar(update: object, equations: str = "J = w^2", w: object = 1) -> Derivation:
    return backcalc.grad({"equations": equations, "values": {"w": w}, "update": update, "find": ["w"]})


def test_fractions_stay_exact() -> None:
    """J = w², η = 1/10: every step multiplies w by 4/5."""
    (change,) = scalar({"sgd": {"rate": 0.1, "steps": 3}}).updates
    assert [move.new[()].text() for move in change.moves] == ["4/5", "16/25", "64/125"]
    assert [move.loss.text() for move in change.moves] == ["1", "16/25", "256/625"]
    assert change.moves[-1].after.text() == "4096/15625"
    assert change.new == change.moves[0].new


def test_what_outgrows_exact_numbers_goes_on_with_digits() -> None:
    (change,) = scalar({"sgd": {"rate": 0.1, "steps": 400}}).updates
    last = change.moves[-1].new[()]
    assert last.text() is None
    expected = Fraction(4, 5) ** 400
    assert abs(Fraction(last.digits(50)) / expected - 1) < Fraction(1, 10**45)


def test_the_state_that_is_given_is_where_momentum_begins() -> None:
    """J = (3w − 1)², w = 1, v = 1 by hand: g = 12, v = 0.9 + 12 = 12.9, w = 1 − 1.29; g = 6(−0.87 − 1) …"""
    equations, update = "J = (3*w - 1)^2", {"rate": 0.1, "steps": 3, "state": {"v_w": 1}}
    (change,) = scalar({"momentum": update}, equations).updates
    assert [move.new[()].text() for move in change.moves] == ["-29/100", "-329/1000", "8281/10000"]
    (single,) = scalar({"momentum": {"rate": 0.1, "state": {"v_w": 1}}}, equations).updates
    assert single.new is not None and single.new[()].text() == "-29/100"
    entry = render(scalar({"momentum": {"rate": 0.1, "state": {"v_w": 1}}}, equations))["updates"]["w"]
    assert entry["formula"] == "w - 1/10*(9/10*v_w + dJ/dw)"
    assert entry["delta"]["exact"] == "-129/100"


def test_adam_goes_on_from_the_state_it_was_left_in() -> None:
    """Four steps are two steps and, from the state after them, two more."""
    whole = render(scalar({"adam": {"rate": 0.1, "steps": 4}}))["updates"]["w"]
    w, v, s = 1.0, 0.0, 0.0
    for k in (1, 2):
        g = 2 * w
        v, s = 0.9 * v + 0.1 * g, 0.999 * s + 0.001 * g * g
        w -= 0.1 * (v / (1 - 0.9**k)) / ((s / (1 - 0.999**k)) ** 0.5 + 1e-8)
    assert whole[1]["new"]["decimal"] == pytest.approx(w, rel=1e-12)
    state = {"v_w": repr(v), "s_w": repr(s), "k": 2}
    rest = render(scalar({"adam": {"rate": 0.1, "steps": 2, "state": state}}, w=repr(w)))["updates"]["w"]
    assert [step["step"] for step in rest] == [3, 4]
    for step, expected in zip(rest, whole[2:], strict=True):
        assert step["new"]["decimal"] == pytest.approx(expected["new"]["decimal"], rel=1e-9)


@pytest.mark.parametrize(
    "written",
    [
        {"update": {"sgd": {"rate": 0.1, "steps": 2}}},
        {"update": {"sgd": {"rate": 0.1}, "steps": 2}},
        {"update": {"sgd": 0.1}, "steps": 2},
    ],
)
def test_steps_stand_in_the_rule_or_beside_it(written: dict[str, Any]) -> None:
    derivation = backcalc.grad({"equations": "J = w^2", "values": {"w": 1}, **written})
    assert [move.new[()].text() for move in derivation.updates[0].moves] == ["4/5", "16/25"]


def test_all_parameters_move_whatever_is_asked_for() -> None:
    """J = (a·b)²: with b fixed a would go from 1 to 0.6 to 0.28; b moves too."""
    net = {
        "input": 1,
        "layers": [
            {"dense": {"name": "p", "units": 1, "bias": False, "weights": [["a"]]}},
            {"dense": {"name": "q", "units": 1, "bias": False, "weights": [["b"]]}},
        ],
        "loss": {"sse": {"target": 0}},
        "values": {"x": 1, "a": 1, "b": "1/2"},
        "update": {"sgd": {"rate": 1, "steps": 2}},
        "find": ["a"],
    }
    (change,) = backcalc.grad(net).updates
    a, b = Fraction(1), Fraction(1, 2)
    for move in change.moves:
        a, b = a - 2 * a * b * b, b - 2 * b * a * a
        assert move.new[()].text() == str(a)


def test_in_a_file_of_equations_those_move_that_are_asked_for() -> None:
    net = {"equations": "J = (w*x)^2", "values": {"w": 1, "x": 1}, "update": {"sgd": {"rate": "1/4", "steps": 2}}}
    (change,) = backcalc.grad(net, wrt=["w"]).updates
    assert [move.new[()].text() for move in change.moves] == ["1/2", "1/4"]
    first, _ = backcalc.grad({**net, "find": ["w", "x"]}).updates
    assert [move.new[()].text() for move in first.moves] == ["1/2", "7/16"]


def test_what_the_loss_does_not_read_stays() -> None:
    net = {"equations": "u = a^2\nJ = w^2", "values": {"w": 1, "a": 3}, "update": {"sgd": {"rate": 0.1, "steps": 2}}}
    change = next(change for change in backcalc.grad(net, wrt=["a", "w"]).updates if change.name == "a")
    assert [move.new[()].text() for move in change.moves] == ["3", "3"]


def test_elements_that_are_asked_for_move_with_their_array() -> None:
    net = {
        "equations": "J = sum(i, w[i]^2)",
        "values": {"w": [1, 2]},
        "update": {"sgd": {"rate": 0.25, "steps": 2}},
        "find": ["w[2]"],
    }
    (change,) = backcalc.grad(net).updates
    assert [move.new[()].text() for move in change.moves] == ["1", "1/2"]


def test_a_step_that_cannot_be_computed_is_named() -> None:
    with pytest.raises(DerivationError, match=r"step 2 cannot be computed: log\(-1\) is not a real number"):
        scalar({"sgd": {"rate": 2, "steps": 3}}, "J = log(w)")


def test_what_is_too_much_for_exact_numbers_is_computed_with_digits() -> None:
    """A long walk agrees with the same walk in doubles, to what doubles keep."""
    walk = render(backcalc.grad(network({"sgd": {"rate": 0.1, "steps": 200}})))["updates"]["W_y"]
    weights = dict(START)
    for _ in range(200):
        _, slopes = gradients(weights)
        weights = {name: w - RATE * slopes[name] for name, w in weights.items()}
    assert np.allclose(walk[-1]["new"]["decimal"], weights["W_y"], rtol=1e-9)
    assert walk[-1]["new"]["exact"] == [[None, None]]


def test_it_is_said_where_exact_forms_end() -> None:
    said = "decimals of 50 digits: exact forms would be too long."
    irrational = grad_text.render(scalar({"sgd": {"rate": 0.1, "steps": 2}}, "J = exp(w)"), width=120)
    assert f"From step 2 on there are {said}" in irrational
    assert said not in grad_text.render(scalar({"sgd": {"rate": 0.1, "steps": 2}}), width=120)


def test_too_much_work_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backcalc.derive.update.MOST_WORK", 300)
    with pytest.raises(DerivationError, match=r"`steps: 100` takes about [0-9,]+ operations, at most 300 are made"):
        scalar({"sgd": {"rate": 0.1, "steps": 100}})


def test_the_table_says_every_step() -> None:
    text = grad_text.render(scalar({"sgd": {"rate": 0.1, "steps": 2}}))
    table = text[text.index("  2 steps, ") : text.index("Verified")].rstrip()
    assert table.split("\n") == [
        "  2 steps, in each of which all parameters move at once by the gradients at the",
        "  values before it:",
        "  step  J before  parameter  gradient  difference  new value",
        "  1     1         w          2         −1/5        4/5",
        "  2     0.64      w          8/5       −0.16       0.64",
        "  J = 0.4096 after the last step",
    ]
