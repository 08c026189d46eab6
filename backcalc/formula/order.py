"""The left sides of a set of equations, and an order in which they can be evaluated."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from backcalc.formula.affine import linear
from backcalc.formula.recurrence import Definition, Edge, Recurrence, circles, edge_of, reads_of, recurrence
from backcalc.formula.source import ProgramError, ProgramErrors, SourceEquation
from backcalc.formula.tree import ONE, Compare, Expr, Ref, names, walk


def check_names(equations: Sequence[SourceEquation], sizes: Collection[str]) -> list[ProgramError]:
    """The errors of the left sides: a name stands there once, boundary rows aside."""
    errors: list[ProgramError] = []

    def fail(message: str, equation: int, token: str, hint: str | None = None) -> None:
        errors.append(ProgramError(message, equation, token, hint))

    first: dict[str, int] = {}
    for position, equation in enumerate(equations):
        name = equation.left.name
        edge = edge_of(equation.left)
        defined = edge.name if edge is not None else name
        if edge is None and any(not isinstance(part, Ref) for part in equation.left.indices):
            fail(f"the left side of `{name}` has more than one number: a boundary row has one", position, name)
            continue
        if defined in first:
            fail(
                f"`{defined}` is defined twice: a name stands on the left once",
                position,
                name,
                f"give the second one a name of its own, as in `{name}2 = …`" if edge is None else None,
            )
        elif name in sizes:
            fail(f"`{name}` is a size and cannot be defined by an equation", position, name)
        first.setdefault(defined, position)
        repeated = [part.name for part in equation.left.indices if isinstance(part, Ref)]
        for place, index in enumerate(repeated):
            if index in repeated[:place]:
                fail(f"the index `{index}` stands twice on the left of `{name}`", position, index)
        if edge is not None:
            if edge.row > 0:
                fail(
                    f"`{name}[{edge.row}]` is one of the rows of `{name}`, which are counted from 1; "
                    "boundary rows are 0, -1, …",
                    position,
                    name,
                    f"shift the index, so that the rows that are given come before row 1, as `{name}[0] = …`",
                )
            elif not any(other.left.name == name and edge_of(other.left) is None for other in equations):
                message = f"`{name}` has a boundary row, but no equation defines its rows from 1 on"
                fail(message, position, name, f"write its recurrence, as in `{name}[t] = … {name}[t-1] …`")
        if not equation.left.indices and any(isinstance(n, Ref) and n.name == name for n in walk(equation.right)):
            hint = f"a name stands on the left once; write a new name, as in `{name}2 = …`"
            fail(f"`{name}` is defined by itself", position, name, hint)
    return errors


def order(equations: Sequence[SourceEquation], padded: Collection[str] = ()) -> list[int]:
    """The positions of the equations in an order of evaluation, as written where that is possible.

    What reads each other row by row, a recurrence, stands together. Raises ProgramErrors where equations go round in a
    circle that is none, or where a recurrence lacks its boundary row.
    """
    defined: dict[str, list[int]] = {}
    for position, equation in enumerate(equations):
        defined.setdefault(equation.left.name, []).append(position)
    edges = [edge for equation in equations if (edge := edge_of(equation.left)) is not None]
    needs = [
        sorted({place for name in needed_names(equation) for place in defined.get(name, ())}) for equation in equations
    ]
    waiting: list[tuple[int, ...]] = []
    errors: list[ProgramError] = []
    for group in sorted(circles(needs)):
        if len(group) == 1 and group[0] not in needs[group[0]]:
            waiting.append(group)
            continue
        definitions = [Definition(e.left.name, _indices(e), e.right) for e in (equations[place] for place in group)]
        whole = all(edge_of(equations[place].left) is None and _indices(equations[place]) for place in group)
        found = recurrence(definitions) if whole else None
        if found is None:
            errors.append(_circle(equations, group, needs))
            continue
        errors += _unbounded(equations, group, found, edges, padded)
        waiting.append(tuple(group[place] for place in found.order))
    if errors:
        raise ProgramErrors(errors)
    ordered: list[int] = []
    done: set[int] = set()
    while waiting:
        # One at a time, so that what is written in order stays in order.
        ready = next(g for g in waiting if all(need in done or need in g for place in g for need in needs[place]))
        ordered.extend(ready)
        done.update(ready)
        waiting.remove(ready)
    return ordered


def _indices(equation: SourceEquation) -> tuple[str, ...]:
    return tuple(index.name for index in equation.left.indices if isinstance(index, Ref))


def _unbounded(
    equations: Sequence[SourceEquation],
    group: Sequence[int],
    found: Recurrence,
    edges: Sequence[Edge],
    padded: Collection[str],
) -> list[ProgramError]:
    """The rows before the first that are read but not given; a condition on the row is taken to guard its reads."""
    given = {(edge.array, edge.row) for edge in edges}
    errors: list[ProgramError] = []
    for place in group:
        equation = equations[place]
        index = equation.left.indices[found.axes[equation.left.name]]
        assert isinstance(index, Ref)
        conditions = [node for node in walk(equation.right) if isinstance(node, Compare)]
        if any(index.name in names(condition) for condition in conditions):
            continue
        missing: dict[tuple[str, int], ProgramError] = {}
        for ref, ranges in reads_of(equation.right, found.axes):
            if ref.name in padded or not ref.indices:
                continue
            axis = found.axes[ref.name]
            away = linear(ref.indices[axis]) - linear(index)
            if not away.coefficients and away.constant > 0 and ref.name == equation.left.name:
                message = f"the last row of `{ref.name}` reads the row behind it, which is not given"
                hint = f"declare `pad: [{ref.name}]`, so that it is 0, or write `if({index.name} < …, …, 0)`"
                missing[ref.name, 1] = ProgramError(message, place, ref.name, hint)
            lowest = _lowest(ref.indices[axis], index.name, ranges)
            if lowest is None or found.step < 0:
                continue
            for row in range(lowest, 1):
                if (ref.name, row) not in given:
                    others = [*"jkl"[: len(ref.indices) - 1]]
                    places = ",".join([*others[:axis], str(row), *others[axis:]])
                    reader = "the first row" if away.coefficients or row == lowest else f"row {1 + row - lowest}"
                    message = f"{reader} of `{equation.left.name}` reads row {row} of `{ref.name}`, which is not given"
                    hint = f"add the boundary row, as in `{ref.name}[{places}] = 0`"
                    missing.setdefault((ref.name, row), ProgramError(message, place, ref.name, hint))
        errors += missing.values()
    return errors


def _lowest(place: Expr, row: str, ranges: Mapping[str, tuple[Expr, Expr]]) -> int | None:
    """The lowest value of an index expression, whose rows count from 1; None where that is not a number."""
    form = linear(place)
    for name, (lower, upper) in [*reversed(list(ranges.items())), (row, (ONE, ONE))]:  # from the innermost sum outwards
        coefficient = form.coefficients.get(Ref(name))
        if coefficient:
            form = form.without(Ref(name)) + linear(lower if coefficient > 0 else upper) * coefficient
    return form.constant.numerator if not form.coefficients else None


def needed_names(equation: SourceEquation) -> frozenset[str]:
    """The names that the right side reads; the indices of the left side are none of them."""
    return names(equation.right) - {index.name for index in equation.left.indices if isinstance(index, Ref)}


def _circle(equations: Sequence[SourceEquation], group: Sequence[int], needs: Sequence[Sequence[int]]) -> ProgramError:
    path = [group[0]]
    while True:
        following = next(position for position in needs[path[-1]] if position in group)
        if following in path:
            loop = [*path[path.index(following) :], following]
            break
        path.append(following)
    first = loop[0]
    name = equations[first].left.name
    hint = None
    if all(equations[place].left.indices for place in group):
        hint = f"in a recurrence every read looks back along one index, as `{name}[t-1]` does"
    if len(loop) == 2:
        return ProgramError(f"`{name}` is defined by itself", first, name, hint)
    chain = " → ".join(f"`{equations[position].left.name}`" for position in loop)
    return ProgramError(f"the equations go round in a circle: {chain}", first, name, hint)
