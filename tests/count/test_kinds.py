"""Every kind of layer, many shapes of each, under `exact` and `mac`, padding counted and left out.

Each example is executed once by the interpreter. `BACKCALC_EXAMPLES=500` makes a long run of it.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backcalc.count.conventions import EXACT, ONE_MAC
from backcalc.count.table import Formula

from .strategies import (
    Case,
    averages,
    convolutions,
    dense,
    local,
    moves,
    normalised,
    poolings,
    rbf,
    simple,
    subsamplings,
    transposed,
)
from .test_oracle import executed_operations, is_padded_pooling, operations, run, uncut

EXAMPLES = int(os.environ.get("BACKCALC_EXAMPLES", "50"))
STRATEGIES: dict[str, Callable[[], st.SearchStrategy[Case]]] = {
    "convolution": convolutions,
    "transposed convolution": transposed,
    "locally connected": local,
    "pooling": poolings,
    "average to a size": averages,
    "subsampling": subsamplings,
    "dense": dense,
    "elementwise": simple,
    "moves": moves,
    "normalise": normalised,
    "rbf": rbf,
}


@pytest.mark.parametrize("kind", STRATEGIES)
def test_counts_are_those_of_the_executed_equations(kind: str) -> None:
    settings(max_examples=EXAMPLES, deadline=None, derandomize=True)(given(STRATEGIES[kind]())(_agrees))()


def _agrees(case: Case) -> None:
    layer, shape = case
    cost, inside = layer.cost(shape), layer.cost(shape, padding_connections=False)
    done, whole = run(layer, shape), run(uncut(layer), shape)
    if not is_padded_pooling(layer, shape):  # there padding counts, but is skipped by the equations
        assert operations(cost) == executed_operations(done)
        assert Formula(EXACT.formula(cost)).value == sum(executed_operations(done).values())
    assert Formula(cost.macs).value == whole.operations["mac"]
    assert Formula(inside.macs).value == Formula(cost.macs).value
    assert ONE_MAC.formula(cost) == "0"  # a price of a layer in its place, not of single operations
    if layer.parameters("y", shape):
        reads = done.reads["x"] + done.reads["b_y"]
        cut_off = whole.reads["x"] - done.reads["x"]
        assert Formula(inside.connections).value == reads
        assert Formula(cost.connections).value == reads + done.padding_reads["x"] + cut_off
