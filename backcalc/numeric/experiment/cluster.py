"""The tasks of an experiment on a Dask cluster (extra `cluster`), imported when one is asked for.

The workers of the cluster have backcalc, and the data where the experiment says.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from backcalc.numeric.experiment.arms import Experiment
from backcalc.numeric.experiment.tasks import Task
from backcalc.numeric.experiment.worker import answer
from backcalc.numeric.experiment.workers import PAUSE, TRIES, WorkerError

MISSING = "a cluster needs `distributed`, which is not installed: `pip install backcalc[cluster]`"
PATIENCE = 30
"""Seconds that the cluster has to answer at all."""


def work_off(
    experiment: Experiment,
    tasks: Sequence[Task],
    address: str,
    *,
    taken: Callable[[dict[str, Any]], None],
    failed: Callable[[Task, str], None],
    asked: Callable[[], bool],
) -> None:
    """Lets the workers of the scheduler at `address` do the tasks; `taken` gets each result as it comes in.

    A task whose worker is lost is given to another by the scheduler, once; `failed` is told where that is lost too.
    Raises WorkerError where there is no scheduler or a task cannot be done, KeyboardInterrupt where it is `asked` for.
    """
    if find_spec("distributed") is None:
        raise WorkerError(MISSING)
    distributed = import_module("distributed")
    source = experiment.source
    parts = {"text": source.text, "label": source.label, "title": source.title, "file": source.file}
    folder = None if source.folder is None else str(source.folder.resolve())
    greeting = json.dumps({**parts, "folder": folder, "states": None})
    try:
        client = distributed.Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise WorkerError(f"no scheduler answers at `{address[:100]}`: {error}") from None
    with client:
        options = {"pure": False, "retries": TRIES - 1}
        futures = {client.submit(answer, greeting, task.number, {}, **options): task for task in tasks}
        for future in _as_they_come(futures, asked):
            task = futures[future]
            if future.status != "finished":
                failed(task, f"its worker was lost or failed: {future.exception()}")
                continue
            found = future.result()
            if "error" in found:
                raise WorkerError(found["error"])
            taken(found)


def _as_they_come(futures: dict[Any, Task], asked: Callable[[], bool]) -> Iterator[Any]:
    """The futures in the order in which they are done."""
    left = dict(futures)
    while left:
        if asked():
            raise KeyboardInterrupt
        done = [future for future in left if future.done()]
        for future in done:
            del left[future]
            yield future
        if not done:
            time.sleep(PAUSE)
