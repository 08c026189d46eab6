"""An experiment run: checked, worked off task by task, its results written as they come and gone on with later."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from backcalc.numeric.data import Data
from backcalc.numeric.experiment import cluster as on_cluster
from backcalc.numeric.experiment import lint, workers
from backcalc.numeric.experiment.arms import Experiment
from backcalc.numeric.experiment.check import check
from backcalc.numeric.experiment.results import Results, assembled
from backcalc.numeric.experiment.samples import Shelf
from backcalc.numeric.experiment.tasks import Task, fingerprint, run_task, tasks_of
from backcalc.numeric.experiment.worker import state_of
from backcalc.numeric.runs import Folder, RunError, interrupts
from backcalc.numeric.train import Progress

KIND = "experiment"
LOG = "tasks.jsonl"
"""A line a task that is done, in the order in which they were."""

OFTEN = 2.0
"""Seconds between two times that the results so far are written."""


@dataclass(frozen=True, slots=True)
class Told:
    """How far an experiment is: trainings done of all, and what share of those under way."""

    done: int
    trials: int
    share: float = 0.0


@dataclass(slots=True)
class _Running:
    """What is done so far, and where it is written."""

    experiment: Experiment
    folder: Folder | None
    warnings: tuple[lint.Warning, ...]
    told: Callable[[Told], None]
    done: dict[int, dict[str, Any]] = field(default_factory=dict)
    failed: list[tuple[Task, str]] = field(default_factory=list)
    written: float = 0.0

    def taken(self, result: dict[str, Any]) -> None:
        """Takes the result of a task."""
        self.done[result["task"]] = result
        if self.folder is not None:
            self.folder.append(LOG, json.dumps(result, allow_nan=False))
            if time.monotonic() - self.written > OFTEN:
                self.write()
        self.tell()

    def given_up(self, task: Task, reason: str) -> None:
        """Notes that a task could not be done."""
        self.failed.append((task, reason))
        self.tell()

    def tell(self, under_way: float = 0.0) -> None:
        """Tells how far it is; `under_way` is how many trainings what was begun comes to."""
        runs = sum(len(result["runs"]) for result in self.done.values())
        self.told(Told(runs, self.experiment.trials, under_way))

    def results(self) -> Results:
        return assembled(self.experiment, self.done, self.failed, self.warnings)

    def write(self) -> Results:
        """Writes the results so far, each file whole or not at all."""
        results = self.results()
        if self.folder is not None:
            self.folder.write("results.csv", results.runs_csv())
            self.folder.write("summary.csv", results.to_csv())
            self.folder.write_json("results.json", results.to_json())
        self.written = time.monotonic()
        return results


def run(
    experiment: Experiment,
    folder: Path | None = None,
    *,
    resume: bool = False,
    jobs: int = 1,
    cluster: str | None = None,
    told: Callable[[Told], None] = lambda told: None,
    warned: Callable[[lint.Warning], None] = lambda warning: None,
) -> Results:
    """Runs an experiment; what is left in `folder` is gone on with by `resume`, to the same end to the bit.

    `jobs` is how many processes work, `cluster` the address of a Dask scheduler whose workers do; the numbers do not
    depend on either. `told` is told how far it is, `warned` of every mistake, of most before the work begins.

    Raises InputError before anything is written, with all that cannot be trained or measured; RunError where the folder
    cannot be written, or holds another experiment; WorkerError; KeyboardInterrupt, after which it can be gone on with.
    """
    shelf = Shelf()
    data = check(experiment, shelf)
    warnings = tuple(warnings_of(experiment, data))
    for warning in warnings:
        warned(warning)
    tasks = tasks_of(experiment, shelf)
    running = _Running(experiment, None, warnings, told)
    if folder is not None:
        running.folder, running.done = _opened(folder, experiment, tasks, resume=resume)
    left = [task for task in tasks if task.number not in running.done]
    try:
        _work_off(running, left, shelf, jobs, cluster)
        if running.folder is not None:
            for task in tasks:
                state_of(running.folder.root, task).unlink(missing_ok=True)
        results = running.write()
    except (RunError, workers.WorkerError) as error:
        if running.folder is None:
            raise
        raise type(error)(f"{error}; go on with the run by --resume") from None
    for warning in results.warnings[len(warnings) :]:
        warned(warning)
    return results


def _work_off(running: _Running, left: list[Task], shelf: Shelf, jobs: int, cluster: str | None) -> None:
    """Does the tasks that are left: here, in several processes, or on a cluster."""
    with interrupts() as asked, ExitStack() as stack:
        states = running.folder.root if running.folder is not None else None
        if cluster is not None:
            _on_cluster(running, left, cluster, asked)
        elif jobs > 1 and len(left) > 1:
            states = states or Path(stack.enter_context(TemporaryDirectory(prefix="backcalc-")))
            _in_processes(running, left, jobs, states, asked)
        else:
            _here(running, left, shelf, states, asked)


def _opened(
    path: Path, experiment: Experiment, tasks: tuple[Task, ...], *, resume: bool
) -> tuple[Folder, dict[int, dict[str, Any]]]:
    """The folder and what is done in it already. Raises RunError."""
    own = fingerprint(experiment)
    if not resume:
        folder = Folder.new(path, KIND, {"name": experiment.name, "text": experiment.source.text, "sweep": own})
        return folder, {}
    folder = Folder.old(path, KIND)
    before = folder.settings().get("sweep")
    if before != own:
        raise RunError(f"`{path}` holds another experiment than {experiment.source.label}; name another folder")
    done: dict[int, dict[str, Any]] = {}
    for line in folder.lines(LOG):
        with suppress(ValueError, TypeError, KeyError):
            found = json.loads(line)
            done[int(found["task"])] = found
    return folder, {task.number: done[task.number] for task in tasks if task.number in done}


def _here(running: _Running, tasks: list[Task], shelf: Shelf, states: Path | None, asked: Callable[[], bool]) -> None:
    """One task after another, in this process."""
    for task in tasks:

        def tell(progress: Progress, count: int = len(task.trials)) -> None:
            running.tell(count * progress.epoch / progress.epochs)

        state = None if states is None else state_of(states, task)
        running.taken(run_task(running.experiment, task, shelf, state=state, progress=tell))
        if asked():
            running.write()
            raise KeyboardInterrupt


def _in_processes(running: _Running, tasks: list[Task], jobs: int, states: Path, asked: Callable[[], bool]) -> None:
    taken, failed = running.taken, running.given_up
    try:
        workers.work_off(running.experiment, tasks, jobs, states=states, taken=taken, failed=failed, asked=asked)
    except KeyboardInterrupt:
        running.write()
        raise


def _on_cluster(running: _Running, tasks: list[Task], address: str, asked: Callable[[], bool]) -> None:
    taken, failed = running.taken, running.given_up
    try:
        on_cluster.work_off(running.experiment, tasks, address, taken=taken, failed=failed, asked=asked)
    except KeyboardInterrupt:
        running.write()
        raise


def warnings_of(experiment: Experiment, data: tuple[Data, ...]) -> Iterator[lint.Warning]:
    """The mistakes of an experiment that can be seen before it is run, each once; `data` are those of every arm."""
    found: dict[lint.Warning, None] = {}
    choose = None if experiment.choose is None else experiment.choose.text
    found.update(dict.fromkeys(lint.of_scores([each.text for each in experiment.measures], choose)))
    seen: set[int] = set()
    for arm, samples in zip(experiment.arms, data, strict=True):
        found.update(dict.fromkeys(lint.of_network(arm.network, experiment.repeats)))
        found.update(dict.fromkeys(lint.of_seeds(experiment.repeats, arm.train.seed)))
        found.update(dict.fromkeys(lint.of_split(samples, experiment.repeats, arm.train.split.seed)))
        if id(samples) not in seen:
            seen.add(id(samples))
            called = experiment.name
            found.update(dict.fromkeys(lint.of_data(samples, called, standardised=arm.data.standardise)))
    yield from found
