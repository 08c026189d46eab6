"""What can be measured of a trained network, by name.

| measure | of every trial |
| --- | --- |
| `test.loss`, `val.loss`, `train.loss` | the loss on those samples, of the parameters that are kept |
| `test.accuracy`, `.mse`, `.rmse`, `.mae` | the same for a metric; `.metric` is the one that fits the loss |
| `params`, `epochs`, `seconds` | parameters, epochs trained, time |
| `best.epoch` | the epoch whose parameters were kept by early stopping |
| `output.range`, `.largest`, `.mean`, `.std`, `.rms` | of all that the network puts out for the training samples |
| `dead`, `dead.LAYER` | 1 where the network puts out 0 for every sample; the share of such units of a layer |
| `activation.STAT.LAYER` | mean, std, rms, largest or range of what a layer puts out for the training samples |
| `gradient.STAT.NAME` | of the derivative of the training loss by a layer's output or by an array of parameters |
| `weight.STAT.NAME` | of an array of parameters |
| `weight.w1`, `gradient.W[1,2]` | one number of it |

`A / B` is a quotient of two, `A < 0.001` (also `>`, `<=`, `>=`, `=`) is 1 where that holds and 0 where not.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from backcalc.formula.names import spelled
from backcalc.net import Network
from backcalc.net.errors import did_you_mean, said
from backcalc.net.load import exact_number
from backcalc.net.spec import shown
from backcalc.numeric.arena import arena_of

STATS = ("mean", "std", "rms", "largest", "range")
PARTS = ("train", "val", "test")
SCORES = ("loss", "accuracy", "mse", "rmse", "mae", "metric")
ALONE = ("params", "epochs", "seconds", "best.epoch", "dead")
ARRAYS = ("activation", "gradient", "weight")
RELATIONS = ("<=", ">=", "<", ">", "=")
LONGEST = 200

_TERM = re.compile(r"([\w.\\]+?)(?:\[\s*([0-9]+(?:\s*,\s*[0-9]+)*)\s*\])?")


@dataclass(frozen=True, slots=True)
class Term:
    """One quantity: its `kind`, a statistic or a score, the array it is `of`, and a place in it, from 0."""

    kind: str
    stat: str = ""
    of: str = ""
    place: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure as it is written, and what it is: a term, perhaps over another, perhaps compared with a number."""

    text: str
    term: Term
    over: Term | None = None
    relation: str = ""
    limit: float = 0.0

    @property
    def terms(self) -> tuple[Term, ...]:
        """The quantities it is made of."""
        return (self.term,) if self.over is None else (self.term, self.over)

    @property
    def less_is_better(self) -> bool:
        """Whether the best is the least: of every score but accuracy."""
        return self.term.stat != "accuracy"


class MeasureFault(ValueError):
    """Something that cannot be measured, with the way out."""

    def __init__(self, message: str, help: str | None = None) -> None:
        super().__init__(message)
        self.help = help


def read_measure(text: str) -> Measure:
    """The measure of that name. Raises MeasureFault.

    >>> read_measure("test.accuracy").term
    Term(kind='test', stat='accuracy', of='', place=())
    >>> found = read_measure("activation.rms.h2 / activation.rms.h1 < 0.1")
    >>> found.over.of, found.relation, found.limit
    ('h1', '<', 0.1)
    """
    if len(text) > LONGEST:
        raise MeasureFault(f"a measure has at most {LONGEST} characters")
    left, relation, right = text, "", ""
    for sign in RELATIONS:
        if sign in text:
            left, relation, right = (part.strip() for part in text.partition(sign))
            break
    limit = None if not relation else _number(right)
    words = [word.strip() for word in left.split("/")]
    if len(words) > 2:
        raise MeasureFault(f"`{shown(text)}` divides twice; a quotient is of two")
    terms = [_term(word) for word in words]
    return Measure(" ".join(text.split()), terms[0], (*terms, None)[1], relation, limit or 0.0)


def _number(text: str) -> float:
    try:
        number = exact_number(text)
    except ValueError as error:
        raise MeasureFault(str(error)) from None
    if number is None:
        raise MeasureFault(f"a measure is compared with a number, but this is `{shown(text)}`")
    return float(number)


def _term(text: str) -> Term:
    found = _TERM.fullmatch(text)
    words = text.split("[")[0].split(".")
    place = () if found is None or found[2] is None else tuple(int(number) - 1 for number in found[2].split(","))
    if found is not None and -1 in place:
        raise MeasureFault(f"`{shown(text)}`: indices begin with 1")
    if found is not None and (not place or words[0] in ("weight", "gradient")):
        match words:
            case [kind, stat] if kind in PARTS and stat in SCORES:
                return Term(kind, stat)
            case ["output", stat] if stat in STATS:
                return Term("output", stat)
            case ["dead", layer]:
                return Term("dead", of=spelled(layer))
            case [kind, stat, name] if kind in ARRAYS and stat in STATS and not place:
                return Term(kind, stat, spelled(name))
            case ["weight" | "gradient" as kind, name] if name not in STATS:
                return Term(kind, of=spelled(name), place=place)
            case _ if text in ALONE:
                return Term(text)
    raise MeasureFault(f"unknown measure `{shown(text)}`", _nearest(words, text))


def _nearest(words: Sequence[str], text: str) -> str:
    if words[0] in ARRAYS:
        return f"write `{words[0]}.STAT.NAME`, where STAT is {said(STATS)}"
    known = [*(f"{part}.{score}" for part in PARTS for score in SCORES), *(f"output.{stat}" for stat in STATS), *ALONE]
    every = "there are `test.accuracy`, `train.loss`, `val.loss`, `params`, `epochs`, `output.range`, `dead`, …"
    return did_you_mean(text, known, every) or every


def check_names(measure: Measure, network: Network) -> None:
    """Raises MeasureFault where the network has not what is measured."""
    layers = {node.name: node.output_shape for node in network.nodes}
    arena = arena_of(network.nodes)
    arrays = {name: piece.shape for name, piece in arena.pieces.items()}
    arrays |= {name: made.shape for name, made in arena.made.items()}
    still = {name: each.shape for name, each in arena.still.items()}
    for term in measure.terms:
        if not term.of:
            continue
        known = layers if term.kind in ("activation", "dead") else arrays | (still if term.kind == "weight" else {})
        known = known | layers if term.kind == "gradient" and term.stat else known
        if term.of not in known:
            what = "layer" if known is layers else "array of parameters"
            help = did_you_mean(term.of, known, f"there are {said([f'`{name}`' for name in list(known)[:20]], 'and')}")
            raise MeasureFault(f"`{shown(measure.text)}`: the net has no {what} `{shown(term.of)}`", help)
        if not term.stat and term.kind != "dead":
            _check_place(measure, term, known[term.of])


def _check_place(measure: Measure, term: Term, shape: tuple[int, ...]) -> None:
    if len(term.place) == len(shape) and all(at < size for at, size in zip(term.place, shape, strict=True)):
        return
    if not term.place and prod(shape) == 1:
        return
    sizes = ", ".join(map(str, shape))
    help = f"write `{term.kind}.{term.of}[{', '.join('1' * len(shape))}]`, or `{term.kind}.rms.{term.of}`"
    raise MeasureFault(f"`{shown(measure.text)}`: `{term.of}` is [{sizes}], which has no such place", help)
