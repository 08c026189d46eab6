"""The data of the trials of a task: drawn, split, scaled; stacked where every trial has its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from backcalc.numeric.data import Data, DataError, load_data, scaled, split, stacked, standardised
from backcalc.numeric.data.synthetic import SYNTHETIC
from backcalc.numeric.experiment.spec import Samples, Split
from backcalc.numeric.kernels.base import Array
from backcalc.numeric.prepare import TEST


@dataclass(slots=True)
class Shelf:
    """Data that were read once, as long as one run lasts."""

    found: dict[tuple[str, int, bool], Data] = field(default_factory=dict)

    def data(self, name: str, seed: int, legacy: bool) -> Data:
        """The data set of that name. Raises DataError."""
        key = (name, seed, legacy)
        if key not in self.found:
            self.found[key] = load_data(name, seed=seed, legacy=legacy)
        return self.found[key]


def is_drawn(samples: Samples) -> bool:
    """Whether every trial draws points of its own."""
    return samples.name.partition(":")[0] in SYNTHETIC and samples.seed is None


def has_own(samples: Samples, parts: Split, shelf: Shelf) -> bool:
    """Whether every trial has samples of its own, or an order of its own in which some are kept aside."""
    if is_drawn(samples):
        return True
    splits = _share(parts) > 0 and _base(samples, 0, shelf).x_test is None
    return parts.seed is None and (splits or parts.validation > 0)


def samples_of(samples: Samples, parts: Split, seeds: Sequence[int], shelf: Shelf) -> Data:
    """The data of trials with these seeds: one set for all, or a stack of sets where each has its own.

    Raises DataError.
    """
    if not has_own(samples, parts, shelf):
        return _one(samples, parts, 0, shelf)
    own = {seed: _one(samples, parts, seed, shelf) for seed in dict.fromkeys(seeds)}
    return stacked([own[seed] for seed in seeds])


def check_splits(samples: Samples, parts: Split, seeds: Sequence[int], shelf: Shelf) -> None:
    """Raises DataError, which names the seed, where a split of one of the repeats leaves a class without samples."""
    share = _share(parts)
    if is_drawn(samples) or parts.seed is not None or not share:
        return
    data = shelf.data(samples.name, samples.seed or 0, samples.legacy)
    if data.x_test is not None:
        return
    labels = replace(data, x=data.y)  # the split is that of the samples, without copying them
    for seed in dict.fromkeys(seeds):
        try:
            split(labels, share, seed, stratify=parts.stratify)
        except DataError as error:
            message = f"{error}, in the split of seed {seed}; keep fewer for testing, or join classes"
            raise DataError(message, "test") from None


def _one(samples: Samples, parts: Split, seed: int, shelf: Shelf) -> Data:
    """The data of a trial with that seed."""
    data = _base(samples, seed, shelf)
    share = _share(parts)
    if data.x_test is None and share:
        legacy = parts.seed is not None
        own = parts.seed if parts.seed is not None else seed
        data = split(data, share, own, legacy=legacy, stratify=parts.stratify)
    return standardised(data) if samples.standardise else data


def _share(parts: Split) -> float:
    return TEST if parts.test is None else float(parts.test)


def _base(samples: Samples, seed: int, shelf: Shelf) -> Data:
    """The data before any are kept aside."""
    drawn = samples.seed if samples.seed is not None else seed if is_drawn(samples) else 0
    data = shelf.data(samples.name, drawn, samples.legacy)
    if samples.resize is not None:
        data = resized(data, samples.resize)
    return data if samples.scale is None else scaled(data, float(samples.scale))


def resized(data: Data, size: int) -> Data:
    """Images `[…, height, width]` made so many pixels high and wide, by linear interpolation between their centres.

    >>> data = Data("two", np.array([[[[0.0, 1.0], [0.0, 1.0]]]]), np.zeros(1))
    >>> resized(data, 4).x[0, 0, 0].tolist()
    [0.0, 0.25, 0.75, 1.0]

    Raises DataError where the data are no images.
    """
    if len(data.shape) != 3:
        raise DataError(f"{data.name} are no images: `resize` is of images alone", "resize")
    x_test = None if data.x_test is None else _interpolated(data.x_test, size)
    notes = (*data.notes, f"images made {size}×{size} by linear interpolation")
    return replace(data, x=_interpolated(data.x, size), x_test=x_test, notes=notes)


def _interpolated(x: Array, size: int) -> Array:
    for axis in (-2, -1):
        old = x.shape[axis]
        centres = np.clip((np.arange(size) + 0.5) * old / size - 0.5, 0, old - 1)
        low = np.minimum(centres.astype(np.intp), max(old - 2, 0))
        shape = (-1, 1) if axis == -2 else (-1,)
        part = (centres - low).reshape(shape)
        x = x.take(low, axis=axis) * (1 - part) + x.take(np.minimum(low + 1, old - 1), axis=axis) * part
    return x
