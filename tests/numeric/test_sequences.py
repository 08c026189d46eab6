"""Kernels of layers on sequences, of mixtures and of layers of one's own, against the derived formulas."""

from __future__ import annotations

from typing import Any

import pytest

from tests.numeric.cases import SEQUENCES
from tests.numeric.networks import agree, drawn, loaded


@pytest.mark.parametrize(("label", "layers", "shape"), SEQUENCES, ids=[label for label, *_ in SEQUENCES])
def test_training_over_a_mini_batch(label: str, layers: list[Any], shape: tuple[int, ...]) -> None:
    network = loaded(layers, shape)
    agree(network, drawn(network, 1, {"x": 4} if label == "embedding" else None), training=True, samples=True)
