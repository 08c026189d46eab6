"""The gradients of training as a witness: they agree for every kind of layer, and a wrong one is noticed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import backcalc
from backcalc.verify import trainer

NETS: dict[str, dict[str, Any]] = {
    "one sample": {"input": 3, "layers": [{"dense": 4}, "tanh", {"dense": 2}, "softmax"], "loss": "nll"},
    "a batch": {
        "input": 3,
        "layers": [{"dense": 4}, "batchnorm", "relu", {"dropout": "0.5"}, {"dense": 2}],
        "loss": "cross_entropy_logits",
        "batch": 5,
    },
    "maps": {
        "input": {"x": [2, 5, 5]},
        "layers": [{"conv2d": {"filters": 2, "kernel": 2}}, {"maxpool2d": 2}, "flatten", {"dense": 1}],
        "loss": {"mse": {"factor": "1/2"}},
        "penalty": {"l2": "0.1"},
    },
    "steps in time": {"input": [4, 2], "layers": [{"lstm": 3}, {"dense": 1}, "sigmoid"], "loss": "bce"},
    "own names": {
        "input": 3,
        "layers": [{"conv1d": {"filters": 1, "kernel": 2, "bias": False, "weights": ["w1", "w1"]}}, {"dense": 1}],
        "loss": "sse",
        "values": {"w1": "0.5"},
    },
}


@pytest.mark.parametrize("label", NETS)
def test_training_agrees_with_the_derivation(label: str) -> None:
    network = backcalc.load(NETS[label])
    found = backcalc.verify(network)
    way = found.ways[-1]
    assert found.passed
    assert way.against == "NumPy backprop, layer by layer, as in training"
    assert way.max_error is not None and way.max_error < 1e-12
    assert way.detail.endswith(" derivatives, at random values")


def test_a_wrong_gradient_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    computed = trainer.loss_and_gradients

    def wrong(*arguments: Any, **named: Any) -> Any:
        loss, gradients = computed(*arguments, **named)
        return loss, {name: array * (1 + 1e-6 * (np.arange(array.size) == 1)).reshape(array.shape)
                      for name, array in gradients.items()}  # fmt: skip

    monkeypatch.setattr(trainer, "loss_and_gradients", wrong)
    found = backcalc.verify(backcalc.load(NETS["one sample"]))
    assert [way.passed for way in found.ways] == [True] * (len(found.ways) - 1) + [False]
    assert not found.passed


@pytest.mark.parametrize(
    "net",
    [
        {"equations": "J = (w*x - 1)^2", "find": ["w"]},
        {"input": 2, "layers": [{"dense": {"name": "y", "units": 1}}], "given": {"dJ/dy": "G"}},
    ],
)
def test_where_nothing_is_trained_there_is_no_such_witness(net: Any) -> None:
    assert all("training" not in way.against for way in backcalc.verify(net).ways)
