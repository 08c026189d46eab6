"""A check as JSON: the report, and for a class what its submissions have in common."""

from __future__ import annotations

from backcalc.check.classroom.view import class_view
from backcalc.check.result import Report


def render(report: Report, *, whole: bool = True) -> dict[str, object]:
    """The document of the contract; `class` is there where there are several submissions, without `whole` alone."""
    document = report.to_json()
    if not whole:
        del document["submissions"]
    if len(report.submissions) > 1 or not whole:
        document["class"] = class_view(report.submissions).to_json()
    return document
