"""Loss and metric by epoch."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from statistics import fmean, stdev
from typing import TYPE_CHECKING

from backcalc.numeric.history import History
from backcalc.render.plots.style import COLOURS, INK, drawing, figure, legend_above

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DOTTED = 15
"""Up to so many epochs have a dot each."""
STEEP = 30.0
"""A loss that falls by more than this factor is drawn on a logarithmic scale."""


@drawing
def curves(history: History) -> Figure:
    """Loss and metric side by side: the mean over the trials, within one standard deviation; the test at the end.

    >>> from backcalc.numeric.settings import Training
    >>> made = {"loss": ((0.5, 0.25),), "metric": ((1.0, 0.75),)}
    >>> drawn = curves(History("net", "blobs", Training(trials=2), 9, "accuracy", made, {}, 0.1, {}))
    >>> [axes.get_ylabel() for axes in drawn.axes]
    ['loss', 'accuracy']
    """
    from matplotlib.ticker import FixedLocator, MaxNLocator

    drawn = figure(8.6, 3.6)
    for place, (name, label) in enumerate((("loss", "loss"), ("metric", history.metric)), 1):
        axes = drawn.add_subplot(1, 2, place)
        for curve, said, colour in ((name, "training", COLOURS[0]), (f"val_{name}", "validation", COLOURS[1])):
            if history.curves.get(curve):
                _curve(axes, history.curves[curve], said, colour)
        tested = [number for number in history.test.get(name, ()) if isfinite(number)]
        if tested:
            epochs = len(history.curves[name])
            axes.plot(
                [epochs], [fmean(tested)], "D", color=COLOURS[2], markeredgecolor="white", markersize=8, label="test"
            )
        axes.set_xlabel("epoch")
        axes.set_ylabel(label)
        one = len(history.curves[name]) == 1
        axes.xaxis.set_major_locator(FixedLocator([1]) if one else MaxNLocator(integer=True))
        if name == "loss":
            log_where_steep(axes, [number for rows in history.curves["loss"] for number in rows])
        legend_above(axes)
    if history.settings.trials > 1:
        words = f"lines: mean of {history.settings.trials} trials; shade: one standard deviation, within their range"
        drawn.supxlabel(words, fontsize=8.5, color=INK)
    return drawn


def _curve(axes: Axes, rows: Sequence[Sequence[float]], label: str, colour: str) -> None:
    means, low, high = [], [], []
    for row in rows:
        kept = [number for number in row if isfinite(number)]
        mean = fmean(kept) if kept else float("nan")
        spread = stdev(kept) if len(kept) > 1 else 0.0
        means.append(mean)
        low.append(max(mean - spread, min(kept)) if kept else mean)
        high.append(min(mean + spread, max(kept)) if kept else mean)
    epochs = range(1, len(rows) + 1)
    axes.plot(epochs, means, "o-" if len(rows) <= DOTTED else "-", color=colour, label=label)
    if any(len(row) > 1 for row in rows):
        axes.fill_between(epochs, low, high, color=colour, alpha=0.2, linewidth=0)


def log_where_steep(axes: Axes, numbers: Sequence[float]) -> None:
    """Draws a loss that falls far on a logarithmic scale: else nothing is seen of its end."""
    kept = [number for number in numbers if isfinite(number)]
    if kept and 0 < min(kept) * STEEP < max(kept):
        axes.set_yscale("log")
