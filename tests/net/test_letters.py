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


@pytest.mark.parametrize("name", NETS)
def test_a_difference_of_conventions_holds_with_letters(name: str) -> None:
    from backcalc.count.difference import difference

    found = difference(backcalc.load(NETS[name][0]), "mac", "2mac").to_json()
    numbers = difference(backcalc.load(NETS[name][0], at=NETS[name][1]), "mac", "2mac")
    assert integer(read_expression(str(found["difference"])), NETS[name][1]) == numbers.value


@pytest.mark.parametrize("name", NETS)
def test_no_number_of_an_example_is_shown(name: str) -> None:
    """A size with letters is an integer inside; what is shown is its formula."""
    import json

    from backcalc.count.whole import whole
    from backcalc.render.count_text import render
    from backcalc.render.count_whole import render as render_whole

    network = backcalc.load(NETS[name][0])
    found = whole(network, flops="mac")
    text = render(backcalc.count(network)) + render_whole(found) + json.dumps(found.to_json())
    assert max(map(len, (word for word in text.replace(",", " ").split() if word.isdigit())), default=0) < 7
    assert max(map(len, (render(backcalc.count(network)) + render_whole(found)).splitlines())) <= 80
