"""Training: mini-batches, steps, epochs, of many networks at once.

>>> from backcalc.net import load_network
>>> from backcalc.numeric.data import load_data
>>> network = load_network({"input": 2, "layers": [{"dense": 3}, "softmax"], "loss": "cross_entropy", "update": "adam"})
>>> history = train(network, load_data("blobs:60"), epochs=30, batch=10, trials=3, rate=0.1)
>>> len(history.curves["loss"]), all(share > 0.9 for share in history.curves["metric"][-1])
(30, True)
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from backcalc.net import Network
from backcalc.numeric.checkpoint import EVERY, Keeper, read
from backcalc.numeric.data import Data
from backcalc.numeric.history import CURVES, History
from backcalc.numeric.running import Running
from backcalc.numeric.runs.interrupt import interrupts
from backcalc.numeric.settings import Diverged, Training
from backcalc.numeric.threads import blas_threads

QUIET: Mapping[str, Any] = {"over": "ignore", "invalid": "ignore", "divide": "ignore"}
"""Numbers that are not finite are told by the loss, not by NumPy."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What is told after every epoch, a number for every trial; the last two are empty without validation."""

    epoch: int
    epochs: int
    loss: tuple[float, ...]
    metric: tuple[float, ...]
    val_loss: tuple[float, ...] = ()
    val_metric: tuple[float, ...] = ()


def train(
    network: Network,
    data: Data,
    settings: Training | None = None,
    *,
    save: Path | None = None,
    resume: bool = False,
    every: float = EVERY,
    progress: Callable[[Progress], None] | None = None,
    **changes: Any,
) -> History:
    """Trains a network, or as many of it as there are trials, and tests it where the data have a test.

    `changes` are single settings, `train(network, data, epochs=5, trials=100)`. The rule and its rate are those of the
    file, the loss too. The state is written to `save` after `every` so many seconds (0: after every step), at the end,
    and before KeyboardInterrupt is raised; with `resume` the training goes on from there, to the bit as if it had never
    stopped. Ctrl-C is seen between two steps.

    Raises TrainingError, NotTrainable, DataError, UnknownScheme: what cannot be trained, before the first step;
    Diverged where the loss of every trial is no number any more, after the last good state was written; RunError where
    the state cannot be written.
    """
    settings = replace(settings or Training(), **changes)
    with blas_threads(settings.threads), interrupts() as asked, np.errstate(**QUIET), ExitStack() as stack:
        running = stack.enter_context(closing(Running(network, data, settings)))
        if running.divided:
            stack.enter_context(blas_threads(1))
        if resume and save is not None and save.is_file():
            running.go_on(read(save, running))
        keeper = Keeper(running, save, every)
        keeper.write()
        began = time.perf_counter() - running.seconds
        while not running.finished:
            try:
                for _ in running.one_epoch():
                    running.seconds = time.perf_counter() - began
                    if asked():
                        keeper.write()
                        raise KeyboardInterrupt
                    keeper.stepped()
            except Diverged as error:
                raise Diverged(str(error), keeper.fall_back()) from None
            keeper.finished_epoch()
            if progress is not None:
                progress(_told(running))
        if running.good():
            keeper.write()
        running.finish()
        return running.history()


def _told(running: Running) -> Progress:
    """What the last epoch gave."""
    last = (running.curves[name][-1] if running.curves[name] else () for name in CURVES)
    return Progress(running.epoch, running.settings.epochs, *last)
