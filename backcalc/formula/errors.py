"""What a reader says when a formula cannot be read: where, what was expected, and the nearest right name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

WINDOW = 100  # characters of a line that an error shows, so that a hostile line cannot flood the terminal


class FormulaError(ValueError):
    """A formula that cannot be read.

    `start` and `end` are offsets into `text`, from 0; `hint` is a suggestion or None; `others` are further
    errors of the same text, so that a reader of several equations reports all of them at once.

    >>> print(FormulaError("expected an operator", "2x + 1", 1, 2, "write `2*x`"))
    expected an operator
      2x + 1
       ^
    help: write `2*x`
    """

    def __init__(
        self,
        message: str,
        text: str,
        start: int,
        end: int,
        hint: str | None = None,
        others: Sequence[FormulaError] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.text = text
        self.start = start
        self.end = max(end, start + 1)
        self.hint = hint
        self.others = tuple(others)

    @property
    def line(self) -> int:
        """The number of the line, from 1."""
        return self.text.count("\n", 0, self.start) + 1

    @property
    def column(self) -> int:
        """The column in that line, from 1."""
        return self.start - self._line_start() + 1

    @property
    def source_line(self) -> str:
        """The whole line that the error is in, as written."""
        begin = self._line_start()
        stop = self.text.find("\n", begin)
        return self.text[begin:] if stop < 0 else self.text[begin:stop]

    def _line_start(self) -> int:
        return self.text.rfind("\n", 0, self.start) + 1

    def picture(self) -> str:
        """The line and a caret line below it, indented by two; long lines are cut to a window round the caret."""
        line = self.source_line
        left = self.column - 1
        width = max(1, min(self.end - self.start, len(line) - left))
        cut = max(0, left - WINDOW // 2) if len(line) > WINDOW else 0
        shown = "".join(
            char if char.isprintable() else " " if char == "\t" else "�" for char in line[cut : cut + WINDOW]
        )
        before, after = "… " if cut else "", " …" if cut + WINDOW < len(line) else ""
        offset = len(before) + left - cut
        return f"  {before}{shown}{after}".rstrip() + "\n" + " " * (2 + offset) + "^" * min(width, WINDOW - left + cut)

    def __str__(self) -> str:
        lines = [
            self.message,
            self.picture() if self.source_line.strip() else "",
            f"help: {self.hint}" if self.hint else "",
        ]
        return "\n".join([line for line in lines if line] + [str(other) for other in self.others])


def nearest(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate that `word` most likely stands for, or None where none is close. Case does not matter.

    Close means: at most one slip (a letter wrong, missing, extra, or two swapped) in every three letters.

    >>> nearest("sigmod", ["sin", "sigmoid", "sqrt"]), nearest("Max", ["min", "max"]), nearest("foo", ["relu"])
    ('sigmoid', 'max', None)
    """
    if len(word) > 40:
        return None
    folded = word.casefold()
    best: tuple[int, int, str] | None = None
    for candidate in candidates:
        other = candidate.casefold()
        most = max(len(folded), len(candidate)) // 3
        if abs(len(folded) - len(other)) > most:
            continue
        slips = 0 if folded == other else _distance(folded, other, most)
        if slips <= most:
            found = slips, _distance(word, candidate), candidate  # gama is γ rather than Γ
            best = found if best is None or found[:2] < best[:2] else best
    return None if best is None else best[2]


def _distance(left: str, right: str, most: int = 80) -> int:
    """Damerau's distance: letters changed, dropped or added, or neighbours swapped; beyond `most` just some more."""
    before: list[int] = []
    last = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        row = [i]
        for j, b in enumerate(right, 1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        if min(row) > most and min(last) > most:
            return most + 1
        before, last = last, row
    return last[-1]
