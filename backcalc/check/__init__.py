"""Checking homework: a submission's claims against an answer key, verdicts, and why."""

from __future__ import annotations






