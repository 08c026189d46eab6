"""What cannot be differentiated, and values at which nothing can: each is told in words, and no number is made up."""

from __future__ import annotations

from typing import Any

import pytest

import backcalc
from backcalc.derive import Derivation, DerivationError
from backcalc.net import InputError
from backcalc.render import grad_json, grad_text


def derived(equations: str, **more: Any) -> Derivation:
    return backcalc.grad({"equations": equations, **more})


UNDEFINED: dict[str, tuple[str, dict[str, Any], str]] = {
    "log of a negative number": (
        "z = w*x\nJ = log(z)",
        {"w": -1, "x": 2},
        "J has no value: log(-2) is not a real number",
    ),
    "log of zero": ("J = log(w)", {"w": 0}, "J has no value: log(0) is not a real number"),
    "root of a negative number": ("J = sqrt(w) + w^2", {"w": -1}, "J has no value: sqrt(-1) is not a real number"),
    "division by zero": ("z = w - x\nJ = 1/z", {"w": 2, "x": 2}, "J has no value: division by zero"),
    "zero to a negative power": ("J = w^-2", {"w": 0}, "J has no value: division by zero"),
    "division by zero on the way": ("u = 1/w\nJ = u^2", {"w": 0}, "u has no value: division by zero"),
}


@pytest.mark.parametrize("case", UNDEFINED)
def test_where_the_loss_has_no_value_nothing_has_a_gradient(case: str) -> None:
    equations, values, note = UNDEFINED[case]
    derivation = derived(equations, values=values, find=["w"])
    assert note in derivation.notes
    document = grad_json.render(derivation)
    assert document["loss"]["decimal"] is None
    assert document["gradients"]["w"]["exact"] is None and document["gradients"]["w"]["decimal"] is None
    assert document["updates"]["w"]["new"] == {"exact": None, "decimal": None}
    assert f"Note: {note}." in grad_text.render(derivation, width=200)


def test_a_log_of_a_probability_that_is_zero() -> None:
    net = {
        "input": 2,
        "layers": [{"relu": {"name": "y"}}],
        "loss": {"nll": {"target": 1}},
        "values": {"x": [-1, 2]},
        "find": ["x"],
    }
    derivation = backcalc.grad(net)
    assert "J has no value: log(0) is not a real number" in derivation.notes
    assert grad_json.render(derivation)["gradients"]["x"]["decimal"] is None


def test_a_slope_that_is_infinite_is_no_number() -> None:
    derivation = derived("J = sqrt(w)", values={"w": 0}, find=["w"])
    assert grad_json.render(derivation)["loss"]["exact"] == "0"
    assert grad_json.render(derivation)["gradients"]["w"]["exact"] is None
    assert "∂J/∂w has no value: division by zero" in derivation.notes


def test_what_does_not_reach_the_loss_has_the_gradient_zero_and_the_reason() -> None:
    net = {
        "input": 3,
        "layers": [{"dense": {"name": "h", "units": 2}}, {"dense": {"name": "y", "inputs": "x", "units": 2}}],
        "loss": "sse",
        "find": ["W_h", "h", "W_y"],
    }
    derivation = backcalc.grad(net)
    assert derivation.passed
    found = grad_json.render(derivation)["gradients"]
    for name, reason in (("W_h", "J does not depend on W_h"), ("h", "J does not depend on h")):
        assert (found[name]["formula"], found[name]["because"]) == ("0", reason)
    assert "because" not in found["W_y"]
    assert "∂J/∂W_h[j,k] = 0   (J does not depend on W_h)" in grad_text.render(derivation)


def test_a_loss_that_is_an_array_is_named() -> None:
    with pytest.raises(InputError, match="the loss `y` is an array, but a loss is one number"):
        derived("y[i] = w[i]^2", shapes={"w": [3]}, loss="y")


def test_without_a_scalar_there_is_nothing_to_differentiate() -> None:
    with pytest.raises(DerivationError, match="there is nothing to differentiate: the file has no loss; add one"):
        derived("y[i] = w[i]^2", shapes={"w": [3]})
    with pytest.raises(DerivationError, match="there is nothing to differentiate: the file has no loss; add one"):
        backcalc.grad({"input": 3, "layers": [{"dense": 2}]})


def test_a_value_on_a_kink_is_said() -> None:
    net = {
        "input": 1,
        "layers": [{"dense": {"name": "z", "units": 1}}, {"relu": {"name": "y"}}],
        "loss": {"sse": {"target": 1}},
        "values": {"x": 1, "W_z": 1, "b_z": -1},
    }
    derivation = backcalc.grad(net)
    assert derivation.passed
    assert "z1 = 0 is on the kink of relu: its derivative there is taken as 0" in derivation.notes


def test_whole_numbers_have_no_derivative() -> None:
    with pytest.raises(DerivationError, match="`t` stands in an index: it is a whole number and has no derivative"):
        derived("J = -log(y[t])", shapes={"y": [3]}, find=["t"])


@pytest.mark.parametrize(
    ("net", "message"),
    [
        (
            {"equations": "J = sum(k, W[1,k]*x[k])", "shapes": {"W": [2, 3], "x": [4]}},
            "index `k` has two sizes in the equation of `J`: 3 from axis 2 of `W`, 4 from axis 1 of `x`",
        ),
        (
            {"input": 3, "layers": [{"dense": {"units": 2, "weights": [["a", "b"]]}}]},
            r"its weights have the shape \[2, 3\], but the list is \[1, 2\]",
        ),
        (
            {"input": 3, "batch": 2, "layers": ["tanh"], "loss": "sse", "values": {"x": [[1, 2, 3]] * 4}},
            r"`x` has the shape \[2, 3\], but its value has the shape \[4, 3\]",
        ),
        (
            {"input": {"a": 2, "b": 3}, "layers": [{"add": ["a", "b"]}]},
            r"add joins inputs of one shape, but got \[2\], \[3\]",
        ),
    ],
)
def test_sizes_that_contradict_each_other_are_named(net: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        backcalc.load(net)
