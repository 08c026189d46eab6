"""Linear layers in a row, six weights by hand, operations counted, tanh, networks for letters and their loss."""

from __future__ import annotations

import random
from fractions import Fraction
from math import acosh, exp, log, sqrt, tanh
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backcalc.formula.read import read_expression

from ..derive.witness import MP, Store, value
from .commands import EXAMPLES, answer, changed, count, grad, rows
from .facts import check, fact
from .formulas import derivative, same

# -- linear layers in a row ----------------------------------------------------------------------

Matrix = list[list[int]]


def _random_matrix(source: random.Random, height: int, width: int) -> Matrix:
    return [[source.randint(-9, 9) for _ in range(width)] for _ in range(height)]


def _product(left: Matrix, right: Matrix) -> Matrix:
    return [
        [sum(a * b for a, b in zip(row, column, strict=True)) for column in zip(*right, strict=True)] for row in left
    ]


def _sum(left: Matrix, right: Matrix) -> Matrix:
    return [[a + b for a, b in zip(one, other, strict=True)] for one, other in zip(left, right, strict=True)]


@pytest.mark.parametrize("seed", range(3))
def test_linear_layers_are_one(tmp_path: Path, seed: int) -> None:
    """y = M·x + m and ∂J/∂x = Mᵀ·(y − t), exactly, with M = W3·W2·W1 and m = W3·W2·b1 + W3·b2 + b3."""
    source = random.Random(seed)
    shapes = {"f1": (5, 4), "f2": (2, 5), "y": (6, 2)}
    w1, w2, w3 = (_random_matrix(source, *shape) for shape in shapes.values())
    b1, b2, b3 = (_random_matrix(source, height, 1) for height, _ in shapes.values())
    x, t = _random_matrix(source, 4, 1), _random_matrix(source, 6, 1)
    values: dict[str, Any] = dict(zip(("W_f1", "W_f2", "W_y"), (w1, w2, w3), strict=True))
    arrays = {"b_f1": b1, "b_f2": b2, "b_y": b3, "x": x, "t": t}
    values |= {name: [row[0] for row in column] for name, column in arrays.items()}
    path = tmp_path / "net.yaml"
    path.write_text((EXAMPLES / "linear-stack.yaml").read_text(encoding="utf-8") + f"values: {values}\n", "utf-8")
    found = answer("grad", path)
    whole = _product(w3, _product(w2, w1))
    constant = _sum(_sum(_product(w3, _product(w2, b1)), _product(w3, b2)), b3)
    y = _sum(_product(whole, x), constant)
    error = _sum(y, [[-row[0]] for row in t])
    back = _product([list(column) for column in zip(*whole, strict=True)], error)
    assert [int(number) for number in found["values"]["y"]["exact"]] == [row[0] for row in y], "003.P1Q1.m"
    assert [int(number) for number in found["gradients"]["x"]["exact"]] == [row[0] for row in back], "003.P1Q1.M"
    check("003.P1Q1.rank", int(np.linalg.matrix_rank(np.array(whole))))


# -- six weights by hand -------------------------------------------------------------------------


def test_six_weights_forward() -> None:
    found = grad("six-weights")
    values = {name: found["values"][name]["decimal"] for name in ("z1", "z2", "z3", "z4", "z5", "yhat", "L")}
    check("003.P1Q2.z1", values["z1"])
    check("003.P1Q2.z2", values["z2"])
    check("003.P1Q2.z3", values["z3"])
    check("003.P1Q2.z4", values["z4"])
    check("003.P1Q2.z5", values["z5"])
    check("003.P1Q2.yhat", values["yhat"])
    check("003.P1Q2.L", values["L"])
    exact = {name: found["values"][name]["exact"] for name in ("z1", "z2", "z3")}
    assert exact == {"z1": "171/125", "z2": "-179/125", "z3": "sigmoid(171/125)"}


