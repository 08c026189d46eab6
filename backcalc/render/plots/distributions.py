"""How the numbers of every layer are distributed, as violins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from backcalc.render.plots.style import COLOURS, FAINT, INK, drawing, figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TAIL = 0.005
"""This share of the numbers on either side is cut off, so that one outlier does not flatten all violins."""
SMALL = 0.05
"""Of sizes, this share of the smallest: they go on to the last number that is not 0."""
ZERO = 1e-30


@drawing
def distributions(layers: Mapping[str, Any], *, label: str, magnitudes: bool = False, colour: str = "") -> Figure:
    """A violin a layer with its quartiles, from the first layer at the top to the last; `label` names the numbers.

    `magnitudes` draws sizes on a logarithmic scale, as gradients need, and says what share is 0. Arrays of any shape.

    >>> drawn = distributions({"a": [1.0, 2.0, 3.0], "b": [0.0, 0.5, 1.0]}, label="activation")
    >>> [tick.get_text() for tick in drawn.axes[0].get_yticklabels()]
    ['a', 'b']
    """
    import numpy as np

    drawn = figure(6.4, 0.5 * len(layers) + 1.1)
    axes = drawn.add_subplot()
    names = list(layers)
    for place, name in enumerate(names):
        numbers = np.asarray(layers[name], float).ravel()
        numbers = numbers[np.isfinite(numbers)]
        nothing = np.abs(numbers) < ZERO
        if magnitudes:
            numbers = np.log10(np.abs(numbers[~nothing]))
        if numbers.size and nothing.any() and magnitudes:
            share = f"{100 * nothing.mean():.3g} % are 0"
            beside = ("axes fraction", "data")
            axes.annotate(share, (1.02, place), xycoords=beside, va="center", fontsize=8.5, color=FAINT)
        if numbers.size < 2 or float(numbers.std()) < 1e-12:
            where = float(numbers[0]) if numbers.size else 0.0
            words = "all are 0" if not numbers.size else "all are equal"
            axes.plot([where], [place], "|", color=INK, markersize=12)
            axes.annotate(words, (where, place), xytext=(6, 0), textcoords="offset points", va="center", fontsize=8.5)
            continue
        low, high = np.quantile(numbers, [SMALL if magnitudes else TAIL, 1 - TAIL])
        kept = numbers[(numbers >= low) & (numbers <= high)]
        kept = kept if kept.std() > 1e-12 else numbers
        axes.violinplot([kept], [place], orientation="horizontal", widths=0.85, showextrema=False)
        axes.collections[-1].set(facecolor=colour or COLOURS[0], edgecolor="none", alpha=0.45)
        first, middle, last = np.quantile(numbers, [0.25, 0.5, 0.75])
        axes.plot([first, last], [place, place], color=INK, linewidth=3, solid_capstyle="butt")
        axes.plot([middle], [place], "o", color="white", markeredgecolor=INK, markersize=5)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(label)
    if magnitudes:
        axes.xaxis.set_major_formatter(lambda power, _: f"$10^{{{power:g}}}$" if power == int(power) else "")
    return drawn
