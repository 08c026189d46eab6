"""What a file states, once read and checked: a network of layers, or a set of equations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING

from backcalc.layers import Layer, LayerEquations, Loss, Parameter, Samples, Shape
from backcalc.layers.fields import Nested

if TYPE_CHECKING:
    from backcalc.formula.program import Program
    from backcalc.net.penalty import Penalty


@dataclass(frozen=True, slots=True)
class Node:
    """A layer in its place: what it reads, and the shapes that come in and go out, without the batch axis.

    `input_shape` is that of the first of its inputs. `copies` is a letter where the layer stands for so many, one
    behind the other, each with weights of its own.
    """

    name: str
    layer: Layer
    inputs: tuple[str, ...]
    input_shape: Shape
    output_shape: Shape
    parameters: tuple[Parameter, ...]
    copies: int = 1

    def stated(self, samples: Samples | None) -> LayerEquations:
        """The layer's equations: as it answers one sample, or as it trains on a mini-batch."""
        if samples is None:
            return self.layer.equations(self.name, self.inputs[0], self.input_shape)
        return self.layer.batch_equations(self.name, self.inputs[0], self.input_shape, samples)


@dataclass(frozen=True, slots=True)
class Update:
    """How a step of training changes a parameter. Without a number the rate is `symbol`.

    `arguments` are those that the file gives, `flag` whether the rule's flag (`rate_inside`) is set. `steps` is how
    many steps are made, None where the file does not say. `state` is what the rule remembers before the first, by names
    such as `v_w1`, and `made` how many steps were made before it.
    """

    kind: str = "sgd"
    rate: Fraction | None = None
    symbol: str = "eta"
    arguments: Mapping[str, Fraction] = field(default_factory=dict)
    flag: bool = False
    steps: int | None = None
    state: Mapping[str, Nested] = field(default_factory=dict)
    made: int = 0


@dataclass(frozen=True, slots=True)
class Drawn:
    """The values that were drawn at random because the file has none: their names, the seed and the scale."""

    names: tuple[str, ...]
    seed: int
    scale: Fraction


@dataclass(frozen=True)
class Network:
    """One network, or one set of equations (then `nodes` is empty).

    `parameters` are the trainable leaves: arrays, and own names of single weights, which are scalars; an array made of
    own names is an equation of the program, `W_q = [[[w1, w2]]]`, and stands in `own_names` with them.
    `values` are exact; a name without a value stays a symbol. `find` are the names to differentiate by, elements
    written `z[1]`. `program` is built when it is first asked for.
    `output` is the layer that the file names as the output; without it the last layer is. `criterion` is the loss that
    the file states and `penalty` what it adds to it, where it has layers.
    `remarks` say what a reader changed where the network comes from a file of another program.
    `given` are the arrays whose upstream gradients the file gives, with the names of those gradients. The program then
    ends with `J = sum(i, G[i]*y[i])`, whose derivatives are the same, and `loss` is the name of that.
    """

    name: str
    inputs: Mapping[str, Shape]
    nodes: tuple[Node, ...]
    loss: str | None
    parameters: tuple[str, ...]
    values: Mapping[str, Nested]
    update: Update
    find: tuple[str, ...]
    file: str | None
    own_names: Mapping[str, tuple[str, ...]]
    build: Callable[[], Program] = field(repr=False, compare=False)
    given: Mapping[str, str] = field(default_factory=dict)
    drawn: Drawn | None = None
    output: str | None = None
    criterion: Loss | None = None
    penalty: Penalty | None = None
    remarks: tuple[str, ...] = ()

    @cached_property
    def program(self) -> Program:
        """The network as equations, forward pass and loss."""
        return self.build()

    def needed(self) -> frozenset[str]:
        """The names of the layers that an output needs which the file names; of all layers where it names none."""
        if self.output is None:
            return frozenset(node.name for node in self.nodes)
        needed = {self.output}
        for node in reversed(self.nodes):
            if node.name in needed:
                needed.update(node.inputs)
        return frozenset(needed - self.inputs.keys())

    def node(self, name: str) -> Node:
        """The layer of that name. Raises KeyError."""
        for node in self.nodes:
            if node.name == name:
                return node
        raise KeyError(name)
