"""A program: a network as an ordered set of indexed equations, every index with its range.

This is the one form that derivation, counting and checking all read. A dense layer *is*
`z[j] = sum(k=1..3, W[j,k]*x[k])`; a loss is an equation whose left side has no index.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from backcalc.formula.integers import integer
from backcalc.formula.recurrence import Definition, Edge, circles, early_indices, reaches, recurrence
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


@dataclass(frozen=True, slots=True)
class Rows:
    """A recurrence as part of a program: equations that are evaluated together, row by row.

    `equations` stand as they follow each other within a row, `axes` names the axis of each that counts the rows,
    `step` is 1 where rows go up and -1 where they go down.
    """

    equations: tuple[Equation, ...]
    axes: Mapping[str, int]
    step: int

    def numbers(self, shapes: Mapping[str, tuple[int, ...]]) -> range:
        """The numbers of the rows in the order in which they are computed, from the shapes of the arrays."""
        count = max(shapes[equation.name][self.axes[equation.name]] for equation in self.equations)
        return range(1, count + 1) if self.step > 0 else range(count, 0, -1)


@dataclass(frozen=True)
class Program:
    """Equations in an order in which they can be evaluated, with the sizes of every axis of every array.

    `shapes` holds inputs, parameters and intermediates alike, `()` for a scalar; a size is a number or an
    expression over the symbols in `sizes` (None: symbolic). Reads of a `padded` array outside its range are 0; reads
    of an array at one of its `edges` are reads of that boundary row, an array of its own such as `h[0]`.
    """

    shapes: Mapping[str, tuple[Expr, ...]]
    equations: tuple[Equation, ...]
    sizes: Mapping[str, int | None] = field(default_factory=dict)
    padded: frozenset[str] = frozenset()
    loss: str | None = None
    edges: tuple[Edge, ...] = ()

    @cached_property
    def by_name(self) -> Mapping[str, Equation]:
        """The equation that defines each intermediate."""
        return {equation.name: equation for equation in self.equations}

    def needs(self, equation: Equation) -> Iterator[str]:
        """Every name that an equation reads, and the boundary rows that it may read; repetitions included."""
        early = early_indices(equation.body) if self.edges else ()
        for ref in equation.reads():
            yield ref.name
            for edge in self.rows_beside.get(ref.name, ()):
                if ref.indices and reaches(ref, edge, early):
                    yield edge.name

    @cached_property
    def readers(self) -> Mapping[str, tuple[Equation, ...]]:
        """The equations that read each array, in their order; what reads an array may read its boundary rows."""
        found: dict[str, list[Equation]] = {}
        for equation in self.equations:
            for name in dict.fromkeys(self.needs(equation)):
                found.setdefault(name, []).append(equation)
        return {name: tuple(equations) for name, equations in found.items()}

    @cached_property
    def rows_beside(self) -> Mapping[str, tuple[Edge, ...]]:
        """The boundary rows of each array that has some."""
        arrays = dict.fromkeys(edge.array for edge in self.edges)
        return {array: tuple(edge for edge in self.edges if edge.array == array) for array in arrays}

    @cached_property
    def blocks(self) -> tuple[Equation | Rows, ...]:
        """The equations as they are evaluated: one after the other, those of a recurrence together."""
        seen: set[str] = set()
        for equation in self.equations:
            if any(ref.name in self.by_name and ref.name not in seen for ref in equation.reads()):
                return tuple(self._grouped())
            seen.add(equation.name)
        return self.equations

    def _grouped(self) -> Iterator[Equation | Rows]:
        places = {equation.name: place for place, equation in enumerate(self.equations)}
        needs = [{places[name] for name in self.needs(equation) if name in places} for equation in self.equations]
        for group in circles(needs):
            members = [self.equations[place] for place in group]
            if len(group) == 1 and group[0] not in needs[group[0]]:
                yield members[0]
                continue
            found = recurrence([Definition(each.name, each.indices, each.body) for each in members])
            if found is None:
                raise ValueError(f"`{members[0].name}` is defined by itself, and not row by row")
            yield Rows(tuple(members[place] for place in found.order), found.axes, found.step)

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

    def extended(
        self, equations: tuple[Equation, ...], shapes: Mapping[str, tuple[Expr, ...]], edges: tuple[Edge, ...] = ()
    ) -> Program:
        """The same program with further equations after its own."""
        return replace(
            self, shapes={**self.shapes, **shapes}, equations=self.equations + equations, edges=self.edges + edges
        )

    def part(self, equations: tuple[Equation, ...]) -> Program:
        """The program of some of the equations alone."""
        return replace(self, equations=equations)

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
