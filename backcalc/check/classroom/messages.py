"""What the program and its workers say to each other: one line of JSON each way, made of plain data and checked."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from pydantic import TypeAdapter

from backcalc.check.result import Answer, Submission
from backcalc.net.errors import Problem

Message = TypeVar("Message")


@dataclass(frozen=True, slots=True)
class Start:
    """The first line to a worker: where the key is, the limits, and whether it forks."""

    key: str
    seconds: float
    megabytes: int
    forks: bool


@dataclass(frozen=True, slots=True)
class Ready:
    """The worker's answer: what the key is called and its own answers, or what is wrong with it."""

    key: str = ""
    answers: tuple[Answer, ...] = ()
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Task:
    """One submission to check, and what it is called."""

    path: str
    file: str


@dataclass(frozen=True, slots=True)
class Reply:
    """A checked submission; or why it cannot be read, or why it could not be checked.

    `seconds` of a processor is what it took, `megabytes` the most memory that its process had.
    """

    submission: Submission | None = None
    problems: tuple[Problem, ...] = ()
    trouble: str | None = None
    seconds: float = 0
    megabytes: float = 0


def packed(message: Any) -> bytes:
    """A message as one line.

    >>> packed(Task("a.md", "a.md"))
    b'{"path":"a.md","file":"a.md"}\\n'
    """
    data: bytes = _ADAPTERS[type(message)].dump_json(message)
    return data + b"\n"


def unpacked(kind: type[Message], data: bytes) -> Message:
    """The message of a line. Raises ValueError where it is none of that kind."""
    found: Message = _ADAPTERS[kind].validate_json(data)
    return found


def path_text(path: Path) -> str:
    """A path as text that JSON can hold, whatever bytes it is made of.

    >>> text_path(path_text(Path("hw/ä.md"))) == Path("hw/ä.md")
    True
    """
    return os.fsencode(path).decode("latin-1")


def text_path(text: str) -> Path:
    """The path that `path_text` made text of."""
    return Path(os.fsdecode(text.encode("latin-1")))


_ADAPTERS: Mapping[type[Any], TypeAdapter[Any]] = MappingProxyType(
    {kind: TypeAdapter(kind) for kind in (Start, Ready, Task, Reply, Submission)}
)
