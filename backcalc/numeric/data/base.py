"""What a data set is here: arrays for training and testing, and what they mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from backcalc.layers.base import show_shape
from backcalc.numeric.data.strata import strata
from backcalc.numeric.kernels.base import Array

Random: TypeAlias = "np.random.Generator | np.random.RandomState"
"""A source of random numbers: NumPy's of today, or the one that published seeds belong to."""


class DataError(ValueError):
    """Data that cannot be used, with what to do about it; `about` is what was asked of them, where that is wrong."""

    def __init__(self, message: str, about: str = "") -> None:
        super().__init__(message)
        self.about = about


@dataclass(frozen=True, slots=True, eq=False)
class Data:
    """Samples `[samples, *shape]` with classes (whole numbers from 0) or numbers `[samples, *shape]`.

    `classes` are the names of the classes, none of numbers. Where the data are `stacked` every trial has its own, and
    all arrays begin with an axis of trials. `notes` say what was done to them.
    """

    name: str
    x: Array
    y: Array
    x_test: Array | None = None
    y_test: Array | None = None
    classes: tuple[str, ...] = ()
    stacked: bool = False
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        axis = int(self.stacked)
        for x, y, which in ((self.x, self.y, "training"), (self.x_test, self.y_test, "test")):
            if x is None or y is None:
                continue
            if x.shape[: axis + 1] != y.shape[: axis + 1]:
                counts = f"{x.shape[axis]} inputs and {y.shape[axis]} targets"
                raise DataError(f"{self.name}: {counts} for {which} do not belong together")
            if not x.shape[axis]:
                raise DataError(f"{self.name}: there are no samples for {which}")
            self._check_labels(y, which)

    def _check_labels(self, y: Array, which: str) -> None:
        if not self.classes:
            return
        odd = y[(y < 0) | (y >= len(self.classes)) | (y != np.rint(y))]
        if odd.size:
            raise DataError(
                f"{self.name}: the {which} label {odd.flat[0]:g} is none of the {len(self.classes)} classes, "
                "which are whole numbers from 0"
            )
        if which == "training" and not self.stacked:
            counts = np.bincount(y.astype(np.intp).ravel(), minlength=len(self.classes))
            if (counts == 0).any():
                raise DataError(f"{self.name}: no sample for training has the class `{self.classes[counts.argmin()]}`")

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one input."""
        return self.x.shape[1 + self.stacked :]

    @property
    def size(self) -> int:
        """How many samples there are for training."""
        return int(self.x.shape[int(self.stacked)])

    def fitting(self, shape: tuple[int, ...]) -> Data:
        """The data with inputs of that shape, where the numbers are as many. Raises DataError."""
        if self.shape == shape:
            return self
        if np.prod(self.shape) != np.prod(shape):
            message = f"the input of the network is {show_shape(shape)}, but {self.name} has {show_shape(self.shape)}"
            raise DataError(message)
        lead = 1 + self.stacked
        arrays = (None if each is None else each.reshape(*each.shape[:lead], *shape) for each in (self.x, self.x_test))
        x, x_test = arrays
        assert x is not None
        return replace(self, x=x, x_test=x_test)


def source(seed: int | Sequence[int], *, legacy: bool = False) -> Any:
    """A source of random numbers; `legacy` is the one of `numpy.random.seed`, for seeds that are published."""
    if legacy:
        return np.random.RandomState(seed)
    return np.random.default_rng(seed)


def split(data: Data, share: float, seed: int, *, legacy: bool = False, stratify: bool = False) -> Data:
    """The data with that share of the samples for testing, drawn at random; `stratify`: of every class its share.

    With `legacy` the shares are those of scikit-learn's `train_test_split(test_size=share, random_state=seed)`, and its
    `stratify=y`.

    >>> data = Data("ten", np.arange(10.0)[:, None], np.arange(10.0))
    >>> parted = split(data, 0.2, seed=42, legacy=True)
    >>> parted.y_test.tolist()
    [8.0, 1.0]
    """
    if not 0 < share < 1:
        raise DataError(f"a share of {share} cannot be kept for testing; write a number between 0 and 1", "test")
    count = int(np.ceil(share * data.size))
    if count >= data.size:
        raise DataError(f"{data.name} has {data.size} samples, too few to keep {count} for testing", "test")
    test, training = drawn(data, data.y, count, source(seed, legacy=legacy), stratify=stratify)
    return replace(data, x=data.x[training], y=data.y[training], x_test=data.x[test], y_test=data.y[test])


def drawn(data: Data, labels: Array, count: int, random: Any, *, stratify: bool) -> tuple[Array, Array]:
    """The places of `count` samples drawn at random, and of all others. Raises DataError."""
    if not stratify:
        order = random.permutation(len(labels))
        return order[:count], order[count:]
    if not data.classes:
        raise DataError(f"{data.name} has numbers as its target: `stratify` is for classes", "stratify")
    return strata(labels, count, random)


def standardised(data: Data) -> Data:
    """Every feature less its mean, over its standard deviation, both of the training samples alone."""
    axis = int(data.stacked)
    mean, std = data.x.mean(axis=axis, keepdims=True), data.x.std(axis=axis, keepdims=True)
    std = np.where(std == 0, 1, std)
    x_test = None if data.x_test is None else (data.x_test - mean) / std
    notes = (*data.notes, "standardised by the means and deviations of the training samples")
    return replace(data, x=(data.x - mean) / std, x_test=x_test, notes=notes)


def scaled(data: Data, factor: float) -> Data:
    """Every input times a factor."""
    x_test = None if data.x_test is None else data.x_test * factor
    return replace(data, x=data.x * factor, x_test=x_test, notes=(*data.notes, f"inputs times {factor:g}"))


def stacked(parts: Sequence[Data]) -> Data:
    """Data sets of the same sizes as one, whose trials have one each."""
    first = parts[0]

    def together(name: str) -> Any:
        return np.stack([getattr(part, name) for part in parts])

    tests = {} if first.x_test is None else {"x_test": together("x_test"), "y_test": together("y_test")}
    return replace(first, x=together("x"), y=together("y"), stacked=True, **tests)
