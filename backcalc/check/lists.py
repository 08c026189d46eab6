"""Several claims in one: `dJ/dv1, dJ/dv2 = -0.1, 0.3` has a name for each value."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_SIGN = re.compile(r"(?<![<>!:=~])=(?!=)|≈|\\approx(?![A-Za-z])")
_STOP = re.compile(r"[=≈\n$:<>]|\\approx(?![A-Za-z])|[.!?](?=\s|$)|=>|⇒|→|\\Rightarrow|\\implies")
_AND = re.compile(r"[,;](?:\s|~|\\[,;:! ]|\\q?quad(?![A-Za-z]))*(?:(?:and|und)\s)?|\s(?:and|und|&)\s")
_CODED = re.compile(r"[\d_/\\\[]")
_WORD = re.compile(r"(?<![\\\w])[^\W\d_]{3,}(?![\w(\[/])")
_VALUE = re.compile(r"[-−+]?\s?[\d.(\\\w]")


@dataclass(frozen=True, slots=True)
class Listed:
    """`names = values` in the characters from `start` to `end`: a formula for each; none where they do not pair."""

    start: int
    end: int
    formulas: tuple[str, ...]


def listed(text: str, knows: Callable[[str], bool]) -> Iterator[Listed]:
    """Every list of names with its list of values, in their order; `knows` says which words are names.

    >>> [found.formulas for found in listed("so v1, v2 = 1, 2", lambda name: True)]
    [('v1 = 1', 'v2 = 2')]
    """
    done = 0
    for sign in _SIGN.finditer(text):
        if sign.start() < done:
            continue
        begin = max((stop.end() for stop in _STOP.finditer(text, done, sign.start())), default=done)
        names = _names(text, begin, sign.start(), knows)
        if len(names) < 2:
            continue
        values = _values(text, sign.end(), len(names), knows)
        if len(values) < 2:
            continue
        done = values[-1][1]
        pairs = zip(names, values, strict=True) if len(names) == len(values) else ()
        formulas = tuple(
            f"{text[slice(*name)].strip()} {sign[0]} {text[slice(*value)].strip()}" for name, value in pairs
        )
        yield Listed(names[0][0], done, formulas)


def _names(text: str, begin: int, end: int, knows: Callable[[str], bool]) -> list[tuple[int, int]]:
    """The places of the names before a sign, the last ones in a row that are names."""
    found: list[tuple[int, int]] = []
    for start, stop in reversed(_items(text, begin, end)):
        item = text[start:stop].strip()
        last = re.split(r"\s(?![^{]*\})", item)[-1]
        if not last or not (_CODED.search(last) or knows(last)) or not (last[0].isalpha() or last[0] in "\\∂Δ"):
            break
        found.append((stop - len(text[start:stop]) + text[start:stop].rindex(last), stop))
        if last != item:
            break
    return found[::-1]


def _values(text: str, begin: int, count: int, knows: Callable[[str], bool]) -> list[tuple[int, int]]:
    """The places of the values behind a sign, up to the first that is none."""
    stop = _STOP.search(text, begin)
    items = _items(text, begin, stop.start() if stop else len(text))
    if stop is not None and (stop[0] in "=≈:<>" or stop[0] == r"\approx") and len(items) > 1:
        items = items[: min(count, len(items) - 1)]  # the others begin the next formula
    found: list[tuple[int, int]] = []
    for start, end in items:
        item = text[start:end].strip()
        if _VALUE.match(item) is None or any(not knows(word[0]) for word in _WORD.finditer(item)):
            break
        found.append((start, end))
    return found


def _items(text: str, begin: int, end: int) -> list[tuple[int, int]]:
    """The places of what stands between commas outside of brackets."""
    found: list[tuple[int, int]] = []
    start = begin
    for cut in _AND.finditer(text, begin, end):
        before = text[start : cut.start()]
        if all(before.count(one) == before.count(other) for one, other in ("()", "[]", "{}")):
            found.append((start, cut.start()))
            start = cut.end()
    rest = text[start:end]
    balanced = all(rest.count(one) == rest.count(other) for one, other in ("()", "[]", "{}"))
    return [*found, (start, end)] if balanced else []
