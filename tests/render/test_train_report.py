"""The report: one page that holds all there is to say, loads nothing, and escapes what it is given."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

from backcalc.net import load_network
from backcalc.numeric.history import History
from backcalc.numeric.runs import environment
from backcalc.numeric.settings import Training
from backcalc.render.train_report import page

NETWORK = load_network(
    {"name": "a <b> & c", "input": 2, "layers": [{"dense": 3}, "softmax"], "loss": "nll", "update": {"adam": 0.1}}
)
HISTORY = History(
    net="a <b> & c",
    data="blobs",
    settings=Training(trials=2, initialise={"": "he_normal"}, patience=3),
    params=9,
    metric="accuracy",
    curves={"loss": ((0.5, 0.7),) * 30, "metric": ((1.0, 0.5),) * 30},
    test={"loss": (0.25, 0.75), "metric": (0.875, 1.0)},
    seconds=1.5,
    parameters={},
    stopped=(9, 10),
    notes=("inputs times <2>",),
)


class Page(HTMLParser):
    """Every start and end of an element in order, and what would be loaded."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loaded: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "link", "br"):
            self.open.append(tag)
        self.loaded += [str(value) for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_and_loads_nothing() -> None:
    text = page(NETWORK, HISTORY, environment())
    read = Page()
    read.feed(text)
    assert read.open == []
    assert read.loaded == ["data:,"]
    assert "<script" not in text and "default-src 'none'" in text
    assert "prefers-color-scheme: dark" in text


def test_what_it_is_given_is_escaped() -> None:
    text = page(NETWORK, HISTORY, environment())
    assert "<b>" not in text and "a &lt;b&gt; &amp; c" in text
    assert "Inputs times &lt;2&gt;." in text


def test_all_is_said() -> None:
    text = page(NETWORK, HISTORY, environment())
    for title in ("Test", "Epochs", "Network", "Data and seed", "Settings", "Environment"):
        assert f"<h2>{title}</h2>" in text
    assert "<dt>test accuracy</dt><dd>0.9375 ± 0.088</dd>" in text
    assert "20 of 30 epochs; history.csv has all of them." in text
    assert "<p>Early stopping ended after epochs 9 to 10; the best parameters were given back.</p>" in text
    assert "<dt>initialise</dt><dd>he_normal</dd>" in text
    assert "<dt>schedule kind</dt><dd>constant</dd>" in text
    assert f"<dt>numpy</dt><dd>{environment()['numpy']}</dd>" in text


def test_what_is_missing_is_said() -> None:
    text = page(NETWORK, HISTORY, environment(), missing="no plots: it is missing")
    assert "<p>No plots: it is missing.</p>" in text


def test_without_a_test_there_is_none_of_its_numbers() -> None:
    nothing: Any = replace(HISTORY, test={}, curves={"loss": (), "metric": ()})
    assert "<dt>test" not in page(NETWORK, nothing, environment())
