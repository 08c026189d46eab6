"""Images in rows: filters, predictions, reconstructions."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any

from backcalc.numeric.look import Filters, Shown
from backcalc.render.plots.style import COLOURS, INK, drawing, figure, pictures_only

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 8
PAIRS = 10
GAP = 0.15
"""Between two filters, as a share of one."""
LONGEST = 10
"""Letters of the name of a class."""


@drawing
def filters(found: Filters) -> Figure:
    """The filters of the first layer on one scale.

    A filter of one channel is a map of its weights, blue below 0, red above, one of three channels an image.
    """
    import numpy as np

    images = found.images
    coloured = images.shape[1] == 3
    if not coloured and images.shape[1] > 1:  # every filter has several maps: the strongest one
        strong = np.abs(images).sum(axis=(2, 3)).argmax(axis=1)
        images = images[np.arange(len(images)), strong][:, None]
    columns = min(2 * COLUMNS, len(images)) if len(images) > 2 * COLUMNS else min(COLUMNS, len(images))
    rows = ceil(len(images) / columns)
    size = 8.0 / max(columns, COLUMNS)
    drawn = figure(max(columns * size, 3.2) + 0.9, rows * size + 0.5)
    axes = drawn.add_subplot()
    pictures_only(axes)
    most = float(np.abs(images).max()) or 1.0
    if coloured:
        axes.imshow(_mosaic(np.clip(images / (2 * most) + 0.5, 0, 1), rows, columns), interpolation="nearest")
    else:
        shown = axes.imshow(
            _mosaic(images, rows, columns)[..., 0], cmap="RdBu_r", vmin=-most, vmax=most, interpolation="nearest"
        )
        bar = drawn.colorbar(shown, ax=axes, shrink=0.9, aspect=18, pad=0.02)
        bar.set_label("weight")
        bar.outline.set_visible(False)
    some = "" if found.of == len(found.images) else f" (the first {len(found.images)} of {found.of})"
    drawn.suptitle(f"Weights of layer {found.layer}{some}", x=0.01, ha="left", fontsize=11, fontweight="bold")
    return drawn


@drawing
def predictions(shown: Shown) -> Figure:
    """Images with what they are and, where it is something else, what they were taken for."""
    count = len(shown.images)
    columns = min(COLUMNS, count)
    rows = ceil(count / columns)
    drawn = figure(columns * 1.05 + 0.2, rows * 1.45 + 0.1)
    for place in range(count):
        axes = drawn.add_subplot(rows, columns, place + 1)
        _image(axes, shown.images[place], shown.images)
        truth, guess = (_short(names[place]) for names in (shown.truths, shown.guesses))
        right = shown.truths[place] == shown.guesses[place]
        axes.set_title(
            f"✓ {truth}" if right else f"✗ {guess}\nis {truth}",
            fontsize=8.5,
            color=INK if right else COLOURS[1],
            fontweight="normal",
            loc="center",
            pad=3,
        )
    return drawn


@drawing
def reconstructions(shown: Shown) -> Figure:
    """Images above what the network made of them."""
    count = min(PAIRS, len(shown.images))
    drawn = figure(count * 0.85 + 1.0, 2.1)
    assert shown.rebuilt is not None
    for row, (images, label) in enumerate(((shown.images, "input"), (shown.rebuilt, "output"))):
        for place in range(count):
            axes = drawn.add_subplot(2, count, row * count + place + 1)
            _image(axes, images[place], shown.images)
            if place == 0:
                axes.set_ylabel(label, rotation=0, ha="right", va="center")
    return drawn


def _mosaic(images: Any, rows: int, columns: int) -> Any:
    """Images in rows as one, with gaps that hold no number, and so have no colour; channels last."""
    import numpy as np

    count, channels, high, wide = images.shape
    gap = max(1, round(GAP * max(high, wide)))
    whole = np.full((rows * (high + gap) - gap, columns * (wide + gap) - gap, channels), np.nan)
    for place in range(count):
        top, left = place // columns * (high + gap), place % columns * (wide + gap)
        whole[top : top + high, left : left + wide] = images[place].transpose(1, 2, 0)
    return whole if channels == 1 else np.nan_to_num(whole, nan=1.0)


def _image(axes: Axes, image: Any, every: Any) -> None:
    """An image of one or three channels, on the scale of all."""
    import numpy as np

    pictures_only(axes)
    low, high = float(every.min()), float(every.max())
    scaled = np.clip((image - low) / ((high - low) or 1.0), 0, 1)
    if len(image) == 3:
        axes.imshow(scaled.transpose(1, 2, 0), interpolation="nearest")
    else:
        axes.imshow(scaled[0], cmap="gray", vmin=0, vmax=1, interpolation="nearest")


def _short(name: str) -> str:
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"
