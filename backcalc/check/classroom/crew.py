"""The crew of workers: processes that have read the same key, each replaced where it breaks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Timer

import backcalc
from backcalc.check.classroom.handed import Handed
from backcalc.check.classroom.messages import Ready, Reply, Start, Task, packed, path_text, unpacked
from backcalc.net.errors import InputError

GRACE = 5
"""Seconds after which a worker is stopped that should have stopped its child itself."""

KEPT = ("SYSTEMROOT", "TMPDIR", "TEMP", "TMP", "LD_LIBRARY_PATH")
"""All that a worker is told of the environment."""


class Worker:
    """One process, spoken to by lines; the thread that asks waits for the answer."""

    def __init__(self, start: Start) -> None:
        self.start = start
        self.process = _process(start)
        self.broken = False

    def ready(self) -> Ready:
        """What it says of the key, once it has read it. Raises ChildProcessError where it cannot even do that."""
        line = self._line()
        if not line:
            raise ChildProcessError("a process that checks could not be started")
        return unpacked(Ready, line)

    def reply(self, handed: Handed) -> Reply:
        """What it says of a submission; a process that breaks off or is too slow is replaced for the next one."""
        if self.broken:
            self.process, self.broken = _process(self.start), False
            self.ready()
        late = Event()

        def stop() -> None:
            late.set()
            self.stop()

        limit = Timer(self.start.seconds + (GRACE if self.start.forks else 0), stop)
        limit.daemon = True
        limit.start()
        try:
            self._say(packed(Task(path_text(handed.path), handed.file)))
            line = self._line()
        finally:
            limit.cancel()
        if line.endswith(b"\n"):
            return unpacked(Reply, line)
        self.close()
        why = f"it took longer than {self.start.seconds:g} s" if late.is_set() else "its process broke off"
        return Reply(trouble=why)

    def stop(self) -> None:
        """Ends the process, and the child that it may have."""
        with suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                os.killpg(self.process.pid, signal.SIGKILL)
            else:
                self.process.kill()

    def close(self) -> None:
        """Ends the process for good."""
        if not self.broken:
            self.broken = True
            self.stop()
            for stream in (self.process.stdin, self.process.stdout):
                if stream is not None:
                    with suppress(OSError):
                        stream.close()
            self.process.wait()

    def _say(self, line: bytes) -> None:
        assert self.process.stdin is not None
        with suppress(OSError):  # it is gone, which its answer will show
            self.process.stdin.write(line)
            self.process.stdin.flush()

    def _line(self) -> bytes:
        assert self.process.stdout is not None
        line: bytes = self.process.stdout.readline()
        return line


def _process(start: Start) -> subprocess.Popen[bytes]:
    """A process that has been told to read the key. Nothing of ours is in its environment."""
    environment = {name: os.environ[name] for name in KEPT if name in os.environ}
    environment |= {"PYTHONPATH": os.pathsep.join([_home(), *filter(None, sys.path)]), "PYTHONUTF8": "1"}
    environment |= {"PYTHONHASHSEED": "0", "OPENBLAS_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "backcalc.check.classroom.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        start_new_session=True,
    )
    assert process.stdin is not None
    process.stdin.write(packed(start))
    process.stdin.flush()
    return process


def _home() -> str:
    return str(Path(backcalc.__file__).resolve().parent.parent)


class Crew:
    """Workers that have read the same key; `ready` is what they said of it. Raises InputError for a faulty key."""

    def __init__(self, start: Start, size: int) -> None:
        self.workers = [Worker(start) for _ in range(size)]  # they read the key at the same time
        try:
            self.ready, *_ = [worker.ready() for worker in self.workers]
        except BaseException:
            self.close()
            raise
        if self.ready.problems:
            self.close()
            raise InputError(self.ready.problems)

    def replies(self, handed: Sequence[Handed], numbers: Sequence[int]) -> Iterator[tuple[int, Reply]]:
        """The replies to the submissions of those numbers, as they come."""
        idle: SimpleQueue[Worker] = SimpleQueue()
        for worker in self.workers:
            idle.put(worker)

        def reply(number: int) -> Reply:
            worker = idle.get()
            try:
                return worker.reply(handed[number])
            finally:
                idle.put(worker)

        pool = ThreadPoolExecutor(len(self.workers))
        try:
            futures = {pool.submit(reply, number): number for number in numbers}
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            for worker in self.workers:
                worker.stop()  # so that no thread waits for an answer that nobody wants
            pool.shutdown()

    def close(self) -> None:
        """Ends every process."""
        for worker in self.workers:
            worker.close()
