"""Nested lists and their shapes: numbers, names, both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import TypeVar

from backcalc.layers import Shape

LARGEST_ARRAY = 1_000_000
"""So many numbers in one array are held at most."""

T = TypeVar("T")


def shape_of(value: object) -> Shape | None:
    """The shape of nested lists, `()` of a single thing; None where the lists are not rectangular.

    >>> shape_of([[1, 2], [3, 4]]), shape_of([[1], 2])
    ((2, 2), None)
    """
    if not isinstance(value, list | tuple):
        return ()
    shapes = {shape_of(item) for item in value}
    inner = shapes.pop() if shapes else ()
    return None if shapes or inner is None else (len(value), *inner)


def flat(value: object) -> Iterator[object]:
    """The things in nested lists, in order.

    >>> list(flat([[1, 2], [3]]))
    [1, 2, 3]
    """
    if isinstance(value, list | tuple):
        for item in value:
            yield from flat(item)
    else:
        yield value


def fits(given: Shape, wanted: Shape) -> bool:
    """Whether the shapes are equal but for axes of length 1.

    >>> fits((2,), (1, 1, 2)), fits((2, 1), (1, 2)), fits((4,), (2, 2))
    (True, True, False)
    """
    return [size for size in given if size != 1] == [size for size in wanted if size != 1]


def folded(items: Sequence[T], shape: Shape) -> T | tuple[object, ...]:
    """The items, in order, as nested tuples of the shape.

    >>> folded([1, 2, 3, 4], (2, 1, 2))
    (((1, 2),), ((3, 4),))
    """
    if not shape:
        return items[0]
    level: list[object] = list(items)
    for size in reversed(shape[1:]):
        level = [tuple(level[start : start + size]) for start in range(0, len(level), size)]
    return tuple(level)


def filled(item: T, shape: Shape) -> T | tuple[object, ...]:
    """One item everywhere. The caller keeps the shape within `LARGEST_ARRAY`."""
    assert prod(shape) <= LARGEST_ARRAY
    return folded([item] * prod(shape), shape)
