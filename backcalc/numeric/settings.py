"""How a network is trained: everything that is not the network and not the data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from backcalc.net.errors import did_you_mean, said
from backcalc.numeric.optimise import Schedule, Style

_LEAST = {"epochs": 0, "batch": 1, "trials": 1, "seed": 0, "patience": 1, "threads": 1, "shift": 0}


class TrainingError(ValueError):
    """A training that cannot be done, with what to do about it; `about` is the setting that is wrong, if it is one."""

    def __init__(self, message: str, about: str = "") -> None:
        super().__init__(message)
        self.about = about


class Diverged(TrainingError):
    """A training whose losses are no finite numbers any more: where that began, and what may help.

    `good` is the last epoch after which all parameters were finite.
    """

    def __init__(self, message: str, good: int = 0) -> None:
        super().__init__(message)
        self.good = good


@dataclass(frozen=True, slots=True)
class Training:
    """The settings of one training.

    `trials` networks are trained at once, each from its own random numbers, which depend on `seed` and the trial's
    place alone; with `seeds` every trial is, to rounding, the one that it would be alone, with that seed. `rate` and
    `decay` may be one for each of them, and so may other numbers of the rule, in `arguments`. `order` shuffles the
    samples anew for every epoch, takes them as they are `given`, or draws every mini-batch with `replacement`.
    `validation` is the share of the samples that is kept aside, with `stratify` the same share of every class; with
    `patience` a trial stops after so many epochs without a better validation loss (without validation: loss), and
    `restore_best` gives it back its best parameters. `initialise` are schemes by the name of an array or a layer, that
    of `""` for all others. `reconstruct` trains the network to put out what it reads. `flip` mirrors every image of a
    mini-batch left to right with probability one half, `shift` moves it by up to so many pixels each way, with zeros
    where it was not. `threads` is how many cores the training takes: processes that train together where a step is long
    enough to be divided, else threads of one matrix product. `metric` is by default accuracy for classes, else the mean
    squared error.

    >>> Training(epochs=3).epochs
    3

    Raises TrainingError where a number cannot be.
    """

    epochs: int = 10
    batch: int = 32
    trials: int = 1
    seed: int = 0
    seeds: tuple[int, ...] | None = None
    rate: float | tuple[float, ...] | None = None
    style: Style = "backcalc"
    schedule: Schedule = field(default_factory=Schedule)
    initialise: Mapping[str, str] = field(default_factory=dict)
    order: Literal["shuffled", "given", "replacement"] = "shuffled"
    validation: float = 0.0
    stratify: bool = False
    patience: int | None = None
    restore_best: bool = True
    decay: float | tuple[float, ...] = 0.0
    arguments: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    l1: float = 0.0
    l2: float = 0.0
    dtype: Literal["float32", "float64"] = "float32"
    legacy: bool = False
    reconstruct: bool = False
    flip: bool = False
    shift: int = 0
    threads: int = 1
    metric: str | None = None

    def __post_init__(self) -> None:
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < least):
                raise TrainingError(f"`{name}` is a whole number from {least}, but is {value}")
        if not 0 <= self.validation < 1:
            raise TrainingError(f"`validation` is a share from 0 to less than 1, but is {self.validation}")
        for name in ("decay", "l1", "l2"):
            odd = [each for each in _several(getattr(self, name)) if not 0 <= each < float("inf")]
            if odd:
                raise TrainingError(f"`{name}` is a number from 0, but is {odd[0]}")
        if self.rate is not None and not all(0 < rate < float("inf") for rate in _several(self.rate)):
            raise TrainingError("`rate` is a number more than 0")
        lists = {"rates": self.rate, "seeds": self.seeds, "decays": self.decay}
        lists |= {f"numbers `{name}`": values for name, values in self.arguments.items()}
        for name, values in lists.items():
            if isinstance(values, tuple) and len(values) != self.trials:
                raise TrainingError(f"there are {len(values)} {name} for {self.trials} trials")

    @property
    def augments(self) -> bool:
        """Whether images are changed at random before they are trained on."""
        return self.flip or self.shift > 0

    def draws(self) -> list[tuple[int, int]]:
        """What the random numbers of every trial depend on: a seed and a place."""
        if self.seeds is not None:
            return [(seed, 0) for seed in self.seeds]
        return [(self.seed, trial) for trial in range(self.trials)]

    def to_json(self) -> dict[str, Any]:
        """The settings as plain data."""
        return {**asdict(self), "initialise": dict(self.initialise), "arguments": dict(self.arguments)}


def _several(value: float | tuple[float, ...]) -> tuple[float, ...]:
    """One number, or one for every trial, as a tuple."""
    return value if isinstance(value, tuple) else (value,)


def schedule_of(text: str) -> Schedule:
    """The schedule that is written `step:500:0.5`: its kind, its number of steps, its factor. Raises TrainingError.

    >>> schedule_of("cosine:2000")
    Schedule(kind='cosine', every=2000, factor=1.0)
    """
    kinds: dict[str, Literal["step", "exponential", "cosine"]] = {
        "step": "step",
        "exponential": "exponential",
        "cosine": "cosine",
    }
    name, *rest = text.split(":")
    if name not in kinds:
        help = did_you_mean(name, kinds, f"they are {said(list(kinds), 'and')}")
        raise TrainingError(f"unknown schedule `{name[:40]}`; {help}")
    form = f"{name}:STEPS" if name == "cosine" else f"{name}:STEPS:FACTOR"
    try:
        every, factor = int(rest[0]), float(rest[1]) if len(rest) > 1 else 1.0
    except (ValueError, IndexError):
        every, factor = 0, 1.0
    if every < 1 or not 0 < factor < float("inf") or len(rest) != form.count(":"):
        raise TrainingError(f"`{text[:60]}` is no schedule; write `{form}`, with a whole number of steps from 1")
    return Schedule(kinds[name], every, factor)
