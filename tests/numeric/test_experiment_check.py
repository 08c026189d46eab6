"""What shows only when an experiment meets its data: told at its place in the file, before anything is written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from backcalc.net.errors import InputError
from backcalc.numeric.experiment import read_experiment, run

NET = "net: {input: 2, layers: [{dense: {name: a, units: 3}}, softmax], loss: nll, update: {adam: {rate: 0.1}}}\n"
MEASURE = "measure: [params, test.accuracy]\n"


def refused(text: str, folder: Path | None = None) -> str:
    """What is said of an experiment that can be read; nothing is written."""
    with pytest.raises(InputError) as caught:
        run(read_experiment(text), folder)
    assert folder is None or not folder.exists()
    return str(caught.value)


def caret(told: str) -> str:
    """What the caret of the one problem stands below."""
    _, line, below, *_ = told.splitlines()
    return line[below.index("^") : below.rindex("^") + 1]


@pytest.mark.parametrize(
    ("lines", "at", "message", "help"),
    [
        ("data: iris", "iris", "the input of the network is [2], but iris has [4]", None),
        ("data: {name: iris}", "iris", "the input of the network is [2], but iris has [4]", None),
        ("data: csv:none.csv#y", "csv:none.csv#y", "there is no file `none.csv`", None),
        ("data: blobs:x", "blobs:x", "expected a number of points from 2 to 10000000", None),
        ("data: mnist:none", "mnist:none", "there is no `train-images-idx3-ubyte`", "put it there, or load it by"),
        ("data: {name: blobs, resize: 5}", "5", "`resize` is of images alone", None),
        ("vary: {data: [blobs:60, iris]}\ndata: blobs", "iris", "but iris has [4]", None),
        ("vary: {data.resize: [4]}\ndata: blobs", "4", "`resize` is of images alone", None),
        ("data: {name: blobs:60}\ntrain: {split: {test: 0.99}}", "0.99", "too few to keep 60 for testing", None),
        ("data: blobs:60\ntrain: {split: {validation: 0.99}}", "0.99", "too few to keep 48 for validation", None),
        ("data: blobs:2", "blobs:2", "no sample for training has the class `3`", None),
        ("data: blobs:60\ntrain: {metric: acuracy}", "acuracy", "unknown metric `acuracy`", "did you mean `accuracy`?"),
        ("data: blobs:60\ntrain: {metric: mae}", "mae", "but the target of the loss nll is a class", "leave it out"),
        ("data: blobs:60\ntrain: {flip: true}", "true", "`flip` mirrors images", None),
        ("data: blobs:60\ntrain: {initialise: he}", "he", "unknown initialiser `he`", "they are zeros, ones"),
        ("vary: {train.initialise: [zeros, he]}\ndata: blobs:60", "he", "unknown initialiser `he`", "they are"),
        ("data: abs:60\ntrain: {split: {stratify: true}}", "true", "`stratify` is for classes", None),
        ("data: line:60", "{", "line has 2 classes, but the output of the network is [3]", None),
    ],
)
def test_what_the_data_do_not_allow_stands_at_its_place(
    lines: str, at: str, message: str, help: str | None, tmp_path: Path
) -> None:
    told = refused(f"{lines}\n{NET}{MEASURE}", tmp_path / "run")
    assert message in told and told.count("error: ") == 1
    if at == "{":  # the network: a mapping has no end that is known
        assert "| net: " in told
    else:
        assert caret(told) == at
    assert (help is None) == ("= help" not in told) and (help or "") in told


def test_a_measure_that_does_not_fit_is_the_one_that_is_named() -> None:
    text = f"data: blobs:60\n{NET}measure: [params, test.mse, train.loss, train.mae]\nchoose: test.rmse\n"
    told = refused(text)
    for place in (
        "<text>:3:19: error: `test.mse` is of numbers",
        "<text>:3:41: error: `train.mae`",
        "<text>:4:9: error: `test.rmse`",
    ):
        assert place in told
    assert told.count("error: ") == 3


def test_all_arms_that_cannot_be_trained_are_told_at_once() -> None:
    told = refused(f"vary: {{data: [iris, blobs:60, csv:none.csv#y]}}\ndata: blobs\n{NET}{MEASURE}")
    assert "<text>:1:15: error: the input of the network is [2], but iris has [4]" in told
    assert "<text>:1:31: error: there is no file `none.csv`" in told


def test_batch_norm_of_one_sample_is_told_at_the_batch() -> None:
    net = NET.replace("softmax]", "batchnorm, softmax]")
    told = refused(f"data: blobs:60\ntrain: {{batch: 47}}\n{net}{MEASURE}")
    assert "would normalise a mini-batch of one sample" in told and caret(told) == "47"


def test_every_split_of_every_repeat_is_looked_at(tmp_path: Path) -> None:
    np.savez(tmp_path / "rare.npz", x_train=np.zeros((20, 2)), y_train=np.array([*[0, 1] * 9, 0, 2]))
    seed = next(seed for seed in range(100) if 19 in np.random.default_rng(seed).permutation(20)[:4])
    text = f"data: npz:{(tmp_path / 'rare.npz').as_posix()}\n{NET}{MEASURE}repeats: 100\n"
    told = refused(text, tmp_path / "run")
    assert f"no sample for training has the class `2`, in the split of seed {seed}" in told
    assert "= help: keep fewer for testing, or join classes" in told


def test_a_file_that_is_cut_off_is_told_at_the_data(tmp_path: Path) -> None:
    whole = tmp_path / "whole.npz"
    np.savez(whole, x_train=np.zeros((20, 2)), y_train=np.arange(20) % 3)
    (tmp_path / "cut.npz").write_bytes(whole.read_bytes()[:-40])
    name = f"npz:{(tmp_path / 'cut.npz').as_posix()}"
    told = refused(f"data: {name}\n{NET}{MEASURE}")
    assert "cut.npz` is cut off, damaged, or " in told and caret(told) == name
