"""What is asked for, taken apart: what is differentiated, by what, and where."""

from __future__ import annotations

from dataclasses import dataclass

from backcalc.derive.target import derivative_name
from backcalc.formula.program import Program
from backcalc.net.asked import Asked, read_asked
from backcalc.net.names import Place
from backcalc.net.read import names_of


class DerivationError(ValueError):
    """Why there is nothing to derive, with the way out."""


@dataclass(frozen=True, slots=True)
class Question:
    """The derivative of `target` by `by`; where `first` is set the target is itself the derivative by that.

    `at` are the indices of the target, where one of its elements is asked for, `above` what is differentiated twice.
    """

    asked: str
    target: str
    by: Place
    at: tuple[int, ...] | None = None
    first: Place | None = None
    above: str = ""

    @property
    def place(self) -> tuple[int, ...] | None:
        """The indices of the one element that is asked for; None where the whole array is."""
        if self.by.indices is None and self.at is None:
            return None
        return (*(self.at or ()), *(self.by.indices or ()))


def questions(words: tuple[str, ...], program: Program, loss: str | None) -> tuple[Question, ...]:
    """The questions that words such as `w1`, `dy/dx` or `d^2J/dw^2` stand for. Raises NameFault."""
    names = names_of(program)
    return tuple(_question(word, asked, loss or "") for word in words for asked in read_asked(word, names, loss))


def _question(word: str, asked: Asked, loss: str) -> Question:
    if asked.above is None:
        return Question(word, loss, asked.by[0])
    if len(asked.by) == 1:
        return Question(word, asked.above.array, asked.by[0], asked.above.indices)
    first, second = asked.by
    above = asked.above.array
    return Question(word, derivative_name(above, first.array), second, first.indices, first, above)
