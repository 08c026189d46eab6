"""Recurrences as programs: which equations are one, in which order their rows follow, and what is none."""

from __future__ import annotations

from typing import Any

import pytest

import backcalc
from backcalc.formula.evaluate import evaluate
from backcalc.formula.floats import FLOATS
from backcalc.formula.program import Program, Rows
from backcalc.net import InputError


def program(equations: str, **keys: Any) -> Program:
    return backcalc.load({"equations": equations, **keys}).program


def rows(found: Program) -> list[Rows]:
    return [block for block in found.blocks if isinstance(block, Rows)]


def refusal(equations: str, **keys: Any) -> list[str]:
    with pytest.raises(InputError) as caught:
        backcalc.load({"equations": equations, **keys})
    return [f"{problem.message} | {problem.help}" for problem in caught.value.problems]


LSTM = """
i[t,j] = sigmoid(x[t,j] + h[t-1,j])
h[t,j] = o[t,j]*tanh(c[t,j])
c[t,j] = i[t,j]*x[t,j] + c[t-1,j]
o[t,j] = sigmoid(x[t,j] - h[t-1,j])
h[0,j] = 0
c[0,j] = 0
J = sum(t, sum(j, h[t,j]))
"""


def test_a_plain_program_has_no_rows() -> None:
    assert rows(program("y[i] = 2*x[i]\nJ = sum(i, y[i])")) == []


def test_equations_that_read_each_other_are_one_recurrence() -> None:
    (block,) = rows(program(LSTM, shapes={"x": [3, 2]}))
    assert [equation.name for equation in block.equations] == ["i", "c", "o", "h"]  # what a row needs comes before it
    assert dict(block.axes) == {"i": 0, "o": 0, "c": 0, "h": 0}
    assert block.step == 1
    assert list(block.numbers({"i": (3, 2), "o": (3, 2), "c": (3, 2), "h": (3, 2)})) == [1, 2, 3]


def test_rows_go_down_where_the_later_one_is_read() -> None:
    (block,) = rows(program("g[t] = if(t < 4, g[t+1], 0) + x[t]\nJ = g[1]", shapes={"x": [4]}))
    assert block.step == -1
    assert list(block.numbers({"g": (4,)})) == [4, 3, 2, 1]


def test_the_axis_of_the_rows_may_be_any() -> None:
    (block,) = rows(program("h[n,t] = h[n,t-1] + x[n,t]\nh[n,0] = 0\nJ = sum(n, sum(t, h[n,t]))"))
    assert dict(block.axes) == {"h": 1}


def test_the_boundary_row_is_an_array_of_its_own() -> None:
    found = program(LSTM, shapes={"x": [3, 2]})
    assert {"h[0]", "c[0]"} <= set(found.by_name)
    assert found.shape("h[0]") == (2,)
    assert [edge.name for edge in found.edges] == ["h[0]", "c[0]"]
    beside = program("h[n,t] = h[n,t-1] + x[n,t]\nh[n,0] = b[n]\nJ = sum(n, sum(t, h[n,t]))", shapes={"x": [4, 3]})
    assert beside.shape("h[:,0]") == (4,)


def test_who_reads_a_boundary_row() -> None:
    """h[t-1] may be row 0, h[t] may not; a sum that begins at 0 reads it too, one that begins at 1 does not."""

    def readers(loss: str) -> list[str]:
        lines = f"h[t] = a*h[t-1] + x[t]\nh[0] = w\nJ = {loss}"
        found = program(lines, sizes={"T": None}, shapes={"x": ["T"]})
        return [equation.name for equation in found.readers["h[0]"]]

    assert readers("sum(t=1..T, h[t]^2)") == ["h"]
    assert readers("sum(t=0..T, h[t]^2)") == ["h", "J"]
    assert readers("sum(t=1..T, sum(s=t..T, h[s]))") == ["h"]
    assert readers("sum(t=1..T, sum(s=t-1..T, h[s]))") == ["h", "J"]
    assert readers("h[0]*h[T]") == ["h", "J"]


FIBONACCI = "f[n] = f[n-1] + f[n-2]\nf[0] = 1\nf[-1] = 0\nJ = f[10]"
PARTITIONS = "c[n] = sum(k=1..n-1, c[k]*c[n-k]) + (n == 1)\nJ = c[8]"  # Catalan numbers, shifted by one


@pytest.mark.parametrize(
    ("equations", "size", "expected"),
    [
        (FIBONACCI, {"f": [10]}, 89),
        (PARTITIONS, {"c": [8]}, 429),
        ("u[n] = v[n-1]\nv[n] = u[n] + v[n-1]\nu[0] = 0\nv[0] = 1\nJ = v[6]", {"u": [6], "v": [6]}, 64),
        ("g[n] = if(n < 5, 2*g[n+1], 3)\nJ = g[1]", {"g": [5]}, 48),
        ("J = sum(n=0..4, h[n])\nh[n] = 2*h[n-1]\nh[0] = 1", {"h": [4]}, 31),
        ("h[n] = 2*h[n-1]\nh[0] = 3\nk[n] = k[n-1] + h[n-1]\nk[0] = 0\nJ = k[4]", {"h": [4], "k": [4]}, 45),
    ],
    ids=["fibonacci", "catalan", "mutual", "down", "from-0", "one-behind-the-other"],
)
def test_known_sequences(equations: str, size: dict[str, Any], expected: int) -> None:
    found = program(equations, shapes=size)
    assert evaluate(found, {}, FLOATS)["J"][()] == expected


