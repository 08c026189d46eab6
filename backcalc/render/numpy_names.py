"""Names of a program as Python identifiers, each its own."""

from __future__ import annotations

import keyword
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

RESERVED = frozenset(
    {"np", "math", "params", "batch", "grads", "loss", "expected", "group", "moved", "ends", "slope", "worst", "rng"}
    | {
        "loss_and_grads",
        "padded",
        "clipped",
        "largest_difference",
        "array",
        "places",
        "inside",
        "name",
        "place",
        "there",
        "point",
        "near",
        "arrays",
    }
    | {"float", "int", "dict", "range", "reversed", "len", "max", "min", "abs", "sum", "zip", "print"}
)
"""What the code uses itself."""


@dataclass
class Identifiers:
    """The identifier of every array, index and size; a name that Python or the code itself uses gets a `_`.

    >>> spell = Identifiers({"lambda", "W", "dJ/dW", "x1'", "h[0]"}, {"i", "W"}, {"N"})
    >>> [spell.array(name) for name in ("lambda", "dJ/dW", "x1'", "h[0]")], spell.index("W")
    (['lambda_', 'dJ_dW', 'x1_prime', 'h_0'], 'W_2')
    """

    arrays: Collection[str]
    indices: Collection[str]
    sizes: Collection[str]
    functions: Collection[str] = ()
    known: dict[tuple[str, str], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        taken: set[str] = set(RESERVED) | set(self.functions)
        for kind, words in (("size", self.sizes), ("array", self.arrays), ("index", self.indices)):
            for word in sorted(words):
                self.known[kind, word] = name = self.fresh(_plain(word), taken)
                taken.add(name)

    def array(self, name: str) -> str:
        """The identifier of an array."""
        return self.known["array", name]

    def index(self, name: str) -> str:
        """The identifier of an index."""
        return self.known["index", name]

    def index_or_size(self, name: str) -> str:
        """The identifier of what stands in an index."""
        return self.known.get(("index", name)) or self.known["size", name]

    def fresh(self, base: str, taken: Iterable[str]) -> str:
        """A name that nothing else has."""
        used = {*taken, *self.known.values()}
        name = base if base not in RESERVED and base not in self.functions else f"{base}_"
        count = 2
        while name in used:
            name = f"{base.rstrip('_')}_{count}"
            count += 1
        return name


def _plain(word: str) -> str:
    """A name in letters, digits and `_`; a keyword with a `_` behind it."""
    plain = re.sub(r"\W+", "_", word.replace("'", "_prime").replace("^", "")).strip("_") or "value"
    plain = f"_{plain}" if plain[0].isdigit() else plain
    return f"{plain}_" if keyword.iskeyword(plain) else plain
