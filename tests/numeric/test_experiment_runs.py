"""Experiments that are run: by one or many, cut off and gone on with, with workers that die, on a cluster."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backcalc
from backcalc.numeric.data import load_data, source
from backcalc.numeric.experiment import Experiment, WorkerError, read_experiment, run, workers
from backcalc.numeric.experiment.samples import Shelf
from backcalc.numeric.experiment.tasks import Task, run_task, tasks_of
from backcalc.numeric.runs import RunError

NET: dict[str, Any] = {
    "name": "clouds",
    "input": 2,
    "layers": [{"dense": {"name": "a", "units": 4}}, {"relu": {"name": "h"}}, {"dense": {"name": "z", "units": 3}}],
    "loss": "nll_logits",
    "update": {"sgd": {"rate": Fraction(1, 2)}},
}
FILE: dict[str, Any] = {"net": NET, "data": "blobs:60", "measure": ["test.accuracy", "train.loss"]}


def experiment(**changes: Any) -> Experiment:
    """The experiment of the clouds, some of its keys changed; None takes one away."""
    return read_experiment({key: value for key, value in {**FILE, **changes}.items() if value is not None})


# -- runs -------------------------------------------------------------------------------------------

SWEEP: dict[str, Any] = {
    **FILE,
    "name": "sweep",
    "vary": {"a.units": [3, 5, 8], "train.rate": ["0.1", "0.5"]},
    "repeats": 3,
    "train": {"epochs": 6},
}


def left(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in ("results.csv", "results.json", "summary.csv")}


def test_results_do_not_depend_on_how_many_work(tmp_path: Path) -> None:
    read = read_experiment(SWEEP)
    run(read, tmp_path / "one")
    run(read, tmp_path / "two", jobs=2)
    assert left(tmp_path / "one") == left(tmp_path / "two")
    assert len((tmp_path / "one" / "results.csv").read_text().splitlines()) == 1 + 18
    assert not list((tmp_path / "two").glob("*.npz"))


def test_a_folder_is_gone_on_with_by_the_same_experiment_alone(tmp_path: Path) -> None:
    run(read_experiment(SWEEP), tmp_path / "run")
    before = left(tmp_path / "run")
    with pytest.raises(RunError, match="holds a run already; go on with it by --resume"):
        run(read_experiment(SWEEP), tmp_path / "run")
    with pytest.raises(RunError, match="holds another experiment"):
        run(read_experiment({**SWEEP, "repeats": 4}), tmp_path / "run", resume=True)
    with pytest.raises(RunError, match="no run can be gone on with"):
        run(read_experiment(SWEEP), tmp_path / "none", resume=True)
    told: list[Any] = []
    run(read_experiment(SWEEP), tmp_path / "run", resume=True, told=told.append)
    assert left(tmp_path / "run") == before and not told  # nothing was left to do


LONG = """\
name: long
net: {input: 2, layers: [{dense: {name: a, units: 4}}, tanh, {dense: 2}], loss: nll_logits}
data: spirals
train: {epochs: 25, batch: 8, rate: 0.1, optimizer: momentum}
vary: {a.units: [3, 4, 5, 6]}
repeats: 4
measure: [test.accuracy, train.loss]
"""


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is a signal of POSIX systems")
@pytest.mark.parametrize("jobs", [1, 2])
def test_killed_in_the_middle_it_goes_on_to_the_same_end(tmp_path: Path, jobs: int) -> None:
    file = tmp_path / "long.yaml"
    file.write_text(LONG, encoding="utf-8")
    whole = run(read_experiment(file), tmp_path / "whole")
    command = [
        sys.executable,
        "-m",
        "backcalc",
        "experiment",
        str(file),
        "--run",
        str(tmp_path / "cut"),
        "--jobs",
        str(jobs),
    ]
    environment = {**os.environ, "PYTHONPATH": str(Path(backcalc.__file__).parents[1])}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    log, give_up = tmp_path / "cut" / "tasks.jsonl", time.monotonic() + 60
    while (
        not (log.exists() and log.read_bytes().count(b"\n")) and process.poll() is None and time.monotonic() < give_up
    ):
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = log.read_bytes().count(b"\n")
    assert 1 <= done < 4
    with log.open("ab") as cut:
        cut.write(b'{"task": 3, "runs": [')  # half a line, as a full disk leaves one
    again = run(read_experiment(file), tmp_path / "cut", resume=True, jobs=jobs)
    assert left(tmp_path / "cut") == left(tmp_path / "whole")
    assert again.to_json() == whole.to_json()
    assert not [each.name for each in (tmp_path / "cut").iterdir() if each.name.endswith((".writing", ".npz"))]


def test_a_task_goes_on_from_its_own_state(tmp_path: Path) -> None:
    read = read_experiment({**SWEEP, "train": {"epochs": 30}})
    task, state = tasks_of(read, Shelf())[0], tmp_path / "state.npz"

    class Cut(Exception):
        pass

    def cut(progress: Any) -> None:
        if progress.epoch == 20:
            raise Cut

    with pytest.raises(Cut):
        run_task(read, task, Shelf(), state=state, every=0, progress=cut)
    began: list[int] = []
    again = run_task(read, task, Shelf(), state=state, progress=lambda progress: began.append(progress.epoch))
    assert min(began) >= 20
    assert again == run_task(read, task, Shelf())


def test_a_worker_that_dies_costs_one_more_try(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first process is killed as soon as it is told its task; all results are there in the end, and the same."""
    read = read_experiment(SWEEP)
    started, killed = workers._started, []

    def fragile() -> Any:
        process = started()
        if not killed:
            killed.append(process.pid)
            process.kill()
        return process

    monkeypatch.setattr(workers, "_started", fragile)
    results = run(read, tmp_path / "run", jobs=2)
    assert killed and not results.failed
    assert results.to_json() == run(read).to_json()


