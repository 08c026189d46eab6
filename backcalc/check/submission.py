"""A submission on disk as lines: text, Markdown, LaTeX, code comments, notebooks, answers as YAML, JSON or CSV, arrays.

Everything here is untrusted: sizes are bounded before anything is read, nothing is run, no pickle is opened, links that
lead elsewhere are not followed.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from backcalc.check.hedges import claimed, without_struck
from backcalc.check.read import WIDEST, Line
from backcalc.formula.decimal_comma import with_points
from backcalc.formula.spans import DocumentTooLong, Span, find_spans
from backcalc.formula.tidy_text import LOST, tidy
from backcalc.net.errors import InputError, Problem, printable
from backcalc.net.load import Document, Mark, read_document
from backcalc.net.load import Path as Place

LARGEST = 1_000_000
MOST_LINES = 20_000
MOST_FILES = 200
MOST_CELLS = 5_000

_PLAIN_KINDS = frozenset({"code", "line", "number", "shape", "array", "cell"})
_PICTURES = frozenset({".pdf", ".png", ".jpg", ".jpeg", ".heic", ".gif", ".tif", ".tiff", ".docx", ".doc", ".pages"})
_NAME = re.compile(r"([A-Za-z][\w.]*)\s*$")
_TIDIED = frozenset({".txt", ".md", ".tex", ".py", ".ipynb"})
LONGEST_OUTPUT = 20_000
_ASSIGNED = re.compile(
    r"\s*(?:(?:new|delta)\s)?[^\W\d][\w\[\],/.]{0,40}\s*[=≈]\s*[-+−]?(?:\d[\d,]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s*"
)
_CONTROLS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_BULLET = re.compile(r"\s*(?:[-*+•]|\(?\d{1,2}\)|\(?[a-h]\))\s+(?=[^\W\d\s])")
_COMMENT = re.compile(r"#+[ \t]*(.*)")


@dataclass(frozen=True, slots=True)
class Read:
    """The lines of one submission, and what was passed over."""

    file: str
    lines: tuple[Line, ...]
    notes: tuple[str, ...] = ()


def read_submission(path: str | Path) -> Read:
    """The lines of a file, or of all files of a folder in the order of their names. Raises InputError."""
    path = Path(path)
    if path.is_dir():
        return _folder(path)
    return Read(str(path), tuple(_file(path)))


def read_text(text: str, file: str = "<text>", suffix: str = ".txt") -> Read:
    """The lines of a text that is at hand.

    >>> [(line.number, line.text) for line in read_text("dJ/dw = 3\\n\\nJ = 1").lines]
    [(1, 'dJ/dw = 3'), (3, 'J = 1')]
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if suffix == ".ipynb":
        return Read(file, tuple(_notebook(text, file)))
    return Read(
        file, tuple(_claims(text, file, _READERS[suffix]) if suffix in _TIDIED else _READERS[suffix](text, file))
    )


def _claims(text: str, file: str, reader: Callable[[str, str], Iterator[Line]]) -> Iterator[Line]:
    """What a text claims, with what the student wrote as its source, however it was repaired for reading."""
    lines = text.split("\n")
    plain = text if text.isascii() else "\n".join(map(_repaired, lines))
    plain = with_points(without_struck(plain))
    found = claimed(reader(plain, file), plain.split("\n"))
    written = [line[:WIDEST] for line in lines]
    yield from found if plain == text else (_as_written(line, written) for line in found)


def _repaired(line: str) -> str:
    """A line made plain; where characters are lost for good, as far as `ftfy` gets with it, if that is installed."""
    plain = tidy(line).text
    if LOST not in plain:
        return plain
    try:
        from ftfy import fix_encoding
    except ImportError:
        return plain
    other = tidy(fix_encoding(line)).text
    return other if other.count(LOST) < plain.count(LOST) else plain


