"""The product of two computed matrices, against NumPy and a loop that counts; and operators that are unknown."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import backcalc
from backcalc.formula.evaluate import evaluate
from backcalc.formula.floats import FLOATS
from backcalc.net import InputError, load_network

SIZES = st.integers(1, 3)


def entries(value: Any) -> dict[tuple[int, ...], float]:
    return {tuple(place + 1 for place in at): float(number) for at, number in np.ndenumerate(value)}


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(SIZES, st.sampled_from("=11")), max_size=2), SIZES, SIZES, SIZES)
def test_matmul_is_numpy(lead: list[tuple[int, str]], rows: int, inner: int, columns: int) -> None:
    one = [*(size for size, _ in lead), rows, inner]
    other = [*(size if same == "=" else 1 for size, same in lead), inner, columns]
    network = load_network(
        {"input": {"h": one, "k": other}, "layers": [{"matmul": {"name": "y", "inputs": ["h", "k"]}}]}
    )
    source = np.random.default_rng(1)
    a, b = source.normal(size=one), source.normal(size=other)
    found = evaluate(network.program, {"h": entries(a), "k": entries(b)}, FLOATS)["y"]
    assert found == pytest.approx(entries(a @ b))
    row = backcalc.count(network).row("y")
    products = sum(1 for _ in np.ndindex(*(a @ b).shape) for _ in range(inner))
    assert (row.output_shape, row.macs, row.params) == ((a @ b).shape, products, 0)
    assert row.flops == products + (a @ b).size * (inner - 1)


@pytest.mark.parametrize(
    ("one", "other", "message"),
    [
        ([2, 3], [2, 3], "as many columns first as rows second, but got [2, 3], [2, 3]; `transpose` turns"),
        ([3], [3, 2], "matmul needs as many columns first as rows second"),
        ([2, 2, 3], [3, 3, 2], "matmul needs two matrices, or as many of both"),
        ([2, 2, 3], [3, 2], "matmul needs two matrices, or as many of both"),
    ],
)
def test_what_does_not_fit(one: list[int], other: list[int], message: str) -> None:
    with pytest.raises(InputError) as caught:
        load_network({"input": {"a": one, "b": other}, "layers": [{"matmul": ["a", "b"]}]})
    assert message.split(";")[0] in str(caught.value)


def test_an_unknown_operator_keeps_its_parameters() -> None:
    block = {"unknown": {"name": "u", "operator": "Warp", "shape": [4], "parameters": {"table": [3, 4]}}}
    network = load_network({"input": 3, "layers": [{"repeat": {"times": 2, "layers": [block]}}]})
    table = backcalc.count(network)
    assert table.totals.params == 2 * 12
    assert table.uncounted == ("u_1", "u_2")


def test_nothing_is_derived_through_an_unknown_operator() -> None:
    layers = [{"dense": 2}, {"unknown": {"name": "u", "operator": "Warp", "shape": [2]}}]
    with pytest.raises(InputError, match="layer `u`: the operator `Warp` is unknown and has no equations"):
        backcalc.grad({"input": 3, "layers": layers, "loss": "sse"})


def test_attention_without_the_last_bias() -> None:
    """Qwen2 has biases for queries, keys and values alone: 4·8² weights, 3·8 biases."""
    net = "input: {x: [3, 8]}\nlayers: [attention: {heads: 2, output_bias: false}]\nloss: sse\nfind: [x]\n"
    table = backcalc.count(net)
    assert table.totals.params == 4 * 64 + 3 * 8
    assert [name for name in load_network(net).parameters if name.startswith("b")] == [
        f"b{each}_attention_1" for each in "qkv"
    ]
