"""From a submission's lines to links: chains of equal sides with their places, each link one claim."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from types import MappingProxyType

from backcalc.check.lists import Listed, listed
from backcalc.check.plain import plain_chain
from backcalc.check.subject import Subject
from backcalc.check.updates import readings, spelled_updates, stepwise
from backcalc.formula.latex_chain import Chain, Side
from backcalc.formula.latex_read import read_rows
from backcalc.formula.latex_symbols import Symbols
from backcalc.formula.latex_tokens import Unreadable
from backcalc.formula.tidy_text import tidy
from backcalc.formula.tree import Expr, Num, rebuild

LONGEST_LINE = 4000
MOST_STATEMENTS = 40
"""So many formulas with nothing but blanks between them may stand in a line."""
_REST = re.compile(
    r"(?:[ \u00a0\u2009\u202f'’]\d{3})+(?![\w'’]|[.,/]\d)|[ \u00a0\u2009\u202f](?:\d{1,3}/\d{1,3}|[KkM])(?!\w)"
)
_ENDS_IN_NUMBER = re.compile(r"[=≈]\s*[-−~]?\s*\d+(?:\.\d+)?\s*$")
_TORN = re.compile(r"(?<![\d.])\d{1,3}[ \u00a0\u2009\u202f'’]$")
LONGEST_LIST = 120
"""Characters before a formula and after it that are searched for the rest of a list."""
WIDEST = 20_000
"""Characters of a source line that are kept; no formula is read that stands further right."""

_NONE: Mapping[str, int] = MappingProxyType({})
_STEP = re.compile(r"(?<![A-Za-z0-9_\\])(?:(delta|Δ)(\s+)|(new)(\s+))(?=[A-Za-zα-ωΑ-Ω])", re.IGNORECASE)
_RELATION = re.compile(r"=|≈|~=|\\approx|←|<-\s|\\leftarrow|\\gets")
_GROUPED = re.compile(r"(?<![\w.,^{])[1-9]\d{0,2}(?:(?:[ \u00a0\u2009\u202f'’]|\\[,;: ])\d{3})+(?![\w'’]|[.,]\d)")
"""The thousands of a count: `101 178`."""
_SCALED = re.compile(r"(?<![\w.,])(\d+(?:\.\d+)?)(?:[ ~\u00a0\u2009\u202f]|\\[,;: ])([KkM])(?!\w|\s*[=*·(\[^])")
"""A number of thousands or millions: `0.1 M`."""
_SENTENCE = """
so then hence thus therefore since because and now the value of is we get have has obtain find a that first next finally
let put which gives with where for result answer step by chain rule output loss cost gradient derivative function update
updated new input hidden layer node at this as also it follows equals i here from forward backward pass total number our
my mit
"""
_WORDS = frozenset(_SENTENCE.split())
_PERCENT = re.compile(r"[\s$]*\\?%")
_NAME = r"(?:(?:new|delta)\s+)?[^\W\d][\w/.]*(?:\[[\w, ]*\])?"
_NEXT = re.compile(
    r"(?:=|≈)\s*[-−]?(?:\d[\d,]*(?:\.\d+)?|\.\d+)(?:\s*/\s*\d+)?"
    rf"(?P<blank>\s+)(?={_NAME}\s*(?:[=≈←]|:=)|{_NAME}\s+(?:is|are|was|were|has|denotes?|means?|becomes?|gives?)\b)"
)


@dataclass(frozen=True, slots=True)
class Line:
    """A piece of a submission that may hold formulas.

    `number` is its line, from 1, and `column` where `text` begins in `source`, which holds every line that it
    spans; a piece that is put together from several places has one `fixed` place of so many characters. `words` says
    that it is plain text and not LaTeX. `part` is the problem that it belongs to, where that is said. A number or the
    cell of a table has a `kind`, and `beside`, `above` and `after` are the words round it.
    `doubt` says why it is not claimed as true: it is supposed, or quoted. In a folder of files
    `file` is the one that it stands in.
    """

    text: str
    number: int
    column: int
    source: str
    words: bool = True
    part: str | None = None
    fixed: int = 0
    kind: str = "line"
    beside: str = ""
    above: str = ""
    after: str = ""
    doubt: str = ""
    file: str = ""

    @property
    def is_formula(self) -> bool:
        """Whether it may be a formula by itself, and is not only a number beside words."""
        return self.kind not in ("number", "shape", "cell", "array")


@dataclass(frozen=True, slots=True)
class Link:
    """`left relation right` at its place; `alternatives` are other readings of the whole chain."""

    line: Line
    left: Side
    right: Side
    relation: str
    text: str
    number: int
    column: int
    length: int
    source: str


@dataclass(frozen=True, slots=True)
class Lost:
    """Something that looks like a formula and cannot be read."""

    line: Line
    message: str
    text: str
    number: int
    column: int
    length: int
    source: str


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

    @property
    def goes_on(self) -> bool:
        """Whether it goes on with the chain before it: it begins with a relation, and nothing stands before that."""
        before = self.line.source.split("\n")[0][: self.line.column - 1]
        further_down = "\n" in self.line.text[: self.first.start]
        return self.continues and (further_down or not before.strip("$&\\[ \t`>"))


def chains(
    line: Line, subject: Subject, *, alone: bool = False, own: Mapping[str, int] = _NONE
) -> Iterator[Read | Lost]:
    """The chains of a line, read with what the subject knows; what cannot be read stands between them.

    With `alone` a formula without any relation is read too: the words beside it say what it is. `own` are arrays that
    the student has defined, each with its number of axes.

    >>> from backcalc.check.subject import letters_subject
    >>> [[link.text for link in read.links] for read in chains(Line("x = 2*3 = 6", 1, 1, ""), letters_subject("", "x"))]
    [['x = 2*3', '2*3 = 6']]
    """
    related = _RELATION.search(line.text) is not None
    if not related and not (alone and line.text):
        return
    most = WIDEST if line.column > WIDEST else LONGEST_LINE
    if len(line.text) > LONGEST_LINE or line.column > WIDEST:
        yield _lost_at(line, f"the line has more than {most} characters", 0, 1)
        return
    line = _whole_list(_whole_number(line), subject)
    if lists := tuple(listed(line.text, subject.symbols.knows)) if not line.fixed else ():
        yield from _of_lists(line, lists, subject, own)
        return
    symbols = _with_own(subject, own) if own else subject.symbols
    text, sign = stepwise(spelled_updates(_prepared(_signed(line.text) if line.words else line.text, subject), subject))
    found = read_rows(text, symbols, words=line.words)
    if line.words and any(isinstance(piece, Unreadable) for piece in found):
        plain = plain_chain(_without_words(text, subject), subject.symbols.losses)
        found = found if plain is None else (plain,)
    if line.words and any(isinstance(piece, Unreadable) for piece in found):
        shorter = _without_words(text, subject)
        if shorter != text:
            again = read_rows(shorter, symbols, words=True)
            if _lost(again) < _lost(found):
                found = again
    for piece in found:
        if isinstance(piece, Unreadable):
            if related:
                yield _lost_at(line, piece.message, min(piece.start, len(line.text)), min(piece.end, len(line.text)))
        elif piece.word != "if" and (len(piece.sides) > 1 or piece.continues or alone):
            yield _links(line, piece, subject, sign)


def _whole_number(line: Line) -> Line:
    """A formula of prose with the rest of the number that it was cut out of: `= 101 178`, `= 1 3/4`, `≈ 0.1 M`."""
    at, end = line.column - 1, line.column - 1 + len(line.text.rstrip())
    if not line.words or line.fixed or line.source[at:end] != line.text.rstrip():
        return line
    if not _ENDS_IN_NUMBER.search(line.text[-LONGEST_LIST:]):
        return line
    rest = _REST.match(line.source, end)
    return replace(line, text=line.source[at : rest.end()]) if rest else line


def untorn(line: Line) -> Line | None:
    """A number of prose with all of its thousands; None for what is only a part of one."""
    at = line.column - 1
    end = at + len(line.text.rstrip())
    if line.kind != "number" or line.source[at:end] != line.text.rstrip() or not line.text.rstrip()[-1:].isdigit():
        return line
    if _TORN.search(line.source[max(at - 5, 0) : at]) and line.text[:3].isdigit():
        return None
    rest = _REST.match(line.source, end)
    if rest is None:
        return line
    whole = line.source[at : rest.end()]
    if "/" in rest[0]:
        return None
    return replace(line, text=re.sub(r"[ \u00a0\u2009\u202f'’](?=\d{3}|[KkM]$)", "", whole), fixed=len(whole))


def _whole_list(line: Line, subject: Subject) -> Line:
    """A formula of prose with the rest of the lists that it was cut out of."""
    at, end = line.column - 1, line.column - 1 + len(line.text)
    if not line.words or line.fixed or line.source[at:end] != line.text or len(line.text) > LONGEST_LIST:
        return line
    begin = max(at - LONGEST_LIST, 0)
    for found in listed(line.source[begin : end + LONGEST_LIST], subject.symbols.knows):
        start, stop = begin + found.start, begin + found.end
        if start < at and end <= stop:
            return replace(line, text=line.source[start:stop], column=start + 1)
    return line


def _of_lists(line: Line, lists: tuple[Listed, ...], subject: Subject, own: Mapping[str, int]) -> Iterator[Read | Lost]:
    """The chains of a line that has lists of names with as many values, and what stands between the lists."""
    at = 0
    for found in (*lists, Listed(len(line.text), len(line.text), ())):
        between = line.text[at : found.start]
        row = line.text[:at].count("\n")
        if between.strip() and not row:
            yield from chains(replace(line, text=between, column=line.column + at), subject, own=own)
        elif row:
            yield from chains(replace(line, text=re.sub(r"[^\n]", " ", line.text[:at]) + between), subject, own=own)
        number, column, source = _placed(line, found.start)
        for text in found.formulas:
            piece = replace(line, text=text, number=number, column=column, source=source)
            yield from chains(replace(piece, fixed=found.end - found.start), subject, own=own)
        if found.end > found.start and not found.formulas:
            yield _lost_at(line, "there are not as many values as names", found.start, found.end)
        at = found.end


def _with_own(subject: Subject, own: Mapping[str, int]) -> Symbols:
    """What is known, with the student's own arrays; dZ stays a differential where it can be one."""
    plain = {name: rank for name, rank in own.items() if not name.startswith("d") or name.startswith("delta")}
    return replace(subject.symbols, arrays={**plain, **subject.symbols.arrays}, own=own)


