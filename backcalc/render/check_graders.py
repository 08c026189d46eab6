"""One submission as autograders want it: the `results.json` of Gradescope, and that of PrairieLearn.

Sources: gradescope-autograders.readthedocs.io/en/latest/specs; PrairieLearn, docs/externalGrading.md.
"""

from __future__ import annotations

from collections.abc import Iterator

from backcalc.check.result import Claim, Part, Submission
from backcalc.net.errors import printable
from backcalc.render.check_lines import points
from backcalc.render.check_text import of_claim, of_part, summary

LONGEST = 200_000
"""Characters of one output; PrairieLearn takes a megabyte in all."""
MOST_TESTS = 400


def gradescope(submission: Submission) -> dict[str, object]:
    """A test with points for every problem, then one without for every claim that is not right; all of it is text.

    What was not checked has no points until it is handed in again, or graded by hand; the output says why.
    """
    if submission.unchecked is not None:
        output = f"not checked: {printable(submission.unchecked)}"
        return {"output": output, "output_format": "text", "tests": [], "score": 0}
    tests = [test for part in submission.parts for test in _tests(part, submission)]
    return {
        "score": submission.points,
        "output": _cut("\n".join(_opening(submission))),
        "output_format": "text",
        "test_output_format": "text",
        "test_name_format": "text",
        "visibility": "visible",
        "tests": tests[:MOST_TESTS],
    }


def prairielearn(submission: Submission) -> dict[str, object]:
    """A test for every problem; what could not be read or checked is not gradable and costs nobody anything."""
    if submission.unchecked is not None:
        reason = printable(submission.unchecked)
        return {"gradable": False, "format_errors": [reason], "message": reason}
    whole = submission.max_points
    return {
        "gradable": True,
        "score": round(submission.points / whole, 6) if whole else 0,
        "message": summary(submission),
        "output": _cut("\n".join(_opening(submission))),
        "tests": [
            {
                "name": f"Problem {printable(part.id)}",
                "points": part.points,
                "max_points": part.max_points,
                "output": _cut("\n".join(of_part(part, submission)), LONGEST // max(1, len(submission.parts))),
            }
            for part in submission.parts
        ],
    }


def _opening(submission: Submission) -> Iterator[str]:
    """The points, what was passed over, and the first error of each problem."""
    yield summary(submission)
    yield from (f"note: {printable(note)}" for note in submission.notes)
    for part in submission.parts:
        if part.first_error is not None:
            yield f"Problem {printable(part.id)}:"
            yield from of_claim(submission.claims[part.first_error], first=True)


def _tests(part: Part, submission: Submission) -> Iterator[dict[str, object]]:
    name = printable(part.id)
    yield {
        "number": name,
        "name": f"Problem {name}",
        "score": part.points,
        "max_score": part.max_points,
        "output": _cut("\n".join([f"{points(part.points)} points", *(printable(f.text) for f in part.findings)])),
    }
    own = [claim for claim in submission.claims if claim.part == part.id]
    for number, claim in enumerate(own, start=1):
        if claim.verdict != "right":
            yield _test(f"{name}.{number}", claim)


def _test(number: str, claim: Claim) -> dict[str, object]:
    """A claim: failed where it is false; one that was not settled has neither passed nor failed."""
    about = f" ({printable(claim.about)})" if claim.about is not None else ""
    test: dict[str, object] = {
        "number": number,
        "name": f"line {claim.line}: {claim.verdict}{about}",
        "output": _cut("\n".join(of_claim(claim))),
        "tags": [claim.verdict],
    }
    if claim.verdict in ("wrong", "follows"):
        test["status"] = "failed"
    elif claim.verdict == "convention":
        test["status"] = "passed"
    return test


def _cut(text: str, longest: int = LONGEST) -> str:
    return text if len(text) <= longest else f"{text[:longest]}\n…"
