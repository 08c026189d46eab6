"""The pictures that fit a training, each with a name, a title and words for those who cannot see it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

from backcalc.numeric.history import History
from backcalc.numeric.look import Look
from backcalc.render.plots import classes, curves, distributions, images
from backcalc.render.plots.style import COLOURS

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True)
class Plot:
    """A picture: the name of its file, the title above it, what it shows in a sentence, and how it is drawn."""

    name: str
    title: str
    words: str
    draw: Callable[[], Figure]


def fitting_plots(history: History, look: Look) -> Iterator[Plot]:
    """All pictures that apply."""
    metric = history.metric
    yield Plot("curves", "Curves", f"Loss and {metric} by epoch.", lambda: curves.curves(history))
    if look.regions is not None:
        found = look.regions
        words = f"The class that the network sees at every point of the plane, with {look.which} samples."
        yield Plot("regions", "Decision regions", words, lambda: classes.regions(found, look.classes))
    if look.confusion is not None:
        counts = look.confusion
        yield Plot(
            "confusion",
            "Confusion matrix",
            f"The {look.which} samples by their class and by what they were taken for.",
            lambda: classes.confusion(counts, look.classes, which=look.which, trials=look.trials),
        )
    if look.shown is not None:
        shown = look.shown
        if shown.rebuilt is not None:
            words = f"{look.which.capitalize()} images, and what the network makes of them."
            yield Plot("reconstructions", "Reconstructions", words, lambda: images.reconstructions(shown))
        else:
            words = f"The first {look.which} images: ✓ and the class where it is right, ✗ and what it was taken for."
            yield Plot("predictions", "Predictions", words, lambda: images.predictions(shown))
    if look.filters is not None:
        weights = look.filters
        words = f"What each unit of the first layer, {weights.layer}, looks for."
        yield Plot("filters", "Filters", words, lambda: images.filters(weights))
    if look.activations:
        words = f"What every layer puts out for {look.samples} {look.which} samples: median, quartiles and shape."
        yield Plot(
            "activations",
            "Activations",
            words,
            lambda: distributions.distributions(look.activations, label="output of the layer"),
        )
    if look.gradients:
        words = f"How strongly the loss depends on the output of every layer, for {look.samples} {look.which} samples."
        label = "size of ∂J/∂output"
        yield Plot(
            "gradients",
            "Gradients",
            words,
            lambda: distributions.distributions(look.gradients, label=label, magnitudes=True, colour=COLOURS[1]),
        )


def said_of_curves(history: History) -> str:
    """The first and the last loss in words, as the label of their picture."""
    rows = history.curves["loss"]
    if not rows:
        return "no epochs"
    return f"the mean training loss goes from {fmean(rows[0]):.4g} to {fmean(rows[-1]):.4g} in {len(rows)} epochs"
