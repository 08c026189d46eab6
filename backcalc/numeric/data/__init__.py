"""Data sets by name: `iris`, `mnist:FOLDER`, `csv:FILE#TARGET`, `npz:FILE`, `spirals:200`.

>>> load_data("blobs:30").x.shape
(30, 2)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from backcalc.net.errors import did_you_mean, said
from backcalc.numeric.data.base import Data, DataError, drawn, scaled, source, split, stacked, standardised
from backcalc.numeric.data.folders import folder
from backcalc.numeric.data.images import cifar10, fashion_mnist, mnist
from backcalc.numeric.data.synthetic import SYNTHETIC
from backcalc.numeric.data.tables import npz, table

BUNDLED = ("iris", "digits", "wine", "breast_cancer")
"""What scikit-learn holds."""

FOLDERS: Mapping[str, Callable[[Path], Data]] = {"mnist": mnist, "fashion_mnist": fashion_mnist, "cifar10": cifar10}
"""Sets of images that are read from a folder, by default one of their name here."""

FILES = ("images", "csv", "npz")
"""What is read from the path behind the colon."""

MOST_POINTS = 10_000_000


def load_data(text: str, *, seed: int = 0, legacy: bool = False) -> Data:
    """The data set of that name. What is drawn is drawn from `seed`, by NumPy's legacy generator where that is asked.

    Raises DataError, which says which file to put where.
    """
    name, _, rest = text.partition(":")
    if name in BUNDLED and not rest:
        return _bundled(name)
    if name in FOLDERS:
        return FOLDERS[name](Path(rest or name))
    if name == "images" and rest:
        return folder(Path(rest))
    if name == "csv" and rest:
        return table(rest)
    if name == "npz" and rest:
        return npz(rest)
    if name in SYNTHETIC:
        draw, count = SYNTHETIC[name]
        return draw(_points(text, rest, count), source(seed, legacy=legacy))
    raise DataError("; ".join(unknown(text)))


def is_known(text: str) -> bool:
    """Whether there are data of that name, wherever their files are.

    >>> is_known("npz:nowhere.npz"), is_known("npz"), is_known("iris:3")
    (True, False, False)
    """
    name, _, rest = text.partition(":")
    return name in (*FOLDERS, *SYNTHETIC) or name in (BUNDLED if not rest else FILES)


def unknown(text: str) -> tuple[str, str]:
    """What is said of a name that no data have, and what to do about it."""
    known = [*BUNDLED, *FOLDERS, "images:FOLDER", "csv:FILE#TARGET", "npz:FILE", *SYNTHETIC]
    names, name = [each.partition(":")[0] for each in known], text.partition(":")[0]
    forms = (f"write `{each}`" for each in known if each.startswith(f"{name}:"))  # the file is missing
    help = next(forms, None) or did_you_mean(name, names) or f"data are {said(known)}"
    return f"unknown data `{text[:80]}`", help


def _points(text: str, rest: str, count: int) -> int:
    if not rest:
        return count
    if not rest.isdecimal() or len(rest) > 9 or not 2 <= int(rest) <= MOST_POINTS:
        raise DataError(f"`{text[:80]}`: expected a number of points from 2 to {MOST_POINTS} behind the colon")
    return int(rest)


def _bundled(name: str) -> Data:
    """A data set of scikit-learn; digits are images of 8×8 whose numbers run from 0 to 16."""
    if find_spec("sklearn") is None:
        raise DataError(f"`{name}` comes with scikit-learn, which is not installed: `pip install backcalc[data]`")
    found = getattr(import_module("sklearn.datasets"), f"load_{name}")()
    x = np.asarray(found.data, np.float64)
    x = x.reshape(-1, 1, 8, 8) if name == "digits" else x
    return Data(name, x, np.asarray(found.target, np.float64), classes=tuple(map(str, found.target_names)))


__all__ = ["Data", "DataError", "drawn", "load_data", "scaled", "source", "split", "stacked", "standardised"]
