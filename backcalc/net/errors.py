"""What is wrong with an input, and where: the place, the line, a caret under the word, and the way out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

WIDEST_LINE = 160
MOST_PROBLEMS = 50
MOST_CANDIDATES = 100


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with an input.

    `line` and `column` count from 1; line 0 is the file as a whole. `length` is how many characters the caret covers.

    >>> print(Problem("net.yaml", 4, 5, 5, "  - con2d: 6", "unknown layer kind `con2d`", "did you mean `conv2d`?"))
    net.yaml:4:5: error: unknown layer kind `con2d`
      4 |   - con2d: 6
        |     ^^^^^
        = help: did you mean `conv2d`?
    """

    file: str
    line: int
    column: int
    length: int
    source_line: str
    message: str
    help: str | None = None
    note: str | None = None

    def __str__(self) -> str:
        place = f"{printable(self.file)}:{self.line}:{self.column}" if self.line else printable(self.file)
        parts = [f"{place}: error: {printable(self.message)}"]
        gutter = " " * max(3, len(str(self.line)) + 1)
        if self.line:
            shown, column, length = window(self.source_line, self.column - 1, self.length)
            parts.append(f"{self.line:>{len(gutter)}} | {shown}".rstrip())
            caret = "^" * columns(shown[column : column + length], 1)
            parts.append(f"{gutter} | {' ' * columns(shown[:column])}{caret}")
        parts.extend(
            f"{gutter} = {label}: {printable(text)}"
            for label, text in (("note", self.note), ("help", self.help))
            if text
        )
        return "\n".join(parts)


class InputError(ValueError):
    """An input that cannot be used; `problems` are all the reasons, in the order of the file.

    >>> raise InputError([Problem("net.yaml", 0, 0, 0, "", "the file is empty")])
    Traceback (most recent call last):
    backcalc.net.errors.InputError: net.yaml: error: the file is empty
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: (problem.line, problem.column)))
        texts = [str(problem) for problem in self.problems[:MOST_PROBLEMS]]
        if len(self.problems) > MOST_PROBLEMS:
            texts.append(f"… and {len(self.problems) - MOST_PROBLEMS} more errors")
        super().__init__("\n".join(texts))


def printable(text: str) -> str:
    """The text without characters that would move a terminal's cursor or hide what is written.

    >>> printable("a\\x1b[2Jb")
    'a�[2Jb'
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(character if character.isprintable() else "�" for character in text)


def said(words: Sequence[str], joint: str = "or") -> str:
    """Words as a list in a sentence.

    >>> said(["a", "b", "c"]), said(["a", "b"])
    ('a, b or c', 'a or b')
    """
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {joint} {words[-1]}"


def did_you_mean(word: str, candidates: Iterable[str], otherwise: str | None = None) -> str | None:
    """The help line that offers the nearest right name, or the other text where none is near."""
    from backcalc.formula.errors import nearest

    near = (candidate for candidate in candidates if abs(len(candidate) - len(word)) <= 3)
    found = nearest(word, islice(near, MOST_CANDIDATES)) if len(word) <= 40 else None
    return otherwise if found is None else f"did you mean `{found}`?"


def window(line: str, start: int, length: int, widest: int = WIDEST_LINE) -> tuple[str, int, int]:
    """A piece of the line that fits a screen, with the place of the caret in it.

    >>> window("one two three four", 8, 5, widest=10)
    ('…o three fo…', 3, 5)
    """
    line = printable(line.rstrip("\r\n").replace("\t", " "))
    start = min(start, len(line))
    length = min(length, max(len(line) - start, 1))
    if len(line) <= widest:
        return line, start, length
    length = min(length, widest // 2)
    first = max(0, min(start - widest // 4, len(line) - widest))
    last = first + widest
    left, right = "…" if first else "", "…" if last < len(line) else ""
    return f"{left}{line[first:last]}{right}", start - first + len(left), length


def columns(text: str, least: int = 0) -> int:
    """How many columns of a terminal the text takes."""
    if text.isascii():
        return max(len(text), least)
    from unicodedata import combining, east_asian_width

    return max(sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text), least)
