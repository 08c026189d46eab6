"""The pieces of work of an experiment: arms of one shape, all or some of their repeats, trained as one stack."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from backcalc.numeric.arena import arena_of
from backcalc.numeric.checkpoint import EVERY
from backcalc.numeric.experiment.arms import Arm, Experiment, labels
from backcalc.numeric.experiment.evaluate import measure
from backcalc.numeric.experiment.samples import Shelf, has_own, samples_of
from backcalc.numeric.history import CURVES, History
from backcalc.numeric.kernels.base import Array
from backcalc.numeric.settings import Diverged, Training
from backcalc.numeric.train import Progress, train

MOST_PARAMETERS = 400_000
"""So many parameters a stack has, and one trial at least: what is larger gains nothing by being stacked."""

MOST_STACKED = 256
"""So many trials a stack has: all of them are lost, and done again, where a run ends in the middle."""

MOST_NUMBERS = 40_000_000
"""So many numbers the inputs of a stack hold, where every trial has its own."""


@dataclass(frozen=True, slots=True)
class Task:
    """A stack of trials: each an arm and a repeat, both counted from 0."""

    number: int
    trials: tuple[tuple[int, int], ...]


def tasks_of(experiment: Experiment, shelf: Shelf) -> tuple[Task, ...]:
    """The work, in an order and in pieces that depend on the experiment alone. Raises DataError."""
    alike: dict[str, list[int]] = {}
    for number, arm in enumerate(experiment.arms):
        alike.setdefault(shape_of(arm), []).append(number)
    tasks: list[Task] = []
    for numbers in alike.values():
        width = _width(experiment.arms[numbers[0]], experiment, shelf)
        trials = [(arm, repeat) for arm in numbers for repeat in range(experiment.repeats)]
        for start in range(0, len(trials), width):
            tasks.append(Task(len(tasks), tuple(trials[start : start + width])))
    return tuple(tasks)


def shape_of(arm: Arm) -> str:
    """What arms agree in that train as one stack: all but the numbers of the rule, its rate and the weight decay."""
    rule = arm.network.update
    network = {key: value for key, value in arm.entries.items() if key != "update"}
    train = arm.train.model_dump(exclude={"rate", "optimizer", "seed", "decay"})
    return repr((network, rule.kind, sorted(rule.arguments), rule.flag, train, arm.data.model_dump()))


def _width(arm: Arm, experiment: Experiment, shelf: Shelf) -> int:
    """How many trials of an arm make a stack."""
    size = max(1, arena_of(arm.network.nodes).size)
    width = min(MOST_STACKED, MOST_PARAMETERS // size)
    if has_own(arm.data, arm.train.split, shelf):
        data = samples_of(arm.data, arm.train.split, [experiment.seed], shelf)
        numbers = data.x.size + (0 if data.x_test is None else data.x_test.size)
        width = min(width, MOST_NUMBERS // numbers)
    return max(1, width)


def run_task(
    experiment: Experiment,
    task: Task,
    shelf: Shelf,
    *,
    state: Path | None = None,
    every: float = EVERY,
    progress: Callable[[Progress], None] | None = None,
) -> dict[str, Any]:
    """Trains a stack and measures it: plain data, `{task, runs: [{arm, repeat, seed, measures, curves}], notes}`.

    The state is kept in the file `state`, after `every` so many seconds; a run that was cut off goes on from there.
    """
    pairs = [(experiment.arms[arm], repeat) for arm, repeat in task.trials]
    first = pairs[0][0]
    settings = settings_of(experiment, pairs)
    seeds = settings.seeds or ()
    data = samples_of(first.data, first.train.split, seeds, shelf)
    try:
        history = train(first.network, data, settings, save=state, resume=True, every=every, progress=progress)
    except Diverged as error:
        notes = _noted(experiment, task, [str(error)])
        return {"task": task.number, "runs": _lost(experiment, task, seeds), "notes": notes}
    found = measure(first.network, data, history, experiment.measured())
    runs = [
        {
            "arm": arm,
            "repeat": repeat,
            "seed": seeds[place],
            "measures": {text: _plain(values[place]) for text, values in found.items()},
            "curves": _curves(history, place),
        }
        for place, (arm, repeat) in enumerate(task.trials)
    ]
    return {"task": task.number, "runs": runs, "notes": _noted(experiment, task, history.notes)}


def _noted(experiment: Experiment, task: Task, notes: Iterable[str]) -> list[str]:
    """The notes of a stack, its trials called what they are in the experiment."""
    return [re.sub(r"\btrial (\d+)\b", lambda found: _called(experiment, task, int(found[1])), note) for note in notes]


def _called(experiment: Experiment, task: Task, trial: int) -> str:
    """What a trial of a stack is in the experiment."""
    arm, repeat = task.trials[trial - 1]
    said = ", ".join(f"{path} = {word}" for path, word in labels(experiment, experiment.arms[arm]))
    return f"repeat {repeat + 1}" + (f" with {said}" if said else "")


def settings_of(experiment: Experiment, pairs: Sequence[tuple[Arm, int]]) -> Training:
    """The settings of a stack: every trial its own seed, and its own numbers of the rule where they differ."""
    first = pairs[0][0]
    seeds = tuple(experiment.seed_of(arm, repeat) for arm, repeat in pairs)
    rates = tuple(arm.rate for arm, _ in pairs)
    seed = first.train.split.seed if first.train.split.seed is not None else experiment.seed
    settings = first.train.training(len(pairs), seeds, seed)
    decays = tuple(float(arm.train.decay) for arm, _ in pairs)
    if len(set(decays)) > 1:
        settings = replace(settings, decay=decays)
    numbers = {
        name: tuple(float(arm.network.update.arguments[name]) for arm, _ in pairs)
        for name in first.network.update.arguments
    }
    settings = replace(settings, arguments={name: each for name, each in numbers.items() if len(set(each)) > 1})
    if not all(rates):  # there is none, and no step is made
        return replace(settings, rate=1.0)
    return replace(settings, rate=rates[0] if len(set(rates)) == 1 else rates)


def _lost(experiment: Experiment, task: Task, seeds: Sequence[int]) -> list[dict[str, Any]]:
    """What is left of a stack all of whose trials had no finite loss any more."""
    nothing = {each.text: None for each in experiment.measured()}
    return [
        {"arm": arm, "repeat": repeat, "seed": seed, "measures": nothing, "curves": {}}
        for (arm, repeat), seed in zip(task.trials, seeds, strict=True)
    ]


def _curves(history: History, trial: int) -> Mapping[str, list[float | None]]:
    return {name: [_plain(row[trial]) for row in history.curves[name]] for name in CURVES if history.curves[name]}


def _plain(number: Array | float) -> float | None:
    """A number as JSON has it: none where it is not finite."""
    return float(number) if np.isfinite(number) else None


def fingerprint(experiment: Experiment) -> dict[str, Any]:
    """All that the results depend on but the data themselves, as plain data: a run goes on with the same alone."""
    arms = [
        {"values": repr(arm.values), "net": repr(dict(arm.entries)), "update": repr(arm.network.update)}
        | {"data": repr(arm.data), "train": repr(arm.train)}
        for arm in experiment.arms
    ]
    measures = [each.text for each in experiment.measured()]
    plain = {"repeats": experiment.repeats, "seed": experiment.seed, "measure": measures, "arms": arms}
    return dict(json.loads(json.dumps(plain)))
