"""What stands beside a formula and narrows it: `= 0 for i ≠ j`. Such a formula is not claimed of every index."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from backcalc.check.read import Link
from backcalc.formula.tree import ONE, Add, Call, Compare, Expr, Num, Ref, num

WINDOW = 200
"""Characters of the same sentence that are looked at, before a formula and after it."""

_UNEQUAL = re.compile(
    r"\\neq?(?![A-Za-z])|\\not\s?=|≠|<>|/=|\b(?:ungleich|differs? from|(?:is )?different from|(?:is )?not equal to"
    r"|unequal(?: to)?|verschieden von)\b"
)
_SIGNS = ((re.compile(r"\\leq?(?![A-Za-z])|≤"), "<="), (re.compile(r"\\geq?(?![A-Za-z])|≥"), ">="))
_ORDERS = ((re.compile(r"\\lt(?![A-Za-z])"), "<"), (re.compile(r"\\gt(?![A-Za-z])"), ">"))
_INNER = re.compile(r"_\{[^{}]{0,80}\}|\bsum\([^()]{0,80}\)")
"""Relations in here name what a sum runs over."""
_SET = re.compile(r"\$|\\[()\[\],;:!]|\\q?quad\b|[{}~]|\\(?:text|mathrm|textrm|mbox)\b")
_RELATED = re.compile(
    r"(?<![\w.\])^_/*+'’\\-])(?P<one>[A-Za-z])\s{0,3}(?P<sign>!=|<=|>=|==|<|>|=)\s{0,3}(?P<other>[A-Za-z]|\d{1,3})(?![\w\[(^*/+-])"
)
_CUE = re.compile(
    r"(?:\b(?:for|if|when|whenever|where|with|in case|case|falls|für|fuer|wenn|mit|wo|bei|sofern|fall|unless|except|"
    r"außer|ausser|only|nur|pour|si|iff|at|and|und|or|oder)\b[^=<>.]{0,24}|[(,:])\s*$",
    re.IGNORECASE,
)
_NEGATED = re.compile(r"\b(?:unless|except|außer|ausser|not|nicht)\b", re.IGNORECASE)
_SAID = re.compile(
    r"\b(?:off-?)?diagonal|\botherwise\b|\bsonst\b|\belse\b"
    r"|\b(?:for|für|if|wenn|when)\s+(?:distinct|different|unequal|verschiedene|equal|gleiche)",
    re.IGNORECASE,
)
_ENDS = re.compile(r"(?<![\s.]\w)(?<!\.)[.!?](?=\s)")
_RANGE = re.compile(r"(?:\s*(?:\.\.+|,|…|\\[lc]?dots\b|bis\b|to\b|-)\s*(?P<last>\d{1,4}(?!\d)|[A-Za-z]\b)?)+")


_UP_TO = re.compile(r"\s*(?:\.\.+|…|\\[lc]?dots\b|bis\b|to\b)\s*(?P<last>\d{1,4}(?!\d)|[A-Za-z]\b)")
"""The rest of `k=1..4`, whatever follows it."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What narrows a formula, as it is written; `expr` where it is a relation between indices."""

    text: str
    expr: Expr | None = None


def conditions(link: Link, rows: Mapping[int, str], letters: Mapping[str, Expr]) -> tuple[Condition, ...]:
    """The conditions on some of the `letters` in the sentence of a link, those behind it first.

    `rows` are the lines of the document by their numbers.
    """
    if not letters:
        return ()
    before, after = _sentence(link, rows)
    inside = re.search(r"(?<!\w)\([^(),]*\)\s*$", link.text)
    pieces = [after, *([inside[0]] if inside else []), before]
    return tuple(found for piece in pieces for found in _found(_plain(piece), letters))


def under(condition: Expr, left: Expr, right: Expr) -> Expr:
    """The left side where the condition holds, the right side elsewhere."""
    return Call("if", (condition, left, right))


def never_holds(condition: Expr, left: Expr) -> tuple[Expr, Expr]:
    """Two sides that are equal only where the condition never holds."""
    return Call("if", (condition, Add((left, ONE)), left)), left


def _sentence(link: Link, rows: Mapping[int, str]) -> tuple[str, str]:
    """What stands before a link and after it in its sentence; the lines next to a formula that stands alone."""
    row = link.source
    at = max(link.column - 1, 0)
    before, after = row[:at], row[at + link.length :]
    above = [rows.get(link.number - step, "") for step in (3, 2, 1)]
    below = [rows.get(link.number + step, "") for step in (1, 2, 3)]
    if not before.strip(" \t$&>\\[*-"):
        before = "\n".join([*above, before])
    if not after.strip(" \t$&\\],"):
        after = "\n".join([after, *below])
    starts = [found.end() for found in _ENDS.finditer(before[-WINDOW:])]
    end = _ENDS.search(after[:WINDOW])
    return before[-WINDOW:][starts[-1] if starts else 0 :], after[: end.start() if end else WINDOW]


def _plain(text: str) -> str:
    text = _SET.sub(" ", _INNER.sub(" ", text))
    text = _UNEQUAL.sub("!=", text)
    for pattern, sign in (*_SIGNS, *_ORDERS):
        text = pattern.sub(sign, text)
    return text


def _reaches(listed: re.Match[str], size: Expr | None) -> bool:
    """Whether `1, 2, …` is every index of an axis, as far as one can tell."""
    last = listed["last"]
    return not (isinstance(size, Num) and last is not None and last.isdigit() and size != num(int(last)))


def _found(text: str, letters: Mapping[str, Expr]) -> Iterator[Condition]:
    for found in _RELATED.finditer(text):
        one, sign, other = found["one"], found["sign"], found["other"]
        if one not in letters and other not in letters:
            continue
        cue = _CUE.search(text[: found.start()])
        if sign in ("=", "==") and cue is None and text[: found.start()].strip():
            continue
        if other.isdigit() and (listed := _UP_TO.match(text, found.end()) or _RANGE.match(text, found.end())):
            if int(other) > 1 or not _reaches(listed, letters.get(one)):
                yield Condition(" ".join((found[0] + listed[0]).split()))
            continue
        expr = Compare(("==" if sign == "=" else sign,), (Ref(one), num(int(other)) if other.isdigit() else Ref(other)))
        negated = _NEGATED.search(text[: found.start()]) is not None
        yield Condition(" ".join(found[0].split()), None if negated else expr)
    for said in _SAID.finditer(text):
        yield Condition(said[0])
