"""Statistics of repeats: mean, spread, quantiles, and the tests of a difference of two means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, inf, isfinite, lgamma, log, nan, sqrt
from typing import Any

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Summary:
    """What repeats gave: how many counted and how many were lost, mean, standard deviation (over n - 1), quantiles."""

    count: int
    lost: int
    mean: float
    sd: float
    least: float
    most: float
    quantiles: tuple[float, ...]

    @property
    def error(self) -> float:
        """The standard error of the mean."""
        return self.sd / sqrt(self.count) if self.count else nan

    def to_json(self) -> dict[str, Any]:
        """As plain data, what is not finite as null."""
        named = {f"q{round(100 * share):02d}": value for share, value in zip(QUANTILES, self.quantiles, strict=True)}
        found = {"mean": self.mean, "sd": self.sd, "min": self.least, **named, "max": self.most}
        return {"n": self.count, "lost": self.lost} | {key: finite(value) for key, value in found.items()}


def finite(number: float) -> float | None:
    """The number, or none where it is not finite."""
    return number if isfinite(number) else None


def summary(numbers: Sequence[float | None]) -> Summary:
    """The statistics of those numbers that are any.

    >>> found = summary([1, 2, 3, 4, None])
    >>> found.count, found.lost, found.mean, round(found.sd, 4), found.quantiles[2]
    (4, 1, 2.5, 1.291, 2.5)
    """
    kept = sorted(float(number) for number in numbers if number is not None and isfinite(number))
    lost = len(numbers) - len(kept)
    if not kept:
        return Summary(0, lost, nan, nan, nan, nan, (nan,) * len(QUANTILES))
    mean = _mean(kept)
    spread = sqrt(sum((number - mean) ** 2 for number in kept) / (len(kept) - 1)) if len(kept) > 1 else nan
    return Summary(len(kept), lost, mean, spread, kept[0], kept[-1], tuple(quantile(kept, q) for q in QUANTILES))


def _mean(numbers: Sequence[float]) -> float:
    """The mean, exactly the number where all are the same."""
    first = numbers[0]
    return first + sum(number - first for number in numbers) / len(numbers)


def quantile(ordered: Sequence[float], share: float) -> float:
    """The quantile between two of the ordered numbers, linearly, as NumPy has it.

    >>> quantile([1, 2, 3, 4], 0.25)
    1.75
    """
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])


@dataclass(frozen=True, slots=True)
class Difference:
    """The difference of two means, `second - first`, with Student's t, its degrees of freedom, p of both sides.

    `low` and `high` are the ends of the interval that holds the difference in 95 of 100 experiments.
    """

    difference: float
    t: float
    df: float
    p: float
    low: float
    high: float

    def to_json(self) -> dict[str, Any]:
        """As plain data, what is not finite as null."""
        found = {"difference": self.difference, "t": self.t, "df": self.df, "p": self.p}
        return {key: finite(value) for key, value in (found | {"low": self.low, "high": self.high}).items()}


def welch(first: Summary, second: Summary) -> Difference | None:
    """Welch's test (1947): whether two means differ, where the spreads may differ too; None where nothing varies.

    >>> found = welch(summary([1, 2, 3, 4]), summary([2, 4, 6, 8]))
    >>> found.difference, round(found.t, 6), round(found.df, 6), round(found.p, 6)
    (2.5, 1.732051, 4.411765, 0.151581)
    """
    if min(first.count, second.count) < 2:
        return None
    a, b = first.sd**2 / first.count, second.sd**2 / second.count
    if a + b == 0:
        return None
    df = (a + b) ** 2 / (a**2 / (first.count - 1) + b**2 / (second.count - 1))
    return _difference(second.mean - first.mean, sqrt(a + b), df)


def paired(first: Sequence[float | None], second: Sequence[float | None]) -> Difference | None:
    """Student's test (1908) of the differences within pairs, of numbers that belong together as those of one seed do.

    It sees a small difference where both numbers of a pair rise and fall together. A pair one of whose numbers was lost
    is left out; None where the differences do not vary.

    >>> found = paired([1, 2, 3, 4, 5], [2, 4, 6, 8, None])
    >>> found.difference, round(found.t, 6), found.df, round(found.p, 6)
    (2.5, 3.872983, 3, 0.030466)
    """
    both = zip(first, second, strict=True)
    found = summary([None if a is None or b is None else b - a for a, b in both])
    if found.count < 2 or found.sd == 0:
        return None
    return _difference(found.mean, found.error, found.count - 1)


def _difference(difference: float, error: float, df: float) -> Difference:
    t = difference / error
    reach = t_quantile((1 + CONFIDENCE) / 2, df) * error
    return Difference(difference, t, df, t_tails(t, df), difference - reach, difference + reach)


def t_tails(t: float, df: float) -> float:
    """How often Student's t of that many degrees of freedom is farther from 0, on both sides.

    >>> round(t_tails(2.0, 10), 12)
    0.073388034771
    """
    return beta_share(df / 2, 0.5, df / (df + t * t))


def t_quantile(share: float, df: float) -> float:
    """The number that Student's t is below with that share, more than one half, by halving.

    >>> round(t_quantile(0.975, 10), 9)
    2.228138852
    """
    low, high = 0.0, 1.0
    while t_tails(high, df) > 2 * (1 - share) and high < 1e12:
        high *= 2
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if t_tails(middle, df) > 2 * (1 - share) else (low, middle)
    return (low + high) / 2


def f_tail(f: float, between: float, within: float) -> float:
    """How often Fisher's F is larger.

    >>> round(f_tail(3.0, 2, 10), 12)
    0.095367431641
    """
    return 1.0 if f <= 0 else 0.0 if f == inf else beta_share(within / 2, between / 2, within / (within + between * f))


def beta_share(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function I_x(a, b), by its continued fraction (DLMF 8.17.22), Lentz's way.

    >>> round(beta_share(2, 3, 0.4), 12)
    0.5248
    """
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):  # there it converges slowly; from the other end it does not
        return 1 - beta_share(b, a, 1 - x)
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log(1 - x)) / a
    tiny = 1e-300
    c, d = 1.0, 1 / _away(1 - (a + b) * x / (a + 1), tiny)
    value = d
    for m in range(1, 10_000):
        change = 1.0
        for step in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / _away(1 + step * d, tiny)
            c = _away(1 + step / c, tiny)
            change = d * c
            value *= change
        if abs(change - 1) < 1e-16:
            break
    return front * value


