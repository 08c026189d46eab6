"""The options of a training, and what they mean."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click

from backcalc.cli.common import Refused, say

if TYPE_CHECKING:
    from backcalc.numeric.data import Data
    from backcalc.numeric.settings import Training

Command = TypeVar("Command", bound=Callable[..., Any])

RULES = ("sgd", "momentum", "nesterov", "rmsprop", "adagrad", "adam", "adamw")
STYLES = ("backcalc", "keras", "pytorch")
SHARE = click.FloatRange(0, 1, min_open=True, max_open=True)
FACTOR = click.FloatRange(0, min_open=False)


def _whole(least: int) -> click.IntRange:
    return click.IntRange(min=least)


OPTIONS: tuple[tuple[tuple[str, ...], Mapping[str, Any]], ...] = (
    (("--epochs",), {"type": _whole(1), "default": 10, "help": "Times through the samples."}),
    (("--batch",), {"type": _whole(1), "default": 32, "help": "Samples of a mini-batch."}),
    (("--trials",), {"type": _whole(1), "default": 1, "help": "Networks, each by itself."}),
    (("--seed",), {"type": _whole(0), "default": 0, "help": "Fixes all that is drawn."}),
    (("--optimizer",), {"type": click.Choice(RULES), "help": "The update rule (default: the file's `update`)."}),
    (("--rate",), {"type": float, "help": "The learning rate (default: that of the file's `update`)."}),
    (
        ("--style",),
        {"type": click.Choice(STYLES), "default": "backcalc", "help": "Whose formulas, where programs differ."},
    ),
    (
        ("--schedule",),
        {"metavar": "KIND:STEPS[:FACTOR]", "help": "Changes the rate: step:500:0.5, exponential:500:0.9, cosine:2000."},
    ),
    (("--decay",), {"type": FACTOR, "default": 0.0, "help": "Weight decay: adds so many times w to its gradient."}),
    (("--l1",), {"type": FACTOR, "default": 0.0, "help": "Adds so many times Σ|w| to the loss."}),
    (("--l2",), {"type": FACTOR, "default": 0.0, "help": "Adds so many times Σw² to the loss."}),
    (
        ("--initialise",),
        {
            "metavar": "[NAME=]SCHEME",
            "multiple": True,
            "help": "How weights begin: he_normal, normal:0.01, keras, pytorch, z=zeros, … (default: keras).",
        },
    ),
    (("--replacement",), {"is_flag": True, "help": "Draw every mini-batch with replacement, instead of shuffling."}),
    (
        ("--dtype",),
        {"type": click.Choice(["float32", "float64"]), "default": "float32", "help": "Precision."},
    ),
    (("--threads",), {"type": _whole(1), "default": 1, "help": "How many cores it takes."}),
    (("--legacy",), {"is_flag": True, "help": "Draw by NumPy's old generator, for seeds that were published."}),
    (("--test",), {"type": SHARE, "default": 0.2, "help": "Share kept for testing, of data without a test."}),
    (
        ("--validation",),
        {"type": click.FloatRange(0, 1, max_open=True), "default": 0.0, "help": "Share of the rest for validation."},
    ),
    (("--stratify",), {"is_flag": True, "help": "Every class has its share among what is kept, not by chance alone."}),
    (
        ("--patience",),
        {"type": _whole(1), "help": "Stop after so many epochs without a better (validation) loss."},
    ),
    (("--keep-last",), {"is_flag": True, "help": "With --patience: keep the last parameters, not the best."}),
    (("--metric",), {"metavar": "NAME", "help": "accuracy, mse, mae, … (default: what fits the data)."}),
    (("--reconstruct",), {"is_flag": True, "help": "The target is the input, as of an autoencoder."}),
    (("--scale",), {"type": float, "default": 1.0, "help": "Multiply every input by this."}),
    (("--standardise",), {"is_flag": True, "help": "Shift and scale every feature to mean 0, deviation 1."}),
    (("--flip",), {"is_flag": True, "help": "Mirror images for training left to right, each with probability 1/2."}),
    (("--shift",), {"type": _whole(0), "default": 0, "help": "Move images for training by up to so many pixels."}),
)
"""Every option of a training with what click is told of it."""

ALIKE = (
    *("epochs", "batch", "trials", "seed", "rate", "style", "decay", "l1", "l2", "dtype", "threads", "legacy"),
    *("validation", "stratify", "patience", "metric", "reconstruct", "flip", "shift"),
)
"""Options that are settings of the same name."""

NAMES = frozenset(names[0].removeprefix("--").replace("-", "_") for names, _ in OPTIONS)


def training_options(command: Command) -> Command:
    """Gives a command all options of a training."""
    for names, about in reversed(OPTIONS):
        command = click.option(*names, show_default="default" in about, **about)(command)
    return command


def settings_of(options: Mapping[str, Any]) -> Training:
    """The settings that the options mean. Raises TrainingError."""
    from backcalc.numeric.settings import Training, schedule_of

    given = {name: options[name] for name in ALIKE}
    if options["schedule"] is not None:
        given["schedule"] = schedule_of(options["schedule"])
    if options["replacement"]:
        given["order"] = "replacement"
    return Training(**given, initialise=_schemes(options["initialise"]), restore_best=not options["keep_last"])


def _schemes(texts: Iterable[str]) -> dict[str, str]:
    """`z=zeros` is for one array or layer, `he_normal` for all others."""
    found: dict[str, str] = {}
    for text in texts:
        name, mark, scheme = text.rpartition("=")
        if mark and not name:
            raise Refused(f"--initialise: error: `{text[:60]}` names no array or layer before the `=`")
        if name in found:
            raise Refused(f"--initialise: error: there are two schemes for {f'`{name}`' if name else 'all arrays'}")
        found[name] = scheme
    return found


def data_of(name: str, options: Mapping[str, Any], *, download: bool = False) -> Data:
    """The samples of `--data`, their files loaded first where that is asked; or what is wrong with it."""
    from backcalc.numeric.data import DataError
    from backcalc.numeric.data.download import download as load
    from backcalc.numeric.prepare import prepared

    wanted = {each: options[each] for each in ("seed", "test", "scale", "standardise", "legacy", "stratify")}
    try:
        if download:
            load(name, say)
        return prepared(name, **wanted)
    except DataError as error:
        message, _, help = str(error).partition("; ")
        raise Refused(f"--data: error: {message}" + (f"\n  = help: {help}" if help else "")) from error
