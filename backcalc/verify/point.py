"""A point to verify at: the given values where there are all, else random ones, with sizes that all differ.

Equal sizes would hide a transposition, and a value on a kink has no difference quotient, so both are avoided.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import count, product

from backcalc.formula.integers import integer
from backcalc.formula.program import Program
from backcalc.formula.tree import Num

UNIT = 97 * 10**7  # parts that a random number between 0 and 1 is counted in

Values = Mapping[str, Mapping[tuple[int, ...], Fraction]]


@dataclass(frozen=True, slots=True)
class Point:
    """Exact values of all leaves and numbers for all symbolic sizes; `chosen` says how they came about."""

    values: Values
    sizes: Mapping[str, int]
    chosen: str


def given_point(program: Program, given: Values) -> Point | None:
    """The point of the file, where every leaf and every size has a value."""
    if program.is_symbolic() or any(name not in given for name in program.leaves):
        return None
    return Point({name: given[name] for name in program.leaves}, {}, "at the given values")


def random_point(
    program: Program, given: Values, attempt: int, near: bool = False, fixed: frozenset[str] = frozenset()
) -> Point:
    """A reproducible random point; with `near`, the given values but those `fixed` moved a little, off any kink.

    Later attempts draw positive values only, for logarithms and roots.
    """
    source = random.Random(f"backcalc {attempt}")
    sizes = numbers_for(program, attempt)
    counted = program.index_names
    values: dict[str, dict[tuple[int, ...], Fraction]] = {}
    drawn: set[int] = set()
    for name in program.leaves:
        if name in given and (not near or name in fixed) and not _symbolic(program, name):
            values[name] = dict(given[name])
            continue
        values[name] = {}
        for place in _places(program, name, sizes):
            parts = source.randint(1, 96) * (UNIT // 97)
            if parts in drawn:  # no two alike: a tie of a maximum has no derivative
                parts += 97 * len(drawn)
            drawn.add(parts)
            if name in counted:
                value = Fraction(given[name][place]) if name in given else Fraction(1)
            elif near and name in given:
                value = given[name][place] + Fraction(parts, 64 * UNIT)
            else:
                value = Fraction(parts if attempt % 2 else 2 * parts - UNIT, UNIT)
            values[name][place] = value
    if near:
        chosen = "near the given values, where there is a derivative"
    else:
        chosen = "at random values" + (" for what has none" if any(name in given for name in program.leaves) else "")
    if sizes:
        chosen += " and sizes " + ", ".join(f"{name} = {size}" for name, size in sizes.items())
    return Point(values, sizes, chosen)


def numbers_for(program: Program, attempt: int = 0) -> dict[str, int]:
    """A number for every symbolic size, no two alike, none that the program has already."""
    symbols = [name for name, value in program.sizes.items() if value is None]
    taken = {axis.value for shape in program.shapes.values() for axis in shape if isinstance(axis, Num)}
    taken |= {Fraction(value) for value in program.sizes.values() if value is not None}
    free = (size for size in count(3 + attempt // 2) if size not in taken)
    return dict(zip(symbols, free, strict=False))


def _symbolic(program: Program, name: str) -> bool:
    return program.shape(name) is None


def _places(program: Program, name: str, sizes: Mapping[str, int]) -> list[tuple[int, ...]]:
    known = {size: value for size, value in program.sizes.items() if value is not None} | dict(sizes)
    extents = [integer(axis, known) for axis in program.shapes[name]]
    return list(product(*(range(1, extent + 1) for extent in extents)))
