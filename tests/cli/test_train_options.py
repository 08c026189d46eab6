"""Every setting of a training can be reached from the command line, and what is wrong there is said."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backcalc.cli.train_options import ALIKE, NAMES, OPTIONS, STYLES, settings_of
from backcalc.numeric.initialise import SCHEMES
from backcalc.numeric.optimise import Schedule
from backcalc.numeric.settings import Training, TrainingError, schedule_of

NET = """\
name: bars
input: {x: [1, 4, 4]}
layers: [flatten, dense: {name: a, units: 5}, relu, dense: {name: z, units: 2}, softmax]
loss: nll
update: {adam: {rate: 0.05, epsilon: 0.001}}
"""


@pytest.fixture
def bars(tmp_path: Path) -> tuple[Path, str]:
    """A network and images of bars that stand or lie."""
    random, net = np.random.default_rng(0), tmp_path / "bars.yaml"
    x = random.uniform(0, 1, (40, 1, 4, 4))
    for place in range(40):
        (x[place, 0] if place % 2 else x[place, 0].T)[:, place % 4] += 2
    np.savez(tmp_path / "bars.npz", x_train=x, y_train=np.arange(40) % 2)
    net.write_text(NET, encoding="utf-8")
    return net, f"npz:{tmp_path / 'bars.npz'}"


def trained(run: Callable[..., Any], bars: tuple[Path, str], *options: object) -> Any:
    net, data = bars
    result = run("train", net, "--data", data, "--epochs", 3, "--batch", 8, "--format", "json", *options)
    assert (result.status, result.err) == (0, "")
    return json.loads(result.out)


def test_every_setting_has_an_option() -> None:
    under_another_name = {"schedule": "schedule", "initialise": "initialise", "order": "replacement",
                          "restore_best": "keep_last"}  # fmt: skip
    of_experiments = {"seeds", "arguments"}  # trials that were grouped by the sweep
    every = {field.name for field in fields(Training)}
    assert every == {*ALIKE} | under_another_name.keys() | of_experiments
    assert {*ALIKE, *under_another_name.values()} < NAMES
    assert NAMES - {*ALIKE, *under_another_name.values()} == {"optimizer", "test", "scale", "standardise"}


def test_defaults_are_those_of_the_settings() -> None:
    plain = {names[0].removeprefix("--").replace("-", "_"): about.get("default") for names, about in OPTIONS}
    flags = {
        name: bool(plain[name]) for name in ("replacement", "legacy", "stratify", "keep_last", "reconstruct", "flip")
    }
    assert settings_of({**plain, **flags, "initialise": ()}) == Training()
    assert STYLES == ("backcalc", "keras", "pytorch")


@pytest.mark.parametrize(
    ("options", "settings"),
    [
        (["--style", "keras"], {"style": "keras"}),
        (["--schedule", "step:4:0.5"], {"schedule": {"kind": "step", "every": 4, "factor": 0.5}}),
        (["--schedule", "cosine:6"], {"schedule": {"kind": "cosine", "every": 6, "factor": 1.0}}),
        (["--decay", "0.1"], {"decay": 0.1}),
        (["--l1", "0.01", "--l2", "0.02"], {"l1": 0.01, "l2": 0.02}),
        (["--initialise", "zeros", "--initialise", "z=normal:2"], {"initialise": {"": "zeros", "z": "normal:2"}}),
        (["--replacement"], {"order": "replacement"}),
        (["--dtype", "float64"], {"dtype": "float64"}),
        (["--legacy"], {"legacy": True}),
        (["--flip", "--shift", "1"], {"flip": True, "shift": 1}),
        (["--optimizer", "nesterov", "--rate", "0.1"], {"rate": 0.1}),
    ],
)  # fmt: skip
def test_an_option_changes_its_setting_and_what_comes_out(
    options: list[str], settings: dict[str, Any], run: Callable[..., Any], bars: tuple[Path, str]
) -> None:
    plain, found = trained(run, bars), trained(run, bars, *options)
    assert {name: found["settings"][name] for name in settings} == settings
    assert found["history"] != plain["history"]


def test_early_stopping_gives_back_the_best_or_keeps_the_last(run: Callable[..., Any], bars: tuple[Path, str]) -> None:
    given = ("--validation", 0.3, "--patience", 1, "--rate", 1.0, "--epochs", 30)
    best, last = trained(run, bars, *given), trained(run, bars, *given, "--keep-last")
    assert best["history"] == last["history"]
    assert best["stopped"] == last["stopped"] and best["stopped"][0] < 30
    assert best["test"] != last["test"]


def test_what_is_done_to_the_inputs(run: Callable[..., Any], bars: tuple[Path, str]) -> None:
    found = trained(run, bars, "--scale", 0.5, "--standardise", "--test", 0.4)
    assert found["notes"] == [
        "16 of the 40 samples, drawn at random, kept for testing",
        "inputs times 0.5",
        "standardised by the means and deviations of the training samples",
    ]


def test_arguments_of_the_rule_are_those_of_the_file(run: Callable[..., Any], bars: tuple[Path, str]) -> None:
    plain = trained(run, bars)
    net, _ = bars
    net.write_text(NET.replace("epsilon: 0.001", "epsilon: 1"), encoding="utf-8")
    assert trained(run, bars)["history"] != plain["history"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--schedule", "cosin:10"], "error: unknown schedule `cosin`; did you mean `cosine`?"),
        (["--schedule", "warm"], "unknown schedule `warm`; they are step, exponential and cosine"),
        (
            ["--schedule", "step:10"],
            "`step:10` is no schedule; write `step:STEPS:FACTOR`, with a whole number of steps",
        ),
        (["--schedule", "cosine:0"], "`cosine:0` is no schedule; write `cosine:STEPS`"),
        (["--initialise", "he"], "error: unknown initialiser `he`"),
        (["--initialise", "zeros", "--initialise", "ones"], "there are two schemes for all arrays"),
        (["--initialise", "=zeros"], "`=zeros` names no array or layer before the `=`"),
        (["--initialise", "b=zeros"], "there is no layer or array `b` to initialise; there are W_a, W_z, a, b_a, b_z"),
        (["--metric", "acuracy"], "unknown metric `acuracy`; did you mean `accuracy`?"),
        (["--metric", "mse"], "the metric `mse` compares numbers, but the target of the loss nll is a class"),
        (["--metric", "sign accuracy"], "the metric `sign accuracy` needs one output, but there are [2]"),
        (["--shift", "4"], "a shift by up to 4 pixels leaves nothing of an image of 4×4"),
        (["--reconstruct"], "the loss nll needs classes, but bars.npz has numbers as its target"),
        (["--decay", "-1"], "-1.0 is not in the range x>=0"),
        (["--save-every", "-1"], "-1.0 is not in the range x>=0"),
    ],
)
def test_what_is_wrong_is_said(options: list[str], words: str, run: Callable[..., Any], bars: tuple[Path, str]) -> None:
    net, data = bars
    result = run("train", net, "--data", data, *options)
    assert (result.status, result.out) == (2, "")
    assert words in result.err and "Traceback" not in result.err


@pytest.mark.parametrize(
    "text", ["", "step", "step:x:1", "step:1:nan", "step:1:0", "cosine:5:2", "step:1:1:1", "constant"]
)
def test_what_is_no_schedule_is_refused(text: str) -> None:
    with pytest.raises(TrainingError, match="schedule"):
        schedule_of(text)


def test_a_schedule_is_read_as_it_is_written() -> None:
    assert schedule_of("step:500:0.5") == Schedule("step", 500, 0.5)
    assert schedule_of("exponential:10:0.9") == Schedule("exponential", 10, 0.9)
    assert "he_normal" in SCHEMES
