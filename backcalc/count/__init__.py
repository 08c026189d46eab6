"""Counting: the table of a network, a row a layer, with the formula beside each number.

The tables are pure functions of shapes; what an operation costs is a table of prices (`conventions`); the receptive
field is a walk of its own (`receptive`); `interpreter` executes equations and counts, and is what tests compare with.
"""

from __future__ import annotations

from backcalc.count.build import count
from backcalc.count.conventions import CONVENTIONS, Convention
from backcalc.count.table import Formula, Formulas, Row, Table, Totals

__all__ = ["CONVENTIONS", "Convention", "Formula", "Formulas", "Row", "Table", "Totals", "count"]
