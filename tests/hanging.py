"""A guard against hanging: work that should end and does not is a failure, not a run of tests without an end.

It holds nobody to a speed. How long hostile input takes is measured by `benchmarks/hostile.py`.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import pytest

HUNG = 60
"""Seconds of processor time, many times what anything guarded takes; a busy machine does not count them faster."""


@contextmanager
def guard_against_hanging() -> Iterator[None]:
    """Fails where the work inside is still going on after `HUNG` seconds of processor time.

    Where the system has no such timer (Windows) it does nothing.
    """

    def hung(*_: object) -> NoReturn:
        pytest.fail(f"it hangs: no end after {HUNG} s of processor time")

    if not hasattr(signal, "setitimer"):
        yield
        return
    before = signal.signal(signal.SIGPROF, hung)
    signal.setitimer(signal.ITIMER_PROF, HUNG)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
