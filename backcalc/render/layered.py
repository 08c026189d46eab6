"""Where the boxes of a picture stand: in layers from top to bottom, arrows straight and with few crossings.

Layers by the longest way from an input, inputs just above what reads them, long arrows cut into pieces by points that
stand in the layers between, the order within a layer by the mean place of the neighbours, and places by least squares
under the distances that boxes need.

Source: K. Sugiyama, S. Tagawa, M. Toda, Methods for visual understanding of hierarchical system structures, IEEE Trans.
SMC 11 (1981); the places by the pool-adjacent-violators algorithm (M. Ayer et al. 1955). Deterministic.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

SWEEPS = 8


@dataclass(frozen=True, slots=True)
class Layout:
    """The layer of every box and its middle within it; `routes` are the points that each arrow runs through, as
    (place, layer), its ends included.
    """

    layers: Mapping[str, int]
    places: Mapping[str, float]
    routes: Mapping[tuple[str, str], tuple[tuple[float, int], ...]]


def layered(names: Sequence[str], edges: Sequence[tuple[str, str]], widths: Mapping[str, float], gap: float) -> Layout:
    """Places for boxes of the given widths, at least `gap` apart; every edge goes from an earlier name to a later one.

    >>> found = layered(["x", "a", "b", "y"], [("x", "a"), ("x", "b"), ("a", "y"), ("b", "y")], {}, 10)
    >>> found.layers["y"], found.places["x"] == found.places["y"]
    (2, True)
    """
    layers: dict[str, int] = {}
    for name in names:
        layers[name] = 1 + max((layers[source] for source, target in edges if target == name), default=-1)
    ends = {target for _, target in edges}
    for name in names:  # what reads nothing stands just above what reads it
        below_it = [layers[target] for source, target in edges if source == name]
        if name not in ends and below_it:
            layers[name] = min(below_it) - 1
    chains = {edge: _chain(edge, layers) for edge in edges}
    rows: list[list[str]] = [[] for _ in range(1 + max(layers.values(), default=0))]
    for name in names:
        rows[layers[name]].append(name)
    for (source, target), chain in chains.items():
        for step, point in enumerate(chain[1:-1], start=layers[source] + 1):
            rows[step].append(point)
        assert chain[-1] == target
    above: dict[str, list[str]] = {}
    below: dict[str, list[str]] = {}
    for chain in chains.values():
        for upper, lower in pairwise(chain):
            below.setdefault(upper, []).append(lower)
            above.setdefault(lower, []).append(upper)
    _order(rows, above, below)
    places = _place(rows, above, below, widths, gap)
    routes = {
        edge: tuple((places[point], layers[edge[0]] + step) for step, point in enumerate(chain))
        for edge, chain in chains.items()
    }
    return Layout(layers, {name: places[name] for name in names}, routes)


def _chain(edge: tuple[str, str], layers: Mapping[str, int]) -> tuple[str, ...]:
    """The edge with a point in every layer between its ends."""
    source, target = edge
    between = range(layers[source] + 1, layers[target])
    return (source, *(f"{source}\0{target}\0{layer}" for layer in between), target)


def _order(rows: list[list[str]], above: Mapping[str, list[str]], below: Mapping[str, list[str]]) -> None:
    """Sorts every row by the mean place of the neighbours, down and up in turn; keeps the order that crosses least."""
    best, fewest = [list(row) for row in rows], _crossings(rows, below)
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        neighbours = above if down else below
        for position in range(1, len(rows)) if down else range(len(rows) - 2, -1, -1):
            fixed = {name: at for at, name in enumerate(rows[position + (-1 if down else 1)])}
            means = [
                (sum(fixed[n] for n in near) / len(near) if (near := neighbours.get(name)) else at, at, name)
                for at, name in enumerate(rows[position])
            ]
            rows[position] = [name for _, _, name in sorted(means)]
        if (count := _crossings(rows, below)) < fewest:
            best, fewest = [list(row) for row in rows], count
    rows[:] = best


def _crossings(rows: Sequence[Sequence[str]], below: Mapping[str, list[str]]) -> int:
    """How many pairs of arrows cross between neighbouring rows."""
    total = 0
    for upper, lower in pairwise(rows):
        at = {name: place for place, name in enumerate(lower)}
        ends = [at[target] for name in upper for target in sorted(below.get(name, ()), key=at.__getitem__)]
        total += sum(1 for first, end in enumerate(ends) for other in ends[first + 1 :] if other < end)
    return total


def _place(
    rows: Sequence[Sequence[str]],
    above: Mapping[str, list[str]],
    below: Mapping[str, list[str]],
    widths: Mapping[str, float],
    gap: float,
) -> dict[str, float]:
    """Places within the rows: as near to the middle of the neighbours as the distances allow."""
    places: dict[str, float] = {}
    offsets: dict[str, float] = {}
    for row in rows:
        here = 0.0
        for before, name in zip([None, *row], row, strict=False):
            here += 0.0 if before is None else (widths.get(before, 0) + widths.get(name, 0)) / 2 + gap
            offsets[name] = here
        for name in row:
            places[name] = offsets[name] - here / 2
    for sweep in range(2 * SWEEPS):
        neighbours = above if sweep % 2 == 0 else below
        for row in rows if sweep % 2 == 0 else reversed(rows):
            wanted = [
                sum(places[n] for n in near) / len(near) if (near := neighbours.get(name)) else places[name]
                for name in row
            ]
            free = _increasing([want - offsets[name] for want, name in zip(wanted, row, strict=True)])
            places |= {name: place + offsets[name] for name, place in zip(row, free, strict=True)}
    return places


def _increasing(values: Sequence[float]) -> list[float]:
    """The numbers in increasing order that are nearest to the given ones by squares.

    >>> _increasing([1, 3, 2])
    [1.0, 2.5, 2.5]
    """
    blocks: list[tuple[float, int]] = []
    for value in values:
        total, count = float(value), 1
        while blocks and blocks[-1][0] / blocks[-1][1] > total / count:
            before, many = blocks.pop()
            total, count = total + before, count + many
        blocks.append((total, count))
    return [total / count for total, count in blocks for _ in range(count)]
