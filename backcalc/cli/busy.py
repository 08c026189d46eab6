"""A sign of life on standard error, for work that takes longer than a second."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.status import Status

PATIENCE = 1.0
"""Seconds before anything is shown."""


@contextmanager
def busy(message: str, *, quiet: bool = False) -> Iterator[None]:
    """Shows the message with a spinner while the block runs, where a person is looking and it takes a while."""
    if quiet or not sys.stderr.isatty():
        yield
        return
    shown: list[Status] = []
    lock = threading.Lock()

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
        yield
    finally:
        timer.cancel()
        with lock:
            for status in shown:
                status.stop()
