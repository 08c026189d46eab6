"""A shared kernel, LeNet-5 counted, batch normalisation in three places, networks for iris."""

from __future__ import annotations

import random
from math import e, exp
from pathlib import Path
from typing import Any

import pytest

from backcalc.formula.read import read_expression
from backcalc.formula.tree import Add, Div

from ..derive.witness import MP, Store, value
from .commands import EXAMPLES, answer, changed, count, grad, rows
from .facts import check, fact
from .formulas import agree, at_numbers, closed, derivative, number, numbers, read, same

# -- a shared kernel -----------------------------------------------------------------------------


def test_the_shared_kernel() -> None:
    found = grad("shared-kernel", "--wrt", "w1,w2,w3,w4,w5,w6")
    check("000.Q1.p", found["values"]["q"]["decimal"])
    check("000.Q1.z", found["values"]["z"]["decimal"])
    check("000.Q1.y", found["values"]["y"]["decimal"])
    check("000.Q1.J", found["loss"]["decimal"])
    check("000.Q1.dJ_dy", found["adjoints"]["y"]["decimal"])
    check("000.Q1.dJ_dz", found["adjoints"]["z"]["decimal"])
    check("000.Q1.dJ_dq", found["adjoints"]["h"]["decimal"])
    check("000.Q1.dJ_dw", [found["gradients"][f"w{i}"]["decimal"] for i in range(1, 7)])
    check("000.Q1.delta_w1", found["updates"]["w1"]["delta"]["decimal"])


def test_the_softmax_of_the_shared_kernel(tmp_path: Path) -> None:
    rows = []
    for output in ("y1", "y2"):
        text = (EXAMPLES / "shared-kernel-equations.yaml").read_text(encoding="utf-8")
        assert text.count("J = -log(y1)") == 1
        path = tmp_path / f"{output}.yaml"
        path.write_text(text.replace("J = -log(y1)", f"J = {output}"), encoding="utf-8")
        found = answer("grad", path)
        rows.append([found["adjoints"][f"z{i}"]["decimal"] for i in (1, 2)])
    check("000.Q1.softmax_jacobian", rows)


@pytest.mark.parametrize(
    ("key", "weights", "formula"),
    [
        ("000.Q1.variant_w5_half.dJ_dw1", {"w5": "1/2"}, -exp(-3 / 4) / (4 * (1 + exp(-3 / 4)))),
        ("000.Q1.variant_w3_2_w6_-1.dJ_dw1", {"w3": "2", "w6": "-1"}, -5 / (2 * (1 + exp(5 / 2)))),
    ],
)
def test_the_shared_kernel_with_other_weights(
    tmp_path: Path, key: str, weights: dict[str, str], formula: float
) -> None:
    given = ", ".join(f"{name}: {number}" for name, number in ({f"w{i}": "1" for i in range(1, 7)} | weights).items())
    found = answer("grad", changed("shared-kernel", tmp_path, values=f"{{x: [0.5, 1, -0.5], {given}}}"))
    check(key, found["gradients"]["w1"]["decimal"])
    assert found["gradients"]["w1"]["decimal"] == pytest.approx(formula, rel=1e-14)


# -- LeNet-5 -------------------------------------------------------------------------------------

LAYERS = ("conv1", "pool1", "conv2", "pool2", "fc1", "fc2", "fc3")
WEIGHED = ("conv1", "conv2", "fc1", "fc2", "fc3")


def test_lenet_without_biases() -> None:
    own, built_in = count("lenet-without-biases"), answer("count", "lenet5", "--no-bias")
    for found in (own, built_in):
        check("000.Q2.weights", rows(found, "weights", *LAYERS))
        check("000.Q2.weights_total", found["totals"]["params"])
        check("000.Q2.connections_total_conv_fc", found["totals"]["connections"])


def test_lenet_with_pooling_connections() -> None:
    found = count("lenet-without-biases", "--pooling-connections")
    check("000.Q2.connections", rows(found, "connections", *LAYERS))
    check("000.Q2.connections_total_incl_pool", found["totals"]["connections"])


def test_lenet_without_padding_connections() -> None:
    found = count("lenet-without-biases", "--padding-connections", "exclude")
    check("000.Q2.conv1_connections_excl_padding", rows(found, "connections", "conv1")[0])


def test_lenet_with_biases() -> None:
    found = answer("count", "lenet5")
    check("000.Q2.with_bias_params", found["totals"]["params"])
    check("000.Q5.params", rows(found, "params", *WEIGHED))
    check("000.Q5.params_total", found["totals"]["params"])


