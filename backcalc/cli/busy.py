"""A sign of life on standard error, for work that takes longer than a second."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.status import Status

PATIENCE = 1.0
"""Seconds before anything is shown."""


@contextmanager
def busy(message: str, *, quiet: bool = False) -> Iterator[Callable[[str], None]]:
    """Shows the message with a spinner while the block runs, where a person is looking and it takes a while.

    The block may call what it is given with another message, as often as it likes.
    """
    if quiet or not sys.stderr.isatty():
        yield lambda text: None
        return
    shown: list[Status] = []
    lock = threading.Lock()

    def say(text: str) -> None:
        nonlocal message
        with lock:
            message = text
            for status in shown:
                status.update(text)

    def show() -> None:
        from rich.console import Console

        with lock:
            if not timer.finished.is_set():
                status = Console(stderr=True).status(message)
                status.start()
                shown.append(status)

    timer = threading.Timer(PATIENCE, show)
    timer.daemon = True
    timer.start()
    try:
        yield say
    finally:
        timer.cancel()
        with lock:
            for status in shown:
                status.stop()
