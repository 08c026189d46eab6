"""What a training that has ended leaves in its folder: its history, and the weights of every trial."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from io import StringIO
from typing import Any

from backcalc.numeric.history import CURVES, History
from backcalc.numeric.runs.folder import Folder

STATE, HISTORY_CSV, HISTORY_JSON, WEIGHTS = "state.npz", "history.csv", "history.json", "weights.npz"


def leave(folder: Folder, history: History, more: Mapping[str, Any] | None = None) -> None:
    """Writes `weights.npz` (arrays `[trials, *shape]` by name), `history.csv` and `history.json`. Raises RunError."""
    folder.write_npz(WEIGHTS, history.parameters)
    folder.write(HISTORY_CSV, to_csv(history))
    document = json.dumps({**history.to_json(), **(more or {})}, indent=2, ensure_ascii=False, allow_nan=False)
    folder.write(HISTORY_JSON, document + "\n")


def to_csv(history: History) -> str:
    """A row for every epoch and trial, both from 1; what was not measured is left out, numbers are whole.

    >>> from backcalc.numeric.settings import Training
    >>> curves = {"loss": ((0.5, 0.25),), "metric": ((1.0, 0.75),)}
    >>> print(to_csv(History("net", "blobs", Training(trials=2), 9, "accuracy", curves, {}, 0.1, {})), end="")
    epoch,trial,loss,metric
    1,1,0.5,1.0
    1,2,0.25,0.75
    """
    into = StringIO()
    names = [name for name in CURVES if history.curves.get(name)]
    write = csv.writer(into, lineterminator="\n").writerow
    write(["epoch", "trial", *names])
    for epoch, rows in enumerate(zip(*(history.curves[name] for name in names), strict=True), 1):
        for trial, numbers in enumerate(zip(*rows, strict=True), 1):
            write([epoch, trial, *map(repr, numbers)])
    return into.getvalue()
