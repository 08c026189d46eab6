"""Every kernel against the equations of its layer, and its gradients against the derived formulas."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backcalc.layers import KINDS
from backcalc.layers.unknown import Unknown
from backcalc.numeric.kernels import KERNELS
from backcalc.numeric.run import loss_and_gradients
from tests.numeric.cases import CASES, MAPS
from tests.numeric.networks import agree, drawn, loaded


@pytest.mark.parametrize(("label", "layers", "shape"), MAPS, ids=[label for label, *_ in MAPS])
def test_training_over_a_mini_batch(label: str, layers: list[Any], shape: tuple[int, ...]) -> None:
    network = loaded(layers, shape)
    agree(network, drawn(network, 1), training=True, samples=True)


IN_USE = [case for case in CASES if case[0] in ("batchnorm", "batchnorm maps", "dropout", "noise", "stochastic depth")]


@pytest.mark.parametrize(("label", "layers", "shape"), IN_USE, ids=[label for label, *_ in IN_USE])
def test_in_use_one_sample(label: str, layers: list[Any], shape: tuple[int, ...]) -> None:
    network = loaded(layers, shape, batch=None)
    agree(network, drawn(network, 2), training=False, samples=False)


def test_every_kind_of_layer_has_a_kernel_and_a_case() -> None:
    assert {KINDS[kind] for kind in KINDS} - {Unknown} == set(KERNELS)
    tested = {type(node.layer) for _, layers, shape in CASES for node in loaded(layers, shape).nodes}
    assert tested == set(KERNELS)


def test_single_precision_stays_single() -> None:
    for _, layers, shape in CASES:
        network = loaded(layers, shape)
        values = drawn(network, 5, {"x": 4} if layers[0] == CASES[0] else None)
        if any("embedding" in layer for layer in layers if isinstance(layer, dict)):
            values["x"] = np.ones((2, *shape))
        _, gradients = loss_and_gradients(network, values, values, dtype=np.float32)
        assert {gradient.dtype for gradient in gradients.values()} == {np.dtype(np.float32)}, layers
