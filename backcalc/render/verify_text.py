"""The witnesses of a network's gradients side by side, as text."""

from __future__ import annotations

from backcalc.derive.derivation import Check
from backcalc.render.layout import WIDTH, heading, paragraph
from backcalc.verify.witnesses import Verification


def render(verification: Verification, width: int = WIDTH) -> str:
    """A line for every way, with its largest error, and the verdict."""
    lines = heading(verification.net, "═")
    for way in verification.ways:
        lines += paragraph(said(way), 0, width)
    return "\n".join([*lines, "", verdict(verification), ""])


def verdict(verification: Verification) -> str:
    """Whether all ways agree, in a sentence."""
    if all(way.max_error is None for way in verification.ways):
        return "Nothing was verified."
    return "All ways agree." if verification.passed else "The ways do NOT all agree."


def said(check: Check) -> str:
    """One verification in a sentence: `✓ central differences …: largest error 1e-40 (25 derivatives, …)`."""
    mark = "✗" if not check.passed else "–" if check.max_error is None else "✓"
    error = "not evaluated" if check.max_error is None else f"largest error {small(check.max_error)}"
    return f"{mark} {check.against}: {error} ({check.detail})"


def small(error: float) -> str:
    """An error to one digit.

    >>> small(0.0), small(2.3e-9)
    ('0', '2e-9')
    """
    return "0" if error == 0 else f"{error:.0e}".replace("e-0", "e-")
