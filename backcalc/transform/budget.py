"""What a proof may cost: time, and the size of everything that is made on the way."""

from __future__ import annotations

from dataclasses import dataclass
from time import process_time

SECONDS = 3.0  # of a processor for one claim, so that an answer is there within five


class OutOfReach(Exception):
    """The question cannot be settled by this method within its limits; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment after which work is given up; checked inside every loop that could be long.

    It is a moment of processor time, so that a busy machine proves what an idle one does.
    """

    until: float

    @staticmethod
    def after(seconds: float) -> Deadline:
        """So many seconds of processor time from now."""
        return Deadline(process_time() + seconds)

    def check(self) -> None:
        """Raises OutOfReach where the time is over."""
        if process_time() > self.until:
            raise OutOfReach("the time was over")
