"""Data and networks for `train` that will not do."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np

NET = """\
name: flowers
input: {x: 4}
layers:
  - dense: {name: a, units: 6}
  - batchnorm: {name: n}
  - relu
  - dense: {name: z, units: 3}
loss: nll_logits
update: {sgd: {rate: 0.1}}
"""
IMAGES = "input: {x: [1, 28, 28]}\nlayers: [flatten, dense: 10]\nloss: nll_logits\nupdate: {sgd: {rate: 0.1}}\n"
LABELS = np.arange(33) % 3
HEAVY = (("net.yaml", "npz:labels.npz"), ("net.yaml", "npz:half.npz"), ("images.yaml", "mnist:half"))
"""A network and data of the folder that would cost time and memory."""


def faulty(folder: Path) -> Path:
    """Puts two networks into a folder, and data with one fault each."""
    (folder / "net.yaml").write_text(NET, encoding="utf-8")
    (folder / "images.yaml").write_text(IMAGES, encoding="utf-8")
    x = np.random.default_rng(0).normal(size=(33, 4)).astype(np.float32)
    arrays = {
        "labels": {"x_train": x, "y_train": np.where(LABELS == 2, 2**40, LABELS)},
        "negative": {"x_train": x, "y_train": LABELS - 1},
        "test-labels": {"x_train": x, "y_train": LABELS, "x_test": x[:1], "y_test": np.array([3])},
        "gap": {"x_train": x, "y_train": LABELS // 2 * 2},
        "more": {"x_train": x, "y_train": np.arange(33) % 5},
        "size": {"x_train": np.zeros((9, 1, 5, 5)), "y_train": np.arange(9) % 3},
        "nan": {"x_train": x + np.nan, "y_train": LABELS},
        "fine": {"x_train": x, "y_train": LABELS, "x_test": x[:3], "y_test": LABELS[:3]},
    }
    for name, each in arrays.items():
        np.savez(folder / f"{name}.npz", **each)
    rows = "".join(f"{place},1,1,1,{label}\n" for place, label in enumerate(LABELS))
    (folder / "whole.csv").write_text(f"a,b,c,d,y\n{rows}", encoding="utf-8")
    whole = (folder / "fine.npz").read_bytes()
    (folder / "half.npz").write_bytes(whole[: len(whole) // 2])
    shapes = {"train-images-idx3": (4, 28, 28), "train-labels-idx1": (4,), "t10k-images-idx3": (4, 28, 28)}
    shapes["t10k-labels-idx1"] = (4,)
    for name, shape in shapes.items():
        content = bytes([0, 0, 8, len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + bytes(int(np.prod(shape)))
        for place, cut in (("missing", None), ("half", -6 if "train-images" in name else None)):
            (folder / place).mkdir(exist_ok=True)
            (folder / place / f"{name}-ubyte.gz").write_bytes(gzip.compress(content)[:cut])
    (folder / "missing" / "t10k-labels-idx1-ubyte.gz").unlink()
    return folder
