"""What an experiment is once it is read: arms, repeats, measures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from backcalc.net import Network
from backcalc.net.load import Plain
from backcalc.net.text import Source
from backcalc.numeric.experiment.axes import Axis
from backcalc.numeric.experiment.measure import Measure
from backcalc.numeric.experiment.spec import Samples, Train

FILES = ("csv", "npz", "images", "mnist", "fashion_mnist", "cifar10")
"""Data that are read from a path."""


@dataclass(frozen=True, slots=True)
class Arm:
    """One combination of values: what varies, the network, the data and the training that come of it.

    `entries` are those of the network's file, plain: arms of equal entries, but for the rate, are one network.
    `called` is the name of the data as the file has it.
    """

    values: tuple[Plain, ...]
    network: Network = field(repr=False)
    entries: Mapping[str, Any] = field(repr=False)
    data: Samples
    train: Train
    called: str

    @property
    def rate(self) -> float:
        """The learning rate, 0 where there is none."""
        rate = self.train.rate if self.train.rate is not None else self.network.update.rate
        return float(rate or 0)


@dataclass(frozen=True, slots=True)
class Experiment:
    """A whole experiment: arms, repeats, measures. `source` is the text it was read from."""

    name: str
    axes: tuple[Axis, ...]
    arms: tuple[Arm, ...]
    repeats: int
    seed: int
    measures: tuple[Measure, ...]
    choose: Measure | None
    pool: tuple[str, ...]
    source: Source = field(repr=False)

    @property
    def trials(self) -> int:
        """How many networks are trained."""
        return self.repeats * len(self.arms)

    def seed_of(self, arm: Arm, repeat: int) -> int:
        """The seed of a repeat, counted from 0: each has its own, unless the training states one."""
        return self.seed + repeat if arm.train.seed is None else arm.train.seed

    def measured(self) -> tuple[Measure, ...]:
        """The measures of the file, and that by which the best arm is chosen."""
        extra = () if self.choose is None or self.choose in self.measures else (self.choose,)
        return (*self.measures, *extra)


def called(folder: Path, name: str) -> str:
    """The name of data as the experiment has it.

    >>> called(Path("sheets"), "csv:sheets/points.csv#y"), called(Path("sheets"), "blobs:60")
    ('csv:points.csv#y', 'blobs:60')
    """
    kind, mark, rest = name.partition(":")
    return f"{kind}:{rest.removeprefix(f'{folder.as_posix()}/')}" if kind in FILES and mark else name


def describe(value: Plain) -> str:
    """A value as tables and messages have it.

    >>> describe(Fraction(1, 10)), describe(True), describe(Fraction(1, 3)), describe({"adam": {"rate": 1}})
    ('0.1', 'true', '1/3', '{adam: {rate: 1}}')
    """
    match value:
        case bool():
            return str(value).lower()
        case Fraction():
            short = f"{float(value):.6g}"
            return short if Fraction(short) == value else str(value)
        case list():
            return f"[{', '.join(map(describe, value))}]"
        case dict():
            return "{" + ", ".join(f"{key}: {describe(each)}" for key, each in value.items()) + "}"
        case None:
            return "none"
        case _:
            return str(value)


def labels(experiment: Experiment, arm: Arm) -> Iterator[tuple[str, str]]:
    """What varies and its value in an arm, as words; axes that follow the first are left out."""
    for axis, value in zip(experiment.axes, arm.values, strict=True):
        if not axis.follows:
            yield axis.path, describe(value)
