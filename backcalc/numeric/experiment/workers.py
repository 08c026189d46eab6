"""Several processes that work off the tasks of an experiment; one that dies costs its task one more try.

A worker is a Python of its own that is told tasks a line at a time and
answers each with a line: plain JSON, so that nothing is shared and nothing is unpickled. What a task gives does not
depend on who does it, nor on how many there are.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import backcalc
from backcalc.numeric.experiment.arms import Experiment
from backcalc.numeric.experiment.tasks import Task
from backcalc.numeric.runs import swept

TRIES = 2
"""So often a task is begun whose worker dies."""

PAUSE = 0.1
"""Seconds between two looks at whether the work is to be left."""


class WorkerError(RuntimeError):
    """What went wrong in a worker, in its words."""


def work_off(
    experiment: Experiment,
    tasks: Sequence[Task],
    jobs: int,
    *,
    states: Path,
    taken: Callable[[dict[str, Any]], None],
    failed: Callable[[Task, str], None],
    asked: Callable[[], bool],
) -> None:
    """Lets so many processes do the tasks; `taken` gets each result, here, one at a time, in the order they come in.

    `failed` is told of a task whose worker died twice. Raises WorkerError where a task itself cannot be done, and
    KeyboardInterrupt where it is `asked` for; the states of what was under way stay in the folder `states`.
    """
    waiting: Queue[Task] = Queue()
    told: Queue[tuple[Task, str, Any]] = Queue()
    for task in tasks:
        waiting.put(task)
    running: list[_Worker] = [_Worker(experiment, states, waiting, told) for _ in range(min(jobs, len(tasks)))]
    try:
        left = len(tasks)
        while left:
            try:
                task, how, what = told.get(timeout=PAUSE)
            except Empty:
                if asked():
                    raise KeyboardInterrupt from None
                continue
            if how == "error":
                raise WorkerError(what)
            if how == "done":
                taken(what)
            else:
                failed(task, what)
            left -= 1
            if asked():
                raise KeyboardInterrupt
    finally:
        for worker in running:
            worker.stop()
        swept(states)


class _Worker:
    """One process and the thread that talks to it."""

    def __init__(self, experiment: Experiment, states: Path, waiting: Queue[Task], told: Queue[Any]) -> None:
        source = experiment.source
        parts = {"text": source.text, "label": source.label, "title": source.title, "file": source.file}
        folder = None if source.folder is None else str(source.folder.resolve())
        self.greeting = json.dumps({**parts, "folder": folder, "states": str(states.resolve())})
        self.waiting, self.told, self.stopping = waiting, told, False
        self.process: subprocess.Popen[str] | None = None
        self.thread = threading.Thread(target=self._work, daemon=True)
        self.thread.start()

    def stop(self) -> None:
        """Ends the process; the state of its task stays as it was written last."""
        self.stopping = True
        if self.process is not None:
            self.process.kill()  # the thread that reads from it then goes on, and ends
        self.thread.join()

    def _work(self) -> None:
        while not self.stopping:
            try:
                task = self.waiting.get_nowait()
            except Empty:
                break
            self.told.put(self._tried(task))
        self._end()

    def _end(self) -> None:
        """Ends the process, if there is one."""
        process, self.process = self.process, None
        if process is not None:
            process.kill()
            with suppress(OSError):
                process.communicate()

    def _tried(self, task: Task) -> tuple[Task, str, Any]:
        for _ in range(TRIES):
            answer = self._answer(task)
            if answer is not None:
                return (task, "error", answer["error"]) if "error" in answer else (task, "done", answer)
            if self.stopping:
                break
        return task, "died", f"its process died {TRIES} times"

    def _answer(self, task: Task) -> dict[str, Any] | None:
        """What the process says of a task; None where it died."""
        if self.process is None:
            self.process = _started()
        process = self.process
        assert process.stdin is not None and process.stdout is not None
        try:
            process.stdin.write(f"{self.greeting}\n{task.number}\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except OSError:
            line = ""
        if not line.endswith("\n"):
            self._end()
            return None
        return dict(json.loads(line))


def _started() -> subprocess.Popen[str]:
    """A new worker, deaf to the Ctrl-C of the terminal: who started it says when it ends."""
    package = str(Path(backcalc.__file__).parents[1])
    threads = dict.fromkeys(("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"), "1")
    path = os.pathsep.join(part for part in (package, os.environ.get("PYTHONPATH")) if part)
    environment: Mapping[str, str] = {**os.environ, **threads, "PYTHONPATH": path, "PYTHONUTF8": "1"}
    return subprocess.Popen(
        [sys.executable, "-c", "from backcalc.numeric.experiment.worker import main; main()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=environment,
    )
