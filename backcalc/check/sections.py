"""Which layer a line or the row of a table speaks of: by its name, its number, its kind, or its place in a list."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from backcalc.check.read import Line
from backcalc.check.subject import Subject
from backcalc.net.network import Node

_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_ORDINAL = re.compile(rf"\b(?:(?P<word>{'|'.join(_ORDINALS)})|(?P<number>\d{{1,2}})(?:st|nd|rd|th))\b", re.IGNORECASE)
_NUMBERED = re.compile(r"\blayer\s*#?\s*(?P<number>\d{1,2})\b", re.IGNORECASE)
_KINDS: Mapping[str, re.Pattern[str]] = {
    "pool": re.compile(r"(?:max|avg|average|sub)?[-_ ]?(?:pool|sampl)\w*", re.IGNORECASE),
    "conv": re.compile(r"\bconv\w*", re.IGNORECASE),
    "norm": re.compile(r"\b(?:batch|layer)[-_ ]?norm\w*|\bbn\b|\bnormali[sz]ation", re.IGNORECASE),
    "dense": re.compile(r"\b(?:dense|fc|fully?[- ]connect\w*|linear|affine)(?:_?\d*)\b", re.IGNORECASE),
}
_KERAS = re.compile(r"(?P<stem>[a-z0-9_]*?[a-z](?:\dd)?)(?:_(?P<number>\d+))?(?: \(\w+\))?\s*$")
_SUMMARY = re.compile(r"\b\w+ \([A-Z]\w+\)")
_LETTER = re.compile(r"\b(?P<kind>[CSFP])(?P<number>\d{1,2})\b")
_SHAPE = re.compile(r"[$\s]*\d+(?:\s*(?:×|\*|x|\\times)\s*\d+)*[$\s]*")
_LISTED = re.compile(r"[ \t]*(?:[-*+•]\s+|\(?\d{1,2}[.)]\s+|#+\s+)")
LONGEST = 400
"""Characters of a line that are looked through for the name of a layer."""
_LETTERS = {"C": "conv", "S": "pool", "P": "pool", "F": "dense"}


@dataclass(frozen=True, slots=True)
class Section:
    """The layer that a line is about, and whether it stands below that layer's own line."""

    layer: str
    sure: bool


def kind_of(node: Node) -> str:
    """conv, pool, dense, norm, or the kind itself."""
    kind = type(node.layer).kind
    for word in ("conv", "pool", "norm", "dense"):
        if word in kind:
            return word
    return "pool" if kind == "subsample2d" else kind


def steps(subject: Subject) -> tuple[Node, ...]:
    """The layers that one numbers on paper: those with weights, and pooling."""
    network = subject.network
    if network is None:
        return ()
    return tuple(node for node in network.nodes if node.parameters or kind_of(node) == "pool")


def layer_in(words: str, subject: Subject) -> str | None:
    """The layer that words name; None where they name none, or may mean several.

    >>> from backcalc.check.subject import network_subject
    >>> from backcalc.net import load_network
    >>> subject = network_subject(load_network("lenet5"), derives=False)
    >>> [layer_in(words, subject) for words in ("Second layer is pooling", "conv2", "the second convolution", "F6")]
    ['pool1', 'conv2', 'conv2', 'fc2']
    """
    nodes = steps(subject)
    names = {node.name.lower(): node.name for node in nodes if len(node.name) > 1}
    if _SUMMARY.search(words[:LONGEST]):  # a program has numbered the layers, and not as we do: `dense`, `dense_1`
        names = {low: name for low, name in names.items() if re.fullmatch(r"[a-z0-9]+_\d+", low) is None}
    if called := _any_of(tuple(names)).search(words[:LONGEST]) if names else None:
        return names[called[0].lower()]
    words = words[:LONGEST]
    if found := _LETTER.search(words):
        number, kind = int(found["number"]), _LETTERS[found["kind"]]
        return _numbered(nodes, number, kind) or _nth(nodes, number, kind)
    kinds = [kind for kind, pattern in _KINDS.items() if pattern.search(words)]
    ordinal = _ORDINAL.search(words) or _NUMBERED.search(words)
    if ordinal is not None and ("layer" in words.lower() or kinds):
        named = ordinal.groupdict().get("word")
        number = _ORDINALS.index(named.lower()) + 1 if named else int(ordinal["number"])
        behind = words[ordinal.end() :]
        if kinds and re.match(r"\s*(?:\w+\s+)?" + f"(?:{_KINDS[kinds[0]].pattern})", behind, re.IGNORECASE):
            return _nth(nodes, number, kinds[0])
        return _numbered(nodes, number, kinds[0] if kinds else None)
    if len(kinds) == 1:
        mine = [node.name for node in nodes if kind_of(node) == kinds[0]]
        return mine[0] if len(mine) == 1 else None
    return None


