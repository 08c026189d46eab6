"""The numbers of a formula as they were written: each becomes a letter that may be anything it was rounded from."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from fractions import Fraction

from backcalc.check.interval import Interval
from backcalc.formula.latex_chain import Side, Written
from backcalc.formula.tree import Expr, Neg, Num, Ref, Table, rebuild

PRINTED = 14
"""A number with more significant digits was printed by a program, which computed in double precision."""
MACHINE = Fraction(1, 10**12)
"""How far such a number may be off, relatively: the rounding of a few thousand operations."""


def loosened(side: Side, exact: Collection[Fraction], *, about: bool = False) -> tuple[Expr, dict[str, Interval]]:
    """The side with a letter `#n` for each number that was rounded, and what each letter may be.

    Numbers in `exact` are meant as they stand, unless the side is nothing but a number: what is claimed is always
    judged by its digits. `about` says that the side stands after `≈`.
    """
    numbers = iter(side.numbers)
    known: dict[str, Interval] = {}
    alone = is_number(side.expr)

    def change(part: Expr, inside: bool) -> Expr:
        if isinstance(part, Num):
            written = next(numbers, None)
            half = _half(written, part, about and alone)
            if inside or half == 0 or (not alone and abs(part.value) in exact):
                return part
            name = f"#{side.start}_{len(known)}"
            known[name] = Interval.around(part.value, half)
            return Ref(name)
        return rebuild(part, lambda inner: change(inner, inside or isinstance(part, Ref)))

    return change(side.expr, False), known


def _half(written: Written | None, number: Num, about: bool) -> Fraction:
    """Half a unit of the last digit; of a whole number only where something says that it is rounded."""
    half = written.half_unit if written is not None else Fraction(0)
    if half and 2 * half * 10**PRINTED <= abs(number.value):
        return max(half, abs(number.value) * MACHINE)
    if half == 0 and number.value.denominator == 1 and written is not None and (about or written.about):
        return Fraction(1, 2)
    return half


def is_number(expr: Expr) -> bool:
    """Whether a formula is nothing but a number, or an array of numbers."""
    match expr:
        case Num() | Neg(Num()):
            return True
        case Table(items):
            return all(is_number(item) for item in items)
        case _:
            return False


def value_of(expr: Expr) -> Fraction | None:
    """The number that a formula is, where it is nothing else."""
    match expr:
        case Num(value):
            return value
        case Neg(Num(value)):
            return -value
        case _:
            return None


def entries(expr: Expr, place: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], Expr]]:
    """The entries of an array that is spelled out, by their indices; of anything else itself."""
    if not isinstance(expr, Table):
        yield place, expr
        return
    for number, item in enumerate(expr.items, start=1):
        yield from entries(item, (*place, number))


def truncated(given: Fraction, half: Fraction, true: Interval) -> bool:
    """Whether a number was cut off after its last digit instead of being rounded.

    >>> truncated(Fraction("0.00492"), Fraction("0.000005"), Interval.of(Fraction("0.00492577")))
    True
    """
    if half == 0 or given == 0:
        return False
    low, high = (given, given + 2 * half) if given > 0 else (given - 2 * half, given)
    return bool(Interval.of(low).low <= true.low and true.high < Interval.of(high).high)
