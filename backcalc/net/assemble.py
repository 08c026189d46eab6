"""From layers in their places to one program: the equations of all of them, for one sample or for a mini-batch."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from backcalc.layers.fields import Entries
from backcalc.net.batch import cleared, joined, lifted

if TYPE_CHECKING:
    from backcalc.formula.program import Program
    from backcalc.formula.source import SourceEquation
    from backcalc.formula.tree import Expr
    from backcalc.layers import Samples, Shape
    from backcalc.net.build import Built
    from backcalc.net.network import Node


@dataclass
class _Statements:
    """What the layers state, collected; `sampled` are the arrays that have the axis of the samples, `size` its size.

    `taken` are names of arrays, which no index may have.
    """

    taken: Collection[str]
    samples: Samples | None
    size: Expr | None
    equations: list[SourceEquation] = field(default_factory=list)
    shapes: dict[str, tuple[Expr | int, ...]] = field(default_factory=dict)
    sampled: set[str] = field(default_factory=set)
    padded: set[str] = field(default_factory=set)

    def leaf(self, name: str, shape: Shape) -> None:
        """An array that every sample has for itself: an input, a target, a mask."""
        self.sampled.add(name)
        self.declare(name, shape)

    def declare(self, name: str, shape: Shape) -> None:
        self.shapes[name] = (self.size, *shape) if self.size is not None and name in self.sampled else shape

    def cleared(self, equation: SourceEquation, *, batched: bool = False) -> SourceEquation:
        """The equation with no index named as an array, or as the samples unless it counts them itself."""
        own = set() if self.samples is None or batched else {self.samples.index}
        return cleared(equation, {*self.taken, *own})

    def state(self, equation: SourceEquation) -> None:
        """Adds an equation of one sample."""
        equation = self.cleared(equation)
        if self.samples is not None:
            plain, equation = equation, lifted(equation, self.sampled, self.samples.index)
            if equation is not plain:
                self.sampled.add(equation.left.name)
        self.equations.append(equation)


def layer_program(built: Built) -> Program:
    """The equations of the layers, the tables of own names, and the loss, as a program."""
    from backcalc.formula.infer import build_program
    from backcalc.formula.read import read_equation
    from backcalc.formula.source import SourceEquation

    batch = built.batch
    samples = None if batch is None else batch.samples(built.names.shapes)
    statements = _Statements(built.names.shapes.keys(), samples, None if batch is None else batch.size)
    for name, shape in built.inputs.items():
        statements.leaf(name, shape)
    for node in built.nodes:
        _state_node(statements, node)
    if built.loss is not None:
        line, target = built.loss.line, built.loss.target
        if target is not None and target.name not in statements.shapes:
            if target.name in built.sampled:
                statements.sampled.add(target.name)
            statements.declare(target.name, target.shape)
        loss = statements.cleared(SourceEquation(*read_equation(line), built.loss_name or ""))
        if samples is not None:
            loss = joined(loss, statements.sampled, samples, mean=built.joins_by_mean)
        statements.equations.append(loss)
    sizes = dict(batch.sizes) if batch else {}
    return build_program(statements.equations, statements.shapes, sizes, frozenset(statements.padded), built.loss_name)


def _state_node(statements: _Statements, node: Node) -> None:
    """The tables of a layer's own names, and its equations."""
    from backcalc.formula.read import read_equation
    from backcalc.formula.source import SourceEquation
    from backcalc.formula.tree import Ref

    samples = statements.samples
    for parameter in node.parameters:
        if parameter.role == "statistic" and samples is not None:
            continue  # a batch has its own statistics
        if parameter.name not in statements.shapes and parameter.entries is not None:
            statements.equations.append(SourceEquation(Ref(parameter.name), _table(parameter.entries), node.name))
        statements.shapes[parameter.name] = parameter.shape
    stated = node.stated(samples)
    statements.padded |= stated.padded
    for name, shape in stated.draws.items():
        statements.leaf(name, shape)
    for line in stated.lines:
        equation = SourceEquation(*read_equation(line), node.name)
        if stated.batched:
            statements.equations.append(statements.cleared(equation, batched=True))
        else:
            statements.state(equation)
    statements.sampled |= stated.batched
    for name, shape in (*stated.shapes.items(), (node.name, node.output_shape)):
        statements.declare(name, shape)


def _table(entries: Entries) -> Expr:
    from backcalc.formula.tree import Ref, Table, num

    match entries:
        case tuple():
            return Table(tuple(_table(item) for item in entries))
        case str():
            return Ref(entries)
        case _:
            return num(entries)
