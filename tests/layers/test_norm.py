"""Norms and noise: values against NumPy, costs against the interpreter, gradients against the textbook."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from itertools import product
from math import prod
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import backcalc
from backcalc.count.interpreter import execute
from backcalc.count.table import Formula
from backcalc.formula.evaluate import evaluate
from backcalc.formula.floats import FLOATS
from backcalc.formula.infer import build_program
from backcalc.formula.print_text import to_text
from backcalc.formula.read import read_equation
from backcalc.formula.source import SourceEquation
from backcalc.layers import KINDS, Layer, Shape, ShapeError
from backcalc.net import InputError, load_network

QUICK = settings(max_examples=40, deadline=None, derandomize=True)
EPSILON = 1e-5


@st.composite
def norms(draw: Any) -> tuple[Layer, Shape]:
    kind = draw(st.sampled_from(["batchnorm", "layernorm", "groupnorm", "rmsnorm"]))
    axes = draw(st.integers(1, 3))
    shape = tuple(draw(st.integers(1, 4)) for _ in range(axes))
    if kind in ("layernorm", "rmsnorm"):
        axis = st.integers(1, axes)
        return KINDS[kind](axis=draw(axis if axes == 3 else st.none() | axis)), shape
    if kind != "groupnorm":
        return KINDS[kind](), shape
    groups = draw(st.integers(1, 3))
    shape = (groups * draw(st.integers(2, 3)), *shape[1:])
    return KINDS[kind](groups=groups), shape


def executed(layer: Layer, shape: Shape) -> tuple[Counter[str], dict[tuple[int, ...], Any]]:
    """All operations of the layer's equations, executed from x to y, and its output."""
    stated = layer.equations("y", "x", shape)
    parameters = layer.parameters("y", shape)
    shapes = {"x": shape, "y": shape, **stated.shapes, **{each.name: each.shape for each in parameters}}
    program = build_program([SourceEquation(*read_equation(line)) for line in stated.lines], shapes)
    values = {
        name: {
            place: Fraction(3 * count + 1, 7)
            for count, place in enumerate(product(*(range(1, size + 1) for size in shapes[name])))
        }
        for name in program.leaves
    }
    done = execute(program, values, biases=["beta_y"])
    return sum((each.operations for each in done.values()), Counter()), done["y"].values


@QUICK
@given(norms())
def test_costs_are_those_of_the_executed_equations(case: tuple[Layer, Shape]) -> None:
    layer, shape = case
    cost = layer.cost(shape)
    units = Formula(cost.units).value
    stated = +Counter({kind: Formula(count).value * units for kind, count in cost.operations.items()})
    operations, output = executed(layer, shape)
    assert stated == +operations
    assert len(output) == prod(layer.output_shape(shape))


@QUICK
@given(norms())
def test_parameters_are_counted_by_what_they_are(case: tuple[Layer, Shape]) -> None:
    layer, shape = case
    parameters = layer.parameters("y", shape)
    for bias in (True, False):  # beta is what stands for the bias of the layer before: it stays
        cost = layer.cost(shape, bias=bias)
        counts = Counter(dict.fromkeys(("weight", "bias"), 0))
        for parameter in parameters:
            if parameter.trainable:
                counts[parameter.role] += parameter.count
        assert (Formula(cost.weights).value, Formula(cost.biases).value) == (counts["weight"], counts["bias"])
        assert Formula(cost.params).value == counts["weight"] + counts["bias"]
        assert (cost.macs, cost.connections) == ("0", "0")


def array(value: Any) -> dict[tuple[int, ...], float]:
    return {tuple(place + 1 for place in at): float(number) for at, number in np.ndenumerate(np.asarray(value))}


def normalised(kind: str, x: np.ndarray, groups: int) -> np.ndarray:
    """What papers say, for a batch: samples on the first axis, channels on the second."""
    if kind == "groupnorm":
        flat = x.reshape(len(x), groups, -1)
        flat = (flat - flat.mean(2, keepdims=True)) / np.sqrt(flat.var(2, keepdims=True) + EPSILON)
        return flat.reshape(x.shape)
    if kind == "rmsnorm":
        return x / np.sqrt((x**2).mean(-1, keepdims=True) + EPSILON)
    over = (0, *range(2, x.ndim)) if kind == "batchnorm" else (-1,)
    return (x - x.mean(over, keepdims=True)) / np.sqrt(x.var(over, keepdims=True) + EPSILON)


