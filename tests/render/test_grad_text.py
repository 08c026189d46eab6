"""A derivation as text: complete, within 80 columns, and in the words that a solution on paper has."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

import backcalc
from backcalc.render import grad_ascii, grad_latex, grad_markdown, grad_text, verify_text

EXAMPLES = Path(backcalc.__file__).parents[1] / "examples"
WITH_LOSS = [
    "batch-norm",
    "logistic-neuron",
    "shared-kernel",
    "shared-kernel-equations",
    "six-weights",
]


def text(name: str, steps: str = "full", view: Literal["scalar", "index"] | None = None) -> str:
    return grad_text.render(backcalc.grad(EXAMPLES / f"{name}.yaml", view=view), steps=steps)


@pytest.mark.parametrize("steps", ["brief", "full"])
@pytest.mark.parametrize("name", WITH_LOSS)
def test_no_line_is_wider_than_eighty_columns(name: str, steps: str) -> None:
    assert [line for line in text(name, steps).splitlines() if len(line) > 80] == []


def test_no_line_of_a_large_network_is_wider_either() -> None:
    lines = grad_text.render(backcalc.grad("lenet5")).splitlines()
    assert [line for line in lines if len(line) > 80] == []


def test_no_line_of_a_long_update_rule_is_wider_either() -> None:
    lines = text("spirals").splitlines()
    assert [line for line in lines if len(line) > 80] == []
    assert any(line.startswith("  W_z1[j,k] ← W_z1[j,k]") for line in lines)


def test_the_parts_of_a_solution_come_in_order() -> None:
    lines = text("shared-kernel").splitlines()
    places = [lines.index(part) for part in ("Forward pass", "Backward pass", "Result", "Update", "Verified")]
    assert places == sorted(places)


def test_a_zero_gradient_says_why() -> None:
    written = text("shared-kernel")
    assert "∂J/∂q1 = ∂J/∂h1·[q1 > 0] = 0·[3/2 > 0] = 0" in written
    assert "= −y2·(w3 − w5)·[q1 > 0]" in written
    assert "It is 0 because w3 = w5." in written
    assert "w1 is used twice: in q1 and in q2" in written
    assert "Δw1 = 0" in written


def test_every_step_names_its_rule() -> None:
    written = text("shared-kernel")
    for reason in ("(chain rule)", "(local derivatives)", "(collapse: ", "(fold: ", "(insert: "):
        assert reason in written
    assert "(chain rule)" not in text("shared-kernel", "brief")


def test_both_routes_of_softmax_and_logarithm_are_shown() -> None:
    written = text("shared-kernel", "brief")
    assert "∂J/∂z1 = y1·(∂J/∂y1 − (∂J/∂y1·y1 + ∂J/∂y2·y2))" in written
    assert "= y1 − 1 = 1/2 − 1 = −1/2" in written


def test_the_index_view_keeps_indices_and_shows_small_arrays() -> None:
    written = text("shared-kernel", view="index")
    assert "∂J/∂z[j] = y[j] − [j = 1]" in text("shared-kernel", "brief", view="index")
    assert "∂J/∂z = (−1/2, 1/2)" in written


def test_a_symbolic_size_is_never_given_a_number_in_a_formula() -> None:
    assert "∂J/∂γ[j] = Σ_{i=1..N} ∂J/∂y[i,j]·y[i,j]·(1 − y[i,j])·â[i,j]" in text("batch-norm", "brief")


def test_the_input_of_the_logistic_neuron_is_not_needed() -> None:
    (line,) = [line for line in text("logistic-neuron").splitlines() if line.startswith("  ∂L/∂x1 =")]
    assert line == "  ∂L/∂x1 = L·(1 − L)·w1"


def test_what_was_verified_stands_at_the_end() -> None:
    lines = text("six-weights").splitlines()
    ticks = [line for line in lines[lines.index("Verified") :] if line.startswith("  ✓ ")]
    assert ticks[0].startswith("  ✓ both sides of every step")
    assert ticks[-1].startswith("  ✓ central differences of the forward equations")
    verification = backcalc.verify(EXAMPLES / "six-weights.yaml")
    assert verify_text.render(verification).endswith("All ways agree.\n")


def test_an_unverified_result_says_so() -> None:
    from dataclasses import replace

    derivation = replace(backcalc.grad(EXAMPLES / "logistic-neuron.yaml"), verified=())
    assert "has not been verified" in grad_text.render(derivation)


def test_an_array_of_own_names_is_spelled_out_before_it_is_read() -> None:
    lines = text("shared-kernel").splitlines()
    assert lines.index("  W_q = [[[w1, w2]]]") < lines.index("  q[i] = Σ_{a=1..2} W_q[1,1,a]·x[i+a−1]")


def test_brief_fits_a_page() -> None:
    for name in ("shared-kernel", "batch-norm", "batch-norm-numbers", "logistic-neuron"):
        assert len(text(name, "brief").splitlines()) <= 60, name


def test_every_symbol_is_introduced_once() -> None:
    lines = text("shared-kernel").splitlines()
    block = lines[lines.index("Symbols") + 2 : lines.index("Forward pass") - 1]
    assert "  W_z (2×2): weights of dense z" in block and "  J: loss" in block
    named = [name for line in block for name in line.split(":")[0].split(" (")[0].strip().split(", ")]
    assert len(named) == len(set(named))
    assert set(named) >= {"x", "w1", "w2", "w3", "w4", "w5", "w6", "q", "h", "z", "y", "J"}
    assert "Symbols" not in text("shared-kernel", "brief")


def test_conventions_stand_at_the_top() -> None:
    written = " ".join(grad_text.render(backcalc.grad("lenet5"), "brief").split("Forward pass")[0].split())
    assert "rows of a weight matrix are output units, z = W·x + b" in written
    assert "outside of its range x is 0" in written
    assert "of several that are largest or smallest the first is taken" in written
    assert "the derivative of relu at 0 is taken as 0" in written


def test_an_update_rule_explains_its_letters() -> None:
    net = {
        "equations": "J = (w*x - 1)^2",
        "values": {"w": 2, "x": "1/3"},
        "find": ["w"],
        "update": {"adam": {"rate": "1/10"}},
    }
    written = grad_text.render(backcalc.grad(net))
    assert "v̂ ← v/(1 − β1^k)" in written and "vhat" not in written
    said = " ".join(written.split())
    assert "k = 1 is the number of the step; v0 = s0 = 0 are what is remembered before the first step" in said
    assert "vhat <- v/(1 - beta1^k)" in grad_ascii.render(backcalc.grad(net))


def test_a_note_has_the_letters_of_the_formulas() -> None:
    written = text("batch-norm-numbers")
    assert "every entry of γ_v is used twice" in written
    assert "gamma" not in written


def test_what_has_no_value_says_so_where_it_stands() -> None:
    net = {"equations": "J = log(w*x)", "values": {"w": -1, "x": 1}, "find": ["w"]}
    lines = grad_text.render(backcalc.grad(net)).splitlines()
    place = lines.index("  J = log(w·x) = log(−1·1)")
    assert lines[place + 1] == "    It has no value: log(−1) is not a real number."


@pytest.mark.parametrize("name", ["six-weights", "two-three-one", "shared-kernel", "logistic-neuron"])
def test_a_small_network_in_brief_fits_a_page(name: str) -> None:
    brief = text(name, "brief")
    assert brief.count("\n") <= 60
    assert "Forward pass" in brief and "Result" in brief and "  ✓ both sides of " in brief


def test_in_brief_a_step_has_its_reason_behind_it_and_many_updates_stand_in_columns() -> None:
    lines = text("six-weights", "brief").splitlines()
    assert "7. ∂L/∂w1 = ∂L/∂z1·x1 = 0.00861453·0.9 ≈ 0.00775308   (w1 goes into z1)" in lines
    assert "  w1 ← w1 − η·∂L/∂w1   w2 ← w2 − η·∂L/∂w2   w3 ← w3 − η·∂L/∂w3" in lines
    assert "7 of 14 steps" in text("two-three-one", "brief")  # a witness that did not see everything says so


@pytest.mark.parametrize("view", ["scalar", "index", "matrix"])
def test_the_mean_over_one_output_is_that_output(view: Literal["scalar", "index", "matrix"]) -> None:
    net = {"input": 2, "layers": [{"dense": {"name": "y", "units": 1}}], "loss": {"mse": {"name": "J", "target": 1}}}
    derivation = backcalc.grad(net, view=view)
    written = [grad_text.render(derivation), *(each.render(derivation) for each in (grad_markdown, grad_latex))]
    assert not any("mean" in part.partition("Forward pass")[2] for part in written)
    assert not any("operatorname*{mean}" in part for part in written)
