"""Checks a class: what is kept already, what the workers say of the rest, and the report in the order of the call."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from backcalc.check.classroom.crew import Crew
from backcalc.check.classroom.handed import Handed
from backcalc.check.classroom.limits import Limits
from backcalc.check.classroom.messages import Reply, Start, path_text
from backcalc.check.classroom.results import Results
from backcalc.check.classroom.worker import CAN_FORK
from backcalc.check.result import Report, Submission
from backcalc.net.errors import Problem

Done = Callable[[int, int], None]
"""Is told how many of how many submissions are done."""


@dataclass(frozen=True, slots=True)
class Checked:
    """The report on a class; `refused` are the reasons why submissions could not be read.

    `seconds` of a processor is the most that one submission took, `megabytes` the most memory that its process had.
    """

    report: Report
    refused: tuple[Problem, ...] = ()
    seconds: float = 0
    megabytes: float = 0


def check_class(
    key: Path,
    handed: Sequence[Handed],
    *,
    jobs: int | None = None,
    limits: Limits | None = None,
    results: Path | None = None,
    done: Done | None = None,
    forks: bool = CAN_FORK,
) -> Checked:
    """Checks every submission in a process of its own, `jobs` at a time; the report is in the order of `handed`.

    In the folder `results` every result is kept as it comes; what is there already, of the same key and the same
    content, is not checked again. Raises InputError for a key that cannot be used, and OSError where a result cannot
    be kept.
    """
    store = None if results is None else Results(results, key)
    kept = [None if store is None else store.load(one) for one in handed]
    replies = {number: Reply(found) for number, found in enumerate(kept) if found is not None}
    waiting = [number for number, found in enumerate(kept) if found is None]
    limits = limits or Limits()
    start = Start(path_text(key), limits.seconds, limits.megabytes, forks)
    crew = Crew(start, max(1, min(jobs or processors(), len(waiting))))
    try:
        for number, reply in crew.replies(handed, waiting):
            replies[number] = reply
            if store is not None and reply.submission is not None:
                store.save(handed[number], reply.submission)
            if done is not None:
                done(len(replies), len(handed))
    finally:
        crew.close()
    submissions = tuple(_submission(one, replies[number]) for number, one in enumerate(handed))
    refused = tuple(problem for number in range(len(handed)) for problem in replies[number].problems)
    longest = max((reply.seconds for reply in replies.values()), default=0)
    peak = max((reply.megabytes for reply in replies.values()), default=0)
    return Checked(Report(crew.ready.key, crew.ready.answers, submissions), refused, longest, peak)


def processors() -> int:
    """How many processes can run at the same time."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _submission(handed: Handed, reply: Reply) -> Submission:
    if reply.submission is not None:
        return reply.submission
    why = reply.trouble or "; ".join(problem.message for problem in reply.problems)
    return Submission(handed.file, (), (), unchecked=why)