@QUICK
@given(norms(), st.integers(1, 3), st.integers(0, 10**6))
def test_a_batch_is_normalised_as_in_numpy(case: tuple[Layer, Shape], samples: int, seed: int) -> None:
    layer, shape = case
    kind, groups = type(layer).kind, getattr(layer, "groups", 1)
    over = getattr(layer, "axis", None)
    fields = {"groups": groups} if kind == "groupnorm" else {"axis": over} if over else {}
    entry: dict[str, Any] = {kind: {"name": "y", **fields}}
    network = load_network({"input": {"x": list(shape)}, "batch": "N", "layers": [entry]})
    source = np.random.default_rng(seed)
    x = source.normal(size=(samples, *shape))
    by_feature = kind in ("layernorm", "rmsnorm")
    channels = shape[(over or 0) - 1] if by_feature else shape[0]
    gamma, beta = source.normal(size=(2, channels))
    values = {"x": array(x), "gamma_y": array(gamma), "beta_y": array(beta if kind != "rmsnorm" else 0 * beta)}
    found = evaluate(network.program, values, FLOATS, {"N": samples})["y"]
    x = np.moveaxis(x, over, -1) if over else x
    along = (-1,) if by_feature else (-1, *(1 for _ in shape[1:]))
    expected = gamma.reshape(along) * normalised(kind, x, groups)
    if kind != "rmsnorm":
        expected = expected + beta.reshape(along)
    expected = np.moveaxis(expected, -1, over) if over else expected
    for place, number in array(expected).items():
        assert found[place] == pytest.approx(number, rel=1e-9, abs=1e-9)


def test_one_sample_is_normalised_with_running_statistics() -> None:
    network = load_network("input: {x: [2, 2]}\nlayers: [batchnorm: {name: y, epsilon: 0}]\n")
    values = {"x": [[1, 2], [3, 5]], "mean_y": [1, 3], "var_y": [4, 9], "gamma_y": [2, 3], "beta_y": [0, 1]}
    found = evaluate(network.program, {name: array(value) for name, value in values.items()}, FLOATS)["y"]
    assert found == {(1, 1): 0.0, (1, 2): 1.0, (2, 1): 1.0, (2, 2): 3.0}
    assert network.parameters == ("gamma_y", "beta_y")


def test_running_statistics_are_not_trainable() -> None:
    table = backcalc.count("input: {x: [6, 4, 4]}\nlayers: [batchnorm, dropout: 0.5, groupnorm: 3]\n")
    first, second, third = table.rows
    assert (first.params, first.non_trainable, first.flops) == (12, 12, 6 * (17 + 1 + 16 + 16 + 16))
    assert (second.params, second.flops) == (0, 0)
    assert (third.params, third.non_trainable) == (12, 0)
    assert "12 running statistics: no gradient changes them" in first.notes


# -- gradients -----------------------------------------------------------------------------------


def test_batch_norm_with_symbolic_n() -> None:
    """dJ/dgamma_j = sum over n of delta[n,j]*hat[n,j], dJ/dbeta_j = sum over n of delta[n,j]."""
    text = (
        "input: 3\nbatch: N\nlayers:\n  - dense: {name: a, units: 2}\n  - batchnorm: {name: s}\n"
        "  - sigmoid: {name: y}\nloss: {sse: {factor: 1/2, over: sum}}\nfind: [gamma_s, beta_s, a]\n"
    )
    derivation = backcalc.grad(text, view="index")
    formulas = {gradient.asked: to_text(gradient.formula) for gradient in derivation.gradients}
    assert formulas["gamma_s"] == "sum(n=1..N, dJ/ds[n,i]*hat_s[n,i])"
    assert formulas["beta_s"] == "sum(n=1..N, dJ/ds[n,i])"
    assert derivation.passed


NORMS = {
    "batchnorm": "3",
    "batchnorm: {epsilon: 0.1}": "{x: [2, 2, 3]}",
    "layernorm": "3",
    "layernorm: 1/100": "{x: [2, 3]}",
    "groupnorm: 2": "{x: [4, 3]}",
    "groupnorm: 1": "{x: [2, 2, 3]}",
    "rmsnorm": "3",
    "rmsnorm: {epsilon: 1}": "{x: [2, 3]}",
    "dropout: 0.2": "4",
    "gaussian_noise: 0.1": "4",
}


@pytest.mark.parametrize("layer", NORMS)
@pytest.mark.parametrize("batch", ["", "batch: N\n", "batch: 2\n"])
def test_gradients_are_verified(layer: str, batch: str) -> None:
    text = f"input: {NORMS[layer]}\n{batch}layers: [tanh: {{name: h}}, {layer}]\nloss: sse\nfind: [x, h]\n"
    derivation = backcalc.grad(text, view="index")
    assert derivation.passed, [str(check) for check in derivation.verified]


