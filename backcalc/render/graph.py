"""A network as a picture without coordinates: what is drawn, and which arrow goes where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from backcalc.formula.print_unicode import to_unicode
from backcalc.formula.program import Rows
from backcalc.formula.tree import Expr, Ref, Table
from backcalc.net import Network


@dataclass(frozen=True, slots=True)
class Vertex:
    """One box: `name` is what arrows call it, `title` and `detail` are its two lines."""

    name: str
    title: str
    detail: str
    role: Literal["input", "layer", "loss"]


@dataclass(frozen=True, slots=True)
class Graph:
    """Boxes in an order in which every arrow goes forward, and arrows as pairs of names."""

    title: str
    vertices: tuple[Vertex, ...]
    edges: tuple[tuple[str, str], ...]


def graph_of(network: Network, leaves: int = 0) -> Graph:
    """The picture of a network of layers, or of equations: a box for every quantity that is computed.

    So many `leaves` of equations have boxes of their own; of more, only those that several equations read.

    >>> from backcalc.net import load_network
    >>> graph_of(load_network("input: 3\\nlayers: [dense: 2, relu]\\nloss: mse")).edges
    (('x', 'dense_1'), ('dense_1', 'relu_1'), ('relu_1', 'J'))
    """
    return _of_layers(network) if network.nodes else _of_equations(network, leaves)


def _of_layers(network: Network) -> Graph:
    vertices = [Vertex(name, name, _sizes(shape), "input") for name, shape in network.inputs.items()]
    edges = []
    for node in network.nodes:
        kind = type(node.layer).kind
        title = kind if node.name.startswith(f"{kind}_") else f"{node.name}: {kind}"
        vertices.append(Vertex(node.name, title, _sizes(node.output_shape), "layer"))
        edges += [(source, node.name) for source in dict.fromkeys(node.inputs)]
    if network.criterion is not None and network.loss is not None:
        kind = type(network.criterion).kind
        vertices.append(Vertex(network.loss, f"{network.loss}: {kind}", "loss", "loss"))
        edges.append((network.output or network.nodes[-1].name, network.loss))
    return Graph(network.name, tuple(vertices), tuple(edges))


def _of_equations(network: Network, leaves: int) -> Graph:
    """What only one equation reads, as most weights, is named in its box where there are many."""
    program = network.program
    read = {name: len(program.readers.get(name, ())) for name in program.leaves if name not in program.sizes}
    least = 0 if len(read) <= leaves else 1
    vertices = [
        Vertex(name, to_unicode(Ref(name)), _axes(program.shapes[name]), "input")
        for name, times in read.items()
        if times > least
    ]
    edges = []
    places = {vertex.name for vertex in vertices}
    for block in program.blocks:
        for equation in block.equations if isinstance(block, Rows) else (block,):
            role: Literal["layer", "loss"] = "loss" if equation.name == network.loss else "layer"
            left = to_unicode(Ref(equation.name) if isinstance(equation.body, Table) else equation.left)
            names = dict.fromkeys(program.needs(equation))
            alone = ", ".join(to_unicode(Ref(name)) for name in names if name in read and name not in places)
            detail = _axes(program.shapes[equation.name]) + (f" from {alone}" if alone else "")
            vertices.append(Vertex(equation.name, left, detail, role))
            edges += [(name, equation.name) for name in names if name in places and name != equation.name]
            places.add(equation.name)
    return Graph(network.name, tuple(vertices), tuple(edges))


def _sizes(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))


def _axes(shape: tuple[Expr, ...]) -> str:
    return "×".join(map(to_unicode, shape)) if shape else "a number"
