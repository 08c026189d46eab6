"""How processes that were forked from one wait for each other.

Waiting is looking again and again for a moment, since a process that sleeps wakes up late.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from backcalc.numeric.kernels.base import Array
from backcalc.numeric.share import common

TRIES = 20_000
"""So often somebody who waits looks again before going to sleep, which is about two milliseconds."""


class Lost(Exception):
    """A process that was waited for has ended."""


def wait(semaphore: Any, alive: Callable[[], bool]) -> None:
    """Waits for somebody's word. Raises Lost where there is nobody any more who could give it."""
    for _ in range(TRIES):
        if semaphore.acquire(False):
            return
    while not semaphore.acquire(True, 0.5):
        if not alive():
            raise Lost


class Meeting:
    """Where all processes of a team wait for each other in the middle of a step, `place` being which of them this is.

    `alive` says whether those are there still that are waited for.
    """

    def __init__(self, context: Any, size: int, room: int) -> None:
        self._words = [[context.Semaphore(0) for _ in range(size)] for _ in range(size)]
        self._rooms = common((2, size, room), np.dtype(float))
        self.size, self.place = size, 0
        self.alive: Callable[[], bool] = lambda: True
        self._turn = 0

    def meet(self) -> None:
        """Returns when all are here. Raises Lost."""
        others = [place for place in range(self.size) if place != self.place]
        for other in others:
            self._words[self.place][other].release()
        for other in others:
            wait(self._words[other][self.place], self.alive)

    def total(self, numbers: Array) -> Array:
        """The sum of what all bring, the same to the bit for all. Raises Lost.

        There are two rooms in turn: who is fast does not write over what somebody still reads.
        """
        self._turn = 1 - self._turn
        room = self._rooms[self._turn, :, : numbers.size]
        room[self.place] = numbers.reshape(-1)
        self.meet()
        found: Array = room.sum(axis=0).astype(numbers.dtype)
        return found.reshape(numbers.shape)
