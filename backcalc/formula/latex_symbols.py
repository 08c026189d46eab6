r"""What the key knows, and what a name with its subscripts therefore is: x_1 may be the scalar x1 or an entry of x."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, product
from types import MappingProxyType

from backcalc.formula.functions import ALIASES, FUNCTIONS, REDUCTIONS, WHOLE
from backcalc.formula.names import GREEK
from backcalc.formula.tree import Expr, Ref, num

MAX_VARIANTS = 64
MAX_LABEL = 40
INDEX_LETTERS = frozenset("ijklmnpqrst")
_GREEK = frozenset(GREEK.values())

_NAMES = {name.lower(): name for name in (*FUNCTIONS, *WHOLE, *REDUCTIONS)} | dict(ALIASES)
_NAMES |= {
    "logistic": "sigmoid",
    "leakyrelu": "leaky_relu",
    "lrelu": "leaky_relu",
    "logsoftmax": "log_softmax",
    "sgn": "sign",
    "norm": "norm2",
    "arg_max": "argmax",
    "arg_min": "argmin",
    "average": "mean",
}
for _never in ("if", "div", "mod"):
    del _NAMES[_never]
CALLED: Mapping[str, str] = MappingProxyType(_NAMES)
"""A function's name in lower case, as writers spell it, to its own name."""


@dataclass(frozen=True, slots=True)
class Symbols:
    """What is known before a formula is read.

    `scalars` are plain names (`w1`, `eta`, `N`), `arrays` names with their number of axes, `functions` names that are
    called beside those of the language, `losses` what is differentiated: of them, ∂J/∂w is one name. `letters` are
    those that count something besides the usual i, j, k. `own` are arrays of the writer's, such as dZ, whose names may
    also be differentials.
    """

    scalars: frozenset[str] = frozenset()
    arrays: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    functions: frozenset[str] = frozenset()
    losses: frozenset[str] = frozenset()
    letters: frozenset[str] = frozenset()
    own: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))

    def knows(self, name: str) -> bool:
        """Whether a name is that of a quantity."""
        return name in self.scalars or name in self.arrays or name in self.losses

    def rank(self, name: str) -> int:
        """The number of axes of a whole array; 0 for anything else."""
        return self.arrays.get(name, self.own.get(name, 0))


@dataclass(frozen=True, slots=True)
class Atom:
    """One thing in a subscript: `text` where it can be part of a name, `expr` where it can be an index."""

    text: str | None
    expr: Expr | None


Variants = tuple[tuple[Atom, ...], ...]
"""The ways to divide one item of a subscript into atoms: `jk` is one label or two indices."""


def simple_atoms(symbols: Symbols, text: str) -> Variants:
    """The ways to read letters and digits in a subscript.

    >>> [[atom.text for atom in way] for way in simple_atoms(Symbols(), "jk")]
    [['jk'], ['j', 'k']]
    """
    if len(text) > MAX_LABEL:
        return ((Atom(text, None),),)
    letters = text.rstrip("0123456789")
    digits = text[len(letters) :]
    index: Expr | None = num(int(text)) if digits and not letters else None
    if (len(letters) == 1 and (not digits or letters in INDEX_LETTERS)) or letters in _GREEK or symbols.knows(text):
        index = Ref(text)
    whole = (Atom(text, index),)
    if len(text) < 2 or len(text) > 6 or letters in _GREEK:
        return (whole,)
    each = [Atom(char, num(int(char)) if char.isdigit() else Ref(char)) for char in text]
    ways = [whole, tuple(each)]
    if len(letters) > 1 and digits:
        ways.insert(1, (Atom(letters, Ref(letters)), Atom(digits, num(int(digits)))))
    return tuple(ways)


def meanings(
    symbols: Symbols, stem: str, primes: str, subscripts: Sequence[Variants], samples: Sequence[Variants]
) -> list[Ref]:
    """What a name with these subscripts and this sample or layer, `^{(i)}`, can be: the likeliest first.

    More than one where the key knows several, or where it knows none and the notation leaves it open.

    >>> known = Symbols(scalars=frozenset({"w1"}), arrays={"w": 1})
    >>> [(ref.name, len(ref.indices)) for ref in meanings(known, "w", "", [simple_atoms(known, "1")], [])]
    [('w1', 0), ('w', 1)]
    """
    if not subscripts and not samples:
        return [Ref(stem + primes)]
    best: dict[Ref, int] = {}
    for ref in islice(_candidates(stem, primes, subscripts, samples), MAX_VARIANTS):
        score, most = _score(symbols, ref), max(best.values(), default=0)
        if score > most:
            best = {ref: score}
        elif score == most and best:
            best.setdefault(ref, score)
    unknown = _unknown(stem, primes, subscripts, samples)
    if not best:
        return unknown
    above = samples[0][0][0].text if samples else None
    layers = [ref for ref in unknown if above and above.isdigit() and ref.name.startswith(stem + above)]
    found = list(best)
    if max(best.values()) == 1:
        return [*layers, found[0]] if stem[0].isupper() or stem == "b" else [found[0], *layers]
    if len(found) > 1 or not found[0].indices or found[0].name != stem + primes:
        return found
    # x^{(1)} may be a layer of its own, and mu_B the mean of a batch B rather than entry B of mu.
    others = [ref for ref in (unknown if not samples else layers if not subscripts else []) if ref not in best]
    doubtful = [ref for ref in others if samples or _is_label(symbols, found[0], ref)][:1]
    return [*doubtful, *found] if doubtful and doubtful[0].name[-1:].isupper() else [*found, *doubtful]


