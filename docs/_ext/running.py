"""Commands and Python sessions of a page, run in the folder of that page.

The folder stands for the folder of the project: `examples` and `tests` are there, and what a page has a reader save,
or a command write, is there for the commands that follow.
"""

from __future__ import annotations

import doctest
import io
import re
import shlex
from collections.abc import Sequence
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree

from backcalc.cli import main

ROOT = Path(__file__).parents[2]
"""The folder of the project."""

LENT = ("examples", "tests")
"""What of the project the pages read."""

TIMED = ("train", "experiment")
"""The commands that say how long they took, which is never the same twice."""

_SECONDS = re.compile(r"\b\d+(\.\d+)?(e-\d+)? s\b")


class NotRunnable(ValueError):
    """A command that is none of ours, or that only a shell would understand."""


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command answered: its exit status, and what it wrote to standard output and to standard error."""

    status: int
    out: str
    err: str


def fresh(folder: Path) -> None:
    """Makes the folder of a page, empty but for what the project lends it."""
    rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in LENT:
        (folder / name).symlink_to(ROOT / name, target_is_directory=True)


def words(command: str) -> list[str]:
    """The words of a command line.

    Raises NotRunnable where the first is not `backcalc`, or where a shell would do more than split it.
    """
    lexer = shlex.shlex(command, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    lexer.commenters = ""
    found = list(lexer)
    if found[:1] != ["backcalc"]:
        raise NotRunnable(f"`{command}` is not a command of backcalc")
    if signs := [word for word in found if word and set(word) <= set("();<>|&")]:
        raise NotRunnable(f"`{command}` needs a shell for {' '.join(signs)}")
    return found


def run(command: str, folder: Path) -> Ran:
    """Runs a command line in a folder, within this process."""
    arguments = words(command)[1:]
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="") for _ in range(2))
    with chdir(folder), redirect_stdout(out), redirect_stderr(err):
        status = main(arguments)
    return Ran(status, _written(out, arguments), _written(err, arguments))


def session(text: str, folder: Path) -> str:
    """Runs a Python session and compares its answers; what differs is returned, nothing where all is as it stands."""
    test = doctest.DocTestParser().get_doctest(text, {}, "session", None, 0)
    differences: list[str] = []
    with chdir(folder):
        doctest.DocTestRunner(verbose=False, optionflags=doctest.ELLIPSIS).run(test, out=differences.append)
    return "".join(differences)


def excerpt(text: str, ranges: str) -> str:
    """Those lines of a text that `1-3,7-` names; what is left out shows as one `…`.

    Raises ValueError where there is no such line.
    """
    lines = text.splitlines()
    shown: list[str] = []
    following = 1
    for part in ranges.split(","):
        first, dash, last = (number.strip() for number in part.partition("-"))
        begin = int(first or 1)
        end = int(last or len(lines)) if dash else begin
        if not following <= begin <= end <= len(lines):
            raise ValueError(f"there are no lines {part.strip()} of {len(lines)}, in this order")
        shown += ["…"] * (begin > following) + lines[begin - 1 : end]
        following = end + 1
    return "\n".join([*shown, *["…"] * (following <= len(lines))])


def until(text: str, start: str) -> str:
    """A text up to the first line that begins so, its indentation aside; that more follows shows as `…`.

    Raises ValueError where no line does.
    """
    lines = text.splitlines()
    for place, line in enumerate(lines):
        if line.lstrip().startswith(start):
            return "\n".join([*lines[:place], "…"])
    raise ValueError(f"no line begins with {start}")


def _written(stream: io.TextIOWrapper, arguments: Sequence[str]) -> str:
    """What went into a stream, without what differs from run to run."""
    stream.seek(0)
    text = stream.read().replace("\r\n", "\n")
    return _SECONDS.sub("… s", text) if arguments and arguments[0] in TIMED else text
