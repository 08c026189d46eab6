"""A worker: a process that has read the key and then checks one submission after the other, as it is told.

Where the system can fork, each submission is checked by a child of its own, which has the key at hand, is held by
limits, and takes with it whatever it did. Elsewhere the worker does it itself, and is replaced where it had to be
stopped.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from select import select
from time import monotonic

from backcalc.check.classroom.limits import Limits
from backcalc.check.classroom.messages import Ready, Reply, Start, Task, packed, text_path, unpacked
from backcalc.check.key import Key, load_key
from backcalc.check.run import answers, check
from backcalc.check.submission import Read, read_submission, read_text
from backcalc.net.errors import InputError

MOST_BYTES = 64_000_000
"""Of what a child may answer."""
MOST_LINES = 20_000
WIDEST = 2_000
"""Of the lines that are handed back for a report to show."""

CAN_FORK = hasattr(os, "fork") and hasattr(os, "wait4")


def main() -> None:
    """Reads the key that the first line names, then answers every further line until there are no more."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    start = unpacked(Start, source.readline())
    limits = Limits(start.seconds, start.megabytes)
    try:
        key = load_key(text_path(start.key))
    except InputError as error:
        sink.write(packed(Ready(problems=error.problems)))
        return
    ready = Ready(key.name, tuple(answers(key)))
    _warm(key, ready)
    sink.write(packed(ready))
    sink.flush()
    for line in source:
        work = partial(reply, key, unpacked(Task, line))
        sink.write(in_child(work, limits) if start.forks else work())
        sink.flush()


def _warm(key: Key, ready: Ready) -> None:
    """Checks the key's own answers, right and wrong, so that a child finds all that it needs imported and computed."""
    subjects = [subject for problem in key.problems for subject in problem.subjects]
    lines = [f"{answer.asked} = {answer.expected.exact} = 17" for answer in ready.answers]
    parts = [answer.part for answer in ready.answers]
    made = [read_text(f"{line}\n").lines for line in lines]
    found = tuple(replace(line, part=part) for part, own in zip(parts, made, strict=True) for line in own)
    with suppress(Exception):  # whatever is wrong with them, no submission has been seen yet
        check(key, [Read("", found)])
        max(len(subject.points) for subject in subjects)  # drawn once, and not by every child
    gc.collect()
    gc.freeze()  # a child that never looks at these objects does not copy them


def reply(key: Key, task: Task) -> bytes:
    """Checks one submission; whatever happens, there is an answer."""
    try:
        read = _sound(replace(read_submission(text_path(task.path)), file=task.file))
        (submission,) = check(key, [read]).submissions
        return packed(Reply(replace(submission, lines=_shown(read))))
    except InputError as error:
        return packed(Reply(problems=tuple(replace(p, file=task.file) for p in error.problems)))
    except MemoryError:
        return packed(Reply(trouble="it needs too much memory"))
    except Exception as error:  # it is this submission's trouble, not the class's
        return packed(Reply(trouble=f"internal error: {type(error).__name__}: {error}"[:500]))


def _sound(read: Read) -> Read:
    """The submission without halves of characters, which JSON can hold and UTF-8 cannot; no place moves."""

    def sound(text: str) -> str:
        return text.encode("utf-8", "replace").decode()

    lines = tuple(replace(line, text=sound(line.text), source=sound(line.source)) for line in read.lines)
    return replace(read, lines=lines, notes=tuple(map(sound, read.notes)))


def _shown(read: Read) -> tuple[tuple[int, str], ...]:
    """The lines of a submission, each once, in their order; where the numbers begin again there is another file."""
    found: list[tuple[int, str]] = []
    seen, last = set[tuple[int, str]](), 0
    for line in read.lines[:MOST_LINES]:
        if line.number < last:
            seen.clear()
        last = line.number
        for place, text in enumerate(line.source.split("\n")):
            shown = (line.number + place, text[:WIDEST])
            if shown not in seen:
                seen.add(shown)
                found.append(shown)
    return tuple(found)


def in_child(work: Callable[[], bytes], limits: Limits) -> bytes:
    """What a forked child answers; where it is stopped or dies, a reply that says so."""
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(read_end)
            limits.apply()
            data = work()
            while data:
                data = data[os.write(write_end, data) :]
        finally:
            os._exit(0)  # the parent's buffers and exit handlers are none of the child's
    os.close(write_end)
    data, late = _drained(read_end, limits.seconds)
    if late or not data.endswith(b"\n"):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    _, status, usage = os.wait4(pid, 0)
    if data.endswith(b"\n") and not late:
        found = unpacked(Reply, data)
    else:
        found = Reply(trouble=f"it took longer than {limits.seconds:g} s" if late else _death(status))
    peak = usage.ru_maxrss / (1_000_000 if sys.platform == "darwin" else 1_000)
    return packed(replace(found, seconds=usage.ru_utime + usage.ru_stime, megabytes=peak))


def _drained(descriptor: int, seconds: float) -> tuple[bytes, bool]:
    """All that comes through a pipe, and whether it had to be cut short."""
    end, data = monotonic() + seconds, bytearray()
    try:
        while len(data) < MOST_BYTES:
            ready, _, _ = select([descriptor], [], [], max(0, end - monotonic()))
            if not ready:
                return bytes(data), True
            piece = os.read(descriptor, 1 << 16)
            if not piece:
                break
            data += piece
        return bytes(data), False
    finally:
        os.close(descriptor)


def _death(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    if code == -getattr(signal, "SIGXCPU", 0):
        return "it took too long"
    return "its process was stopped by the system" if code < 0 else "its process broke off"


if __name__ == "__main__":
    main()
