"""Errors carried forward: the whole graph computed again from what this student wrote."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from backcalc.check.interval import INTERVALS, Interval
from backcalc.check.subject import MOST_WORK, Point, Subject
from backcalc.derive.arrays import work
from backcalc.formula.evaluate import Array, evaluate
from backcalc.formula.integers import EvaluationError
from backcalc.formula.program import Equation

TINY = 1e-60
Spot = tuple[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Own:
    """A value that the student stated, and whether it is right."""

    value: Interval
    right: bool

    @property
    def degenerate(self) -> bool:
        """Whether it is a wrong value from which everything follows too easily: 0."""
        return not self.right and self.value.holds_zero() and bool(self.value.width < TINY)


def recomputed(subject: Subject, own: Mapping[Spot, Own], without: str = "") -> Point | None:
    """The given point with everything computed again from the student's own values, but for those of `without`.

    None where there are none, or where it would take long. A wrong 0 earns nothing: it is not carried on.
    """
    used = {spot: value for spot, value in own.items() if spot[0] != without and not value.degenerate}
    program, start = subject.program, subject.given
    if not used or not 0 <= work(program, start.sizes) <= MOST_WORK:
        return None
    store: dict[str, Array[Interval]] = {
        name: _with_own(name, array, used) for name, array in start.store.items() if name not in program.by_name
    }
    for block in program.blocks:
        group = (block,) if isinstance(block, Equation) else block.equations
        try:
            found = evaluate(program.part(group), store, INTERVALS, start.sizes)
        except EvaluationError:
            continue
        store |= {name: _with_own(name, array, used) for name, array in found.items()}
    return Point(store, start.sizes)


def _with_own(name: str, array: Array[Interval], own: Mapping[Spot, Own]) -> Array[Interval]:
    mine = {place: value.value for (of, place), value in own.items() if of == name and place in array}
    return {**array, **mine} if mine else array


def only_rounded(own: Mapping[Spot, Own], without: str = "") -> bool:
    """Whether every own value that is carried on is right as far as it is written."""
    return all(value.right for (name, _), value in own.items() if name != without)
