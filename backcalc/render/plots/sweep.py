"""A sweep as a picture: a measure along the values that were tried, with error bars, a line an arm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from textwrap import fill
from typing import TYPE_CHECKING

from backcalc.render.plots.style import COLOURS, MARKERS, drawing, figure, legend_above

if TYPE_CHECKING:
    from matplotlib.figure import Figure

APART = 0.012
"""Arms are set side by side by this share of the axis, so that their error bars do not cover each other."""
LINE_OF_WORDS = 60
"""Letters that stand side by side below the axis; longer words are broken at spaces, or set at a slant."""


@dataclass(frozen=True, slots=True)
class Arm:
    """One line of a sweep: values `x` (numbers or words), the mean at each, and the ends of its error bar.

    A number that is not finite (every trial was lost) leaves a gap. Raises ValueError where the parts differ in length.
    """

    label: str
    x: tuple[float | str, ...]
    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]

    def __post_init__(self) -> None:
        lengths = {len(part) for part in (self.x, self.mean, self.low, self.high)}
        if len(lengths) > 1:
            raise ValueError(f"the parts of the arm `{self.label}` have {sorted(lengths)} numbers")


@drawing
def sweep(
    arms: Sequence[Arm],
    *,
    axis: str,
    measure: str,
    spread: str = "mean ± standard deviation",
    title: str = "",
    log: bool = False,
) -> Figure:
    r"""The arms in one picture. `axis` and `measure` label the axes, `spread` says what the bars are.

    Where a value is a word all are, in the order of their first appearance; `log` spaces numbers by their logarithm.

    >>> drawn = sweep([Arm("", (10, 20), (0.5, 0.7), (0.4, 0.6), (0.6, 0.8))], axis="units", measure="test accuracy")
    >>> drawn.axes[0].get_xlabel(), drawn.axes[0].get_ylabel()
    ('units', 'test accuracy\n(mean ± standard deviation)')
    """
    drawn = figure()
    axes = drawn.add_subplot()
    words = list(dict.fromkeys(str(value) for arm in arms for value in arm.x))
    named = any(isinstance(value, str) for arm in arms for value in arm.x)
    places = [[words.index(str(x)) if named else float(x) for x in arm.x] for arm in arms]
    every = [place for row in places for place in row]
    width = max(every, default=0) - min(every, default=0)
    for number, (arm, row) in enumerate(zip(arms, places, strict=True)):
        shift = 0.0 if log else (number - (len(arms) - 1) / 2) * APART * width
        kept = [at for at, mean in enumerate(arm.mean) if isfinite(mean)]
        means = [arm.mean[at] for at in kept]
        bars = [
            [max(0.0, _finite(mean - arm.low[at])) for at, mean in zip(kept, means, strict=True)],
            [max(0.0, _finite(arm.high[at] - mean)) for at, mean in zip(kept, means, strict=True)],
        ]
        axes.errorbar(
            [row[at] + shift for at in kept],
            means,
            yerr=bars,
            label=arm.label or None,
            color=COLOURS[number % len(COLOURS)],
            marker=MARKERS[number % len(MARKERS)],
            linestyle="none" if named else "-",
            capsize=3,
            elinewidth=1.2,
        )
    if named:
        lines = [fill(word, max(6, LINE_OF_WORDS // len(words))) for word in words]
        slant = max(map(len, "\n".join(lines).split("\n"))) * len(words) > 1.3 * LINE_OF_WORDS
        axes.set_xticks(range(len(words)), lines, rotation=30 if slant else 0, ha="right" if slant else "center")
        axes.set_xlim(-0.5, len(words) - 0.5)
        axes.grid(visible=False, axis="x")
    elif log:
        axes.set_xscale("log")
    axes.set_xlabel(axis)
    axes.set_ylabel(f"{measure}\n({spread})" if spread else measure)
    legend_above(axes)
    if title:
        drawn.suptitle(title, x=0.01, ha="left", fontweight="bold", fontsize=11)
    return drawn


def _finite(number: float) -> float:
    return number if isfinite(number) else 0.0
