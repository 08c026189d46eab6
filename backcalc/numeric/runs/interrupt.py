"""Ctrl-C as a wish that is looked at between two steps, not as an exception in the middle of one.

Python raises KeyboardInterrupt wherever it happens to be: inside a callback of another library or a destructor it is
swallowed, between two assignments it leaves half a state. A handler that only sets a flag loses none and breaks none.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def interrupts() -> Iterator[Callable[[], bool]]:
    """Gives the block a function that says whether Ctrl-C was pressed; pressed again, it interrupts at once.

    Only the main thread of a program is told of signals: in another nothing changes, and the answer is always no. Where
    the program ignores Ctrl-C already, it stays ignored.

    >>> with interrupts() as asked:
    ...     asked()
    False
    """
    pressed = threading.Event()

    def note(number: int, frame: FrameType | None) -> None:
        if pressed.is_set():
            raise KeyboardInterrupt
        pressed.set()

    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or before in (signal.SIG_IGN, None):
        yield pressed.is_set
        return
    signal.signal(signal.SIGINT, note)
    try:
        yield pressed.is_set
    finally:
        signal.signal(signal.SIGINT, before)
