"""Folding: random networks against a forward pass written here in NumPy, the formulas, the examples, the command."""

from __future__ import annotations

import json
from collections.abc import Mapping
from fractions import Fraction
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

import backcalc
from backcalc.cli.program import cli
from backcalc.formula.print_text import to_text
from backcalc.layers.activation import Linear, Relu
from backcalc.layers.conv import Conv2d
from backcalc.layers.dense import Dense
from backcalc.layers.norm import BatchNorm
from backcalc.layers.normalise import Normalise
from backcalc.layers.shape import Flatten
from backcalc.net import Network, load_network
from backcalc.transform import Folding, fold
from backcalc.transform.chain import Chain
from backcalc.transform.equal import numeric, symbolic, together
from backcalc.transform.rules import plan

EXAMPLES = Path(__file__).parents[2] / "examples"
CALM = [HealthCheck.too_slow]
Array = np.ndarray[Any, np.dtype[np.float64]]

# -- a forward pass of its own ---------------------------------------------------------------------


def array(value: Any) -> Array:
    return np.array(_floats(value), dtype=float)


def _floats(value: Any) -> Any:
    return [_floats(item) for item in value] if isinstance(value, tuple) else float(value)


def answer(network: Network, x: Array) -> Array:
    """What a network of a few kinds of layers answers, one after the other, with the values of its file."""
    values = {name: array(value) for name, value in network.values.items()}
    for node in network.nodes:
        x = _layer(node.layer, [parameter.name for parameter in node.parameters], values, x)
    return x


def _layer(layer: object, names: list[str], values: Mapping[str, Array], x: Array) -> Array:
    rest = (1,) * (x.ndim - 1)
    match layer:
        case Dense():
            z = x @ values[names[0]].T
            return z + values[names[1]] if layer.bias else z
        case Conv2d():
            z = _convolved(x, values[names[0]], 1 if layer.padding == "same" else 0, layer.groups)
            return z + values[names[1]].reshape(-1, 1, 1) if layer.bias else z
        case BatchNorm():
            gamma, beta, mean, var = (values[name].reshape(-1, *rest) for name in names)
            return gamma * (x - mean) / np.sqrt(var + float(layer.epsilon)) + beta
        case Normalise():
            mean, std = (array(given) for given in (layer.mean, layer.std))
            return (x - mean.reshape(-1, *rest)) / std.reshape(-1, *rest)
        case Relu():
            return np.maximum(x, 0)
        case Linear():
            return x
        case Flatten():
            return x.reshape(-1)
    raise AssertionError(layer)


def _convolved(x: Array, kernels: Array, padding: int, groups: int) -> Array:
    x = np.pad(x, ((0, 0), (padding, padding), (padding, padding)))
    filters, depth, height, width = kernels.shape
    out = np.zeros((filters, x.shape[1] - height + 1, x.shape[2] - width + 1))
    for f, i, j in product(*map(range, out.shape)):
        first = f // (filters // groups) * depth
        out[f, i, j] = np.sum(x[first : first + depth, i : i + height, j : j + width] * kernels[f])
    return out


# -- random networks -------------------------------------------------------------------------------

numbers = st.integers(-12, 12).map(lambda n: Fraction(n, 5))
squares = st.sampled_from([Fraction(1, 4), Fraction(1), Fraction(9, 4), Fraction(2), Fraction(1, 3)])


