"""A second evaluator of the tests' own, for equations that read their own rows: an element when it is asked for.

Nothing here knows in which order rows are computed, nor that a recurrence is one; a circle would never end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from backcalc.derive import Derivation
from backcalc.formula.program import Program
from backcalc.formula.tree import Expr, Table

from .witness import MP, Place, Store, places, value

STEP = MP.mpf(10) ** -20


class Elements(dict[Place, Any]):
    """An array that is computed element by element, when it is read."""

    def __init__(self, compute: Callable[[Place], Any], inside: Iterable[Place], beside: Iterable[int] = ()) -> None:
        super().__init__()
        self.compute, self.inside, self.beside = compute, frozenset(inside), frozenset(beside)

    def __contains__(self, place: object) -> bool:
        return place in self.inside or (isinstance(place, tuple) and any(row in self.beside for row in place))

    def __missing__(self, place: Place) -> Any:
        assert place in self, f"read outside the range, at {place}"
        self[place] = self.compute(place)
        return self[place]


def elementwise(
    program: Program,
    leaves: Mapping[str, Mapping[Place, Any]],
    sizes: Mapping[str, int],
    moved: tuple[str, Place, Any] | None = None,
) -> Store:
    """All arrays of a program; one element may be `moved` away from what its equation says."""
    store: Store = {}
    known = {n: v for n, v in program.sizes.items() if v is not None} | dict(sizes)

    def add(name: str, formula: Callable[[Place], Any]) -> None:
        edges = program.rows_beside.get(name, ())

        def compute(place: Place) -> Any:
            for edge in edges:
                if place[edge.axis] == edge.row:
                    return store[edge.name][place[: edge.axis] + place[edge.axis + 1 :]]
            found = formula(place)
            return found + moved[2] if moved is not None and moved[:2] == (name, place) else found

        store[name] = Elements(compute, places(program, name, sizes), [edge.row for edge in edges])

    def by_body(indices: tuple[str, ...], body: Expr) -> Callable[[Place], Any]:
        def formula(place: Place) -> Any:
            entry = body
            for at in place if isinstance(body, Table) else ():
                assert isinstance(entry, Table)
                entry = entry.items[at - 1]
            frame = {**known, **dict(zip(indices, place, strict=False))}
            return value(entry, frame, store, program.padded)

        return formula

    for name in program.leaves:
        add(name, leaves[name].__getitem__)
    for equation in program.equations:
        add(equation.name, by_body(equation.indices, equation.body))
    return store


def slope(
    program: Program,
    leaves: Mapping[str, Mapping[Place, Any]],
    sizes: Mapping[str, int],
    of: tuple[str, Place],
    by: tuple[str, Place],
) -> Any:
    """(y(u + h) − y(u − h))/2h for one element y and one element u."""
    ends = [elementwise(program, leaves, sizes, (*by, step))[of[0]][of[1]] for step in (STEP, -STEP)]
    return (ends[0] - ends[1]) / (2 * STEP)


def second_slope(
    program: Program,
    leaves: Mapping[str, Mapping[Place, Any]],
    sizes: Mapping[str, int],
    loss: str,
    one: tuple[str, Place],
    two: tuple[str, Place],
) -> Any:
    """∂²J/∂u∂v of two leaves by four values of J alone; the error is of the order of h²."""
    step = MP.mpf(10) ** -15
    total = MP.mpf(0)
    for sign_one in (1, -1):
        for sign_two in (1, -1):
            arrays = {name: dict(array) for name, array in leaves.items()}
            arrays[one[0]][one[1]] += sign_one * step
            arrays[two[0]][two[1]] += sign_two * step
            total += sign_one * sign_two * elementwise(program, arrays, sizes)[loss][()]
    return total / (4 * step**2)


def values_of(derivation: Derivation, leaves: Mapping[str, Mapping[Place, Any]], sizes: Mapping[str, int]) -> Store:
    """The forward pass and every derivative by its closed form."""
    return elementwise(derivation.adjoint_program(), leaves, sizes)


def disagreements(
    derivation: Derivation, leaves: Mapping[str, Mapping[Place, Any]], sizes: Mapping[str, int], most: int = 4
) -> list[str]:
    """What is claimed and is not the difference quotient: chains, closed forms and every unrolled sum, of all parts."""
    found = []
    for part in derivation.parts:
        program, store = part.program, values_of(part, leaves, sizes)
        known = {n: v for n, v in program.sizes.items() if v is not None} | dict(sizes)
        for adjoint in part.adjoints.values():
            formulas = [("chain", adjoint.chain), ("closed", adjoint.closed)]
            formulas += [("unrolled", step.after) for step in adjoint.steps if step.rule == "unroll"]
            lead = len(adjoint.indices) - len(program.shapes[adjoint.of])
            everywhere = [
                (at, by) for at in places(program, part.loss, sizes) for by in places(program, adjoint.of, sizes)
            ]
            assert all(len(at) == lead for at, _ in everywhere)
            for at, by in everywhere[:: max(1, len(everywhere) // most)]:
                frame = {**known, **dict(zip(adjoint.indices, at + by, strict=True))}
                true = slope(program, leaves, sizes, (part.loss, at), (adjoint.of, by))
                for what, formula in formulas:
                    claim = value(formula, frame, store, program.padded)
                    if not abs(claim - true) <= MP.mpf(10) ** -25 * max(1, abs(true)):
                        place = [*at, *by]
                        found.append(f"{adjoint.name}{place} {what} = {MP.nstr(claim, 12)}, not {MP.nstr(true, 12)}")
    return found
