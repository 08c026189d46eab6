"""What a proof may cost: time, and the size of everything that is made on the way."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic

SECONDS = 3.0  # of one claim, so that an answer is there within five


class OutOfReach(Exception):
    """The question cannot be settled by this method within its limits; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment after which work is given up; checked inside every loop that could be long."""

    until: float

    @staticmethod
    def after(seconds: float) -> Deadline:
        """So many seconds from now."""
        return Deadline(monotonic() + seconds)

    def check(self) -> None:
        """Raises OutOfReach where the time is over."""
        if monotonic() > self.until:
            raise OutOfReach("the time was over")
