"""Pictures of trainings and experiments, drawn by matplotlib (extra `plots`), which is imported when one is drawn.

Every picture is a function of plain numbers that returns a `Figure`; `to_svg` and `to_png` turn it into a file. Both
are the same bytes for the same numbers. The colours can be told apart by the colour-blind (Okabe and Ito 2008); within
a page `inlined(to_svg(figure), …)` takes the colours of the page, light or dark.

- `curves.curves(history)`: loss and metric by epoch, with their spread over the trials
- `sweep.sweep(arms, axis=…, measure=…, spread=…)`: a measure along the values of an axis, with error bars
- `images.filters`, `images.predictions`, `images.reconstructions`, `classes.confusion`, `classes.regions`: of one
  network; `distributions.distributions(layers, label=…)`: a violin a layer, of any arrays by name
- `available()` and `MISSING`: whether matplotlib is there, and what is said where it is not
"""

from __future__ import annotations

from importlib.util import find_spec

from backcalc.render.plots.style import inlined, to_png, to_svg

MISSING = "no plots: matplotlib is not installed; `pip install backcalc[plots]` brings it"


def available() -> bool:
    """Whether pictures can be drawn here."""
    return find_spec("matplotlib") is not None


__all__ = ["MISSING", "available", "inlined", "to_png", "to_svg"]