def statements(line: Line) -> tuple[Line, ...]:
    """The formulas of a line of plain text with nothing but blanks between them; one alone where there are no others.

    >>> [piece.text for piece in statements(Line("z=2 h=2 J=1.76", 1, 1, ""))]
    ['z=2', 'h=2', 'J=1.76']
    """
    plain = line.words and not line.fixed and len(line.text) <= LONGEST_LINE
    ends = [found.span("blank") for found in _NEXT.finditer(line.text)] if plain else []
    ends = ends if len(ends) < MOST_STATEMENTS else []
    starts = [0, *(end for _, end in ends)]
    stops = [*(start for start, _ in ends), len(line.text)]
    return tuple(
        replace(line, text=line.text[start:stop], column=line.column + start)
        for start, stop in zip(starts, stops, strict=True)
    )


def _lost(found: tuple[Chain | Unreadable, ...]) -> int:
    return sum(isinstance(piece, Unreadable) for piece in found)


def _signed(text: str) -> str:
    """A dot or a colon between values, blanks on both sides, as the sign that it is in a line of prose.

    >>> _signed("(y-t) . h1 = -3.4 : 2")
    '(y-t) * h1 = -3.4 / 2'
    """
    text = re.sub(r"(?<=[)\]\w]\s)\.(?=\s[(\w])", "*", text)
    return re.sub(r"(?<=[\d)]\s):(?=\s[-−(]?[\d(])", "/", text)


