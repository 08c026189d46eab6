"""One process of an experiment: reads tasks from standard input, a line each, and writes what they give."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path
from queue import Queue
from typing import Any

from backcalc.net.errors import InputError
from backcalc.net.text import Source
from backcalc.numeric.experiment.arms import Experiment
from backcalc.numeric.experiment.read import read_experiment
from backcalc.numeric.experiment.samples import Shelf
from backcalc.numeric.experiment.tasks import Task, run_task, tasks_of


def answer(greeting: str, number: int, known: dict[str, tuple[Experiment, tuple[Task, ...], Shelf]]) -> dict[str, Any]:
    """What a task of the experiment gives, or `{error: …}`; `known` are those that were read before."""
    told = json.loads(greeting)
    try:
        if greeting not in known:
            folder = None if told["folder"] is None else Path(told["folder"])
            source = Source(told["text"], told["label"], told["title"], told["file"], folder)
            experiment, shelf = read_experiment(source), Shelf()
            known[greeting] = experiment, tasks_of(experiment, shelf), shelf
        experiment, tasks, shelf = known[greeting]
        state = None if told["states"] is None else state_of(Path(told["states"]), tasks[number])
        return run_task(experiment, tasks[number], shelf, state=state)
    except (ValueError, MemoryError, OSError, InputError) as error:
        return {"error": str(error) or type(error).__name__}


def state_of(states: Path, task: Task) -> Path:
    """The file in which the state of a task is kept while it is under way."""
    return states / f"task-{task.number + 1}.npz"


def main() -> None:
    """Works until standard input ends: then whoever asked is gone, and what is under way is left at once."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    out = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    sys.stdout = sys.stderr  # what is printed by accident is no answer
    lines: Queue[str] = Queue()

    def listen() -> None:
        for line in sys.stdin:
            lines.put(line)
        os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
    known: dict[str, tuple[Experiment, tuple[Task, ...], Shelf]] = {}
    while True:
        greeting = lines.get()
        out.write(json.dumps(answer(greeting, int(lines.get()), known)) + "\n")
        out.flush()
