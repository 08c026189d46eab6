"""Networks written over whole arrays are the networks written with indices: one meaning, two ways to write it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backcalc
from backcalc.formula.print_text import to_text
from backcalc.net import InputError, load_network
from backcalc.render.grad_json import render

SHAPES = {"X": ["N", "D"], "W1": ["K", "D"], "b1": ["K"], "W2": ["M", "K"], "b2": ["M"], "T": ["N", "M"]}
NUMBERS = {"N": 5, "D": 3, "K": 4, "M": 2}

WHOLE = """\
A = X @ W1.T + b1
H = tanh(A)
Z = H @ W2.T + b2
J = 1/2*sumsq(Z - T)
"""
INDEXED = """\
A[i,j] = sum(k=1..D, X[i,k]*W1[j,k]) + b1[j]
H[i,j] = tanh(A[i,j])
Z[i,j] = sum(k=1..K, H[i,k]*W2[j,k]) + b2[j]
J = 1/2*sum(i=1..N, sum(j=1..M, (Z[i,j] - T[i,j])^2))
"""


def network(equations: str, symbols: str, **more: Any) -> dict[str, Any]:
    """A file of equations in which the sizes named in `symbols` stay symbols."""
    for name, number in NUMBERS.items():
        equations = equations if name in symbols else equations.replace(f"1..{name},", f"1..{number},")
    shapes = {key: [name if name in symbols else NUMBERS[name] for name in axes] for key, axes in SHAPES.items()}
    return {"name": "MLP", "equations": equations, "shapes": shapes, "find": ["W1", "b1", "W2", "b2", "X"], **more}


@pytest.mark.parametrize("symbols", ["", "N", "NDKM"], ids=["numbers", "N", "all symbols"])
def test_a_network_of_two_layers_has_the_gradients_of_its_indexed_form(symbols: str) -> None:
    whole, indexed = (backcalc.grad(network(equations, symbols)) for equations in (WHOLE, INDEXED))
    found, expected = render(whole), render(indexed)
    assert found["gradients"] == expected["gradients"]
    assert found["adjoints"] == expected["adjoints"]
    assert found["loss"] == expected["loss"]
    assert whole.verified and whole.passed and all(check["passed"] for check in found["verified"])


def test_gradients_with_numbers_are_those_of_matrix_calculus() -> None:
    random = np.random.default_rng(3)
    given = {name: random.integers(-2, 3, [NUMBERS[axis] for axis in axes]) for name, axes in SHAPES.items()}
    text = WHOLE.replace("tanh", "relu")
    derivation = backcalc.grad(network(text, "", values={name: array.tolist() for name, array in given.items()}))
    assert derivation.passed
    hidden = given["X"] @ given["W1"].T + given["b1"]
    error = np.maximum(hidden, 0) @ given["W2"].T + given["b2"] - given["T"]
    back = (error @ given["W2"]) * (hidden > 0)
    expected = {"W2": error.T @ np.maximum(hidden, 0), "b2": error.sum(0), "W1": back.T @ given["X"], "b1": back.sum(0)}
    exact = render(derivation)["gradients"]
    for name, array in expected.items():
        assert np.array_equal(np.array(exact[name]["decimal"], dtype=float), array)
    assert np.any(back)


def test_classification_written_whole() -> None:
    text = "Z = X @ W.T + b\nY = softmax(Z)\nJ = -mean(log(Y)*T)\n"
    shapes = {"X": ["N", 2], "W": [3, 2], "b": [3], "T": ["N", 3]}
    program = load_network({"equations": text, "shapes": shapes}).program
    assert [f"{to_text(equation.left)} = {to_text(equation.body)}" for equation in program.equations] == [
        "Z[i,j] = sum(k=1..2, X[i,k]*W[j,k]) + b[j]",
        "Y[i,j] = exp(Z[i,j])/sum(k=1..3, exp(Z[i,k]))",
        "J = -mean(i=1..N, mean(j=1..3, log(Y[i,j])*T[i,j]))",
    ]


def test_the_example_says_what_it_is() -> None:
    path = Path(backcalc.__file__).parents[1] / "examples" / "mlp-whole-arrays.yaml"
    assert path.read_text(encoding="utf-8").startswith("# ")
    derivation = backcalc.grad(path)
    assert derivation.passed
    assert list(render(derivation)["gradients"]) == ["W1", "b1", "W2", "b2"]


def test_values_say_what_an_array_is_as_a_shape_does() -> None:
    equations = {"equations": "z = W @ x\nJ = sumsq(z)", "values": {"W": [[1, 2, 3], [0, 1, 0]], "x": [1, -1, 2]}}
    derivation = backcalc.grad(equations, wrt=["x"])
    assert derivation.passed
    assert render(derivation)["gradients"]["x"]["exact"] == ["10", "18", "30"]


@pytest.mark.parametrize("sizes", ["numbers", "symbols"])
@pytest.mark.parametrize(
    ("text", "shapes"),
    [
        ("Z = X @ W.T\nJ = -sum(T*log_softmax(Z))", {"X": "ND", "W": "MD", "T": "NM"}),
        ("y = softmax(W @ x)\nJ = -log(y[1])", {"W": "MD", "x": "D"}),
        ("S = softmax(Q @ K.T/sqrt(2))\nO = S @ V\nJ = sumsq(O)", {"Q": "ND", "K": "ND", "V": "ND"}),
        ("J = norm2(X @ W.T - T) + max(X)", {"X": "ND", "W": "MD", "T": "NM"}),
        ("A = X*c - mean(X)\nJ = b @ W @ A.T @ A @ W.T @ b", {"X": "ND", "c": "N", "W": "MD", "b": "M"}),
    ],
)
def test_what_is_written_whole_is_derived(text: str, shapes: dict[str, str], sizes: str) -> None:
    axes: dict[str, list[str | int]] = {name: [*axes, 1] if name == "c" else [*axes] for name, axes in shapes.items()}
    if sizes == "numbers":
        axes = {name: [NUMBERS.get(str(size), 1) for size in shape] for name, shape in axes.items()}
    assert backcalc.grad({"equations": text, "shapes": axes}).passed


def test_a_sum_is_no_index() -> None:
    with pytest.raises(InputError, match="`x` is read at a sum: an index is made of numbers, sizes and indices"):
        load_network({"equations": "J = x[sum(k=1..2, 1)] + x[1]", "shapes": {"x": [3]}})


@pytest.mark.parametrize(("loss", "words"), [("Z", "the loss `Z` is an array"), ("Q", "no equation defines the loss")])
def test_the_loss_is_a_number(loss: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        load_network({"equations": "Z = 2*X\nJ = sum(Z)", "shapes": {"X": ["N"]}, "loss": loss})
    assert load_network({"equations": "Z = 2*X\nJ = sum(Z)\nR = Z + 1", "shapes": {"X": ["N"]}}).loss == "J"
