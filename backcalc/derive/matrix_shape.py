"""The shapes of whole arrays, and the error where two do not fit."""

from __future__ import annotations

from typing import TypeAlias

from backcalc.derive.key import index_key
from backcalc.formula.print_unicode import to_unicode
from backcalc.formula.tree import Expr

Shape: TypeAlias = tuple[Expr, ...]
"""The sizes of the axes, at least two."""


class ShapeMismatch(ValueError):
    """Arrays put together whose shapes do not fit."""


def same(left: Expr, right: Expr) -> bool:
    """Whether two sizes are the same expression."""
    return left is right or index_key(left, ()) == index_key(right, ())


def written(shape: Shape) -> str:
    """The shape as it is written, `N×3`.

    >>> from backcalc.formula.tree import Ref, num
    >>> written((Ref("N"), num(3)))
    'N×3'
    """
    sizes = [to_unicode(size) for size in shape]
    return "×".join(f"({size})" if " " in size else size for size in sizes)
