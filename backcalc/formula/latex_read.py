r"""The reader of students' mathematics: LaTeX, Unicode or code in, chains of trees out. Nothing is ever evaluated.

>>> from backcalc.formula.print_text import to_text
>>> known = Symbols(arrays={"y": 1, "z": 1})
>>> chain, = read_latex(r"\dfrac{\partial y_1}{\partial z_1} = y_1(1-y_1) \approx 0.25", known)
>>> [to_text(side.expr) for side in chain.sides], chain.relations
(['diff(y[1], z[1])', 'y[1]*(1 - y[1])', '1/4'], ('=', '≈'))
>>> chain.sides[-1].numbers[0].half_unit
Fraction(1, 200)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, islice, product

from backcalc.formula.latex_cases import CASES, MATRICES
from backcalc.formula.latex_chain import Alternative, Chain, Side, Written
from backcalc.formula.latex_cursor import SUM, Choice, Part
from backcalc.formula.latex_names import is_prose
from backcalc.formula.latex_parser import LatexParser
from backcalc.formula.latex_signs import PROSE, RELATIONS, UNITS
from backcalc.formula.latex_symbols import Symbols
from backcalc.formula.latex_tokens import Unreadable, tokens
from backcalc.formula.lexer import Token
from backcalc.formula.tree import Num, walk

MAX_READINGS = 8
LONG = 400
"""Tokens of a row from which on only the likeliest reading and one more are looked at."""


def read_latex(text: str, symbols: Symbols, *, words: bool = False) -> tuple[Chain, ...]:
    """Reads a formula, a chain of equal sides, or several in rows, or between commas and words.

    With `words` the text is code or plain text, where letters side by side are one name; otherwise it is LaTeX.
    Raises Unreadable; its `others` are the errors of further rows.
    """
    found = read_rows(text, symbols, words=words)
    errors = [piece for piece in found if isinstance(piece, Unreadable)]
    if errors:
        first = errors[0]
        raise Unreadable(first.message, text, first.start, first.end, first.hint, errors[1:])
    return tuple(piece for piece in found if isinstance(piece, Chain))


def read_rows(text: str, symbols: Symbols, *, words: bool = False) -> tuple[Chain | Unreadable, ...]:
    """As `read_latex`, but what cannot be read stands in its place among the chains and takes none with it."""
    try:
        rows = list(_rows(tokens(text, words=words), words))
    except Unreadable as error:
        return (error,)
    found: list[Chain | Unreadable] = []
    for row in rows:
        found.extend(_chains(text, row, symbols, words))
    return tuple(found)


# -- rows -------------------------------------------------------------------------------------------


def _rows(found: Sequence[Token], words: bool) -> Iterator[list[Token]]:
    """The rows of a display, without the environments and signs that only align them."""
    rows: list[list[Token]] = [[]]
    opened: list[bool] = []  # of each open environment, whether it belongs to the formula
    depth = 0
    for place, token in enumerate(found[:-1]):
        if token.kind == "begin":
            cases = token.text in CASES and not _is_system(found, place)
            opened.append(cases or (token.text in MATRICES and not _aligns(found, place)))
            if not opened[-1]:
                continue
        inner = any(opened)
        if token.kind == "finish" and not (opened and opened.pop()):
            rows.append([])
            continue
        depth += _depth(token)
        if not inner and token.kind == "amp" and depth <= 0:
            if rows[-1] and rows[-1][-1].kind not in ("relation", "operator") and found[place + 1].kind != "relation":
                rows[-1].append(token._replace(kind="separator", text="gap"))  # a second column of equations
            continue
        if not inner and token.kind == "row" and (depth <= 0 or words):
            if depth <= 0:
                rows.append([])
            continue
        rows[-1].append(token)
    joined: list[list[Token]] = []
    for row in rows:
        while row and row[0].kind == "separator" and row[0].text == "gap":
            del row[0]
        if row and joined and _continues(joined[-1], row):
            joined[-1].extend(row)
        elif row:
            joined.append(row)
    end = found[-1]
    for row in joined:
        row = list(_without_gaps(_unframed(row)))
        if row:
            yield [*row, Token("end", "", row[-1].end, max(end.end, row[-1].end))]


def _unframed(row: list[Token]) -> list[Token]:
    """The row without braces round all of it, as `\\boxed` leaves them."""
    depth = 0
    for place, token in enumerate(row):
        depth += _depth(token)
        if depth <= 0:
            around = place == len(row) - 1 and row[0].text == "{" and token.text == "}"
            return _unframed(row[1:-1]) if around else row
    return row


def _depth(token: Token) -> int:
    if token.kind != "bracket":
        return 0
    return 1 if token.text in ("(", "[", "{", "set{") else -1 if token.text in (")", "]", "}", "}set") else 0


def _is_system(found: Sequence[Token], place: int) -> bool:
    """Whether `cases` holds equations one below the other, rather than values and conditions."""
    depth = 0
    for at in range(place + 1, len(found)):
        token = found[at]
        depth += _depth(token)
        if token.kind == "relation" and depth <= 0:
            return True
        ends = token.kind in ("amp", "row", "begin", "finish", "text")
        if ends or (depth <= 0 and (token.kind == "separator" or token.text.lower() in PROSE)):
            return False
    return False


def _aligns(found: Sequence[Token], place: int) -> bool:
    """Whether an `array` holds equations rather than entries."""
    if found[place].text != "array":
        return False
    for token in islice(found, place + 1, None):
        if token.kind == "relation":
            return True
        if token.kind in ("begin", "finish") and token.text == "array":
            return False
    return False


def _continues(before: Sequence[Token], row: Sequence[Token]) -> bool:
    """Whether a row goes on with the formula of the row before it."""
    first, last = row[0], before[-1]
    if last.kind == "relation" or (last.kind == "operator" and last.text in ("+", "-", "*", "·", "/")):
        return True
    if first.kind == "operator" and first.text in ("+", "*", "·", "/"):
        return True
    return first.text == "-" and first.kind == "operator" and not any(token.kind == "relation" for token in row)


def _without_gaps(row: Sequence[Token]) -> Iterator[Token]:
    """The row without the wide blanks that separate nothing."""
    depth = 0
    for place, token in enumerate(row):
        depth += _depth(token)
        if token.kind == "separator" and token.text == "gap":
            before = row[place - 1].kind if place else "relation"
            after = row[place + 1] if place + 1 < len(row) else None
            if depth > 0 or before in ("relation", "operator", "separator", "amp"):
                continue
            if after is None or after.kind in ("relation", "separator", "amp"):
                continue
            if after.kind == "operator" and after.text not in ("-", "√"):
                continue
        yield token


# -- chains -----------------------------------------------------------------------------------------


def _chains(text: str, row: list[Token], symbols: Symbols, words: bool) -> Iterator[Chain | Unreadable]:
    at = 0
    said: list[str] = []
    probe = LatexParser(text, row, symbols, words, {})
    row = _without_remarks(row, probe)
    while row[at].kind != "end":
        token = row[at]
        if _separates(probe, token) or token.kind in ("row", "amp", "dot"):
            if token.text not in (",", "gap", "") and token.kind != "dot":
                said.append(" ".join(token.text.split()))
            at += 1
            continue
        try:
            chain, taken = _chain(text, row[at:], symbols, words, " ".join(said))
            at += taken
            yield chain
        except Unreadable as error:
            yield error
            depth = 0
            while row[at].kind != "end" and (depth > 0 or not _separates(probe, row[at])):
                depth += _depth(row[at])
                at += 1
        said = []


def _without_remarks(row: list[Token], parser: LatexParser) -> list[Token]:
    r"""The row without words that a sign follows, as in `(y - t) \text{ (from above)} \cdot h`: the formula goes on."""
    kept: list[Token] = []
    for place, token in enumerate(row):
        remark = token.kind == "text" and kept and kept[-1].kind not in ("separator", "relation")
        follows = row[place + 1] if place + 1 < len(row) else token
        if remark and follows.kind == "operator" and follows.text in ("*", "·", "/") and is_prose(parser, token):
            continue
        kept.append(token)
    return kept


def _separates(parser: LatexParser, token: Token) -> bool:
    if token.kind == "word":
        return token.text.lower() in PROSE and not parser.symbols.knows(token.text)
    return token.kind == "separator" or (token.kind == "text" and is_prose(parser, token))


def _chain(text: str, row: list[Token], symbols: Symbols, words: bool, word: str) -> tuple[Chain, int]:
    """The chain that a row begins with, all its readings, and how many tokens it takes."""
    picks: dict[str, int] = {}
    reading = _Reading(text, row, symbols, words, picks)
    choices: dict[str, Choice] = {}
    for _ in range(8 if len(row) < LONG else 2):
        choices |= reading.choices
        news = {key: choice.likely for key, choice in reading.choices.items() if key not in picks}
        if not news:
            break
        again = any(news.values())
        picks |= news
        if again:
            reading = _Reading(text, row, symbols, words, picks)
    if reading.error is not None:
        reading, picks = _other_way(text, row, symbols, words, picks, reading)
    alternatives = []
    seen = {_shape(reading)}
    for other, reason in _others(text, row, symbols, words, picks, choices):
        if _shape(other) not in seen:
            seen.add(_shape(other))
            alternatives.append(Alternative(other.sides, other.relations, reason))
    start, end = row[0].start, reading.end
    chain = Chain(reading.sides, reading.relations, reading.continues, word, start, end, tuple(alternatives))
    return chain, reading.taken


def _shape(reading: _Reading) -> tuple[object, ...]:
    return (tuple(side.expr for side in reading.sides), reading.relations)


def _other_way(
    text: str, row: list[Token], symbols: Symbols, words: bool, picks: Mapping[str, int], failed: _Reading
) -> tuple[_Reading, dict[str, int]]:
    """The one way to read a chain where the likeliest leads nowhere. Raises Unreadable where there is none, or two."""
    found: dict[tuple[object, ...], tuple[_Reading, dict[str, int]]] = {}
    for key, choice in list(failed.choices.items())[:MAX_READINGS]:
        for way in range(min(choice.ways, 3)):
            if way != picks.get(key, 0):
                tried = {**picks, key: way}
                reading = _Reading(text, row, symbols, words, tried)
                if reading.error is None:
                    found.setdefault(_shape(reading), (reading, tried))
    if len(found) != 1:
        assert failed.error is not None
        raise failed.error
    return next(iter(found.values()))


def _others(
    text: str, row: list[Token], symbols: Symbols, words: bool, picks: Mapping[str, int], choices: Mapping[str, Choice]
) -> Iterator[tuple[_Reading, str]]:
    """The other readings, those first that depart least from the likeliest; as many as the budget allows."""
    limit = MAX_READINGS if len(row) < LONG else 1
    flips = list(islice(_flips(picks, choices), limit + 1))
    for count, flip in enumerate(flips[:limit]):
        reading = _Reading(text, row, symbols, words, {**picks, **flip})
        reason = "; ".join(choices[key].reason for key in flip)
        if count == limit - 1 and len(flips) > limit:
            reason += "; there are more readings"
        if reading.error is None:
            yield reading, reason


def _flips(picks: Mapping[str, int], choices: Mapping[str, Choice]) -> Iterator[dict[str, int]]:
    for count in range(1, len(choices) + 1):
        for keys in combinations(choices, count):
            ways = [[way for way in range(choices[key].ways) if way != picks.get(key, 0)] for key in keys]
            for chosen in product(*ways):
                yield dict(zip(keys, chosen, strict=True))


class _Reading:
    """One reading of the chain that a row begins with, at these picks; `error` where it leads nowhere."""

    def __init__(self, text: str, row: list[Token], symbols: Symbols, words: bool, picks: Mapping[str, int]) -> None:
        parser = LatexParser(text, row, symbols, words, picks)
        self.error: Unreadable | None = None
        self.sides: tuple[Side, ...] = ()
        self.relations: tuple[str, ...] = ()
        self.continues = False
        self.end = row[0].end
        self.taken = 1
        try:
            self._read(parser)
        except Unreadable as error:
            self.error = error
        self.choices = parser.choices

    def _read(self, parser: LatexParser) -> None:
        relations: list[str] = []
        sides: list[Side] = []
        if parser.token.kind == "relation":
            self.continues = True
            relations.append(parser.next().text)
        while True:
            parser.notes = []
            part = parser.expression(SUM)
            unit = _unit(parser, part)
            numbers = tuple(parser.written(node) for node in walk(part.expr) if isinstance(node, Num))
            sides.append(Side(part.expr, numbers, part.start, unit or part.end, tuple(parser.notes)))
            if parser.token.kind not in ("relation", "about"):
                break
            relation = parser.next()
            relations.append("≈" if relation.kind == "about" else relation.text)
        if parser.token.kind == "command" and parser.token.text in (r"\dots", r"\ldots", r"\cdots"):
            parser.next()
        after = parser.token
        if after.kind not in ("end", "dot", "row") and not _separates(parser, after):
            raise _expected(parser)
        if after.text == "gap" and parser.ahead().text == "-":
            raise parser.error("a wide blank before a minus: the formula goes on, or another begins", after)
        self.sides, self.relations = tuple(sides), tuple(relations)
        self.end = sides[-1].end
        # Tokens may have been split or joined on the way: count those that are left.
        self.taken = len(parser.row) - (len(parser.tokens) - parser.at)


def _unit(parser: LatexParser, part: Part) -> int | None:
    """Takes the unit behind a side that ends with a number; where it ends, or None."""
    token = parser.token
    if token.kind not in ("word", "text") or parser.tokens[parser.at - 1].kind != "number":
        return None
    if token.text.strip() not in UNITS or parser.symbols.knows(token.text.strip()):
        return None
    last = next((node for node in reversed(list(walk(part.expr))) if isinstance(node, Num)), None)
    if last is None:
        return None
    parser.next()
    parser.unit(last, token.text.strip())
    return token.end


def _expected(parser: LatexParser) -> Unreadable:
    """Why the formula does not go on as it should."""
    token = parser.token
    before = parser.tokens[parser.at - 1]
    if token.kind == "number" and before.kind == "number":
        return parser.error("two numbers stand side by side", token)
    if token.kind in ("sub", "lowered"):
        return parser.error("only a name can have a subscript", token)
    return parser.unexpected("expected an operator")


__all__ = ["RELATIONS", "Alternative", "Chain", "Choice", "Side", "Symbols", "Unreadable", "Written", "read_latex"]