def test_lenet_with_a_connection_table() -> None:
    found = count("lenet-connection-table")
    check("000.Q2.C3_1998_table_no_bias", rows(found, "params", "conv2")[0])
    assert rows(found, "connections", "conv2") == [100 * 1500]


def test_modern_layers_around_the_table_of_1998(tmp_path: Path) -> None:
    """A mixture that adds up two ways of counting: the table with its biases, and one weight for each pooled map."""
    text = (EXAMPLES / "lenet-connection-table.yaml").read_text(encoding="utf-8")
    assert text.count("\n      bias: false\n") == 1
    path = tmp_path / "net.yaml"
    path.write_text(text.replace("\n      bias: false\n", "\n"), encoding="utf-8")
    found = answer("count", path, "--pooling-connections")
    pooled_maps = sum(shape[0] for shape in rows(found, "output_shape", "pool1", "pool2"))
    check("000.Q2.student_sum_weights", found["totals"]["params"] + pooled_maps)
    check("000.Q2.student_sum_connections", found["totals"]["connections"])


# -- batch normalisation -------------------------------------------------------------------------

# The factor of the loss as the file has it, and c = 2·factor, which is what stands before the derivatives.
FACTORS = {"1/2": "1", "1": "2", "1/(2*N)": "(1/N)", "1/N": "(2/N)"}

# Where the normalised numbers go, and the error that comes back to them.
READINGS = {
    "batch-norm": ("ahat", "(y[i,j] - d[i,j])*y[i,j]*(1 - y[i,j])"),
    "batch-norm-hidden": ("uh", "sum(k=1..K, (y[i,k] - d[i,k])*y[i,k]*(1 - y[i,k])*w[k,j])*h[i,j]*(1 - h[i,j])"),
    "batch-norm-one-to-one": ("uh", "(y[i,j] - d[i,j])*w[j]*h[i,j]*(1 - h[i,j])"),
}
N, K = 3, 4
M = {"batch-norm": 2, "batch-norm-hidden": 5, "batch-norm-one-to-one": 5}


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("net", READINGS)
def test_batch_norm_in_general(tmp_path: Path, net: str, factor: str) -> None:
    text = (EXAMPLES / f"{net}.yaml").read_text(encoding="utf-8")
    assert text.count(" = 1/2*sum(i=1..N") == 1
    path = tmp_path / "net.yaml"
    path.write_text(text.replace(" = 1/2*sum(i=1..N", f" = {factor}*sum(i=1..N"), encoding="utf-8")
    found = answer("grad", path)
    hat, delta = READINGS[net]
    source, width = random.Random(net), M[net]
    outputs = K if net == "batch-norm-hidden" else width
    store: Store = {"N": number(N), "K": number(K), "J2": number(width), "m": number(width)}
    store |= {hat: numbers(source, N, width), "h": numbers(source, N, width)}
    store |= {name: numbers(source, N, outputs) for name in ("y", "d")}
    store |= {"w": numbers(source, K, width) if net == "batch-norm-hidden" else numbers(source, width)}
    for name, key in (("gamma", "000.Q3.dgamma"), ("beta", "000.Q3.dbeta")):
        book = read_expression(fact(key).format(c=FACTORS[factor], delta=delta, hat=hat))
        indices, ours = derivative(found, name)
        assert indices == ("j",)
        assert same(ours, book), f"∂J/∂{name} is {found['gradients'][name]['formula']}"
        assert agree(*(at_numbers(each, indices, (width,), store) for each in (ours, book)))
        assert found["updates"][name]["formula"] == f"{name}[j] - eta*dJ/d{name}[j]"
    assert all(one["passed"] for one in found["verified"])


def test_a_wrong_formula_of_batch_norm_is_not_taken_for_ours() -> None:
    found = grad("batch-norm")
    _, ours = derivative(found, "gamma")
    right = fact("000.Q3.dgamma").format(c="1", delta=READINGS["batch-norm"][1], hat="ahat")
    wrong = [right.replace("*(1 - y[i,j])", ""), right.replace("ahat[i,j]", "a[i,j]"), f"2*{right}", f"-{right}"]
    assert same(ours, read_expression(right)) and not any(same(ours, read_expression(book)) for book in wrong)


