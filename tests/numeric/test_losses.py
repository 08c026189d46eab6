"""Every loss against its equation, and its gradient against the derived formula."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from backcalc.layers import LOSSES
from backcalc.numeric.kernels import LOSS_KERNELS
from tests.numeric.networks import agree, drawn, loaded

HALF = Fraction(1, 2)

SOFT = [{"dense": {"name": "z", "units": 3}}, {"softmax": {"name": "y"}}]
BITS = [{"dense": {"name": "z", "units": 3}}, {"sigmoid": {"name": "y"}}]
LOGITS = [{"dense": {"name": "z", "units": 3}}]
ONE = [{"dense": {"name": "z", "units": 1}}]
SHARES = [[HALF, HALF, 0], [0, Fraction(1, 4), Fraction(3, 4)]]
POSITIVE = [[HALF, Fraction(1, 3), Fraction(1, 6)], [Fraction(1, 5), Fraction(1, 5), Fraction(3, 5)]]
LOSS_CASES: list[tuple[str, list[Any], dict[str, Any]]] = [
    ("nll", SOFT, {}),
    ("nll", SOFT, {"target": 2}),
    ("nll_logits", LOGITS, {"factor": HALF}),
    ("cross_entropy", SOFT, {"target": SHARES}),
    ("cross_entropy", SOFT, {"target": 3}),
    ("cross_entropy", [{"softmax": {"name": "y"}}], {"target": SHARES}),
    ("cross_entropy_logits", LOGITS, {"target": SHARES}),
    ("cross_entropy_logits", [{"dense": {"units": 2}}], {}),
    ("kl", SOFT, {"target": POSITIVE}),
    ("mse", LOGITS, {}),
    ("mse", LOGITS, {"target": 1, "over": "sum"}),
    ("mse", [{"dense": {"units": 2}}], {"target": [1, HALF]}),
    ("sse", LOGITS, {"factor": HALF, "over": "sum"}),
    ("rmse", LOGITS, {"factor": 3}),
    ("rmse", LOGITS, {"over": "sum"}),
    ("mae", LOGITS, {}),
    ("huber", LOGITS, {"delta": HALF}),
    ("bce", BITS, {"target": [[1, 0, 1], [0, 0, 1]]}),
    ("bce", [{"sigmoid": {"name": "y"}}], {"target": [[1, 0, 1], [0, 0, 1]]}),
    ("bce_logits", LOGITS, {"target": [[1, 0, 1], [0, 0, 1]]}),
    ("hinge", ONE, {"target": [1, -1]}),
    ("hinge", LOGITS, {}),
    ("perceptron", ONE, {"target": [1, -1]}),
    ("perceptron", LOGITS, {"factor": 2}),
]


@pytest.mark.parametrize(("kind", "layers", "fields"), LOSS_CASES)
def test_losses(kind: str, layers: list[Any], fields: dict[str, Any]) -> None:
    network = loaded(layers, (3,), loss={kind: fields})
    classes = {"t": 3} if network.program.index_names else {}
    values = drawn(network, 3, classes)
    if kind == "bce" and len(layers) == 1:
        values["x"] = np.abs(values["x"])
    agree(network, values, training=True, samples=True)


def test_every_loss_has_a_kernel_and_a_case() -> None:
    assert {LOSSES[kind] for kind in LOSSES} == set(LOSS_KERNELS)
    assert {kind for kind, *_ in LOSS_CASES} == set(LOSSES)


@pytest.mark.parametrize("fields", [{"l2": HALF}, {"l1": HALF, "biases": True}, {"l1": 1, "l2": 2}])
def test_penalties(fields: dict[str, Any]) -> None:
    layers = [{"dense": {"units": 2, "weights": [["w", "w"], ["v", 3]]}}, "batchnorm", {"dense": 2}]
    network = loaded(layers, (2,), penalty=fields)
    agree(network, drawn(network, 4), training=True, samples=True)
