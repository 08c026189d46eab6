"""A plan: stages in an order in which each finds what it reads, forward, and back along the same ways.

A value that several stages read has the sum of their derivatives, added up in the memory of the first that comes back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from backcalc.numeric.kernels.base import Array
from backcalc.numeric.plans.joined import Joint
from backcalc.numeric.plans.stages import Stage


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """A stage in its place: the names of the values that it reads, and of that which it puts out.

    `learns` says that it has parameters to learn, or stands behind some.
    """

    name: str
    reads: tuple[str, ...]
    stage: Stage | Joint
    learns: bool


class Graph:
    """The stages for a block of samples."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        self.tasks = tuple(tasks)

    def forward(self, given: Mapping[str, Array], drawn: Mapping[str, Array]) -> Mapping[str, Array]:
        """All values by name, the given ones too; one that a stage changes in place is what became of it."""
        values = dict(given)
        for task in self.tasks:
            stage = task.stage
            if isinstance(stage, Stage):
                values[task.name] = stage.forward(values[task.reads[0]], drawn)
            else:
                values[task.name] = stage.forward([values[name] for name in task.reads], drawn)
        return values

    def backward(self, start: str, gradient: Array, *, fresh: bool) -> None:
        """Goes back from the derivative by one value; `fresh` says that there are none by parameters to add to."""
        into = {start: gradient}
        for task in reversed(self.tasks):
            here = into.pop(task.name, None)
            if here is None or not task.learns:
                continue
            stage = task.stage
            stage.fresh = fresh
            if isinstance(stage, Stage):
                _add(into, task.reads[0], stage.backward(here))
            else:
                for name, each in zip(task.reads, stage.backward(here), strict=True):
                    _add(into, name, each)


def _add(into: dict[str, Array], name: str, gradient: Array | None) -> None:
    """Adds a derivative by a value to those that came before, in their memory."""
    if gradient is None:
        return
    if name in into:
        into[name] += gradient
    else:
        into[name] = gradient
