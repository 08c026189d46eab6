"""Errors carried forward: the whole graph computed again from what this student wrote."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction

from backcalc.check.interval import INTERVALS, Interval
from backcalc.check.subject import MOST_WORK, Point, Subject
from backcalc.derive.arrays import work
from backcalc.derive.target import derivative_name
from backcalc.formula.evaluate import Array, evaluate
from backcalc.formula.integers import EvaluationError
from backcalc.formula.names import derivative_parts, is_derivative
from backcalc.formula.program import Equation

TINY = 1e-60
ONE = Interval.of(Fraction(1))
Spot = tuple[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Own:
    """A value that the student stated, and whether it is right."""

    value: Interval
    right: bool

    def degenerate(self, name: str) -> bool:
        """Whether it is a wrong value from which all follows too easily: 0, or 1 as a factor of the chain rule."""
        if self.right or self.value.width >= TINY:
            return False
        return self.value.holds_zero() or (is_derivative(name) and self.value.meets(ONE))


def recomputed(subject: Subject, own: Mapping[Spot, Own], without: str = "") -> Point | None:
    """The given point with everything computed again from the student's own values, but for those of `without`.

    None where there are none, or where it would take long. A wrong 0 earns nothing, nor does a wrong derivative that is
    1: they are not carried on.
    """
    used = {spot: value for spot, value in own.items() if spot[0] != without and not value.degenerate(spot[0])}
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
        for name, array in found.items():
            store[name] = _with_own(name, _by_chain(name, array, store, subject, used), used)
    return Point(store, start.sizes)


def _by_chain(
    name: str, array: Array[Interval], store: Mapping[str, Array[Interval]], subject: Subject, own: Mapping[Spot, Own]
) -> Array[Interval]:
    """∂J/∂x by the student's own ∂y/∂x, where every path from x leads through y: the sum over y of ∂J/∂y · ∂y/∂x."""
    given = subject.given.store
    parts = derivative_parts(name) if is_derivative(name) else ("", "")
    if parts[0] != subject.loss or name not in given:
        return array
    for factor in dict.fromkeys(spot[0] for spot in own if is_derivative(spot[0])):
        above, below = derivative_parts(factor)
        back = derivative_name(parts[0], above)
        if below != parts[1] or above == parts[0] or back not in store or factor not in given:
            continue
        steps = {**given[factor], **{place: value.value for (of, place), value in own.items() if of == factor}}
        with suppress(KeyError):
            if all(_chained(given[back], given[factor], place).meets(given[name][place]) for place in array):
                array = {place: _chained(store[back], steps, place) for place in array}
    return array


def _chained(back: Array[Interval], steps: Array[Interval], place: tuple[int, ...]) -> Interval:
    total = Interval.of(Fraction(0))
    for over, value in back.items():
        total = total + value * steps[over + place]
    return total


def _with_own(name: str, array: Array[Interval], own: Mapping[Spot, Own]) -> Array[Interval]:
    mine = {place: value.value for (of, place), value in own.items() if of == name and place in array}
    return {**array, **mine} if mine else array


def only_rounded(own: Mapping[Spot, Own], without: str = "") -> bool:
    """Whether every own value that is carried on is right as far as it is written."""
    return all(value.right for (name, _), value in own.items() if name != without)
