"""A derivative that was asked for."""

from __future__ import annotations

from dataclasses import dataclass

from backcalc.derive.adjoint import Adjoint
from backcalc.derive.exact import Exact
from backcalc.formula.evaluate import Array
from backcalc.formula.tree import Expr


@dataclass(frozen=True, slots=True)
class Gradient:
    """A derivative that was asked for: of an array, of an own name, or of one element (`place` is then its indices)."""

    asked: str
    adjoint: Adjoint
    place: tuple[int, ...] | None
    formula: Expr
    indices: tuple[str, ...]
    value: Array[Exact] | None
