"""What `train` says of data and networks that will not do: in little memory, and nothing is lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backcalc
from tests.cli.hostile import HEAVY, faulty
from tests.hanging import HUNG

KILOBYTES = 300_000
MEASURED = """
import json, resource, subprocess, sys
status = subprocess.run(sys.argv[1:], stderr=subprocess.DEVNULL).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([status, used.ru_maxrss]))
"""
KEPT = "history.txt"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two networks, and data with one fault each."""
    return faulty(tmp_path)


CASES = [
    ("net.yaml", "npz:labels.npz", "`y_train` in `labels.npz` holds the label 1099511627776, but classes are"),
    ("net.yaml", "npz:negative.npz", "the training label -1 is none of the 2 classes"),
    ("net.yaml", "npz:test-labels.npz", "the test label 3 is none of the 3 classes"),
    ("net.yaml", "npz:gap.npz", "no sample for training has the class `1`"),
    ("net.yaml", "npz:more.npz", "more.npz has 5 classes, but the output of the network is [3]"),
    ("net.yaml", "csv:whole.csv#y", "has numbers as its target; if they are classes, write them as words in a table"),
    ("net.yaml", "npz:size.npz", "the input of the network is [4], but size.npz has [1, 5, 5]"),
    ("net.yaml", "npz:nan.npz", "`x_train` in `nan.npz` holds a number that is not finite"),
    ("net.yaml", "npz:half.npz", "`half.npz` is cut off, damaged, or no .npz file of plain arrays"),
    ("net.yaml", "npz:fine.npz", "`n` would normalise a mini-batch of one sample, which has no spread"),
    ("net.yaml", "npz:none.npz", "there is no file `none.npz`"),
    ("net.yaml", "csv:none.csv#y", "there is no file `none.csv`"),
    ("net.yaml", "images:none", "there is no folder `none`"),
    ("net.yaml", "cifar10:none", "there is no `data_batch_1.bin` (or `data_batch_1.bin.gz`) in the folder `none`"),
    ("images.yaml", "mnist:missing", "there is no `t10k-labels-idx1-ubyte` (or `t10k-labels-idx1-ubyte.gz`)"),
    (
        "images.yaml",
        "mnist:half",
        f"`{Path('half', 'train-images-idx3-ubyte.gz')}` is cut off or damaged: load it again",
    ),
]


@pytest.mark.parametrize(("net", "data", "words"), CASES, ids=[data for _, data, _ in CASES])
def test_it_is_said_and_nothing_is_left(
    net: str, data: str, words: str, run: Callable[..., Any], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    before = sorted(folder.rglob("*"))
    for left in (["--output", KEPT], ["--run", "run"]):
        result = run("train", net, "--data", data, *left)
        assert (result.status, result.out) == (2, "")
        assert "error: " in result.err and words in result.err and "Traceback" not in result.err
        assert sorted(folder.rglob("*")) == before


@pytest.mark.skipif(os.name != "posix", reason="memory is measured as POSIX has it")
@pytest.mark.parametrize(("net", "data"), HEAVY)
def test_it_is_said_in_little_memory(net: str, data: str, folder: Path) -> None:
    # A process begins with the memory of the one that it was forked from, so a small one stands between.
    command = [sys.executable, "-c", MEASURED, sys.executable, "-m", "backcalc", "train", net, "--data", data]
    environment = {**os.environ, "PYTHONPATH": str(Path(backcalc.__file__).parents[1])}
    found = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=True, timeout=2 * HUNG
    )
    status, kilobytes = json.loads(found.stdout.splitlines()[-1])
    assert status == 2
    assert kilobytes < KILOBYTES


def test_a_class_that_validation_takes_away_is_warned_of(run: Callable[..., Any], folder: Path) -> None:
    labels = np.array([0, 1] * 16 + [2])
    np.savez(folder / "rare.npz", x_train=np.eye(33, 4), y_train=labels, x_test=np.eye(4), y_test=np.zeros(4, int))
    result = run("train", folder / "net.yaml", "--data", f"npz:{folder / 'rare.npz'}", "--validation", 0.9)
    assert result.status == 0
    assert "warning: no sample for training has the class `" in result.err
    assert "all of its samples are among the 30 kept for validation; keep fewer" in result.err


def test_a_mini_batch_larger_than_the_data_is_warned_of(run: Callable[..., Any], folder: Path) -> None:
    result = run("train", folder / "net.yaml", "--data", f"npz:{folder / 'fine.npz'}", "--batch", 64)
    assert result.status == 0
    assert result.err == "warning: the mini-batch of 64 is larger than the 33 samples: every step sees all of them\n"
