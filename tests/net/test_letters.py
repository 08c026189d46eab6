"""Layers whose sizes are letters: counted as polynomials, derived with the letters standing."""

from __future__ import annotations

from typing import Any

import pytest

import backcalc
from backcalc.formula.integers import integer
from backcalc.formula.read import read_expression

NETS: dict[str, tuple[dict[str, Any], dict[str, int]]] = {
    "dense": (
        {"sizes": {"n": None, "m": None}, "input": {"x": "n"}, "layers": [{"dense": "m"}, "relu", {"dense": 3}]},
        {"n": 5, "m": 7},
    ),
    "steps": (
        {
            "sizes": {"T": None, "d": None},
            "input": {"x": ["T", "d"]},
            "layers": ["layernorm", {"dense": {"units": "d"}}, "gelu", {"dense": {"units": 4}}],
        },
        {"T": 3, "d": 5},
    ),
    "image": (
        {
            "sizes": {"H": None, "W": None, "c": None},
            "input": {"x": [2, "H", "W"]},
            "layers": [{"conv2d": {"filters": "c", "kernel": 3}}, "relu", {"maxpool2d": 2}, "flatten"],
        },
        {"H": 8, "W": 10, "c": 3},
    ),
    "attention": (
        {
            "sizes": {"T": None, "d": None},
            "input": {"x": ["T", "d"]},
            "layers": [{"attention": {"heads": 2, "causal": True}}],
        },
        {"T": 3, "d": 6},
    ),
    "lstm": (
        {
            "sizes": {"T": None, "f": None, "u": None},
            "input": {"x": ["T", "f"]},
            "layers": [{"lstm": {"units": "u", "return": "all"}}],
        },
        {"T": 3, "f": 4, "u": 5},
    ),
}


@pytest.mark.parametrize("name", NETS)
def test_the_polynomials_are_the_counts_at_numbers(name: str) -> None:
    net, numbers = NETS[name]
    letters, plain = backcalc.count(net).to_json(), backcalc.count({**net, "sizes": numbers}).to_json()
    for field, value in plain["totals"].items():
        found = letters["totals"][field]
        assert (integer(read_expression(found), numbers) if isinstance(found, str) else found) == value, field
    for ours, theirs in zip(letters["layers"], plain["layers"], strict=True):
        for field in ("params", "macs", "flops", "connections", "activations"):
            found = ours[field]
            assert (integer(read_expression(found), numbers) if isinstance(found, str) else found) == theirs[field]


@pytest.mark.parametrize("name", ["dense", "steps", "lstm"])
def test_the_gradients_hold_with_letters(name: str) -> None:
    net, _ = NETS[name]
    derivation = backcalc.grad({**net, "loss": {"mse": {}}})
    assert derivation.passed
    assert any(size is None for size in derivation.program.sizes.values())


def test_a_letter_is_no_index() -> None:
    """A size called like an index of the layers' own equations stays a size."""
    net = {"sizes": {"k": None, "j": None}, "input": {"x": "k"}, "layers": [{"dense": "j"}], "loss": {"sse": {}}}
    assert backcalc.grad(net).passed


def test_an_unknown_letter_has_its_nearest() -> None:
    from backcalc.net import InputError

    with pytest.raises(InputError, match="did you mean `width`"):
        backcalc.load({"sizes": {"width": None}, "input": {"x": ["widht", 2]}, "layers": ["relu"]})
