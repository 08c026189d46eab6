"""From layers in their places to one program: the equations of all of them, for one sample or for a mini-batch."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from backcalc.formula.size import Size
from backcalc.layers.fields import Entries
from backcalc.net.batch import cleared, joined, lifted, reads
from backcalc.net.errors import InputError, Problem

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

    def state(self, equations: Sequence[SourceEquation]) -> None:
        """Adds equations of one sample; those of a recurrence read each other, and their boundary rows read nothing."""
        equations = [self.cleared(equation) for equation in equations]
        if self.samples is not None:
            while new := {e.left.name for e in equations if reads(e, self.sampled)} - self.sampled:
                self.sampled |= new
            equations = [lifted(equation, self.sampled, self.samples.index) for equation in equations]
        self.equations += equations


def layer_program(built: Built) -> Program:
    """The equations of the layers, the tables of own names, and the loss, as a program."""
    from backcalc.formula.infer import build_program
    from backcalc.formula.read import read_equation
    from backcalc.formula.source import SourceEquation

    _refuse_unknown(built)
    batch = built.batch
    samples = None if batch is None else batch.samples(built.names.shapes)
    statements = _Statements({*built.names.shapes, *built.letters}, samples, None if batch is None else batch.size)
    for name, shape in built.inputs.items():
        statements.leaf(name, shape)
    for node in built.nodes:
        if isinstance(node.copies, Size):
            raise InputError([_uncounted(built, node)])
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
        statements.equations.append(_penalised(statements, built, loss))
    elif built.given:
        _state_given(statements, built)
    letters = {
        name
        for shape in statements.shapes.values()
        for size in shape
        if isinstance(size, Size)
        for name in size.letters
    }
    sizes = (dict(batch.sizes) if batch else {}) | {name: None for name in built.letters if name in letters}
    return build_program(statements.equations, statements.shapes, sizes, frozenset(statements.padded), built.loss_name)


def _refuse_unknown(built: Built) -> None:
    """An operator without equations would make every derivative behind it wrong. Raises InputError."""
    from backcalc.layers.unknown import Unknown

    opaque = [(node.name, node.layer.operator) for node in built.nodes if isinstance(node.layer, Unknown)]
    if opaque:
        help = "write it as `formula: {name, equations}` where you know what it computes"
        message = "layer `{}`: the operator `{}` is unknown and has no equations"
        raise InputError(Problem(built.document.file, 0, 0, 0, "", message.format(*each), help) for each in opaque)


def _uncounted(built: Built, node: Node) -> Problem:
    """What to say of a block whose number of copies is a letter."""
    message = f"`{node.name}` stands {node.copies} times: a network of so many layers has no equations, only counts"
    return Problem(built.document.file, 0, 0, 0, "", message, f"give {node.copies} a number in `sizes`")


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
    equations = [SourceEquation(*read_equation(line), node.name) for line in stated.lines]
    if stated.batched:
        statements.equations += [statements.cleared(equation, batched=True) for equation in equations]
    else:
        statements.state(equations)
    statements.sampled |= stated.batched
    for name, shape in (*stated.shapes.items(), (node.name, node.output_shape)):
        statements.declare(name, shape)


def _penalised(statements: _Statements, built: Built, loss: SourceEquation) -> SourceEquation:
    """The loss with the penalty of large weights."""
    if built.penalty is None:
        return loss
    from backcalc.formula.tree import Add
    from backcalc.net.penalty import penalty_terms

    terms = penalty_terms(built.penalty, built.nodes)
    statements.shapes |= dict.fromkeys(built.factors, ())
    summed = loss.right.terms if isinstance(loss.right, Add) else (loss.right,)
    return statements.cleared(replace(loss, right=Add((*summed, *terms))), batched=True) if terms else loss


def _state_given(statements: _Statements, built: Built) -> None:
    """The scalar whose derivatives are the given ones."""
    from backcalc.net.given import given_equation

    for entry in built.given:
        statements.shapes[entry.gradient] = statements.shapes[entry.of]
    ranks = {entry.of: len(statements.shapes[entry.of]) for entry in built.given}
    index = None if statements.samples is None else statements.samples.index
    counted = {entry.of: index for entry in built.given if index is not None and entry.of in statements.sampled}
    equation = given_equation(tuple(built.given), ranks, counted)
    statements.equations.append(statements.cleared(replace(equation, layer=equation.left.name), batched=True))


def _table(entries: Entries) -> Expr:
    from backcalc.formula.tree import Ref, Table, num

    match entries:
        case tuple():
            return Table(tuple(_table(item) for item in entries))
        case str():
            return Ref(entries)
        case _:
            return num(entries)
