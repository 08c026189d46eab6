"""Flipped and shifted images: against loops over pixels, how often, and who sees them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from backcalc.net import load_network
from backcalc.numeric.augment import augmented
from backcalc.numeric.data import Data
from backcalc.numeric.settings import Training, TrainingError
from backcalc.numeric.train import train

NET = load_network(
    {"input": [1, 6, 6], "layers": ["flatten", {"dense": 2}, "softmax"], "loss": "nll", "update": {"sgd": 0.1}}
)
IMAGES = Data("maps", np.random.default_rng(0).normal(size=(20, 1, 6, 6)), np.arange(20.0) % 2, classes=("a", "b"))


def moved(image: Any, down: int, right: int) -> Any:
    """Pixel by pixel."""
    found = np.zeros_like(image)
    _, high, wide = image.shape
    for row in range(high):
        for column in range(wide):
            if 0 <= row - down < high and 0 <= column - right < wide:
                found[:, row, column] = image[:, row - down, column - right]
    return found


@given(
    shape=some.tuples(some.integers(1, 3), some.integers(3, 6), some.integers(3, 6)),
    shift=some.integers(0, 2),
    flip=some.booleans(),
    seed=some.integers(0, 1000),
    legacy=some.booleans(),
)
@settings(deadline=None, max_examples=40)
def test_every_image_is_one_of_those_that_may_be(
    shape: tuple[int, ...], shift: int, flip: bool, seed: int, legacy: bool
) -> None:
    x = np.random.default_rng(seed).uniform(1, 2, (2, 5, *shape))
    before = x.copy()
    randoms = [np.random.RandomState(seed) if legacy else np.random.default_rng(seed) for _ in range(2)]
    found = augmented(x, Training(flip=flip, shift=shift), randoms)
    np.testing.assert_array_equal(x, before)
    np.testing.assert_array_equal(found[0].shape, found[1].shape)
    for image, given_image in zip(found.reshape(-1, *shape), x.reshape(-1, *shape), strict=True):
        mirrored = [given_image, given_image[..., ::-1]] if flip else [given_image]
        may_be = [
            moved(each, down, right)
            for each in mirrored
            for down in range(-shift, shift + 1)
            for right in range(-shift, shift + 1)
        ]
        assert any(np.array_equal(image, each) for each in may_be)


def test_half_of_the_images_are_mirrored_and_all_shifts_are_alike() -> None:
    x = np.zeros((1, 9000, 1, 3, 3))
    x[..., 1, 0] = 1
    flipped = augmented(x, Training(flip=True), [np.random.default_rng(0)])
    share = flipped[..., 1, 2].mean()
    assert abs(share - 0.5) < 4 * np.sqrt(0.25 / 9000)
    x = np.zeros((1, 9000, 1, 3, 3))
    x[..., 1, 1] = 1
    shares = augmented(x, Training(shift=1), [np.random.default_rng(0)]).mean(axis=1)[0, 0]
    assert np.abs(shares - 1 / 9).max() < 4 * np.sqrt(1 / 9 * 8 / 9 / 9000)


def test_only_what_is_trained_on_is_changed() -> None:
    """With a rate of next to nothing the test is that of the images as they are; the training loss is another."""
    data = Data(IMAGES.name, IMAGES.x, IMAGES.y, IMAGES.x, IMAGES.y, IMAGES.classes)
    plain = train(NET, data, epochs=1, rate=1e-30, batch=20, dtype="float64")
    changed = train(NET, data, epochs=1, rate=1e-30, batch=20, dtype="float64", flip=True, shift=2)
    assert plain.test["loss"][0] == pytest.approx(plain.curves["loss"][0][0], rel=1e-12)
    assert changed.test == plain.test
    assert changed.curves["loss"] != plain.curves["loss"]


def test_what_is_rebuilt_is_the_changed_image() -> None:
    """A network that puts out what it reads makes no error, however the image was moved."""
    net = load_network(
        {
            "input": 4,
            "layers": [{"dense": {"name": "z", "units": 4, "bias": False}}],
            "loss": "mse",
            "update": {"sgd": {"rate": "0.001"}},
            "values": {"W_z": np.eye(4).astype(int).tolist()},
        }
    )
    with pytest.raises(
        TrainingError, match=r"`flip` mirrors images \[channels, height, width\], but an input is \[4\]"
    ):
        train(net, Data("few", np.ones((4, 4)), np.ones(4)), reconstruct=True, flip=True)
    images = load_network(
        {
            "input": [1, 2, 2],
            "layers": ["flatten", {"dense": {"name": "z", "units": 4, "bias": False}}],
            "loss": "mse",
            "update": {"sgd": {"rate": "0.001"}},
            "values": {"W_z": np.eye(4).astype(int).tolist()},
        }
    )
    data = Data("few", np.random.default_rng(0).normal(size=(6, 1, 2, 2)), np.zeros(6))
    history = train(images, data, reconstruct=True, flip=True, shift=1, epochs=2, dtype="float64")
    assert history.curves["loss"] == ((0.0,), (0.0,))


def test_a_shift_leaves_something_of_the_image() -> None:
    with pytest.raises(TrainingError, match="a shift by up to 6 pixels leaves nothing of an image of 6×6"):
        train(NET, IMAGES, shift=6)
