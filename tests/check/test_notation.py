"""The student's own notation, found out from definitions and said; matrices written as in code; faulty notation."""

from __future__ import annotations

from pathlib import Path

import pytest

from backcalc.check import check, load_key
from backcalc.check.key import Key
from backcalc.check.result import Submission
from backcalc.check.submission import read_text

EXAMPLES = Path(__file__).parents[2] / "examples"


def key(name: str, **aliases: str) -> Key:
    problem = {"id": 1, "net": str(EXAMPLES / f"{name}.yaml"), "ask": ["J"], "aliases": aliases}
    return load_key({"problems": [problem]})


def checked(key: Key, text: str, suffix: str = ".txt") -> Submission:
    return check(key, [read_text(text, suffix=suffix)]).submissions[0]


def verdicts(submission: Submission) -> list[str]:
    return [claim.verdict for claim in submission.claims]


def test_a_name_for_the_output_of_an_activation() -> None:
    found = checked(key("shared-kernel"), "q1 = max(0, w1*x1 + w2*x2)\nq2 = max(0, w1*x2 + w2*x3)\nz1 = w3*q1 + w4*q2")
    assert verdicts(found) == ["right"] * 3
    assert found.notes == ("problem 1: your q is what the key calls h, by your own definition of it",)


def test_a_name_of_ones_own() -> None:
    found = checked(key("shared-kernel"), "$a_1 = w_3 h_1 + w_4 h_2$\n\n$y_1 = e^{a_1}/(e^{a_1} + e^{a_2})$", ".md")
    assert found.notes == ("problem 1: your a1 is what the key calls z[1], by your own definition of it",)
    assert "wrong" not in verdicts(found)


def test_indices_the_other_way_round() -> None:
    found = checked(key("mlp-whole-arrays"), "A[i,j] = sum(k, X[i,k]*W1[k,j]) + b1[j]")
    assert verdicts(found) == ["right"]
    assert "other way round" in found.notes[0]


def test_a_wrong_definition_is_no_notation() -> None:
    found = checked(key("shared-kernel"), "h1 = w1*x1 - w2*x2\nz1 = w3*h1 + w4*h2")
    assert verdicts(found) == ["wrong", "right"] and found.notes == ()


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("A = X @ W1.T + b1", "right"),
        ("A = np.dot(X, W1.T) + b1", "right"),
        ("dJ/dW1 = dJ/dA.T @ X", "right"),
        ("dJ/dA = dJ/dH*(1 - H^2)", "right"),
        ("dJ/dA = dJ/dH*(1 + H^2)", "wrong"),
        ("H = tanh(X @ W1.T)", "wrong"),
        ("A = X @ W1 + b1", "wrong"),  # the sizes of W1 are given, and do not fit
    ],
)
def test_whole_arrays(text: str, verdict: str) -> None:
    assert verdicts(checked(key("mlp-whole-arrays"), text)) == [verdict]


def test_a_softmax_of_one_element_and_a_number_of_terms_without_a_name() -> None:
    problem = {"id": 1, "net": str(EXAMPLES / "output-softmax.yaml"), "ask": ["E"], "aliases": {"W2": "W_a"}}
    text = (
        "$y_i = softmax(a_i) = \\frac{e^{a_i}}{\\sum_i e^{a_i}}$\n\n$E = -\\sum_i^n t_i \\log y_i$\n\n"
        "$W_{t+1}^{(2)} = W_t^{(2)} - \\eta \\frac{\\partial E}{\\partial W^{(2)}}$"
    )
    (found,) = check({"problems": [problem]}, [read_text(text, suffix=".md")]).submissions
    assert verdicts(found) == ["right"] * 4
