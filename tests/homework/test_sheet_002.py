"""Networks for digits counted, outputs with the losses that suit them, the backward pass of a mini-batch."""

from __future__ import annotations

import random
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from backcalc.formula.read import read_expression
from backcalc.formula.tree import Ref, substitute

from ..derive.witness import MP, Place, Store
from .commands import answer, count, grad
from .facts import check, fact
from .formulas import agree, at_numbers, closed, derivative, number, numbers, read, same

# -- counts --------------------------------------------------------------------------------------


def test_the_networks_for_digits() -> None:
    check("002.wide", count("digits-wide")["totals"]["params"])
    check("002.deep", count("digits-deep")["totals"]["params"])
    check("002.deep_no_bias", count("digits-deep", "--no-bias")["totals"]["params"])
    check("002.AE", count("digits-autoencoder")["totals"]["params"])


def test_no_two_hidden_layers_have_203170_parameters() -> None:
    """Every pair of widths a, b from 784 inputs to 10 outputs, with biases and without, by the formula of the count."""
    for biases in (1, 0):
        found = count("digits-deep", *([] if biases else ["--no-bias"]))["totals"]["params"]
        assert found == _two_hidden(204, 202, biases), "the formula is that of the count"
        # (784 + biases)·a + (a + biases)·b + (b + biases)·10 = 203170 has one b for every a, if any
        widths = ((a, divmod(203170 - (784 + biases) * a - 10 * biases, a + biases + 10)) for a in range(1, 260))
        hits = [(a, b) for a, (b, rest) in widths if rest == 0 and b > 0]
        assert all(_two_hidden(a, b, biases) == 203170 for a, b in hits)
        check("002.no_such_net", len(hits))


def _two_hidden(a: int, b: int, biases: int) -> int:
    return (784 + biases) * a + (a + biases) * b + (b + biases) * 10


# -- outputs and losses --------------------------------------------------------------------------


@pytest.mark.parametrize("net", ["output-linear", "output-sigmoid", "output-softmax"])
def test_outputs_and_their_losses(net: str) -> None:
    found = grad(net)
    indices, ours = derivative(found, "a")
    assert indices == ("j",)
    store: Store = {name: numbers(random.Random(name), 3) for name in ("y", "t")}
    book = read_expression(fact("002.dE_da"))
    assert same(ours, book)
    assert agree(at_numbers(ours, indices, (3,), store), at_numbers(book, indices, (3,), store))


def test_both_ways_are_shown() -> None:
    """The product of the two factors, and what it comes to."""
    for net, chain in (
        ("output-sigmoid", "dE/dy[j]*y[j]*(1 - y[j])"),
        ("output-softmax", "y[j]*(dE/dy[j] - sum(i=1..3, dE/dy[i]*y[i]))"),
    ):
        found = grad(net)["adjoints"]["a"]
        assert (found["chain"], found["formula"]) == (chain, "y[j] - t[j]")


OUTPUTS = {
    # the mean over samples and outputs, the sum over classes and mean over samples
    "linear": "linear: {name: y}\nloss: {mse: {name: E, target: t, factor: 1/2}}",
    "softmax": "softmax: {name: y}\nloss: {cross_entropy: {name: E, target: t}}",
    "sigmoid": "sigmoid: {name: y}\nloss: {bce: {name: E, target: t, factor: 1/5}}",
}


def test_means_over_samples_and_outputs(tmp_path: Path) -> None:
    """(y − t)/N is the derivative of the softmax's loss, and K = 5 times that of a mean over all outputs."""
    ratios = {}
    for kind, output in OUTPUTS.items():
        path = tmp_path / f"{kind}.yaml"
        text = "input: {x: 2}\nlayers:\n  - dense: {name: a, units: 5}\n  - {}\nbatch: N\nfind: [a]\n"
        path.write_text(text.replace("{}", output), encoding="utf-8")
        indices, ours = derivative(answer("grad", path), "a")
        store: Store = {"N": number(3), "y": _shares(3, 5, seed=1), "t": _shares(3, 5, seed=2)}
        true = at_numbers(ours, indices, (3, 5), store)
        of_code = at_numbers(read_expression("(y[n,j] - t[n,j])/N"), ("n", "j"), (3, 5), store)
        found = {round(of_code[place] / true[place], 40) for place in true}
        assert len(found) == 1
        ratios[kind] = float(found.pop())
    check("002.code_ratio", ratios)


def _shares(samples: int, classes: int, seed: int) -> dict[Place, Any]:
    """Random shares of every sample, which add up to 1."""
    source = random.Random(seed)
    drawn = {place: MP.mpf(source.randint(1, 99)) for place in product(range(1, samples + 1), range(1, classes + 1))}
    return {(n, j): part / sum(drawn[n, k] for k in range(1, classes + 1)) for (n, j), part in drawn.items()}


# -- the backward pass of a mini-batch -----------------------------------------------------------


def test_the_backward_pass_of_a_mini_batch() -> None:
    found = grad("relu-softmax-batch")
    indices = {"h1": ("n", "j"), "a1": ("n", "j"), "b_a1": ("j",), "W_a1": ("j", "k")}
    for name, book in fact("002.elided_backward").items():
        row = found["gradients"][name]
        renamed = dict(zip(row["indices"], map(Ref, indices[name]), strict=True))
        assert same(substitute(read(found, row["formula"]), renamed), read(found, book)), f"{name}: {row['formula']}"


def test_the_backward_pass_by_arrays() -> None:
    """The same with matrices of numbers: δ2 = (y − t)/N, δ1 = δ2·W2 ∘ [a1 > 0], ∂E/∂W1 = δ1ᵀ·x, ∂E/∂b1 = δ1ᵀ·1."""
    samples, inputs, hidden, classes = 6, 4, 3, 5
    found = grad("relu-softmax-batch")
    source = random.Random(2)
    store: Store = {"N": number(samples), "x": numbers(source, samples, inputs)}
    store |= {"a1": numbers(source, samples, hidden), "W_a2": numbers(source, classes, hidden)}
    store |= {"y": _shares(samples, classes, seed=3), "t": _shares(samples, classes, seed=4)}
    matrix = {name: _matrix(array) for name, array in store.items() if name != "N"}
    delta2 = (matrix["y"] - matrix["t"]) / samples
    delta1 = delta2 * matrix["W_a2"]
    for n, j in product(range(samples), range(hidden)):
        delta1[n, j] *= matrix["a1"][n, j] > 0
    book = {"h1": delta2 * matrix["W_a2"], "a1": delta1, "W_a1": delta1.T * matrix["x"]}
    for name, expected in book.items():
        indices, ours = tuple(found["gradients"][name]["indices"]), closed(found, found["gradients"][name]["formula"])
        assert agree(at_numbers(ours, indices, (expected.rows, expected.cols), store), _places(expected))
    ones = MP.ones(samples, 1)
    indices, ours = derivative(found, "b_a1")
    assert agree(
        at_numbers(ours, indices, (hidden,), store), {(j,): v for (j, _), v in _places(delta1.T * ones).items()}
    )


def _matrix(array: dict[Place, Any]) -> Any:
    height, width = max(array)
    return MP.matrix([[array[i, j] for j in range(1, width + 1)] for i in range(1, height + 1)])


def _places(matrix: Any) -> dict[Place, Any]:
    return {(i + 1, j + 1): matrix[i, j] for i in range(matrix.rows) for j in range(matrix.cols)}
