"""A training that is on its way, for a person who looks at a terminal: a bar, or live curves."""

from __future__ import annotations

import time
from collections.abc import Sequence
from math import isfinite
from statistics import fmean

from backcalc.numeric.train import Progress
from backcalc.render.braille import plot

BAR = 24
"""Characters of the bar that shows how far a training is."""
WIDE, HIGH = 60, 8
"""Characters of the curves."""
SECONDS = 5.0
"""Between two lines where nobody looks at a terminal."""


class Watch:
    """What has been told of a training, and how it is shown.

    >>> watch = Watch(4)
    >>> print(watch.told(Progress(1, 4, (0.5,), (0.75,))).rpartition(",")[0])
    train ━━━━━━────────────────── epoch 1 of 4, loss 0.5, metric 0.75
    """

    def __init__(self, epochs: int) -> None:
        self.epochs, self.epoch, self.first = epochs, 0, 0
        self.began = self.said = time.monotonic()
        self.loss: list[float] = []
        self.metric: list[float] = []
        self.val_loss: list[float] = []
        self.val_metric: list[float] = []

    def told(self, done: Progress, *, live: bool = False) -> str:
        """What is shown after an epoch: one line, and the curves where they are `live`."""
        if not self.loss:  # a run that is gone on with begins later
            self.first = done.epoch - 1
        self.epoch = done.epoch
        for curve, numbers in (
            (self.loss, done.loss),
            (self.metric, done.metric),
            (self.val_loss, done.val_loss),
            (self.val_metric, done.val_metric),
        ):
            if numbers:
                curve.append(_mean(numbers))
        return f"{self.line()}\n\n{self.curves()}" if live else self.line()

    def line(self) -> str:
        """How far the training is, and what is left of it."""
        full = BAR * self.epoch // self.epochs
        here = self.epoch - self.first
        left = (time.monotonic() - self.began) * (self.epochs - self.epoch) / max(1, here)
        bar = "━" * full + "─" * (BAR - full)
        numbers = f"loss {self.loss[-1]:.4g}, metric {self.metric[-1]:.4g}"
        return f"train {bar} epoch {self.epoch} of {self.epochs}, {numbers}, {left:.0f} s left"

    def is_due(self) -> bool:
        """Whether it is time for another line: every few seconds, and at the end."""
        now = time.monotonic()
        if now - self.said < SECONDS and self.epoch < self.epochs:
            return False
        self.said = now
        return True

    def curves(self) -> str:
        """Loss and metric by epoch, one below the other."""
        first, last = self.first + 1, self.epoch
        drawn = [
            plot("loss", {"training": self.loss, "validation": self.val_loss}, first, last, WIDE, HIGH),
            plot("metric", {"training": self.metric, "validation": self.val_metric}, first, last, WIDE, HIGH),
        ]
        return "\n\n".join(drawn)


def _mean(numbers: Sequence[float]) -> float:
    """The mean over the trials that are not lost."""
    finite = [number for number in numbers if isfinite(number)]
    return fmean(finite) if finite else float("nan")
