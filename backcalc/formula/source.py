"""Equations as they were read, and what can be wrong with a set of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from backcalc.formula.tree import Expr, Ref


@dataclass(frozen=True, slots=True)
class SourceEquation:
    """An equation as read: `left` with plain index names, `right` with ranges still open."""

    left: Ref
    right: Expr
    layer: str = ""


class ProgramError(ValueError):
    """Equations that do not make a program: `equation` is the position in the list, `token` the word to point at."""

    def __init__(self, message: str, equation: int, token: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message, self.equation, self.token, self.hint = message, equation, token, hint


class ProgramErrors(ValueError):
    """All the errors of one set of equations, in their order."""

    def __init__(self, errors: Sequence[ProgramError]) -> None:
        super().__init__("\n".join(error.message for error in errors))
        self.errors = tuple(errors)