def test_six_weights_backward() -> None:
    found = grad("six-weights")
    adjoints = {name: row["decimal"] for name, row in found["adjoints"].items()}
    check("003.P1Q2.dL_dyhat", adjoints["yhat"])
    check("003.P1Q2.dL_dz5", adjoints["z5"])
    check("003.P1Q2.dL_dz4", adjoints["z4"])
    check("003.P1Q2.dL_dz3", adjoints["z3"])
    check("003.P1Q2.dL_dz2", adjoints["z2"])
    check("003.P1Q2.dL_dz1", adjoints["z1"])
    check("003.P1Q2.dyhat_dz5", adjoints["z5"] / adjoints["yhat"])
    check("003.P1Q2.z4(1-z4)", adjoints["z2"] / adjoints["z4"])
    gradients = [found["gradients"][f"w{i}"]["decimal"] for i in range(1, 7)]
    check("003.P1Q2.dL_dw", gradients)
    check("003.P1Q2.dL_dw3", gradients[2])


def test_six_weights_in_general() -> None:
    found = grad("six-weights")
    _, ours = derivative(found, "w3")
    assert same(ours, read_expression("x3*z4*(1 - z4)*w6*2*(yhat - y)*yhat*(1 - yhat)"))
    assert not same(ours, read_expression("x3*z4*(1 - z4)*w6*2*(y - yhat)*yhat*(1 - yhat)"))


# -- operations of a convolution and a pooling ---------------------------------------------------


def test_convolution_and_pooling() -> None:
    table = count("conv-pool-flops", "--no-bias")
    conv, pool = table["layers"]
    once = conv["flops"] // conv["activations"]
    products = conv["macs"] // conv["activations"]
    assert conv["formulas"]["flops"] == "(800 + 799)·20·6·6 = 1151280"
    check("003.P1Q3.mul_per_app", products)
    check("003.P1Q3.add_per_app", once - products)
    check("003.P1Q3.flop_per_app", once)
    check("003.P1Q3.applications", conv["activations"])
    check("003.P1Q3.conv", conv["flops"])
    check("003.P1Q3.pool", pool["flops"])
    check("003.P1Q3.total_no_bias", table["totals"]["flops"])


def test_convolution_with_biases() -> None:
    table = count("conv-pool-flops")
    check("003.P1Q3.total_with_bias_adds", table["totals"]["flops"])
    assert rows(count("conv-pool-flops", "--flops", "2mac"), "flops", "conv") == [table["layers"][0]["flops"]]
    check("003.P1Q3.bias_parameters", table["layers"][0]["biases"])
    check("003.P1Q3.weights", table["layers"][0]["weights"])
    check("003.P1Q3.params", table["totals"]["params"])
    check("003.P1Q3.macs", table["totals"]["macs"])


def test_convolution_without_the_products_of_the_padding() -> None:
    """A product for every connection inside the image, and one addition less for every output."""
    table = count("conv-pool-flops", "--no-bias", "--padding-connections", "exclude")
    products, outputs = rows(table, "connections", "conv")[0], rows(table, "activations", "conv")[0]
    assert (products, products - outputs) == (484000, 483280)
    check("003.P1Q3.skip_padding_conv", products + products - outputs)


# -- LeNet-5 -------------------------------------------------------------------------------------

LAYERS = ("conv1", "conv2", "fc1", "fc2", "fc3")


def test_lenet_on_larger_images() -> None:
    biased, bare = count("lenet-32"), count("lenet-32", "--no-bias")
    shapes = rows(biased, "output_shape", "conv1", "pool1", "conv2", "pool2")
    assert shapes == [[6, 28, 28], [6, 14, 14], [16, 10, 10], [16, 5, 5]]
    check("003.P1Q4.with_bias", rows(biased, "params", *LAYERS))
    check("003.P1Q4.total_with_bias", biased["totals"]["params"])
    check("003.P1Q4.no_bias", rows(bare, "params", *LAYERS))
    check("003.P1Q4.total_no_bias", bare["totals"]["params"])
    mixed = rows(biased, "params", *LAYERS[:2]) + rows(bare, "params", *LAYERS[2:])
    check("003.P1Q4.student_total", sum(mixed))


def test_lenet_of_1998() -> None:
    totals = answer("count", "lenet5-1998")["totals"]
    check("003.P1Q4.lecun1998_trainable", totals["params"])
    check("003.P1Q4.lecun1998_connections", totals["connections"])


