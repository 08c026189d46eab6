"""Where a result goes: standard output, or a file that is written whole or not at all."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import click


def deliver(text: str | bytes, output: str | None) -> None:
    """Writes the text, ended by one newline, to the file `output`; to standard output where that is None or `-`.

    Bytes are written as they are.
    """
    if isinstance(text, str):
        text = text.rstrip("\n") + "\n"
    if output is None or output == "-":
        write_stdout(text)
    else:
        write_file(Path(output), text)


def write_stdout(text: str | bytes) -> None:
    """Writes to standard output: colours only where a person sees them, and quietly where the reader has left."""
    try:
        click.echo(text, nl=False, color=False if os.environ.get("NO_COLOR") else None)
        sys.stdout.flush()
    except OSError as error:
        # the interpreter flushes once more at its end, and must find nothing left to complain about
        with open(os.devnull, "wb") as nothing:
            os.dup2(nothing.fileno(), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):  # `backcalc … | head` is no error
            raise


def require_folder(output: str) -> None:
    """Refuses a file that cannot be written before anything is computed for it."""
    if output == "-":
        return
    target = Path(output)
    if target.is_dir():
        raise click.BadParameter(f"{output} is a folder.", param_hint="'--output'")
    if not target.parent.is_dir():
        raise click.BadParameter(f"there is no folder {target.parent}.", param_hint="'--output'")


def write_file(target: Path, text: str | bytes) -> None:
    """Writes a file beside its target and renames it, so that the target holds the old text or the new, never half.

    A symbolic link is followed, the permissions of a file that exists are kept, and what is no plain file (a device,
    a pipe) is written directly. Colours are taken out of text. Raises OSError.
    """
    data = text if isinstance(text, bytes) else click.unstyle(text).encode("utf-8", errors="replace")
    target = target.resolve()
    mode = target.stat().st_mode if target.exists() else None
    if mode is not None and not stat.S_ISREG(mode):
        target.write_bytes(data)
        return
    draft = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        with open(draft, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if mode is not None:
            os.chmod(draft, stat.S_IMODE(mode))
        os.replace(draft, target)
    finally:
        draft.unlink(missing_ok=True)
