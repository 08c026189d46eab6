"""From a submission's lines to links: chains of equal sides with their places, each link one claim."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from backcalc.check.subject import Subject
from backcalc.formula.latex_chain import Chain, Side
from backcalc.formula.latex_read import read_rows
from backcalc.formula.latex_tokens import Unreadable

LONGEST_LINE = 4000

_STEP = re.compile(r"(?<![A-Za-z0-9_\\])(?:(delta|Δ)(\s+)|(new)(\s+))(?=[A-Za-zα-ωΑ-Ω])", re.IGNORECASE)
_RELATION = re.compile(r"=|≈|~=|\\approx|←")
_WORDS = frozenset(
    "so then hence thus therefore since because and now the value of is we get have has obtain find a that first next"
    " finally let put which gives with where for result answer step by chain rule output loss cost gradient derivative"
    " function update updated new input hidden layer node at this as also it follows equals i here from forward"
    " backward pass layer's total number our my".split()
)


@dataclass(frozen=True, slots=True)
class Line:
    """A piece of a submission that may hold formulas.

    `number` is its line, from 1, and `column` where `text` begins in `source`; a piece that is put together from
    several places has one `fixed` place of so many characters. `words` says that it is plain text and not LaTeX.
    `part` is the problem that it belongs to, where that is said.
    """

    text: str
    number: int
    column: int
    source: str
    words: bool = True
    part: str | None = None
    fixed: int = 0


@dataclass(frozen=True, slots=True)
class Link:
    """`left relation right` at its place; `alternatives` are other readings of the whole chain."""

    line: Line
    left: Side
    right: Side
    relation: str
    text: str
    column: int
    length: int


@dataclass(frozen=True, slots=True)
class Lost:
    """Something that looks like a formula and cannot be read."""

    line: Line
    message: str
    column: int
    length: int
    text: str


@dataclass(frozen=True, slots=True)
class Read:
    """One chain as links; `continues` says that it begins with a relation and goes on with the chain before it.

    `others` are the links of further readings.
    """

    line: Line
    links: tuple[Link, ...]
    continues: bool
    first: Side
    last: Side
    relations: tuple[str, ...]
    others: tuple[tuple[Link, ...], ...] = ()
    word: str = ""


def chains(line: Line, subject: Subject) -> Iterator[Read | Lost]:
    """The chains of a line, read with what the subject knows; what cannot be read stands between them.

    >>> from backcalc.check.subject import letters_subject
    >>> [[link.text for link in read.links] for read in chains(Line("x = 2*3 = 6", 1, 1, ""), letters_subject("", "x"))]
    [['x = 2*3', '2*3 = 6']]
    """
    if not _RELATION.search(line.text):
        return
    if len(line.text) > LONGEST_LINE:
        yield Lost(line, f"the line has more than {LONGEST_LINE} characters", line.column, 1, line.text[:60])
        return
    text = _prepared(line.text, subject)
    found = read_rows(text, subject.symbols, words=line.words)
    if line.words and any(isinstance(piece, Unreadable) for piece in found):
        shorter = _without_words(text, subject)
        if shorter != text:
            again = read_rows(shorter, subject.symbols, words=True)
            if _lost(again) < _lost(found):
                found = again
    for piece in found:
        if isinstance(piece, Unreadable):
            if _RELATION.search(line.text[piece.start :]) or _RELATION.search(line.text):
                yield _unread(line, piece)
        elif piece.word != "if" and (len(piece.sides) > 1 or piece.continues):
            yield _links(line, piece)


def _lost(found: tuple[Chain | Unreadable, ...]) -> int:
    return sum(isinstance(piece, Unreadable) for piece in found)


def _prepared(text: str, subject: Subject) -> str:
    """The text with single names for `delta w1`, `new w1` and `conv2.weights`, no longer and no shorter."""

    def joined(found: re.Match[str]) -> str:
        if found[1]:
            return " " * (len(found[0]) - 5) + "Delta" if len(found[0]) >= 5 else "Δ".rjust(len(found[0]))
        return " " * (len(found[0]) - 4) + "new_"

    text = _STEP.sub(joined, text) if subject.loss is not None else text
    if subject.counts is not None:
        for name, dotted in subject.counts.dotted.items():
            if dotted in text:
                text = text.replace(dotted, name)
    return text


def _without_words(text: str, subject: Subject) -> str:
    """Blanks in place of the harmless words that a sentence begins with; columns stay as they are."""
    at = 0
    for word in re.finditer(r"[^\s]+", text):
        plain = word[0].strip(",.:;()").lower()
        if plain not in _WORDS or subject.symbols.knows(word[0]):
            break
        at = word.end()
    return " " * at + text[at:]


def _unread(line: Line, error: Unreadable) -> Lost:
    start, end = min(error.start, len(line.text)), max(min(error.end, len(line.text)), error.start + 1)
    return Lost(line, error.message, line.column + start, end - start, line.text.strip()[:200])


def _links(line: Line, chain: Chain) -> Read:
    links = _linked(line, chain.sides, chain.relations, chain.continues)
    others = tuple(_linked(line, other.sides, other.relations, chain.continues) for other in chain.alternatives)
    return Read(
        line, links, chain.continues, chain.sides[0], chain.sides[-1], chain.relations, others, chain.word
    )


def _linked(line: Line, sides: tuple[Side, ...], relations: tuple[str, ...], continues: bool) -> tuple[Link, ...]:
    between = relations[1:] if continues else relations
    return tuple(
        joined(line, left, right, relation)
        for left, right, relation in zip(sides, sides[1:], between, strict=False)
    )


def joined(line: Line, left: Side, right: Side, relation: str, start: int | None = None) -> Link:
    """A link of two sides, at its place in the line."""
    begin = left.start if start is None else start
    length = max(right.end - begin, 1)
    text = line.text[begin : right.end].strip()
    if line.fixed:
        return Link(line, left, right, relation, text, line.column, line.fixed)
    return Link(line, left, right, relation, text, line.column + begin, length)
