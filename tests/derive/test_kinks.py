"""Kinks and ties: the convention is used, said, and does not disturb the verification."""

from __future__ import annotations

from typing import Any

import pytest

import backcalc


@pytest.mark.parametrize(
    ("function", "at", "slope"),
    [
        ("relu", 0, "0"),
        ("relu6", 0, "0"),
        ("relu6", 6, "0"),
        ("abs", 0, "0"),
        ("hard_sigmoid", -3, "0"),
        ("hard_sigmoid", 3, "0"),
    ],
)
def test_the_derivative_on_a_kink_is_the_convention(function: str, at: int, slope: str) -> None:
    found = backcalc.grad({"equations": f"J = {function}(x)", "values": {"x": at}}, wrt=["x"])
    assert str(found.values["dJ/dx"][()]) == slope
    assert any(f"x = {at} is on the kink of {function}" in note for note in found.notes)
    assert found.passed
    assert any("near the given values" in check.detail for check in found.verified)


def test_beside_a_kink_nothing_is_said() -> None:
    found = backcalc.grad({"equations": "J = relu(x)", "values": {"x": "1/1000"}}, wrt=["x"])
    assert found.notes == () and str(found.values["dJ/dx"][()]) == "1"
    assert not any("near the given values" in check.detail for check in found.verified)


@pytest.mark.parametrize(("function", "slope"), [("leaky_relu(x, 1/5)", "1/5"), ("elu(x, 3)", "3")])
def test_one_sided_conventions(function: str, slope: str) -> None:
    found = backcalc.grad({"equations": f"J = {function}", "values": {"x": 0}}, wrt=["x"])
    assert str(found.values["dJ/dx"][()]) == slope
    assert found.passed


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ({"equations": "J = max(a, b, c)", "values": {"a": 1, "b": 2, "c": 2}}, {"a": "0", "b": "1", "c": "0"}),
        ({"equations": "J = min(a, b, c)", "values": {"a": 1, "b": 1, "c": 2}}, {"a": "1", "b": "0", "c": "0"}),
    ],
)
def test_the_first_of_equals_takes_it(source: dict[str, Any], expected: dict[str, str]) -> None:
    found = backcalc.grad(source, wrt=list(expected))
    assert {name: str(found.values[f"dJ/d{name}"][()]) for name in expected} == expected
    assert any("tie" in note for note in found.notes)
    assert found.passed


def test_a_tie_in_a_window_goes_to_the_first() -> None:
    source = {
        "input": {"x": 4},
        "layers": [{"maxpool1d": {"size": 3, "stride": 1}}],
        "loss": {"sse": {"target": [0, 0]}},
        "values": {"x": [1, 5, 5, 2]},
    }
    found = backcalc.grad(source, wrt=["x"])
    assert [str(found.values["dJ/dx"][(i,)]) for i in (1, 2, 3, 4)] == ["0", "20", "0", "0"]
    assert any("tie for the largest" in note for note in found.notes)
    assert found.passed