@st.composite
def dense_networks(draw: st.DrawFn) -> dict[str, Any]:
    """Up to six layers of dense, batchnorm, linear and relu behind an input that may be normalised."""
    width = draw(st.integers(1, 4))
    net: dict[str, Any] = {"input": {"x": width}, "layers": [], "values": {}}
    if draw(st.booleans()):
        mean, std = (draw(st.lists(each, min_size=width, max_size=width)) for each in (numbers, squares))
        net["layers"].append({"normalise": {"mean": mean, "std": std}})
    for place in range(draw(st.integers(1, 6))):
        kind = draw(st.sampled_from(["dense", "dense", "dense", "batchnorm", "linear", "relu"]))
        name = f"l{place}"
        if kind == "dense":
            units, bias = draw(st.integers(1, 4)), draw(st.booleans())
            net["layers"].append({"dense": {"name": name, "units": units, "bias": bias}})
            net["values"][f"W_{name}"] = [[draw(numbers) for _ in range(width)] for _ in range(units)]
            if bias:
                net["values"][f"b_{name}"] = [draw(numbers) for _ in range(units)]
            width = units
        elif kind == "batchnorm":
            net["layers"].append({"batchnorm": {"name": name, "epsilon": 0}})
            for word, each in (("gamma", numbers), ("beta", numbers), ("mean", numbers), ("var", squares)):
                net["values"][f"{word}_{name}"] = [draw(each) for _ in range(width)]
        else:
            net["layers"].append({kind: {"name": name}})
    return net


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=CALM)
@given(dense_networks(), st.lists(numbers, min_size=4, max_size=4))
def test_random_dense_networks_answer_the_same(net: dict[str, Any], x: list[Fraction]) -> None:
    network = load_network(net)
    folding = fold(network)
    note(folding.text)
    assert folding.passed
    point = np.array([float(number) for number in x[: network.inputs["x"][0]]])
    before, after = answer(network, point), answer(load_network(folding.text), point)
    assert np.allclose(before, after, rtol=1e-10, atol=1e-10)
    assert not _foldable(folding)


def _foldable(folding: Folding) -> bool:
    """Whether two dense layers still stand one behind the other, or a norm beside a dense layer."""
    kinds = [type(node.layer).kind for node in folding.network.nodes]
    left = {("dense", "dense"), ("dense", "batchnorm"), ("batchnorm", "dense"), ("normalise", "dense")}
    return any(pair in left for pair in pairwise(kinds))


@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=CALM)
@given(st.sampled_from(["same", "valid"]), st.sampled_from([1, 2]), st.booleans(), st.booleans(), st.data())
def test_random_convolutions_answer_the_same(
    padding: str, groups: int, bias: bool, before: bool, data: st.DataObject
) -> None:
    norm = [{"batchnorm": {"name": "n"}}]
    layers: list[Any] = [{"conv2d": {"name": "c", "filters": 4, "kernel": 3, "padding": padding, "groups": groups}}]
    layers[0]["conv2d"]["bias"] = bias
    net: dict[str, Any] = {"input": {"x": [2, 4, 5]}, "layers": norm + layers if before else layers + norm}
    net["values"] = {
        parameter.name: _drawn(data, parameter.shape, squares if parameter.name.startswith("var") else numbers)
        for node in load_network(net).nodes
        for parameter in node.parameters
    }
    network = load_network(net)
    folding = fold(network)
    assert folding.passed
    assert bool(folding.folds) is not (before and padding == "same")
    x = np.random.default_rng(3).normal(size=(2, 4, 5))
    assert np.allclose(answer(network, x), answer(load_network(folding.text), x), rtol=1e-10, atol=1e-10)


def _correlated(x: Array, kernels: Array, groups: int) -> Array:
    """A convolution without padding over any number of axes, window by window."""
    filters, depth, *taps = kernels.shape
    sizes = [extent - tap + 1 for extent, tap in zip(x.shape[1:], taps, strict=True)]
    out = np.zeros((filters, *sizes))
    for f, *place in product(range(filters), *map(range, sizes)):
        first = f // (filters // groups) * depth
        window = tuple(slice(start, start + tap) for start, tap in zip(place, taps, strict=True))
        out[(f, *place)] = np.sum(x[(slice(first, first + depth), *window)] * kernels[f])
    return out


def _landed(x: Array, kernels: Array, stride: int) -> Array:
    """A transposed convolution: every input cell lands, times the window, on the output."""
    channels, filters, *taps = kernels.shape
    out = np.zeros((filters, *((n - 1) * stride + tap for n, tap in zip(x.shape[1:], taps, strict=True))))
    for c, *place in product(range(channels), *map(range, x.shape[1:])):
        window = tuple(slice(at * stride, at * stride + tap) for at, tap in zip(place, taps, strict=True))
        out[(slice(None), *window)] += x[(c, *place)] * kernels[c]
    return out


