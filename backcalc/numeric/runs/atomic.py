"""Files that are there whole or not at all, whenever the process ends and however full the disk is."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from backcalc.net.errors import printable

WRITING = ".writing"
"""What the name of a file ends in until it is whole."""


class RunError(ValueError):
    """A run that cannot be written or read, with what to do about it."""


def write_whole(path: Path, content: bytes | Callable[[BinaryIO], object]) -> None:
    """Writes the content, or lets it be written, beside the file and moves it into its place.

    The file before stays until the new one is on the disk. Raises RunError, after which the file before is there still.
    """
    beside = path.with_name(f".{path.name}{WRITING}")
    try:
        with beside.open("wb") as file:
            if callable(content):
                content(file)
            else:
                file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        _sync_folder(path.parent)
    except BaseException as error:
        with suppress(OSError):
            beside.unlink()
        if isinstance(error, OSError):
            raise RunError(unwritten(path, error)) from None
        raise


def swept(folder: Path) -> None:
    """Takes away what a process was writing in the folder when it was killed; what is whole stays."""
    for beside in folder.glob(f".*{WRITING}"):
        with suppress(OSError):
            beside.unlink()


def unwritten(path: Path, error: OSError) -> str:
    """Why a file could not be written, and that what was there before is still there."""
    message = f"`{printable(str(path))}` could not be written: {error.strerror or error}"
    return f"{message}; what was written before is whole"


def _sync_folder(folder: Path) -> None:
    """Puts the names in the folder on the disk, where a system can (Windows cannot, and needs it not)."""
    if os.name != "posix":
        return
    place = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(place)
    finally:
        os.close(place)