def _is_label(symbols: Symbols, found: Ref, label: Ref) -> bool:
    """Whether a name such as mu_B is likelier than entry B of mu, where B is nothing that the key knows."""
    letters = {index.name for index in found.indices if isinstance(index, Ref)}
    return len(label.indices) < len(found.indices) and any(
        letter not in INDEX_LETTERS | symbols.letters and not symbols.knows(letter) for letter in letters
    )


def _score(symbols: Symbols, ref: Ref) -> int:
    """2 where the key knows exactly this, 1 where it knows the array with other axes."""
    if not ref.indices:
        return 2 if symbols.knows(ref.name) else 0
    rank = symbols.rank(ref.name)
    return 0 if not rank else 2 if rank == len(ref.indices) else 1


def _candidates(stem: str, primes: str, subscripts: Sequence[Variants], samples: Sequence[Variants]) -> Iterator[Ref]:
    for ways in product(*samples, *subscripts):
        above = tuple(atom for way in ways[: len(samples)] for atom in way)
        below = tuple(atom for way in ways[len(samples) :] for atom in way)
        for own in range(len(below), -1, -1):
            if not all(atom.text for atom in below[:own]):
                continue
            labels = tuple(atom.text or "" for atom in below[:own])
            indices = below[own:]
            if above and len(above) == 1 and above[0].text and all(atom.expr is not None for atom in indices):
                for name in _names(stem, (above[0].text, *labels)):
                    yield _ref(name + primes, indices)
            if all(atom.expr is not None for atom in (*above, *indices)):
                for name in _names(stem, labels):
                    yield _ref(name + primes, (*above, *indices))


def _ref(name: str, atoms: Sequence[Atom]) -> Ref:
    return Ref(name, tuple(atom.expr for atom in atoms if atom.expr is not None))


def _names(stem: str, labels: Sequence[str]) -> Iterator[str]:
    """The spellings of a name with its own subscripts: x1 and x_1, a_o1 and a_o_1."""
    joined = stem
    for place, label in enumerate(labels):
        joined += label if label.isdigit() and (place == 0 or not labels[place - 1].isdigit()) else f"_{label}"
    yield joined
    apart = "_".join((stem, *labels))
    if apart != joined:
        yield apart
    if len(labels) == 2 and all(label.isdigit() for label in labels):
        yield stem + "".join(labels)


def _unknown(stem: str, primes: str, subscripts: Sequence[Variants], samples: Sequence[Variants]) -> list[Ref]:
    """What names mean that the key does not know: letters such as i and j are indices, words and digits are not."""
    below: list[Atom] = []
    several = len(subscripts) > 1
    for variants in subscripts:
        whole = variants[0]
        letters = variants[-1]
        split = len(letters) > 1 and all(atom.text and atom.text in INDEX_LETTERS for atom in letters)
        below.extend(letters if split else whole)
    labels: list[str] = []
    indexed = any(not atom.text or atom.text in INDEX_LETTERS for atom in below)
    while below and below[0].text is not None and below[0].text not in INDEX_LETTERS:
        could_be_index = below[0].text.isdigit() and below[0].expr is not None
        if could_be_index and (indexed or (several and not labels)):
            break
        labels.append(below.pop(0).text or "")
    above = [variants[0][0] for variants in samples]
    name = next(_names(stem, labels))
    if not all(atom.expr is not None for atom in below):
        return []
    entry = _ref(name + primes, [atom for atom in (*above, *below) if atom.expr is not None])
    if len(above) != 1 or above[0].text is None or not above[0].text.isdigit():
        return [entry]
    layer = _ref(next(_names(stem, (above[0].text, *labels))) + primes, below)
    if above[0].expr is None:
        return [layer]
    return [layer, entry] if stem[0].isupper() or stem == "b" else [entry, layer]


def divide(symbols: Symbols, run: str) -> list[str] | None:
    """Letters written side by side as the known names that they are made of, longest first; None where they are not.

    >>> divide(Symbols(scalars=frozenset({"w", "x1", "x"})), "wx1")
    ['w', 'x1']
    """
    if len(run) > 40:
        return None
    ways: list[list[str] | None] = [[]] + [None] * len(run)
    for end in range(1, len(run) + 1):
        for start in range(end):
            before = ways[start]
            if before is not None and symbols.knows(run[start:end]):
                if run[end : end + 1].isdigit():
                    continue
                ways[end] = [*before, run[start:end]]
                break
    return ways[-1]
