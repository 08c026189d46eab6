"""How much memory a training takes as a whole process, imports and data included."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import backcalc
from tests.cli.test_train_bad_input import MEASURED
from tests.hanging import HUNG

MOST = 120_000
"""Kilobytes that are promised for LeNet-5 with mini-batches of 64."""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the unit of the largest memory differs elsewhere")
@pytest.mark.parametrize("options", [[], ["--validation", "0.5", "--run", "run", "--no-plots"]])
def test_lenet_trains_and_is_tested_in_little_memory(tmp_path: Path, options: list[str]) -> None:
    """Many more samples are tested than a mini-batch has: they must not go through the network at once."""
    random = np.random.default_rng(0)
    arrays = {name: random.integers(0, 256, (600, 1, 28, 28), np.uint8) for name in ("x_train", "x_test")}
    np.savez(tmp_path / "images.npz", **arrays, y_train=np.arange(600) % 10, y_test=np.arange(600) % 10)
    given = ["train", "lenet5", "--data", "npz:images.npz", "--batch", "64", "--epochs", "1", "--scale", "0.004"]
    rule = ["--optimizer", "adam", "--rate", "0.001", "--quiet"]
    command = [sys.executable, "-c", MEASURED, sys.executable, "-m", "backcalc", *given, *rule, *options]
    environment = {**os.environ, "PYTHONPATH": str(Path(backcalc.__file__).parents[1])}
    found = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True, timeout=HUNG
    )
    status, kilobytes = json.loads(found.stdout.splitlines()[-1])
    assert status == 0
    assert kilobytes < MOST