def _normed(z: Array, values: Mapping[str, Array], name: str, epsilon: float) -> Array:
    gamma, beta, mean, var = (values[f"{word}_{name}"].reshape(-1, *(1,) * (z.ndim - 1)) for word in
                              ("gamma", "beta", "mean", "var"))  # fmt: skip
    return gamma * (z - mean) / np.sqrt(var + epsilon) + beta


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=CALM)
@given(st.sampled_from(["conv1d", "conv3d", "depthwise", "transposed 1", "transposed 2"]), st.booleans(), st.data())
def test_norms_behind_convolutions_of_every_kind_answer_the_same(kind: str, bias: bool, data: st.DataObject) -> None:
    name, shape, more = {
        "conv1d": ("conv1d", [2, 6], {"kernel": 3}),
        "conv3d": ("conv3d", [1, 3, 3, 3], {"kernel": 2}),
        "depthwise": ("conv2d", [4, 4, 4], {"kernel": 2, "groups": 4}),
        "transposed 1": ("conv_transpose1d", [2, 4], {"kernel": 3, "stride": 2}),
        "transposed 2": ("conv_transpose2d", [2, 3, 3], {"kernel": 2, "stride": 2}),
    }[kind]
    layers: list[Any] = [{name: {"name": "c", "filters": 4, "bias": bias, **more}}, {"dropout": 0.5},
                         {"batchnorm": {"name": "n"}}]  # fmt: skip
    net: dict[str, Any] = {"input": {"x": shape}, "layers": layers}
    net["values"] = {
        parameter.name: _drawn(data, parameter.shape, squares if parameter.name.startswith("var") else numbers)
        for node in load_network(net).nodes
        for parameter in node.parameters
    }
    folding = fold(load_network(net))
    assert folding.passed and [each.rule for each in folding.folds] == ["norm behind"]
    x = np.random.default_rng(4).normal(size=shape)
    old, new = (
        {n: array(v) for n, v in each.values.items()} for each in (load_network(net), load_network(folding.text))
    )

    def answered(values: Mapping[str, Array], weights: str, biases: str) -> Array:
        if kind.startswith("transposed"):
            z = _landed(x, values[weights], more["stride"])
        else:
            z = _correlated(x, values[weights], more.get("groups", 1))
        return z + values[biases].reshape(-1, *(1,) * (z.ndim - 1)) if biases in values else z

    before = _normed(answered(old, "W_c", "b_c"), old, "n", 1e-5)
    assert np.allclose(before, answered(new, "W_n_folded", "b_n_folded"), rtol=1e-10, atol=1e-10)


def test_what_hands_on_its_input_after_training_is_looked_through() -> None:
    layers = [{"dense": 4}, {"dropout": "1/2"}, "flatten", {"gaussian_noise": 1}, "linear", {"dense": 2}]
    folding = backcalc.fold({"input": 3, "layers": layers})
    assert folding.passed
    assert [node.name for node in folding.network.nodes] == ["dense_2"]
    assert folding.notes[0] == "dropout_1 hands on what it gets after training and is left out"
    assert folding.notes[1] == "flatten_1 hands on what it gets and is left out"


def test_flatten_of_an_image_and_pooling_stay() -> None:
    layers = [{"conv2d": {"filters": 2, "kernel": 2}}, {"avgpool2d": 2}, "flatten", {"dense": 2}]
    folding = backcalc.fold({"input": {"x": [1, 5, 5]}, "layers": layers})
    assert not folding.folds and len(folding.network.nodes) == 4


