"""Samples as a training reads them: inputs and targets of one type of numbers, a part kept aside for validation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from backcalc.layers.norm import BatchNorm
from backcalc.numeric.data import Data, drawn, source
from backcalc.numeric.kernels.base import Array
from backcalc.numeric.run import Objective, Runner
from backcalc.numeric.settings import Training, TrainingError
from backcalc.numeric.targets import encoded


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """Inputs and targets for training, `size` a trial, and the `kept` ones for validation; `notes` are warnings."""

    x: Array
    t: Array
    x_val: Array
    t_val: Array
    size: int
    kept: int
    notes: tuple[str, ...]


def ready(data: Data, x: Array, y: Array, objective: Objective, settings: Training) -> tuple[Array, Array]:
    """Inputs and targets of one type of numbers; to reconstruct, the target is the input. Raises TrainingError."""
    dtype = np.dtype(settings.dtype)
    x = x.astype(dtype, copy=False)
    if settings.reconstruct:
        return x, encoded(objective, replace(data, x=x, y=x, classes=(), x_test=None, y_test=None), x, dtype)
    return x, encoded(objective, data, y, dtype)


def parted(data: Data, objective: Objective, settings: Training) -> Parts:
    """The samples for training and, at random, those for validation. Raises TrainingError."""
    kept = int(np.ceil(settings.validation * data.size))
    if data.size - kept < 1:
        raise TrainingError(f"{data.name} has {data.size} samples, too few to keep {kept} for validation", "validation")
    x, t = ready(data, data.x, data.y, objective, settings)
    size = data.size - kept
    orders = _orders(data, kept, settings) if kept else [np.arange(data.size)]
    arrays = (_taken(each, part, data.stacked) if kept else each for part in _cut(orders, kept) for each in (x, t))
    x, t, x_val, t_val = arrays
    notes = (*_warnings(size, settings), *_emptied(data, orders, kept))
    return Parts(x, t, x_val, t_val, size, kept, notes)


def _orders(data: Data, kept: int, settings: Training) -> list[Array]:
    """The samples in the order in which they are kept aside: one, or one a trial where each has samples of its own."""
    same = (settings.seed,)
    seeds = (settings.seeds or same * len(data.x)) if data.stacked else same
    labels = data.y if data.stacked else [data.y]
    return [
        np.concatenate(
            drawn(data, own, kept, source([seed, 2**31], legacy=settings.legacy), stratify=settings.stratify)
        )
        for seed, own in zip(seeds, labels, strict=True)
    ]


def _cut(orders: list[Array], kept: int) -> tuple[list[Array], list[Array]]:
    return [order[kept:] for order in orders], [order[:kept] for order in orders]


def _taken(array: Array, places: list[Array], stacked: bool) -> Array:
    return np.stack([own[each] for own, each in zip(array, places, strict=True)]) if stacked else array[places[0]]


def _warnings(size: int, settings: Training) -> Iterator[str]:
    if settings.batch > size:
        yield f"the mini-batch of {settings.batch} is larger than the {size} samples: every step sees all of them"


def _emptied(data: Data, orders: list[Array], kept: int) -> Iterator[str]:
    """Which class has no sample left for training, all of its samples being kept for validation."""
    labels = data.y if data.stacked else [data.y]
    for own, order in zip(labels, orders, strict=True) if kept else ():
        left = set(own[order[kept:]].ravel().tolist())
        missing = [name for number, name in enumerate(data.classes) if number not in left]
        if missing:
            all_kept = f"all of its samples are among the {kept} kept for validation"
            yield f"no sample for training has the class `{missing[0]}`: {all_kept}; keep fewer"
            return


def check_batches(runner: Runner, parts: Parts, settings: Training) -> None:
    """Raises TrainingError where batch norm would see a mini-batch of one number a channel."""
    smallest = min(settings.batch, parts.size)
    if settings.order != "replacement":
        smallest = parts.size % settings.batch or smallest
    for node in runner.nodes:
        if smallest == 1 and isinstance(node.layer, BatchNorm) and len(node.input_shape) == 1:
            message = f"`{node.name}` would normalise a mini-batch of one sample, which has no spread"
            sizes = f"choose a batch that leaves none over: {parts.size} samples by {settings.batch}"
            help = "choose a larger batch" if settings.batch == 1 else sizes
            raise TrainingError(f"{message}; {help}", "batch")