def test_a_task_whose_workers_all_die_is_told_and_the_others_are_done(monkeypatch: pytest.MonkeyPatch) -> None:
    read = read_experiment(SWEEP)
    answer = workers._Worker._answer

    def deadly(self: Any, task: Task) -> Any:
        return None if task.number == 1 else answer(self, task)

    monkeypatch.setattr(workers._Worker, "_answer", deadly)
    results = run(read, jobs=2)
    assert results.failed == ("task 2: its process died 2 times",)
    assert [len(row.runs) for row in results.rows] == [3, 3, 0, 0, 3, 3]


def test_what_a_worker_cannot_do_is_told_in_its_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    points = tmp_path / "points.npz"
    data = load_data("blobs:60")
    np.savez(points, x_train=data.x, y_train=data.y.astype(int))
    file = tmp_path / "sweep.yaml"
    file.write_text(
        LONG.replace("data: spirals", "data: npz:points.npz").replace("dense: 2}", "dense: 3}"), encoding="utf-8"
    )
    read = read_experiment(file)
    monkeypatch.setattr("backcalc.numeric.experiment.sweep._in_processes", _without(points))
    with pytest.raises(WorkerError, match="there is no file"):
        run(read, jobs=2)


def _without(points: Path) -> Any:
    from backcalc.numeric.experiment.sweep import _in_processes

    def work(*given: Any) -> None:
        points.unlink()
        _in_processes(*given)

    return work


@pytest.mark.skipif(find_spec("distributed") is None, reason="a cluster needs the extra `cluster`")
def test_a_cluster_gives_the_same(tmp_path: Path) -> None:
    from distributed import LocalCluster

    read = read_experiment(SWEEP)
    options = {"processes": False, "n_workers": 1, "threads_per_worker": 1, "dashboard_address": None}
    with LocalCluster(protocol="tcp://", host="127.0.0.1", **options) as cluster:
        run(read, tmp_path / "cluster", cluster=cluster.scheduler_address)
    run(read, tmp_path / "here")
    assert left(tmp_path / "cluster") == left(tmp_path / "here")


def test_images_are_made_larger_between_the_centres_of_pixels() -> None:
    """Against a loop over pixels."""
    from backcalc.numeric.experiment.samples import resized

    data = load_data("digits")
    found = resized(data, 28).x[0, 0]
    image = data.x[0, 0]
    for row, column in source(0).integers(0, 28, (50, 2)):
        y, x = (np.clip((place + 0.5) * 8 / 28 - 0.5, 0, 7) for place in (row, column))
        weights = np.outer(*(np.maximum(0, 1 - np.abs(np.arange(8) - place)) for place in (y, x)))
        assert found[row, column] == pytest.approx((weights * image).sum())
