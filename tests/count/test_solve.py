"""Counts turned round: exact sizes, neighbours, and questions that cannot be answered."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backcalc.count import count
from backcalc.count.solve import SolveError, cells, checked, solve
from backcalc.net import load_network
from backcalc.render.count_whole import render

SQUARE: dict[str, Any] = {"sizes": {"d": None}, "input": {"x": "d"}, "layers": [{"dense": "d"}]}
BLOCK: dict[str, Any] = {
    "sizes": {"T": None, "d": None, "L": None},
    "input": {"x": ["T", "d"]},
    "layers": [
        {
            "repeat": {
                "name": "block",
                "times": "L",
                "layers": [
                    "layernorm",
                    {"attention": {"name": "a", "heads": 12}},
                    {"add": {"name": "r", "inputs": ["block", "a"]}},
                    "layernorm",
                    {"dense": "4*d"},
                    "gelu",
                    {"dense": {"name": "f", "units": "d"}},
                    {"add": ["r", "f"]},
                ],
            }
        }
    ],
}


def test_a_block_of_a_transformer() -> None:
    table = count(load_network(BLOCK))
    totals = table.to_json()["totals"]
    assert isinstance(totals, dict) and totals["params"] == "12*L*d^2 + 13*L*d"
    assert table.assumed == ("d is divisible by 12",)


@pytest.mark.parametrize("size", [12, 768, 1200])
def test_the_answer_gives_what_was_asked(size: int) -> None:
    at = {"L": 3, "T": 5}
    asked = count(load_network(BLOCK, at={**at, "d": size})).totals.params
    found = solve(count(load_network(BLOCK, at=at)), f"params = {asked}", "d")
    assert (found.exact, found.near, found.step) == ((size,), (), 12)


def test_neighbours_are_counted_anew() -> None:
    """What the neighbours are said to give is what the network of that size counts; none between them is one."""
    found = solve(count(load_network(BLOCK, at={"L": 12, "T": 5})), "params = 1e6", "d")
    assert found.exact == ()
    (below, least), (above, most) = found.near
    assert above - below == 12 and least < 1_000_000 < most
    for size, value in found.near:
        assert count(load_network(BLOCK, at={"L": 12, "T": 5, "d": size})).totals.params == value


def test_how_many_blocks() -> None:
    found = solve(count(load_network(BLOCK, at={"d": 768, "T": 5})), "params = 85054464", "L")
    assert found.exact == (12,)


@given(st.lists(st.integers(-50, 50), min_size=2, max_size=5), st.integers(-500, 500))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_no_whole_zero_is_missed(coefficients: list[int], constant: int) -> None:
    polynomial = (Fraction(constant), *map(Fraction, coefficients[1:]))

    def value(n: int) -> Fraction:
        return sum((c * n**power for power, c in enumerate(polynomial)), Fraction(0))

    if all(c == 0 for c in polynomial):
        return
    found = set(cells(polynomial, 1, 200))
    for n in range(1, 201):
        if value(n) == 0:
            assert {n, n - 1} & found
        if n < 200 and value(n) * value(n + 1) < 0:
            assert n in found


def test_a_size_that_is_rounded() -> None:
    """`div(n - 1, 2) + …` is no polynomial; the neighbours are found all the same."""
    net = {"sizes": {"n": None}, "input": {"x": [1, "n"]}, "layers": [{"maxpool1d": 3}, "flatten"]}
    found = solve(count(load_network(net)), "activations = 100", "n")
    for size in found.exact:
        assert count(load_network(net, at={"n": size})).totals.activations.value == 100
    for size, value in found.near:
        assert count(load_network(net, at={"n": size})).totals.activations.value == value
    assert found.exact or found.near


@pytest.mark.parametrize(
    ("net", "question", "letter", "message"),
    [
        (SQUARE, "params", "d", "expected a total and its number, as in `params = 1e6`, got `params`"),
        (SQUARE, "parms = 5", "d", "there is no total `parms`; did you mean `params`?"),
        (SQUARE, "params = 1.5", "d", "params is a whole number, not 1.5"),
        (SQUARE, "params = 1e999", "d", "the number has more than 100 digits"),
        (SQUARE, "params = 5", "e", "params does not depend on `e`; its letters are d"),
        (BLOCK, "params = 5", "d", "params depends on L too: give numbers for them, `--at L=…`"),
        ("lenet5", "params = 5", "d", "params is 61706: no letter is in it; a size is a letter where"),
    ],
)
def test_questions_that_cannot_be_answered(net: Any, question: str, letter: str, message: str) -> None:
    with pytest.raises(SolveError) as caught:
        solve(count(load_network(net)), question, letter)
    assert str(caught.value).startswith(message)


def test_a_formula_for_large_sizes_is_not_believed_for_small_ones() -> None:
    """With a letter a window of 50 steps hides some; with 10 steps it hides none, and the count is another."""
    layer = {"attention": {"heads": 1, "window": 50, "causal": True, "bias": False}}
    net = {"sizes": {"T": None}, "input": {"x": ["T", 2]}, "layers": [layer]}

    def counted(size: int | None) -> Any:
        return count(load_network(net, at={"T": size}))

    few = counted(10).totals.flops.value
    found = solve(counted(None), f"flops = {few}", "T")
    with pytest.raises(SolveError, match="holds for large T only: T = "):
        checked(found, counted)
    many = solve(counted(None), f"flops = {counted(70).totals.flops.value}", "T")
    assert checked(many, counted).exact == (70,)


def test_learned_places_bound_the_steps() -> None:
    """GPT-2 has 1024 of them: a token takes 123532032 multiply-accumulates, and 2·12·768 for each token."""
    table = count(load_network("gpt2", at={"T": None}))
    assert table.assumed == ("T is at most 1024",)
    found = solve(table, f"macs = {123_532_032 * 100 + 18_432 * 100**2}", "T")
    assert (found.exact, found.most) == ((100,), 1024)
    far = solve(table, "macs = 1e13", "T")
    assert (far.exact, far.near) == ((), ())
    assert "does not come near 10000000000000 for any T from 1 to 1024" in render(far)
