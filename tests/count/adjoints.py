"""The oracle for the backward pass: a layer's derived adjoint equations, executed by plain loops and counted."""

from __future__ import annotations

from collections import Counter
from itertools import product
from typing import Any

from backcalc.count.interpreter import execute
from backcalc.derive import derive
from backcalc.formula.integers import integer
from backcalc.formula.tree import Ref
from backcalc.net import Network, Node, load_network
from fractions import Fraction


def network_of(shape: list[int], layer: dict[str, Any]) -> Network:
    """The layer alone, from `x` to `y`, and a gradient that is given."""
    ((kind, arguments),) = layer.items()
    return load_network({"input": {"x": shape}, "layers": [{kind: {**arguments, "name": "y"}}], "given": {"dJ/dy": "G"}})


def executed(network: Network, node: Node) -> tuple[Counter[str], Counter[str]]:
    """The operations of the derivative by the input, and of all others that the parameters need."""
    parameters = [each.name for each in node.parameters if each.role != "statistic"]
    program = derive(network, wrt=["x", *parameters]).adjoint_program()
    shapes = {name: tuple(integer(size, {}) for size in sizes) for name, sizes in program.shapes.items()}
    values = {name: entries(shape) for name, shape in shapes.items() if name not in program.by_name}
    done = execute(program, values)
    adjoints = {name for name in done if name.startswith("dJ/") and name not in ("dJ/dG", "dJ/dy")}
    own = {f"dJ/d{name}" for name in parameters}
    needed = own | ({"dJ/dx"} & adjoints)
    for name in reversed(list(program.by_name)):
        if name in needed:
            needed |= reads(program.by_name[name].body) & adjoints
    by_input = done["dJ/dx"].operations if "dJ/dx" in done else Counter()
    rest: Counter[str] = Counter()
    for name in needed - {"dJ/dx"}:
        rest += done[name].operations
    return plain(by_input), plain(rest)


def reads(expr: Any) -> set[str]:
    from backcalc.formula.tree import walk

    return {part.name for part in walk(expr) if isinstance(part, Ref)}


def plain(counted: Counter[str]) -> Counter[str]:
    return +Counter({kind: number for kind, number in counted.items() if kind not in ("mac", "bias")})


def entries(shape: tuple[int, ...]) -> dict[tuple[int, ...], Fraction]:
    """Numbers that all differ, some negative."""
    places = product(*(range(1, size + 1) for size in shape))
    return {place: Fraction((-1) ** count * (3 * count + 1), 97) for count, place in enumerate(places)}
