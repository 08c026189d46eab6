"""What was handed in: the files and folders of a call, or everything inside a folder of submissions."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from backcalc.check.submission import LARGEST, MOST_FILES
from backcalc.net.errors import InputError, Problem, printable

MOST_SUBMISSIONS = 10_000

_DIGITS = re.compile(r"(\d+)")
_ODD = re.compile(r"[^\w.-]+")


@dataclass(frozen=True, slots=True)
class Handed:
    """One submission on disk; `file` is what it is called in every output."""

    file: str
    path: Path

    @property
    def name(self) -> str:
        """A name for a file about it, of letters that every file system knows, and different for every submission.

        >>> Handed("hw/Ada Lovelace.md", Path("hw/Ada Lovelace.md")).name
        'Ada-Lovelace.md-49e80f88'
        """
        plain = _ODD.sub("-", Path(self.file).name)[:60].strip(".-") or "submission"
        return f"{plain}-{hashlib.sha256(self.file.encode()).hexdigest()[:8]}"

    def digest(self) -> str:
        """A number that changes with the content: the bytes of the file, or of all files of the folder."""
        found = hashlib.sha256()
        for path in _files(self.path):
            found.update(f"{path.relative_to(self.path).as_posix()!r}\0".encode("utf-8", "replace"))
            try:
                with path.open("rb") as file:
                    data = file.read(LARGEST + 1)
            except OSError as error:
                data = str(error.errno).encode()
            found.update(len(data).to_bytes(8, "big") + data)
        return found.hexdigest()


def handed_in(paths: Iterable[str | Path], *, each: bool = False) -> tuple[Handed, ...]:
    """The submissions of some paths: every file and every folder is one; with `each`, everything in the folders is.

    Raises InputError for what is not there or no file or folder. Hidden files and links inside a folder of submissions
    are passed over.
    """
    found: list[Handed] = []
    problems: list[Problem] = []
    for path in map(Path, paths):
        if each and path.is_dir():
            inside = sorted((entry for entry in path.iterdir() if _counts(entry)), key=_order)
            if not inside:
                problems.append(_problem(path, "there are no submissions in this folder"))
            found += (Handed(_called(entry), entry) for entry in inside)
        elif path.is_file() or path.is_dir():
            found.append(Handed(_called(path), path))
        elif os.path.lexists(path):
            problems.append(_problem(path, "a submission is a plain file or a folder"))
        else:
            problems.append(_problem(path, "the file cannot be read: no such file or directory"))
    if len(found) > MOST_SUBMISSIONS:
        problems.append(_problem(found[0].path, f"there are more than {MOST_SUBMISSIONS} submissions"))
    if problems:
        raise InputError(problems)
    return tuple(found)


def _counts(entry: Path) -> bool:
    hidden = entry.name.startswith((".", "__MACOSX"))
    return not hidden and not entry.is_symlink() and (entry.is_file() or entry.is_dir())


def _order(entry: Path) -> list[tuple[int, str]]:
    """Names in the order of the numbers in them, `9.md` before `10.md`."""
    pieces = _DIGITS.split(entry.name)
    return [(int(piece), piece) if piece.isdecimal() and len(piece) < 40 else (-1, piece) for piece in pieces]


def _called(path: Path) -> str:
    """The path as text that every output can hold."""
    return printable(os.fsencode(path).decode("utf-8", "replace"))


def _problem(path: Path, message: str) -> Problem:
    return Problem(_called(path), 0, 0, 0, "", message)


def _files(path: Path) -> Iterator[Path]:
    if path.is_dir():
        files = sorted(entry for entry in path.rglob("*") if entry.is_file() and not entry.is_symlink())
        yield from files[: MOST_FILES + 1]
    else:
        yield path
