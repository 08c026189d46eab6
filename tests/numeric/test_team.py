"""Trainings that several processes do together: the same numbers as one process alone, and nobody is left waiting."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backcalc.layers import KINDS
from backcalc.layers.activation import Activation
from backcalc.net import Network, load_network
from backcalc.numeric import team
from backcalc.numeric.data import Data, source
from backcalc.numeric.running import Running
from backcalc.numeric.settings import Training, TrainingError
from backcalc.numeric.train import train

if sys.platform != "linux":
    pytest.skip("processes train together where a system forks", allow_module_level=True)


@pytest.fixture(autouse=True)
def _every_step_is_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(team, "WORTH", 0)


def network(layers: list[Any], inputs: int | list[int], loss: str = "cross_entropy", **more: Any) -> Network:
    return load_network({"input": inputs, "layers": layers, "loss": loss, "update": "adam", **more})


def data(shape: tuple[int, ...], count: int = 43, classes: int = 3) -> Data:
    generator = source(7)
    y = np.arange(float(count)) % classes
    x = generator.normal(size=(count, *shape)) + y.reshape(-1, *(1,) * len(shape)) / 2
    return Data("made", x[:33], y[:33], x[33:], y[33:], classes=tuple("abcde"[:classes]))


DENSE: list[Any] = [{"dense": 7}, "relu", {"dense": {"units": 5, "bias": False}}, "tanh", {"dense": 3}, "softmax"]
NORMED: list[Any] = [
    {"conv2d": {"filters": 3, "kernel": 3}},
    "batchnorm",
    "relu",
    {"maxpool2d": 2},
    "flatten",
    {"dense": 5},
    "batchnorm",
    "tanh",
    {"dense": 3},
    "softmax",
]
ONE: dict[str, tuple[list[Any], tuple[int, ...], dict[str, Any]]] = {
    "dense layers, by units": (DENSE, (6,), {}),
    "with decay": (DENSE, (6,), {"decay": 0.01}),
    "drawn with replacement": (DENSE, (6,), {"order": "replacement"}),
    "maps with batch norm, by samples": (NORMED, (1, 6, 6), {}),
    "maps, by samples": ([part for part in NORMED if part != "batchnorm"], (1, 6, 6), {}),
}


@pytest.mark.parametrize("threads", [2, 3])
@pytest.mark.parametrize("label", ONE)
def test_processes_together_are_one_alone(label: str, threads: int) -> None:
    """33 samples by 8 leave a mini-batch of one; the epoch's numbers, the statistics and the test agree too."""
    layers, shape, more = ONE[label]
    last = {} if "batchnorm" not in layers else {"batch": 11}
    settings = {"epochs": 4, "batch": 8, "rate": 0.01, "dtype": "float64", "validation": 0.0, **more, **last}
    alone = train(network(layers, list(shape)), data(shape), **settings)
    together = train(network(layers, list(shape)), data(shape), threads=threads, **settings)
    for name, array in alone.parameters.items():  # a bias before a norm is 0 but for rounding
        np.testing.assert_allclose(together.parameters[name], array, rtol=1e-7, atol=1e-8, err_msg=name)
    for curve in ("loss", "metric"):
        np.testing.assert_allclose(together.curves[curve], alone.curves[curve], rtol=1e-9)
    assert together.test["metric"] == alone.test["metric"]


@pytest.mark.parametrize("kind", sorted(name for name, kind in KINDS.items() if issubclass(kind, Activation)))
def test_every_activation_is_shared_out(kind: str) -> None:
    """Behind a dense layer, two in a row, and before the first; the loss sees each."""
    layers: list[Any] = [kind, {"dense": 6}, kind, "sigmoid", {"dense": 4}, kind, {"dense": 3}, "softmax"]
    for chain in (layers, layers[1:]):
        settings = {"epochs": 2, "batch": 11, "rate": 0.01, "dtype": "float64"}
        alone, together = (train(network(chain, 5), data((5,)), threads=threads, **settings) for threads in (1, 2))
        for name, array in alone.parameters.items():
            np.testing.assert_allclose(together.parameters[name], array, rtol=1e-7, atol=1e-9, err_msg=name)
        np.testing.assert_allclose(together.curves["loss"], alone.curves["loss"], rtol=1e-9)


@pytest.mark.parametrize("loss", ["sse", "mse", "mae", "huber"])
def test_losses_of_both_kinds_are_shared_out(loss: str) -> None:
    """A sum over the samples, and means."""
    net = network([{"dense": 6}, "tanh", {"dense": 2}], 4, loss)
    generator = source(3)
    made = Data("made", generator.normal(size=(30, 4)), generator.normal(size=(30, 2)))
    settings = {"epochs": 3, "batch": 7, "rate": 0.01, "dtype": "float64"}
    alone, together = (train(net, made, threads=threads, **settings) for threads in (1, 2))
    np.testing.assert_allclose(together.curves["loss"], alone.curves["loss"], rtol=1e-10)


