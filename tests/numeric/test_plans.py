"""Plans compute what the reference kernels compute: losses, outputs, gradients, statistics, for random networks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backcalc.net import load_network
from backcalc.numeric.engine import Reference
from backcalc.numeric.plans.kernelled import Kernelled
from backcalc.numeric.plans.looped import Looped
from backcalc.numeric.plans.narrow import Narrow
from backcalc.numeric.plans.planned import Planned
from backcalc.numeric.plans.stacked import Stacked
from tests.numeric.engines import agree, engines

QUICK = settings(max_examples=60, deadline=None, derandomize=True)
POINTWISE = ["relu", "tanh", "sigmoid", {"leaky_relu": "0.1"}, "gelu", "silu", {"elu": "0.5"}, "softplus", "relu6"]


@st.composite
def images(draw: Any) -> dict[str, Any]:
    """A chain on maps: convolutions with or without what can be joined to them, then dense layers."""
    layers: list[Any] = []
    rows, columns = draw(st.integers(6, 10)), draw(st.integers(6, 10))
    for _ in range(draw(st.integers(1, 2))):
        kernel = draw(st.sampled_from([1, 2, [2, 3], 3]))
        stride = draw(st.sampled_from([1, 1, 2, [1, 2]]))
        padding = draw(st.sampled_from(["valid", "same", 1]))
        fields = {"filters": draw(st.integers(1, 3)), "kernel": kernel, "stride": stride, "padding": padding}
        layers.append({"conv2d": fields | {"bias": draw(st.booleans()), "dilation": draw(st.sampled_from([1, 1, 2]))}})
        if draw(st.booleans()):
            layers.append("batchnorm")
        if draw(st.booleans()):
            layers.append(draw(st.sampled_from(POINTWISE)))
        if draw(st.booleans()):
            layers.append({draw(st.sampled_from(["maxpool2d", "avgpool2d"])): draw(st.sampled_from([2, [1, 2]]))})
        if draw(st.booleans()):
            layers.append({"dropout": "0.25"})
    layers += ["flatten", {"dense": 3}, draw(st.sampled_from(["softmax", "linear", "tanh"]))]
    loss = (
        "cross_entropy" if layers[-1] == "softmax" else draw(st.sampled_from(["mse", "cross_entropy_logits", "huber"]))
    )
    return {"input": [draw(st.integers(1, 2)), rows, columns], "layers": layers, "loss": loss}


@QUICK
@given(images(), st.integers(2, 5))
def test_plans_of_maps(net: dict[str, Any], samples: int) -> None:
    try:
        load_network(net)
    except ValueError:
        return  # the windows have outgrown the maps
    agree(net, samples)


@st.composite
def chains(draw: Any) -> dict[str, Any]:
    layers: list[Any] = []
    for _ in range(draw(st.integers(1, 4))):
        kinds = [{"dense": {"units": draw(st.integers(1, 4)), "bias": draw(st.booleans())}}, "batchnorm", "linear"]
        layers.append(draw(st.sampled_from([*kinds, {"dropout": "0.5"}, *POINTWISE])))
    layers.append({"dense": 2})
    return {"input": draw(st.integers(1, 4)), "layers": layers, "loss": draw(st.sampled_from(["mse", "rmse"]))}


def test_several_networks_with_maps() -> None:
    assert isinstance(agree(LENET, 5, 3), Looped)
    wide = {"dense": {"name": "a", "units": 90}}
    net = {"input": 4, "layers": [wide, "batchnorm", {"add": ["a", "batchnorm_1"]}, {"dropout": "0.5"}], "loss": "mse"}
    assert isinstance(agree(net, 5, 3), Looped)
    layers = [{"conv2d": {"filters": 2, "kernel": 3}}, "batchnorm", "tanh", {"dropout": "0.5"}, "flatten", {"dense": 2}]
    net = {"input": [1, 5, 5], "layers": layers, "loss": "mse"}
    agree(net, 6, 4, make=Looped)
    assert isinstance(agree(net, 6, 4), Reference)


@QUICK
@given(chains(), st.integers(2, 5))
def test_plans_of_vectors(net: dict[str, Any], samples: int) -> None:
    assert isinstance(agree(net, samples), Planned)


LENET: dict[str, Any] = {
    "input": [1, 12, 12],
    "layers": [
        {"conv2d": {"filters": 2, "kernel": 3, "padding": "same"}},
        *("relu", {"maxpool2d": 2}, {"conv2d": {"filters": 3, "kernel": 3}}, "relu", {"maxpool2d": 2}),
        *("flatten", {"dense": 5}, "relu", {"dense": 3}, "softmax"),
    ],
    "loss": "cross_entropy",
}


@pytest.mark.parametrize("samples", [1, 64, 65, 150])
@pytest.mark.parametrize("narrow", [100, 1000])
def test_a_batch_of_several_blocks(samples: int, narrow: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backcalc.numeric.plans.planned.NARROW", narrow)
    plan = agree(LENET, samples)
    assert isinstance(plan, Planned) and plan.block == {100: 64, 1000: 256}[narrow]


def test_large_convolutions_of_thin_rows_go_by_their_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backcalc.numeric.plans.map_makers.MANY", 50)
    plan = agree(LENET, 2)
    assert isinstance(plan, Planned)
    (graph,) = plan.graphs.values()
    assert [task.name for task in graph.tasks if isinstance(task.stage, Kernelled)] == ["conv2d_2"]


@pytest.mark.parametrize("loss", [{"cross_entropy": {"over": "sum"}}, {"cross_entropy": {"factor": 3}}])
def test_how_blocks_are_joined(loss: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backcalc.numeric.plans.planned.NARROW", 0)
    assert isinstance(agree(LENET | {"loss": loss}, 100), Planned)
    agree(LENET | {"penalty": {"l2": "0.1", "l1": "0.2"}}, 100)


def test_tied_layers_add_their_gradients() -> None:
    dense = {"dense": {"units": 2, "weights": "W", "bias": False}}
    net = {"input": 2, "layers": [dense, "tanh", dense], "loss": "mse"}
    assert isinstance(agree(net, 3), Planned)
    assert isinstance(agree(net, 300), Planned)
    agree(net, 3, 20, make=Looped)


def test_single_precision() -> None:
    assert isinstance(agree(LENET, 70, dtype=np.float32, tolerance=1e-4), Planned)


def test_every_buffer_is_as_precise_as_the_parameters() -> None:
    maps = [{"conv2d": {"filters": 2, "kernel": 3}}, "batchnorm", "tanh", {"avgpool2d": 2}, {"dropout": "0.5"}]
    net = {"input": [1, 8, 8], "layers": [*maps, "flatten", {"dense": 2}, "sigmoid"], "loss": "bce"}
    plan = agree(net, 5, dtype=np.float32, tolerance=1e-4)
    assert isinstance(plan, Planned)
    (graph,) = plan.graphs.values()
    stages = [task.stage for task in graph.tasks]
    arrays = [each for stage in stages for each in vars(stage).values() if isinstance(each, np.ndarray)]
    assert {array.dtype for array in arrays} == {np.dtype(np.float32), np.dtype(bool)}


TIES: dict[str, Any] = {
    "input": [1, 4, 4],
    "layers": [{"conv2d": {"filters": 1, "kernel": 1, "weights": [[[[1]]]]}}, {"maxpool2d": 2}, "flatten"],
    "loss": "mse",
}


def test_a_tie_goes_to_the_first() -> None:
    net = TIES | {"layers": [{"conv2d": {"filters": 1, "kernel": 1}}, {"maxpool2d": 2}, "flatten"]}
    plan, reference, _ = engines(net)
    x, t = np.ones((1, 3, 1, 4, 4)), np.zeros((1, 3, 4))
    for engine in (plan, reference):
        engine.step(x.copy(), t, [np.random.default_rng(0)])
    np.testing.assert_allclose(plan.gradients, reference.gradients)


@QUICK
@given(chains(), st.integers(1, 5), st.sampled_from([16, 40]))
def test_many_narrow_networks(net: dict[str, Any], samples: int, trials: int) -> None:
    engine = agree(net, max(samples, 2), trials)
    drawn = {"batchnorm", "dropout"} & {each if isinstance(each, str) else next(iter(each)) for each in net["layers"]}
    assert isinstance(engine, Reference if drawn else Narrow)


@QUICK
@given(chains(), st.integers(2, 5), st.integers(2, 6))
def test_stacks(net: dict[str, Any], samples: int, trials: int) -> None:
    engine = agree(net, samples, trials)
    drawn = {"batchnorm", "dropout"} & {each if isinstance(each, str) else next(iter(each)) for each in net["layers"]}
    assert isinstance(engine, Reference if drawn else Stacked)


@pytest.mark.parametrize("layer", [{"leaky_relu": 2}, {"leaky_relu": 0}, {"elu": -1}, "softmax"])
@pytest.mark.parametrize("trials", [1, 3, 20])
def test_an_activation_whose_slope_does_not_follow_from_its_value(layer: Any, trials: int) -> None:
    net = {"input": 3, "layers": [{"dense": 4}, layer, {"dense": 2}], "loss": "mse"}
    assert isinstance(agree(net, 5, trials), Planned if trials == 1 else Reference)


def test_stacks_in_several_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backcalc.numeric.plans.stacked.BLOCK", 200)
    net = {"input": 9, "layers": [{"dense": 12}, "tanh", {"dense": 3}, "softmax"], "loss": "cross_entropy"}
    assert isinstance(agree(net, 5, 17), Stacked)
    assert isinstance(agree(net | {"penalty": {"l1": "0.1"}}, 5, 3), Stacked)


def test_narrow_networks_in_several_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backcalc.numeric.plans.narrow.BLOCK", 60)
    net = {"input": 2, "layers": [{"dense": 3}, "relu", {"dense": 2}, "softmax"], "loss": "cross_entropy"}
    assert isinstance(agree(net, 5, 40), Narrow)
    assert isinstance(agree(net | {"penalty": {"l2": "0.1"}}, 5, 17), Narrow)
