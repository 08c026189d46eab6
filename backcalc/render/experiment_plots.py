"""An experiment as pictures: every measure along the first axis with its spread, and the curves of the arms."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from math import isfinite, nan, sqrt
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

from backcalc.numeric.experiment.results import Results, Row
from backcalc.numeric.experiment.statistics import Summary
from backcalc.render.experiment_text import is_share
from backcalc.render.plots import to_png, to_svg
from backcalc.render.plots.curves import log_where_steep
from backcalc.render.plots.style import COLOURS, drawing, figure, legend_above
from backcalc.render.plots.sweep import Arm, sweep

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_PICTURES = 24
MOST_LINES = 8
CURVES = {"loss": "training loss", "val_loss": "validation loss", "metric": "metric", "val_metric": "validation metric"}
SHORT = 16
"""Values of an arm of so many letters leave room for four of them side by side."""
WIDE = 10.0
"""Values that go over more than this factor are spaced by their logarithm."""


def files(results: Results) -> Iterator[tuple[str, str | bytes]]:
    """Every picture as SVG and PNG, each as the name of a file and what is in it."""
    for name, drawn in pictures(results):
        yield f"plots/{name}.svg", to_svg(drawn)
        yield f"plots/{name}.png", to_png(drawn)


def pictures(results: Results) -> Iterator[tuple[str, Figure]]:
    """The pictures by name: a sweep a measure, where something varies, and curves, where there are few arms."""
    if results.axes:
        for text in results.measures[:MOST_PICTURES]:
            yield _file_name(text), sweep_of(results, text)
    if 0 < len(results.rows) <= MOST_LINES:
        for curve, words in CURVES.items():
            if any(len(run.curves.get(curve, ())) > 1 for row in results.rows for run in row.runs):
                yield f"curves-{curve}", curves_of(results.rows, curve, words, results.name)


def _file_name(text: str) -> str:
    """A name that a file can have.

    >>> _file_name("activation.rms.h2 / activation.rms.h1 < 0.1")
    'activation.rms.h2-activation.rms.h1-0.1'
    """
    return re.sub(r"[^\w.]+", "-", text).strip("-.")


def sweep_of(results: Results, text: str) -> Figure:
    """A measure along the first axis, a line for every combination of the others."""
    axis, *others = results.axes
    groups: dict[str, list[Row]] = {}
    for row in results.rows:
        label = ", ".join(_named(path, row.labels[path]) for path in others)
        groups.setdefault(label, []).append(row)
    share = is_share(text)
    arms = [_arm(label, axis, rows, text, share=share) for label, rows in groups.items()]
    values = [value for arm in arms for value in arm.x]
    numbers = [value for value in values if not isinstance(value, str)]
    log = len(numbers) == len(values) and min(numbers) > 0 and max(numbers) / min(numbers) > WIDE
    spread = "share ± its standard error" if share else "mean ± standard deviation"
    spread = "" if all(len(row.runs) < 2 for row in results.rows) else spread
    return sweep(arms, axis=axis, measure=text, spread=spread, title=results.name, log=log)


def _arm(label: str, axis: str, rows: Sequence[Row], text: str, *, share: bool) -> Arm:
    found = [row.summaries[text] for row in rows]
    bars = [_bar(each, share=share) for each in found]
    return Arm(
        label,
        tuple(_place(row.values[axis], row.labels[axis]) for row in rows),
        tuple(each.mean for each in found),
        tuple(each.mean - bar for each, bar in zip(found, bars, strict=True)),
        tuple(each.mean + bar for each, bar in zip(found, bars, strict=True)),
    )


def _place(value: Any, word: str) -> float | str:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number else _short(word)


def _named(path: str, word: str) -> str:
    """A value of an axis with its name, of a file its name alone.

    >>> _named("sizes.u", "16"), _named("net", "../nets/wide.yaml")
    ('u 16', 'wide')
    """
    short = _short(word)
    return short if short != word else f"{path.rpartition('.')[2]} {word}"


def _short(word: str) -> str:
    return word.rpartition("/")[2].removesuffix(".yaml") if word.endswith(".yaml") else word


def _bar(found: Summary, *, share: bool) -> float:
    if share:
        return sqrt(max(0.0, found.mean * (1 - found.mean)) / found.count) if found.count else nan
    return found.sd if isfinite(found.sd) else 0.0


@drawing
def curves_of(rows: Sequence[Row], curve: str, words: str, title: str) -> Figure:
    """The mean of a curve over the repeats of every arm, with a band of one standard deviation."""
    drawn = figure()
    axes = drawn.add_subplot()
    every: list[float] = []
    spreads = False
    for number, row in enumerate(rows):
        means, low, high = _band([run.curves.get(curve, ()) for run in row.runs])
        every += means
        epochs = range(1, len(means) + 1)
        colour = COLOURS[number % len(COLOURS)]
        style = "-" if number < len(COLOURS) else "--"
        label = ", ".join(_named(path, word) for path, word in row.labels.items())
        axes.plot(epochs, means, style, color=colour, label=label or None)
        if low != high:
            spreads = True
            axes.fill_between(epochs, low, high, color=colour, alpha=0.15, linewidth=0)
    axes.set_xlabel("epoch")
    axes.set_ylabel(f"{words}\n(mean ± standard deviation, within their range)" if spreads else words)
    if curve.endswith("loss"):
        log_where_steep(axes, every)
    legend_above(axes, 2 if len(", ".join(rows[0].labels.values())) > SHORT else 4)
    drawn.suptitle(title, x=0.01, ha="left", fontweight="bold", fontsize=11)
    return drawn


def _band(curves: Sequence[Sequence[float | None]]) -> tuple[list[float], list[float], list[float]]:
    """The mean at every epoch of those that have one, and the ends of a band of a deviation, within their range.

    >>> _band([[1.0, 2.0], [3.0, None]])
    ([2.0, 2.0], [1.0, 2.0], [3.0, 2.0])
    """
    means, low, high = [], [], []
    for epoch in range(max(map(len, curves), default=0)):
        numbers = [number for row in curves if epoch < len(row) and (number := row[epoch]) is not None]
        mean, sd = fmean(numbers) if numbers else nan, stdev(numbers) if len(numbers) > 1 else 0.0
        means.append(mean)
        low.append(max(mean - sd, min(numbers, default=nan)))
        high.append(min(mean + sd, max(numbers, default=nan)))
    return means, low, high
