"""Pictures: what is drawn is what was measured, nothing overlaps, the same numbers give the same bytes."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from math import nan
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from backcalc.numeric.experiment.results import Row, Run
from backcalc.numeric.history import History
from backcalc.numeric.look import Filters, Regions, Shown
from backcalc.numeric.settings import Training
from backcalc.render.experiment_plots import curves_of
from backcalc.render.plots import inlined, to_png, to_svg
from backcalc.render.plots.classes import confusion, regions
from backcalc.render.plots.curves import curves
from backcalc.render.plots.distributions import distributions
from backcalc.render.plots.images import filters, predictions, reconstructions
from backcalc.render.plots.style import COLOURS, PAPER
from backcalc.render.plots.sweep import Arm, sweep

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.uniform(size=(20, 1, 8, 8))


def history(**changes: Any) -> History:
    rows = tuple(tuple(2.0 * 0.9**epoch * (1 + 0.1 * trial) for trial in range(3)) for epoch in range(30))
    plain = History(
        net="net",
        data="blobs",
        settings=Training(trials=3),
        params=9,
        metric="accuracy",
        curves={
            "loss": rows,
            "metric": tuple(tuple(1 - each / 4 for each in row) for row in rows),
            "val_loss": rows,
        },
        test={"loss": (0.1, 0.2, 0.3), "metric": (0.9, 0.8, 1.0)},
        seconds=1,
        parameters={},
    )
    return replace(plain, **changes)


ARMS = [Arm(f"{layers} layers", (10, 20, 30), (0.7, 0.8, 0.9), (0.6, 0.7, 0.8), (0.8, 0.9, 1.0)) for layers in (1, 2)]
DRAW: dict[str, Callable[[], Figure]] = {
    "curves": lambda: curves(history()),
    "sweep": lambda: sweep(ARMS, axis="units", measure="test accuracy", title="Iris"),
    "sweep of words": lambda: sweep(
        [Arm("", ("plain", "batch norm", "batch norm and dropout"), (1, 2, 3), (0, 1, 2), (2, 3, 4))],
        axis="model",
        measure="loss",
    ),
    "confusion": lambda: confusion(RANDOM.integers(0, 99, (10, 10)), [f"digit {place}" for place in range(10)]),
    "confusion of many": lambda: confusion(RANDOM.integers(0, 99, (60, 60)), [f"class {place}" for place in range(60)]),
    "regions": lambda: regions(
        Regions(-1, 1, -2, 2, RANDOM.integers(0, 3, (20, 20)), RANDOM.normal(size=(30, 2)), np.arange(30) % 3),
        ("setosa", "versicolor", "virginica"),
    ),
    "filters": lambda: filters(Filters("conv1", RANDOM.normal(size=(20, 1, 5, 5)), 20)),
    "filters in colour": lambda: filters(Filters("conv1", RANDOM.normal(size=(6, 3, 5, 5)), 64)),
    "predictions": lambda: predictions(
        Shown(IMAGES, ("a very long name of a class",) * 20, ("a very long name of a class", "another long name") * 10)
    ),
    "reconstructions": lambda: reconstructions(Shown(IMAGES, rebuilt=IMAGES * 0.9)),
    "activations": lambda: distributions(
        {f"a_long_name_of_a_layer_{place}": RANDOM.normal(0, place, 500) for place in range(1, 9)}, label="output"
    ),
    "gradients": lambda: distributions(
        {"a": RANDOM.normal(size=500), "b": np.zeros(9), "c": np.full(9, 2.0), "d": RANDOM.normal(size=99).clip(0)},
        label="size",
        magnitudes=True,
    ),
}  # fmt: skip


def never_drawn(drawn: Figure) -> set[int]:
    """The labels of ticks that lie outside of their axis."""
    hidden: set[int] = set()
    for axis in (each for axes in drawn.axes for each in (axes.xaxis, axes.yaxis)):
        low, high = sorted(axis.get_view_interval())
        edge = 1e-9 * (high - low)
        for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]:
            if not low - edge <= tick.get_loc() <= high + edge:
                hidden |= {id(tick.label1), id(tick.label2)}
    return hidden


@pytest.mark.parametrize("name", DRAW)
def test_no_text_covers_another_or_is_cut_off(name: str) -> None:
    drawn = DRAW[name]()
    canvas = FigureCanvasAgg(drawn)
    canvas.draw()
    hidden = never_drawn(drawn)
    renderer = canvas.get_renderer()
    found = [
        (text.get_text(), text.get_window_extent(renderer))
        for text in drawn.findobj(Text)
        if text.get_visible() and text.get_text().strip() and id(text) not in hidden
    ]
    whole = drawn.bbox
    for label, box in found:
        assert box.x0 >= whole.x0 - 1 and box.x1 <= whole.x1 + 1, f"`{label}` is cut off"
        assert box.y0 >= whole.y0 - 1 and box.y1 <= whole.y1 + 1, f"`{label}` is cut off"
    if name.startswith("confusion of many"):
        return  # slanted labels: their boxes overlap, they do not
    for (one, first), (other, second) in combinations(found, 2):
        across = min(first.x1, second.x1) - max(first.x0, second.x0)
        along = min(first.y1, second.y1) - max(first.y0, second.y0)
        assert across <= 1 or along <= 1, f"`{one}` covers `{other}`"


@pytest.mark.parametrize("name", ["curves", "confusion", "filters", "activations"])
def test_the_same_numbers_give_the_same_bytes_in_every_process(name: str) -> None:
    code = (
        "from tests.render.test_plots import *; from hashlib import sha256\n"
        "import numpy as np\n"
        "import tests.render.test_plots as own\n"
        "own.RANDOM = np.random.default_rng(5)\n"
        f"drawn = DRAW[{name!r}]()\n"
        "print(sha256(to_svg(drawn).encode() + to_png(drawn)).hexdigest())"
    )
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in range(2)]
    assert runs[0].stdout == runs[1].stdout and runs[0].stdout.strip()


@pytest.mark.parametrize("name", DRAW)
def test_the_files_are_whole_and_say_nothing_of_the_day(name: str) -> None:
    drawn = DRAW[name]()
    text = to_svg(drawn)
    assert ElementTree.fromstring(text).tag.endswith("svg")
    assert "<dc:date>" not in text and "matplotlib v" not in text.lower()
    png = to_png(drawn)
    assert png.startswith(b"\x89PNG") and b"Software" not in png


def test_a_picture_within_a_page_takes_its_colours_and_has_ids_of_its_own() -> None:
    text = to_svg(DRAW["curves"]())
    inside = inlined(text, "loss", "the loss <falls>")
    root = ElementTree.fromstring(inside)
    assert root.get("role") == "img" and root.get("aria-label") == "the loss <falls>"
    assert root.get("width") is None and root.get("viewBox") is not None
    assert f"fill: {PAPER}" not in inside and "fill: var(--ground)" in inside
    assert f"stroke: {COLOURS[0]}" not in inside and "stroke: var(--series-1)" in inside
    identities = re.findall(r'\sid="([^"]+)"', inside)
    assert identities and all(each.startswith("loss-") for each in identities)
    used = re.findall(r'(?:url\(#|href="#)([^)"]+)', inside)
    assert used and set(used) <= set(identities)


def test_curves_are_means_within_one_deviation_and_the_range() -> None:
    drawn = curves(history())
    loss, metric = drawn.axes
    rows = history().curves["loss"]
    line = loss.get_lines()[0]
    np.testing.assert_allclose(line.get_ydata(), [np.mean(row) for row in rows])
    np.testing.assert_array_equal(line.get_xdata(), np.arange(1, 31))
    shade = loss.collections[0].get_paths()[0].vertices
    first = shade[np.isclose(shade[:, 0], 1), 1]
    assert first.min() == pytest.approx(np.mean(rows[0]) - np.std(rows[0], ddof=1))
    assert first.max() == pytest.approx(np.mean(rows[0]) + np.std(rows[0], ddof=1))
    test = metric.get_lines()[-1]
    assert (test.get_xdata()[0], test.get_ydata()[0]) == (30, pytest.approx(0.9))


def test_a_loss_that_falls_far_is_on_a_logarithmic_scale_and_a_lost_trial_leaves_no_gap() -> None:
    rows = tuple((10.0**-epoch, nan) for epoch in range(5))
    drawn = curves(history(curves={"loss": rows, "metric": rows}, test={}))
    assert drawn.axes[0].get_yscale() == "log"
    np.testing.assert_allclose(drawn.axes[0].get_lines()[0].get_ydata(), [row[0] for row in rows])


def test_one_epoch_stands_at_a_whole_number() -> None:
    drawn = curves(history(curves={name: rows[:1] for name, rows in history().curves.items()}))
    assert [list(axes.get_xticks()) for axes in drawn.axes] == [[1], [1]]


def test_the_curves_of_arms_are_named_and_stay_within_their_range() -> None:
    """Of the losses 0, 0 and 3 the mean is 1 and the deviation √3: below 0 there are none."""
    losses = ((0.0, 0.0, 3.0), (1.0, 2.0, 3.0))
    runs = [tuple(Run(at, at, {}, {"loss": (each, each)}) for at, each in enumerate(row)) for row in losses]
    rows = [Row({"a.units": str(units)}, {"a.units": units}, own, ()) for units, own in zip((2, 30), runs, strict=True)]
    axes = curves_of(rows, "loss", "training loss", "widths").axes[0]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["units 2", "units 30"]
    ends = [band.get_paths()[0].vertices[:, 1] for band in axes.collections]
    np.testing.assert_allclose([[each.min(), each.max()] for each in ends], [[0, 1 + 3**0.5], [1, 3]])
    assert axes.get_ylabel().endswith("(mean ± standard deviation, within their range)")


def test_the_error_bars_of_a_sweep_end_where_they_are_given() -> None:
    arm = Arm("a", (1, 2, 3), (1.0, nan, 3.0), (0.5, nan, 2.0), (2.0, nan, 3.5))
    axes = sweep([arm], axis="x", measure="y").axes[0]
    (bars,) = axes.containers[0].lines[2]
    np.testing.assert_allclose(
        [segment[:, 1].astype(float) for segment in bars.get_segments()], [[0.5, 2.0], [2.0, 3.5]]
    )
    np.testing.assert_allclose(np.asarray(axes.get_lines()[0].get_xdata(), float), [1, 3])
    with pytest.raises(ValueError, match="the parts of the arm `a` have"):
        Arm("a", (1,), (1.0, 2.0), (0.0,), (2.0,))


def test_the_confusion_matrix_shows_counts_and_the_share_that_is_right() -> None:
    axes = confusion([[8, 2], [1, 9]], ("cat", "dog"), trials=2).axes[0]
    assert [text.get_text() for text in axes.texts] == ["8", "2", "1", "9"]
    assert axes.get_title(loc="left") == "85 % of the test samples are right,\n2 trials together"
    np.testing.assert_allclose(axes.images[0].get_array(), [[0.8, 0.2], [0.1, 0.9]])


def test_violins_show_quartiles_and_how_many_are_zero() -> None:
    numbers = np.array([0.0, 0.0, 1.0, 10.0, 100.0, 1000.0, 10000.0, 0.0])
    axes = distributions({"a": numbers}, label="size", magnitudes=True).axes[0]
    quartiles, median = axes.get_lines()
    np.testing.assert_allclose(quartiles.get_xdata(), [1, 3])
    np.testing.assert_allclose(median.get_xdata(), [2])
    assert axes.texts[0].get_text() == "37.5 % are 0"


def test_the_style_of_the_user_stays_as_it_was() -> None:
    import matplotlib

    before = dict(matplotlib.rcParams)
    matplotlib.rcParams["axes.facecolor"] = "black"
    try:
        own = dict(matplotlib.rcParams)
        drawn = curves(history())
        assert drawn.axes[0].get_facecolor() == (1, 1, 1, 1)
        to_svg(drawn)
        assert dict(matplotlib.rcParams) == own
    finally:
        matplotlib.rcParams["axes.facecolor"] = before["axes.facecolor"]
