"""Where the problems of a key begin in a submission: one manner of heading is found and kept to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

_KEYWORD = "problem|question|exercise|aufgabe|task|part|q"
_HEADING = re.compile(
    r"(?P<indent>[ \t>]*)(?P<mark>#+\s*|\\(?:sub)*section\*?\{\s*|\*\*\s*|[-*]\s+)?"
    rf"(?:[\d.]+\s+(?=(?:{_KEYWORD})\b))?(?P<outer>part\s+\w{{1,3}}[\s,:.-]+(?=[a-z]?\d+(?:[.:]|\s*$)))?"
    rf"(?:(?P<keyword>{_KEYWORD})(?:\b|(?=\d))[\s.:#-]*|(?P<letter>[a-z])(?=\d))?"
    r"\(?(?P<id>\d[\w.]*?|[a-z][\w-]*?(?:\.\d+)*)(?P<end>\s*[.:)\]}]|\s*\*\*|\s-|\s*$|\s)",
    re.IGNORECASE,
)
_LETTERED = re.compile(rf"(?:{_KEYWORD}|[a-z])\s*(?=\d)", re.IGNORECASE)
_WORDS = re.compile(r"\w+")
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz")
LONGEST = 200


@dataclass(frozen=True, slots=True)
class Heading:
    """A line that may begin a problem: its place among the lines, the problem, how it looks, how deep it stands."""

    place: int
    id: str
    style: tuple[str, ...]
    depth: int


def headings(texts: Sequence[str], ids: Sequence[str]) -> dict[int, str]:
    """The problem that each line begins, by the line's place.

    Of several manners of writing a heading the one that names most problems is followed, of equals the one that says
    `Problem`, then the one that stands farthest left; a list inside a problem is none.

    >>> headings(["1. First", "   1. a step", "   2. a step", "2. Second"], ["1", "2"])
    {0: '1', 3: '2'}
    """
    named = [found for place, text in enumerate(texts) if (found := _phrase(place, text, ids)) is not None]
    rest = [id for id in ids if id not in {heading.id for heading in named}]
    numbered = [heading for place, text in enumerate(texts) for heading in _numbered(place, text, rest)]
    taken: list[Heading] = [*named]
    covered: set[str] = set()
    styles = sorted({heading.style for heading in numbered}, key=lambda style: _rank(style, numbered))
    for style in styles:
        mine = [heading for heading in numbered if heading.style == style]
        if {heading.id for heading in mine} - covered:
            fresh = [heading for heading in mine if heading.id not in covered]
            taken += mine if not covered else fresh
            covered |= {heading.id for heading in mine}
    return {heading.place: heading.id for heading in sorted(taken, key=lambda heading: heading.place)}


def _rank(style: tuple[str, ...], found: Iterable[Heading]) -> tuple[int, bool, bool, int, tuple[str, ...]]:
    mine = [heading for heading in found if heading.style == style]
    keyword, mark, _ = style
    return -len({h.id for h in mine}), not keyword, mark != "#", mine[0].depth, style


def _phrase(place: int, text: str, ids: Sequence[str]) -> Heading | None:
    """A line that has all the words of an id that is a phrase: `wide model`, `Cross-Entropy Loss (Binary)`."""
    if len(text) > LONGEST or "=" in text:
        return None
    words = _plain(text)
    phrases = [id for id in ids if len(_WORDS.findall(id)) > 1 and not _WORDS.findall(id)[-1].isdigit()]
    fitting = [id for id in phrases if f" {_plain(id)} " in f" {words} "]
    return Heading(place, max(fitting, key=len), ("", "phrase", ""), 0) if fitting else None


def _plain(text: str) -> str:
    return " ".join(_WORDS.findall(text.casefold()))


def _numbered(place: int, text: str, ids: Sequence[str]) -> Iterator[Heading]:
    matched = _HEADING.match(text) if len(text) < LONGEST * 5 else None
    if matched is None or "=" in text[: matched.end()]:
        return
    mark = (matched["mark"] or "").strip()[:1]
    bold = mark == "*" and text.strip().startswith("**")
    keyword = (matched["keyword"] or matched["letter"] or "").casefold()
    word, ends = matched["id"].casefold().strip("."), matched["end"].strip() != "" or matched.end() == len(text)
    if not keyword and not (mark in ("#", "\\") or bold or ends):
        return
    if keyword and not mark and not ends and len(text) > 60:
        return  # a sentence that speaks of a problem
    if not keyword and not word[:1].isdigit() and not mark and matched.end() == len(text) and text[-1:] not in ".:)":
        return  # a word on a line of its own
    depth = len(matched["indent"].expandtabs(4))
    for id in ids:
        own = id.casefold()
        number = _LETTERED.sub("", own, count=1)
        lettered = keyword in _LETTERS and keyword not in (own[:1], "q", "p")
        slipped = matched["outer"] and word == number and lettered  # `B3` where Q3 is meant
        if f"{keyword}{word}" == own.replace(" ", "") or (word in (own, number) and not lettered):
            kind = "outer" if matched["outer"] else "named" if keyword else ""
            level = str(depth) if not keyword or keyword in _LETTERS else ""
            yield Heading(place, id, (kind, "#" if mark == "\\" else mark, level), depth)
            return
        if slipped:
            yield Heading(place, id, ("outer", mark, str(depth)), depth)
            return
