"""Mini-batches: the equations of N samples, and their values and gradients against loops over single samples."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import backcalc
from backcalc.formula.evaluate import evaluate
from backcalc.formula.floats import FLOATS
from backcalc.formula.print_text import to_text
from backcalc.formula.read import read_equation
from backcalc.formula.source import SourceEquation
from backcalc.layers import Samples
from backcalc.net import InputError, Network, load_network
from backcalc.net.batch import cleared, joined, lifted

QUICK = settings(max_examples=25, deadline=None, derandomize=True)

HIDDEN = "  - dense: {name: z, units: 2}\n  - sigmoid: {name: y}\n"


def lines(network: Network) -> list[str]:
    return [f"{to_text(line.left)} = {to_text(line.body)}" for line in network.program.equations]


def array(nested: Any) -> dict[tuple[int, ...], float]:
    numbers = np.asarray(nested, dtype=float)
    return {tuple(place + 1 for place in at): float(number) for at, number in np.ndenumerate(numbers)}


def run(network: Network, values: Mapping[str, Any], sizes: Mapping[str, int] | None = None) -> dict[str, Any]:
    return evaluate(network.program, {name: array(value) for name, value in values.items()}, FLOATS, sizes)


def test_parameters_have_no_axis_of_samples() -> None:
    network = load_network(f"input: 3\nbatch: N\nlayers:\n{HIDDEN}loss: {{mse: {{factor: 1/2}}}}\n")
    assert lines(network) == [
        "z[n,j] = sum(k=1..3, W_z[j,k]*x[n,k]) + b_z[j]",
        "y[n,i] = sigmoid(z[n,i])",
        "J = 1/(2*N)*sum(n=1..N, mean(i=1..2, (y[n,i] - t[n,i])^2))",
    ]
    assert network.program.sizes == {"N": None}
    assert network.inputs == {"x": (3,)}
    assert [node.output_shape for node in network.nodes] == [(2,), (2,)]


@pytest.mark.parametrize(
    ("batch", "loss", "line"),
    [
        ("4", "sse", "J = 1/4*sum(n=1..4, sum(i=1..2, (y[n,i] - t[n,i])^2))"),
        ("N", "sse", "J = 1/N*sum(n=1..N, sum(i=1..2, (y[n,i] - t[n,i])^2))"),
        ("N", "sse: {over: sum}", "J = sum(n=1..N, sum(i=1..2, (y[n,i] - t[n,i])^2))"),
        ("N", "sse: {over: sum, factor: 3/2}", "J = 3/2*sum(n=1..N, sum(i=1..2, (y[n,i] - t[n,i])^2))"),
        ("N", "sse: {factor: 3/2}", "J = 3/(2*N)*sum(n=1..N, sum(i=1..2, (y[n,i] - t[n,i])^2))"),
        ("N", "sse: {factor: -2}", "J = -2/N*sum(n=1..N, sum(i=1..2, (y[n,i] - t[n,i])^2))"),
        ("6", "sse: {factor: 3/2}", "J = 1/4*sum(n=1..6, sum(i=1..2, (y[n,i] - t[n,i])^2))"),
        ("N", "cross_entropy", "J = -1/N*sum(n=1..N, sum(i=1..2, t[n,i]*log(y[n,i])))"),
        ("N", "cross_entropy: {over: sum}", "J = -sum(n=1..N, sum(i=1..2, t[n,i]*log(y[n,i])))"),
        ("N", "cross_entropy: 2", "J = -1/N*sum(n=1..N, sum(i=1..2, t[i]*log(y[n,i])))"),
        ("N", "sse: 1/2", "J = 1/N*sum(n=1..N, sum(i=1..2, (y[n,i] - t)^2))"),
        ("N", "sse: [1, 0]", "J = 1/N*sum(n=1..N, sum(i=1..2, (y[n,i] - t[i])^2))"),
        ("N", "sse: [[1, 0], [0, 1], [1, 1]]", "J = 1/N*sum(n=1..N, sum(i=1..2, (y[n,i] - t[n,i])^2))"),
        ("N", "nll: 2", "J = -1/N*sum(n=1..N, log(y[n,2]))"),
        ("N", "nll: [1, 2, 1]", "J = -1/N*sum(n=1..N, log(y[n,t[n]]))"),
        ("N", "nll: c", "J = -1/N*sum(n=1..N, log(y[n,c[n]]))"),
    ],
)
def test_the_loss_joins_the_samples(batch: str, loss: str, line: str) -> None:
    network = load_network(f"input: 3\nbatch: {batch}\nlayers:\n{HIDDEN}loss: {{{loss}}}\n")
    assert lines(network)[-1] == line


def test_a_root_is_taken_of_the_joined_samples() -> None:
    """The root of the mean square over outputs and samples is not the mean of roots."""
    loss = SourceEquation(*read_equation("J = 2*sqrt(mean(i, (y[i] - t)^2))"))
    assert to_text(joined(loss, {"y"}, Samples("n", "N"), mean=True).right) == (
        "2*sqrt(1/N*sum(n=1..N, mean(i, (y[n,i] - t)^2)))"
    )


@pytest.mark.parametrize(
    ("line", "lifted_line"),
    [
        ("v[n] = x[div(n-1,4)+1,mod(n-1,4)+1]", "v[n,i] = x[n,div(i-1,4)+1,mod(i-1,4)+1]"),
        ("y[i] = sum(n, W[i,n]*x[n])", "y[n,i] = sum(j, W[i,j]*x[n,j])"),
        ("y[i,j] = sum(n, x[i,n]) + sum(k, x[k,j])", "y[n,i,j] = sum(l, x[n,i,l]) + sum(k, x[n,k,j])"),
        ("s = sum(k, x[k])", "s[n] = sum(k, x[n,k])"),
        ("y = s^2 + u", "y[n] = s[n]^2 + u"),
        ("V = [[w1, 0]]", "V = [[w1, 0]]"),
        ("V[i] = u*w[i]", "V[i] = u*w[i]"),
    ],
)
def test_lifting(line: str, lifted_line: str) -> None:
    found = lifted(cleared(SourceEquation(*read_equation(line)), {"n", "x", "s", "u"}), {"x", "s"}, "n")
    assert f"{to_text(found.left)} = {to_text(found.right)}" == lifted_line


def test_the_index_makes_way_for_arrays() -> None:
    network = load_network("input: {n: 3}\nbatch: N\nlayers: [dense: {name: s, units: 1}]\nloss: sse\n")
    assert lines(network)[0] == "s[m,j] = sum(k=1..3, W_s[j,k]*n[m,k]) + b_s[j]"
    assert lines(load_network("input: 3\nbatch: n\nlayers: [relu: {name: h}]\n")) == ["h[s,i] = relu(x[s,i])"]


def test_no_index_is_named_as_an_array() -> None:
    """A dense layer counts steps with t, and t is the target too."""
    network = load_network("input: {x: [2, 3]}\nlayers: [dense: {name: y, units: 2}]\nloss: sse\n")
    assert lines(network)[0] == "y[i,j] = sum(k=1..3, W_y[j,k]*x[i,k]) + b_y[j]"
    assert backcalc.grad(network).passed


def test_values_settle_a_symbolic_size() -> None:
    text = f"input: 3\nbatch: N\nlayers:\n{HIDDEN}loss: mse\nvalues: {{x: [[1, 2, 3], [4, 5, 6]], t: [0, 1]}}\n"
    network = load_network(text)
    assert network.program.sizes == {"N": 2}
    assert network.program.shape("x") == (2, 3)
    assert network.program.shape("t") == (2,)  # one sample's target is the target of all
    assert lines(network)[-1] == "J = 1/N*sum(n=1..N, mean(i=1..2, (y[n,i] - t[i])^2))"


def test_a_size_with_a_number_keeps_its_name() -> None:
    network = load_network(f"sizes: {{M: 4}}\ninput: 3\nbatch: M\nlayers:\n{HIDDEN}loss: mse\nvalues: {{x: 0}}\n")
    assert network.program.sizes == {"M": 4}
    assert network.values["x"] == ((0, 0, 0),) * 4
    assert "sum(n=1..M" in lines(network)[-1]


def test_the_target_may_be_the_input() -> None:
    network = load_network("input: 3\nbatch: N\nlayers: [dense: {name: y, units: 3}]\nloss: {sse: {target: x}}\n")
    assert lines(network)[-1] == "J = 1/N*sum(n=1..N, sum(i=1..3, (y[n,i] - x[n,i])^2))"


NETS = {
    "mlp": ("3", "dense: {name: z, units: 4}, tanh, dense: 2, softmax: {name: y}", "cross_entropy", (3,), (2,)),
    "conv": (
        "{x: [2, 4, 3]}",
        "conv2d: {filters: 2, kernel: 2, padding: 1}, sigmoid, avgpool2d: 2, flatten, dense: 2",
        "mse",
        (2, 4, 3),
        (2,),
    ),
    "shared": (
        "5",
        "conv1d: {filters: 1, kernel: 2, bias: false, weights: [a, b]}, tanh, "
        "dense: {units: 1, weights: [a, 2, c, a]}, sigmoid",
        "bce",
        (5,),
        (1,),
    ),
    "steps": ("{x: [2, 3]}", "dense: 2, softmax, flatten", "sse", (2, 3), (4,)),
}


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("over", ["sum", "mean"])
def test_the_batch_is_its_samples_one_by_one(name: str, over: str) -> None:
    """The loss of the batch is the sum or the mean of the losses of its samples alone."""
    shape, layers, loss, x_shape, t_shape = NETS[name]
    body = ", ".join(f"{{{layer}}}" if ":" in layer else layer for layer in _split(layers))
    text = f"input: {shape}\nlayers: [{body}]\nloss: {{{loss}: {{over: {over}, factor: 3/2}}}}\n"
    batch, single = load_network(text + "batch: N\n"), load_network(text)
    source = np.random.default_rng(7)
    leaves = {
        leaf: source.uniform(0.1, 0.9, single.program.shape(leaf))
        for leaf in single.program.leaves
        if leaf not in ("x", "t")
    }
    x, t = source.uniform(0, 1, (3, *x_shape)), source.uniform(0, 1, (3, *t_shape))
    together = run(batch, {**leaves, "x": x, "t": t}, {"N": 3})["J"][()]
    alone = [run(single, {**leaves, "x": x[n], "t": t[n]})["J"][()] for n in range(3)]
    assert together == pytest.approx(sum(alone) / (3 if over == "mean" else 1), rel=1e-12)


def _split(layers: str) -> list[str]:
    """The layers of a list, commas inside brackets left alone."""
    found, depth = [""], 0
    for letter in layers:
        depth += (letter in "{[") - (letter in "}]")
        if letter == "," and not depth:
            found.append("")
        else:
            found[-1] += letter
    return [word.strip() for word in found]


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("size", ["N", "2"])
def test_gradients_are_verified(name: str, size: str) -> None:
    shape, layers, loss, *_ = NETS[name]
    body = ", ".join(f"{{{layer}}}" if ":" in layer else layer for layer in _split(layers))
    derivation = backcalc.grad(f"input: {shape}\nbatch: {size}\nlayers: [{body}]\nloss: {loss}\n", view="index")
    assert derivation.passed, [str(check) for check in derivation.verified]


@QUICK
@given(st.integers(1, 4), st.integers(1, 3), st.integers(1, 3), st.integers(0, 10**6))
def test_the_gradient_is_delta_transposed_times_x(samples: int, inputs: int, outputs: int, seed: int) -> None:
    """Of a linear layer with half squares: dJ/dW = (Y - T)^T X / N, in NumPy."""
    source = np.random.default_rng(seed)
    x, t, W = (source.integers(-4, 5, size) for size in ((samples, inputs), (samples, outputs), (outputs, inputs)))
    network = {
        "input": inputs,
        "batch": "N",
        "layers": [{"dense": {"name": "y", "units": outputs, "bias": False}}],
        "loss": {"sse": {"factor": "1/2", "target": t.tolist()}},
        "values": {"x": x, "W_y": W},
    }
    derivation = backcalc.grad(network, view="index")
    expected = (x @ W.T - t).T @ x
    for (j, k), number in derivation.values["dJ/dW_y"].items():
        assert number.value == Fraction(int(expected[j - 1, k - 1]), samples)
    assert derivation.passed


def test_the_size_is_no_value() -> None:
    with pytest.raises(InputError, match="`N` takes no value: it is a size; give its number in `sizes`"):
        load_network("input: 3\nbatch: N\nlayers: [relu]\nvalues: {N: 3}\n")


@pytest.mark.parametrize("classes", ["[2, 1, 3]", "2", "c"])
def test_classes_of_the_samples(classes: str) -> None:
    """Softmax and the negative logarithm of the class: dJ/dz = (y - one-hot)/N."""
    network = load_network(
        "input: 3\nbatch: N\nlayers: [softmax: {name: y}]\n"
        f"loss: {{nll: {{target: {classes}}}}}\nfind: [x]\nvalues: {{x: [[1, 2, 0], [0, 1, -1], [2, 2, 1]]}}\n"
    )
    if classes == "c":
        assert network.program.shape("c") == (3,)
        assert backcalc.grad(network, view="index").passed
        return
    derivation = backcalc.grad(network, view="index")
    x = np.array([[1, 2, 0], [0, 1, -1], [2, 2, 1]])
    y = np.exp(x) / np.exp(x).sum(1, keepdims=True)
    right = [1, 0, 2] if classes != "2" else [1, 1, 1]
    for place, number in array((y - np.eye(3)[right]) / 3).items():
        assert float(derivation.values["dJ/dx"][place].value) == pytest.approx(number, rel=1e-9, abs=1e-12)
    assert derivation.passed
