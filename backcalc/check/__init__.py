"""Checking homework: a submission's claims against an answer key, verdicts, and why."""

from __future__ import annotations

from backcalc.check.key import Key, load_key
from backcalc.check.result import Report
from backcalc.check.run import check

__all__ = ["Key", "Report", "check", "load_key"]
