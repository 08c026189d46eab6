"""The folder of one run: made, opened, written into file by file."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from backcalc.net.errors import printable
from backcalc.numeric.kernels.base import Array
from backcalc.numeric.runs.atomic import WRITING, RunError, unwritten, write_whole
from backcalc.numeric.runs.environment import environment

SETTINGS, ENVIRONMENT = "settings.json", "environment.json"
LARGEST_JSON = 200_000_000
NO_FILES: Mapping[str, str | bytes] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder with a run in it.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as place:
    ...     folder = Folder.new(Path(place) / "run", "training", {"epochs": 3})
    ...     Folder.old(Path(place) / "run", "training").settings()["epochs"]
    3
    """

    root: Path

    @classmethod
    def new(
        cls,
        root: Path,
        kind: str,
        settings: Mapping[str, Any],
        threads: int = 1,
        files: Mapping[str, str | bytes] = NO_FILES,
    ) -> Folder:
        """Makes the folder of a run of that kind, with its settings, the environment, and files that it begins with.

        With the settings, which are written last, there is a run; what was cut off before is no run, and is made anew.
        Raises RunError where the folder holds anything else already, or cannot be made.
        """
        try:
            root.mkdir(parents=True, exist_ok=True)
            there = [each.name for each in root.iterdir() if not each.name.endswith(WRITING)]
        except OSError as error:
            raise RunError(f"the folder `{_shown(root)}` cannot be made: {error.strerror or error}") from None
        if SETTINGS in there:
            raise RunError(f"`{_shown(root)}` holds a run already; go on with it by --resume, or name another folder")
        if there and (
            ENVIRONMENT not in there or not {*there} <= {ENVIRONMENT, *(Path(name).parts[0] for name in files)}
        ):
            raise RunError(f"`{_shown(root)}` is not empty: it holds `{printable(min(there))}`; name another folder")
        folder = cls(root)
        folder.write_json(ENVIRONMENT, environment(threads))
        for name, content in files.items():
            folder.write(name, content)
        folder.write_json(SETTINGS, {"schema_version": 1, "run": kind, **settings})
        return folder

    @classmethod
    def old(cls, root: Path, kind: str) -> Folder:
        """Opens the folder of a run of that kind. Raises RunError where it is none."""
        folder = cls(root)
        if not folder.path(SETTINGS).is_file():
            what = "there is no folder" if not root.is_dir() else f"there is no `{SETTINGS}` in"
            raise RunError(f"{what} `{_shown(root)}`: no run can be gone on with")
        found = folder.settings().get("run")
        if found != kind:
            raise RunError(f"`{_shown(root)}` holds the run of another kind: {printable(str(found)[:40])}, not {kind}")
        return folder

    def take_away(self, names: Iterable[str]) -> None:
        """Removes a run with those files of it, and every folder of it that is then empty; what is another's stays."""
        paths = [
            self.path(name) for name in (SETTINGS, ENVIRONMENT, *names)
        ]  # the settings first: there is no run then
        for path in paths:
            path.unlink(missing_ok=True)
        for place in sorted({path.parent for path in paths}, reverse=True):
            with suppress(OSError):
                place.rmdir()

    def path(self, name: str) -> Path:
        """Where a file of that name is, or would be."""
        return self.root / name

    def settings(self) -> dict[str, Any]:
        """What the run was asked for."""
        return self.read_json(SETTINGS)

    def write(self, name: str, content: str | bytes) -> None:
        """Writes a file whole or not at all; a folder in its name is made. Raises RunError."""
        path = self.path(name)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunError(unwritten(path, error)) from None
        write_whole(path, content.encode("utf-8") if isinstance(content, str) else content)

    def write_json(self, name: str, content: Mapping[str, Any]) -> None:
        """Writes plain data as JSON. Raises RunError."""
        self.write(name, json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n")

    def write_npz(self, name: str, arrays: Mapping[str, Array]) -> None:
        """Writes arrays by name, as NumPy's .npz. Raises RunError."""
        content: dict[str, Any] = dict(arrays)
        write_whole(self.path(name), lambda file: np.savez(file, **content))

    def append(self, name: str, line: str) -> None:
        """Adds a line to what grows. One that was cut off has no end, and is taken away first. Raises RunError."""
        path = self.path(name)
        try:
            with path.open("r+b" if path.exists() else "x+b") as file:
                content = file.read()
                file.truncate(whole := content.rfind(b"\n") + 1)
                file.seek(whole)
                file.write(line.encode("utf-8") + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise RunError(unwritten(path, error)) from None

    def lines(self, name: str) -> list[str]:
        """The whole lines of what grows; none where there is no such file yet. Raises RunError."""
        try:
            content = self.path(name).read_bytes()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise RunError(f"`{_shown(self.path(name))}` cannot be read: {error.strerror or error}") from None
        return content[: content.rfind(b"\n") + 1].decode("utf-8", errors="replace").splitlines()

    def read_json(self, name: str) -> dict[str, Any]:
        """The plain data in a file. Raises RunError where it is missing or damaged."""
        path = self.path(name)
        try:
            if path.stat().st_size > LARGEST_JSON:
                raise RunError(f"`{_shown(path)}` has more than {LARGEST_JSON} bytes")
            found = json.loads(path.read_bytes())
        except OSError as error:
            raise RunError(f"`{_shown(path)}` cannot be read: {error.strerror or error}") from None
        except (ValueError, RecursionError) as error:
            if isinstance(error, RunError):
                raise
            raise RunError(f"`{_shown(path)}` is damaged: it holds no JSON") from None
        if not isinstance(found, dict):
            raise RunError(f"`{_shown(path)}` is damaged: it holds no JSON object")
        return found


def _shown(path: Path) -> str:
    return printable(str(path))
