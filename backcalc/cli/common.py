"""What the commands share: the options, the answer, and how errors are told."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from backcalc.cli.busy import busy
from backcalc.cli.output import deliver, require_folder

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from backcalc.net import Network

STDIN = "<stdin>"
"""What errors call standard input."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command hands back: the text for standard output, the exit status, messages for standard error.

    `data` are bytes that stand in place of the text and are written as they are.
    """

    text: str
    status: int = 0
    messages: tuple[str, ...] = ()
    data: bytes | None = None


class Refused(click.ClickException):
    """The input is wrong: the message says all there is to say, and the exit status is 2."""

    exit_code = 2

    def show(self, file: Any = None) -> None:
        click.echo(self.message, file=file, err=True)


def complete_net(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """What can stand for NET: the names of the built-in networks, and files."""
    from click.shell_completion import CompletionItem

    from backcalc.net.zoo import names

    built_in = [CompletionItem(name) for name in names() if name.startswith(incomplete)]
    return [*built_in, CompletionItem(incomplete, type="file")]


net_argument = click.argument("net", metavar="NET", shell_complete=complete_net)


def command(
    name: str, *, formats: Sequence[str] = ("text", "json")
) -> Callable[[Callable[..., Answer]], click.Command]:
    """Makes a click command of a function that returns an `Answer`, and adds the options that all commands take.

    The function receives its own options and `form`, the chosen format. What it raises is told on standard error;
    what it returns goes to standard output or, whole or not at all, into the file that `--output` names. What it says
    by `say` stands beside the spinner.
    """

    def decorate(answer: Callable[..., Answer]) -> click.Command:
        def run(output: str | None, quiet: bool, debug: bool, **options: Any) -> int:
            try:
                if output is not None:
                    require_folder(output)
                with busy(f"{name} …", quiet=quiet) as click.get_current_context().obj:
                    result = answer(**options)
                deliver(result.text if result.data is None else result.data, output)
            except (click.ClickException, click.exceptions.Exit, click.Abort):
                raise
            except Exception as error:
                if debug:
                    traceback.print_exc()
                raise Refused(complaint(error)) from error
            if not quiet:
                for message in result.messages:
                    click.echo(message, err=True)
            return result.status

        run.__doc__ = answer.__doc__
        # click lists options in the order in which the parameters stand: the command's own, then the shared ones
        own: list[click.Parameter] = getattr(answer, "__click_params__", [])
        shared: list[click.Parameter] = [
            click.Option(
                ["--format", "form"],
                type=click.Choice(formats),
                default=formats[0],
                show_default=True,
                help="How to write the result.",
            ),
            click.Option(
                ["-o", "--output"], metavar="FILE", help="Write the result to FILE instead of standard output."
            ),
            click.Option(["-q", "--quiet"], is_flag=True, help="No messages on standard error, errors excepted."),
            click.Option(["--debug"], is_flag=True, help="Show the traceback of an error."),
        ]
        return click.command(name, params=[*reversed(own), *shared])(run)

    return decorate


def say(text: str) -> None:
    """Tells a person who looks at the terminal how far the command is."""
    click.get_current_context().obj(text)


def source(net: str) -> str | Path:
    """What the NET of the command line is read from; standard input is checked under its own name first."""
    from backcalc.net import load_network
    from backcalc.net.zoo import NETWORKS

    if net == "-":
        text = read_stdin() + "\n"  # what has a line end is YAML, never a path
        load_network(text, label=STDIN)
        return text
    return net if net in NETWORKS else Path(net)


def network(net: str, at: str | None = None) -> Network:
    """Loads the NET of the command line: a built-in name, a path, or `-` for standard input.

    `at` gives numbers for its sizes, `N=1024,d=768`.
    """
    from backcalc.net.sizes import sizes

    return loader(net)(None if at is None else sizes(at))


def loader(net: str) -> Callable[[Mapping[str, int | None] | None], Network]:
    """What loads the NET of the command line with numbers for its sizes, as often as it is asked."""
    from backcalc.net import load_network
    from backcalc.net.zoo import NETWORKS
    from backcalc.readers import is_foreign, read_file

    if net == "-":
        text = read_stdin() + "\n"  # what has a line end is YAML, never a path
        return lambda at: load_network(text, label=STDIN, at=at)
    if is_foreign(net) and net not in NETWORKS:
        return lambda at: read_file(net, at=at)
    return lambda at: load_network(net if net in NETWORKS else Path(net), at=at)


def read_stdin() -> str:
    """The whole of standard input as text. Raises InputError where it is too long or not UTF-8."""
    from backcalc.net.errors import InputError, Problem
    from backcalc.net.load import LARGEST_FILE

    data = sys.stdin.buffer.read(LARGEST_FILE + 1)
    if len(data) > LARGEST_FILE:
        raise InputError([Problem(STDIN, 0, 0, 0, "", f"the text has more than {LARGEST_FILE} bytes")])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"the text is not UTF-8: byte 0x{data[error.start]:02X} at position {error.start + 1}"
        raise InputError([Problem(STDIN, 0, 0, 0, "", message)]) from None


def complaint(error: Exception) -> str:
    """The message for an error: its own words where this package raised it, else a request to report it."""
    from backcalc.net.errors import InputError

    match error:
        case InputError():
            return str(error)
        case OSError() if error.filename is not None:
            return f"{os.fsdecode(error.filename)}: error: {error.strerror or error}"
        case OSError():
            return f"error: {error.strerror or error}"
        case MemoryError():
            return "error: out of memory"
        case _ if type(error).__module__.partition(".")[0] == "backcalc":  # our errors are about what we were given
            return f"error: {error}"
        case _:
            described = f"{type(error).__name__}: {error}".rstrip(": ")
            return f"internal error: {described}\n  = help: this is a fault of backcalc; --debug shows the traceback"


ascii_option = click.option("--ascii", "plain", is_flag=True, help="Text without any character above 127.")


def spelled(text: str, plain: bool, form: str, kept: str = "") -> str:
    """The text, its signs written out where `--ascii` asks for it; what stands below the heading `kept` is a file."""
    if not plain:
        return text
    if form != "text":
        raise click.UsageError("--ascii is for --format text.")
    from backcalc.render import ascii_text

    return ascii_text.plain(text, kept=kept)


def to_json(document: object) -> str:
    """A JSON document as text: two spaces a level, Unicode as it is."""
    import json

    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
