"""Where numbers saturate, cancel, tie or sit on an edge: right results are ticked, and the words are true."""

from __future__ import annotations

from typing import Any

import pytest

import backcalc
from backcalc.render import grad_text

CASES: dict[str, dict[str, Any]] = {
    "logit that saturates": {
        "input": 1,
        "layers": [{"linear": {"name": "y"}}],
        "loss": {"bce_logits": {"target": 1}},
        "values": {"x": [50]},
        "find": ["x"],
    },
    "logits far apart": {
        "input": 2,
        "layers": [{"linear": {"name": "y"}}],
        "loss": {"bce_logits": {"target": 1}},
        "values": {"x": [100, -2000]},
        "find": ["x"],
    },
    "sigmoid that saturates": {
        "input": 1,
        "layers": [{"sigmoid": {"name": "y"}}],
        "loss": {"mse": {"target": 1}},
        "values": {"x": [60]},
        "find": ["x"],
    },
    "huber where its pieces meet": {
        "input": 1,
        "layers": [{"linear": {"name": "y"}}],
        "loss": {"huber": {"target": [0]}},
        "values": {"x": [1]},
        "find": ["x"],
    },
    "ties that padding makes": {
        "input": {"x": [1, 2]},
        "layers": [
            {"conv1d": {"filters": 1, "kernel": 1, "padding": 2, "weights": ["w"], "biases": ["b"]}},
            {"maxpool1d": 2},
            "flatten",
        ],
        "loss": {"sse": {"target": [1, 1, 1]}},
        "values": {"x": [[1, 2]], "w": 1, "b": 0.5},
    },
    "a class for every sample left out of the sum": {
        "batch": 2,
        "input": 3,
        "layers": [{"linear": {"name": "y"}}],
        "loss": {"hinge": {"target": [1, 3]}},
        "values": {"x": [[1, 2, 3], [0, 1, 0.5]]},
        "find": ["x"],
    },
}


@pytest.mark.parametrize("net", CASES.values(), ids=CASES)
def test_a_right_result_is_ticked(net: dict[str, Any]) -> None:
    derivation = backcalc.grad(net)
    assert [check for check in derivation.verified if not check.passed] == []


def test_the_gradient_of_a_saturated_logit() -> None:
    """dJ/dx = sigmoid(50) - 1 = -1/(1 + e^50), by hand."""
    (gradient,) = backcalc.grad(CASES["logit that saturates"]).gradients
    assert gradient.value is not None
    assert gradient.value[1,].decimal() == pytest.approx(-1.9287498479639178e-22, rel=1e-12)


def test_what_is_not_the_largest_is_not_said_to_be_absent() -> None:
    net = {
        "input": {"x": [1, 4]},
        "layers": [{"maxpool1d": {"name": "y", "size": 2}}, "flatten"],
        "loss": {"sse": {"target": [3, 1]}},
        "values": {"x": [[1, 2, 5, 0]]},
        "find": ["x"],
    }
    written = grad_text.render(backcalc.grad(net))
    assert "does not contain" not in written
    assert "It is 0 because x11 makes no difference where it goes in." in written


def test_what_the_loss_does_not_read_is_said_to_be_absent() -> None:
    net = {
        "input": 2,
        "layers": [{"softmax": {"name": "y"}}],
        "loss": {"nll": {"target": 1}},
        "values": {"x": [1, 2]},
        "find": ["x"],
    }
    assert "∂J/∂y2 = 0   (J does not contain y2)" in grad_text.render(backcalc.grad(net))
