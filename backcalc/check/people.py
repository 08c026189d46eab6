"""Whether one folder that was handed in as one submission holds the work of several people."""

from __future__ import annotations

from itertools import combinations

from backcalc.check.result import Submission

MOST_FILES = 60


def hint_of_several(submission: Submission) -> str | None:
    """What to say where several files of one submission answer the same; None where they share the work.

    >>> hint_of_several(Submission("work", (), ())) is None
    True
    """
    answers: dict[str, set[tuple[str | None, str]]] = {}
    for claim in submission.claims:
        if claim.file and claim.final and claim.about is not None:
            answers.setdefault(claim.file, set()).add((claim.part, claim.about))
    files = sorted(answers)[:MOST_FILES]
    alike = [pair for pair in combinations(files, 2) if _alike(*(answers[file] for file in pair))]
    if not alike:
        return None
    several = sorted({file for pair in alike for file in pair})
    named = f"{several[0]} and {several[1]}" if len(several) == 2 else f"{several[0]} and {len(several) - 1} more files"
    return f"{submission.file}: {named} answer the same; if each is of another person, check them with --class"


def _alike(one: set[tuple[str | None, str]], other: set[tuple[str | None, str]]) -> bool:
    return 2 * len(one & other) >= max(len(one), len(other))
