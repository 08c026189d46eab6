"""`backcalc train NET --data DATA`."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import backcalc
from backcalc.cli.common import Answer, Refused, command, net_argument, say, source, to_json

if TYPE_CHECKING:
    from backcalc.derive.derivation import Check
    from backcalc.net import Network
    from backcalc.numeric.data import Data
    from backcalc.numeric.settings import Training
    from backcalc.numeric.train import Progress

RULES = ("sgd", "momentum", "nesterov", "rmsprop", "adagrad", "adam", "adamw")
BAR = 24
"""Characters of the bar that shows how far a training is."""


@command("train")
@net_argument
@click.option(
    "--data", metavar="DATA", required=True, help="iris, mnist:FOLDER, csv:FILE#COLUMN, npz:FILE, spirals:300, …"
)
@click.option("--epochs", type=click.IntRange(min=1), default=10, show_default=True, help="Times through the samples.")
@click.option("--batch", type=click.IntRange(min=1), default=32, show_default=True, help="Samples of a mini-batch.")
@click.option("--trials", type=click.IntRange(min=1), default=1, show_default=True, help="Networks, each by itself.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Fixes all that is drawn.")
@click.option("--optimizer", type=click.Choice(RULES), help="The update rule (default: the file's `update`).")
@click.option("--rate", type=float, help="The learning rate (default: that of the file's `update`).")
@click.option(
    "--dtype", type=click.Choice(["float32", "float64"]), default="float32", show_default=True, help="Precision."
)
@click.option(
    "--test",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.2,
    show_default=True,
    help="Share kept for testing, of data without a test.",
)
@click.option(
    "--validation",
    type=click.FloatRange(0, 1, max_open=True),
    default=0.0,
    show_default=True,
    help="Share of the rest kept for validation.",
)
@click.option(
    "--patience", type=click.IntRange(min=1), help="Stop after so many epochs without a better (validation) loss."
)
@click.option("--standardise", is_flag=True, help="Shift and scale every feature to mean 0, deviation 1.")
@click.option("--check", is_flag=True, help="First compare NumPy's gradients with the derived formulas.")
def train(
    net: str,
    data: str,
    optimizer: str | None,
    test: float,
    standardise: bool,
    check: bool,
    form: str,
    **settings: Any,
) -> Answer:
    """Trains NET with NumPy and tests it.

    The loss, and the optimiser with its rate, are those of NET. Trials train side by side, each from its own random
    numbers; early stopping gives back the best parameters. --check holds the gradients of the first mini-batch against
    the derived formulas; where they differ, nothing is trained and the exit status is 1.

    \b
    Examples:
      backcalc train examples/spirals.yaml --data spirals:300 --epochs 100 --trials 5
      backcalc train examples/spirals.yaml --data spirals --validation 0.2 --patience 5 --check
      backcalc train examples/perceptron.yaml --data line --format json --output history.json
    """
    from backcalc.numeric.prepare import with_rule
    from backcalc.numeric.settings import Training

    read = source(net)
    network = with_rule(backcalc.load(read), optimizer)
    if settings["rate"] is None and network.update.rate is None:
        kind = network.update.kind
        raise Refused(
            f"error: `{kind}` has no rate\n  = help: give one: --rate 0.01, or `update: {{{kind}: {{rate: 0.01}}}}`"
        )
    chosen = Training(**settings)
    samples = _data(data, chosen.seed, test, standardise)
    checks: tuple[Check, ...] = ()
    if check and network.criterion is not None:  # without a loss, the training says so
        checks = (_first_batch(read, network, samples, chosen),)
        if not checks[0].passed:
            from backcalc.render.verify_text import said

            return Answer(_refused(network, checks, form), 1, (f"not trained: {said(checks[0])}",))
    history = backcalc.train(network, samples, progress=_progress(chosen.epochs), **settings)
    if form == "json":
        verified = {"verified": [_plain(each) for each in checks]} if checks else {}
        text = to_json(history.to_json() | verified)
    else:
        from backcalc.render import train_text

        text = train_text.render(history, network, checks)
    return Answer(text, messages=tuple(f"warning: {note}" for note in history.notes if note not in samples.notes))


def _data(name: str, seed: int, test: float, standardise: bool) -> Data:
    """The samples of `--data`, or what is wrong with it."""
    from backcalc.numeric.data import DataError
    from backcalc.numeric.prepare import prepared

    try:
        return prepared(name, seed=seed, test=test, standardise=standardise)
    except DataError as error:
        message, _, help = str(error).partition("; ")
        raise Refused(f"--data: error: {message}" + (f"\n  = help: {help}" if help else "")) from error


def _first_batch(read: str | Path, network: Network, samples: Data, settings: Training) -> Check:
    """The gradients on the first mini-batch against the formulas of NET over so many samples."""
    from backcalc.transform.written import entries
    from backcalc.verify.first_batch import check_first_batch, samples_for

    own = {**network.inputs, **({} if network.criterion is None else {str(network.criterion.target): ()})}
    values = {name: value for name, value in network.values.items() if name not in own}
    written = {key: value for key, value in entries(read).items() if key not in ("find", "update", "random")}
    batched = backcalc.load({**written, "values": values, "batch": samples_for(samples, settings)})
    return check_first_batch(batched, samples, settings)


def _refused(network: Network, checks: tuple[Check, ...], form: str) -> str:
    """What is shown where the gradients do not agree, and nothing was trained."""
    if form == "json":
        return to_json({"schema_version": 1, "net": network.name, "verified": [_plain(each) for each in checks]})
    from backcalc.render import verify_text
    from backcalc.verify import Verification

    return verify_text.render(Verification(network.name, checks))


def _plain(check: Check) -> dict[str, Any]:
    from backcalc.derive.derivation import finite

    return {"against": check.against, "max_error": finite(check.max_error), "passed": check.passed}


def _progress(epochs: int) -> Callable[[Progress], None]:
    """What tells, after every epoch, how far the training is and what is left."""
    began = time.monotonic()

    def tell(done: Progress) -> None:
        full = BAR * done.epoch // epochs
        left = (time.monotonic() - began) * (epochs - done.epoch) / done.epoch
        loss, metric = (sum(each) / len(each) for each in (done.loss, done.metric))
        bar = "━" * full + "─" * (BAR - full)
        say(f"train {bar} epoch {done.epoch} of {epochs}, loss {loss:.4g}, metric {metric:.4g}, {left:.0f} s left")

    return tell
