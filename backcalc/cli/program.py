"""The program `backcalc`: a group whose commands are imported when they are asked for, and its exit status."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from importlib import import_module

import click

from backcalc import __version__

COMMANDS = (
    "grad",
    "count",
    "check",
    "solve",
    "verify",
    "train",
    "experiment",
    "prove",
    "fold",
    "show",
    "convert",
    "zoo",
    "schema",
)
"""The commands, in the order of the help; each is the attribute of its own name in the module of that name."""


class LazyGroup(click.Group):
    """A group that imports the module of a command at its first use, so that the others cost no start-up time."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"backcalc.cli.{cmd_name}"), cmd_name)
        return command


@click.group(
    cls=LazyGroup,
    name="backcalc",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, "--version", prog_name="backcalc", message="%(prog)s %(version)s")
def cli() -> None:
    """Derives the gradients of a neural network step by step, exactly, and counts the network too.

    NET, in the commands below, is a net.yaml file, the name of a built-in network (see `backcalc zoo`), or - for
    standard input.

    \b
    Examples:
      backcalc grad examples/shared-kernel.yaml     every gradient, step by step
      backcalc count lenet5                         every parameter, connection and FLOP
      backcalc verify examples/shared-kernel.yaml   the gradients by independent ways

    \b
    Exit status: 0 done and everything holds; 1 something does not hold;
    2 the input or the call is wrong; 130 interrupted.

    \b
    Shell completion (bash; also zsh_source, fish_source):
      eval "$(_BACKCALC_COMPLETE=bash_source backcalc)"
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the program and returns its exit status; `arguments` default to those of the process."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # mathematics is Unicode, whatever the locale says
            stream.reconfigure(encoding="utf-8", errors="replace")
    try:
        status = cli.main(args=arguments, prog_name="backcalc", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return 2
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return 130
    return status if isinstance(status, int) else 0
