"""A program: a network as an ordered set of indexed equations, every index with its range.

This is the one form that derivation, counting and checking all read. A dense layer *is*
`z[j] = sum(k=1..3, W[j,k]*x[k])`; a loss is an equation whose left side has no index.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from backcalc.formula.integers import integer
from backcalc.formula.tree import Expr, Num, Reduce, Ref, names, walk

CONSTANTS = frozenset({"e", "pi"})


@dataclass(frozen=True, slots=True)
class Equation:
    """`name[indices] = body`; every reduction in `body` has explicit bounds, every index runs from 1.

    `layer` is the name of the layer that the equation belongs to, empty for one written by hand.
    """

    name: str
    indices: tuple[str, ...]
    body: Expr
    layer: str = ""

    @property
    def left(self) -> Ref:
        """The left side as an expression, `z[j]`."""
        return Ref(self.name, tuple(Ref(index) for index in self.indices))

    def reads(self) -> Iterator[Ref]:
        """Every name that the body reads, indices and repetitions included, left to right."""
        return (node for node in walk(self.body) if isinstance(node, Ref))


@dataclass(frozen=True)
class Program:
    """Equations in an order in which they can be evaluated, with the sizes of every axis of every array.

    `shapes` holds inputs, parameters and intermediates alike, `()` for a scalar; a size is a number or an
    expression over the symbols in `sizes` (None: symbolic). Reads of a `padded` array outside its range are 0.
    """

    shapes: Mapping[str, tuple[Expr, ...]]
    equations: tuple[Equation, ...]
    sizes: Mapping[str, int | None] = field(default_factory=dict)
    padded: frozenset[str] = frozenset()
    loss: str | None = None

    @cached_property
    def by_name(self) -> Mapping[str, Equation]:
        """The equation that defines each intermediate."""
        return {equation.name: equation for equation in self.equations}

    @cached_property
    def readers(self) -> Mapping[str, tuple[Equation, ...]]:
        """The equations that read each array, in their order."""
        found: dict[str, list[Equation]] = {}
        for equation in self.equations:
            for name in dict.fromkeys(ref.name for ref in equation.reads()):
                found.setdefault(name, []).append(equation)
        return {name: tuple(equations) for name, equations in found.items()}

    @cached_property
    def leaves(self) -> tuple[str, ...]:
        """The arrays that no equation defines (inputs, parameters, targets), in the order they are declared."""
        return tuple(name for name in self.shapes if name not in self.by_name)

    @cached_property
    def index_names(self) -> frozenset[str]:
        """What stands in an index, as the class in `y[t]` or `sum(j != t, …)`: its values are whole numbers."""
        places = [index for equation in self.equations for ref in equation.reads() for index in ref.indices]
        for equation in self.equations:
            reductions = (node for node in walk(equation.body) if isinstance(node, Reduce))
            places += [node.exclude for node in reductions if node.exclude is not None]
        return frozenset(name for place in places for name in names(place) if name in self.shapes)

    def extended(self, equations: tuple[Equation, ...], shapes: Mapping[str, tuple[Expr, ...]]) -> Program:
        """The same program with further equations after its own."""
        return Program({**self.shapes, **shapes}, self.equations + equations, self.sizes, self.padded, self.loss)

    def is_symbolic(self) -> bool:
        """Whether some size has no number."""
        return any(value is None for value in self.sizes.values())

    def shape(self, name: str) -> tuple[int, ...] | None:
        """The numeric shape of an array; None where a size stays symbolic."""
        known = {size: value for size, value in self.sizes.items() if value is not None}
        if any(isinstance(node, Ref) and node.name not in known for axis in self.shapes[name] for node in walk(axis)):
            return None
        return tuple(
            axis.value.numerator if isinstance(axis, Num) else integer(axis, known) for axis in self.shapes[name]
        )
