"""The arguments of an ONNX operator: what it reads, and its attributes. What is not as expected raises Misfit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, TypeAlias

from backcalc.readers.onnx_graph import Walk
from backcalc.readers.onnx_model import OnnxNode
from backcalc.readers.values import Constant, Misfit, Operand, Value, Weight

Given: TypeAlias = Sequence[Operand]
Operator: TypeAlias = Callable[[Walk, OnnxNode, Given], Any]


def computed(given: Given, place: int = 0) -> Value:
    """What must be computed at that place. Raises Misfit."""
    found = given[place] if place < len(given) else None
    if not isinstance(found, Value):
        raise Misfit("of a fixed array")
    return found


def learned(given: Given, place: int) -> Weight | None:
    """The weights at that place, None where there are none. Raises Misfit for what is computed."""
    found = given[place] if place < len(given) else None
    if isinstance(found, Constant) and len(found.dims) == 1:
        return Weight(f"constant {id(found)}", found.dims, found.dims)
    if found is None or isinstance(found, Weight):
        return found
    raise Misfit("with weights that are computed")


def whole(given: Given, place: int) -> tuple[int, ...] | None:
    """The fixed whole numbers at that place."""
    found = given[place] if place < len(given) else None
    if found is None:
        return None
    if not isinstance(found, Constant) or found.numbers is None:
        raise Misfit("with sizes that are computed")
    return tuple(int(number) for number in found.numbers)


def integers(node: OnnxNode, name: str, default: Sequence[int]) -> tuple[int, ...]:
    """An attribute of whole numbers."""
    value = node.attributes.get(name)
    return value if isinstance(value, tuple) else tuple(default)


def integer(node: OnnxNode, name: str, default: int) -> int:
    """An attribute of one whole number."""
    value = node.attributes.get(name)
    return value if isinstance(value, int) else default


def exact(node: OnnxNode, name: str, default: str) -> Fraction:
    """An attribute that is a number."""
    value = node.attributes.get(name)
    return Fraction(value) if isinstance(value, int | Fraction) else Fraction(default)
