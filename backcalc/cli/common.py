"""What the commands share: the options, the answer, and how errors are told."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from backcalc.cli.output import deliver, require_folder

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from backcalc.net import Network

MAX_STDIN_BYTES = 1_000_000
"""More than this on standard input is refused before it is read as YAML."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command hands back: the text for standard output, the exit status, messages for standard error."""

    text: str
    status: int = 0
    messages: tuple[str, ...] = ()


class Refused(click.ClickException):
    """The input is wrong: the message says all there is to say, and the exit status is 2."""

    exit_code = 2

    def show(self, file: Any = None) -> None:
        click.echo(self.message, file=file, err=True)


class NetArgument(click.ParamType):
    """A path, the name of a built-in network, or `-`; completes to both names and files."""

    name = "net"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        from backcalc.net.zoo import names

        built_in = [CompletionItem(name) for name in names() if name.startswith(incomplete)]
        return [*built_in, CompletionItem(incomplete, type="file")]


net_argument = click.argument("net", metavar="NET", type=NetArgument())


def command(
    name: str, *, formats: Sequence[str] = ("text", "json")
) -> Callable[[Callable[..., Answer]], click.Command]:
    """Makes a click command of a function that returns an `Answer`, and adds the options that all commands take.

    The function receives its own options and `form`, the chosen format. What it raises is told on standard error;
    what it returns goes to standard output or, whole or not at all, into the file that `--output` names.
    """

    def decorate(answer: Callable[..., Answer]) -> click.Command:
        def run(output: str | None, quiet: bool, debug: bool, **options: Any) -> int:
            try:
                if output is not None:
                    require_folder(output)
                result = answer(**options)
                deliver(result.text, output)
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


def network(net: str) -> Network:
    """Loads the NET of the command line; `-` is standard input."""
    from backcalc.net import load_network

    return load_network(read_stdin() if net == "-" else net)


def read_stdin() -> str:
    """The whole of standard input as text, refused where it is too long or not UTF-8."""
    data = sys.stdin.buffer.read(MAX_STDIN_BYTES + 1)
    if len(data) > MAX_STDIN_BYTES:
        raise Refused(f"-: error: standard input is longer than {MAX_STDIN_BYTES:,} bytes")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refused(f"-: error: standard input is not UTF-8 text (byte {error.start + 1})") from error


def complaint(error: Exception) -> str:
    """The message for an error: its own words where it is about the input, else a request to report it."""
    from backcalc.formula.errors import FormulaError
    from backcalc.net.errors import InputError

    match error:
        case InputError() | FormulaError():
            return str(error)
        case OSError() if error.filename is not None:
            return f"{os.fsdecode(error.filename)}: error: {error.strerror or error}"
        case OSError():
            return f"error: {error.strerror or error}"
        case MemoryError():
            return "error: out of memory"
        case _:
            described = f"{type(error).__name__}: {error}".rstrip(": ")
            return f"internal error: {described}\n  = help: this is a fault in backcalc; --debug shows the traceback"


def to_json(document: object) -> str:
    """A JSON document as text: two spaces a level, Unicode as it is."""
    import json

    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
