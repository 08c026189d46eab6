"""A training as text: the epochs that are shown, the spread, what was lost, what was done to the data."""

from __future__ import annotations

from dataclasses import replace
from math import nan
from pathlib import Path
from typing import Any

import pytest

import backcalc
from backcalc.numeric.history import History
from backcalc.numeric.settings import Training
from backcalc.render.train_text import render, spread

NETWORK = backcalc.load(Path(backcalc.__file__).parents[1] / "examples" / "spirals.yaml")


def history(**changes: Any) -> History:
    """Two trials, two epochs, with a test."""
    plain = History(
        net="two spirals",
        data="spirals",
        settings=Training(epochs=2, trials=2, seed=7),
        params=722,
        metric="accuracy",
        curves={"loss": ((0.75, 0.25), (0.5, 0.25)), "metric": ((0.5, 0.75), (1.0, 1.0))},
        test={"loss": (0.25, 0.75), "metric": (0.875, 1.0)},
        seconds=1.5,
        parameters={},
        stopped=(2, 2),
        notes=("inputs times 2",),
    )
    return replace(plain, **changes)


def test_the_whole() -> None:
    assert render(history(), NETWORK) == (
        "two spirals, trained on spirals\n"
        "═══════════════════════════════\n"
        "722 parameters, 2 trials, 2 epochs, mini-batches of 32, adam with rate 0.01,\n"
        "float32, 1.5 s. The metric is accuracy.\n"
        "\n"
        "epoch          loss      accuracy\n"
        "─────────────────────────────────\n"
        "    1    0.5 ± 0.35  0.625 ± 0.18\n"
        "    2  0.375 ± 0.18         1 ± 0\n"
        "\n"
        "Test\n"
        "────\n"
        "Loss 0.5 ± 0.35, accuracy 0.9375 ± 0.088 (mean ± standard deviation of 2\n"
        "trials).\n"
        "The accuracy is from 0.875 to 1.\n"
        "\n"
        "Data and seed\n"
        "─────────────\n"
        "Inputs times 2.\n"
        "Seed 7 fixes what is drawn: points of synthetic data, samples kept aside, first\n"
        "weights, order of the mini-batches, random layers; each trial draws from the\n"
        "seed and its own number. The same seed gives the same numbers.\n"
    )


def test_one_trial_has_no_spread() -> None:
    one = history(
        settings=Training(trials=1),
        curves={"loss": ((0.5,),), "metric": ((1.0,),)},
        test={"loss": (0.25,), "metric": (1.0,)},
        stopped=(1,),
    )
    text = render(one, NETWORK)
    assert "1 trial, 1 epoch," in text
    assert "\nLoss 0.25, accuracy 1.\n" in text
    assert "±" not in text and "each trial" not in text


def test_long_trainings_show_some_epochs_and_say_so() -> None:
    curves = {name: tuple((1 / epoch, 1.0) for epoch in range(1, 101)) for name in ("loss", "metric")}
    lines = render(history(curves=curves), NETWORK).splitlines()
    table = lines[lines.index("") + 3 : lines.index("20 of 100 epochs; JSON has all of them.")]
    epochs = [int(line.split()[0]) for line in table]
    assert len(epochs) == 20
    assert (epochs[0], epochs[-1]) == (1, 100)
    assert epochs == sorted(set(epochs))


def test_validation_has_columns_of_its_own() -> None:
    curves = history().curves
    both = {**curves, "val_loss": curves["loss"], "val_metric": curves["metric"]}
    assert "validation loss  validation accuracy" in render(history(curves=both), NETWORK)


def test_a_trial_that_was_lost_counts_nowhere_and_is_said() -> None:
    text = render(history(test={"loss": (nan, 0.5), "metric": (0.1, 1.0)}), NETWORK)
    assert "\nLoss 0.5, accuracy 1.\n" in text
    assert "1 of 2 trials left out: the loss is no finite number." in text


def test_without_a_test_it_says_so() -> None:
    assert "There are no samples for testing." in render(history(test={}), NETWORK)


@pytest.mark.parametrize(
    ("stopped", "words"),
    [
        ((5, 8), "Early stopping ended after epochs 5 to 8; the best parameters were given back."),
        ((5, 5), "Early stopping ended after epoch 5; the best parameters were given back."),
        ((10, 10), "No early stopping: training ended after epoch 10; the best parameters were given back."),
    ],
)
def test_early_stopping_is_said(stopped: tuple[int, int], words: str) -> None:
    text = render(history(settings=Training(epochs=10, trials=2, patience=2), stopped=stopped), NETWORK)
    assert words in " ".join(text.split())


def test_what_is_done_to_the_images_is_said() -> None:
    changed = history(settings=Training(trials=2, flip=True, shift=1, reconstruct=True))
    words = " ".join(render(changed, NETWORK).split())
    assert (
        "Images for training are mirrored left to right with probability 1/2 and moved by up to 1 pixel each way, anew "
        "in every epoch; those for validation and testing are not. The target is the input." in words
    )


def test_the_spread_is_that_of_a_sample() -> None:
    # 2, 4, 4, 4, 5, 5, 7, 9: mean 5, sum of squares 32, over n − 1: √(32/7) = 2.138
    assert spread((2, 4, 4, 4, 5, 5, 7, 9)) == "5 ± 2.1"