@pytest.mark.parametrize("samples", [2, 3])
def test_the_input_gradient_of_batch_norm_has_three_terms(samples: int) -> None:
    """dx = gamma/(N*s)*(N*dy - sum(dy) - hat*sum(dy*hat)) (Ioffe and Szegedy 2015, section 3), in NumPy."""
    source = np.random.default_rng(samples)
    x, t = source.integers(-3, 4, (2, samples, 3)) / 2 + source.integers(0, 2, (samples, 3)) / 4
    network = {
        "input": 3,
        "batch": "N",
        "layers": [{"batchnorm": {"name": "y"}}],
        "loss": {"sse": {"factor": "1/2", "over": "sum"}},
        "values": {"x": x, "t": t, "gamma_y": [1, 2, -1], "beta_y": 0.5},
        "find": ["x"],
    }
    derivation = backcalc.grad(network, view="index")
    gamma, deviation = np.array([1, 2, -1]), np.sqrt(x.var(0) + EPSILON)
    hat = (x - x.mean(0)) / deviation
    dy = gamma * hat + 0.5 - t
    dx = gamma / (samples * deviation) * (samples * dy - dy.sum(0) - hat * (dy * hat).sum(0))
    assert derivation.passed
    for place, number in array(dx).items():
        assert float(derivation.values["dJ/dx"][place].value) == pytest.approx(number, rel=1e-9, abs=1e-9)


# -- what is given, and what is wrong ------------------------------------------------------------


def test_noise_is_given_per_sample_and_absent_for_one() -> None:
    text = "input: 2\nlayers: [dropout: {name: d, rate: 0.5}, gaussian_noise: {name: y, std: 0.1}]\n"
    values = "batch: N\nvalues: {x: [[1, 2], [3, 4]], mask_d: [[1, 0], [0, 1]], noise_y: [[1, -1], [2, 0]]}\n"
    training = load_network(text + values)
    numbers = {name: array(np.array(value, dtype=float)) for name, value in training.values.items()}
    found = evaluate(training.program, numbers, FLOATS)
    assert found["d"] == {(1, 1): 2.0, (1, 2): 0.0, (2, 1): 0.0, (2, 2): 8.0}
    assert found["y"] == pytest.approx({(1, 1): 2.1, (1, 2): -0.1, (2, 1): 0.2, (2, 2): 8.0})
    single = load_network(text)
    assert evaluate(single.program, {"x": array([1, 2])}, FLOATS)["y"] == {(1,): 1.0, (2,): 2.0}


@pytest.mark.parametrize(
    ("kind", "fields", "shape", "message"),
    [
        (
            "layernorm",
            {},
            (2, 3, 3),
            "layernorm works on a vector [features] or on [time, features], but got [2, 3, 3]; "
            "`groupnorm: 1` normalises all channels of a map together, `axis: 1` the channels of each place",
        ),
        ("rmsnorm", {"axis": 3}, (2, 3), "rmsnorm is over axis 3, but its input [2, 3] has 2"),
        ("groupnorm", {"groups": 2}, (3, 4), "3 channels of [3, 4] are not divisible into 2 groups"),
        ("groupnorm", {"groups": 3}, (3,), "3 groups of [3] hold one number each, which has no spread"),
    ],
)
def test_shapes_that_do_not_fit(kind: str, fields: dict[str, Any], shape: Shape, message: str) -> None:
    with pytest.raises(ShapeError) as error:
        KINDS[kind](**fields).output_shape(shape)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ("dropout: 1", "`rate`: expected a number from 0 to less than 1, got `1`"),
        ("dropout: -1/2", "`rate`: expected a number from 0 to less than 1, got `-1/2`"),
        ("gaussian_noise: -1", "`std`: expected a number from 0, got `-1`"),
        ("batchnorm: {epsilon: x}", "`epsilon`: expected a number, as 2, 0.5 or 17/6, got `x`"),
    ],
)
def test_arguments_that_do_not_fit(layer: str, message: str) -> None:
    with pytest.raises(InputError) as error:
        load_network(f"input: 3\nlayers: [{layer}]\n")
    assert [problem.message for problem in error.value.problems] == [message]


def test_statistics_of_a_batch_take_no_values() -> None:
    text = "input: 3\nbatch: N\nlayers: [batchnorm: {name: s}]\nvalues: {var_s: 1, mu_s: 0}\n"
    with pytest.raises(InputError) as error:
        load_network(text)
    assert [problem.message for problem in error.value.problems] == [
        "`var_s` takes no value: the network computes it",
        "`mu_s` takes no value: the network computes it",
    ]
