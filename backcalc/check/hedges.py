"""What a submission says without claiming it: crossed out, asked, denied, supposed, quoted.

What is crossed out, asked or denied is not read at all. What is only supposed, or quoted from the problem, is kept
where it happens to be right, and is never called wrong: `doubt` names the reason.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from backcalc.check.read import LONGEST_LINE, Line

WINDOW = 400
"""Characters of the same paragraph that are looked at, before a claim and after it."""

_STRUCK = re.compile(
    r"~~[^~]{1,400}~~|<(del|s|strike)>.{1,400}?</\1>|\\(?:sout|st)\{(?:[^{}]|\{[^{}]*\}){1,400}\}"
    r"|\\[bx]?cancel\{(?:[^{}]|\{[^{}]*\}){0,200}=(?:[^{}]|\{[^{}]*\}){0,200}\}"
    r"|[^\s.;,|]{1,20} ?= ?[^\s;|]{1,40} \(crossed out\)",
    re.IGNORECASE | re.DOTALL,
)
_ENDS = re.compile(r"[.!?](?=\s|$|[\"”’)])|\n(?=\s*(?:[-*+•>|#]|\d+[.)])\s)|\n[ \t]*\n")
_DENIED = re.compile(
    r"(?:\b(?:not|never|nicht|kein\w*|instead of|rather than|anstatt|statt|au lieu de)|n['’]t)"
    r"(?:\s+(?:be|have|get|obtain|equal(?:\s+to)?|the|value))*\W*$"
    r"|\b(?:not|n['’]t)\s+(?:true|the case|correct|right) that\b[^,;]*$|\bfalse that\b[^,;]*$"
    r"|\b(?:wrong(?:ly)?|incorrect(?:ly)?|falsch)\s*:?\W*$|\bcommon (?:mistake|error)s?\b[^.]{0,30}$",
    re.IGNORECASE,
)
_REVOKED = re.compile(
    r"^\W{0,3}(?:\s*\((?:wrong|no|false|falsch|crossed out)\)|,?\s*(?:which|that|this|it)?\s*(?:is|was|would be|ist)\s+"
    r"(?:wrong|incorrect|false|falsch|a mistake|not (?:right|true|correct)))",
    re.IGNORECASE,
)
_UNREAL = re.compile(
    r"\bwould\b|\bwere\b(?=[^.]*\bwould\b)|['’]d (?:have|get|be)\b|\bhad been\b|\bwhat if\b|\bw[äa]re\b|\bwürde\w*"
    r"|\bhätte\w*|\bserait\b|\baurait\b|\b(?:if|wenn|si)\b[^.]*\bwere\b",
    re.IGNORECASE,
)
_SUPPOSED = re.compile(
    r"\b(?:suppos(?:e|ing|ed)|assum(?:e|ing)|imagine|hypothetical\w*|pretend|angenommen|supposons|instead(?! of)"
    r"|finite differences?|central differences?|gradient check|step size)\b|(?:^|[.:;]\s*)say\b",
    re.IGNORECASE,
)
_PREMISE = re.compile(
    r"\b(?:we|I)\s+(?:assume|suppose)\b(?:(?!\b(?:so|then|hence|thus|therefore)\b)[^=<>≈≠\d,;:.])*"
    r"(?=\b(?:so|then|hence|thus|therefore)\b|[,;)])",
    re.IGNORECASE,
)
"""What is agreed on before one goes on, and says of no quantity that it has another value: what follows is claimed."""
_CASES = re.compile(r"\\begin\{(\w*cases\*?)\}.*?\\end\{\1\}", re.DOTALL)
"""The conditions in here belong to a formula, and not to the sentence."""
_CONDITION = re.compile(r"\b(?:if|wenn|falls|unless|when)\b(?P<rest>[^.]*)$", re.IGNORECASE)
_THEN = re.compile(r",|:|\bthen\b|\bdann\b|\balors\b", re.IGNORECASE)
_LET = re.compile(r"\b(?:let|sei|soit)\b[^.=]{0,20}$", re.IGNORECASE)
_LOOSE = re.compile(
    r"n['’]t\b|\b(?:not|nicht|kein\w*|wrong(?:ly)?|falsch|mistakes?|instead of|anstatt)\b|^say\b", re.IGNORECASE
)
_GIVEN = re.compile(r"[^=]{1,24}=\s*[-−]?[\d.,/]+\s*")
_SMALL = re.compile(
    r"\s*(?:h|\\?eps(?:ilon)?|\\?varepsilon|ε|\\?delta|δ)\s*=\s*(?:1e-\d+|10\s*\^\s*\{?\(?[-−]\d+.*|0?\.0{2,}1)\s*"
)
_SHIFTED = re.compile(r"\b[A-Z]\s*\([^()=]*[-+−]\s*\\?(?:h|eps(?:ilon)?|varepsilon|delta|ε|δ)\b[^()=]*\)")
_CUE = re.compile(
    r"\b(?:not|never|nicht|kein|instead|rather|(?:an)?statt|lieu|false|wrong|incorrect|falsch|mistake|error|would|were|had"
    r"|what|w[äa]re|würde|hätte|serait|aurait|if|wenn|si|falls|unless|when|suppos|assum|imagine|hypothet|pretend|angenommen"
    r"|differences?|gradient|step|say|let|sei|soit|task|question|problem|aufgabe|énoncé|crossed|no)"
    r"|n['’]t|['’]d\s|[?\"“„”^]|^\s*>|1e-|\b0?\.0|\bh\b|eps|[εδ]|delta",
    re.IGNORECASE,
)
"""Without any of these near it, what is written is claimed."""
_TASK = re.compile(
    r"^\W*(?:task|question|problem statement|aufgabe(?:nstellung)?|énoncé)\b[^:\n]{0,20}:", re.IGNORECASE
)
_GOES_ON = re.compile(r"^\W*(?:then|so|hence|thus|in that case|dann|alors)\b", re.IGNORECASE)


def without_struck(text: str) -> str:
    """The text with blanks for what is crossed out.

    >>> without_struck("~~J = 5~~ J = 2")
    '          J = 2'
    """
    return _STRUCK.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)


def claimed(lines: Iterable[Line], rows: Sequence[str]) -> Iterator[Line]:
    """The lines that claim something, each with its doubt. `rows` are the lines of the document."""
    cues = [number for number, row in enumerate(rows, start=1) if _CUE.search(row[:LONGEST_LINE])]
    for line in lines:
        near = bisect_left(cues, line.number - 3)
        plain = near == len(cues) or cues[near] > line.number + line.text.count("\n") + 2
        if plain or not line.text or line.kind == "array" or len(line.source) > LONGEST_LINE:
            yield line
            continue
        before, after = _around(line, rows)
        doubt = _doubt(line, before, after)
        if doubt is not None:
            yield replace(line, doubt=doubt) if doubt else line


def _around(line: Line, rows: Sequence[str]) -> tuple[str, str]:
    """The paragraph before a piece and after it."""
    if not 0 < line.number <= len(rows):
        return "", ""
    first = line.source.split("\n")[0]
    at = max(line.column - 1, 0)
    above = list(rows[max(0, line.number - 4) : line.number - 1])
    for place in range(len(above) - 1, -1, -1):
        if not above[place].strip():
            above = above[place + 1 :]
            break
    end = line.number - 1 + line.text.count("\n")
    rest = rows[end][at + len(line.text) :] if not line.text.count("\n") and end < len(rows) else ""
    below = []
    for row in rows[end + 1 : end + 3]:
        if not row.strip():
            break
        below.append(row)
    return "\n".join([*above, first[:at]])[-WINDOW:], "\n".join([rest, *below])[:WINDOW]


def _doubt(line: Line, before: str, after: str) -> str | None:
    """Nothing for a claim, the reason for one that is only supposed or quoted; None for what is no claim."""
    cuts = [found.end() for found in _ENDS.finditer(before)]
    start = cuts[-1] if cuts else 0
    sentence = _PREMISE.sub(" ", _CASES.sub(" ", before[start:]))
    found = _ENDS.search(after)
    rest = after[: found.start()] if found else after.partition("\n")[0]
    whole = _PREMISE.sub(" ", f"{sentence} {line.text} {rest}")
    if found is not None and found[0] == "?" and line.kind != "cell":
        return None
    if _DENIED.search(sentence[-80:]) or _REVOKED.match(after):
        return None
    condition = _CONDITION.search(sentence)
    if condition is not None and "=" in line.text:
        if not _THEN.search(condition["rest"]):
            return None
        if "=" in condition["rest"] or ("$" in condition["rest"] and not re.search(r"[<>]|\\[lg]", condition["rest"])):
            return "only if the condition before it holds"
    if line.words and line.kind == "line" and not sentence.strip() and _LOOSE.search(line.text):
        return "denied or supposed in the same line"
    last = _PREMISE.sub(" ", before[cuts[-2] if len(cuts) > 1 else 0 : start]) if cuts else ""
    supposed = (
        _UNREAL.search(whole)
        or _SUPPOSED.search(whole)
        or (_GOES_ON.match(sentence + line.text) and _SUPPOSED.search(last))
    )
    if (
        supposed
        or (_LET.search(sentence) and _GIVEN.fullmatch(line.text))
        or _SMALL.fullmatch(line.text)
        or _SHIFTED.search(line.text)
    ):
        return "supposed"
    row = before.rpartition("\n")[2] + line.text
    if row.lstrip().startswith(">") or _TASK.search(row) or _quoted(sentence, rest):
        return "quoted"
    return ""


def _quoted(before: str, after: str) -> bool:
    opened = (
        before.count('"') % 2 == 1 or before.count("“") > before.count("”") or before.count("„") > before.count("“")
    )
    return opened and re.search(r"[\"”“]", after) is not None
