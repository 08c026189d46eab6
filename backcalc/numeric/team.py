"""Several processes that do one step of a training together, each its share of the trials or of the samples.

They are forked, and have the parameters, the gradients and the state of the rule in common; what they compute with, the
samples too, they have from before. A step is two calls, gradients and update, after each of which all have waited for
each other. Waiting is trying again and again for a moment, since a process that sleeps wakes up late.

Where a system does not fork (Windows), or a library may not survive it (macOS), there is no team.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np

from backcalc.numeric.kernels.base import Array
from backcalc.numeric.settings import TrainingError
from backcalc.numeric.share import WHOLE, Share, common
from backcalc.numeric.stepping import Seen, Stepping

WORTH = 400_000
"""From so many parameters times samples, of all trials, a step is longer than it takes to divide it."""

TRIES = 20_000
"""So often somebody who waits looks again before going to sleep, which is about two milliseconds."""

TAKE, LOOK, UPDATE, LEAVE = range(4)


def can_divide(stepping: Stepping) -> bool:
    """Whether a step is long enough to be divided, can be, and there is a way to."""
    settings, engine = stepping.settings, stepping.engine
    if settings.threads < 2 or sys.platform != "linux" or stepping.draws or settings.augments:
        return False
    things = settings.batch if settings.trials == 1 else settings.trials
    return engine.divides and things >= 2 * settings.threads and engine.flat.size * settings.batch >= WORTH


class Post:
    """How the leader calls one member, and how that answers."""

    def __init__(self, context: Any) -> None:
        self._call, self._answer = context.Semaphore(0), context.Semaphore(0)

    def call(self) -> None:
        """Wakes the member."""
        self._call.release()

    def answer(self) -> None:
        """Says that the member is done."""
        self._answer.release()

    def called(self, alive: Callable[[], bool]) -> bool:
        """Waits for a call; false when the leader is no more."""
        return _wait(self._call, alive)

    def answered(self, alive: Callable[[], bool]) -> bool:
        """Waits for the answer; false when the member is no more."""
        return _wait(self._answer, alive)


def _wait(semaphore: Any, alive: Callable[[], bool]) -> bool:
    for _ in range(TRIES):
        if semaphore.acquire(False):
            return True
    while not semaphore.acquire(True, 0.5):
        if not alive():
            return False
    return True


class Team:
    """A leader, which is this process, and `threads - 1` members; used as the stepping that it divides.

    Raises TrainingError where a member has died.
    """

    def __init__(self, stepping: Stepping) -> None:
        self.stepping = stepping
        settings = stepping.settings
        self.size, self.trials = settings.threads, settings.trials
        self.widest = settings.batch * stepping.ahead
        self.orders = common((3,), np.dtype(np.int64))
        """What is to be done, and its two numbers: samples from and to, or how many steps there were."""
        self.chosen = common((self.trials, self.widest), np.dtype(np.int64))
        self.seen = common((self.size, 2, self.trials), np.dtype(float))
        self.failed = common((self.size,), np.dtype(np.int64))
        if self.trials == 1:
            flat = stepping.engine.flat
            stepping.partial = tuple(common(flat.shape, flat.dtype) for _ in range(self.size))
            stepping.engine.gradients = stepping.partial[0]
        context = multiprocessing.get_context("fork")
        self.posts = [Post(context) for _ in range(self.size - 1)]
        self.members = [
            context.Process(target=self._serve, args=(place, os.getpid()), daemon=True) for place in range(1, self.size)
        ]
        with warnings.catch_warnings():  # of threads that draw a progress bar: a member draws none
            warnings.simplefilter("ignore", DeprecationWarning)
            for member in self.members:
                member.start()
        stepping.share = Share(0, self.size)

    # -- the leader -------------------------------------------------------------------------------

    def take(self, chosen: Array) -> None:
        """Takes the samples of the next mini-batches, by their places `[trials, samples]`."""
        self.chosen[:, : chosen.shape[1]] = chosen
        self._all(TAKE, 0, chosen.shape[1])

    def look(self, batch: slice) -> Seen:
        """Losses, metrics and gradients of one of the mini-batches that were taken."""
        self._all(LOOK, batch.start, batch.stop)
        losses, metrics = self.seen.sum(axis=0)
        return Seen(losses, metrics)

    def update(self) -> None:
        """Changes the parameters by the gradients."""
        self._all(UPDATE, self.stepping.optimiser.made, 0)

    def close(self) -> None:
        """Lets the members go."""
        self.orders[0] = LEAVE
        for post in self.posts:
            post.call()
        self.stepping.share, self.stepping.partial = WHOLE, ()

    def _all(self, order: int, first: int, second: int) -> None:
        """Everybody does that; returns when all have done it."""
        self.orders[...] = order, first, second
        for post in self.posts:
            post.call()
        self._do(0)
        for place, (post, member) in enumerate(zip(self.posts, self.members, strict=True), start=1):
            if not post.answered(member.is_alive) or self.failed[place]:
                message = "a process that trained with this one has ended before its time, perhaps for want of memory"
                raise TrainingError(f"{message}; `threads: 1` trains in one process")

    # -- everybody --------------------------------------------------------------------------------

    def _do(self, place: int) -> None:
        """The share of what is ordered."""
        order, first, second = self.orders.tolist()
        if order == TAKE:
            self.stepping.take(self.chosen[:, :second])
        elif order == LOOK:
            found = self.stepping.look(slice(first, second))
            own = self.seen[place]
            own[:, self.stepping.trials] = found.losses, found.metrics
        else:
            self.stepping.optimiser.made = first
            self.stepping.update()

    # -- a member ---------------------------------------------------------------------------------

    def _serve(self, place: int, leader: int) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the leader decides what becomes of a Ctrl-C
        self.stepping.share = Share(place, self.size)
        if self.stepping.partial:
            self.stepping.engine.gradients = self.stepping.partial[place]
        post = self.posts[place - 1]
        with suppress(BaseException):
            while post.called(lambda: os.getppid() == leader) and self.orders[0] != LEAVE:
                self.failed[place] = 1
                self._do(place)
                self.failed[place] = 0
                post.answer()
            os._exit(0)
        post.answer()
        os._exit(1)
