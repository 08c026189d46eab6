"""A thousand samples through a network of three neurons and one, and a network for colour images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .commands import answer, changed, count, grad, rows
from .facts import check, fact


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    return grad("two-three-one")


def test_the_values_are_those_of_the_seed(found: dict[str, Any]) -> None:
    """NumPy's legacy generator, whose numbers do not change between versions; the file keeps every digit of them."""
    source = np.random.RandomState(0)
    drawn: dict[str, Any] = {"W_a": source.randn(3, 2), "W_z": source.randn(1, 3), "x": source.rand(1000, 2)}
    drawn |= {"t": source.randint(0, 2, (1000, 1)), "b_a": np.zeros(3), "b_z": np.zeros(1)}
    ours = {name: np.array(found["values"][name]["decimal"]) for name in drawn}
    for name, array in drawn.items():
        assert ours[name].tolist() == array.tolist()
    sanity = {"sum_X": ours["x"].sum(), "sum_Y": ours["t"].sum(), "Y10": ours["t"][:10, 0], "X0": ours["x"][0]}
    check("001.P1.sanity", sanity)


def test_the_loss_of_a_thousand_samples(found: dict[str, Any]) -> None:
    check("001.P1.L", found["loss"]["decimal"])


def test_the_gradients_of_a_thousand_samples(found: dict[str, Any]) -> None:
    gradients = {name: row["decimal"] for name, row in found["gradients"].items()}
    assert found["gradients"]["W_a"]["shape"] == [3, 2]
    check("001.P1.dW1", gradients["W_a"])
    check("001.P1.db1", gradients["b_a"])
    check("001.P1.dW2", gradients["W_z"][0])
    check("001.P1.db2", gradients["b_z"][0])


def test_the_step_is_against_the_gradient(found: dict[str, Any]) -> None:
    assert found["updates"]["W_a"]["formula"] == "W_a[j,k] - eta*dL/dW_a[j,k]"
    assert found["updates"]["W_a"]["delta"]["decimal"] is None, "the rate has no value"


def test_the_network_for_colour_images() -> None:
    table = count("colour-mlp")
    check("001.P2.params", rows(table, "params", "a1", "a2", "z"))
    check("001.P2.total", table["totals"]["params"])
    weights_alone = table["totals"]["memory_bytes"] - 4 * table["totals"]["activations"]
    check("001.P2.MiB", weights_alone / 2**20)


def test_only_the_first_layer_grows(tmp_path: Path) -> None:
    totals = {}
    for image in fact("001.P2.formula"):
        table = answer("count", changed("colour-mlp", tmp_path, input=f"{{x: {image}}}"))
        assert rows(table, "params", "a2", "z") == [8256, 650]
        channels, height, width = (int(size) for size in image.strip("[]").split(","))
        assert rows(table, "params", "a1") == [channels * height * width * 128 + 128]
        totals[image] = table["totals"]["params"]
    check("001.P2.formula", totals)
