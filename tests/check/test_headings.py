"""Where problems begin: one manner of heading is followed, a list inside a problem is none."""

from __future__ import annotations

import pytest

from backcalc.check.headings import headings


@pytest.mark.parametrize(
    ("lines", "ids", "found"),
    [
        (["1. One", "    1. a", "    2. b", "2. Two", "   1. c"], ["1", "2"], {0: "1", 3: "2"}),
        (["## Problem 2", "1. a", "2. b", "# Problem 1 ---- more"], ["1", "2"], {0: "2", 3: "1"}),
        (["Part 1 Q2:", "x", "Part 1 B3", "Part 1 Q4"], ["Q2", "Q3", "Q4"], {0: "Q2", 2: "Q3", 3: "Q4"}),
        (["Q2.", "z3 = sigmoid(z1)", "Q3."], ["Q2", "Q3"], {0: "Q2", 2: "Q3"}),
        (
            ["## 1 Part 1: a network", "### 1.1 x", "## 2 Part 2: another"],
            ["Part 1", "Part 2"],
            {0: "Part 1", 2: "Part 2"},
        ),
        (["The wide model: (# of weights: 3)", "# deep"], ["wide model", "deep"], {0: "wide model", 1: "deep"}),
        (["Cross-Entropy Loss (Binary)", "$E = 1$"], ["Loss (Binary)", "Loss (Several)"], {0: "Loss (Binary)"}),
        (["\\section{Problem 1}", "text", "\\section{Problem 2}"], ["1", "2"], {0: "1", 2: "2"}),
        (["Aufgabe 1:", "(2) b", "Aufgabe 2"], ["1", "2"], {0: "1", 2: "2"}),
        (["a) x", "b) y"], ["a", "b"], {0: "a", 1: "b"}),
        (["x1 = 0.5", "2 + 3 = 5", "a"], ["1", "2", "a"], {}),
        (["as we saw in problem 2 the loss of the network grows without any bound whatever"], ["1", "2"], {}),
    ],
)
def test_the_manner_of_headings_is_found(lines: list[str], ids: list[str], found: dict[int, str]) -> None:
    assert headings(lines, ids) == found
