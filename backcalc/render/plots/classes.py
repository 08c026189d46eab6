"""Classes: which were taken for which, and where in the plane each is seen."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import shorten
from typing import TYPE_CHECKING, Any

from backcalc.numeric.look import Regions
from backcalc.render.plots.style import COLOURS, MARKERS, drawing, figure, legend_above

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_WRITTEN = 20
"""Up to so many classes have their counts written in the matrix, and all their names beside it."""
ON_PALE, ON_DARK = "#10151d", "#fefefe"  # not the colours of the page: they stand on a ground of their own


@drawing
def confusion(counts: Any, classes: Sequence[str], *, which: str = "test", trials: int = 1) -> Figure:
    """The matrix of counts: a row a class, a column what it was taken for; the shade is the share of the row."""
    import numpy as np

    counts = np.asarray(counts)
    size = len(classes)
    written = size <= MOST_WRITTEN
    side = min(max(0.5 * size, 3.0), 8.0)
    drawn = figure(side + 1.9, side + 1.2)
    axes = drawn.add_subplot()
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    shown = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    names = [shorten(name, 16, placeholder="…") or name[:15] for name in classes]
    places = range(size) if written else range(0, size, -(-size // MOST_WRITTEN))
    upright = max(map(len, names), default=0) * size > 40
    labels = [names[place] for place in places]
    axes.set_xticks(places, labels, rotation=45 if upright else 0, ha="right" if upright else "center")
    axes.set_yticks(places, labels)
    axes.grid(visible=False)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    if written:
        for row in range(size):
            for column in range(size):
                if counts[row, column]:
                    ink = ON_DARK if shares[row, column] > 0.55 else ON_PALE
                    text = f"{counts[row, column]:,}"
                    axes.text(column, row, text, ha="center", va="center", color=ink, fontsize=9 if size <= 10 else 7)
    axes.set_xlabel("taken for")
    axes.set_ylabel("class")
    right = np.trace(counts) / max(1, counts.sum())
    together = f",\n{trials} trials together" if trials > 1 else ""
    axes.set_title(f"{100 * right:.4g} % of the {which} samples are right{together}", fontsize=10, fontweight="normal")
    bar = drawn.colorbar(shown, ax=axes, shrink=0.8, aspect=20, pad=0.03)
    bar.set_label("share of the class")
    bar.outline.set_visible(False)
    return drawn


@drawing
def regions(found: Regions, classes: Sequence[str], *, axes_names: tuple[str, str] = ("$x_1$", "$x_2$")) -> Figure:
    """The plane in the colours of the classes that the network sees there, with the samples on it."""
    from matplotlib.colors import ListedColormap

    drawn = figure(5.6, 5.0)
    axes = drawn.add_subplot()
    tints = ListedColormap([_tint(COLOURS[place % len(COLOURS)]) for place in range(len(classes))])
    axes.imshow(
        found.classes,
        cmap=tints,
        vmin=-0.5,
        vmax=len(classes) - 0.5,
        extent=(found.left, found.right, found.low, found.high),
        origin="lower",
        interpolation="nearest",
        aspect="auto",
    )
    for place, name in enumerate(classes):
        own = found.points[found.labels == place]
        axes.plot(
            own[:, 0],
            own[:, 1],
            MARKERS[place % len(MARKERS)],
            color=COLOURS[place % len(COLOURS)],
            markeredgecolor="white",
            markeredgewidth=0.6,
            markersize=5,
            label=f"class {name}",
        )
    axes.grid(visible=False)
    axes.set_xlabel(axes_names[0])
    axes.set_ylabel(axes_names[1])
    legend_above(axes)
    return drawn


def _tint(colour: str, share: float = 0.22) -> str:
    """A colour mixed with white.

    >>> _tint("#000000", 0.5)
    '#808080'
    """
    parts = [int(colour[place : place + 2], 16) for place in (1, 3, 5)]
    return "#" + "".join(f"{round(255 - (255 - part) * share):02x}" for part in parts)
