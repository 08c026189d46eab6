"""How a network is trained: everything that is not the network and not the data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from backcalc.numeric.optimise import Schedule, Style


class TrainingError(ValueError):
    """A training that cannot be done, with what to do about it."""


@dataclass(frozen=True, slots=True)
class Training:
    """The settings of one training.

    `trials` networks are trained at once, each from its own random numbers, which depend on `seed` and the trial's
    place alone. `rate` may be one for each of them. `order` shuffles the samples anew for every epoch, or draws every
    mini-batch with `replacement`. `validation` is the share of the samples that is kept aside; with `patience` a trial
    stops after so many epochs without a better validation loss (without validation: loss), and `restore_best` gives it
    back its best parameters. `initialise` are schemes by the name of an array or a layer, that of `""` for all others.
    `reconstruct` trains the network to put out what it reads. `threads` are those of one matrix product. `metric` is
    by default accuracy for classes, else the mean squared error.

    >>> Training(epochs=3).epochs
    3

    Raises TrainingError where a number cannot be.
    """

    epochs: int = 10
    batch: int = 32
    trials: int = 1
    seed: int = 0
    rate: float | tuple[float, ...] | None = None
    style: Style = "backcalc"
    schedule: Schedule = field(default_factory=Schedule)
    initialise: Mapping[str, str] = field(default_factory=dict)
    order: Literal["shuffled", "replacement"] = "shuffled"
    validation: float = 0.0
    patience: int | None = None
    restore_best: bool = True
    decay: float = 0.0
    l1: float = 0.0
    l2: float = 0.0
    dtype: Literal["float32", "float64"] = "float32"
    legacy: bool = False
    reconstruct: bool = False
    threads: int = 1
    metric: str | None = None

    def __post_init__(self) -> None:
        for name, least in (("epochs", 0), ("batch", 1), ("trials", 1), ("seed", 0), ("patience", 1), ("threads", 1)):
            value = getattr(self, name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < least):
                raise TrainingError(f"`{name}` is a whole number from {least}, but is {value}")
        if not 0 <= self.validation < 1:
            raise TrainingError(f"`validation` is a share from 0 to less than 1, but is {self.validation}")
        for name in ("decay", "l1", "l2"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise TrainingError(f"`{name}` is a number from 0, but is {getattr(self, name)}")
        rates = self.rate if isinstance(self.rate, tuple) else () if self.rate is None else (self.rate,)
        if not all(0 < rate < float("inf") for rate in rates):
            raise TrainingError("`rate` is a number more than 0")
        if isinstance(self.rate, tuple) and len(self.rate) != self.trials:
            raise TrainingError(f"there are {len(self.rate)} rates for {self.trials} trials")

    def to_json(self) -> dict[str, Any]:
        """The settings as plain data."""
        return {**asdict(self), "initialise": dict(self.initialise)}
