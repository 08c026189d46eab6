"""Plans of networks that branch and meet: random ones, residual blocks, shared layers, values that nobody reads."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backcalc.numeric.plans.looped import Looped
from backcalc.numeric.plans.planned import Planned
from tests.numeric.engines import agree, engines

QUICK = settings(max_examples=60, deadline=None, derandomize=True)

VECTORS: list[Any] = [
    *("dense", "dense_tied", "relu", "tanh", "gelu", "softplus", "linear", "batchnorm", "layernorm", "softmax"),
    *("dropout", "gaussian_noise", "layer_scale", "slice"),
]
MAPS: list[Any] = [
    *("conv2d", "conv2d_tied", "depthwise", "relu", "silu", "batchnorm", "groupnorm", "maxpool2d", "avgpool2d"),
    *("channel_shuffle", "transpose", "dropout", "stochastic_depth", "linear"),
]
SEQUENCES: list[Any] = ["dense", "tanh", "layernorm", "attention", "rnn", "lstm", "gru", "conv1d", "dropout", "softmax"]

FIELDS: dict[str, dict[str, Any]] = {
    "slice": {"start": 1, "stop": 4},
    "dense": {"units": 4},
    "dense_tied": {"units": 4, "weights": "W", "biases": "c"},
    "dropout": {"rate": "0.25"},
    "gaussian_noise": {"std": "0.1"},
    "stochastic_depth": {"rate": "0.25"},
    "conv2d": {"filters": 4, "kernel": 3, "padding": "same"},
    "conv2d_tied": {"filters": 4, "kernel": 3, "padding": "same", "weights": "K", "bias": False},
    "depthwise": {"filters": 4, "kernel": 3, "padding": "same", "groups": 4},
    "conv1d": {"filters": 4, "kernel": 3, "padding": "same"},
    "maxpool2d": {"size": 3, "stride": 1, "padding": 1},
    "avgpool2d": {"size": 3, "stride": 1, "padding": 1},
    "groupnorm": {"groups": 2},
    "channel_shuffle": {"groups": 2},
    "transpose": {"axes": [1, 3, 2]},
    "attention": {"heads": 2},
    "rnn": {"units": 4, "return": "all"},
    "lstm": {"units": 4, "return": "all"},
    "gru": {"units": 4, "return": "all"},
}
KINDS = {"dense_tied": "dense", "conv2d_tied": "conv2d", "depthwise": "conv2d"}


@st.composite
def graphs(draw: Any, kinds: list[Any], shape: list[int], ends: list[Any]) -> dict[str, Any]:
    """Values of one shape, each made of one or several of those before; at the end those that are left are added."""
    layers: list[Any] = []
    names, unread = ["x"], []
    for place in range(draw(st.integers(2, 7))):
        kind = draw(st.sampled_from([*kinds, "add", "multiply", "add", "concat"]))
        name = f"v{place}"
        if kind in ("add", "multiply", "concat"):
            read = [draw(st.sampled_from(names)) for _ in range(draw(st.integers(2, 3)))]
            layers.append({kind: {"name": name, "inputs": read}})
            if kind == "concat":
                layers.append({"slice": {"name": f"{name}s", "start": 2, "stop": 1 + shape[0]}})
                name = f"{name}s"
        else:
            read = [draw(st.sampled_from(names))]
            layers.append({KINDS.get(kind, kind): {"name": name, "inputs": read, **FIELDS.get(kind, {})}})
        unread = [each for each in unread if each not in read] + [name]
        names.append(name)
    if draw(st.booleans()) and len(unread) > 1:
        layers.append({"add": {"name": "whole", "inputs": unread}})
    return {"input": {"x": shape}, "layers": [*layers, *ends], "loss": draw(st.sampled_from(["mse", "huber", "rmse"]))}


@QUICK
@given(graphs(VECTORS, [4], [{"dense": 2}]), st.integers(2, 5))
def test_graphs_of_vectors(net: dict[str, Any], samples: int) -> None:
    assert isinstance(agree(net, samples, tolerance=1e-10), Planned)


@QUICK
@given(graphs(MAPS, [4, 4, 4], ["global_avgpool", {"dense": 2}]), st.integers(2, 5))
def test_graphs_of_maps(net: dict[str, Any], samples: int) -> None:
    assert isinstance(agree(net, samples, tolerance=1e-10), Planned)


@QUICK
@given(graphs(SEQUENCES, [4, 4], [{"lstm": {"units": 2}}]), st.integers(2, 5))
def test_graphs_of_sequences(net: dict[str, Any], samples: int) -> None:
    assert isinstance(agree(net, samples, tolerance=1e-10), Planned)


def conv(name: str, source: str, **fields: Any) -> dict[str, Any]:
    return {"conv2d": {"name": name, "inputs": [source], "filters": 4, "kernel": 3, "padding": "same", **fields}}


RESIDUAL: dict[str, Any] = {
    "input": {"x": [2, 6, 6]},
    "layers": [
        *(conv("c1", "x"), {"batchnorm": {"name": "n1"}}, {"relu": {"name": "r1"}}),
        *(conv("c2", "r1"), {"batchnorm": {"name": "n2"}}, {"add": {"name": "s", "inputs": ["n2", "r1"]}}, "relu"),
        *({"dropout": "0.25"}, {"maxpool2d": 2}, "flatten", {"dense": 3}, "softmax"),
    ],
    "loss": "cross_entropy",
}


@pytest.mark.parametrize("samples", [2, 64, 70])
def test_a_residual_network(samples: int) -> None:
    assert isinstance(agree(RESIDUAL, samples, tolerance=1e-10), Planned)


def test_several_residual_networks() -> None:
    assert isinstance(agree(RESIDUAL, 7, 3, tolerance=1e-10), Looped)
    agree(RESIDUAL, 7, dtype=np.float32, tolerance=1e-3)


def test_the_penalty_of_a_graph() -> None:
    agree(RESIDUAL | {"penalty": {"l1": "0.1", "l2": "0.2"}}, 5)


def test_one_layer_in_three_places() -> None:
    tied = {"dense": {"units": 4, "weights": "W", "biases": "c"}}
    layers = [tied, "tanh", tied, {"add": ["dense_1", "dense_2"]}, tied, {"multiply": ["dense_1", "dense_3"]}]
    agree({"input": 4, "layers": layers, "loss": "mse"}, 300)


def test_what_nobody_reads_is_computed_but_learns_nothing() -> None:
    """A batch norm beside the way to the loss: its running statistics move as those of the others."""
    layers = [{"dense": {"name": "a", "units": 3}}, {"batchnorm": {"name": "beside"}}]
    layers += [{"tanh": {"name": "u", "inputs": ["a"]}}, {"dense": 2}]
    plan = agree({"input": 2, "layers": layers, "loss": "mse"}, 5)
    assert (plan.still["mean_beside"] != 0).all()


def test_an_output_that_is_named_ends_the_graph() -> None:
    layers = [{"dense": {"name": "a", "units": 3}}, {"softmax": {"name": "p"}}, {"dense": {"name": "rest", "units": 2}}]
    agree({"input": 2, "layers": layers, "output": "p", "loss": "cross_entropy"}, 5)


def test_equal_seeds_give_equal_bits() -> None:
    """Two plans of the same numbers, and one that has computed something else before; and each trial of several."""
    nets = [engines(RESIDUAL, trials=3, make=Looped)[0] for _ in range(2)]
    alone = engines(RESIDUAL)[0]
    generator = np.random.default_rng(5)
    x, t = generator.normal(size=(3, 70, 2, 6, 6)), generator.dirichlet(np.ones(3), (3, 70))
    nets[1].step(x[:, :33] * 2, t[:, :33], [np.random.default_rng(9) for _ in range(3)])
    alone.flat[...] = nets[0].flat[1:2]
    found = [net.step(x, t, [np.random.default_rng(trial) for trial in range(3)]) for net in nets]
    one = alone.step(x[1:2], t[1:2], [np.random.default_rng(1)])
    np.testing.assert_array_equal(found[0].output, found[1].output)
    np.testing.assert_array_equal(nets[0].gradients, nets[1].gradients)
    np.testing.assert_array_equal(found[0].output[1:2], one.output)
    np.testing.assert_array_equal(nets[0].gradients[1:2], alone.gradients)