def _as_written(line: Line, written: Sequence[str]) -> Line:
    """The line with what the student wrote as its source, however it was repaired."""
    rows = line.source.count("\n") + 1
    return replace(line, source="\n".join(written[line.number - 1 : line.number - 1 + rows]))


def _folder(path: Path) -> Read:
    found: list[Line] = []
    notes: list[str] = []
    files = sorted(entry for entry in path.rglob("*") if entry.is_file() and not entry.is_symlink())
    several = len(files) > 1
    for entry in files[:MOST_FILES]:
        if entry.suffix.lower() not in _READERS and entry.suffix.lower() != ".npz":
            notes.append(f"{entry.name} was not read: its kind is not known")
            continue
        try:
            name = printable(entry.relative_to(path).as_posix()) if several else ""
            found += (replace(line, file=name) if several else line for line in _file(entry))
        except InputError as error:
            notes.append(str(error).split("\n")[0])
    if len(files) > MOST_FILES:
        notes.append(f"only {MOST_FILES} of {len(files)} files were read")
    return Read(str(path), tuple(found), tuple(notes))


def _file(path: Path) -> Iterator[Line]:
    suffix = path.suffix.lower()
    if suffix in _PICTURES:
        kind = "pictures and PDF" if suffix != ".docx" else "word processor files"
        raise _fault(path, f"{kind} cannot be read", "export it as Markdown, LaTeX or plain text")
    if suffix == ".npz":
        return _arrays(path)
    if suffix not in _READERS:
        known = ", ".join([*_READERS, ".npz"])
        raise _fault(path, f"a submission of the kind `{suffix or path.name}` is not known", f"there are {known}")
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        reason = os.strerror(error.errno).lower() if isinstance(error, OSError) and error.errno else str(error)
        raise _fault(path, f"the file cannot be read: {reason}") from None
    if len(data) > LARGEST:
        raise _fault(path, f"the file has more than {LARGEST} bytes")
    return iter(read_text(data.decode("utf-8-sig", "replace"), str(path), suffix).lines)


def _fault(path: Path | str, message: str, help: str | None = None) -> InputError:
    return InputError([Problem(str(path), 0, 0, 0, "", message, help)])


# -- text ---------------------------------------------------------------------------------------------


def _plain(text: str, file: str) -> Iterator[Line]:
    for number, line in enumerate(text.split("\n")[:MOST_LINES], start=1):
        if line.strip():
            bullet = _BULLET.match(line)
            at = bullet.end() if bullet and ("=" in line or "≈" in line) else 0
            yield Line(line[at:], number, at + 1, line)


def _comments(text: str, file: str) -> Iterator[Line]:
    """The comments of a program; the program itself is not read."""
    for number, line in enumerate(text.split("\n")[:MOST_LINES], start=1):
        if found := _COMMENT.search(line):
            yield Line(found[1], number, found.start(1) + 1, line)


def _document(text: str, file: str, *, tex: bool = False) -> Iterator[Line]:
    """The formulas of a document, its numbers and cells, and its lines, which say where a problem begins."""
    lines = [line[:WIDEST] for line in text.split("\n")]  # a claim shows its line, and a line may hold all claims
    try:
        spans = _joined_by_signs(find_spans(text, tex=tex), text)
    except DocumentTooLong as error:
        raise _fault(file, str(error)) from None
    found = []
    for span in spans:
        source = "\n".join(lines[span.line - 1 : span.line + span.text.count("\n")])
        lead = _lead(source[: span.column - 1]) if span.text[:1] in ("=", "≈") else ""
        words = span.kind in _PLAIN_KINDS
        line = Line(lead + span.text, span.line, span.column - len(lead), source, words)
        found.append(replace(line, kind=span.kind, beside=span.beside, above=span.above, after=span.after))
    heads = [Line("", number, 1, line) for number, line in _outside_fences(lines)]
    yield from sorted([*heads, *found], key=lambda line: (line.number, bool(line.text), line.column))


