"""Files from elsewhere, read within bounds: JSON and zip archives that cannot fill the memory or write anything.

Every bound is checked before what it bounds is read, built or unpacked.
"""

from __future__ import annotations

import json
import os
import struct
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, NoReturn

from backcalc.net.errors import InputError, Problem

LARGEST_JSON = 16_000_000
MOST_JSON_PARTS = 1_000_000
LARGEST_DIRECTORY = 4_000_000
MOST_MEMBERS = 20_000

_END = struct.Struct("<4s4H2LH")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR_64 = struct.Struct("<4sLQL")


def refuse(file: str, message: str, help: str | None = None) -> NoReturn:
    """Raises InputError about the file as a whole."""
    raise InputError([Problem(file, 0, 0, 0, "", message, help)])


def read_bytes(path: Path, most: int, what: str = "the file") -> bytes:
    """The whole of a file, where it is not larger than `most`. Raises InputError."""
    with opened(path) as file:
        data = file.read(most + 1)
    if len(data) > most:
        refuse(str(path), f"{what} has more than {most} bytes")
    return data


def opened(path: Path) -> IO[bytes]:
    """The file, open for reading. Raises InputError."""
    try:
        return path.open("rb")
    except FileNotFoundError:
        refuse(str(path), "there is no such file")
    except (OSError, ValueError) as error:
        reason = os.strerror(error.errno).lower() if isinstance(error, OSError) and error.errno else str(error)
        refuse(str(path), f"the file cannot be read: {reason}")


def parsed_json(data: bytes, file: str) -> Any:
    """JSON as plain data. No key may be given twice. Raises InputError.

    >>> parsed_json(b'{"a": [1, 2.5]}', "model.json")
    {'a': [1, 2.5]}
    """
    parts = sum(data.count(mark) for mark in (b",", b"{", b"["))
    if len(data) > LARGEST_JSON or parts > MOST_JSON_PARTS:
        refuse(file, f"the JSON is larger than {LARGEST_JSON} bytes or has more than {MOST_JSON_PARTS} parts")
    try:
        return json.loads(data.decode("utf-8-sig"), object_pairs_hook=_object)
    except UnicodeDecodeError as error:
        refuse(file, f"the JSON is not UTF-8: byte 0x{data[error.start]:02X} at position {error.start + 1}")
    except json.JSONDecodeError as error:
        refuse(file, f"this is no JSON: {error.msg.lower()} on line {error.lineno}, column {error.colno}")
    except RecursionError:
        refuse(file, "lists and objects of the JSON are nested too deep")
    except ValueError as error:
        refuse(file, f"this is no JSON: {error}")


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        words = [word for word, _ in pairs]
        raise ValueError(f"the key `{next(word for word in words if words.count(word) > 1)[:60]}` is given twice")
    return found


class Archive:
    """A zip archive, of which single members are read; nothing is ever unpacked to disk."""

    def __init__(self, file: IO[bytes], name: str) -> None:
        """Raises InputError where the archive is none, or its directory is too large or not honest."""
        self.file = name
        _check_directory(file, name)
        try:
            self._zip = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, ValueError, NotImplementedError, struct.error) as error:
            refuse(self.file, f"the zip archive is broken: {error}")
        members = self._zip.infolist()
        self.members = {member.filename: member for member in members}
        if len(self.members) < len(members):
            refuse(self.file, "a member of the zip archive is there twice")
        for name in self.members:
            if name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/") or ":" in name[:3]:
                refuse(self.file, f"the member `{name[:80]}` of the zip archive lies outside of it")

    def find(self, ending: str) -> str | None:
        """The name of the member that is called so, in whatever folder; the first in order."""
        found = (name for name in self.members if name == ending or name.endswith("/" + ending))
        return next(found, None)

    def read(self, name: str, most: int = LARGEST_JSON) -> bytes:
        """A member, unpacked. Raises InputError where it is larger than `most`, whatever it says of itself."""
        member = self.members[name]
        where = f"`{name[:80]}` in the zip archive"
        if member.flag_bits & 1:
            refuse(self.file, f"{where} is encrypted")
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            refuse(self.file, f"{where} is packed in a way that is not read here; stored and deflated are")
        if member.file_size > most:
            refuse(self.file, f"{where} is {member.file_size} bytes large, at most {most} are read")
        try:
            with self._zip.open(member) as stream:
                return stream.read(most + 1)[:most]
        except (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, NotImplementedError) as error:
            refuse(self.file, f"{where} is broken: {error}")


def _check_directory(file: IO[bytes], name: str) -> None:
    """Refuses a directory that would take long to read. Raises InputError."""
    size = file.seek(0, os.SEEK_END)
    start = max(0, size - 65_535 - _END.size)
    file.seek(start)
    tail = file.read()
    place = tail.rfind(b"PK\5\6")
    if place < 0 or len(tail) < place + _END.size:
        refuse(name, "this is no zip archive, or the end of it is missing")
    *_, members, length, _, _ = _END.unpack_from(tail, place)
    before = place - _LOCATOR_64.size
    if before >= 0 and tail[before : before + 4] == b"PK\6\7":
        _, _, at, _ = _LOCATOR_64.unpack_from(tail, before)
        file.seek(min(at, size))
        record = file.read(_END_64.size)
        if len(record) == _END_64.size:
            *_, members, length, _ = _END_64.unpack(record)
    if length > LARGEST_DIRECTORY or members > MOST_MEMBERS:
        refuse(name, f"the directory of the zip archive is too large: at most {MOST_MEMBERS} members are read")
