"""Operators that have no layer here: listed by name, their parameters counted, what they compute not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from backcalc.layers import Shape
from backcalc.layers.unknown import Unknown
from backcalc.net import InputError, Network, Problem
from backcalc.readers.draft import clean
from backcalc.readers.values import Graph, Operand, Value, Weight


def add_unknown(
    graph: Graph, words: Sequence[str], operator: str, given: Sequence[Operand], dims: Sequence[Shape]
) -> list[Value]:
    """A layer of unknown cost for everything that the operator makes; the first of them has its parameters."""
    sources = list(dict.fromkeys(graph.read(each) for each in given if isinstance(each, Value)))
    read = [array for each in given if isinstance(each, Weight) for array in each.arrays]
    weights = {each.name: each for each in read if graph.tied(each) is None}
    arrays: dict[str, Any] = {}
    for weight in weights.values():
        array = graph.draft.fresh(clean(f"w_{weight.name}", "w"))
        arrays[array] = list(weight.stored)
        graph.tie(weight, array)
    said = "".join(letter if letter.isprintable() else " " for letter in operator[:200]).strip() or "without a name"
    made = []
    for word, axes in zip(words, dims, strict=True):
        batch = next((axis for axis, size in enumerate(axes) if size == graph.batch), 0)
        value = Value("", axes, batch, folded=not axes or axes[batch] != graph.batch)
        shape = graph.sample(value)
        name = graph.draft.add("unknown", word, sources, operator=said, shape=list(shape), parameters=arrays or None)
        made.append(Value(name, axes, batch, value.folded))
        arrays = {}
    return made


def refuse_unknown(network: Network) -> None:
    """Names every operator of a network that is unknown. Raises InputError where there is one."""
    file = network.file or network.name
    found = [(node.name, node.layer.operator) for node in network.nodes if isinstance(node.layer, Unknown)]
    if found:
        message = "layer `{}`: the operator {} is unknown and not counted"
        raise InputError(Problem(file, 0, 0, 0, "", message.format(*each)) for each in found)
