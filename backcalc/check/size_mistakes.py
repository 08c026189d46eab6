"""Mistakes about the sizes of a network: sizes rounded up, layers that are none, biases of some layers only."""

from __future__ import annotations

from itertools import combinations
from math import prod

from backcalc.check.case import Case
from backcalc.formula.tree import num
from backcalc.net.network import Node

MOST_LAYERS = 10


def not_floored(case: Case) -> str | None:
    """An output size rounded up where it is rounded down."""
    counts, network = case.subject.counts, case.subject.network
    if counts is None or network is None or case.about is None or case.about.name not in counts.dotted:
        return None
    node = network.node(counts.dotted[case.about.name].rpartition(".")[0])
    up = rounded_up(node)
    own = counts.values[case.about.name]
    outputs = prod(node.output_shape)
    if up is None or not outputs or own * prod(up) % outputs:
        return None
    if case.gives(num(own * prod(up) // outputs)):
        return f"the output is {node.output_shape[-1]} wide, not {up[-1]}: a window that does not fit is left out"
    return None


def rounded_up(node: Node) -> tuple[int, ...] | None:
    """The output shape of a layer with its divisions rounded up; None where they come out even."""
    shape = node.output_shape
    formula = node.layer.shape_formula(node.input_shape) or ""
    return (shape[0], *(size + 1 for size in shape[1:])) if "floor(" in formula and len(shape) > 1 else None


def input_as_layer(case: Case) -> str | None:
    """The input counted as a layer: its numbers among the outputs, or a bias for each of them."""
    counts, network = case.subject.counts, case.subject.network
    if counts is None or network is None or case.about is None or case.about.name not in counts.sums:
        return None
    size = sum(prod(shape) for shape in network.inputs.values())
    if case.gives(num(counts.values[case.about.name] + size)):
        return f"the input is counted as a layer: its {size} numbers are given, and nothing is computed or learnt there"
    return None


def bias_in_some(case: Case) -> str | None:
    """Biases counted in some layers and left out in others."""
    counts = case.subject.counts
    if counts is None or case.about is None or case.about.name not in ("params", "trainable", "weights"):
        return None
    biases = {
        dotted.rpartition(".")[0]: counts.values[name]
        for name, dotted in counts.dotted.items()
        if dotted.endswith(".biases") and counts.values[name]
    }
    names = list(biases)[:MOST_LAYERS]
    for number in range(1, len(names)):
        for kept in combinations(names, number):
            if case.gives(num(counts.values["weights"] + sum(biases[name] for name in kept))):
                return f"biases are counted in {' and '.join(kept)} only, and left out elsewhere"
    return None


SIZE_MISTAKES = (not_floored, input_as_layer, bias_in_some)