def test_a_coder_by_units_is_the_same_network() -> None:
    """The loss reads what the last activation does."""
    net = network([{"dense": 3}, "relu", {"dense": 6}, "sigmoid"], 6, "bce")
    made = Data("made", source(1).random((24, 6)), np.zeros(24))
    settings = {"epochs": 3, "batch": 6, "rate": 0.01, "dtype": "float64", "reconstruct": True}
    alone, together = (train(net, made, threads=threads, **settings) for threads in (1, 2))
    np.testing.assert_allclose(together.curves["loss"], alone.curves["loss"], rtol=1e-10)
    np.testing.assert_allclose(together.curves["metric"], alone.curves["metric"], rtol=1e-10)


STACKED: dict[str, tuple[list[Any], tuple[int, ...], int]] = {
    "narrow": ([{"dense": 2}, "relu", {"dense": 3}, "softmax"], (2,), 40),
    "wide": ([{"dense": 20}, "relu", {"dense": 3}, "softmax"], (2,), 7),
    "maps": (NORMED[:1] + NORMED[2:5] + NORMED[-2:], (1, 6, 6), 5),
    "norms": ([{"dense": 4}, "batchnorm", "tanh", {"dense": 3}, "softmax"], (3,), 5),
}


@pytest.mark.parametrize("label", STACKED)
def test_trials_are_shared_out_to_the_bit(label: str) -> None:
    """A trial is computed by one process, as it is where there is one."""
    layers, shape, trials = STACKED[label]
    settings = {"epochs": 3, "batch": 11, "rate": 0.01, "trials": trials, "dtype": "float32"}
    alone, together = (
        train(network(layers, list(shape)), data(shape), threads=threads, **settings) for threads in (1, 2)
    )
    for name, array in alone.parameters.items():
        np.testing.assert_array_equal(together.parameters[name], array, err_msg=name)
    assert together.curves == alone.curves


def test_the_same_seeds_and_processes_give_the_same_bits() -> None:
    settings = {"epochs": 3, "batch": 11, "rate": 0.01, "threads": 2}
    one, two = (train(network(NORMED, [1, 6, 6]), data((1, 6, 6)), **settings) for _ in range(2))
    for name, array in one.parameters.items():
        np.testing.assert_array_equal(two.parameters[name], array)


def test_a_training_goes_on_from_its_state(tmp_path: Path) -> None:
    """Two epochs and two more are four."""
    net, made = network(DENSE, 6), data((6,))
    settings = {"batch": 8, "rate": 0.01, "threads": 2}
    whole = train(net, made, epochs=4, **settings)
    train(net, made, epochs=2, save=tmp_path / "state.npz", **settings)
    resumed = train(net, made, epochs=4, save=tmp_path / "state.npz", resume=True, **settings)
    for name, array in whole.parameters.items():
        np.testing.assert_array_equal(resumed.parameters[name], array)


def running(layers: list[Any], shape: tuple[int, ...], **settings: Any) -> Running:
    plain = {"epochs": 9, "batch": 8, "rate": 0.01, "threads": 2}
    return Running(network(layers, list(shape)), data(shape), Training(**plain | settings))


def test_who_trains_together_is_gone_afterwards() -> None:
    training = running(DENSE, (6,))
    for _ in training.one_epoch():
        pass
    assert training.team is not None
    (member,) = training.team.members
    training.close()
    member.join(60)
    assert member.exitcode == 0


@pytest.mark.parametrize("label", ["dense layers, by units", "maps with batch norm, by samples"])
def test_a_process_that_dies_is_told(label: str) -> None:
    """Nobody waits for it for ever, in the middle of a step either."""
    layers, shape, _ = ONE[label]
    training = running(layers, shape, batch=11)
    steps = training.one_epoch()
    next(steps)
    assert training.team is not None and training.team.members[0].pid is not None
    os.kill(training.team.members[0].pid, signal.SIGKILL)
    with pytest.raises(TrainingError, match=r"has ended before its time.*one thread"):
        for _ in range(100):
            next(steps)
    training.close()


def test_a_loss_that_is_no_number_is_told_where_it_began() -> None:
    made = data((2,))
    made.x[3] = np.nan
    layers = STACKED["narrow"][0]
    message = "in step 1 of epoch 1: the input `x` holds it already"
    with pytest.raises(TrainingError, match=message):
        train(network(layers, 2), made, trials=40, batch=33, rate=0.01, threads=2)


@pytest.mark.parametrize(
    ("layers", "more", "why"),
    [
        ([{"dense": 4}, {"dropout": "0.5"}, {"dense": 3}, "softmax"], {}, "random layers"),
        (DENSE, {"threads": 1}, "one thread"),
        (DENSE, {"batch": 3}, "few samples"),
        (DENSE, {"l2": 0.1}, "a penalty"),
    ],
)
def test_what_is_not_divided(layers: list[Any], more: dict[str, Any], why: str) -> None:
    assert not running(layers, (6,), **more).divided, why


def test_small_steps_are_not_divided(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(team, "WORTH", 400_000)
    assert not running(DENSE, (6,)).divided
    assert running([{"dense": 4000}, "relu", {"dense": 3}, "softmax"], (6,), batch=33).divided
