"""Reads the text of a YAML file into plain data, and remembers where every key and value stands.

YAML is read as events, never as objects: no tag, anchor or alias means anything here, and numbers are exact. Nothing
is built from the text that is larger than the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, TypeAlias

from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    DocumentStartEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceStartEvent,
)
from ruamel.yaml.parser import Parser
from ruamel.yaml.reader import Reader
from ruamel.yaml.scanner import Scanner, ScannerError

from backcalc.net.errors import MOST_PROBLEMS, Problem, printable

LARGEST_FILE = 1_000_000
MOST_VALUES = 50_000
DEEPEST = 30
LONGEST_NUMBER = 100
LARGEST_EXPONENT = 400

Plain: TypeAlias = "bool | int | Fraction | str | list[Plain] | dict[str, Plain] | None"
Path: TypeAlias = tuple[str | int, ...]

_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE]([-+]?[0-9]+))?")
_QUOTIENT = re.compile(r"([-+]?[0-9]+)/([0-9]+)")
_FORBIDDEN = re.compile("[^\t\n\\x20-\\x7e\\xa0-\u2027\u202a-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_WORDS = {"": None, "~": None, "null": None, "Null": None, "NULL": None} | {
    word: value for value in (True, False) for word in (str(value), str(value).lower(), str(value).upper())
}


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a word stands, counted from 1, and how long it is. `block` is the style of a block scalar, `|` or `>`."""

    line: int
    column: int
    length: int
    block: str = ""


class TooManyProblems(Exception):
    """So many things are wrong that looking for more helps nobody."""


@dataclass
class Document:
    """A file as plain data, with the marks of its keys and values by path, and what was wrong with its text."""

    file: str
    lines: tuple[str, ...]
    data: Plain = None
    keys: dict[Path, Mark] = field(default_factory=dict)
    values: dict[Path, Mark] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    broken: set[Path] = field(default_factory=set)
    stops: bool = True

    def report(
        self, path: Path, message: str, help: str | None = None, *, note: str | None = None, key: bool = False
    ) -> None:
        """Adds a problem at the key or the value that `path` leads to, or at the nearest thing above it.

        Raises TooManyProblems where there are enough, if the document `stops`.
        """
        if not any(path[:size] in self.broken for size in range(len(path) + 1)):
            problem = self.problem_at(self.mark(path, key=key), message, help, note)
            place = (problem.line, problem.column, problem.message)
            if place not in ((known.line, known.column, known.message) for known in self.problems):
                self.problems.append(problem)  # the copies of a block that repeats have the same faults
        if self.stops and len(self.problems) >= MOST_PROBLEMS:
            raise TooManyProblems

    def mark(self, path: Path, *, key: bool = False) -> Mark:
        """Where the key or value of `path` stands; of a value that is nowhere, the nearest thing above it."""
        for size in range(len(path), 0, -1):
            first, second = (self.keys, self.values) if key else (self.values, self.keys)
            found = first.get(path[:size]) or second.get(path[:size])
            if found is not None:
                return found
            key = True
        return self.values.get((), Mark(1, 1, 1))

    def written(self, path: Path) -> str | None:
        """A number as the file writes it, in quotes for an error; None for anything else."""
        mark = self.values.get(path)
        if mark is None or not 0 < mark.line <= len(self.lines):
            return None
        word = self.lines[mark.line - 1][mark.column - 1 : mark.column - 1 + mark.length]
        return f"`{word}`" if word[:1] in "+-.0123456789" and word[:1] and len(word) <= 60 else None

    def problem_at(self, mark: Mark, message: str, help: str | None = None, note: str | None = None) -> Problem:
        """A problem at a place of this file."""
        line = self.lines[mark.line - 1] if 0 < mark.line <= len(self.lines) else ""
        return Problem(self.file, mark.line, mark.column, mark.length, line, message, help, note)


def read_document(text: str, file: str) -> Document:
    """The text of a YAML file as plain data. What is wrong is in `problems`; the data is then only what could be read.

    >>> document = read_document("rate: 0.1\\nw: [1/2, a]", "net.yaml")
    >>> document.data
    {'rate': Fraction(1, 10), 'w': [Fraction(1, 2), 'a']}
    >>> document.values["w", 1]
    Mark(line=2, column=10, length=1, block='')
    """
    if len(text) > LARGEST_FILE:
        return _refused(text, file, None, f"the file has more than {LARGEST_FILE} characters", _TOO_LARGE_HELP)
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if odd := _FORBIDDEN.search(text):
        return _refused(text, file, odd.start(), f"the control character U+{ord(odd[0]):04X} is not allowed in a file")
    document = Document(file, tuple(text.split("\n")))
    walker = _Walker(document, _events(text))
    try:
        document.data = walker.document()
    except _Stop as stop:
        document.problems.append(stop.problem)
    except (MarkedYAMLError, YAMLError) as error:
        document.problems.append(_yaml_problem(document, error))
    return document


