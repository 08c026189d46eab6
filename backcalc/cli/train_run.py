"""The folder of a training: made for a new one, opened for one that is gone on with, filled when it has ended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import backcalc
from backcalc.cli.common import Refused, source
from backcalc.cli.train_options import NAMES

if TYPE_CHECKING:
    from backcalc.net import Network
    from backcalc.net.text import Source
    from backcalc.numeric.data import Data
    from backcalc.numeric.runs import Folder
    from backcalc.numeric.settings import Training

KIND = "training"


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be trained, on what, how, and where it is kept; `written` is the network as a file has it."""

    network: Network
    written: str | Path
    data: str
    options: Mapping[str, Any]
    folder: Folder | None = None
    warnings: tuple[str, ...] = ()


def new_task(net: str | None, data: str | None, options: Mapping[str, Any]) -> Task:
    """The task of a call without --resume."""
    from backcalc.numeric.prepare import with_rule

    if net is None:
        raise click.UsageError("Missing argument 'NET'.")
    if data is None:
        raise click.UsageError("Missing option '--data'.")
    written = source(net)
    network = with_rule(backcalc.load(written), options["optimizer"])
    if options["rate"] is None and network.update.rate is None:
        kind = network.update.kind
        raise Refused(
            f"error: `{kind}` has no rate\n  = help: give one: --rate 0.01, or `update: {{{kind}: {{rate: 0.01}}}}`"
        )
    return Task(network, written, data, options)


def kept(task: Task, run: str, samples: Data, settings: Training) -> Task:
    """The task with a new folder, which is made only if its training can begin."""
    from backcalc.numeric.running import Running
    from backcalc.numeric.runs import Folder
    from backcalc.numeric.runs.net_file import NET, net_files

    Running(task.network, samples, settings)
    given, text = _text(task.written, task.network, task.options)
    about = {"data": task.data, "options": dict(task.options)}
    folder = Folder.new(Path(run), KIND, about, task.options["threads"], net_files(given, text))
    return Task(backcalc.load(folder.path(NET)), folder.path(NET), task.data, task.options, folder)


def _text(written: str | Path, network: Network, options: Mapping[str, Any]) -> tuple[Source, str]:
    """Where the network is from, and its text as it is trained."""
    from backcalc.net.text import Source, source_of
    from backcalc.numeric.runs.net_file import as_trained
    from backcalc.readers import converted, is_foreign

    given = Source(converted(written), str(written), network.name) if is_foreign(written) else source_of(written)
    return given, as_trained(given.text, network.name, optimizer=options["optimizer"], rate=options["rate"])


def old_task(net: str | None, data: str | None, resume: str, options: Mapping[str, Any]) -> Task:
    """The task that a folder holds; what is given besides must be the same, but for the number of epochs."""
    from backcalc.numeric.checkpoint import differences
    from backcalc.numeric.runs import Folder, RunError, environment
    from backcalc.numeric.runs.net_file import NET

    folder = Folder.old(Path(resume), KIND)
    found = folder.settings()
    before, name = found.get("options"), found.get("data")
    if not isinstance(before, dict) or before.keys() != NAMES or not isinstance(name, str):
        raise RunError(f"`{resume}` holds a damaged `settings.json`, or one of another version of backcalc")
    context = click.get_current_context()
    typed = {each for each in NAMES if context.get_parameter_source(each) is click.core.ParameterSource.COMMANDLINE}
    now = {"data": name if data is None else data} | {each: _plain(options[each]) for each in typed}
    was = {"data": name} | {each: before[each] for each in typed}
    shown = ({"settings": {k: v for k, v in each.items() if k != "epochs"}} for each in (was, now))
    odd = differences(*shown)
    network = backcalc.load(folder.path(NET))
    merged = {**before, **({"epochs": options["epochs"]} if "epochs" in typed else {})}
    if net is not None:
        written = source(net)
        if _text(written, backcalc.load(written), merged)[1] != folder.path(NET).read_text("utf-8"):
            odd.insert(0, "the network is another")
    if odd:
        raise _different(resume, odd)
    was_on = folder.read_json("environment.json")
    is_on = environment(merged["threads"])
    changed = [f"{key} was {was_on.get(key)}, is {is_on[key]}" for key in is_on if was_on.get(key) != is_on[key]]
    warnings = (f"{'; '.join(changed)}: the last digits may differ",) if changed else ()
    return Task(network, folder.path(NET), name, merged, folder, warnings)


def _different(resume: str, odd: Sequence[str]) -> Refused:
    help = "leave out what differs to go on, or make a new run: --run FOLDER"
    return Refused(f"--resume: error: `{resume}` holds another training: {'; '.join(odd)}\n  = help: {help}")


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


@contextmanager
def resumable(task: Task) -> Iterator[None]:
    """Tells a person who stops a training, or one that has come to nothing, what is left of it."""
    from backcalc.numeric.runs import RunError
    from backcalc.numeric.settings import Diverged

    call = None if task.folder is None else f"backcalc train --resume {_quoted(task.folder.root)}"
    try:
        yield
    except KeyboardInterrupt:
        left = "nothing was kept; with --run FOLDER it can be gone on with"
        click.echo(left if call is None else f"go on with: {call}", err=True)
        raise
    except Diverged as error:
        if task.folder is None:
            raise
        if error.good == 0:
            help = _taken_away(task.folder)
        else:
            help = f"the last good state, after epoch {error.good}, is kept: `{call} --epochs {error.good}` ends there"
        raise Refused(f"error: {error}\n  = help: {help}") from error
    except RunError as error:
        if call is None:
            raise
        raise Refused(f"error: {error}\n  = help: go on with: {call}") from error


def _taken_away(folder: Folder) -> str:
    """Removes a run that has no epoch to go on from: by the same settings it would only come to the same end."""
    from backcalc.numeric.runs.net_file import BEGIN, NET
    from backcalc.numeric.runs.results import STATE

    arrays = [f"{BEGIN}{each.name}" for each in folder.path(BEGIN).glob("*")]
    folder.take_away([STATE, NET, *arrays])
    return f"no epoch ended well, so `{folder.root}` is removed: nothing is lost, and the name is free for the next try"


def _quoted(path: Path) -> str:
    from shlex import quote

    return quote(str(path))
