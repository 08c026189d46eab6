"""Groups of nodes that are one layer: exporters write gelu as five of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from math import sqrt

from backcalc.readers.onnx_model import OnnxModel, OnnxNode, Tensor

MOST_FACTORS = 8


def without_patterns(model: OnnxModel) -> tuple[OnnxNode, ...]:
    """The nodes, with the last of each group in place of the group; what nothing reads any more does no harm."""
    if not any(node.operator == "Erf" for node in model.nodes):
        return model.nodes
    makers = {name: node for node in model.nodes for name in node.makes if name}
    numbers = _numbers(model)
    found = []
    for node in model.nodes:
        source = _gelu(node, makers, numbers) if node.operator == "Mul" else None
        found.append(node if source is None else replace(node, operator="Gelu", reads=(source,), attributes={}))
    return tuple(found)


def _numbers(model: OnnxModel) -> Mapping[str, Fraction]:
    """The single numbers that are fixed, by name."""
    made = {node.makes[0]: node.attributes.get("value") for node in model.nodes if node.operator == "Constant"}
    stored = {**model.tensors, **{name: value for name, value in made.items() if isinstance(value, Tensor)}}
    return {name: each.numbers[0] for name, each in stored.items() if each.numbers and len(each.numbers) == 1}


def _gelu(node: OnnxNode, makers: Mapping[str, OnnxNode], numbers: Mapping[str, Fraction]) -> str | None:
    """What is read where this product is `x*(1 + erf(x/sqrt(2)))/2`."""
    factors = list(_factors(node, makers))
    half = [name for name in factors if numbers.get(name) == Fraction(1, 2)]
    rest = [name for name in factors if name not in half]
    if len(half) != 1 or len(rest) != 2:
        return None
    for source, other in (rest, rest[::-1]):
        total = makers.get(other)
        if total is None or total.operator != "Add":
            continue
        erf = next((makers[name] for name in total.reads if name in makers and makers[name].operator == "Erf"), None)
        scaled = makers.get(erf.reads[0]) if erf is not None else None
        if scaled is None or not any(numbers.get(name) == 1 for name in total.reads):
            continue
        wanted = {"Div": sqrt(2), "Mul": sqrt(0.5)}.get(scaled.operator)
        near = [name for name in scaled.reads if name in numbers and wanted and abs(numbers[name] - wanted) < 1e-4]
        if source in scaled.reads and near:
            return source
    return None


def _factors(node: OnnxNode, makers: Mapping[str, OnnxNode]) -> Iterator[str]:
    """The names that are multiplied, products of products taken apart."""
    pending, count = list(node.reads), 0
    while pending and count < MOST_FACTORS:
        name = pending.pop(0)
        count += 1
        maker = makers.get(name)
        if maker is not None and maker.operator == "Mul":
            pending += maker.reads
        else:
            yield name
