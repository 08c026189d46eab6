"""Several processes that do one step of a training together.

Of several trials each process has some; of one trial some of the units where the network is a chain of dense layers,
else some of the samples. The processes are forked, and have the parameters, the gradients and the state of the rule in
common; what they compute with, the samples too, they have from before. A step is two calls, gradients and update,
after each of which all have waited for each other.

Where a system does not fork (Windows), or a library may not survive it (macOS), there is no team.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import warnings
from contextlib import suppress

import numpy as np

from backcalc.numeric.kernels.base import Array
from backcalc.numeric.meeting import Lost, Meeting, wait
from backcalc.numeric.plans.chain import chain_of
from backcalc.numeric.plans.planned import Planned
from backcalc.numeric.plans.spread import Spread, is_spread
from backcalc.numeric.run import Objective, Runner
from backcalc.numeric.settings import TrainingError
from backcalc.numeric.share import WHOLE, Share, common
from backcalc.numeric.stepping import Seen, Stepping

WORTH = 400_000
"""From so many parameters times samples, of all trials, a step is longer than it takes to divide it."""

LOOK, UPDATE, LEAVE = range(3)


def can_divide(stepping: Stepping) -> bool:
    """Whether a step is long enough to be divided, can be, and there is a way to."""
    settings, engine = stepping.settings, stepping.engine
    alone = sys.platform != "linux" or multiprocessing.current_process().daemon  # whom a pool owns forks nobody
    if settings.threads < 2 or alone or stepping.draws or settings.augments:
        return False
    things = settings.batch if settings.trials == 1 else settings.trials
    return engine.divides and things >= 2 * settings.threads and engine.flat.size * settings.batch >= WORTH


class Team:
    """A leader, which is this process, and `threads - 1` members; used as the stepping that it divides.

    Raises TrainingError where a member has died.
    """

    def __init__(self, stepping: Stepping, runner: Runner, objective: Objective) -> None:
        self.stepping = stepping
        settings = stepping.settings
        self.size, self.trials = settings.threads, settings.trials
        self.orders = common((4,), np.dtype(np.int64))
        """What is to be done; then how many steps there were, or samples from and to, and how many are taken before."""
        self.taken = 0
        self.chosen = common((self.trials, settings.batch * stepping.ahead), np.dtype(np.int64))
        self.seen = common((self.size, 2, self.trials), np.dtype(float))
        self.failed = common((self.size,), np.dtype(np.int64))
        context = multiprocessing.get_context("fork")
        self.calls, self.answers = ([context.Semaphore(0) for _ in range(self.size)] for _ in range(2))
        engine = stepping.engine
        self.meeting = Meeting(context, self.size, 2 * engine.widest_norm if isinstance(engine, Planned) else 0)
        if isinstance(engine, Planned):
            self._join(engine, runner, objective)
        stepping.share = Share(0, self.size)
        self.members = [
            context.Process(target=self._serve, args=(place, os.getpid()), daemon=True) for place in range(1, self.size)
        ]
        with warnings.catch_warnings():  # of threads that draw a progress bar: a member draws none
            warnings.simplefilter("ignore", DeprecationWarning)
            for member in self.members:
                member.start()
        self.meeting.alive = self._all_alive

    def _join(self, engine: Planned, runner: Runner, objective: Objective) -> None:
        """How the one trial is divided."""
        flat, stepping = engine.flat, self.stepping
        nodes = chain_of(runner, objective)
        if nodes is not None and is_spread(nodes):
            batch = stepping.settings.batch
            stepping.spread = Spread(runner, objective, nodes, flat, engine.gradients, batch, self.meeting)
            return
        stepping.partial = tuple(common(flat.shape, flat.dtype) for _ in range(self.size))
        engine.gradients, engine.together = stepping.partial[0], self.meeting.total

    # -- the leader -------------------------------------------------------------------------------

    def take(self, chosen: Array) -> None:
        """Hands out the places `[trials, samples]` of the samples of the next mini-batches, which all will take."""
        self.taken = chosen.shape[1]
        self.chosen[:, : self.taken] = chosen

    def look(self, batch: slice) -> Seen:
        """Losses, metrics and gradients of one of the mini-batches that were taken."""
        self._all(LOOK, batch.start, batch.stop, self.taken)
        self.taken = 0
        losses, metrics = self.seen.sum(axis=0)
        return Seen(losses, metrics)

    def update(self) -> None:
        """Changes the parameters by the gradients."""
        self._all(UPDATE, self.stepping.optimiser.made)

    def close(self) -> None:
        """Lets the members go."""
        self.orders[0] = LEAVE
        for call in self.calls[1:]:
            call.release()
        self.stepping.share, self.stepping.partial, self.stepping.spread = WHOLE, (), None

    def _all(self, order: int, first: int, second: int = 0, third: int = 0) -> None:
        """Everybody does that; returns when all have done it."""
        self.orders[...] = order, first, second, third
        try:
            for call in self.calls[1:]:
                call.release()
            self._do(0)
            for answer in self.answers[1:]:
                wait(answer, self._all_alive)
        except Lost:
            self.failed[0] = 1
        if self.failed.any():
            message = "a process that trained with this one has ended before its time, perhaps for want of memory"
            raise TrainingError(f"{message}; one thread trains in one process")

    def _all_alive(self) -> bool:
        return all(member.is_alive() for member in self.members)

    # -- everybody --------------------------------------------------------------------------------

    def _do(self, place: int) -> None:
        """The share of what is ordered."""
        order, first, second, taken = self.orders.tolist()
        if order == LOOK:
            if taken:
                self.stepping.take(self.chosen[:, :taken])
            found = self.stepping.look(slice(first, second))
            own = self.seen[place]
            own[:, self.stepping.trials] = found.losses, found.metrics
        else:
            self.stepping.optimiser.made = first
            self.stepping.update()

    # -- a member ---------------------------------------------------------------------------------

    def _serve(self, place: int, leader: int) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the leader decides what becomes of a Ctrl-C
        stepping, meeting = self.stepping, self.meeting
        stepping.share, meeting.place = Share(place, self.size), place
        if stepping.partial:
            stepping.engine.gradients = stepping.partial[place]
        meeting.alive = lambda: os.getppid() == leader
        with suppress(BaseException):
            wait(self.calls[place], meeting.alive)
            while self.orders[0] != LEAVE:
                self.failed[place] = 1
                self._do(place)
                self.failed[place] = 0
                self.answers[place].release()
                wait(self.calls[place], meeting.alive)
        self.answers[place].release()
        os._exit(0)
