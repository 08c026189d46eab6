"""Grades into a file that the teacher exported: from Canvas the gradebook, from Moodle the grading worksheet.

Only the cells of grades are changed, in Moodle those of empty feedback too; every other byte stays as it was. A
submission is matched with a student by what its name has of the student's number, login, address or name.

Sources: community.canvaslms.com, "How do I import grades in the Gradebook?"; docs.moodle.org, "Offline grading
worksheet".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from backcalc.check.classroom.cells import Cells, TableFault, read_cells
from backcalc.check.result import Submission
from backcalc.net.errors import InputError, Problem, did_you_mean, printable

LARGEST = 50_000_000

Form = Literal["canvas", "moodle"]

_ASSIGNMENT = re.compile(r"(?P<name>.+) \((?P<id>\d+)\)")
_WORDS = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Layout:
    """What a program calls its columns: the student's name, what else tells who it is, and how a maximum is said."""

    name: str
    others: tuple[str, ...]
    grade: str | None = None
    maximum: str | None = None
    feedback: str | None = None
    locked: str | None = None


LAYOUTS: Mapping[Form, Layout] = MappingProxyType(
    {
        "canvas": Layout("Student", ("ID", "SIS User ID", "SIS Login ID")),
        "moodle": Layout(
            "Full name",
            ("Identifier", "ID number", "Email address"),
            "Grade",
            "Maximum Grade",
            "Feedback comments",
            "Grade can be changed",
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Filled:
    """The file with the grades in it, how many there are, and what was left out and why."""

    data: bytes
    grades: int
    notes: tuple[str, ...]


Feedback = Callable[[Submission], str]


class Gradebook:
    """An exported file; `column` names the assignment where there are several. Raises InputError for other files."""

    def __init__(self, path: Path, form: Form, column: str | None = None) -> None:
        self.path, self.layout = path, LAYOUTS[form]
        self.cells = self._cells()
        names = [cell.value.strip() for cell in self.cells.rows[0]] if self.cells.rows else []
        self.columns = {name: place for place, name in reversed(list(enumerate(names)))}
        if self.layout.name not in self.columns and not self.columns.keys() & set(self.layout.others):
            wanted = ", ".join((self.layout.name, *self.layout.others))
            raise self._fault(f"this is no file that {form} exported: its first line has none of {wanted}")
        self.grade = self._grade(names, column)
        self.known = {row: tuple(self._known(row)) for row in range(1, len(self.cells.rows)) if self._is_student(row)}
        self.possible = self._possible()

    def filled(self, submissions: Sequence[Submission], feedback: Feedback) -> Filled:
        """The file with the points of the submissions, scaled where it has another maximum than the key."""
        whole = max((submission.max_points for submission in submissions), default=0)
        notes: list[str] = []
        rows: dict[int, list[Submission]] = {}
        for submission in submissions:
            file = printable(submission.file)
            found = self.students(submission.file)
            if submission.unchecked is not None:
                notes.append(f"{file} was not checked: {printable(submission.unchecked)}")
            elif len(found) == 1:
                rows.setdefault(found[0], []).append(submission)
            elif found:
                notes.append(f"{file} may be of {' or '.join(self.called(row) for row in found[:4])}")
            else:
                notes.append(f"{file} fits no student in the file")
        values: dict[tuple[int, int], str] = {}
        for row, own in sorted(rows.items()):
            if len(own) > 1:
                files = ", ".join(printable(submission.file) for submission in own)
                notes.append(f"{self.called(row)} has handed in {len(own)}: {files}")
            elif self.locked(row):
                notes.append(f"the grade of {self.called(row)} cannot be changed")
            else:
                values |= self.entries(row, own[0], feedback)
        scaled = {most for row in rows if (most := self.maximum(row)) is not None and most != whole}
        notes += [f"the points of {whole:g} are scaled to {most:g}, as in the file" for most in sorted(scaled)]
        grades = sum(column == self.grade for _, column in values)
        return Filled(self.cells.with_values(values), grades, tuple(notes))

    def students(self, file: str) -> list[int]:
        """The rows of the students whose submission a file may be: those of whom its name has most."""
        path = Path(file)
        shown = f" {_plain(path.name)} "
        fits = {row: sum(f" {word} " in shown for word in known) for row, known in self.known.items()}
        best = max(fits.values(), default=0)
        return [row for row, count in fits.items() if count == best] if best else []

    def called(self, row: int) -> str:
        """What a student is called."""
        return printable(self._at(row, self.layout.name) or self._at(row, self.layout.others[0]) or f"row {row + 1}")

    def locked(self, row: int) -> bool:
        """Whether the file says that the grade cannot be changed."""
        return self.layout.locked is not None and self._at(row, self.layout.locked).casefold() in ("no", "0", "false")

    def maximum(self, row: int) -> float | None:
        """The points that the file has for all, where it says so."""
        text = self.possible if self.layout.maximum is None else self._at(row, self.layout.maximum)
        try:
            return float(text.replace(",", ".")) or None
        except ValueError:
            return None

    def entries(self, row: int, submission: Submission, feedback: Feedback) -> dict[tuple[int, int], str]:
        """The cells of a student that are filled in."""
        most = self.maximum(row)
        points = submission.points
        if most is not None and submission.max_points:
            points = points * most / submission.max_points
        found = {(row, self.grade): f"{round(points, 2):g}"}
        column = self.columns.get(self.layout.feedback or "")
        if column is not None and column < len(self.cells.rows[row]) and not self.cells.rows[row][column].value.strip():
            found[row, column] = feedback(submission)
        return found

    def _at(self, row: int, name: str) -> str:
        column = self.columns.get(name)
        cells = self.cells.rows[row]
        return cells[column].value.strip() if column is not None and column < len(cells) else ""

    def _is_student(self, row: int) -> bool:
        named = any(self._at(row, name) for name in self.layout.others)
        return named and self.grade < len(self.cells.rows[row])

    def _known(self, row: int) -> Iterator[str]:
        """What a file's name may have of a student; a name in both orders, and as Canvas joins it."""
        words = _plain(self._at(row, self.layout.name)).split()
        if len(words) > 1:
            turned = _plain(" ".join(reversed(self._at(row, self.layout.name).split(","))))
            yield from dict.fromkeys((" ".join(words), turned, "".join(words)))
        for name in self.layout.others:
            text = self._at(row, name).removeprefix("Participant ")
            yield from (word for word in dict.fromkeys((_plain(text), _plain(text.partition("@")[0]))) if word)

    def _possible(self) -> str:
        """The points that Canvas has for all, in the row that says so."""
        for cells in self.cells.rows[1:4]:
            if cells[0].value.strip() == "Points Possible" and self.grade < len(cells):
                return cells[self.grade].value.strip()
        return ""

    def _grade(self, names: Sequence[str], column: str | None) -> int:
        """The column of the grades: the one that is asked for, or the only one there is."""
        if self.layout.grade is not None and column is None:
            column = self.layout.grade
        assignments = {name: place for place, name in enumerate(names) if _ASSIGNMENT.fullmatch(name)}
        if column is None:
            if len(assignments) == 1:
                return next(iter(assignments.values()))
            said = ", ".join(f"`{printable(name)}`" for name in list(assignments)[:12])
            help = f"say which with --column; there are {said}" if said else "an assignment is called `HW07 (12345)`"
            raise self._fault(f"there are {len(assignments)} assignments in the file", help)
        found = [place for name, place in assignments.items() if name.rpartition(" (")[0] == column]
        if column in self.columns:
            return self.columns[column]
        if len(found) == 1:
            return found[0]
        raise self._fault(f"the file has no column `{printable(column)}`", did_you_mean(column, names))

    def _cells(self) -> Cells:
        with self.path.open("rb") as file:
            data = file.read(LARGEST + 1)
        if len(data) > LARGEST:
            raise self._fault(f"the file has more than {LARGEST} bytes")
        try:
            return read_cells(data)
        except TableFault as fault:
            raise self._fault(str(fault)) from None

    def _fault(self, message: str, help: str | None = None) -> InputError:
        return InputError([Problem(str(self.path), 0, 0, 0, "", message, help)])


def _plain(text: str) -> str:
    """Small letters and digits in words, without accents.

    >>> _plain("Lovelace, Zoë_12")
    'lovelace zoe 12'
    """
    plain = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return _WORDS.sub(" ", plain).strip()