def _prepared(text: str, subject: Subject) -> str:
    """The text with single names for `delta w1`, `new w1` and `conv2.weights`, no longer and no shorter."""

    def joined(found: re.Match[str]) -> str:
        if found[3]:
            return "new_".rjust(len(found[0]))
        return ("Delta_" if len(found[0]) > 5 else "Δ").rjust(len(found[0]))

    text = _STEP.sub(joined, text) if subject.loss is not None else text
    if subject.counts is not None:
        for name, dotted in subject.counts.dotted.items():
            if dotted in text:
                text = text.replace(dotted, name)
        text = _GROUPED.sub(lambda found: re.sub(r"\D", "", found[0]).rjust(len(found[0])), text)
        text = _SCALED.sub(lambda found: f"{found[1]}{found[2]}".rjust(len(found[0])), text)
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


def _lost_at(line: Line, message: str, start: int, end: int) -> Lost:
    number, column, source = _placed(line, start)
    return Lost(line, message, line.text.strip()[:200], number, column, max(end - start, 1), source)


def _placed(line: Line, start: int) -> tuple[int, int, str]:
    """Line, column and source line of an offset in a piece."""
    before = line.text[:start]
    row = before.count("\n")
    sources = line.source.split("\n")
    source = sources[min(row, len(sources) - 1)]
    if line.fixed:
        return line.number, line.column, source
    column = start - before.rfind("\n") if row else line.column + start
    if not source.isascii():
        column = tidy(source).place(column - 1) + 1
    return line.number + row, column, source