_BETWEEN = re.compile(r"\s*(?:\$|\\\))?\s*(times|mal|plus|minus|[-+*/·⋅×])\s*(?:\$|\\\()?\s*")
_SIGNS = {"times": "*", "mal": "*", "plus": "+", "minus": "-"}


def _joined_by_signs(spans: Sequence[Span], text: str) -> Iterator[Span]:
    """Formulas with nothing but a sign between them are one, `$y - t$ times $h$`; columns stay as they are."""
    last: Span | None = None
    for span in spans:
        sign = None
        if last is not None and last.kind == span.kind == "inline" and last.end <= span.start:
            sign = _BETWEEN.fullmatch(text, last.end, span.start)
        dash = sign is not None and sign[1] in "+-/" and "=" in span.text  # which sets two statements apart
        if last is None or sign is None or dash or "\n" in sign[0]:
            if last is not None:
                yield last
            last = span
            continue
        between = _SIGNS.get(sign[1], sign[1]).center(span.start - last.end)
        last = replace(last, text=last.text + between + span.text, end=span.end, after=span.after)
    if last is not None:
        yield last


def _lead(before: str) -> str:
    """The name before a relation; a word of a sentence is none."""
    named = _NAME.search(before)
    if named is None:
        return ""
    coded = any(not char.isalpha() for char in named[1]) or len(named[1]) <= 2
    begins = not before[: named.start()].strip(" \t-*+>•")
    return before[named.start() :] if coded or begins else ""


def _outside_fences(lines: Sequence[str]) -> Iterator[tuple[int, str]]:
    """The lines that are not empty and hold no program, with their numbers."""
    fenced = False
    for number, line in enumerate(lines[:MOST_LINES], start=1):
        if line.lstrip().startswith(("```", "~~~")):
            fenced = not fenced
        elif line.strip() and not fenced:
            yield number, line


def _latex(text: str, file: str) -> Iterator[Line]:
    return _document(text, file, tex=True)


def _notebook(text: str, file: str) -> Iterator[Line]:
    """Markdown cells as documents, comments and printed outputs of code cells.

    The lines of each cell count from where it begins, and what it has printed follows them.
    """
    try:
        cells = json.loads(text)["cells"]
        pieces = [(cell["cell_type"], _joined(cell["source"]), _printed_outputs(cell)) for cell in cells]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise _fault(file, "this is not a notebook") from None
    if len(pieces) > MOST_CELLS:
        raise _fault(file, f"the notebook has more than {MOST_CELLS} cells")
    before = 0
    for kind, source, printed in pieces:
        reader = _document if kind == "markdown" else _comments if kind == "code" else None
        for line in _claims(source, file, reader) if reader is not None and source.strip() else ():
            yield replace(line, number=before + line.number)
        if before > MOST_LINES:
            return
        before += source.count("\n") + 1
        if printed:
            for line in _shown(printed):
                yield replace(line, number=before + line.number)
            before += printed.count("\n") + 1


def _printed_outputs(cell: Mapping[str, Any]) -> str:
    """What a code cell has printed, as text."""
    found: list[str] = []
    for output in cell.get("outputs", ()) if cell["cell_type"] == "code" else ():
        if output.get("output_type") == "stream" and output.get("name") != "stderr":
            found.append(_joined(output.get("text", "")))
        elif output.get("output_type") in ("execute_result", "display_data"):
            found.append(_joined(output.get("data", {}).get("text/plain", "")))
    return "\n".join(found)[:LONGEST_OUTPUT]


def _shown(text: str) -> Iterator[Line]:
    """The formulas of an output, `J = 0.69`, and its labelled numbers, shapes, arrays and tables; code is none."""
    rows = _CONTROLS.sub("", text).replace("\r", "\n").split("\n")
    rest: list[str] = []
    for number, row in enumerate(rows, start=1):
        if _ASSIGNED.fullmatch(row):
            yield Line(row, number, 1, row)
            rest.append("")
        else:
            rest.append(row)
    text = "\n".join(rest)
    if text.strip():
        fenced = (line for line in _document(f"```\n{text}\n```", "") if line.text)
        yield from (replace(line, number=line.number - 1) for line in fenced)
        yield from (line for line in _document(text, "") if line.kind == "cell" or not line.text)


