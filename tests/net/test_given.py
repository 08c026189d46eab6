"""Upstream gradients instead of a loss: the chain rule goes on from them, and no loss is shown."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import backcalc
from backcalc.net import load_network
from backcalc.render import grad_json, grad_text
from backcalc.render.equations_yaml import equations_yaml

LAYERS = [
    {"dense": {"name": "h", "units": 3}},
    {"tanh": {"name": "a"}},
    {"dense": {"name": "y", "units": 2}},
]
X = np.array([[0.5, -1.0], [1.5, 0.25], [-0.5, 2.0]])
W, V = np.array([[0.3, -0.2], [0.7, 0.4], [-0.5, 0.1]]), np.array([[-0.6, 0.9, 0.2], [0.4, 0.8, -0.3]])
G, A = np.array([[1.0, -2.0], [0.5, 0.25], [3.0, 1.0]]), np.array([[0.1, 0.2, 0.3], [0, 1, 0], [2, 0, -1]])


def layers(samples: int | None, **more: Any) -> dict[str, Any]:
    at = 0 if samples is None else slice(None)
    values = {"x": X[at].tolist(), "W_h": W.tolist(), "W_y": V.tolist(), "b_h": 0, "b_y": 0, "G": G[at].tolist()}
    batch = {} if samples is None else {"batch": samples}
    return {"input": 2, **batch, "layers": LAYERS, "values": values, "find": ["W_h", "W_y", "x"], **more}


def expected(x: Any, g: Any, extra: Any = 0) -> dict[str, Any]:
    """Back-propagation by hand, from the gradients of y (and of a)."""
    a = np.tanh(x @ W.T)
    back = (g @ V + extra) * (1 - a**2)
    return {"W_y": g.T @ a, "W_h": back.T @ x, "x": back @ W}


@pytest.mark.parametrize("samples", [None, 3])
def test_it_is_where_the_chain_rule_begins(samples: int | None) -> None:
    derivation = backcalc.grad(layers(samples, given={"dJ/dy": "G"}))
    assert derivation.passed
    rows = slice(0, 1) if samples is None else slice(None)
    found = grad_json.render(derivation)["gradients"]
    for name, array in expected(X[rows], G[rows]).items():
        assert np.allclose(found[name]["decimal"], array[0] if (name, samples) == ("x", None) else array, atol=1e-15)


def test_several_add_up() -> None:
    net = layers(3, given={"∂J/∂y": "G", "dJ/da": A.tolist()})
    derivation = backcalc.grad(net)
    assert derivation.passed
    found = grad_json.render(derivation)["gradients"]
    for name, array in expected(X, G, A).items():
        assert np.allclose(found[name]["decimal"], array, atol=1e-15)


def test_a_gradient_may_stay_a_symbol() -> None:
    net = {"input": 2, "layers": LAYERS, "given": {"dJ/dy": "G"}}
    derivation = backcalc.grad(net, view="index")
    assert derivation.passed
    assert grad_json.render(derivation)["gradients"]["b_y"]["formula"] == "dJ/dy[j]"
    assert grad_json.render(derivation)["adjoints"]["y"]["formula"] == "G[j]"


def test_no_loss_is_shown() -> None:
    derivation = backcalc.grad(layers(None, given={"dJ/dy": "G"}))
    document = grad_json.render(derivation)
    assert document["loss"] is None
    assert document["given"] == {"dJ/dy": "G"}
    assert "J" not in document["values"]
    assert [step["rule"] for step in document["steps"] if step["of"].startswith("dJ/dy")] == ["given", "given"]
    text = grad_text.render(derivation)
    assert "Given instead of a loss: ∂J/∂y = G." in text
    assert "1. ∂J/∂y = G is given" in text
    assert " J = " not in text and "→ J" not in text


def test_the_batch_may_be_symbolic() -> None:
    net = {"input": 2, "batch": "N", "layers": LAYERS, "given": {"dJ/dy": "G"}, "find": ["W_y", "G"]}
    derivation = backcalc.grad(net)
    assert derivation.passed
    found = grad_json.render(derivation)["gradients"]
    assert found["W_y"]["formula"] == "sum(n=1..N, dJ/dy[n,j]*a[n,k])"
    assert found["G"]["formula"] == "y[n,i]"


@pytest.mark.parametrize("given", ["H", [[1, -1], [2, 0.5]]])
def test_equations_take_it_too(given: Any) -> None:
    numbers = {"H": [[1, -1], [2, 0.5]]} if given == "H" else {}
    net: dict[str, Any] = {
        "equations": "Z = X @ W.T\nY = relu(Z)",
        "shapes": {"X": [2, 3], "W": [2, 3]},
        "values": {"X": [[1, 2, 3], [-1, 0, 2]], "W": [[1, 1, 1], [1, -1, 1]], **numbers},
        "given": {"dL/dY": given},
        "find": ["W"],
    }
    derivation = backcalc.grad(net)
    assert derivation.passed
    delta = np.array([[1, -1], [2, 0.5]])  # every z is positive
    expected = delta.T @ np.array([[1, 2, 3], [-1, 0, 2]])
    assert np.allclose(grad_json.render(derivation)["gradients"]["W"]["decimal"], expected)


def test_a_gradient_in_numbers_may_settle_a_size() -> None:
    net = {"equations": "y[i] = w*x[i]", "given": {"dJ/dy": [1, 2, 3]}, "values": {"x": 2, "w": 1}, "find": ["w"]}
    (gradient,) = backcalc.grad(net).gradients
    assert gradient.value is not None and gradient.value[()].text() == "12"


def test_a_scalar_takes_a_number() -> None:
    (gradient,) = backcalc.grad({"equations": "y = w^2", "given": {"dL/dy": 5}, "values": {"w": 3}}).gradients
    assert gradient.value is not None and gradient.value[()].text() == "30"


@pytest.mark.parametrize("samples", [None, 3])
def test_printed_as_equations_it_comes_back(samples: int | None) -> None:
    extra = A[0] if samples is None else A
    network = load_network(layers(samples, given={"dJ/dy": "G", "dJ/da": extra.tolist()}))
    text = equations_yaml(network)
    assert "given: {dJ/dy: G" in text and "J =" not in text
    back = load_network(text + "\n")
    assert back.given == network.given and back.loss == "J"
    first, second = (grad_json.render(backcalc.grad(each))["gradients"] for each in (network, back))
    assert first == second
