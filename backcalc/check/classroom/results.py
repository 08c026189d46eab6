"""The folder in which the results of a class are kept: a file a submission, written as it comes and whole.

A result counts for as long as the submission, the key with all its networks, and the program are the same.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from backcalc import __version__
from backcalc.check.classroom.handed import Handed
from backcalc.check.classroom.messages import packed, unpacked
from backcalc.check.result import Submission
from backcalc.net.load import LARGEST_FILE, read_document

MOST_FILES = 500
"""Of those that a key may lead to."""


class Results:
    """The results in a folder, which is made where it is not there."""

    def __init__(self, folder: Path, key: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.key = fingerprint(key)

    def load(self, handed: Handed) -> Submission | None:
        """The result of a submission, where it is here and still counts."""
        with suppress(OSError, ValueError, KeyError, TypeError):
            kept = json.loads(self._path(handed).read_bytes())
            if kept["of"] == self._of(handed):
                return unpacked(Submission, json.dumps(kept["submission"]).encode())
        return None

    def save(self, handed: Handed, submission: Submission) -> None:
        """Keeps a result: the file is there whole or not at all."""
        head = json.dumps({"schema_version": 1, "of": self._of(handed)})
        text = head[:-1].encode() + b', "submission": ' + packed(submission).strip() + b"}\n"
        path = self._path(handed)
        draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        try:
            draft.write_bytes(text)
            os.replace(draft, path)
        finally:
            draft.unlink(missing_ok=True)

    def _path(self, handed: Handed) -> Path:
        return self.folder / f"{handed.name}.json"

    def _of(self, handed: Handed) -> str:
        return hashlib.sha256(f"{__version__} {self.key} {handed.digest()}".encode()).hexdigest()


def fingerprint(key: Path) -> str:
    """A number that changes with a key: with its file, and with every file that a word in those files names."""
    found = hashlib.sha256()
    for path, data in _files(key):
        found.update(f"{path.name!r}\0{len(data)}\0".encode("utf-8", "replace") + data)
    return found.hexdigest()


def _files(key: Path) -> Iterator[tuple[Path, bytes]]:
    waiting, seen = [key.resolve()], set[Path]()
    while waiting and len(seen) < MOST_FILES:
        path = waiting.pop(0)
        if path in seen:
            continue
        seen.add(path)
        with suppress(OSError):
            data = path.read_bytes()
            yield path, data
            if path.suffix.lower() in (".yaml", ".yml", "") and len(data) <= LARGEST_FILE:
                words = _words(read_document(data.decode("utf-8", "replace"), "").data)
                waiting += [named for word in words if (named := path.parent / word).is_file()]


def _words(data: object) -> Iterator[str]:
    """Every short text in plain data."""
    if isinstance(data, dict):
        for value in data.values():
            yield from _words(value)
    elif isinstance(data, list):
        for value in data:
            yield from _words(value)
    elif isinstance(data, str) and 0 < len(data) < 200 and "\n" not in data and "\0" not in data:
        yield data