_TOO_LARGE_HELP = "put large arrays into an .npz file, `values: {file: arrays.npz}`"


class _Stop(Exception):
    """Reading cannot go on."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem


class _Scanner(Scanner):
    def fetch_directive(self) -> None:
        mark = self.reader.get_mark()
        raise ScannerError(None, None, "directives (`%…`) are not used here", mark)


class _Stream:
    """The parts of ruamel.yaml that make events of text, and what they ask of each other."""

    processing_version = (1, 2)
    comment_handling = None
    _parser: Any = None
    _scanner: Any = None
    _reader: Any = None

    def __init__(self, text: str) -> None:
        self._resolver = self
        Reader(text, loader=self)
        _Scanner(loader=self)
        Parser(loader=self)


def _events(text: str) -> Iterator[Any]:
    parser = _Stream(text)._parser
    while parser.check_event():
        yield parser.get_event()


class _Walker:
    """Makes plain data of events; as deep as `DEEPEST` and no deeper."""

    def __init__(self, document: Document, events: Iterator[Any]) -> None:
        self.to = document
        self.events = events
        self.count = 0
        self.refused: set[str] = set()

    def document(self) -> Plain:
        data: Plain = None
        documents = 0
        for event in self.events:
            if isinstance(event, DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self.stop(event, "a file holds one document, but a second one begins here", "remove the line `---`")
            elif isinstance(event, NodeEvent):
                data = self.node(event, ())
        return data

    def stop(self, event: Any, message: str, help: str | None = None, length: int = 1) -> None:
        raise _Stop(self.to.problem_at(_mark(event, length), message, help))

    def counted(self, event: Any) -> None:
        """Keeps the time bounded: so many keys and values, so many problems, and no more."""
        self.count += 1
        if self.count > MOST_VALUES:
            self.stop(event, f"the file has more than {MOST_VALUES} keys and values", _TOO_LARGE_HELP)
        if len(self.to.problems) >= MOST_PROBLEMS:
            self.stop(event, f"there are {MOST_PROBLEMS} errors before this line; reading stops here")

    def node(self, event: Any, path: Path) -> Plain:
        self.counted(event)
        if len(path) > DEEPEST:
            self.stop(event, f"lists and mappings are nested deeper than {DEEPEST}")
        if isinstance(event, AliasEvent) or event.anchor is not None or event.tag is not None:
            self.refuse_properties(event, path)
        match event:
            case ScalarEvent():
                self.to.values[path] = mark = _scalar_mark(event)
                return self.scalar(event.value, path, mark) if event.style in (None, "") else str(event.value)
            case SequenceStartEvent():
                self.to.values[path] = _mark(event)
                return [self.node(item, (*path, number)) for number, item in enumerate(self.items())]
            case MappingStartEvent():
                self.to.values[path] = _mark(event)
                return self.mapping(path)
        self.to.values[path] = _mark(event)
        return None

    def items(self) -> Iterator[Any]:
        for event in self.events:
            if isinstance(event, CollectionEndEvent):
                return
            yield event

    def mapping(self, path: Path) -> Plain:
        result: dict[str, Plain] = {}
        for key in self.items():
            if not isinstance(key, ScalarEvent):
                self.stop(key, "a key must be a word, not a list, a mapping or an alias")
            self.counted(key)
            word = str(key.value)
            place = (*path, word)
            mark = _scalar_mark(key)
            if key.anchor is not None or key.tag is not None:
                self.refuse_properties(key, place)
            if word in result:
                first = self.to.keys[place].line
                message = f"the key `{_short(word)}` is given twice, first on line {first}"
                self.to.problems.append(self.to.problem_at(mark, message, "keep one of the two"))
                self.node(next(self.events), (*path, f"{word} (again)"))
                continue
            self.to.keys[place] = mark
            result[word] = self.node(next(self.events), place)
        return result

    def refuse_properties(self, event: Any, path: Path) -> None:
        """Anchors, aliases and tags: each with its place and its reason."""
        line, column = event.start_mark.line, event.start_mark.column
        found = re.match(r"[&*!][^\s,\[\]{}]*", self.to.lines[line][column:])
        mark = Mark(line + 1, column + 1, found.end() if found else 1)
        word = _short(found[0] if found else "")
        if isinstance(event, AliasEvent) or word.startswith("&"):
            message, help = f"anchors and aliases (`{word}`) are not allowed", "write the value out where it is needed"
        else:
            message, help = f"tags (`{word}`) are not allowed: a file is data, nothing in it is run", "remove the tag"
        self.to.broken.add(path)
        if word not in self.refused:  # an alias bomb is one mistake, not a thousand
            self.refused.add(word)
            self.to.problems.append(self.to.problem_at(mark, message, help))

    def scalar(self, text: str, path: Path, mark: Mark) -> Plain:
        """What a plain word means: nothing, true or false, an exact number, or itself."""
        if text in _WORDS:
            return _WORDS[text]
        try:
            number = exact_number(text)
        except NumberError as error:
            self.to.problems.append(self.to.problem_at(mark, str(error)))
            self.to.broken.add(path)
            return 1
        return text if number is None else number


class NumberError(ValueError):
    """A number that is too long or too large to be meant, or a quotient by zero."""


def exact_number(text: str) -> int | Fraction | None:
    """The exact number that a word writes, or None where it is not a number.

    Raises NumberError before anything large is computed.

    >>> exact_number("0.1"), exact_number("17/6"), exact_number("-3"), exact_number("w1")
    (Fraction(1, 10), Fraction(17, 6), -3, None)
    """
    decimal = _NUMBER.fullmatch(text)
    quotient = None if decimal else _QUOTIENT.fullmatch(text)
    if decimal is None and quotient is None:
        return None
    if len(text) > LONGEST_NUMBER:
        raise NumberError(f"a number of {len(text)} characters is too long, at most {LONGEST_NUMBER} are read")
    if quotient is not None:
        numerator, denominator = int(quotient[1]), int(quotient[2])
        if denominator == 0:
            raise NumberError(f"`{text}` divides by zero")
        return Fraction(numerator, denominator)
    assert decimal is not None
    if decimal[1] is not None and abs(int(decimal[1])) > LARGEST_EXPONENT:
        raise NumberError(f"the exponent of `{text}` is too large, at most {LARGEST_EXPONENT} is read")
    if text.lstrip("+-").isdigit():
        return int(text)
    return Fraction(text)


def _mark(event: Any, length: int = 1) -> Mark:
    return Mark(event.start_mark.line + 1, event.start_mark.column + 1, length)


def _scalar_mark(event: Any) -> Mark:
    start, end = event.start_mark, event.end_mark
    if event.style in ("|", ">"):
        return Mark(start.line + 1, start.column + 1, 1, event.style)
    return Mark(start.line + 1, start.column + 1, max(end.column - start.column, 1) if start.line == end.line else 1)


def _short(word: str) -> str:
    word = printable(word)
    return word if len(word) <= 60 else f"{word[:57]}…"


def _refused(text: str, file: str, offset: int | None, message: str, help: str | None = None) -> Document:
    """A document that could not be read at all, with the place of the offset where there is one."""
    if offset is None:
        return Document(file, (), problems=[Problem(file, 0, 0, 0, "", message, help)])
    before = text[:offset]
    line, column = before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1
    end = text.find("\n", offset)
    source_line = text[offset - column + 1 : len(text) if end < 0 else end]
    problem = Problem(file, line, column, 1, source_line, message, help)
    return Document(file, (), problems=[problem])


_YAML_HELP = (
    ("mapping values are not allowed", "put a text that holds `: ` into quotes, and check the indentation"),
    ("cannot start any token", "indent with blanks, and put a text that begins with this character into quotes"),
    ("but got '['", 'inside `[…]` put an element into quotes: ["z[1]", w1]'),
    ("but got '<stream end>'", "a bracket, brace or quote is not closed"),
    ("expected <block end>", "check the indentation of this line"),
)


def _yaml_problem(document: Document, error: YAMLError) -> Problem:
    """An error of ruamel.yaml as a problem of the file."""
    said = str(getattr(error, "problem", None) or error).split("\n")[0]
    place = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if place is None:
        mark = Mark(1, 1, 1)
    else:
        line = min(place.line, len(document.lines) - 1)
        mark = Mark(line + 1, place.column + 1 if line == place.line else len(document.lines[line]) + 1, 1)
    help = next((help for words, help in _YAML_HELP if words in said), None)
    opened = getattr(error, "context_mark", None)
    if opened is not None and place is not None and opened.line < place.line and "flow" in str(error):
        help = f"the bracket that opens on line {opened.line + 1} is not closed"
    return document.problem_at(mark, f"this is not YAML: {_short(said)}", help)
