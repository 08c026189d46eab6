"""A step of training, letters, and the size for a total as text: everything is there, in 80 columns."""

from __future__ import annotations

from typing import Any

import pytest

from backcalc.count import count
from backcalc.count.solve import solve
from backcalc.count.whole import whole
from backcalc.net import load_network
from backcalc.render.count_text import explain
from backcalc.render.count_text import render as count_text
from backcalc.render.count_whole import render

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
                    {"attention": {"name": "a", "heads": 12, "causal": True}},
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


def test_polynomials_are_written_as_people_write_them() -> None:
    text = count_text(count(load_network(BLOCK)))
    assert max(map(len, text.splitlines())) <= 80
    words = " ".join(text.split())
    assert "12·L·d² + 13·L·d" in words
    assert "= 12·L·T·d² + 2·L·T²·d" not in words  # the total itself, no formula that equals it
    assert "MACs 12·L·T·d² + 2·L·T²·d" in words
    assert "(12·L·d² + 13·L·d)" not in text and "*" not in text and "^" not in text
    assert "Taken for granted: d is divisible by 12." in words
    assert "it stands L times, one behind the other" in words


@pytest.mark.parametrize("name", ["lenet5", "resnet18", "gpt2", "mixtral-8x7b", "swin_t"])
def test_a_step_of_training_fits_and_loses_nothing(name: str) -> None:
    found = whole(load_network(name), flops="2mac", optimiser="adamw")
    text = render(found)
    assert max(map(len, text.splitlines())) <= 80
    words = set(text.split())
    assert {str(found.forward), str(found.backward), str(found.step)} <= words
    for each in found.memory:
        assert {str(each.parameters), str(each.state), str(each.training_peak), str(each.forward_peak)} <= words
    for row in found.rows:
        assert {row.name, str(row.inputs.value), str(row.parameters.value)} <= words
    assert ("keys and values of a token" in text) == (name in ("gpt2", "mixtral-8x7b"))


def test_what_is_not_counted_is_at_least() -> None:
    text = render(
        whole(load_network("{input: {x: [3, 2]}, layers: [mixture: {experts: 4, active: 2, layers: [dense: 2]}]}"))
    )
    assert "backward   at least " in text
    assert "Not counted on the way back: the operations of mixture" in text


def test_peaks_of_letters_need_numbers() -> None:
    text = render(whole(load_network(BLOCK), flops="mac"))
    assert "needs numbers" in text and "at least" not in text
    assert max(map(len, text.splitlines())) <= 80


def test_active_parameters_are_said() -> None:
    text = " ".join(count_text(count(load_network("mixtral-8x7b"))).split())
    assert "12879925248 of them are active for a token" in text
    assert "active for a token" not in " ".join(count_text(count(load_network("lenet5"))).split())


def test_masked_products_that_are_left_out_are_said() -> None:
    text = " ".join(count_text(count(load_network("gpt2"), causal="exact")).split())
    assert "MACs that a mask of attention makes needless are left out." in text


def test_the_size_for_a_total() -> None:
    table = count(load_network(BLOCK, at={"L": 12, "T": 3}))
    assert render(solve(table, "params = 1e6", "d")) == (
        "network: params = 144·d² + 156·d\n"
        "d = 72 gives 757728\n"
        "d = 84 gives 1029168\n"
        "no d gives exactly 1000000\n"
        "Taken for granted: d is divisible by 12.\n"
    )
    assert "d = 84 gives exactly 1029168\n" in render(solve(table, "params = 1029168", "d"))
    assert "params does not come near 5 for any d" in render(solve(table, "params = 5", "d"))


def test_jump_and_padding_are_explained() -> None:
    text = " ".join(explain(count(load_network("vgg16")), "pool_5").split())
    assert "neighbours are 32 apart, the first begins 90 before the input" in text
