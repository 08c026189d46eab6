"""A count turned round: which size makes a total what it should be, "how wide for a million parameters?"."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

from backcalc.count.table import Table, pretty
from backcalc.formula.errors import nearest
from backcalc.formula.integers import rational
from backcalc.formula.size import Size, shown
from backcalc.formula.tree import Ref

LARGEST = 1_000_000_000
"""The largest size that is looked at."""

_QUESTION = re.compile(r"\s*(\w+)\s*=\s*(\d[\d_,]*)(?:\.(\d+))?(?:[eE]\+?(\d{1,3}))?\s*")
_DIVISIBLE = re.compile(r"(\w+) is divisible by (\d+)")
_AT_MOST = re.compile(r"(\w+) is at most (\d+)")

Coefficients = tuple[Fraction, ...]
"""Those of a polynomial, the constant first."""


class SolveError(ValueError):
    """A question that cannot be answered: what is wrong with it, in words."""


@dataclass(frozen=True, slots=True)
class Solution:
    """What `letter` must be so that the total `what`, the `formula`, is `target`.

    `exact` are all sizes that make it so; where there are none, `near` are the neighbouring sizes below and above, with
    what they give. Only multiples of `step`, up to `most`, are sizes that the network can have.
    """

    net: str
    what: str
    target: int
    letter: str
    formula: str
    exact: tuple[int, ...]
    near: tuple[tuple[int, int], ...]
    step: int = 1
    most: int = LARGEST

    def to_json(self) -> dict[str, object]:
        """The solution as JSON has it."""
        near = [{self.letter: size, self.what: value} for size, value in self.near]
        return {
            "schema_version": 1,
            "net": self.net,
            "solve": f"{self.what} = {self.target}",
            "for": self.letter,
            "formula": self.formula,
            "exact": list(self.exact),
            "near": near,
            "step": self.step,
            "most": self.most,
        }


def solve(table: Table, question: str, letter: str) -> Solution:
    """The sizes that make a total what the question says, `params = 1e6`, exactly.

    >>> from backcalc.count import count
    >>> from backcalc.net import load_network
    >>> net = load_network("sizes: {d: null}\\ninput: {x: d}\\nlayers: [dense: d]")
    >>> solve(count(net), "params = 110", "d").exact, solve(count(net), "params = 1e6", "d").near
    ((10,), ((999, 999000), (1000, 1001000)))

    Raises SolveError where the question cannot be read, or the total has no such letter, or others besides.
    """
    what, target = _asked(question, table)
    if table.uncounted and what in ("connections", "macs", "flops"):
        raise SolveError(f"{what} can be more than what is counted: of {table.uncounted[0]} it is not known")
    total = _totals(table)[what]
    _check(what, total, letter)
    assert isinstance(total, Size)
    step, most = _step(table, letter), _most(table, letter)
    value, places = _places(total, letter, target, step, most)
    found = sorted({size for place in places for size in (place, place + 1) if 1 <= size <= most // step})
    exact = tuple(size * step for size in found if value(size) == target)
    around = (size for size in found if _between(value, size, target) or _between(value, size - 1, target))
    near = () if exact else tuple((size * step, int(value(size))) for size in around)
    return Solution(table.net, what, target, letter, pretty(str(shown(total))), exact, near, step, most)


def checked(found: Solution, recount: Callable[[int], Table]) -> Solution:
    """The solution, each of its sizes put into the network and counted anew.

    Raises SolveError where a count is another: a formula with letters takes them to be large and divisible.
    """
    for size, value in (*((size, found.target) for size in found.exact), *found.near):
        if (here := _totals(recount(size))[found.what]) != value:
            raise SolveError(
                f"{found.what} = {found.formula} holds for large {found.letter} only: "
                f"{found.letter} = {size} counts {here}"
            )
    return found


def _asked(question: str, table: Table) -> tuple[str, int]:
    """The total and its number. Raises SolveError."""
    read = _QUESTION.fullmatch(question)
    if read is None:
        raise SolveError(f"expected a total and its number, as in `params = 1e6`, got `{question[:60]}`")
    what, whole, decimals, exponent = read[1], re.sub("[_,]", "", read[2]), read[3] or "", int(read[4] or 0)
    totals = _totals(table)
    if what not in totals:
        close = nearest(what, totals)
        hint = f"did you mean `{close}`?" if close else f"the totals are {', '.join(totals)}"
        raise SolveError(f"there is no total `{what[:60]}`; {hint}")
    if len(whole) + len(decimals) + exponent > 100:
        raise SolveError("the number has more than 100 digits")
    number = Fraction(int(whole + decimals)) * Fraction(10) ** (exponent - len(decimals))
    if number.denominator != 1:
        raise SolveError(f"{what} is a whole number, not {question.partition('=')[2].strip()}")
    return what, number.numerator


def _totals(table: Table) -> Mapping[str, int]:
    totals = table.totals
    return {
        "params": totals.params,
        "total": totals.total,
        "active": totals.active,
        "connections": totals.connections.value,
        "macs": totals.macs.value,
        "flops": totals.flops.value,
        "activations": totals.activations.value,
        "memory_bytes": totals.memory.value,
    }


def _check(what: str, total: int, letter: str) -> None:
    """Raises SolveError unless the total is a formula of that letter alone."""
    if not isinstance(total, Size):
        raise SolveError(
            f"{what} is {total}: no letter is in it; a size is a letter where `sizes` has `{letter}: null`"
        )
    others = sorted(total.letters - {letter})
    if letter not in total.letters:
        raise SolveError(f"{what} does not depend on `{letter}`; its letters are {', '.join(others)}")
    if others:
        numbers = ",".join(f"{other}=…" for other in others)
        raise SolveError(f"{what} depends on {', '.join(others)} too: give numbers for them, `--at {numbers}`")


def _step(table: Table, letter: str) -> int:
    """What the letter must be a multiple of."""
    found = (_DIVISIBLE.fullmatch(each) for each in table.assumed)
    return lcm(*(int(match[2]) for match in found if match is not None and match[1] == letter))


def _most(table: Table, letter: str) -> int:
    """What the letter is at most."""
    found = (_AT_MOST.fullmatch(each) for each in table.assumed)
    return min((int(match[2]) for match in found if match is not None and match[1] == letter), default=LARGEST)


def _places(total: Size, letter: str, target: int, step: int, most: int) -> tuple[Callable[[int], Fraction], list[int]]:
    """The total as a function of `letter/step`, and the places n with a solution, if any, from n to n + 1."""
    terms = total.polynomial.terms
    if all(power[0] == Ref(letter) for monomial in terms for power in monomial):
        degree = max(sum(exponent for _, exponent in monomial) for monomial in terms)
        found = [Fraction(0)] * (degree + 1)
        for monomial, coefficient in terms.items():
            exponent = sum(power for _, power in monomial)
            found[exponent] += coefficient * step**exponent
        found[0] -= target
        coefficients = tuple(found)
        return lambda n: _at(coefficients, n) + target, list(cells(coefficients, 1, most // step))
    expr = total.expr  # with `div` in it: taken to grow with the letter

    def value(n: int) -> Fraction:
        return rational(expr, {letter: n * step})

    low, high = 1, most // step
    return value, [_crossing(lambda n: value(n) - target, low, high)]


def cells(coefficients: Coefficients, low: int, high: int) -> Iterator[int]:
    """Whole numbers n, ascending, so that every zero of the polynomial from low to high lies from such an n to n + 1.

    Between the cells of its derivative a polynomial only rises or only falls, and there bisection finds the zero.

    >>> list(cells((Fraction(-10), Fraction(0), Fraction(1)), 1, 100))
    [3]
    """
    if len(coefficients) <= 1:
        return
    slope = tuple(power * coefficient for power, coefficient in enumerate(coefficients))[1:]
    bends = [*cells(slope, low, high)]
    found = set(bends)
    for start, end in zip([low, *(bend + 1 for bend in bends)], [*bends, high], strict=True):
        if start <= end and _at(coefficients, start) * _at(coefficients, end) <= 0:
            found.add(_crossing(lambda n: _at(coefficients, n), start, end))
    yield from sorted(found)


def _at(coefficients: Coefficients, n: int) -> Fraction:
    total = Fraction(0)
    for coefficient in reversed(coefficients):
        total = total * n + coefficient
    return total


def _crossing(value: Callable[[int], Fraction], low: int, high: int) -> int:
    """The n from low to high with the zero of a monotone function from n to n + 1."""
    rises = value(high) >= value(low)
    while high - low > 1:
        middle = (low + high) // 2
        if (value(middle) <= 0) == rises:
            low = middle
        else:
            high = middle
    return high if value(high) == 0 else low


def _between(value: Callable[[int], Fraction], n: int, target: int) -> bool:
    """Whether the target lies strictly between the values at n and at n + 1."""
    return n >= 1 and min(value(n), value(n + 1)) < target < max(value(n), value(n + 1))
