"""Mistakes that make an experiment say less than it seems to: each where it is made, and where it is not."""

from __future__ import annotations

from fractions import Fraction
from math import exp, log
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backcalc
from backcalc.numeric.data import Data, load_data
from backcalc.numeric.experiment import read_experiment, run
from backcalc.numeric.experiment.check import check
from backcalc.numeric.experiment.lint import of_data, of_pool, of_scores
from backcalc.numeric.experiment.samples import Shelf
from backcalc.numeric.experiment.sweep import warnings_of

LAYERS: list[Any] = [{"dense": {"name": "a", "units": 4}}, "relu", {"dense": {"name": "z", "units": 3}}]
NET: dict[str, Any] = {"name": "clouds", "input": 2, "layers": LAYERS, "loss": "nll_logits"}
FILE: dict[str, Any] = {
    "net": NET,
    "data": "blobs:60",
    "train": {"epochs": 1, "rate": Fraction(1, 10)},
    "repeats": 3,
    "measure": ["test.accuracy"],
}


def codes(**changes: Any) -> list[str]:
    """The mistakes that are told of an experiment; `train` is added to what there is of it."""
    train = {**FILE["train"], **changes.pop("train", {})}
    results = run(read_experiment({**FILE, **changes, "train": train}))
    assert results.to_json()["warnings"] == [each.to_json() for each in results.warnings]
    assert all(len(each.text) > 80 for each in results.warnings)  # each says why, and what to do
    return [each.code for each in results.warnings]


def test_an_honest_experiment_is_left_alone() -> None:
    assert codes(vary={"a.units": [3, 4]}) == []
    assert (
        codes(
            train={"split": {"validation": Fraction(1, 5)}},
            choose="val.loss",
            data={"name": "blobs:60", "standardise": True},
        )
        == []
    )


def test_softmax_in_front_of_a_loss_that_applies_it() -> None:
    assert codes(net={**NET, "layers": [*LAYERS, "softmax"]}) == ["softmax-twice"]
    assert codes(net={**NET, "layers": [*LAYERS, "softmax"], "loss": "nll"}) == []
    one = [{"dense": 1}, "sigmoid"]
    assert codes(net={**NET, "layers": one, "loss": "bce_logits"}, data="line:60") == ["softmax-twice"]
    assert codes(net={**NET, "layers": one, "loss": "bce"}, data="line:60") == []


def test_the_least_loss_that_is_told_is_that_of_a_perfect_answer() -> None:
    net = {**NET, "input": 64, "layers": [{"dense": 10}, "softmax"]}
    (warning,) = run(read_experiment({**FILE, "net": net, "data": "digits"})).warnings
    perfect = np.eye(10)[0]
    least = -log(exp(perfect[0]) / np.exp(perfect).sum())
    assert f"cannot fall below {least:.6f}" in warning.text and f"{least:.6f}" == "1.461150"


GIVEN = {"W_a": np.ones((4, 2)), "b_a": np.zeros(4), "W_z": np.ones((3, 4)) / 2, "b_z": np.zeros(3)}


def test_trials_that_all_go_on_from_the_same_weights() -> None:
    assert codes(net={**NET, "values": GIVEN}) == ["trained-on"]
    assert codes(net={**NET, "values": GIVEN}, repeats=1) == []
    assert codes(net={**NET, "values": {"b_a": np.zeros(4)}}) == []


def test_one_seed_for_all_trials() -> None:
    assert codes(train={"seed": 2022}) == ["one-seed"]
    assert codes(train={"seed": 2022}, repeats=1) == []
    assert codes(seed=2022) == []  # the first of the seeds


def test_one_seed_for_all_layers() -> None:
    square = [
        {"dense": {"name": "a", "units": 2}},
        "relu",
        {"dense": {"name": "b", "units": 2}},
        {"dense": {"name": "z", "units": 3}},
    ]
    same = {"W_a": [[1, 2], [3, 4]], "W_b": [[1, 2], [3, 4]]}
    assert codes(net={**NET, "layers": square, "values": same}) == ["one-seed"]
    assert codes(net={**NET, "layers": square, "values": {**same, "W_b": [[1, 2], [3, 5]]}}) == []


def test_one_seed_gives_one_result() -> None:
    results = run(
        read_experiment({**FILE, "train": {**FILE["train"], "seed": 7}, "data": {"name": "blobs:60", "seed": 1}})
    )
    assert len({run.measures["test.accuracy"] for run in results.rows[0].runs}) == 1