# -- one neuron, tanh ----------------------------------------------------------------------------


def test_a_logistic_neuron() -> None:
    found = grad("logistic-neuron")
    _, ours = derivative(found, "x1")
    assert same(ours, read_expression(fact("003.P1Q5")))
    assert not same(ours, read_expression("w1*x1*(1 - L)"))


@pytest.mark.parametrize("x", ["-2", "-1/3", "1/7", "3"])
def test_the_derivative_of_tanh(x: str) -> None:
    """1 − y² through tanh, 4σ(2x)·(1 − σ(2x)) through the logistic function, and the quotient of exponentials."""
    stretched = grad("tanh-by-logistic")
    _, ours = derivative(stretched, "x")
    assert same(ours, read_expression("4*s*(1 - s)")) and same(ours, read_expression("1 - (2*s - 1)^2"))
    _, direct = derivative(grad("tanh-or-logistic"), "x")
    assert same(direct, read_expression("(1 - a^2) - s*(1 - s)"))
    point: Store = {"x": {(): MP.mpf(Fraction(x).numerator) / Fraction(x).denominator}}
    store: Store = point | {"s": {(): value(read_expression("sigmoid(2*x)"), {}, point)}}
    for book in fact("003.P1Q6.deriv"):
        assert abs(value(ours, {}, store) - value(read_expression(book), {}, store)) < 1e-50


def test_where_tanh_and_the_logistic_function_are_equally_steep(tmp_path: Path) -> None:
    check("003.P1Q6.crossover", 2 * acosh((1 + sqrt(3)) / 2))
    at = {x: answer("grad", changed("tanh-or-logistic", tmp_path, values=f"{{x: {x}}}")) for x in (_crossover(), 1, 3)}
    slopes = {x: found["gradients"]["x"]["decimal"] for x, found in at.items()}
    assert slopes[_crossover()] == pytest.approx(0, abs=1e-14)
    assert slopes[1] > 0 > slopes[3], "tanh is steeper on this side only"
    assert slopes[3] == pytest.approx(1 - tanh(3) ** 2 - exp(-3) / (1 + exp(-3)) ** 2, rel=1e-13)


def _crossover() -> float:
    crossover: float = fact("003.P1Q6.crossover")
    return crossover


# -- networks for letters ------------------------------------------------------------------------


def test_the_networks_for_letters(tmp_path: Path) -> None:
    found = {
        str(h): answer("count", changed("letters-mlp", tmp_path, sizes=f"{{h: {h}}}"))["totals"]["params"]
        for h in (100, 500, 1000)
    }
    found["500-500"] = count("letters-two-hidden")["totals"]["params"]
    check("003.A2.params", found)


def _twice(tmp_path: Path, probabilities: list[str]) -> Any:
    found = answer("grad", changed("softmax-twice", tmp_path, values=f"{{p: [{', '.join(probabilities)}]}}"))
    return found["loss"]


def test_a_softmax_of_a_softmax(tmp_path: Path) -> None:
    sure = ["1"] + 9 * ["0"]
    floor, ceiling = _twice(tmp_path, sure), _twice(tmp_path, sure[::-1])
    check("003.A2.loss_floor", floor["decimal"])
    check("003.A2.loss_ceiling", ceiling["decimal"])
    check("003.A2.loss_uniform", _twice(tmp_path, 10 * ["1/10"])["decimal"])
    assert floor["decimal"] == pytest.approx(log(1 + 9 / exp(1)), rel=1e-15)
    assert ceiling["exact"] == "log(9 + exp(1))"
    accuracies = {"task2": 0.8946, "task3": 0.8924, "task4": 0.884, "task5": 0.8789}
    predicted = {
        task: right * floor["decimal"] + (1 - right) * ceiling["decimal"] for task, right in accuracies.items()
    }
    check("003.A2.loss_predicted_from_acc", predicted)


def test_a_sure_and_right_answer_still_has_a_gradient() -> None:
    found = grad("softmax-twice")
    assert found["gradients"]["p"]["exact"] == ["-9/(9 + exp(1))", *9 * ["1/(9 + exp(1))"]]
