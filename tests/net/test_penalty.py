"""Penalties: λ Σ w² and λ Σ |w| over the weights, each once, against the gradients that they are known to add."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import backcalc
from backcalc.formula.print_text import to_text
from backcalc.net import InputError, load_network
from backcalc.render import grad_json
from backcalc.render.equations_yaml import equations_yaml

W, B = [[0.5, -1.5, 2.0], [0.25, 1.0, -0.75]], [0.5, -0.5]
NET: dict[str, Any] = {
    "input": 3,
    "layers": [{"dense": {"name": "y", "units": 2}}],
    "loss": {"sse": {"target": [1, -1]}},
    "values": {"x": [1, -2, 0.5], "W_y": W, "b_y": B},
}


def found(net: dict[str, Any]) -> dict[str, Any]:
    derivation = backcalc.grad(net)
    assert derivation.passed
    document = grad_json.render(derivation)
    gradients = {name: np.array(entry["decimal"], dtype=float) for name, entry in document["gradients"].items()}
    return {"J": document["loss"]["decimal"], **gradients}


def loss(net: dict[str, Any], view: Any = None) -> str:
    program = load_network(net).program
    return to_text(program.by_name["J"].body)


def test_l2_adds_two_lambda_w() -> None:
    plain, with_it = found(NET), found({**NET, "penalty": {"l2": 0.1}})
    assert with_it["J"] == pytest.approx(plain["J"] + 0.1 * np.square(W).sum())
    assert np.allclose(with_it["W_y"], plain["W_y"] + 0.2 * np.array(W))
    assert np.array_equal(with_it["b_y"], plain["b_y"])


def test_l1_adds_lambda_times_the_sign() -> None:
    plain, with_it = found(NET), found({**NET, "penalty": {"l1": "1/4"}})
    assert with_it["J"] == pytest.approx(plain["J"] + 0.25 * np.abs(W).sum())
    assert np.allclose(with_it["W_y"], plain["W_y"] + 0.25 * np.sign(W))


def test_both_and_biases_too() -> None:
    net = {**NET, "penalty": {"l2": 0.1, "l1": "mu", "biases": True}}
    net["values"] = {**NET["values"], "mu": 3}
    plain, with_it = found(NET), found(net)
    for name, array in (("W_y", np.array(W)), ("b_y", np.array(B))):
        assert np.allclose(with_it[name], plain[name] + 0.2 * array + 3 * np.sign(array))


def test_it_reads_as_it_is_written() -> None:
    net = {"input": 3, "batch": "N", "layers": [{"dense": {"name": "h", "units": 2}}], "loss": "sse"}
    assert loss({**net, "penalty": {"l2": "λ"}}) == (
        "1/N*sum(n=1..N, sum(i=1..2, (h[n,i] - t[n,i])^2)) + lambda*sum(i=1..2, sum(j=1..3, W_h[i,j]^2))"
    )
    derivation = backcalc.grad({**net, "penalty": {"l2": "λ"}})
    assert derivation.passed
    formula = grad_json.render(derivation)["gradients"]["W_h"]["formula"]
    assert "2*lambda*W_h[j,k]" in formula


def test_several_arrays_share_one_factor() -> None:
    layers = [{"dense": {"name": "h", "units": 2}}, "layernorm", {"dense": {"name": "y", "units": 1}}]
    text = loss({"input": 3, "layers": layers, "loss": "sse", "penalty": {"l2": 0.5}})
    assert text.endswith(
        " + 1/2*(sum(i=1..2, sum(j=1..3, W_h[i,j]^2)) + sum(i=1..1, sum(j=1..2, W_y[i,j]^2)))"
    )  # gamma and beta of the norm are no weights


def test_each_weight_counts_once() -> None:
    tied = [{"dense": {"units": 2, "weights": "W", "bias": False}}] * 2
    text = loss({"input": 2, "layers": tied, "loss": "sse", "penalty": {"l2": 1}})
    assert text.count("W[") == 1
    own = [{"dense": {"name": "y", "units": 2, "bias": False, "weights": [["a", "b"], ["a", 3]]}}]
    text = loss({"input": 2, "layers": own, "loss": "sse", "penalty": {"l2": 1}})
    assert text.endswith(" + a^2 + b^2")


def test_many_own_names_are_the_sum_of_their_array() -> None:
    rows = [[f"w{4 * i + j}" for j in range(4)] for i in range(4)]
    own = [{"dense": {"name": "y", "units": 4, "bias": False, "weights": rows}}]
    net = {"input": 4, "layers": own, "loss": "sse", "penalty": {"l2": 1}, "random": 0}
    assert loss(net).endswith("sum(i=1..4, sum(j=1..4, W_y[i,j]^2))")
    assert backcalc.grad(net).passed


def test_too_many_own_names_are_refused() -> None:
    rows = [[f"w{(20 * i + j) % 399}" for j in range(20)] for i in range(20)]
    own = [{"dense": {"name": "y", "units": 20, "bias": False, "weights": rows}}]
    with pytest.raises(InputError, match="`penalty` would write 399 weights out one by one, at most 100 are written"):
        load_network({"input": 20, "layers": own, "loss": "sse", "penalty": {"l2": 1}})


def test_a_weight_on_the_kink_of_l1_adds_nothing() -> None:
    net = {**NET, "penalty": {"l1": 5}}
    net["values"] = {**NET["values"], "W_y": [[0, 1, 1], [1, 1, 1]]}
    plain = {**net, "penalty": {"l2": 0}}
    assert found(net)["W_y"][0, 0] == found(plain)["W_y"][0, 0]
    assert any("kink of abs" in note for note in backcalc.grad(net).notes)


def test_printed_as_equations_it_comes_back() -> None:
    network = load_network({**NET, "penalty": {"l2": "λ", "l1": 0.5}})
    back = load_network(equations_yaml(network) + "\n")
    first, second = (grad_json.render(backcalc.grad(each))["gradients"]["W_y"] for each in (network, back))
    assert first == second


def test_each_step_goes_by_the_penalty_too() -> None:
    net = {**NET, "penalty": {"l2": 0.1}, "update": {"sgd": {"rate": 0.01, "steps": 2}}, "find": ["W_y"]}
    (change,) = backcalc.grad(net).updates
    w, b, x = np.array(W), np.array(B), np.array([1, -2, 0.5])
    for move in change.moves:
        error = 2 * (w @ x + b - np.array([1, -1]))
        w, b = w - 0.01 * (np.outer(error, x) + 0.2 * w), b - 0.01 * error
        assert np.allclose([value.decimal() for value in move.new.values()], w.ravel(), atol=1e-14)
