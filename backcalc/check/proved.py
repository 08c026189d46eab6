"""Proofs and counterexamples for identities between letters, within a time limit."""

from __future__ import annotations

from functools import lru_cache

from backcalc.formula.errors import FormulaError
from backcalc.formula.print_text import to_text
from backcalc.formula.tree import Expr, size
from backcalc.transform.claim import ClaimError
from backcalc.transform.proof import Proof
from backcalc.transform.prove import prove

SECONDS = 0.5
LONGEST = 400
"""Parts of an identity that is tried to be proved."""


@lru_cache(maxsize=512)
def proved(left: Expr, right: Expr) -> Proof | None:
    """The proof that two formulas of letters are equal, or that they are not; None where none was tried.

    >>> from backcalc.formula.read import read_expression
    >>> sides = [read_expression(text) for text in ("relu(x) + relu(-x)", "abs(x)", "max(x, 1000)", "1000")]
    >>> proved(*sides[:2]).holds, proved(*sides[2:]).holds
    (True, False)
    """
    if size(left) + size(right) > LONGEST:
        return None
    try:
        return prove(f"{to_text(left)} = {to_text(right)}", seconds=SECONDS)
    except (ClaimError, FormulaError, ArithmeticError, LookupError, RecursionError, ValueError):
        return None
