"""Every symbol of a derivation, with its shape and what it stands for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from backcalc.derive.derivation import Derivation
from backcalc.formula.names import is_derivative
from backcalc.formula.print_unicode import to_unicode
from backcalc.formula.tree import Expr, Ref, Table, walk
from backcalc.net.network import Network, Node

ROLES = {"weight": "weights", "bias": "biases", "statistic": "running statistics"}


@dataclass(frozen=True, slots=True)
class Symbol:
    """A name, the sizes of its axes, and its meaning in words."""

    name: str
    shape: tuple[Expr, ...]
    meaning: str


def derived_by(derivation: Derivation) -> dict[str, str]:
    """The array that each derivative of a Jacobian is taken by; none of a loss, whose gradients need no second name."""
    if derivation.loss == derivation.network.loss:
        return {}
    asked = (gradient.adjoint for gradient in derivation.gradients)
    return {adjoint.name: adjoint.of for adjoint in (*derivation.adjoints.values(), *asked)}


def symbols(derivation: Derivation) -> tuple[Symbol, ...]:
    """The sizes that have names first, then the arrays: what is given, then what is computed.

    >>> import backcalc
    >>> net = {"input": {"x": 2}, "layers": [{"dense": {"name": "z", "units": 1}}], "loss": "sse"}
    >>> for symbol in symbols(backcalc.grad(net)): print(symbol.name, len(symbol.shape), symbol.meaning)
    x 1 input
    W_z 2 weights of dense z
    b_z 1 biases of dense z
    t 1 target
    z 1 output of dense z
    J 0 loss
    """
    program, network = derivation.program, derivation.network
    axes = {
        node.name for shape in program.shapes.values() for axis in shape for node in walk(axis) if isinstance(node, Ref)
    }
    found = [Symbol(name, (), _size(name, derivation)) for name in program.sizes if name in axes]
    hidden = network.loss if network.given else None
    arrays = (*program.leaves, *(e.name for e in program.equations if not is_derivative(e.name)))
    return (*found, *(Symbol(n, program.shapes[n], _meaning(n, derivation)) for n in arrays if n != hidden))


def _size(name: str, derivation: Derivation) -> str:
    network, program = derivation.network, derivation.program
    known = "" if program.sizes[name] is None else f", here {program.sizes[name]}"
    for array, shape in network.inputs.items():
        if len(program.shapes.get(array, ())) > len(shape) and program.shapes[array][0] == Ref(name):
            return f"number of samples{known}"
    return f"size of an axis{known}"


def _meaning(name: str, derivation: Derivation) -> str:
    network, program = derivation.network, derivation.program
    if name == network.loss:
        return "loss"
    if name in network.inputs:
        return "input"
    if name in network.given.values():
        return "given upstream gradient"
    if (words := _parameter(name, network)) is not None:
        return words
    equation = program.by_name.get(name)
    if equation is None:
        return _leaf(name, derivation)
    if any(edge.name == name for edge in program.edges):
        return "boundary row"
    if isinstance(equation.body, Table):
        return "array of own names"
    for node in network.nodes:
        if node.name == name:
            return f"output of {_called(node)}"
        if equation.layer == node.name:
            return f"on the way in {_called(node)}"
    return "computed"


def _parameter(name: str, network: Network) -> str | None:
    """`weights of dense z`, `weight in conv1d q`; None for what no layer owns."""
    for node, array, role in _owned(network):
        if name == array:
            return f"{ROLES[role]} of {_called(node)}"
        if name in network.own_names.get(array, ()):
            return f"{role} in {_called(node)}"
    return None


def _owned(network: Network) -> Iterator[tuple[Node, str, str]]:
    return ((node, parameter.name, parameter.role) for node in network.nodes for parameter in node.parameters)


def _leaf(name: str, derivation: Derivation) -> str:
    network, program = derivation.network, derivation.program
    if name in program.index_names:
        return "whole number that stands in an index"
    loss = program.by_name.get(network.loss or "")
    if network.nodes and loss is not None:
        read = {node.name for node in walk(loss.body) if isinstance(node, Ref)}
        return "target" if name in read else "given"
    asked = {gradient.adjoint.of for part in derivation.parts for gradient in part.gradients}
    return "parameter" if name in asked else "given"


def _called(node: Node) -> str:
    kind, name = node.layer.kind, node.name
    return to_unicode(Ref(name)) if name.startswith(kind) else f"{kind} {to_unicode(Ref(name))}"