@lru_cache(maxsize=64)
def _any_of(names: tuple[str, ...]) -> re.Pattern[str]:
    """Any of the names as a word, the longest first."""
    either = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    return re.compile(rf"(?<![\w.])(?:{either})(?!\w)", re.IGNORECASE)


def _nth(nodes: Sequence[Node], number: int, kind: str) -> str | None:
    """The n-th layer of a kind."""
    mine = [node.name for node in nodes if kind_of(node) == kind]
    return mine[number - 1] if 0 < number <= len(mine) else None


def _numbered(nodes: Sequence[Node], number: int, kind: str | None) -> str | None:
    """The n-th layer, with pooling or without as the kind that is said of it fits."""
    rows = (nodes, [node for node in nodes if kind_of(node) != "pool"])
    candidates = {row[number - 1].name: row[number - 1] for row in rows if 0 < number <= len(row)}
    exact = [name for name, node in candidates.items() if kind is None or kind_of(node) == kind]
    loose = [name for name, node in candidates.items() if kind is not None and _fits(nodes, node, kind)]
    found = exact or loose
    return found[0] if len(found) == 1 else None


def _fits(nodes: Sequence[Node], node: Node, kind: str) -> bool:
    """Whether a layer may be called a kind: the first dense layer is a convolution over its whole image."""
    own = kind_of(node)
    first = next((other for other in nodes if kind_of(other) == "dense"), None)
    return own == kind or (kind == "conv" and node is first)


def sections(lines: Sequence[Line], subject: Subject) -> dict[int, Section]:
    """The layer that each line is about, by the line's number: its own words, else the item of the list above it."""
    found: dict[int, Section] = {}
    if subject.counts is None:
        return found
    found |= {number: Section(layer, True) for number, layer in _in_tables(lines, subject)}
    current: tuple[int, str] | None = None
    for line in lines:
        if line.text and not line.beside and line.text != line.source:
            continue
        first = line.source.split("\n")[0]
        depth = len(first) - len(first.lstrip())
        listed = _LISTED.match(first) is not None
        words = first.partition("=")[0].partition(":")[0] if "=" in first else first
        layer = layer_in(words, subject) if not line.text else None
        if line.text:
            continue
        if layer is not None and listed and "=" not in first:
            current = (depth, layer)
        elif current is not None and listed and depth <= current[0]:
            current = None
        if line.number not in found:
            if layer is not None:
                found[line.number] = Section(layer, True)
            elif current is not None:
                found[line.number] = Section(current[1], depth > current[0])
    return found


# -- tables -----------------------------------------------------------------------------------------


def _in_tables(lines: Sequence[Line], subject: Subject) -> Iterator[tuple[int, str]]:
    """The layer of each row of each table, where its rows can be matched with the layers in their order."""
    rows: list[tuple[int, str]] = []
    for line in [*(line for line in lines if line.above), None]:
        if line is not None and (not rows or line.number - rows[-1][0] <= 1):
            if not rows or line.number != rows[-1][0]:
                rows.append((line.number, line.beside))
            continue
        yield from _aligned(rows, subject)
        rows = [] if line is None else [(line.number, line.beside)]


def _aligned(rows: Sequence[tuple[int, str]], subject: Subject) -> Iterator[tuple[int, str]]:
    named = [(number, words, _row_kind(words)) for number, words in rows if not _SHAPE.fullmatch(words)]
    named = [row for row in named if row[2] not in ("input", "activation", "total")]
    nodes = steps(subject)
    for chosen in (nodes, tuple(node for node in nodes if kind_of(node) != "pool")):
        pairs = zip(chosen, named, strict=False)
        if len(chosen) == len(named) and all(kind is None or _fits(nodes, node, kind) for node, (*_, kind) in pairs):
            yield from ((number, node.name) for node, (number, _, _) in zip(chosen, named, strict=True))
            return
    yield from ((number, layer) for number, words, _ in named if (layer := layer_in(words, subject)) is not None)


def _row_kind(words: str) -> str | None:
    plain = words.lower()
    if "total" in plain:
        return "total"
    if re.search(r"\b(?:input|image|flatten|dropout)", plain):
        return "input"
    if re.search(r"\b(?:relu|tanh|sigmoid|softmax|activation)", plain) and "dense" not in plain:
        return "activation"
    if found := _LETTER.search(words):
        return _LETTERS[found["kind"]]
    return next((kind for kind, pattern in _KINDS.items() if pattern.search(words)), None)
