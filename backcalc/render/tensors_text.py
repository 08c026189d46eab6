"""The arrays of a file as text."""

from __future__ import annotations

from backcalc.readers.tensors import Tensors
from backcalc.render.table_text import Column, grid


def render(found: Tensors) -> str:
    """A line an array: its name, type and shape, and how many numbers it holds.

    >>> from backcalc.readers.tensors import StoredTensor
    >>> print(render(Tensors("m", (StoredTensor("fc.weight", "F32", (10, 4)),))))
    tensor     type  shape    params
    ────────────────────────────────
    fc.weight  F32   [10, 4]      40
    ────────────────────────────────
    total                         40
    """
    return grid(
        [
            Column("tensor", tuple(each.name for each in found.tensors), "total", right=False),
            Column("type", tuple(each.type for each in found.tensors), right=False),
            Column("shape", tuple(str(list(each.shape)) for each in found.tensors), right=False),
            Column("params", tuple(str(each.count) for each in found.tensors), str(found.total)),
        ]
    )