def _links(line: Line, chain: Chain, subject: Subject, sign: str) -> Read:
    """The links of a chain and of its other readings: what may be meant by its signs, and old or new value."""
    before = line.source.split("\n")[0][: line.column - 1] + line.text[: chain.start]
    read = [(chain.sides, chain.relations), *((other.sides, other.relations) for other in chain.alternatives)]
    if _PERCENT.match(line.source[line.column - 1 :].partition(line.text)[2]) and chain.end == len(line.text):
        read = [((*sides[:-1], _percent(sides[-1])), relations) for sides, relations in read]
    if any(number.unit == "%" for sides, _ in read for side in sides for number in side.numbers):
        read = [*((tuple(map(_of_percent, sides)), relations) for sides, relations in read), *read]
    ways = [
        (sides, relations)
        for written, relations in read
        for sides in ([written] if chain.continues else readings(written, relations, before, subject, sign))
    ]
    links, *others = (_linked(line, sides, relations, chain.continues) for sides, relations in ways)
    sides = ways[0][0]
    return Read(line, links, chain.continues, sides[0], sides[-1], chain.relations, tuple(others), chain.word)


def _percent(side: Side) -> Side:
    """The side with the percent sign that stands behind its last number."""
    ends = bool(side.numbers) and side.numbers[-1].end == side.end
    return replace(side, numbers=(*side.numbers[:-1], replace(side.numbers[-1], unit="%"))) if ends else side


def _of_percent(side: Side) -> Side:
    """The side with the hundredth part of what stands before a percent sign, rounded where it ends: `73 %` is 0.73."""
    numbers = iter(side.numbers)

    def change(part: Expr) -> Expr:
        if not isinstance(part, Num):
            return rebuild(part, change)
        written = next(numbers, None)
        return Num(part.value / 100) if written is not None and written.unit == "%" else part

    hundredths = tuple(
        replace(number, value=number.value / 100, half_unit=(number.half_unit or Fraction(1, 2)) / 100)
        if number.unit == "%"
        else number
        for number in side.numbers
    )
    return replace(side, expr=change(side.expr), numbers=hundredths)


def _linked(line: Line, sides: tuple[Side, ...], relations: tuple[str, ...], continues: bool) -> tuple[Link, ...]:
    between = relations[1:] if continues else relations
    return tuple(
        joined(line, left, right, relation) for left, right, relation in zip(sides, sides[1:], between, strict=False)
    )


def joined(line: Line, left: Side, right: Side, relation: str, start: int | None = None) -> Link:
    """A link of two sides, at its place in the line."""
    begin = left.start if start is None else start
    number, column, source = _placed(line, begin)
    written = line.text[begin : right.end]
    length = line.fixed or len(written.split("\n")[0]) or 1
    return Link(line, left, right, relation, " ".join(written.split()), number, column, length, source)


def led(read: Read, expr: Expr) -> Read:
    """The chain with a quantity before its first side, which is then said to be equal to it."""
    before = Side(expr, (), read.first.start, read.first.start)
    link = joined(read.line, before, read.first, "=")
    return replace(read, links=(link, *read.links), first=before, relations=("=", *read.relations), continues=False)
