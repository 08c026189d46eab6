"""Why something is wrong: first a known value put in the wrong place, then the named mistakes, one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from backcalc.check.case import Case
from backcalc.check.count_mistakes import COUNT_MISTAKES
from backcalc.check.mistakes import MISTAKES
from backcalc.check.names import NotFormula
from backcalc.check.result import Diagnosis
from backcalc.formula.integers import EvaluationError
from backcalc.formula.tree import Expr, Num, Ref, rebuild, walk

MOST_TRIES = 600
MOST_TIES = 3


def explain(case: Case) -> Diagnosis:
    """What most likely happened; code `wrong` where nothing fits.

    What explains a formula at all values comes before what explains it at the given ones alone.
    """
    library = COUNT_MISTAKES if case.is_count else MISTAKES
    for one in (case,) if case.is_number else (case, replace(case, as_function=False)):
        for mistake in library:
            try:
                text = mistake(one)
            except (EvaluationError, NotFormula, ArithmeticError, LookupError, ValueError):
                continue
            if text is not None:
                return Diagnosis(mistake.__name__.replace("_", "-"), text)
    swapped = list(islice(_substitutions(case), MOST_TIES))
    if swapped:
        return Diagnosis("substituted", " or ".join(swapped))
    return Diagnosis("wrong", "the two sides are not equal")


def _substitutions(case: Case) -> Iterator[str]:
    """Sentences of the form `-6 comes out with ∂J/∂y1 = -2 in place of y1 = 1/2`."""
    if not case.is_number:
        return
    tries = 0
    for formula in case.formulas():
        read = dict.fromkeys(node for node in walk(formula) if isinstance(node, Ref) and case.has_value(node))
        for name in read:
            for other in case.quantities():
                tries += 1
                if tries > MOST_TRIES:
                    return
                if other != name and not case.same(other, name) and case.gives(replaced(formula, name, other)):
                    yield (f"{case.said} comes out with {case.worth(other)} in place of {case.worth(name)}")
        if read:
            return


def replaced(expr: Expr, name: Ref, other: Expr) -> Expr:
    """The formula with another expression in place of every occurrence of a quantity.

    >>> from backcalc.formula.read import read_expression
    >>> from backcalc.formula.print_unicode import to_unicode
    >>> from backcalc.formula.tree import num
    >>> print(to_unicode(replaced(read_expression("y[1]*(1 - y[1])"), Ref("y", (num(1),)), num(3))))
    3·(1 − 3)
    """
    if expr == name:
        return other
    return expr if isinstance(expr, Num) else rebuild(expr, lambda part: replaced(part, name, other))
