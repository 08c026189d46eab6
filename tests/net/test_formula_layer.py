"""Layers of one's own: what equations say is what the layer is, wherever it stands."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import backcalc
from backcalc.formula.print_text import to_text
from backcalc.net import load_network
from backcalc.render import grad_json
from backcalc.render.equations_yaml import equations_yaml


def lines(net: Any) -> list[str]:
    return [f"{to_text(e.left)} = {to_text(e.body)}" for e in load_network(net).program.equations]


def network(own: Any, **more: Any) -> dict[str, Any]:
    layers = [{"dense": {"name": "h", "units": 3}}, own, {"dense": {"name": "z", "units": 2}}]
    return {"input": 2, "layers": layers, "loss": "sse", "find": ["W_h", "x"], "random": 0, **more}


SAME: dict[str, tuple[Any, str]] = {
    "tanh": ("tanh", "y[i] = (exp(h[i]) - exp(-h[i]))/(exp(h[i]) + exp(-h[i]))"),
    "silu": ("silu", "y[i] = h[i]*sigmoid(h[i])"),
    "softmax": ("softmax", "e1[i] = exp(h[i])\ny[i] = e1[i]/sum(k, e1[k])"),
    "layernorm": (
        {"layernorm": {"epsilon": "1/10"}},
        "m = 1/3*sum(k=1..3, h[k])\nv = 1/3*sum(k=1..3, (h[k] - m)^2)\n"
        "y[i] = gamma_y[i]*(h[i] - m)/sqrt(v + 1/10) + beta_y[i]",
    ),
}


@pytest.mark.parametrize("batch", [{}, {"batch": 2}])
@pytest.mark.parametrize("kind", SAME)
def test_a_layer_written_out_is_the_layer(kind: str, batch: dict[str, int]) -> None:
    built_in, text = SAME[kind]
    named = {built_in: {"name": "y"}} if isinstance(built_in, str) else {kind: {"name": "y", **built_in[kind]}}
    parameters = {"gamma_y": [3], "beta_y": [3]} if kind == "layernorm" else {}
    own = {"formula": {"name": "y", "equations": text, "parameters": parameters}}
    derivations = [backcalc.grad(network(layer, **batch)) for layer in (named, own)]
    assert all(derivation.passed for derivation in derivations)
    first, second = (grad_json.render(derivation) for derivation in derivations)
    assert first["loss"]["decimal"] == pytest.approx(second["loss"]["decimal"], rel=1e-12)
    for name in ("W_h", "x"):
        assert np.allclose(first["gradients"][name]["decimal"], second["gradients"][name]["decimal"], rtol=1e-12)


def test_its_parameters_are_found_and_counted() -> None:
    own = {"formula": {"name": "y", "equations": "y = a*h @ M.T + c", "parameters": {"a": [], "M": [4, 3], "c": [4]}}}
    net = {key: value for key, value in network(own).items() if key != "find"}
    assert load_network(net).parameters == ("W_h", "b_h", "a", "M", "c", "W_z", "b_z")
    assert backcalc.grad(net).passed
    row = backcalc.count(net).rows[1]
    assert (row.kind, row.output_shape, row.params, row.flops) == ("formula", (4,), 17, 0)
    assert row.notes == ("sums and choices in equations of your own are not counted, so the totals are at least",)


def test_it_reads_as_many_outputs_as_it_names() -> None:
    own = {"formula": {"name": "y", "inputs": ["h", "x"], "equations": "y[i] = h[i]*x[1] + x[2]"}}
    assert "y[i] = h[i]*x[1] + x[2]" in lines(network(own))
    assert backcalc.grad(network(own)).passed


def test_the_shape_may_be_given_where_nothing_says_it() -> None:
    own = {"formula": {"name": "y", "shape": [4], "equations": "y[i] = i*sum(k, h[k])"}}
    derivation = backcalc.grad(network(own, values={"x": 1, "W_h": 1, "b_h": 0}))
    assert derivation.passed
    assert grad_json.render(derivation)["values"]["y"]["exact"] == ["6", "12", "18", "24"]


def test_copies_of_a_block_have_names_of_their_own() -> None:
    layers = [
        {"dense": {"name": "h", "units": 3}},
        {
            "repeat": {
                "name": "block",
                "times": 2,
                "layers": [
                    {"tanh": {"name": "a"}},
                    {"formula": {"name": "y", "parameters": {"g": []}, "equations": "u[i] = g*a[i]\ny[i] = u[i]^2"}},
                    {"formula": {"name": "s", "inputs": ["y", "block"], "equations": "s[i] = y[i] + block[i]"}},
                ],
            }
        },
    ]
    net = {"input": 2, "batch": 2, "layers": layers, "loss": "sse", "random": 0}
    assert lines(net)[1:-1] == [
        "a_1[n,i] = tanh(h[n,i])",
        "u_1[n,i] = g_1*a_1[n,i]",
        "y_1[n,i] = u_1[n,i]^2",
        "s_1[n,i] = y_1[n,i] + h[n,i]",
        "a_2[n,i] = tanh(s_1[n,i])",
        "u_2[n,i] = g_2*a_2[n,i]",
        "y_2[n,i] = u_2[n,i]^2",
        "s_2[n,i] = y_2[n,i] + s_1[n,i]",
    ]
    assert load_network(net).parameters == ("W_h", "b_h", "g_1", "g_2")
    assert backcalc.grad(net).passed


def test_two_layers_with_one_parameter_share_it() -> None:
    layers = [
        {"formula": {"name": "p", "parameters": {"a": [2]}, "equations": "p[i] = a[i]*x[i]"}},
        {"formula": {"name": "q", "parameters": {"a": [2]}, "equations": "q[i] = a[i]*p[i]"}},
    ]
    net = {"input": 2, "layers": layers, "loss": {"sse": {"target": 0}}, "values": {"x": [1, 2], "a": [3, 1]}}
    derivation = backcalc.grad(net)
    assert derivation.passed and derivation.asked == ("a",)
    # J = Σ (a² x)², dJ/da = 4 a³ x²
    assert grad_json.render(derivation)["gradients"]["a"]["exact"] == ["108", "16"]


def test_sizes_of_the_file_may_stand_in_its_shapes() -> None:
    own = {"formula": {"name": "y", "parameters": {"c": ["m"]}, "equations": "y[i] = h[i] + c[i]"}}
    assert load_network(network(own, sizes={"m": 3})).program.shape("c") == (3,)


@pytest.mark.parametrize("batch", [{}, {"batch": 2}])
def test_printed_as_equations_it_comes_back(batch: dict[str, int]) -> None:
    own = {"formula": {"name": "y", "parameters": {"c": [3]}, "equations": "u[i] = c[i]^2\ny[i] = h[i]*u[i]"}}
    before = load_network(network(own, **batch))
    after = load_network(equations_yaml(before) + "\n")
    assert [(e.left, e.body) for e in before.program.equations] == [(e.left, e.body) for e in after.program.equations]
