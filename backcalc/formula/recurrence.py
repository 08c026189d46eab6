"""Recurrences: equations that read their own earlier rows, and the rows before the first.

`h[t,j] = tanh(sum(k, U[j,k]*h[t-1,k]) + x[t])` reads the row before; several arrays may do so together, as the gates,
the cell and the state of an LSTM. They are computed row by row, up or down. Row 0 is an array of its own, `h[0]`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from backcalc.formula.affine import at_least, linear
from backcalc.formula.tree import Add, Expr, Reduce, Ref, children, names, num, walk


@dataclass(frozen=True, slots=True)
class Edge:
    """A boundary row: where `axis` (from 0) of an array stands at `row`, the array called `name` is read.

    >>> edge = Edge("h", 0, 0)
    >>> edge.name, Edge("h", 1, 0).name
    ('h[0]', 'h[:,0]')
    """

    array: str
    axis: int
    row: int

    @property
    def name(self) -> str:
        """The name of the row as an array of its own."""
        return f"{self.array}[{':,' * self.axis}{self.row}]"


def reaches(ref: Ref, edge: Edge, early: Collection[str] = ()) -> bool:
    """Whether a read may be one of the boundary row: `h[t-1]` of row 0 is, `h[t+1]` and `h[t]` are not.

    Indices are counted from 1, those of sums that begin `early` from anywhere.

    >>> reaches(Ref("h", (Ref("t"),)), Edge("h", 0, 0))
    False
    """
    form = linear(ref.indices[edge.axis])
    if not form.coefficients:
        return form.constant == edge.row
    if any(names(atom) & frozenset(early) for atom in form.coefficients):
        return True
    lowest = form.constant + sum(form.coefficients.values())
    return any(coefficient < 0 for coefficient in form.coefficients.values()) or lowest <= edge.row


def early_indices(expr: Expr) -> frozenset[str]:
    """The indices of sums that may begin before 1, as t does in `sum(t=0..T, h[t])`.

    >>> early_indices(Reduce("sum", "t", num(0), Ref("T"), None, Ref("h", (Ref("t"),))))
    frozenset({'t'})
    """
    sums = (node for node in walk(expr) if isinstance(node, Reduce) and node.lower is not None)
    return frozenset(node.index for node in sums if node.lower is not None and not _from_one(node.lower))


def _from_one(lower: Expr) -> bool:
    form = linear(lower)
    rising = all(isinstance(atom, Ref) and c > 0 for atom, c in form.coefficients.items())
    return rising and form.constant + sum(form.coefficients.values()) >= 1


def edge_of(left: Ref) -> Edge | None:
    """The boundary row that a left side such as `h[0,j]` defines; None for a plain one."""
    rows = [(axis, linear(index)) for axis, index in enumerate(left.indices) if not isinstance(index, Ref)]
    if len(rows) != 1:
        return None
    ((axis, form),) = rows
    return Edge(left.name, axis, form.constant.numerator)


def row_spelled_out(ref: Ref) -> Ref:
    """A boundary row as a read of its array: `h[0]` at j is `h[0,j]`.

    >>> row_spelled_out(Ref("h[0]", (Ref("j"),))) == Ref("h", (num(0), Ref("j")))
    True
    >>> row_spelled_out(Ref("h[:,0]")).name
    'h[:,0]'
    """
    if not ref.name.endswith("]") or len(ref.indices) < ref.name.count(":"):  # the row as a whole, `h[:,0]`
        return ref
    array, _, inside = ref.name[:-1].rpartition("[")
    rest = iter(ref.indices)
    places = [next(rest) if part == ":" else num(int(part)) for part in inside.split(",")]
    return Ref(array, (*places, *rest))


@dataclass(frozen=True, slots=True)
class Definition:
    """What the analysis needs of an equation: its name, its indices and its body."""

    name: str
    indices: tuple[str, ...]
    body: Expr


@dataclass(frozen=True, slots=True)
class Recurrence:
    """Definitions that are computed together, row by row.

    `order` lists their positions as they follow each other within a row, `axes` the axis of each that counts the rows,
    `step` is 1 where rows go up and -1 where they go down.
    """

    order: tuple[int, ...]
    axes: Mapping[str, int]
    step: int


def recurrence(definitions: Sequence[Definition]) -> Recurrence | None:
    """How definitions that read each other can be computed row by row; None where they cannot.

    Every read of one of them must look back along one index, the same way everywhere, or stand in the same row.
    """
    rank = min(len(definition.indices) for definition in definitions)
    for axis in range(rank):
        found = _along(definitions, axis)
        if found is not None:
            return found
    return None


def _along(definitions: Sequence[Definition], first: int) -> Recurrence | None:
    """The recurrence along axis `first` of the first definition, and of the others along the axes that this implies."""
    own = {definition.name: definition for definition in definitions}
    axes = {definitions[0].name: first}
    waiting = [definitions[0].name]
    step = 0
    same_row: dict[str, set[str]] = {name: set() for name in own}
    reads = {name: list(reads_of(definition.body, own)) for name, definition in own.items()}
    while waiting:
        name = waiting.pop()
        index = own[name].indices[axes[name]]
        for ref, ranges in reads[name]:
            if ref.name not in axes:
                axis = _counting_axis(ref, index, ranges)
                if axis is None:
                    return None
                axes[ref.name] = axis
                waiting.append(ref.name)
            away = _distance(ref.indices[axes[ref.name]], index, ranges)
            if away is None or away * step < 0:
                return None
            step = away or step
            if not away:
                same_row[name].add(ref.name)
        for other in own.values():  # what reads this one counts its rows along the axis that this implies
            if other.name not in axes and any(ref.name == name for ref, _ in reads[other.name]):
                found = [
                    axis
                    for axis, candidate in enumerate(other.indices)
                    for ref, ranges in reads[other.name]
                    if ref.name == name and _distance(ref.indices[axes[name]], candidate, ranges) is not None
                ]
                if not found:
                    return None
                axes[other.name] = found[0]
                waiting.append(other.name)
    order = sorted_by_need(list(own), same_row)
    if order is None or not step or len(axes) < len(own):
        return None
    places = {definition.name: position for position, definition in enumerate(definitions)}
    return Recurrence(tuple(places[name] for name in order), axes, -step)


def reads_of(
    expr: Expr, own: Collection[str], ranges: Mapping[str, tuple[Expr, Expr]] | None = None
) -> Iterator[tuple[Ref, Mapping[str, tuple[Expr, Expr]]]]:
    """Every read of one of the definitions, with the ranges of the sums around it."""
    ranges = ranges or {}
    if isinstance(expr, Ref) and expr.name in own:
        yield expr, ranges
    if isinstance(expr, Reduce) and expr.lower is not None and expr.upper is not None:
        ranges = {**ranges, expr.index: (expr.lower, expr.upper)}
    for part in children(expr):
        yield from reads_of(part, own, ranges)


def _counting_axis(ref: Ref, index: str, ranges: Mapping[str, tuple[Expr, Expr]]) -> int | None:
    for axis, place in enumerate(ref.indices):
        if _distance(place, index, ranges) is not None:
            return axis
    return None


def _distance(place: Expr, index: str, ranges: Mapping[str, tuple[Expr, Expr]]) -> int | None:
    """-1 where a place lies before the row `index`, 1 behind it, 0 in it; None where that is not certain."""
    form = linear(place) - linear(Ref(index))
    if not form.coefficients:
        return (form.constant > 0) - (form.constant < 0)
    if at_least(Ref(index), Add((place, num(1))), ranges, frozenset()):
        return -1
    return 1 if at_least(place, Add((Ref(index), num(1))), ranges, frozenset()) else None


def sorted_by_need(names: Sequence[str], needs: Mapping[str, Iterable[str]]) -> list[str] | None:
    """The names, each behind what it needs, as given where that is possible; None where they go round in a circle.

    >>> sorted_by_need(["h", "c"], {"h": ["c"]})
    ['c', 'h']
    """
    done: list[str] = []
    waiting = list(names)
    while waiting:
        ready = next((n for n in waiting if all(need in done or need not in names for need in needs.get(n, ()))), None)
        if ready is None:
            return None
        done.append(ready)
        waiting.remove(ready)
    return done


def circles(needs: Sequence[Iterable[int]]) -> list[tuple[int, ...]]:
    """The positions in groups that need each other, every group behind what it needs (Tarjan 1972, iterative).

    Within the order that needs impose, groups come in the order of their first member.

    >>> circles([[], [2], [1, 0], [3]])
    [(0,), (1, 2), (3,)]
    """
    found: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    on_stack: set[int] = set()
    groups: list[tuple[int, ...]] = []
    for root in range(len(needs)):
        if root in found:
            continue
        work = [(root, iter(sorted(needs[root])))]
        found[root] = low[root] = len(found)
        stack.append(root)
        on_stack.add(root)
        while work:
            here, rest = work[-1]
            following = next(rest, None)
            if following is None:
                work.pop()
                if work:
                    above = work[-1][0]
                    low[above] = min(low[above], low[here])
                if low[here] == found[here]:
                    group: list[int] = []
                    while not group or group[-1] != here:
                        group.append(stack.pop())
                        on_stack.discard(group[-1])
                    groups.append(tuple(sorted(group)))
            elif following not in found:
                found[following] = low[following] = len(found)
                stack.append(following)
                on_stack.add(following)
                work.append((following, iter(sorted(needs[following]))))
            elif following in on_stack:
                low[here] = min(low[here], found[following])
    return groups
