"""What a trained network is seen to do: counted by hand, compared with the test that the training made."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from backcalc.net import load_network
from backcalc.numeric.data import Data, load_data, split, stacked
from backcalc.numeric.history import History
from backcalc.numeric.look import MOST_NUMBERS, Look, looked
from backcalc.numeric.run import loss_and_gradients
from backcalc.numeric.train import train

BLOBS = split(load_data("blobs:90"), 0.3, seed=0)
IMAGES = Data("maps", np.random.default_rng(0).normal(size=(24, 1, 6, 6)), np.arange(24.0) % 2, classes=("even", "odd"))


def network(layers: Any, loss: Any = "nll", inputs: Any = 2) -> Any:
    return load_network({"input": inputs, "layers": layers, "loss": loss, "update": {"adam": {"rate": "0.05"}}})


CLASSIFY = network([{"dense": {"name": "a", "units": 8}}, "tanh", {"dense": {"name": "z", "units": 3}}, "softmax"])


def seen(net: Any, data: Data, **settings: Any) -> tuple[History, Look]:
    history = train(net, data, **{"epochs": 10, "batch": 10, "dtype": "float64", **settings})
    return history, looked(net, data, history)


def test_the_confusion_matrix_counts_every_sample_of_every_trial() -> None:
    history, look = seen(CLASSIFY, BLOBS, trials=3)
    assert look.which == "test" and look.confusion is not None
    assert BLOBS.y_test is not None
    np.testing.assert_array_equal(look.confusion.sum(axis=1), 3 * np.bincount(BLOBS.y_test.astype(int)))
    right = np.trace(look.confusion) / look.confusion.sum()
    assert right == pytest.approx(np.mean(history.test["metric"]), abs=1e-12)


@pytest.mark.parametrize("last", [["sigmoid"], []])
def test_one_output_tells_two_classes_apart(last: list[str]) -> None:
    loss = "bce" if last else "bce_logits"
    net = network([{"dense": {"name": "z", "units": 1}}, *last], loss)
    data = split(load_data("line:200"), 0.3, seed=0)
    history, look = seen(net, data, metric="binary accuracy" if last else "sign accuracy")
    assert look.confusion is not None
    right = np.trace(look.confusion) / look.confusion.sum()
    assert right == pytest.approx(history.test["metric"][0], abs=1e-12)


def test_activations_and_gradients_are_those_of_the_network() -> None:
    history, look = seen(CLASSIFY, BLOBS)
    assert BLOBS.x_test is not None and BLOBS.y_test is not None
    weights = {name: array[0] for name, array in history.parameters.items()}
    z = np.tanh(BLOBS.x_test @ weights["W_a"].T + weights["b_a"]) @ weights["W_z"].T + weights["b_z"]
    np.testing.assert_allclose(np.sort(look.activations["z"]), np.sort(z.ravel()), rtol=1e-12)
    assert list(look.activations) == ["a", "tanh_1", "z", "softmax_1"]
    _, into = loss_and_gradients(CLASSIFY, weights, {"x": BLOBS.x_test, "t": BLOBS.y_test + 1}, training=False)
    np.testing.assert_allclose(np.sort(look.gradients["z"]), np.sort(into["z"].ravel()), rtol=1e-9, atol=1e-18)
    np.testing.assert_allclose(np.sort(look.gradients["a"]), np.sort(into["a"].ravel()), rtol=1e-9, atol=1e-18)


def test_many_numbers_are_drawn_from_all_units() -> None:
    """Every second of 256 × 32 numbers would be those of 16 units alone."""
    net = network([{"dense": {"name": "a", "units": 64}}, {"dense": 3}, "softmax"])
    data = load_data("blobs:300")
    _, look = seen(net, data, epochs=0)
    assert len(look.activations["a"]) == MOST_NUMBERS
    _, again = seen(net, data, epochs=0)
    np.testing.assert_array_equal(look.activations["a"], again.activations["a"])


def test_filters_of_a_convolution_and_of_a_dense_layer() -> None:
    maps = network([{"conv2d": {"name": "c", "filters": 3, "kernel": 3}}, "flatten", {"dense": 2}, "softmax"], "nll",
                   [1, 6, 6])  # fmt: skip
    history, look = seen(maps, IMAGES)
    assert look.filters is not None and look.filters.layer == "c"
    np.testing.assert_array_equal(look.filters.images, history.parameters["W_c"][0])
    flat = network(["flatten", {"dense": {"name": "d", "units": 70}}, {"dense": 2}, "softmax"], "nll", [1, 6, 6])
    history, look = seen(flat, IMAGES)
    assert look.filters is not None and (look.filters.of, len(look.filters.images)) == (70, 64)
    np.testing.assert_array_equal(look.filters.images, history.parameters["W_d"][0][:64].reshape(64, 1, 6, 6))
    assert seen(CLASSIFY, BLOBS)[1].filters is None


def test_images_are_shown_with_what_they_are_and_are_taken_for() -> None:
    net = network(["flatten", {"dense": 2}, "softmax"], "nll", [1, 6, 6])
    _, look = seen(net, IMAGES, epochs=40)
    assert look.which == "training" and look.shown is not None
    assert look.shown.truths == tuple(["even", "odd"] * 12)
    right = np.mean([truth == guess for truth, guess in zip(look.shown.truths, look.shown.guesses, strict=True)])
    assert right > 0.9
    np.testing.assert_array_equal(look.shown.images, IMAGES.x)


def test_reconstructions() -> None:
    data = replace(IMAGES, x=1 / (1 + np.exp(-IMAGES.x)))
    net = network(["flatten", {"dense": 8}, {"dense": 36}, "sigmoid"], "bce", [1, 6, 6])
    history, look = seen(net, data, reconstruct=True)
    assert history.metric == "mse" and look.confusion is None
    assert look.shown is not None and look.shown.rebuilt is not None and look.shown.truths == ()
    error = float(((look.shown.rebuilt - data.x) ** 2).mean())
    again = train(net, replace(data, x_test=data.x, y_test=data.y), epochs=10, batch=10, dtype="float64",
                  reconstruct=True)  # fmt: skip
    assert error == pytest.approx(again.test["metric"][0], rel=1e-9)


def test_regions_of_the_plane() -> None:
    """A network that puts out x₁ sees class 2 where that is more than 0."""
    net = load_network(
        {
            "input": 2,
            "layers": [{"dense": {"name": "z", "units": 2, "bias": False}}, "softmax"],
            "loss": "nll",
            "update": "adam",
            "values": {"W_z": [[-1, 0], [1, 0]]},
        }
    )
    data = Data("plane", np.array([[-1.0, 0], [1, 2], [0.5, 1]]), np.array([0.0, 1, 1]), classes=("left", "right"))
    history = train(net, data, epochs=0, rate=0.1)
    regions = looked(net, data, history).regions
    assert regions is not None
    across = np.linspace(regions.left, regions.right, regions.classes.shape[1])
    np.testing.assert_array_equal(regions.classes, np.broadcast_to(across > 0, regions.classes.shape))
    assert (regions.left, regions.right) == pytest.approx((-1.16, 1.16))
    assert (regions.low, regions.high) == pytest.approx((-0.16, 2.16))


def test_a_trial_that_was_lost_is_passed_over() -> None:
    history, _ = seen(CLASSIFY, BLOBS, trials=2)
    lost = {name: array.copy() for name, array in history.parameters.items()}
    for array in lost.values():
        array[0] = np.nan
    look = looked(CLASSIFY, BLOBS, replace(history, parameters=lost))
    assert look.confusion is not None and BLOBS.y_test is not None
    assert look.confusion.sum() == len(BLOBS.y_test)
    assert np.isfinite(look.activations["z"]).all() and len(look.activations["z"])


def test_numbers_as_targets_have_no_classes_to_confuse() -> None:
    net = network([{"dense": 4}, "relu", {"dense": 1}], "mse", 1)
    _, look = seen(net, load_data("abs:50"))
    assert (look.confusion, look.regions, look.shown, look.filters) == (None, None, None, None)
    assert stacked([load_data("abs:50")]).stacked
