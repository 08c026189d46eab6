"""`backcalc train`: the fields of the JSON, the same numbers from the same seed, what is learnt, what is refused."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backcalc
from backcalc.cli import busy as busy_module
from backcalc.cli.train_options import RULES
from backcalc.derive.derivation import Check
from backcalc.net.update import UPDATES
from backcalc.numeric.history import History
from backcalc.numeric.plans import engine_for
from backcalc.verify import first_batch

SPIRALS = Path(backcalc.__file__).parents[1] / "examples" / "spirals.yaml"

NET = """\
name: three clouds
input: {x: 2}
layers:
  - dense: {name: a, units: 6}
  - batchnorm
  - tanh
  - dropout: 0.2
  - dense: {name: z, units: 3}
  - softmax
loss: nll
update: {adam: {rate: 0.05}}
penalty: {l2: 0.001}
"""


@pytest.fixture
def clouds(tmp_path: Path) -> Path:
    """A network for three classes in the plane, with layers that draw and that normalise a mini-batch."""
    path = tmp_path / "clouds.yaml"
    path.write_text(NET, encoding="utf-8")
    return path


def document(run: Callable[..., Any], *arguments: object) -> Any:
    result = run("train", *arguments, "--format", "json")
    assert (result.status, result.err) == (0, "")
    return json.loads(result.out)


def test_the_fields_are_those_of_the_contract(run: Callable[..., Any], clouds: Path) -> None:
    found = document(run, clouds, "--data", "blobs:60", "--epochs", 3, "--validation", 0.25, "--seed", 4)
    assert next(iter(found)) == "schema_version"
    assert {key: found[key] for key in ("schema_version", "net", "data", "seed", "params")} == {
        "schema_version": 1,
        "net": "three clouds",
        "data": "blobs",
        "seed": 4,
        "params": 6 * 2 + 6 + 2 * 6 + 3 * 6 + 3,
    }
    assert {name: len(curve) for name, curve in found["history"].items()} == dict.fromkeys(
        ("loss", "metric", "val_loss", "val_metric"), 3
    )
    assert set(found["test"]) == {"loss", "metric"}
    assert all(isinstance(each, float) for each in [*found["test"].values(), *found["history"]["loss"]])
    assert found["seconds"] > 0
    assert found["notes"] == ["12 of the 60 samples, drawn at random, kept for testing"]
    assert "verified" not in found


def test_the_same_seed_gives_the_same_numbers(run: Callable[..., Any], clouds: Path) -> None:
    def numbers(seed: int) -> Any:
        found = document(run, clouds, "--data", "blobs:60", "--epochs", 3, "--trials", 2, "--seed", seed)
        return found["history"], found["test"]

    assert numbers(1) == numbers(1)
    assert numbers(1) != numbers(2)
    losses = numbers(1)[0]["loss"]
    assert all(first != second for first, second in losses), "trials are networks of their own"


def test_spirals_are_learnt(run: Callable[..., Any]) -> None:
    found = document(run, SPIRALS, "--data", "spirals:400", "--epochs", 150, "--trials", 3)
    assert min(found["test"]["metric"]) > 0.95
    start, end = found["history"]["loss"][0], found["history"]["loss"][-1]
    assert max(end) < 0.1 < 0.5 < min(start)


def test_the_answer_in_words(run: Callable[..., Any], clouds: Path) -> None:
    result = run("train", clouds, "--data", "blobs:90", "--trials", 2, "--standardise", "--rate", 0.02)
    assert (result.status, result.err) == (0, "")
    words = " ".join(result.out.split())
    assert "three clouds, trained on blobs" in words
    assert "51 parameters, 2 trials, 10 epochs, mini-batches of 32, adam with rate 0.02" in words
    assert "18 of the 90 samples, drawn at random, kept for testing." in words
    assert "Standardised by the means and deviations of the training samples." in words
    assert "Seed 0 fixes what is drawn" in words


def test_another_rule_needs_its_own_rate(run: Callable[..., Any], clouds: Path) -> None:
    result = run("train", clouds, "--data", "blobs", "--optimizer", "sgd")
    assert (result.status, result.out) == (2, "")
    assert result.err == "error: `sgd` has no rate\n  = help: give one: --rate 0.01, or `update: {sgd: {rate: 0.01}}`\n"
    assert "sgd with rate 0.5" in run("train", clouds, "--data", "blobs", "--optimizer", "sgd", "--rate", 0.5).out
    assert "adam with rate 0.05" in run("train", clouds, "--data", "blobs", "--optimizer", "adam").out
    assert tuple(UPDATES) == RULES


@pytest.mark.parametrize("net", ["path", "stdin"])
def test_good_gradients_pass_the_check(
    net: str, run: Callable[..., Any], clouds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[object] = [clouds, "--data", "blobs", "--epochs", 1, "--check"]
    if net == "stdin":
        with clouds.open() as file:
            monkeypatch.setattr("sys.stdin", file)
            found = document(run, "-", *given[1:])
    else:
        found = document(run, *given)
        assert "✓ the derived formulas on the first mini-batch" in run("train", *given).out
    (way,) = found["verified"]
    assert way["passed"] is True
    assert 0 < way["max_error"] < 1e-12


def test_wrong_gradients_do_not_train(
    run: Callable[..., Any], clouds: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def wrong(*arguments: Any) -> Any:
        engine = engine_for(*arguments)
        step = engine.step

        def stepping(*batch: Any) -> Any:
            seen = step(*batch)
            engine.gradients[:, 3] *= 1.001
            return seen

        monkeypatch.setattr(engine, "step", stepping)
        return engine

    monkeypatch.setattr(first_batch, "engine_for", wrong)
    result = run("train", clouds, "--data", "blobs", "--check")
    assert result.status == 1
    assert "✗ the derived formulas on the first mini-batch" in result.out
    assert "The ways do NOT all agree." in result.out
    assert result.err.startswith("not trained: ✗ the derived formulas")
    found = json.loads(run("train", clouds, "--data", "blobs", "--check", "--format", "json").out)
    assert (found["schema_version"], found["verified"][0]["passed"]) == (1, False)
    assert "history" not in found


def test_what_cannot_be_evaluated_is_not_verified(
    run: Callable[..., Any], clouds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unknown = Check("the derived formulas", None, False, "nothing could be evaluated: too large")
    monkeypatch.setattr(first_batch, "check_first_batch", lambda *_: unknown)
    result = run("train", clouds, "--data", "blobs", "--check")
    assert result.status == 1
    assert "Nothing was verified." in result.out


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("blob", "--data: error: unknown data `blob`\n  = help: did you mean `blobs`?\n"),
        ("spiral:300", "--data: error: unknown data `spiral:300`\n  = help: did you mean `spirals`?\n"),
        ("blobs:1", "expected a number of points from 2 to 10000000 behind the colon"),
        ("mnist:nowhere", "there is no `train-images-idx3-ubyte` (or `train-images-idx3-ubyte.gz`) in the folder"),
        ("mnist:nowhere", "\n  = help: put it there, or load it by `--download`\n"),
        ("npz:none.npz", "--data: error: there is no file `none.npz`\n"),
        ("csv:none.csv#y", "--data: error: there is no file `none.csv`\n"),
        ("csv:none.csv", "does not name its target column"),
        ("abs", "error: the input of the network is [2], but abs has [1]\n"),
        ("line", "error: line has 2 classes, but the output of the network is [3]\n"),
        ("eggholder:50", "error: the loss nll needs classes, but eggholder has numbers as its target\n"),
    ],
)
def test_data_that_do_not_fit(
    data: str, words: str, run: Callable[..., Any], clouds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("train", clouds, "--data", data, "--output", tmp_path / "history.txt")
    assert (result.status, result.out) == (2, "")
    assert words in result.err
    assert "Traceback" not in result.err
    assert not (tmp_path / "history.txt").exists()


def test_labels_out_of_range(run: Callable[..., Any], clouds: Path, tmp_path: Path) -> None:
    x = np.zeros((5, 2))
    np.savez(tmp_path / "labels.npz", x_train=x, y_train=np.array([0, 1, 2, -1, 1]))
    result = run("train", clouds, "--data", f"npz:{tmp_path / 'labels.npz'}")
    assert (result.status, result.out) == (2, "")
    assert "the training label -1 is none of the 3 classes, which are whole numbers from 0" in result.err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--epochs", "0"], "0 is not in the range x>=1"),
        (["--rate", "-1"], "`rate` is a number more than 0"),
        (["--rate", "nan"], "`rate` is a number more than 0"),
        (["--validation", "1"], "--validation"),
        (["--optimizer", "adm"], "'adm' is not one of 'sgd'"),
        (["--trials", "1000000000"], "are too many"),
    ],
)
def test_a_wrong_option(options: list[str], words: str, run: Callable[..., Any], clouds: Path) -> None:
    result = run("train", clouds, "--data", "blobs", *options)
    assert (result.status, result.out) == (2, "")
    assert words in result.err
    assert "Traceback" not in result.err


def test_data_are_asked_for(run: Callable[..., Any], clouds: Path) -> None:
    assert "Missing option '--data'" in run("train", clouds).err


def test_a_loss_that_is_no_number_is_told_with_step_and_layer(run: Callable[..., Any]) -> None:
    result = run("train", SPIRALS, "--data", "spirals", "--optimizer", "sgd", "--rate", "1e30")
    assert (result.status, result.out) == (2, "")
    assert "the loss of trial 1 is no finite number in step 2 of epoch 1: layer `z2` puts it out first" in result.err
    assert "a smaller rate" in result.err


def test_one_trial_that_is_lost_is_a_warning(
    run: Callable[..., Any], clouds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train = backcalc.train

    def one_wild(*arguments: Any, **settings: Any) -> History:
        return train(*arguments, **{**settings, "rate": (0.05, 1e38)})

    monkeypatch.setattr(backcalc, "train", one_wild)
    wild = ["train", SPIRALS, "--data", "spirals", "--trials", 2, "--epochs", 2]
    result = run(*wild)
    assert result.status == 0
    assert result.err.startswith("warning: the loss of trial 2 is no finite number in step 2 of epoch 1: ")
    assert "1 of 2 trials left out" in result.out
    found = json.loads(run(*wild, "--format", "json").out)
    assert found["history"]["loss"][0][1] is None
    assert found["test"]["loss"][1] is found["test"]["metric"][1] is None


def test_the_spinner_tells_how_far_it_is(
    run: Callable[..., Any], clouds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr("backcalc.cli.train.say", said.append)
    run("train", clouds, "--data", "blobs", "--epochs", 2)
    assert [text.split(", ")[0] for text in said] == [
        f"train {'━' * 12}{'─' * 12} epoch 1 of 2",
        f"train {'━' * 24} epoch 2 of 2",
    ]
    assert said[-1].endswith(", 0 s left")


def test_live_curves_are_lines_where_nobody_looks(run: Callable[..., Any], clouds: Path) -> None:
    given = ("train", clouds, "--data", "blobs", "--epochs", 3, "--watch")
    result = run(*given)
    (line,) = result.err.splitlines()
    assert line.startswith(f"train {'━' * 24} epoch 3 of 3, loss ") and line.endswith(", 0 s left")
    assert (run(*given, "--quiet").err, run(*given[:-1]).err) == ("", "")


def test_live_curves_stay_when_it_is_over(
    run: Callable[..., Any], clouds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backcalc.cli.train.sys.stderr.isatty", lambda: True, raising=False)
    said: list[str] = []
    monkeypatch.setattr("backcalc.cli.train.say", said.append)
    result = run("train", clouds, "--data", "blobs", "--epochs", 3, "--watch", "--validation", 0.2)
    assert [text.count("┤") for text in said] == [16, 16, 16]
    assert "loss (training line, validation dotted)" in result.err
    assert result.err.count("┤") == 16 and "\x1b" not in result.out


def test_what_is_said_reaches_the_terminal_and_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.cli.test_busy import Terminal

    stream = Terminal()
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setattr(busy_module, "PATIENCE", 0.05)
    monkeypatch.setenv("TERM", "xterm")
    with busy_module.busy("train …") as say:
        say("epoch 1 of 9")
        time.sleep(0.4)
        say("epoch 2 of 9")
        time.sleep(0.4)
    assert "epoch 1 of 9" in stream.getvalue()
    assert "epoch 2 of 9" in stream.getvalue()


def test_an_interrupt_leaves_nothing(
    run: Callable[..., Any], clouds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(text: str) -> None:
        if " epoch 3 of 10" in text:
            raise KeyboardInterrupt

    monkeypatch.setattr("backcalc.cli.train.say", interrupted)
    result = run("train", clouds, "--data", "blobs", "--output", tmp_path / "history.txt")
    assert (result.status, result.out) == (130, "")
    assert result.err == "nothing was kept; with --run FOLDER it can be gone on with\n\ninterrupted\n"
    assert list(tmp_path.iterdir()) == [clouds]
