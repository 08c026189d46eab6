"""The oracle for the backward pass: a layer's derived adjoint equations, executed by plain loops and counted."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from itertools import product
from typing import Any

from backcalc.count.interpreter import Array, execute
from backcalc.derive import derive
from backcalc.formula.integers import integer
from backcalc.formula.program import Program
from backcalc.formula.tree import Expr, Ref, walk
from backcalc.net import Network, Node, load_network


def network_of(shape: list[int], layer: dict[str, Any], **more: list[int]) -> Network:
    """The layer alone, from `x` and other inputs to `y`, and a gradient that is given."""
    ((kind, arguments),) = layer.items()
    named = {kind: {**arguments, "name": "y", **({"inputs": "x"} if more else {})}}
    return load_network({"input": {"x": shape, **more}, "layers": [named], "given": {"dJ/dy": "G"}})


def leaves(program: Program) -> dict[str, Array]:
    """Numbers for what no equation defines."""
    shapes = {name: tuple(integer(size, {}) for size in sizes) for name, sizes in program.shapes.items()}
    return {name: entries(shape) for name, shape in shapes.items() if name not in program.by_name}


def executed(network: Network, node: Node) -> tuple[Counter[str], Counter[str]]:
    """The operations of the derivatives by the inputs, and of all others that the parameters need.

    What the inputs alone need is theirs.
    """
    parameters = [each.name for each in node.parameters if each.role != "statistic"]
    inputs = list(network.inputs)
    program = derive(network, wrt=[*inputs, *parameters]).adjoint_program()
    done = execute(program, leaves(program))
    sides = []
    for wanted in (inputs, parameters):
        needed = {f"dJ/d{name}" for name in wanted}
        for name in reversed(list(program.by_name)):
            if name in needed:
                needed |= _reads(program.by_name[name].body) & done.keys()
        sides.append({name for name in needed if name.startswith("dJ/") and name != "dJ/dy"})
    by_input, by_parameters = sides
    total = [
        sum((done[name].operations for name in side), Counter[str]())
        for side in (by_input - by_parameters, by_parameters)
    ]
    return plain(total[0]), plain(total[1])


def _reads(expr: Expr) -> set[str]:
    return {part.name for part in walk(expr) if isinstance(part, Ref)}


def plain(counted: Counter[str]) -> Counter[str]:
    """Without what is not counted backwards by name: products of a weight, and the word bias for an addition."""
    return +Counter({kind: number for kind, number in counted.items() if kind not in ("mac", "bias")})


def entries(shape: tuple[int, ...]) -> Array:
    """Numbers that all differ, some negative."""
    places = product(*(range(1, size + 1) for size in shape))
    return {place: Fraction((-1) ** count * (3 * count + 1), 97) for count, place in enumerate(places)}
