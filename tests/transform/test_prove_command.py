"""`backcalc prove` as a user meets it: text, LaTeX, JSON, exit status, and what it says of bad input."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner, Result

import backcalc
from backcalc.cli.program import cli
from tests.hanging import guard_against_hanging
from tests.transform.hostile import REFUSED


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["prove", *arguments], standalone_mode=True)


def answer(*arguments: str) -> tuple[int, str]:
    """The exit status and what stands on standard output."""
    result = CliRunner().invoke(cli, ["prove", *arguments], standalone_mode=False)
    return result.return_value, result.stdout


def test_a_proof_is_printed_with_its_steps() -> None:
    status, text = answer("diff(softplus(x), x) = sigmoid(x)")
    assert status == 0
    assert text.splitlines()[2] == "  diff(softplus(x), x) = σ(x)"
    assert "differentiate: the derivative of softplus, and the chain rule" in text
    assert "✓ The claim is proved (differentiation)." in text
    assert max(map(len, text.splitlines())) <= 80


def test_a_counterexample_is_printed_with_its_numbers() -> None:
    status, text = answer("relu(x) = x")
    assert status == 1
    assert "✗ The claim does not hold. Counterexample:" in text
    assert "  left side  = 0\n" in text


def test_an_open_claim_is_said_to_be_open() -> None:
    status, text = answer("prod(k=1..K, exp(x[k])) = exp(sum(k=1..K, x[k]))")
    assert status == 1
    assert "? The claim is neither proved nor refuted: holds at 60 digits at 40" in text


def test_json() -> None:
    status, text = answer("2*sigmoid(2*x) - 1 = tanh(x)", "--format", "json")
    found = json.loads(text)
    assert status == 0
    assert (found["holds"], found["method"], found["counterexample"]) == (True, "normal form", None)
    assert all({"rule", "reason", "latex"} <= step.keys() for step in found["steps"])


def test_latex_is_a_document() -> None:
    _, text = answer("sqrt(x^2) = x", "--given", "x > 0", "--format", "latex")
    assert text.startswith(r"\documentclass")
    assert text.rstrip().endswith(r"\end{document}")
    assert r"\sqrt{x^{2}}" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    REFUSED,
)
def test_bad_input_is_told(arguments: list[str], message: str) -> None:
    with guard_against_hanging():
        result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_an_error_has_its_place_in_the_whole_claim() -> None:
    assert run("x + 1 = foo(x)").stderr.splitlines()[1:3] == ["  x + 1 = foo(x)", "          ^^^"]


def test_the_function_of_the_package() -> None:
    assert backcalc.prove("sqrt(x^2) = x", given="x > 0").holds is True
    assert backcalc.prove("sqrt(x^2) = x", given=["x > -1"]).holds is False
