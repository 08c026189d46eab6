r"""Where the mathematics stands in a document: formulas, code spans, cells of tables, numbers beside a known noun.

Markdown, plain text and LaTeX documents alike. Nothing is read as a formula here and nothing is judged: a span is a
kind, a text and a place. Programs in code fences, scripts and comments are passed over; of a fence that holds what a
program has printed, the numbers and arrays are found.

>>> for span in find_spans("The output is $28 \\times 28$.\n\nTotal # of parameter = 61492"):
...     print(span.line, span.column, span.kind, span.text, "|", span.beside)
1 16 inline 28 \times 28 | The output is
3 24 number 61492 | Total # of parameter =
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from backcalc.formula.outputs import is_code, printed
from backcalc.formula.prose import Found, formulas_in, numbers_in
from backcalc.formula.tables import Cell, cells_of

MAX_DOCUMENT = 400_000
MAX_SPANS = 20_000
MAX_CONTEXT = 120

_ENVIRONMENTS = "align|aligned|alignat|gather|gathered|equation|eqnarray|multline|flalign|displaymath|math|cases|split"
_BEGIN = re.compile(rf"\\begin\{{({_ENVIRONMENTS})(\*?)\}}")
_OPENER = re.compile(r"\\[\[(\\$]|\$\$?|`+|\\begin\{")
_FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})[^`\n]*$", re.MULTILINE)
_SCRIPT = re.compile(r"<(script|style)\b|<!--", re.IGNORECASE)
_VERBATIM = re.compile(r"\\begin\{(verbatim|lstlisting|minted)\}")
_TEX_COMMENT = re.compile(r"(?<!\\)%[^\n]*")
_BLANK_LINE = re.compile(r"\n[ \t]*\n")


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of mathematics: `kind` is inline, display, code, cell, number, shape, line or array.

    `start` and `end` are offsets of `text` in the document, `line` and `column` count from 1. `beside` is what says
    what it is: the words before it, or the first cell of its row; `above` the head of its column; `after` the words
    behind it.
    """

    kind: str
    text: str
    start: int
    end: int
    line: int
    column: int
    beside: str = ""
    above: str = ""
    after: str = ""


class DocumentTooLong(ValueError):
    """A document that is longer than any homework."""


def find_spans(text: str, *, tex: bool = False) -> tuple[Span, ...]:
    """Every mathematical piece of a document, in the order in which they stand. Raises DocumentTooLong."""
    if len(text) > MAX_DOCUMENT:
        message = f"the document is too long: {len(text)} characters, at most {MAX_DOCUMENT} are read"
        raise DocumentTooLong(message)
    fences = _fences(text)
    prose = _without_code(text, fences, tex)
    marked = list(_marked(prose))
    rest = prose
    if marked:
        parts: list[str] = []
        at = 0
        for _, (outer, outer_end), _, _ in marked:
            parts += [prose[at:outer], "\ufffc" * (outer_end - outer)]
            at = outer_end
        rest = "".join([*parts, prose[at:]])
    table = cells_of(rest, prose, tex=tex)
    if len(marked) + len(table) > MAX_SPANS:
        raise DocumentTooLong(f"the document has more than {MAX_SPANS} formulas and cells")
    lines = [0, *(found.end() for found in re.finditer("\n", text))]
    spans = [
        _placed(lines, _in_context(_bare(kind, text, start, end), rest, prose, outer, table))
        for kind, outer, start, end in marked
        if kind != "code" or not any(True for _ in printed(text[start:end]))
    ]
    spans += [
        _placed(lines, replace(_bare("cell", text, cell.start, cell.end), beside=cell.beside, above=cell.above))
        for cell in table
        if "\ufffc" not in rest[cell.start : cell.end]
    ]
    spans += [_placed(lines, span) for span in _prose_spans(text, rest, prose, lines, table)]
    shown = [place for place in fences if not is_code(text[slice(*place)])]
    shown += [(start, end) for kind, _, start, end in marked if kind == "code"]
    for start, end in shown:
        for kind, found in printed(text[start:end]):
            spans.append(_placed(lines, _from_line(kind, text, start, found)))
    return tuple(sorted(spans, key=lambda span: (span.start, span.end)))


def _bare(kind: str, text: str, start: int, end: int) -> Span:
    inner = text[start:end]
    start += len(inner) - len(inner.lstrip())
    return Span(kind, inner.strip(), start, start + len(inner.strip()), 0, 0)


def _placed(lines: Sequence[int], span: Span) -> Span:
    line = bisect_right(lines, span.start)
    return replace(span, line=line, column=span.start - lines[line - 1] + 1)


def _in_context(span: Span, rest: str, prose: str, outer: tuple[int, int], table: Sequence[Cell]) -> Span:
    """A formula with what stands beside it: its row and column in a table, else the words of its line."""
    place = bisect_right([cell.start for cell in table], outer[0]) - 1 if table else -1
    if place >= 0 and outer[1] <= table[place].end:
        return replace(span, beside=table[place].beside, above=table[place].above)
    before = prose[max(0, outer[0] - MAX_CONTEXT) : outer[0]].rpartition("\n")[2]
    after = rest[outer[1] : outer[1] + MAX_CONTEXT].partition("\n")[0].partition("\ufffc")[0]
    return replace(span, beside=before.strip(), after=after.strip())


