"""A plan of every kind of layer in every variant computes what the reference does, alone and with neighbours."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backcalc.layers import LOSSES
from backcalc.layers.local import LocallyConnected2d
from backcalc.layers.loss import OneClass
from backcalc.layers.loss_likelihood import (
    BinaryCrossEntropy,
    CrossEntropy,
    KullbackLeibler,
    NegativeLogLikelihood,
)
from backcalc.layers.mixture import Mixture
from backcalc.layers.own import Formula
from backcalc.layers.rbf import Rbf
from backcalc.net import load_network
from backcalc.numeric.kernels import KERNELS
from backcalc.numeric.plans.looped import Looped
from backcalc.numeric.plans.makers import MAKERS
from backcalc.numeric.plans.planned import Planned
from tests.numeric.cases import CASES
from tests.numeric.engines import agree

OF_PROBABILITIES = {CrossEntropy, BinaryCrossEntropy, NegativeLogLikelihood, KullbackLeibler}
IDS = [label for label, *_ in CASES]


def net(layers: list[Any], shape: tuple[int, ...], loss: Any = "sse") -> dict[str, Any]:
    return {"input": {"x": list(shape)}, "layers": layers, "loss": loss}


def test_every_kind_of_layer_is_here() -> None:
    assert {type(node.layer) for _, *case in CASES for node in load_network(net(*case)).nodes} == set(KERNELS)
    assert set(KERNELS) - set(MAKERS) == {Rbf, LocallyConnected2d, Mixture, Formula}  # these go by their kernels


@pytest.mark.parametrize("trials", [1, 2])
@pytest.mark.parametrize("kind", LOSSES)
def test_every_loss_in_blocks(kind: str, trials: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backcalc.numeric.plans.planned.BLOCK", 1)
    classes = issubclass(LOSSES[kind], OneClass)
    for last in ("softmax", "sigmoid", "linear"):
        if last != "linear" or LOSSES[kind] not in OF_PROBABILITIES:
            layers = [{"dense": 5}, "gelu", {"dense": 3}, last]
            agree({"input": 3, "layers": layers, "loss": kind}, 10, trials, make=Looped, classes=classes)


@pytest.mark.parametrize(("label", "layers", "shape"), CASES, ids=IDS)
def test_a_layer_of_every_kind(label: str, layers: list[Any], shape: tuple[int, ...]) -> None:
    tolerance = 1e-9 if "sign" in layers else 1e-11
    assert isinstance(agree(net(layers, shape), 3, tolerance=tolerance), Planned)
    agree(net(layers, shape, "mse"), 3, dtype=np.float32, tolerance=1e-4)


@pytest.mark.parametrize(("label", "layers", "shape"), CASES, ids=IDS)
def test_behind_one_that_learns(label: str, layers: list[Any], shape: tuple[int, ...]) -> None:
    """The derivative by what the layer reads goes on to a gain in front of it."""
    if "embedding" in label:
        return  # tokens do not learn
    place = ",".join("ijkl"[: len(shape)])
    gain = {"name": "x", "inputs": ["x0"], "equations": f"x[{place}] = gain[{place}]*x0[{place}]"}
    before = {"formula": gain | {"parameters": {"gain": list(shape)}}}
    agree({"input": {"x0": list(shape)}, "layers": [before, *layers], "loss": "mse"}, 5)


@pytest.mark.parametrize(("label", "layers", "shape"), CASES, ids=IDS)
def test_blocks_and_trials(label: str, layers: list[Any], shape: tuple[int, ...], monkeypatch: Any) -> None:
    monkeypatch.setattr("backcalc.numeric.plans.planned.BLOCK", 1)
    agree(net(layers, shape, "mse"), 10)
    agree(net(layers, shape, "rmse"), 6, trials=2, make=Looped)
