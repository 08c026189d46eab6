"""Errors carried forward: what follows from an own value earns its credit, but not through one that makes all easy."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import pytest

from backcalc.check import check, load_key
from backcalc.check.key import Key
from backcalc.check.submission import read_text

EXAMPLES = Path(__file__).parents[2] / "examples"


@lru_cache
def key() -> Key:
    return load_key({"problems": [{"id": 1, "net": str(EXAMPLES / "six-weights.yaml"), "ask": ["dL/dw3"]}]})


def verdicts(text: str) -> list[str]:
    return [claim.verdict for claim in check(key(), [read_text(text)]).submissions[0].claims]


# dL/dyhat = 0.290895, dyhat/dz5 = 0.228845, dL/dz5 = 0.0665699, w5 = 0.8, w6 = -0.2
@pytest.mark.parametrize(
    ("first", "second", "found"),
    [
        ("dyhat/dz5 = 0.3", "dL/dz5 = 0.08727", ["wrong", "follows"]),  # 0.290895 · 0.3
        ("dyhat/dz5 = 0.3", "dL/dz5 = 0.2909*0.3", ["wrong", "follows"]),
        ("dyhat/dz5 = 0.300", "dL/dz5 = 0.08", ["wrong", "wrong"]),
        ("dyhat/dz5 = 0.300", "dL/dz4 = -0.01745", ["wrong", "follows"]),  # and on to what comes before it
        ("dz5/dz4 = 0.2", "dL/dz4 = 0.0665699*0.2 = 0.01331", ["wrong", "follows", "follows"]),
        ("dyhat/dz5 = 1", "dL/dz5 = 0.290895", ["wrong", "wrong"]),  # the factor 1 leaves nothing to do
        ("dyhat/dz5 = 1.1", "dL/dz5 = 0.31998", ["wrong", "follows"]),
        ("dL/dz5 = 0", "dL/dz4 = 0", ["wrong", "wrong"]),
        ("dL/dz5 = 0.2", "dL/dz4 = -0.04", ["wrong", "follows"]),  # 0.2 · w6
        ("z5 = 1", "yhat = 0.73106", ["wrong", "follows"]),  # 1 is an own value like any other here: σ(1)
        ("z5 = 0", "yhat = 0.5", ["wrong", "wrong"]),
        ("dz5/dz3 = 0.8", "dL/dz3 = 0.053256", ["right", "right"]),
    ],
)
def test_no_credit_through_a_value_that_makes_the_rest_easy(first: str, second: str, found: list[str]) -> None:
    assert verdicts(f"{first}\n{second}") == found