def _joined(source: Any) -> str:
    return source if isinstance(source, str) else "".join(str(part) for part in source)


# -- answers ------------------------------------------------------------------------------------------


def _answers(text: str, file: str) -> Iterator[Line]:
    """`quantity: value`, or a mapping of problems to such."""
    document = read_document(text, file)
    if document.problems:
        raise InputError(document.problems)
    if not isinstance(document.data, dict):
        raise _fault(file, "answers are a mapping, `quantity: value`")
    for word, value in document.data.items():
        if isinstance(value, dict):
            for inner, answer in value.items():
                yield _answer(document, (word, inner), inner, answer, word)
        else:
            yield _answer(document, (word,), word, value, None)


def _answer(document: Document, path: Place, word: str, value: Any, part: str | None) -> Line:
    mark = document.mark(path)
    source = document.lines[mark.line - 1] if 0 < mark.line <= len(document.lines) else ""
    text = f"{word} = {_written(document, path, value)}"
    return Line(text, mark.line, mark.column, source, True, part, max(mark.length, 1))


def _written(document: Document, path: Place, value: Any) -> str:
    """A value with the digits that it is written with."""
    if isinstance(value, list):
        return "[" + ", ".join(_written(document, (*path, place), item) for place, item in enumerate(value)) + "]"
    mark = document.values.get(path)
    if mark is not None and not isinstance(value, str) and 0 < mark.line <= len(document.lines):
        return _cut(document.lines[mark.line - 1], mark)
    return str(value)


def _cut(line: str, mark: Mark) -> str:
    return line[mark.column - 1 : mark.column - 1 + mark.length]


def _table(text: str, file: str) -> Iterator[Line]:
    """`quantity,value` in every row, and the problem where a third cell names it."""
    lines = text.split("\n")
    rows = csv.reader(io.StringIO(text))
    try:
        for cells in rows:
            number = rows.line_num
            if len(cells) < 2 or not cells[1].strip() or number > MOST_LINES:
                continue
            source = lines[min(number, len(lines)) - 1]
            part = cells[2].strip() if len(cells) > 2 and cells[2].strip() else None
            at = max(source.find(cells[1]), 0) + 1
            yield Line(f"{cells[0].strip()} = {cells[1].strip()}", number, at, source, True, part, len(cells[1]) or 1)
    except csv.Error as error:
        raise _fault(file, f"the table cannot be read: {error}") from None


def _arrays(path: Path) -> Iterator[Line]:
    """The arrays of an .npz file, by their names; objects in it are refused."""
    import numpy as np

    if path.stat().st_size > LARGEST:
        raise _fault(path, f"the file has more than {LARGEST} bytes")
    try:
        with np.load(path, allow_pickle=False) as arrays:
            for number, name in enumerate(sorted(arrays.files)[:MOST_FILES], start=1):
                array = arrays[name]
                if array.size > MOST_CELLS or array.dtype.kind not in "iufb":
                    raise _fault(path, f"`{name}` is no array of at most {MOST_CELLS} numbers")
                shown = str(array.tolist())
                yield Line(f"{name} = {shown}", number, 1, f"{name}: {shown[:120]}", True, None, 1)
    except (OSError, ValueError, EOFError, KeyError) as error:
        if isinstance(error, InputError):
            raise
        raise _fault(path, "this is not an .npz file of plain arrays") from None


_READERS: Mapping[str, Callable[[str, str], Iterator[Line]]] = MappingProxyType(
    {
        ".txt": _plain,
        ".md": _document,
        ".tex": _latex,
        ".py": _comments,
        ".ipynb": _notebook,
        ".yaml": _answers,
        ".yml": _answers,
        ".json": _answers,
        ".csv": _table,
    }
)
