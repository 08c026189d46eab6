"""A node with the indices that its axes stand for, while a formula is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from backcalc.derive.matrix import Node
from backcalc.formula.tree import Expr

Axes: TypeAlias = tuple[str | None, ...]
"""An index for every axis; None for the axis that makes a column or a number a matrix."""

Ranges: TypeAlias = Mapping[str, Expr]
"""The size of every index that is free or summed over; all count from 1."""


class NoMatrixForm(ValueError):
    """Why a formula has no form over whole arrays."""


@dataclass(frozen=True, slots=True)
class Laid:
    """`node` read at the indices `axes`."""

    node: Node
    axes: Axes

    @property
    def names(self) -> frozenset[str]:
        """The indices among the axes."""
        return frozenset(index for index in self.axes if index is not None)


def axes_of(indices: tuple[str, ...]) -> Axes:
    """The axes of what has these indices: a vector is a column.

    >>> axes_of(("i",)), axes_of(())
    (('i', None), (None, None))
    """
    return indices + (None,) * (2 - len(indices))