def _pooled(x: Array, size: int) -> Array:
    """Means over windows that lie side by side."""
    out = np.zeros((x.shape[0], *(extent // size for extent in x.shape[1:])))
    for place in np.ndindex(out.shape[1:]):
        window = tuple(slice(at * size, (at + 1) * size) for at in place)
        out[(slice(None), *place)] = x[(slice(None), *window)].mean(axis=tuple(range(1, x.ndim)))
    return out


@pytest.mark.parametrize("kind", ["conv1d", "conv2d", "transposed", "global"])
@pytest.mark.parametrize("bias", [True, False])
def test_norms_go_through_average_pooling(kind: str, bias: bool) -> None:
    name, shape = {"conv1d": ("conv1d", [2, 7]), "transposed": ("conv_transpose2d", [2, 3, 3])}.get(
        kind, ("conv2d", [2, 5, 5])
    )
    pool: Any = "global_avgpool" if kind == "global" else {f"avgpool{len(shape) - 1}d": {"name": "p", "size": 2}}
    layers: list[Any] = [{name: {"name": "c", "filters": 3, "kernel": 2, "bias": bias}}, pool,
                         {"batchnorm": {"name": "n"}}]  # fmt: skip
    net = _with_values({"input": {"x": shape}, "layers": layers}, 3)
    folding = fold(load_network(net))
    assert folding.passed and [(each.rule, each.first, each.second) for each in folding.folds] == [
        ("norm behind", "c", "n")
    ]
    assert [node.name for node in folding.network.nodes] == ["c", "n"]
    assert all(check.max_error is not None for each in folding.folds for check in each.checks)
    x = np.random.default_rng(5).normal(size=shape)
    found = []
    for read, weights, biases in ((load_network(net), "W_c", "b_c"), (load_network(folding.text), *FOLDED)):
        values = {n: array(v) for n, v in read.values.items()}
        z = (_landed if kind == "transposed" else _correlated)(x, values[weights], 1)
        z += values[biases].reshape(-1, *(1,) * (z.ndim - 1)) if biases in values else 0
        z = z.mean(axis=(1, 2)) if kind == "global" else _pooled(z, 2)
        found.append(_normed(z, values, "n", 1e-5) if "gamma_n" in values else z)
    assert np.allclose(found[0], found[1], rtol=1e-10, atol=1e-10)


FOLDED = ("W_n_folded", "b_n_folded")


@pytest.mark.parametrize("pool", [{"size": 2, "padding": 1}, {"size": 2, "ceil": True}])
def test_norms_do_not_go_through_pooling_that_pads_or_is_cut_off(pool: dict[str, Any]) -> None:
    layers = [{"conv2d": {"filters": 2, "kernel": 2}}, {"avgpool2d": {"name": "p", **pool}}, "batchnorm"]
    folding = backcalc.fold({"input": {"x": [1, 6, 6]}, "layers": layers})
    assert not folding.folds
    assert "p before it averages over padding or over windows that are cut off" in folding.notes[0]


@pytest.mark.parametrize("fixed", [True, False])
@pytest.mark.parametrize("bias", [True, False])
def test_norms_go_through_flatten(fixed: bool, bias: bool) -> None:
    norm = {"normalise": {"mean": ["1/2", 2], "std": ["3/2", "1/4"]}} if fixed else {"batchnorm": {"name": "n"}}
    layers = [norm, "flatten", {"dense": {"name": "y", "units": 3, "bias": bias}}]
    net = _with_values({"input": {"x": [2, 2, 3]}, "layers": layers}, 3)
    network = load_network(net)
    folding = fold(network)
    assert folding.passed and [each.rule for each in folding.folds] == ["norm before"]
    assert [type(node.layer) for node in folding.network.nodes] == [Flatten, Dense]
    assert all(check.max_error is not None for each in folding.folds for check in each.checks)
    x = np.random.default_rng(6).normal(size=(2, 2, 3))
    assert np.allclose(answer(network, x), answer(load_network(folding.text), x), rtol=1e-10, atol=1e-10)


def test_a_transposed_convolution_in_groups_is_refused_with_the_reason() -> None:
    layers = [{"conv_transpose2d": {"name": "c", "filters": 4, "kernel": 2, "groups": 2}}, "batchnorm"]
    folding = backcalc.fold({"input": {"x": [4, 3, 3]}, "layers": layers})
    assert not folding.folds
    assert "c before it is a transposed convolution in groups" in folding.notes[0]


def _with_values(net: dict[str, Any], seed: int) -> dict[str, Any]:
    """The network with a value for every parameter."""
    source = np.random.default_rng(seed)

    def drawn(name: str, shape: tuple[int, ...]) -> Any:
        lowest = 1 if name.startswith("var") else -9
        return (source.integers(lowest, 10, size=shape) / 4).tolist()

    parameters = [parameter for node in load_network(net).nodes for parameter in node.parameters]
    return net | {"values": {each.name: drawn(each.name, each.shape) for each in parameters}}


def _drawn(data: st.DataObject, shape: tuple[int, ...], each: st.SearchStrategy[Fraction]) -> Any:
    if not shape:
        return data.draw(each)
    return [_drawn(data, shape[1:], each) for _ in range(shape[0])]


# -- single laws -----------------------------------------------------------------------------------


def test_a_stack_is_the_product_of_its_matrices() -> None:
    net = {
        "input": {"x": 2},
        "layers": [{"dense": {"name": "a", "units": 3}}, {"dense": {"name": "y", "units": 2}}],
        "values": {"W_a": [[1, 2], [3, 4], [5, 6]], "b_a": [1, 1, 1], "W_y": [[1, 0, 2], [0, 1, 1]], "b_y": [5, 7]},
    }
    folding = fold(load_network(net))
    # by hand: W_y W_a = [[11, 14], [8, 10]], W_y b_a + b_y = [3 + 5, 2 + 7]
    assert folding.values["W_y_folded"] == ((11, 14), (8, 10))
    assert folding.values["b_y_folded"] == (8, 9)
    (stack,) = folding.stacks
    assert (stack.layers, stack.widths, stack.rank) == (("a", "y"), (2, 3, 2), 2)


def test_the_formulas_of_a_folded_norm() -> None:
    (found,) = backcalc.fold(
        {"input": 3, "layers": [{"dense": {"name": "d", "units": 2}}, {"batchnorm": {"name": "n"}}]}
    ).folds
    formulas = {left.name: to_text(right) for left, right in found.formulas}
    assert formulas == {
        "W_n_folded": "gamma_n[j]/sqrt(var_n[j] + 1/100000)*W_d[j,k]",
        "b_n_folded": "gamma_n[j]/sqrt(var_n[j] + 1/100000)*(b_d[j] - mean_n[j]) + beta_n[j]",
    }


def test_a_square_variance_stays_exact_and_another_is_rounded() -> None:
    net = {
        "input": {"x": 1},
        "layers": [{"dense": {"name": "d", "units": 2, "bias": False}}, {"batchnorm": {"name": "n", "epsilon": 0}}],
        "values": {"W_d": [[1], [1]], "gamma_n": [1, 1], "beta_n": [0, 0], "mean_n": [0, 0], "var_n": [4, 2]},
    }
    folding = fold(load_network(net))
    half, root = folding.values["W_n_folded"]
    assert half == (Fraction(1, 2),)
    assert root == (Fraction("0.707106781186547524400844362105"),)  # 1/sqrt(2), OEIS A010503
    assert folding.rounded == ("W_n_folded",)
    assert "0.707106781186547524400844362105" in folding.text


def test_a_wrong_formula_is_not_proved() -> None:
    network = load_network(
        {"input": {"x": 3}, "layers": [{"dense": {"name": "a", "units": 3}}, {"dense": {"name": "y", "units": 3}}]}
    )

    chain = Chain.of(network)
    found = plan(chain, *network.nodes)
    assert found is not None
    weights, biases = found.definitions
    for wrong in (
        (weights.replace("[m,k]", "[k,m]"), biases),
        (weights, biases.replace(" + b_y[j]", "")),
        (weights.replace("W_y[j,m]", "W_y[m,j]"), biases),
    ):
        both = together(found.old, found.new, wrong)
        assert not symbolic(both).passed
        assert not numeric(both).passed


@pytest.mark.parametrize(
    "layers",
    [
        [{"dense": 4}, "relu", {"dense": 2}],
        [{"dense": {"name": "a", "units": 3}}, {"dense": {"name": "b", "units": 3}}, {"add": {"inputs": ["a", "b"]}}],
        ["relu", "batchnorm", "relu", {"dense": 2}],
    ],
)
def test_what_must_stay_stays(layers: list[Any]) -> None:
    folding = backcalc.fold({"input": 3, "layers": layers})
    assert not folding.folds
    assert folding.passed
    assert len(folding.network.nodes) == len(layers)


def test_letters_for_sizes_are_refused() -> None:
    net = {"sizes": {"d": None}, "input": {"x": "d"}, "layers": [{"dense": 3}, {"dense": 2}]}
    folding = backcalc.fold(net)
    assert not folding.folds
    assert folding.notes == ("sizes are letters: give them numbers, and the network can be folded",)


def test_a_padded_convolution_refuses_what_stands_before_it() -> None:
    net = {
        "input": {"x": [1, 4, 4]},
        "layers": [{"normalise": {"mean": 1, "std": 2}}, {"conv2d": {"filters": 2, "kernel": 3, "padding": 1}}],
    }
    folding = backcalc.fold(net)
    assert not folding.folds
    assert "pads with zeros" in folding.notes[0]


# -- examples and the command ----------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_examples_fold_or_say_so(path: Path) -> None:
    folding = backcalc.fold(path)
    assert folding.passed
    if folding.original.nodes:
        load_network(folding.text)
    if folding.folds:
        assert len(folding.network.nodes) < len(folding.original.nodes)


def run(*arguments: str, given: str | None = None) -> tuple[int, str]:
    result = CliRunner().invoke(cli, ["fold", *arguments], input=given, standalone_mode=False)
    assert result.exception is None, result.exception
    return result.return_value, result.stdout


def test_the_command_spells_out_the_induction() -> None:
    status, text = run(str(EXAMPLES / "linear-stack.yaml"))
    assert status == 0
    assert "(W_k·A_(k−1))·x + (W_k·c_(k−1) + b_k)" in text
    assert "W = W_3…W_1 = W_y·W_f2·W_f1" in text
    assert "The rank of W is at most min(4, 5, 2, 6) = 2" in text
    assert "✓ The folded network is equal." in text
    assert max(len(line) for line in text.partition("Folded net.yaml")[0].splitlines()) <= 80


def test_the_folded_file_is_a_network() -> None:
    _, text = run(str(EXAMPLES / "linear-stack.yaml"), "--format", "yaml")
    network = load_network(text)
    assert [node.name for node in network.nodes] == ["y"]
    assert network.loss == "J"
    assert backcalc.grad(text, wrt=["x"]).passed


def test_nothing_to_fold_is_said() -> None:
    status, text = run("-", given="input: 3\nlayers: [{dense: 4}, relu]")
    assert status == 0
    assert "Nothing to fold: no two linear layers in a row" in text
    assert "the network is a set of equations" in run("-", given="equations: J = w*x\n")[1]


def test_json_and_latex() -> None:
    _, text = run(str(EXAMPLES / "linear-stack.yaml"), "--format", "json")
    found = json.loads(text)
    assert found["schema_version"] == 1
    assert found["params"] == {"before": 55, "after": 30}
    assert found["stacks"] == [{"layers": ["f1", "f2", "y"], "widths": [4, 5, 2, 6], "rank_at_most": 2}]
    assert all(check["passed"] for each in found["folds"] for check in each["verified"])
    assert run(str(EXAMPLES / "linear-stack.yaml"), "--format", "latex")[1].startswith(r"\documentclass")


def test_a_file_that_is_wrong_is_told_once() -> None:
    result = CliRunner().invoke(cli, ["fold", "-"], input="input: 3\nlayers: [{dens: 4}]")
    assert result.exit_code == 2
    assert "<stdin>:2:" in result.stderr
    assert "did you mean `dense`?" in result.stderr


def test_a_large_network_is_folded_too() -> None:
    folding = backcalc.fold("resnet18")
    assert (len(folding.folds), folding.passed) == (20, True)  # one batch norm behind every convolution
    assert not any(isinstance(node.layer, BatchNorm) for node in folding.network.nodes)
    # 11 689 512 parameters (torchvision), less gamma and beta and plus a bias for each of 4800 channels
    assert backcalc.count(folding.network).totals.params == 11_689_512 - 4800