def _away(number: float, tiny: float) -> float:
    return number if abs(number) > tiny else tiny


@dataclass(frozen=True, slots=True)
class Groups:
    """Whether the means of several groups differ: Fisher's F, p, and the share of the variance that is between them."""

    f: float
    p: float
    share: float


def between(groups: Sequence[Sequence[float]]) -> Groups | None:
    """The analysis of variance of groups of numbers; None where there is nothing to compare.

    >>> found = between([[1, 2, 3], [2, 3, 4], [5, 6, 7]])
    >>> found.f, round(found.p, 9), round(found.share, 9)
    (13.0, 0.006591797, 0.8125)
    """
    groups = [group for group in groups if len(group) > 1]
    count = sum(map(len, groups))
    if len(groups) < 2:
        return None
    whole = sum(map(sum, groups)) / count
    means = [_mean(group) for group in groups]
    outside = sum(len(group) * (mean - whole) ** 2 for group, mean in zip(groups, means, strict=True))
    inside = sum((number - mean) ** 2 for group, mean in zip(groups, means, strict=True) for number in group)
    if outside + inside == 0:
        return None
    a, b = len(groups) - 1, count - len(groups)
    f = inf if inside == 0 else outside / a / (inside / b)
    return Groups(f, f_tail(f, a, b), outside / (outside + inside))