def test_one_fixed_split(tmp_path: Path) -> None:
    assert codes(train={"split": {"seed": 42}}) == ["one-split"]
    assert codes(train={"split": {"seed": 42}}, repeats=1) == []
    assert codes(train={"split": {"seed": 42, "test": 0}}, measure=["train.loss"]) == []
    data = load_data("blobs:60")
    half = {
        "x_train": data.x[:30],
        "y_train": data.y[:30].astype(int),
        "x_test": data.x[30:],
        "y_test": data.y[30:].astype(int),
    }
    np.savez(tmp_path / "own.npz", **half)
    assert codes(data=f"npz:{tmp_path / 'own.npz'}") == []


def test_testing_on_training_data() -> None:
    data = load_data("blobs:60")
    copied = Data("copied", data.x, data.y, data.x[:20].copy(), data.y[:20], classes=data.classes)
    apart = Data("apart", data.x[20:], data.y[20:], data.x[:20], data.y[:20], classes=data.classes)
    assert [each.code for each in of_data(copied)] == ["test-in-training"]
    assert "20 of the 20 test samples" in next(of_data(copied)).text
    assert not list(of_data(apart))
    assert codes(measure=["train.accuracy"]) == ["test-in-training"]
    assert codes(measure=["train.accuracy", "test.accuracy"]) == []
    assert codes(measure=["train.loss"]) == []


def test_iris_has_twins_which_are_no_mistake() -> None:
    assert codes(net={**NET, "input": 4}, data="iris") == []


def test_test_inputs_on_another_scale() -> None:
    x = np.random.default_rng(0).integers(0, 256, (50, 4)).astype(float)
    y = np.arange(50.0) % 2
    raw, scaled = (Data("pixels", x[:40] / 255, y[:40], x[40:] / each, y[40:], classes=("0", "1")) for each in (1, 255))
    assert [each.code for each in of_data(raw)] == ["test-unscaled"]
    assert not list(of_data(scaled))


def test_scaling_that_is_called_standardising() -> None:
    net = {**NET, "input": 64, "layers": [{"dense": 10}]}
    scaled, standard = ({"name": "digits", **how} for how in ({"scale": Fraction(1, 16)}, {"standardise": True}))
    assert codes(net=net, data=scaled, name="digits, standardised") == ["not-standardised"]
    assert codes(net=net, data=standard, name="digits, standardised") == []
    assert codes(net=net, data=scaled, name="digits, scaled") == []
    assert codes(net=net, data=scaled, name="digits, not standardized") == []


def test_the_best_chosen_by_its_test() -> None:
    rates = {"train.rate": [Fraction(1, 10), 1]}
    assert codes(vary=rates, choose="test.accuracy") == ["chosen-on-test"]
    assert codes(vary=rates, choose="val.accuracy", train={"split": {"validation": Fraction(1, 4)}}) == []
    assert [each.code for each in of_scores(["val.loss"], "test.loss")] == ["chosen-on-test"]


def test_a_mean_over_the_values_of_what_matters() -> None:
    many: dict[str, Any] = {"repeats": 8, "train": {"epochs": 15}, "measure": ["train.loss", "params"]}
    assert codes(vary={"train.rate": [Fraction(1, 1000), 1]}, pool="train.rate", **many) == ["pooled-effect"]
    assert codes(vary={"train.rate": [Fraction(1, 1000), 1]}, **many) == []
    assert codes(vary={"train.decay": [0, Fraction(1, 10**6)]}, pool="train.decay", **many) == []


def test_what_is_hidden_is_told_with_its_size() -> None:
    (warning,) = of_pool(["u"], {"accuracy": [[0.4, 0.5, 0.45], [0.9, 0.95, 0.92]]})
    assert "from 0.45 to 0.9233" in warning.text
    assert not list(of_pool(["u"], {"accuracy": [[0.4, 0.5, 0.45], [0.41, 0.5, 0.46]]}))


SHIPPED = Path(backcalc.__file__).parents[1] / "examples" / "experiments"
SHOWN = {"softmax-twice": ["softmax-twice"], "iris-width": ["one-split"], "surface-depth": ["one-split"]}
"""What shipped experiments show, as it was printed once; the others are warned of nothing."""

OFFLINE = sorted(
    file.stem
    for file in SHIPPED.glob("*.yaml")
    if "\nmeasure:" in file.read_text("utf-8") and not file.name.startswith(("mnist", "cifar10", "letters"))
)


@pytest.mark.parametrize("name", OFFLINE)
def test_the_shipped_experiments_are_warned_of_what_they_show(name: str) -> None:
    read = read_experiment(SHIPPED / f"{name}.yaml")
    assert [each.code for each in warnings_of(read, check(read, Shelf()))] == SHOWN.get(name, [])
