"""`backcalc experiment FILE`."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from backcalc.cli.common import STDIN, Answer, command, read_stdin, say, to_json

if TYPE_CHECKING:
    from backcalc.net.text import Source
    from backcalc.numeric.experiment import Experiment, Results, Told
    from backcalc.numeric.experiment.lint import Warning

BAR = 24
"""Characters of the bar that shows how far an experiment is."""


@command("experiment", formats=("text", "csv", "json"))
@click.argument("file", metavar="FILE")
@click.option("--run", metavar="FOLDER", help="Keep the run in a new folder: results.csv, results.json, plots.")
@click.option("--resume", metavar="FOLDER", help="Go on with the run of FILE in FOLDER.")
@click.option("--jobs", type=click.IntRange(1, 256), default=1, show_default=True, help="Processes that work at once.")
@click.option("--cluster", metavar="ADDRESS", help="Let the workers of a Dask scheduler work, as tcp://host:8786.")
@click.option(
    "--download", is_flag=True, help="First load the files of mnist, fashion_mnist or cifar10 that are missing."
)
def experiment(
    file: str, run: str | None, resume: str | None, jobs: int, cluster: str | None, download: bool, form: str
) -> Answer:
    """Runs the sweep in FILE: repeated trials, and their spread.

    FILE names a network, data, what varies and what is measured. Arms of the same shape train as one stack. Mistakes
    that make an experiment say less than it seems to are told before it begins.

    A run that is kept can be stopped at any moment, by Ctrl-C or by force, and gone on with by --resume; the results
    are the same to the last bit, and do not depend on --jobs.

    \b
    Examples:
      backcalc experiment examples/experiments/two-three-one-gradients.yaml
      backcalc experiment examples/experiments/iris-width.yaml --quiet --run runs/iris
      backcalc experiment examples/experiments/iris-width.yaml --quiet --resume runs/iris --format csv
    """
    from backcalc.numeric.experiment import read_experiment
    from backcalc.numeric.experiment import run as run_experiment

    if run is not None and resume is not None:
        raise click.UsageError("--run makes a new run and --resume goes on with an old one: give one of them.")
    if cluster is not None and jobs > 1:
        raise click.UsageError("--jobs is for processes here, --cluster for workers elsewhere: give one of them.")
    read = read_experiment(_source(file))
    if download:
        _download(read)
    folder = Path(run or resume or "") if run is not None or resume is not None else None
    context = click.get_current_context()

    def warn(warning: Warning) -> None:
        if not context.params["quiet"]:
            clear = "\r\x1b[K" if sys.stderr.isatty() else ""  # the spinner stands in that line
            click.echo(f"{clear}warning: {warning.text}", err=True)

    try:
        results = run_experiment(
            read,
            folder,
            resume=resume is not None,
            jobs=jobs,
            cluster=cluster,
            told=_progress(read.name),
            warned=warn,
        )
    except KeyboardInterrupt:
        if folder is not None:
            click.echo(f"kept in {folder}; go on with --resume {folder}", err=True)
        raise
    left = () if folder is None else _left(folder, results)
    told = [f"failed: {each}" for each in results.failed]
    return Answer(_shown(results, form), 1 if results.failed else 0, (*told, *left))


def _download(read: Experiment) -> None:
    """Loads what is missing of the data that are published."""
    from backcalc.numeric.data.download import download, is_remote

    names = dict.fromkeys(arm.data.name for arm in read.arms)
    for name in filter(is_remote, names):
        download(name, say)


def _source(file: str) -> Path | Source:
    if file != "-":
        return Path(file)
    from backcalc.net.text import Source

    return Source(read_stdin() + "\n", STDIN, "experiment", None, Path())


def _shown(results: Results, form: str) -> str:
    if form == "json":
        return to_json(results.to_json())
    if form == "csv":
        return results.to_csv()
    from backcalc.render import experiment_text

    return experiment_text.render(results)


def _left(folder: Path, results: Results) -> tuple[str, ...]:
    """Adds the pictures to the folder of an experiment that has ended, and says what is there."""
    from backcalc.numeric.runs import Folder
    from backcalc.render.plots import MISSING, available

    told = f"kept in {folder}: results.csv, results.json, summary.csv, …"
    if not available():
        return told, MISSING
    from backcalc.render import experiment_plots

    say("experiment: plots …")
    place = Folder(folder)
    for name, content in experiment_plots.files(results):
        place.write(name, content)
    return (told,)


def _progress(name: str) -> Callable[[Told], None]:
    """What tells how many trainings are done and how long the others will take."""
    began, first = time.monotonic(), -1.0

    def tell(told: Told) -> None:
        nonlocal first
        made = told.done + told.share
        first = made if first < 0 else first  # what was done before costs no time now
        full = int(BAR * made / told.trials)
        bar = "━" * full + "─" * (BAR - full)
        here = made - first
        left = (time.monotonic() - began) * (told.trials - made) / here if here > 0 else None
        ending = "" if left is None else f", {left:.0f} s left"
        say(f"experiment {bar} {told.done} of {told.trials} trainings{ending}")

    return tell
