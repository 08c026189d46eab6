"""Mistakes in the numbers themselves: digits swapped, a number copied wrong from where it was computed."""

from __future__ import annotations

from backcalc.check.case import Case
from backcalc.check.compare import compare
from backcalc.check.interval import INTERVALS, Interval
from backcalc.check.names import NotFormula
from backcalc.check.path_mistakes import exchanged
from backcalc.formula.evaluate import evaluate_expression
from backcalc.formula.integers import EvaluationError
from backcalc.formula.tree import Ref, walk

MOST_TRIES = 40


def digits(case: Case) -> str | None:
    """Two neighbouring digits swapped, or a digit miswritten, in an otherwise right number."""
    value = case.value
    if value is None or not case.is_number:
        return None
    expected = _expected(case)
    if expected is None:
        return None
    for places in range(1, 9):
        right = _rounded(expected, places)
        mine = _rounded(value, places)
        if right is None or mine is None or len(right) != len(mine) or len(right.strip("-0.")) < 2:
            continue
        differing = [i for i, (a, b) in enumerate(zip(right, mine, strict=True)) if a != b]
        if len(differing) != 2 or differing[1] != differing[0] + 1:
            continue
        first, second = differing
        if right[first] == mine[second] and right[second] == mine[first]:
            return f"two digits are swapped: {right} is right"
    return None


def _rounded(value: Interval, places: int) -> str | None:
    number = value.middle
    if abs(number) >= 10**9:
        return None
    scaled = int(abs(number) * 10**places + 0.5)
    text = str(scaled).rjust(places + 1, "0")
    return f"{'-' if number < 0 else ''}{text[:-places]}.{text[-places:]}"


def _expected(case: Case) -> Interval | None:
    store = dict(case.subject.given.store)
    store |= {name: {(): value} for name, value in case.left.known.items()}
    try:
        return evaluate_expression(case.left.expr, case.subject.given.sizes, store, INTERVALS, case.subject.program)
    except EvaluationError:
        return None


def copied_wrong(case: Case) -> str | None:
    """A number put in that is one digit off a value which makes the claim true."""
    letters = [node for node in walk(case.right.expr) if isinstance(node, Ref) and node.name in case.right.known]
    tries = 0
    for letter in letters[:6] if case.right.expr not in letters else ():
        mine = case.right.known[letter.name]
        for ref in case.quantities():
            value = case.subject.given.store[ref.name].get(case.place(ref))
            if value is None or not _one_digit_off(mine, value):
                continue
            tries += 1
            if tries > MOST_TRIES:
                return None
            try:
                mended = case.right.with_expr(exchanged(case.right.expr, letter, ref))
                if compare(case.left, mended, case.subject).holds:
                    return f"{mine} is copied wrong: {case.worth(ref)}"
            except NotFormula:
                continue
    return None


def _one_digit_off(mine: Interval, value: Interval) -> bool:
    """Whether a written number and a value, at as many decimals, differ in one digit or two swapped ones."""
    for places in range(1, 9):
        if mine.width * 10**places < 0.5:
            continue
        one, other = _rounded(mine, places - 1 or 1), _rounded(value, places - 1 or 1)
        break
    else:
        one, other = _rounded(mine, 8), _rounded(value, 8)
    if one is None or other is None or len(one) != len(other):
        return False
    differing = [place for place, (a, b) in enumerate(zip(one, other, strict=True)) if a != b]
    if len(differing) == 1:
        return True
    swapped = len(differing) == 2 and one[differing[0]] == other[differing[1]]
    return swapped and one[differing[1]] == other[differing[0]]


NUMBER_MISTAKES = (digits, copied_wrong)