def test_batch_norm_back_to_its_input() -> None:
    """∂J/∂x of Ioffe and Szegedy 2015, in the form N·g − Σg − x̂·Σ(g·x̂), with another evaluator's forward pass."""
    found = grad("batch-norm-input")
    indices, ours = derivative(found, "x")
    assert indices == ("i", "j")
    source, width = random.Random(7), 2
    store: Store = {"N": number(N), "J2": number(width), "eps": {(): MP.mpf(1) / 8}}
    store |= {"x": numbers(source, N, width), "g": numbers(source, N, width), "gamma": numbers(source, width)}
    forward = {
        "mu": (("j",), "1/N*sum(i=1..N, x[i,j])"),
        "var": (("j",), "1/N*sum(i=1..N, (x[i,j] - mu[j])^2)"),
        "xh": (("i", "j"), "(x[i,j] - mu[j])/sqrt(var[j] + eps)"),
    }
    for name, (places, text) in forward.items():
        store[name] = at_numbers(read_expression(text), places, {1: (width,), 2: (N, width)}[len(places)], store)
    inner = "N*g[i,j] - sum(k=1..N, g[k,j]) - xh[i,j]*sum(k=1..N, g[k,j]*xh[k,j])"
    book = read_expression(f"gamma[j]/(N*sqrt(var[j] + eps))*({inner})")
    assert agree(*(at_numbers(each, indices, (N, width), store) for each in (ours, book)))
    three_terms = read(found, found["gradients"]["x"]["formula"])
    assert isinstance(three_terms, Div) and isinstance(three_terms.numerator, Add)
    assert len(three_terms.numerator.terms) == 3


def _two_samples(tmp_path: Path, loss: str, targets: str = "[[0], [1]]") -> dict[str, Any]:
    values = f"{{u: [[-1], [1]], d: {targets}, gamma_v: 1, beta_v: 0}}"
    return answer("grad", changed("batch-norm-numbers", tmp_path, loss=loss, values=values))


@pytest.mark.parametrize(
    ("key", "factor", "over", "multiple"),
    [
        ("000.Q3.mini.dgamma_1over2N", "1/2", "mean", 1),
        ("000.Q3.mini.dgamma_1overN_or_half", "1", "mean", 2),
        ("000.Q3.mini.dgamma_1overN_or_half", "1/2", "sum", 2),
        ("000.Q3.mini.dgamma_sum", "1", "sum", 4),
    ],
)
def test_batch_norm_of_two_samples(tmp_path: Path, key: str, factor: str, over: str, multiple: int) -> None:
    found = _two_samples(tmp_path, f"{{mse: {{name: J, target: d, factor: {factor}, over: {over}}}}}")
    gamma, beta = (found["gradients"][f"{name}_v"] for name in ("gamma", "beta"))
    check(key, gamma["decimal"][0])
    assert float(value(read_expression(gamma["exact"][0]), {}, {})) == pytest.approx(-multiple * e / (1 + e) ** 3)
    check("000.Q3.mini.dbeta", round(beta["decimal"][0], 50))  # σ(−1) and 1 − σ(1) cancel
    assert found["updates"]["gamma_v"]["new"]["decimal"] == pytest.approx([1 - fact(key) / 10], abs=1e-12)


def test_batch_norm_of_two_samples_with_equal_targets(tmp_path: Path) -> None:
    found = _two_samples(tmp_path, "{mse: {name: J, target: d, factor: 1/2}}", "[[0], [0]]")
    ours = [found["gradients"][f"{name}_v"]["decimal"][0] for name in ("gamma", "beta")]
    check("000.Q3.mini_d00.dgamma_dbeta_1over2N", ours)


def test_the_numbers_of_the_example_follow_from_the_general_formula() -> None:
    """The same two samples through the formula of the general derivation with N = 2."""
    found = grad("batch-norm-numbers")
    gamma = found["gradients"]["gamma_v"]
    forward = {name: found["values"][name]["decimal"] for name in ("y", "d", "hat_v")}
    store: Store = {
        name: {(n, 1): MP.mpf(row[0]) for n, row in enumerate(array, start=1)} for name, array in forward.items()
    }
    ours = value(closed(found, gamma["formula"]), {"i": 1}, store)
    assert float(ours) == pytest.approx(fact("000.Q3.mini.dgamma_1over2N"), abs=1e-12)


# -- networks for iris ---------------------------------------------------------------------------


def test_iris_widths(tmp_path: Path) -> None:
    found: dict[str, list[int]] = {"iris-one-hidden": [], "iris-two-hidden": []}
    for u in range(10, 101, 10):
        for net, totals in found.items():
            totals.append(answer("count", changed(net, tmp_path, sizes=f"{{u: {u}}}"))["totals"]["params"])
    check("000.Q4.params_u", found["iris-two-hidden"])
    check("000.Q4.params_u_one_hidden", found["iris-one-hidden"])
    assert found["iris-two-hidden"] == [u**2 + 9 * u + 3 for u in range(10, 101, 10)]
    assert found["iris-one-hidden"] == [8 * u + 3 for u in range(10, 101, 10)]
