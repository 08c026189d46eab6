"""What `find` asks for: a gradient by a name, a Jacobian `dy/dx`, a second derivative `d^2J/dw^2`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from backcalc.net.names import NameFault, Names, Place
from backcalc.net.spec import shown

_SECOND = re.compile(r"d\s*(?:\^\s*\{?2\}?|²)\s*(?P<above>[^/\s]+)\s*/\s*(?P<below>.+)")
_TWICE = re.compile(r"d(?P<by>.+?)\s*(?:\^\s*\{?2\}?|²)")
_BOTH = re.compile(r"\(?\s*d(?P<first>[^\s()]+)[\s*·]+d(?P<second>[^\s()]+)\s*\)?")


@dataclass(frozen=True, slots=True)
class Asked:
    """A derivative that is asked for: of `above` (None: of the loss), by `by`, twice where that has two."""

    by: tuple[Place, ...]
    above: Place | None = None

    def __str__(self) -> str:
        """The derivative in its one spelling; a gradient by what the loss is differentiated by.

        >>> str(Asked((Place("w1"), Place("w2")), Place("J"))), str(Asked((Place("w1"),)))
        ('d^2J/(dw1 dw2)', 'w1')
        """
        if self.above is None:
            return str(self.by[0])
        if len(self.by) == 1:
            return f"d{self.above}/d{self.by[0]}"
        if self.by[0] == self.by[1]:
            return f"d^2{self.above}/d{self.by[0]}^2"
        return f"d^2{self.above}/(d{self.by[0]} d{self.by[1]})"


def read_asked(word: str, names: Names, loss: str | None) -> tuple[Asked, ...]:
    """What `w1`, `z[1]`, `w1..w6`, `dJ/dw1`, `dy/dx` or `d^2J/(dw1 dw2)` ask for. Raises NameFault.

    >>> names = Names({"J": (), "y": (2,), "w1": (), "w2": ()})
    >>> [str(asked) for asked in read_asked("dJ/dw1..w2", names, "J")]
    ['w1', 'w2']
    >>> [str(asked) for asked in read_asked("∂²J/∂w1²", names, "J")]
    ['d^2J/dw1^2']
    """
    plain = word.strip().replace("∂", "d")
    if second := _SECOND.fullmatch(plain):
        return (_second(word, second["above"], second["below"], names),)
    if "/" not in plain:
        return tuple(Asked((place,)) for place in names.places(plain))
    above, _, below = plain.partition("/")
    if not (above[:1] == "d" and below[:1] == "d"):
        raise NameFault(f"expected a name, an element or a range of names, got `{shown(word)}`")
    top = names.place(above[1:].strip())
    by = tuple(names.places(below[1:].strip()))
    return tuple(Asked((place,), None if str(top) == loss else top) for place in by)


def _second(word: str, above: str, below: str, names: Names) -> Asked:
    top = names.place(above)
    if top.indices is None and names.shapes.get(top.array) not in ((), None):
        raise NameFault(f"`{shown(word)}`: only a number has second derivatives here, and `{above}` is an array")
    if twice := _TWICE.fullmatch(below.strip("() ")):
        place = names.place(twice["by"])
        return Asked((place, place), top)
    if both := _BOTH.fullmatch(below):
        return Asked((names.place(both["first"]), names.place(both["second"])), top)
    message = f"expected a second derivative, got `{shown(word)}`"
    raise NameFault(message, "write `d^2J/dw^2`, or `d^2J/(dw1 dw2)`")
