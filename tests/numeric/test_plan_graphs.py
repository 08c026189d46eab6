"""Plans of networks that branch and meet: random ones, residual blocks, shared layers, values that nobody reads."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from backcalc.numeric.plans.planned import Planned
from tests.numeric.engines import agree

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
