"""Trainings and experiments that show themselves in a notebook, by Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from backcalc.numeric.experiment.results import Results
from backcalc.numeric.history import CURVES, History
from backcalc.render.document import Block, Document, Grid, Heading, Paragraph
from backcalc.render.shown import as_shown


@dataclass(frozen=True, slots=True, eq=False)
class ShownHistory(History):
    """A training as `backcalc.train` returns it: the same data, and how a notebook shows it."""

    def _repr_markdown_(self) -> str:
        """The epochs as a table, the test, and what the seed fixes."""
        from backcalc.render.grad_markdown import written

        return written(Document(tuple(_blocks(self))))


@dataclass(frozen=True, slots=True)
class ShownResults(Results):
    """An experiment as `backcalc.experiment` returns it: the same data, and how a notebook shows it."""

    def _repr_markdown_(self) -> str:
        """The tables of the report as text, which a notebook keeps in their columns."""
        from backcalc.render.check_markdown import block
        from backcalc.render.experiment_text import render

        return f"{block(render(self).rstrip().splitlines())}\n"


def _blocks(history: History) -> Iterator[Block]:
    from backcalc.render.train_text import note_words, result_words, seed_words, shown_epochs, spread

    yield Heading(1, (f"{history.net}, trained on {history.data}",))
    heads = ("loss", history.metric, "validation loss", f"validation {history.metric}")
    found = {head: history.curves[name] for name, head in zip(CURVES, heads, strict=True) if history.curves.get(name)}
    places = shown_epochs(len(history.curves["loss"]))
    rows = (((str(place + 1),), *((spread(curve[place]),) for curve in found.values())) for place in places)
    yield Grid(("epoch", *found), tuple(rows))
    if len(places) < len(history.curves["loss"]):
        yield Paragraph((f"{len(places)} of {len(history.curves['loss'])} epochs.",))
    for title, texts in (
        ("Test", result_words(history)),
        ("Data and seed", (*note_words(history), seed_words(history))),
    ):
        yield Heading(2, (title,))
        yield from (Paragraph((text,)) for text in texts)


def shown_history(history: History) -> ShownHistory:
    """The same training, which a notebook can show.

    >>> import backcalc
    >>> net = {"name": "line", "input": 2, "layers": [{"dense": 3}, "softmax"], "loss": "cross_entropy"}
    >>> backcalc.train(net, "blobs:30", rate=0.1, epochs=2, batch=10)._repr_markdown_().splitlines()[2]
    '| epoch | loss | accuracy |'
    """
    return as_shown(ShownHistory, history)


def shown_results(results: Results) -> ShownResults:
    """The same experiment, which a notebook can show."""
    return as_shown(ShownResults, results)
