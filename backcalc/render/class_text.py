"""What a class has in common, as text: points, problems, mistakes, equal wrong answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from backcalc.check.classroom.view import ClassView
from backcalc.net.errors import printable
from backcalc.render.check_lines import counted, points
from backcalc.render.layout import WIDTH, heading, paragraph

MOST_FILES = 12
"""Files that are named in a line; there may be hundreds."""


def render(view: ClassView, width: int = WIDTH) -> str:
    """The view of a class."""
    return "\n".join([*heading("The class"), *_lines(view, width), ""])


def _lines(view: ClassView, width: int) -> Iterator[str]:
    average = f"mean {points(round(view.mean, 2))}, median {points(view.median)} of {points(view.max_points)} points"
    yield from paragraph(f"{counted(view.submissions, 'submission')}; {average}", 0, width)
    if view.unchecked:
        yield from paragraph(f"not checked: {named(view.unchecked)}", 0, width)
    for problem in view.problems:
        spread = (
            f"mean {points(round(problem.mean, 2))}, median {points(problem.median)} of {points(problem.max_points)}"
        )
        ends = f"{points(problem.lowest)} to {points(problem.highest)}"
        shares = f"{problem.full} with all points, {problem.none} with none"
        yield from paragraph(f"Problem {printable(problem.id)}: {spread}; {ends}; {shares}", 2, width)
    if view.mistakes:
        yield from ("", "Mistakes")
    for mistake in view.mistakes:
        text = f"{len(mistake.files)} × {mistake.code}, problem {mistake.problem}: {mistake.example}"
        yield from paragraph(printable(text), 2, width)
        yield from paragraph(named(mistake.files), 6, width)
    if view.clusters:
        yield from ("", "Equal wrong answers")
    for cluster in view.clusters:
        about = f" for {cluster.about}" if cluster.about is not None else ""
        yield from paragraph(printable(f"{len(cluster.files)} × {cluster.claim}{about} ({cluster.code})"), 2, width)
        yield from paragraph(named(cluster.files), 6, width)


def named(files: Sequence[str]) -> str:
    """The first of some files, and how many there are besides."""
    shown = ", ".join(map(printable, files[:MOST_FILES]))
    return shown if len(files) <= MOST_FILES else f"{shown} and {len(files) - MOST_FILES} more"
