"""What the words beside a number say that it counts: weights, parameters, connections, operations, a size."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NOUNS: tuple[tuple[str, str], ...] = (
    ("non_trainable", r"non[- ]trainable (?:param\w*|weights?)"),
    ("trainable", r"trainable param\w*"),
    ("biases", r"bias(?:es)?(?: weights?| terms?| parameters?)?"),
    ("params", r"param(?:eter)?s?"),
    ("weights", r"weights?"),
    ("connections", r"connections?"),
    ("macs", r"macs?|multiply[- ]accumulates?"),
    ("flops", r"flops?|floating[- ]point operations?|operations"),
    ("multiplications", r"multiplications?|products?"),
    ("additions", r"additions?|adds"),
    ("shape", r"(?:output|feature[- ]map|map)s?(?:'s)? (?:volume |tensor |image )?(?:sizes?|shapes?|dimensions?)"),
    ("shape", r"(?:sizes?|shapes?|dimensions?) of (?:the |its |each )?(?:output|max pooling|pooling|convolution)\w*"),
    ("kernel", r"(?:filter|kernel|sampling|pool(?:ing)?|window)s?(?:'s)? (?:sizes?|shapes?|dimensions?)"),
    ("filters", r"filters?|feature maps?|feature numbers?|output maps?"),
    ("times", r"times?"),
    ("memory_bytes", r"(?:kilo|mega)?bytes?|[KM]i?B"),
)
_ANY = re.compile(
    "|".join(f"(?P<n{place}>\\b(?:{pattern})(?![\\w]))" for place, (_, pattern) in enumerate(_NOUNS)), re.IGNORECASE
)
_COUNTED = re.compile(
    r"#\s*of|\bnumbers? of|\bno\. of|\btotal\b(?=.*\w)|\bcount\b|#\s*$|^\W*\w+\W*$|\bhow many", re.IGNORECASE
)
_PART = re.compile(r"\b(?:each|per|once|one|single|every|a (?:filter|neuron|kernel))\b", re.IGNORECASE)
_CLAUSES = re.compile(r"[(;,.:]\s|[(]|\bso\b|\band\b|\bthen\b|\bthus\b|\bhence\b", re.IGNORECASE)
_WORDS = """
total totals number numbers no of the all trainable learnable free model models network networks net nn cnn in for is
are equals it has have whole entire overall count we get a an its our my with without bias biases including excluding
layer layers first second third fourth fifth sixth seventh eighth ninth tenth full fully
"""
_NEUTRAL = frozenset(_WORDS.split())
_SAYS = re.compile(r"(?:=|:|≈|~|\b(?:is|are|equals?|gives|has|have|be)\b)\s*(?:about|roughly|approximately|then)?\s*$")
_ENDS = re.compile(rf"(?:{'|'.join(pattern for _, pattern in _NOUNS)})(?: (?:of|in) .{{0,40}})?$", re.IGNORECASE)
_LAYER = re.compile(r"conv|pool|subsampl|dense|fc|linear|hidden|output|flatten|bn|batch|norm|[cspf]$|max|avg", re.I)
_WITH = re.compile(r"\b(with(?:out)?|no|including|excluding|incl\.?|excl\.?|ignoring)\s+(?:the\s+)?bias", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Said:
    """What words say of a number. `counted` says that they name it as a number of something, `total` that it is the
    sum of everything, `part` that it is one of several; `bias` whether biases are in it, where that is said.
    """

    noun: str
    counted: bool
    total: bool
    part: bool
    bias: bool | None


def said(beside: str, after: str = "", above: str = "") -> Said | None:
    """The noun that a number stands beside; None where there is none.

    >>> said("Total # of parameter =").noun, said("In total", "FLOP without bias").noun, said("", "", "Param #").noun
    ('params', 'flops', 'params')
    """
    if above:
        noun = _last(above)
        return None if noun is None else Said(noun, True, False, False, _bias(above))
    before = beside.rpartition("⇒")[2]
    noun = _last(before) if _SAYS.search(before) or _ENDS.search(before) else None
    behind = _ANY.match(after.lstrip(" ("))
    core = _CLAUSES.split(_SAYS.sub("", before))[-1]
    counted = bool(_COUNTED.search(core)) and _plain(core)
    if behind is not None and (noun in (None, "shape") or not _SAYS.search(before)):
        noun = _name(behind)
    if noun is None:
        return None
    words = f"{before} {after}"
    return Said(noun, counted, "total" in core.lower(), bool(_PART.search(before)), _bias(words))


def _plain(core: str) -> bool:
    """Whether a clause says nothing but what is counted, and of which layer: no `in the first half`."""
    rest = _ANY.sub(" ", core)
    return all(word.lower() in _NEUTRAL or _LAYER.match(word) for word in re.findall(r"[^\W\d_]+", rest))


def _bias(words: str) -> bool | None:
    found = _WITH.search(words)
    return None if found is None else found[1].lower() in ("with", "including", "incl", "incl.")


def _last(words: str) -> str | None:
    """The noun that the words end with: of `weights of the connections` the first, of two clauses the last."""
    found = list(_ANY.finditer(words))
    if not found:
        return None
    last = found[-1]
    if len(found) > 1 and re.fullmatch(r"\s+(?:of|in|for)\s+(?:the\s+|all\s+)?", words[found[-2].end() : last.start()]):
        last = found[-2]
    return _name(last)


def _name(found: re.Match[str]) -> str:
    place = next(place for place in range(len(_NOUNS)) if found[f"n{place}"])
    return _NOUNS[place][0]