def test_two_recurrences_stay_two() -> None:
    """The second reads the first whole, so that all rows of the first come before."""
    lines = "h[t] = h[t-1] + x[t]\nh[0] = 0\ng[t] = g[t-1]*h[T+1-t]\ng[0] = 1\nJ = g[3]"
    found = program(lines, sizes={"T": 3}, shapes={"x": ["T"], "g": ["T"]})
    assert [[equation.name for equation in block.equations] for block in rows(found)] == [["h"], ["g"]]


REFUSED = {
    "no boundary row": (
        "h[t,j] = a*h[t-1,j] + b*h[t-2,j] + x[t,j]\nh[0,j] = 0\nJ = sum(t, sum(j, h[t,j]))",
        ["the first row of `h` reads row -1 of `h`, which is not given | add the boundary row, as in `h[-1,j] = 0`"],
    ),
    "none of the other array": (
        "u[t] = v[t-1] + x[t]\nv[t] = 2*u[t]\nJ = sum(t, v[t])",
        ["the first row of `u` reads row 0 of `v`, which is not given | add the boundary row, as in `v[0] = 0`"],
    ),
    "none on the second axis": (
        "h[n,t] = a*h[n,t-1] + x[n,t]\nJ = sum(n, sum(t, h[n,t]))",
        ["the first row of `h` reads row 0 of `h`, which is not given | add the boundary row, as in `h[j,0] = 0`"],
    ),
    "a row that the second row reads": (
        "h[t] = a*h[t-2] + x[t]\nh[-1] = 0\nJ = sum(t, h[t])",
        ["row 2 of `h` reads row 0 of `h`, which is not given | add the boundary row, as in `h[0] = 0`"],
    ),
    "none for a sum over earlier rows": (
        "h[t] = sum(k=1..2, w[k]*h[t-k]) + x[t]\nh[0] = 0\nJ = sum(t, h[t])",
        ["the first row of `h` reads row -1 of `h`, which is not given | add the boundary row, as in `h[-1] = 0`"],
    ),
    "nothing behind the last row": (
        "h[t] = a*h[t+1] + x[t]\nJ = sum(t, h[t])",
        [
            "the last row of `h` reads the row behind it, which is not given | "
            "declare `pad: [h]`, so that it is 0, or write `if(t < …, …, 0)`"
        ],
    ),
    "a row inside": (
        "h[t] = a*h[t-1] + x[t]\nh[0] = 0\nh[1] = 2\nJ = sum(t, h[t])",
        [
            "`h[1]` is one of the rows of `h`, which are counted from 1; boundary rows are 0, -1, … | "
            "shift the index, so that the rows that are given come before row 1, as `h[0] = …`"
        ],
    ),
    "two numbers": (
        "h[t,j] = a*h[t-1,j] + x[t,j]\nh[0,1] = 0\nJ = sum(t, sum(j, h[t,j]))",
        ["the left side of `h` has more than one number: a boundary row has one | None"],
    ),
    "a boundary row alone": (
        "h[0] = 0\nJ = sum(t=1..3, x[t])",
        [
            "`h` has a boundary row, but no equation defines its rows from 1 on | "
            "write its recurrence, as in `h[t] = … h[t-1] …`"
        ],
    ),
    "a boundary row twice": (
        "h[t] = a*h[t-1] + x[t]\nh[0] = 0\nh[0] = 1\nJ = sum(t, h[t])",
        ["`h[0]` is defined twice: a name stands on the left once | None"],
    ),
    "a circle": (
        "u[t] = v[t] + 1\nv[t] = u[t]*x[t]\nJ = sum(t, v[t])",
        [
            "the equations go round in a circle: `u` → `v` → `u` | "
            "in a recurrence every read looks back along one index, as `u[t-1]` does"
        ],
    ),
    "its own row": (
        "u[t] = u[t]*x[t]\nJ = sum(t, u[t])",
        ["`u` is defined by itself | in a recurrence every read looks back along one index, as `u[t-1]` does"],
    ),
    "both ways": (
        "u[t] = u[t-1] + u[t+1] + x[t]\nu[0] = 0\nJ = sum(t, u[t])",
        ["`u` is defined by itself | in a recurrence every read looks back along one index, as `u[t-1]` does"],
    ),
    "along two axes": (
        "h[s,t] = h[s-1,t] + h[s,t-1] + x[s,t]\nJ = sum(s, sum(t, h[s,t]))",
        ["`h` is defined by itself | in a recurrence every read looks back along one index, as `h[t-1]` does"],
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_recurrence_says_why(case: str) -> None:
    equations, messages = REFUSED[case]
    assert refusal(equations) == messages


def test_a_guard_or_a_pad_stands_for_the_row_that_is_missing() -> None:
    for guarded in ("if(t > 1, h[t-1], 0)", "if(t == 1, w, h[t-1])"):
        assert rows(program(f"h[t] = {guarded} + x[t]\nJ = sum(t, h[t])"))
    assert rows(program("h[t] = h[t-1] + x[t]\nJ = sum(t, h[t])", pad=["h"]))
    assert rows(program("h[t] = h[t+1] + x[t]\nJ = sum(t, h[t])", pad=["h"]))
