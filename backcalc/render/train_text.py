"""A training as text: its curves, its test, the spread over the trials, and what was done to the data."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from statistics import fmean, stdev

from backcalc.derive.derivation import Check
from backcalc.net import Network
from backcalc.numeric.history import CURVES, History
from backcalc.render.layout import WIDTH, heading, paragraph
from backcalc.render.table_text import Column, tables
from backcalc.render.verify_text import said

MOST_ROWS = 20
"""Epochs that are shown, spread evenly over the training."""


def render(history: History, network: Network, checks: Sequence[Check] = (), kept: str = "", width: int = WIDTH) -> str:
    """How it was trained, the table of epochs, the test, then notes, and the folder in which it is `kept`."""
    lines = heading(f"{history.net}, trained on {history.data}", "═")
    lines += paragraph(how(history, network), 0, width)
    for check in checks:
        lines += paragraph(said(check), 0, width)
    shown = shown_epochs(len(history.curves["loss"]))
    lines += ["", *_table(history, shown, width)]
    if len(shown) < len(history.curves["loss"]):
        lines += paragraph(f"{len(shown)} of {len(history.curves['loss'])} epochs; JSON has all of them.", 0, width)
    lines += ["", *heading("Test"), *(line for text in result_words(history) for line in paragraph(text, 0, width))]
    lines += ["", *heading("Data and seed")]
    for sentence in note_words(history):
        lines += paragraph(sentence, 0, width)
    lines += paragraph(seed_words(history), 0, width)
    if kept:
        what = "history.csv, history.json, weights.npz, net.yaml, report.html and what belongs to them"
        lines += ["", *heading("Run"), *paragraph(f"Kept in {kept}: {what}.", 0, width)]
    return "\n".join([*lines, ""])


def how(history: History, network: Network) -> str:
    """How it was trained, in one sentence."""
    settings, rule = history.settings, network.update
    rate = settings.rate if settings.rate is not None else float(rule.rate or 0)
    rates = ", ".join(f"{each:g}" for each in (rate if isinstance(rate, tuple) else (rate,)))
    counts = [
        _many(history.params, "parameter"),
        _many(settings.trials, "trial"),
        _many(len(history.curves["loss"]), "epoch"),
        f"mini-batches of {settings.batch}",
        f"{rule.kind} with rate {rates}",
        settings.dtype,
        f"{history.seconds:.2g} s",
    ]
    return f"{', '.join(counts)}. The metric is {history.metric}."


def shown_epochs(epochs: int) -> list[int]:
    """The places of the epochs that are shown, the first and the last among them.

    >>> shown_epochs(3), shown_epochs(100)[:3], len(shown_epochs(100)), shown_epochs(100)[-1]
    ([0, 1, 2], [0, 5, 10], 20, 99)
    """
    if epochs <= MOST_ROWS:
        return list(range(epochs))
    return [round(row * (epochs - 1) / (MOST_ROWS - 1)) for row in range(MOST_ROWS)]


def _table(history: History, shown: Sequence[int], width: int) -> list[str]:
    heads = ("loss", history.metric, "validation loss", f"validation {history.metric}")
    columns = [
        Column(head, tuple(spread(history.curves[name][place]) for place in shown))
        for name, head in zip(CURVES, heads, strict=True)
        if history.curves.get(name)
    ]
    return "\n\n".join(tables(Column("epoch", tuple(str(place + 1) for place in shown)), columns, width)).split("\n")


def spread(numbers: Sequence[float]) -> str:
    """One number, or the mean of several with their standard deviation; what is not finite is left out.

    >>> spread((0.5,)), spread((1.0, 2.0, 3.0)), spread((1.0, float("nan"))), spread((float("nan"),))
    ('0.5', '2 ± 1', '1', 'not finite')
    """
    finite = [number for number in numbers if isfinite(number)]
    if not finite:
        return "not finite"
    return f"{fmean(finite):.4g}" + (f" ± {stdev(finite):.2g}" if len(finite) > 1 else "")


def result_words(history: History) -> list[str]:
    """The test result; over several trials its mean, standard deviation and range, and how many were lost."""
    if not history.test:
        return ["There are no samples for testing."]
    loss, metric = history.test["loss"], history.test["metric"]
    kept = [number for number, lost in zip(metric, loss, strict=True) if isfinite(lost)]
    texts = [f"Loss {spread(loss)}, {history.metric} {spread(kept)}."]
    if len(kept) > 1:
        texts[0] = f"{texts[0][:-1]} (mean ± standard deviation of {len(kept)} trials)."
        texts.append(f"The {history.metric} is from {min(kept):.4g} to {max(kept):.4g}.")
    if len(kept) < len(loss):
        texts.append(f"{len(loss) - len(kept)} of {_many(len(loss), 'trial')} left out: the loss is no finite number.")
    if history.settings.patience is not None:
        texts.append(_stopping(history))
    return texts


def _stopping(history: History) -> str:
    first, last = min(history.stopped), max(history.stopped)
    span = f"epoch {first}" if first == last else f"epochs {first} to {last}"
    what = "Early stopping" if first < history.settings.epochs else "No early stopping: training"
    best = "; the best parameters were given back" if history.settings.restore_best else ""
    return f"{what} ended after {span}{best}."


def note_words(history: History) -> list[str]:
    """What was done to the data, and what went wrong on the way, in sentences."""
    settings = history.settings
    words = [f"{note[0].upper()}{note[1:]}." for note in history.notes if note]
    changes = ["mirrored left to right with probability 1/2"] * settings.flip
    changes += [f"moved by up to {_many(settings.shift, 'pixel')} each way"] * (settings.shift > 0)
    if changes:
        what = " and ".join(changes)
        words.append(f"Images for training are {what}, anew in every epoch; those for validation and testing are not.")
    if settings.reconstruct:
        words.append("The target is the input.")
    return words


def seed_words(history: History) -> str:
    """What the seed fixes."""
    trials = "; each trial draws from the seed and its own number" if history.settings.trials > 1 else ""
    what = "points of synthetic data, samples kept aside, first weights, order of the mini-batches, random layers"
    return f"Seed {history.settings.seed} fixes what is drawn: {what}{trials}. The same seed gives the same numbers."


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
