"""A whole class: every submission in a process of its own, results as they come, and what they have in common."""

from __future__ import annotations

from backcalc.check.classroom.handed import Handed, handed_in
from backcalc.check.classroom.limits import Limits
from backcalc.check.classroom.run import Checked, check_class
from backcalc.check.classroom.view import ClassView, class_view

__all__ = ["Checked", "ClassView", "Handed", "Limits", "check_class", "class_view", "handed_in"]
