"""Every arm of an experiment begun once, without a step: what cannot be trained or measured is told at its place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from backcalc.net.errors import InputError
from backcalc.net.load import Path, read_document
from backcalc.numeric.data import Data, DataError
from backcalc.numeric.experiment.arms import Arm, Experiment
from backcalc.numeric.experiment.axes import place_of
from backcalc.numeric.experiment.evaluate import measure
from backcalc.numeric.experiment.measure import Measure
from backcalc.numeric.experiment.samples import Shelf, check_splits, samples_of
from backcalc.numeric.experiment.tasks import settings_of, shape_of
from backcalc.numeric.history import History
from backcalc.numeric.initialise import UnknownScheme
from backcalc.numeric.kernels import NotTrainable
from backcalc.numeric.settings import TrainingError
from backcalc.numeric.train import train

Fault: TypeAlias = DataError | TrainingError | NotTrainable | UnknownScheme

ELSEWHERE: Mapping[str, Path] = {
    "resize": ("data", "resize"),
    "test": ("train", "split", "test"),
    "validation": ("train", "split", "validation"),
    "stratify": ("train", "split", "stratify"),
}
"""Where settings stand that do not stand in `train`."""


def check(experiment: Experiment, shelf: Shelf) -> tuple[Data, ...]:
    """The data of the first repeat of every arm, all of which have been begun and measured.

    Raises InputError with every arm that cannot be.
    """
    checker = _Checker(experiment, shelf)
    found: dict[str, Data | None] = {}
    for arm in experiment.arms:
        shape = shape_of(arm)
        if shape not in found:
            found[shape] = checker.data_of(arm)
    if checker.document.problems:
        raise InputError(checker.document.problems)
    data = (found[shape_of(arm)] for arm in experiment.arms)
    return tuple(each for each in data if each is not None)


class _Checker:
    def __init__(self, experiment: Experiment, shelf: Shelf) -> None:
        self.experiment, self.shelf = experiment, shelf
        self.document = read_document(experiment.source.text, experiment.source.label)
        self.document.stops = False

    def data_of(self, arm: Arm) -> Data | None:
        """The data of an arm whose training can begin and be measured."""
        experiment = self.experiment
        seeds = [experiment.seed_of(arm, repeat) for repeat in range(experiment.repeats)]
        try:
            check_splits(arm.data, arm.train.split, seeds, self.shelf)
            data = samples_of(arm.data, arm.train.split, seeds[:1], self.shelf)
            history = train(arm.network, data, settings_of(experiment, [(arm, 0)]), epochs=0)
        except (DataError, TrainingError, NotTrainable, UnknownScheme) as error:
            self._report(arm, self._path(error), error)
            return None
        return data if self._measures(arm, data, history) else None

    def _measures(self, arm: Arm, data: Data, history: History) -> bool:
        """Whether all can be measured; if not, one after another shows which cannot."""
        every = self.experiment.measured()
        if self._fault(arm, data, history, every) is None:
            return True
        for place, each in enumerate(every):
            fault = self._fault(arm, data, history, (each,))
            if fault is not None:
                listed = place < len(self.experiment.measures)
                self._report(arm, ("measure", place) if listed else ("choose",), fault)
        return False

    @staticmethod
    def _fault(arm: Arm, data: Data, history: History, measures: tuple[Measure, ...]) -> TrainingError | None:
        try:
            measure(arm.network, data, history, measures)
        except TrainingError as error:
            return error
        return None

    @staticmethod
    def _path(error: Fault) -> Path:
        """Which entry of the file is at fault."""
        match error:
            case DataError(about=""):
                return ("data", "name")
            case DataError(about=about) | TrainingError(about=about) if about:
                return ELSEWHERE.get(about, ("train", about))
            case UnknownScheme():
                return ("train", "initialise")
            case _:
                return ("net",)

    def _report(self, arm: Arm, path: Path, error: Fault) -> None:
        """Tells what is wrong at the value of an axis that the arm has, or where the entry stands."""
        message, _, help = str(error).partition("; ")
        dotted = ".".join(map(str, path))
        for axis, value in zip(self.experiment.axes, arm.values, strict=True):
            if f"{dotted}.".startswith(f"{axis.path}."):
                self.document.report(place_of(self.document, axis, value), message, help or None)
                return
        nearest = next((each for each in (path, path[:-1], path[:1]) if each in self.document.values), ("data",))
        self.document.report(nearest, message, help or None, key=nearest != path and nearest != ("data",))
