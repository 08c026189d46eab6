"""From equations as written to a program: order, shapes, and a range for every index.

Every axis of an array and every index is a node; a plain read `W[j,k]` says that the index and the axis are of one
size. What is joined shares one size: given by a shape, by an explicit range `sum(k=1..K, …)`, or else a new symbol.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from backcalc.formula.apart import apart
from backcalc.formula.integers import EvaluationError, integer
from backcalc.formula.order import check_names, order
from backcalc.formula.program import CONSTANTS, Equation, Program
from backcalc.formula.recurrence import edge_of
from backcalc.formula.size import Size
from backcalc.formula.source import ProgramError, ProgramErrors, SourceEquation
from backcalc.formula.tree import (
    ONE,
    Call,
    Expr,
    Num,
    Reduce,
    Ref,
    Table,
    children,
    fresh_name,
    names,
    num,
    rebuild,
    table_entries,
    table_shape,
    walk,
)

Axis = tuple[str, int]  # (array, position from 0)
Index = tuple[str, int]  # ("#i", running number of the binding)


def build_program(
    equations: Sequence[SourceEquation],
    shapes: Mapping[str, Sequence[Expr | int]] | None = None,
    sizes: Mapping[str, int | None] | None = None,
    padded: frozenset[str] = frozenset(),
    loss: str | None = None,
) -> Program:
    """Orders the equations, infers every shape and range, and checks that they fit.

    `shapes` gives the sizes of known arrays, `sizes` the numbers of size symbols (None: symbolic); the name of an
    index may be given a size too. Raises ProgramErrors with everything that is wrong.

    >>> from backcalc.formula.read import read_equation
    >>> program = build_program([SourceEquation(*read_equation("s = sum(k, w[k]*x[k])"))], {"x": (3,)})
    >>> program.equations[0].body.upper, program.shapes["w"]
    (Num(value=Fraction(3, 1)), (Num(value=Fraction(3, 1)),))
    """
    inference = Inference(list(equations), dict(sizes or {}), padded)
    inference.errors.extend(check_names(equations, inference.sizes))
    inference.raise_errors()
    for name, shape in (shapes or {}).items():
        inference.declare(name, shape)
    for position in range(len(equations)):
        inference.read_equation(position)
    inference.raise_errors()
    ordered = order(equations, padded)
    inference.settle()
    inference.raise_errors()
    bodies = [inference.elaborate(position) for position in ordered]
    declared = {name: inference.shape(name) for name in inference.ranks}
    edges = tuple(edge for equation in equations if (edge := edge_of(equation.left)) is not None)
    for edge in edges:
        whole = declared[edge.array]
        declared[edge.name] = whole[: edge.axis] + whole[edge.axis + 1 :]
    used_sizes = {size: value for size, value in inference.sizes.items() if size not in inference.index_sizes}
    return Program(declared, tuple(bodies), used_sizes, padded, loss, edges)


@dataclass
class Inference:
    """The working state of one inference: a union-find over axes and indices, and what is known of each class."""

    equations: list[SourceEquation]
    sizes: dict[str, int | None]
    padded: frozenset[str]
    errors: list[ProgramError] = field(default_factory=list)
    parent: dict[Axis | Index, Axis | Index] = field(default_factory=dict)
    known: dict[Axis | Index, tuple[Expr, str]] = field(default_factory=dict)  # root → (size, where it comes from)
    suggested: dict[Axis | Index, Expr] = field(default_factory=dict)  # explicit ranges, used where nothing is known
    offset: dict[Axis | Index, tuple[int, str]] = field(default_factory=dict)  # read only with an offset so far
    anchored: set[Axis | Index] = field(default_factory=set)  # classes that hold an axis of a leaf array
    ranks: dict[str, int] = field(default_factory=dict)
    bindings: dict[int, list[tuple[str, Index]]] = field(default_factory=dict)
    index_sizes: set[str] = field(default_factory=set)
    count: int = 0

    # -- names, order -----------------------------------------------------------------------------

    @cached_property
    def defined(self) -> dict[str, int]:
        """The position of the equation that defines each name."""
        return {equation.left.name: position for position, equation in enumerate(self.equations)}

    def fail(self, message: str, equation: int, token: str, hint: str | None = None) -> None:
        self.errors.append(ProgramError(message, equation, token, hint))

    def raise_errors(self) -> None:
        if self.errors:
            raise ProgramErrors(sorted(self.errors, key=lambda error: error.equation))

    # -- reading: what is joined with what --------------------------------------------------------

    def find(self, node: Axis | Index) -> Axis | Index:
        self.parent.setdefault(node, node)
        while self.parent[node] != node:
            self.parent[node] = self.parent[self.parent[node]]
            node = self.parent[node]
        return node

    def same(self, left: Expr, right: Expr) -> bool:
        return left == right or (
            (a := self.number(left)) is not None and (b := self.number(right)) is not None and a == b
        )

    def number(self, size: Expr) -> int | None:
        """The number that a size is; None where it is, or contains, a symbol without one."""
        if isinstance(size, Num):
            return size.value.numerator
        if isinstance(size, Ref) and not size.indices:
            return self.sizes.get(size.name)
        try:
            return integer(size, {name: value for name, value in self.sizes.items() if value is not None})
        except EvaluationError:
            return None

    def know(self, node: Axis | Index, size: Expr, source: str, equation: int, token: str) -> None:
        root = self.find(node)
        old = self.known.get(root)
        if old is None:
            self.known[root] = (size, source)
        elif not self.same(old[0], size):
            self.conflict(token, old, (size, source), equation)
        elif isinstance(old[0], Num) and not isinstance(size, Num):
            self.known[root] = (size, source)  # a name says more than its number

    def conflict(self, token: str, old: tuple[Expr, str], new: tuple[Expr, str], equation: int) -> None:
        name = self.equations[equation].left.name
        shown = [f"{_show(size)} from {source}" for size, source in (old, new)]
        self.fail(f"index `{token}` has two sizes in the equation of `{name}`: {shown[0]}, {shown[1]}", equation, token)

    def join(self, index: Index, axis: Axis | Index, equation: int, token: str) -> None:
        left, right = self.find(index), self.find(axis)
        if left == right:
            return
        known = [self.known.pop(root, None) for root in (left, right)]
        suggested = [self.suggested.pop(root, None) for root in (left, right)]
        offsets = [self.offset.pop(root, None) for root in (left, right)]
        self.parent[right] = left
        if left in self.anchored or right in self.anchored:
            self.anchored.add(left)
        if known[0] and known[1] and not self.same(known[0][0], known[1][0]):
            self.conflict(token, known[0], known[1], equation)
        sizes = [entry for entry in known if entry]
        if sizes:
            self.known[left] = next((entry for entry in sizes if not isinstance(entry[0], Num)), sizes[0])
        ranges = [entry for entry in suggested if entry is not None]
        if ranges:
            self.suggested[left] = max(ranges, key=lambda size: self.number(size) or 0)
        if shifted := offsets[0] or offsets[1]:
            self.offset[left] = shifted

    def declare(self, name: str, shape: Sequence[Expr | int]) -> None:
        self.ranks[name] = len(shape)
        for axis, given in enumerate(shape):
            size = given.expr if isinstance(given, Size) else num(given) if isinstance(given, int) else given
            self.known[self.find((name, axis))] = (size, f"axis {axis + 1} of `{name}`")

    def read_equation(self, position: int) -> None:
        equation = self.equations[position]
        name, indices = equation.left.name, equation.left.indices
        self.bindings[position] = []
        if isinstance(equation.right, Table):
            self.read_table(position)
            return
        scope: dict[str, Index] = {}
        for axis, index in enumerate(indices):
            if not isinstance(index, Ref):
                continue  # the number of a boundary row
            scope[index.name] = self.bind(position, index.name)
            self.join(scope[index.name], (name, axis), position, index.name)
        self.rank(name, len(indices), position)
        self.read(equation.right, scope, position)

    def bind(self, position: int, name: str) -> Index:
        self.count += 1
        index = (f"#{name}", self.count)
        self.bindings[position].append((name, index))
        if name in self.sizes:
            self.index_sizes.add(name)
            value = self.sizes[name]
            if value is not None:
                self.know(index, num(value), f"`sizes: {{{name}: {value}}}`", position, name)
        return index

    def rank(self, name: str, count: int, position: int) -> None:
        old = self.ranks.setdefault(name, count)
        if old == count:
            return
        axes = "no index" if old == 0 else f"{old} ind{'ex' if old == 1 else 'ices'}"
        if count == 0:
            sample = ",".join("ijkl"[:old]) if old <= 4 else "…"
            self.fail(
                f"`{name}` is an array with {axes} but stands here without any",
                position,
                name,
                f"write `{name}[{sample}]`",
            )
        else:
            self.fail(
                f"`{name}` is read with {count} ind{'ex' if count == 1 else 'ices'} here but has {axes}", position, name
            )

    def read_table(self, position: int) -> None:
        equation = self.equations[position]
        assert isinstance(equation.right, Table)
        name = equation.left.name
        if equation.left.indices:
            self.fail(f"a table defines the whole array: write `{name} = [[…]]` without indices", position, name)
            return
        shape = table_shape(equation.right)
        if shape is None:
            self.fail(f"the rows of the table `{name}` are not of one length", position, name)
            return
        self.rank(name, len(shape), position)
        for axis, extent in enumerate(shape):
            self.know((name, axis), num(extent), f"the table of `{name}`", position, name)
        for _, item in table_entries(equation.right):
            self.read(item, {}, position)

    def read(self, expr: Expr, scope: Mapping[str, Index], position: int) -> None:
        """Walks an expression and notes what every read says about sizes."""
        match expr:
            case Ref(name, ()):
                if name not in scope and name not in self.sizes and not self.is_constant(name):
                    self.leaf(name, 0, position)
            case Ref(name, indices):
                if name in scope or name in self.sizes:
                    kind = "an index" if name in scope else "a size"
                    self.fail(f"`{name}` is {kind} and cannot be read with brackets", position, name)
                    return
                self.leaf(name, len(indices), position)
                for axis, index in enumerate(indices):
                    self.read_index(name, axis, index, scope, position)
            case Reduce(_, index, lower, upper, exclude, body):
                for bound in (lower, upper, exclude):
                    if bound is not None:
                        self.read(bound, scope, position)
                node = self.bind(position, index)
                if lower == ONE and upper is not None and not (names(upper) & set(scope)):
                    self.suggested[self.find(node)] = upper
                elif lower is not None and upper is not None:
                    # A part of the range says nothing about the size of an axis.
                    self.known[self.find(node)] = (upper, "its own range")
                    self.read(body, {**scope, index: ("#part", -node[1])}, position)
                    return
                self.read(body, {**scope, index: node}, position)
            case Call("diff", (above, below)):
                if not (isinstance(above, Ref) and above.name in self.defined and isinstance(below, Ref)):
                    hint = "give it a name of its own, as in `f = …`, and write `diff(f, x)`"
                    self.fail("`diff` takes the name of an equation, and an array or number", position, "diff", hint)
                    return
                self.read(above, scope, position)
                self.read(below, scope, position)
            case Table():
                self.fail("a table can only be the whole right-hand side", position, self.equations[position].left.name)
            case _:
                for part in children(expr):
                    self.read(part, scope, position)

    def is_constant(self, name: str) -> bool:
        return name in CONSTANTS and name not in self.defined and name not in self.ranks

    def leaf(self, name: str, count: int, position: int) -> None:
        new = name not in self.ranks
        self.rank(name, count, position)
        if new or name not in self.defined:
            for axis in range(count):
                self.anchored.add(self.find((name, axis)))

    def read_index(self, name: str, axis: int, index: Expr, scope: Mapping[str, Index], position: int) -> None:
        if isinstance(index, Ref) and not index.indices and index.name in scope:
            node = scope[index.name]
            if node[1] < 0:
                return
            root = self.find(node)
            explicit = self.suggested.get(root)
            known = self.known.get(self.find((name, axis)))
            if explicit is not None and known is not None and not self.same(explicit, known[0]):
                # `sum(i=1..2, x[i])` over a longer x is a part of it; beyond its end it is an error.
                here, there = self.number(explicit), self.number(known[0])
                if here is None or there is None or here > there:
                    self.conflict(index.name, (explicit, "its own range"), known, position)
                return
            self.join(node, (name, axis), position, index.name)
            return
        if any(isinstance(part, Reduce) for part in walk(index)):
            message = f"`{name}` is read at a sum: an index is made of numbers, sizes and indices"
            self.fail(message, position, name)
            return
        for part in walk(index):
            if isinstance(part, Ref) and part.name in scope and not part.indices:
                root = self.find(scope[part.name])
                self.offset.setdefault(root, (position, part.name))
            elif isinstance(part, Ref):
                self.read(part, scope, position)

    # -- settling: a size for every class ---------------------------------------------------------

    def settled(self, name: str) -> tuple[Expr, ...] | None:
        """The shape of an array as far as it has been read; None where the size of an axis is still open."""
        if name not in self.ranks:
            return None
        roots = [self.find((name, axis)) for axis in range(self.ranks[name])]
        sizes = [self.known[root][0] if root in self.known else self.suggested.get(root) for root in roots]
        return tuple(size for size in sizes if size is not None) if None not in sizes else None

    def settle(self) -> None:
        taken = set(self.ranks) | set(self.sizes) | {name for pairs in self.bindings.values() for name, _ in pairs}
        for _, pairs in sorted(self.bindings.items()):
            for name, node in pairs:
                root = self.find(node)
                if root in self.known:
                    continue
                if root in self.suggested:
                    self.known[root] = (self.suggested[root], f"the range of `{name}`")
                    continue
                if root in self.offset and root not in self.anchored:
                    self.report_offset(*self.offset[root])
                    self.known[root] = (ONE, "")
                    continue
                symbol = fresh_name(name.upper() if name.upper() != name else f"n_{name}", taken)
                taken.add(symbol)
                self.sizes[symbol] = None
                self.known[root] = (Ref(symbol), f"the range of `{name}`")
        for name, count in self.ranks.items():
            for axis in range(count):
                root = self.find((name, axis))
                if root not in self.known:
                    symbol = fresh_name(f"n_{name}{axis + 1}", taken)
                    taken.add(symbol)
                    self.sizes[symbol] = None
                    self.known[root] = (Ref(symbol), f"axis {axis + 1} of `{name}`")

    def report_offset(self, position: int, token: str) -> None:
        left = self.equations[position].left
        on_left = [isinstance(index, Ref) and index.name == token for index in left.indices]
        if any(on_left):
            places = ", ".join("P" if here else "…" for here in on_left)
            hint = f"give it, as in `shapes: {{{left.name}: [{places}]}}`"
        else:
            hint = f"write its range, as in `sum({token}=1..3, …)`"
        message = f"the range of the index `{token}` is not known: it is only read with an offset"
        self.fail(message, position, token, hint)

    def shape(self, name: str) -> tuple[Expr, ...]:
        return tuple(self.known[self.find((name, axis))][0] for axis in range(self.ranks[name]))

    def elaborate(self, position: int) -> Equation:
        equation = self.equations[position]
        if isinstance(equation.right, Table):
            indices = tuple("ijklmn"[: self.ranks[equation.left.name]])
            return Equation(equation.left.name, indices, equation.right, equation.layer)
        nodes = iter(self.bindings[position])
        indices = tuple(index.name for index in equation.left.indices if isinstance(index, Ref))
        for _ in indices:
            next(nodes)

        def bound(expr: Expr) -> Expr:
            if isinstance(expr, Reduce):
                outer = [part if part is None else bound(part) for part in (expr.lower, expr.upper, expr.exclude)]
                size = self.known[self.find(next(nodes)[1])][0]  # K where K is 3 and so is the axis: one name for it
                lower, upper = outer[0] or ONE, size if not outer[1] or self.same(outer[1], size) else outer[1]
                return Reduce(expr.operation, expr.index, lower, upper, outer[2], bound(expr.body))
            return rebuild(expr, bound)

        edge = edge_of(equation.left)
        name = equation.left.name if edge is None else edge.name
        taken = (set(self.ranks) | set(self.sizes)) - self.index_sizes
        return apart(Equation(name, indices, bound(equation.right), equation.layer), taken)


def _show(size: Expr) -> str:
    from backcalc.formula.print_text import to_text

    return to_text(size)
