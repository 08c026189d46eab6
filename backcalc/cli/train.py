"""`backcalc train NET --data DATA`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import backcalc
from backcalc.cli.common import Answer, command, complete_net, say, to_json
from backcalc.cli.train_options import data_of, settings_of, training_options
from backcalc.cli.train_run import Task, kept, new_task, old_task, resumable

if TYPE_CHECKING:
    from backcalc.derive.derivation import Check
    from backcalc.net import Network
    from backcalc.numeric.data import Data
    from backcalc.numeric.history import History
    from backcalc.numeric.settings import Training
    from backcalc.numeric.train import Progress


@command("train")
@click.argument("net", metavar="NET", shell_complete=complete_net, required=False)
@click.option("--data", metavar="DATA", help="iris, mnist:FOLDER, csv:FILE#COLUMN, npz:FILE, spirals:300, …")
@click.option("--run", metavar="FOLDER", help="Keep the run in a new folder: history, weights, plots, report.html.")
@click.option("--resume", metavar="FOLDER", help="Go on with the run in FOLDER, which knows NET and all options.")
@click.option(
    "--save-every",
    type=click.FloatRange(min=0),
    default=5.0,
    show_default=True,
    help="Seconds between two states of a run that is kept (0: after every step).",
)
@training_options
@click.option(
    "--download", is_flag=True, help="First load the files of mnist, fashion_mnist or cifar10 that are missing."
)
@click.option("--watch", is_flag=True, help="Show live curves in the terminal.")
@click.option("--plots/--no-plots", default=True, help="Draw pictures into the folder and its report (default: yes).")
@click.option("--check", is_flag=True, help="First compare NumPy's gradients with the derived formulas.")
def train(
    net: str | None,
    data: str | None,
    run: str | None,
    resume: str | None,
    save_every: float,
    download: bool,
    watch: bool,
    plots: bool,
    check: bool,
    form: str,
    **options: Any,
) -> Answer:
    """Trains NET with NumPy and tests it.

    The loss, and the optimiser with its rate, are those of NET. Trials train side by side, each from its own random
    numbers; early stopping gives back the best parameters. --check holds the gradients of the first mini-batch against
    the derived formulas; where they differ, nothing is trained and the exit status is 1.

    A run that is kept can be stopped at any moment, by Ctrl-C or by force, and gone on with by --resume: the result
    is the same to the last bit. More --epochs may be asked for.

    \b
    Examples:
      backcalc train examples/spirals.yaml --data spirals:300 --epochs 100 --trials 5
      backcalc train examples/spirals.yaml --data spirals --validation 0.2 --patience 5 --check
      backcalc train examples/spirals.yaml --data spirals --run spirals
      backcalc train --resume spirals --epochs 20
      backcalc train examples/perceptron.yaml --data line --format json --output history.json
    """
    if run is not None and resume is not None:
        raise click.UsageError("--run makes a new run and --resume goes on with an old one: give one of them.")
    task = new_task(net, data, options) if resume is None else old_task(net, data, resume, options)
    chosen = settings_of(task.options)
    samples = data_of(task.data, task.options, download=download)
    checks: tuple[Check, ...] = ()
    if check and task.network.criterion is not None:  # without a loss, the training says so
        checks = (_first_batch(task.written, task.network, samples, chosen),)
        if not checks[0].passed:
            from backcalc.render.verify_text import said

            return Answer(_refused(task.network, checks, form), 1, (f"not trained: {said(checks[0])}",))
    if run is not None:
        task = kept(task, run, samples, chosen)
    with resumable(task):
        history, curves = _trained(task, samples, chosen, save_every, watch)
        left = () if task.folder is None else _left(task, samples, history, checks, plots)
    warnings = (*task.warnings, *(note for note in history.notes if note not in samples.notes))
    messages = (*curves, *(f"warning: {note}" for note in warnings), *left)
    if form == "json":
        return Answer(to_json(history.to_json() | _verified(checks)), messages=messages)
    from backcalc.render import train_text

    root = "" if task.folder is None else str(task.folder.root)
    return Answer(train_text.render(history, task.network, checks, root), messages=messages)


def _trained(task: Task, samples: Data, chosen: Training, every: float, watch: bool) -> tuple[History, tuple[str, ...]]:
    """The training, and what is to be seen of its curves when it is over."""
    from backcalc.numeric.runs.results import STATE
    from backcalc.render.train_watch import Watch

    shown = Watch(chosen.epochs)
    terminal, quiet = sys.stderr.isatty(), click.get_current_context().params["quiet"]

    def tell(done: Progress) -> None:
        text = shown.told(done, live=watch)
        if terminal or not watch:
            say(text)
        elif shown.is_due() and not quiet:
            click.echo(shown.line(), err=True)

    save = None if task.folder is None else task.folder.path(STATE)
    history = backcalc.train(
        task.network, samples, settings=chosen, save=save, resume=save is not None, every=every, progress=tell
    )
    return history, (shown.curves(),) if watch and terminal else ()


def _left(task: Task, samples: Data, history: History, checks: tuple[Check, ...], plots: bool) -> tuple[str, ...]:
    """Fills the folder of a training that has ended, and says what it could not draw."""
    from backcalc.numeric.runs.results import leave
    from backcalc.render import train_report
    from backcalc.render.plots import MISSING, available

    assert task.folder is not None
    leave(task.folder, history, _verified(checks))
    say("train: plots and report …")
    about: Mapping[str, Any] = task.folder.read_json("environment.json")
    for name, content in train_report.files(task.network, samples, history, about, checks, plots=plots):
        task.folder.write(name, content)
    return () if available() or not plots else (MISSING,)


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
        return to_json({"schema_version": 1, "net": network.name, **_verified(checks)})
    from backcalc.render import verify_text
    from backcalc.verify import Verification

    return verify_text.render(Verification(network.name, checks))


def _verified(checks: tuple[Check, ...]) -> dict[str, Any]:
    """The checks as the JSON has them, where there were any."""
    from backcalc.derive.derivation import finite

    plain = [{"against": each.against, "max_error": finite(each.max_error), "passed": each.passed} for each in checks]
    return {"verified": plain} if plain else {}
