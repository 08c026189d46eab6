"""How pictures look: colours, fonts, lines; and how they become files that are the same every time."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from html import escape
from io import BytesIO, StringIO
from textwrap import fill
from typing import TYPE_CHECKING, ParamSpec

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PAPER, INK, FAINT, LINE = "#ffffff", "#1d2430", "#566074", "#d5dbe6"
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#b5578f", "#8a6d00", "#4a90b8")
"""Blue, vermilion, green, purple, ochre, sky: after Okabe and Ito 2008, the pale ones darkened for a white ground."""
PIXELS = 4 / 3
"""A point in pixels of a page."""
MARKERS = ("o", "s", "^", "D", "v", "P")

VARIABLES = {PAPER: "--ground", INK: "--ink", FAINT: "--faint", LINE: "--line"} | {
    colour: f"--series-{place}" for place, colour in enumerate(COLOURS, 1)
}
"""The variables of a page that a picture within it takes its colours from."""

STYLE: dict[str, object] = {
    "figure.facecolor": PAPER,
    "savefig.facecolor": PAPER,
    "axes.facecolor": PAPER,
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 8,
    "axes.edgecolor": FAINT,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": LINE,
    "grid.linewidth": 0.7,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "lines.linewidth": 1.8,
    "lines.markersize": 5,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "svg.fonttype": "none",  # text stays text: it can be read aloud, searched and copied
    "svg.hashsalt": "backcalc",
}

Given = ParamSpec("Given")


def drawing(draw: Callable[Given, Figure]) -> Callable[Given, Figure]:
    """Makes a function draw in this style, whatever the user's own settings are, and leaves those as they are."""

    @wraps(draw)
    def styled(*given: Given.args, **named: Given.kwargs) -> Figure:
        from matplotlib.style import context

        with context(["default", STYLE]):
            return draw(*given, **named)

    return styled


def figure(width: float = 6.4, height: float = 4.0) -> Figure:
    """An empty picture of that size, in inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


WIDEST = 76
"""So many characters a line of a legend has, with what stands before and between the names."""


def legend_above(axes: Axes, most: int = 4) -> None:
    """The legend in rows above the axes, where it covers nothing; none for one line without a name."""
    handles, names = axes.get_legend_handles_labels()
    labels = [fill(name, WIDEST) for name in names]
    if any(labels):
        longest = max(len(line) for label in labels for line in label.splitlines())
        columns = max(1, min(most, len(labels), WIDEST // (longest + 4)))
        axes.legend(
            handles,
            labels,
            loc="lower left",
            bbox_to_anchor=(-0.01, 1.0),
            borderaxespad=0.2,
            ncols=columns,
            handlelength=1.6,
            columnspacing=1.4,
        )


def pictures_only(axes: Axes) -> None:
    """Takes away scales and frame: what is in the axes is an image."""
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)


def to_svg(drawn: Figure) -> str:
    """The picture as SVG text."""
    from matplotlib.style import context

    into = StringIO()
    with context(["default", STYLE]):
        drawn.savefig(into, format="svg", metadata={"Date": None, "Creator": None})
    return into.getvalue()


def to_png(drawn: Figure, dpi: int = 150) -> bytes:
    """The picture as PNG."""
    from matplotlib.style import context

    into = BytesIO()
    with context(["default", STYLE]):
        drawn.savefig(into, format="png", dpi=dpi, metadata={"Software": None})
    return into.getvalue()


def inlined(text: str, name: str, label: str) -> str:
    """The SVG text of a picture for a place within a page, whose colours it takes.

    `name` sets its parts apart from those of other pictures, `label` says to a screen reader what it shows. It is as
    wide as it was drawn, or as the page is.
    """
    text = text[text.index("<svg") :]
    text = re.sub(r"\s*<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'(\sid="|url\(#|href="#)', rf"\g<1>{name}-", text)
    head, rest = text.split(">", 1)
    found = re.search(r'width="([\d.]+)pt"', head)
    wide = PIXELS * float(found[1] if found else 0)
    head = re.sub(r' (width|height)="[^"]*"', "", head)
    for colour, variable in VARIABLES.items():
        rest = re.sub(rf"(fill|stroke): {colour}", rf"\1: var({variable})", rest)
    return f'{head} style="max-width: {wide:.0f}px" role="img" aria-label="{escape(label)}">{rest}'
