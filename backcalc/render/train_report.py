"""A training as files: pictures, and a report that is one HTML page, light or dark, which loads nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from importlib.resources import files as resources
from math import isfinite
from typing import Any

from backcalc.derive.derivation import Check
from backcalc.net import Network
from backcalc.numeric.data import Data
from backcalc.numeric.history import CURVES, History
from backcalc.numeric.look import looked
from backcalc.render import show_svg
from backcalc.render.graph import graph_of
from backcalc.render.plots import MISSING, available, inlined, to_png, to_svg
from backcalc.render.train_plots import Plot, fitting_plots, said_of_curves
from backcalc.render.train_text import how, note_words, result_words, seed_words, shown_epochs, spread
from backcalc.render.verify_text import said

REPORT = "report.html"
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def files(
    network: Network,
    data: Data,
    history: History,
    environment: Mapping[str, Any],
    checks: Sequence[Check] = (),
    *,
    plots: bool = True,
) -> Iterator[tuple[str, str | bytes]]:
    """The pictures, as SVG and PNG, and the report, each as the name of a file and what is in it."""
    pictures: list[tuple[Plot, str]] = []
    if plots and available() and not data.stacked:
        for plot in fitting_plots(history, looked(network, data, history)):
            drawn = plot.draw()
            svg = to_svg(drawn)
            yield f"plots/{plot.name}.svg", svg
            yield f"plots/{plot.name}.png", to_png(drawn)
            label = said_of_curves(history) if plot.name == "curves" else plot.words
            pictures.append((plot, inlined(svg, plot.name, label)))
    missing = MISSING if plots and not available() else ""
    yield REPORT, page(network, history, environment, pictures, checks, missing)


def page(
    network: Network,
    history: History,
    environment: Mapping[str, Any],
    pictures: Iterable[tuple[Plot, str]] = (),
    checks: Sequence[Check] = (),
    missing: str = "",
) -> str:
    """The report: what came out, the curves, the pictures, the network, the settings, the environment."""
    title = escape(history.net)
    style = resources("backcalc.render").joinpath("train_report.css").read_text("utf-8")
    shown = list(pictures)
    parts = [
        f'<p class="lead">Trained on {escape(history.data)}: {escape(how(history, network))}</p>',
        _section("Test", _tiles(history) + "".join(f"<p>{escape(text)}</p>" for text in result_words(history)[1:])),
        *(f"<p>{escape(said(check))}</p>" for check in checks),
        *(_section(plot.title, _picture(plot, svg)) for plot, svg in shown[:1]),
        _section("Epochs", _epochs(history)),
        *(_section(plot.title, _picture(plot, svg)) for plot, svg in shown[1:]),
        f"<p>{escape(missing[0].upper() + missing[1:])}.</p>" if missing else "",
        _section("Network", f'<figure class="net" tabindex="0">{_drawing(network)}</figure>'),
        _section("Data and seed", _notes(history)),
        _section("Settings", _pairs(_flat(history.settings.to_json()))),
        _section("Environment", _pairs(environment)),
    ]
    body = "\n".join(part for part in parts if part)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>{title}: training</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>{title}</h1>
{body}
</main>
</body>
</html>
"""


def _section(title: str, content: str) -> str:
    return f"<section>\n<h2>{escape(title)}</h2>\n{content}\n</section>"


def _picture(plot: Plot, svg: str) -> str:
    caption = f"<figcaption>{escape(plot.words)}</figcaption>"
    return f'<figure class="plot" id="{plot.name}"><div class="wide" tabindex="0">{svg}</div>{caption}</figure>'


def _drawing(network: Network) -> str:
    return "\n".join(show_svg.picture(graph_of(network)).lines)


def _tiles(history: History) -> str:
    """The numbers that matter most, large."""
    found = []
    if history.test:
        kept = [m for m, loss in zip(history.test["metric"], history.test["loss"], strict=True) if isfinite(loss)]
        found += [(f"test {history.metric}", spread(kept)), ("test loss", spread(history.test["loss"]))]
    if history.curves["loss"]:
        found.append(("training loss", spread(history.curves["loss"][-1])))
    found += [("parameters", f"{history.params:,}"), ("seconds", f"{history.seconds:.3g}")]
    tiles = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in found)
    return f'<dl class="tiles">{tiles}</dl>'


def _epochs(history: History) -> str:
    """The table of epochs, some of them where they are many."""
    heads = {"loss": "loss", "metric": history.metric, "val_loss": "validation loss"}
    heads |= {"val_metric": f"validation {history.metric}"}
    names = [name for name in CURVES if history.curves.get(name)]
    every = len(history.curves["loss"])
    places = shown_epochs(every)
    rows = [[str(place + 1), *(spread(history.curves[name][place]) for name in names)] for place in places]
    table = _table(["epoch", *(heads[name] for name in names)], rows)
    more = f"<p>{len(places)} of {every} epochs; history.csv has all of them.</p>" if len(places) < every else ""
    return table + more


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    top = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    body = "\n".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="wide" tabindex="0"><table><thead><tr>{top}</tr></thead>\n<tbody>{body}</tbody></table></div>'


def _notes(history: History) -> str:
    notes = "".join(f"<li>{escape(sentence)}</li>" for sentence in note_words(history))
    listed = f"<ul>{notes}</ul>" if notes else ""
    return f"{listed}<p>{escape(seed_words(history))}</p>"


def _pairs(pairs: Mapping[str, Any]) -> str:
    rows = "".join(f"<div><dt>{escape(key)}</dt><dd>{escape(_said(value))}</dd></div>" for key, value in pairs.items())
    return f'<dl class="pairs">{rows}</dl>'


def _flat(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings with those of a part, such as a schedule, behind its name."""
    found: dict[str, Any] = {}
    for key, value in settings.items():
        if isinstance(value, Mapping):
            found |= {f"{key} {name}".rstrip(): each for name, each in value.items()} if value else {key: None}
        else:
            found[key] = value
    return found


def _said(value: Any) -> str:
    """A value in words.

    >>> _said(True), _said(None), _said((0.1, 0.2)), _said(0.5)
    ('yes', '–', '0.1, 0.2', '0.5')
    """
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple | list):
        return ", ".join(map(_said, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