# -- what is no prose -------------------------------------------------------------------------------


def _without_code(text: str, fences: Sequence[tuple[int, int]], tex: bool) -> str:
    """The text with fences, scripts and comments blanked out, every other character in its place."""
    text = _blanked(text, fences)
    text = _blanked(text, _between(text, _SCRIPT, lambda found: f"</{found[1].lower()}" if found[1] else "-->"))
    if not tex:
        return text
    text = _TEX_COMMENT.sub(lambda found: _blank(found[0]), text)
    text = _blanked(text, _between(text, _VERBATIM, lambda found: f"\\end{{{found[1]}}}"))
    body = text.find(r"\begin{document}")
    return text if body < 0 else _blank(text[:body]) + text[body:]


def _between(text: str, opener: re.Pattern[str], closer: Callable[[re.Match[str]], str]) -> Iterator[tuple[int, int]]:
    """From each opener to its closer; what is never closed runs to the end."""
    lowered = text.lower()
    at = 0
    while found := opener.search(text, at):
        closing = closer(found)
        end = lowered.find(closing, found.end())
        at = len(text) if end < 0 else end + len(closing)
        yield found.start(), at


def _blanked(text: str, places: Iterable[tuple[int, int]]) -> str:
    parts: list[str] = []
    at = 0
    for start, end in places:
        parts += [text[at:start], _blank(text[start:end])]
        at = end
    return "".join([*parts, text[at:]])


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)


def _fences(text: str) -> list[tuple[int, int]]:
    """Where code fences stand; one that is never closed runs to the end."""
    found: list[tuple[int, int]] = []
    opened: re.Match[str] | None = None
    for fence in _FENCE.finditer(text):
        if opened is None:
            opened = fence
        elif fence[1].startswith(opened[1]) and fence[0].strip() == fence[1]:
            found.append((opened.start(), fence.end()))
            opened = None
    if opened is not None:
        found.append((opened.start(), len(text)))
    return found


# -- what is marked ---------------------------------------------------------------------------------


def _marked(text: str) -> Iterator[tuple[str, tuple[int, int], int, int]]:
    """Formulas and code spans between their signs: kind, the place with the signs, the place without."""
    at = 0
    missing: set[str] = set()
    while found := _OPENER.search(text, at):
        opener, start = found[0], found.start()
        at = found.end()
        kind, closer = _closer(text, found)
        if not closer or closer in missing:
            continue
        end = text.find(closer, at)
        if end < 0:
            missing.add(closer)
            continue
        if opener == "$" and not _is_formula(text, start, end):
            continue
        if opener.startswith("`") and (text[end + len(closer) : end + len(closer) + 1] == "`" or _far(text, at, end)):
            continue
        inner = (start, end + len(closer)) if opener.startswith(r"\begin") else (at, end)
        at = end + len(closer)
        if text[inner[0] : inner[1]].strip():
            yield kind, (start, at), *inner


def _closer(text: str, found: re.Match[str]) -> tuple[str, str]:
    opener = found[0]
    if opener == "$$" or opener == r"\[":
        return "display", "$$" if opener == "$$" else r"\]"
    if opener == "$" or opener == r"\(":
        return "inline", "$" if opener == "$" else r"\)"
    if opener.startswith("`"):
        return "code", opener
    begun = _BEGIN.match(text, found.start()) if opener == r"\begin{" else None
    return ("display", f"\\end{{{begun[1]}{begun[2]}}}") if begun else ("", "")


def _far(text: str, start: int, end: int) -> bool:
    return end - start > 20_000 or _BLANK_LINE.search(text, start, end) is not None


def _is_formula(text: str, start: int, end: int) -> bool:
    """Whether what stands between two dollar signs is a formula, and not `$5 and $6`."""
    if _far(text, start, end):
        return False
    priced = text[start + 1 : start + 2].isdigit() and text[end + 1 : end + 2].isdigit()
    return not (priced and " " in text[start:end])


# -- prose ------------------------------------------------------------------------------------------


def _prose_spans(text: str, rest: str, prose: str, lines: Sequence[int], table: Sequence[Cell]) -> Iterator[Span]:
    """The formulas and numbers that stand in prose without any sign that marks them."""
    taken = {cell.line for cell in table}
    for number, start in enumerate(lines):
        end = lines[number + 1] - 1 if number + 1 < len(lines) else len(text)
        if number in taken or end - start > 20_000 or not rest[start:end].strip():
            continue
        line = rest[start:end]
        found = formulas_in(line)
        for formula in found:
            yield _from_line("line", text, start, formula)
        for value in numbers_in(line, prose[start:end], found):
            yield _from_line("number", text, start, value)


def _from_line(kind: str, text: str, start: int, found: Found) -> Span:
    first, last = start + found.start, start + found.end
    kind = "shape" if kind == "number" and text[first] == "(" else kind
    return Span(kind, text[first:last], first, last, 0, 0, found.beside, "", found.after)
