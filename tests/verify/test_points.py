"""Where verification looks: at points that lie on no kink by chance."""

from __future__ import annotations

import backcalc
from backcalc.derive import derive
from backcalc.verify.point import random_point
from backcalc.verify.witnesses import verified

LARGEST = {
    "sizes": {"T": None, "H": None},
    "shapes": {"x": ["T", "H"]},
    "equations": """
        h[t,j] = tanh(h[t-1,j] + max(s, x[t,j]))
        h[0,j] = 0
        J = sum(t=1..T, sum(j=1..H, h[t,j]^2))
    """,
}


def test_no_two_random_values_are_alike() -> None:
    """A tie of a maximum has one-sided derivatives only: every formula would disagree with the differences."""
    program = backcalc.load({"equations": "J = sum(i=1..30, sum(j=1..30, x[i,j]*y[j,i]))"}).program
    for attempt in range(4):
        point = random_point(program, {}, attempt)
        drawn = [value for array in point.values.values() for value in array.values()]
        assert len(set(drawn)) == len(drawn) == 1800
        assert all(abs(value) <= 1 for value in drawn)


def test_a_maximum_over_many_values_is_verified() -> None:
    found = verified(derive(backcalc.load(LARGEST)))
    assert found.passed, [check for check in found.verified if not check.passed]
