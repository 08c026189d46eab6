"""Equations over whole arrays, written out with indices before a program is made of them.

Where a name without brackets is an array, the equation means what NumPy means by it: `Z = X @ W.T + b` becomes
`Z[i,j] = sum(k=1..D, X[i,k]*W[j,k]) + b[j]`. What stands behind this room never sees a whole array.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field

from backcalc.formula.entries import Entries, Entry, Shape, WholeError, declare, quoted, said
from backcalc.formula.functions import WHOLE
from backcalc.formula.infer import Inference
from backcalc.formula.order import check_names, needed_names, order
from backcalc.formula.print_text import to_text
from backcalc.formula.program import CONSTANTS
from backcalc.formula.source import ProgramError, ProgramErrors, SourceEquation
from backcalc.formula.tree import Call, Expr, Reduce, Ref, Table, children, names, num, walk


def written_out(
    equations: Sequence[SourceEquation],
    shapes: Mapping[str, Sequence[Expr | int]] | None = None,
    sizes: Mapping[str, int | None] | None = None,
    padded: frozenset[str] = frozenset(),
) -> list[SourceEquation]:
    """The equations, each that is written over whole arrays with indices; the others as they are.

    The arguments are those of `build_program`. Raises ProgramErrors: shapes that do not fit or are not known.

    >>> from backcalc.formula.read import read_equation
    >>> line = SourceEquation(*read_equation("Z = X @ W.T + b"))
    >>> (found,) = written_out([line], {"X": (Ref("N"), 3), "W": (2, 3), "b": (2,)})
    >>> print(to_text(found.left), "=", to_text(found.right))
    Z[i,j] = sum(k=1..3, X[i,k]*W[j,k]) + b[j]
    """
    shapes = shapes or {}
    arrays = _arrays(equations) | {name: len(shape) for name, shape in shapes.items() if shape}
    if not any(_is_whole(equation, arrays.keys()) for equation in equations):
        return list(equations)
    inference = Inference(list(equations), dict(sizes or {}), padded)
    inference.errors.extend(check_names(equations, inference.sizes))
    inference.raise_errors()
    ordered = order(equations)
    whole: set[int] = set()
    for position in ordered:
        if _is_whole(equations[position], arrays.keys()):
            whole.add(position)
            arrays.setdefault(equations[position].left.name, 0)
    for name, shape in shapes.items():
        inference.declare(name, shape)
    for position in range(len(equations)):
        if position not in whole:
            inference.read_equation(position)
    known = {
        name: tuple(num(size) if isinstance(size, int) else size for size in shape) for name, shape in shapes.items()
    }
    return _Writer(inference, known, arrays, _taken(equations, known, inference.sizes)).write(ordered, whole)


def _arrays(equations: Iterable[SourceEquation]) -> dict[str, int]:
    """The names that are arrays by the look of them, each with the number of its axes: those that have brackets."""
    found: dict[str, int] = {}
    for equation in equations:
        for part in (equation.left, *walk(equation.right)):
            if isinstance(part, Ref) and part.indices:
                found.setdefault(part.name, len(part.indices))
        if isinstance(equation.right, Table):
            found.setdefault(equation.left.name, 1 + isinstance(equation.right.items[0], Table))
    return found


def _is_whole(equation: SourceEquation, arrays: Set[str]) -> bool:
    """Whether the right side says anything of a whole array."""
    scope = {index.name for index in equation.left.indices if isinstance(index, Ref)}
    calls = (part for part in walk(equation.right) if isinstance(part, Call))
    return any(
        call.function in ("matmul", "transpose") or is_whole_call(call) for call in calls
    ) or not arrays.isdisjoint(_bare(equation.right) - scope)


def is_whole_call(call: Call) -> bool:
    """Whether a function is applied to one whole array; `max(a, b)` is not."""
    return call.function in WHOLE and len(call.arguments) == 1


def _bare(expr: Expr) -> frozenset[str]:
    """The names that stand free and without brackets."""
    match expr:
        case Ref(name, ()):
            return frozenset({name})
        case Reduce(_, index, lower, upper, exclude, body):
            outer = [_bare(part) for part in (lower, upper, exclude) if part is not None]
            return frozenset().union(_bare(body) - {index}, *outer)
        case _:
            return frozenset().union(*map(_bare, children(expr)))


def _taken(equations: Iterable[SourceEquation], shapes: Mapping[str, Shape], sizes: Iterable[str]) -> frozenset[str]:
    """The names that no index may have: those of arrays, numbers, and sizes."""
    taken = {*CONSTANTS, *shapes, *sizes}
    for equation in equations:
        indices = {index.name for index in equation.left.indices if isinstance(index, Ref)}
        taken |= {equation.left.name} | (names(equation.right) - indices)
    return frozenset(taken.union(*(names(size) for shape in shapes.values() for size in shape)))


@dataclass
class _Writer:
    """Writes equations out in the order of evaluation; `shapes` are known, `inference` has read the others."""

    inference: Inference
    shapes: dict[str, Shape]
    arrays: dict[str, int]
    taken: frozenset[str]
    failed: set[str] = field(default_factory=set)
    errors: list[ProgramError] = field(default_factory=list)

    def write(self, order: Sequence[int], whole: set[int]) -> list[SourceEquation]:
        for position in order:
            equation = self.inference.equations[position]
            if not self.failed.isdisjoint(needed_names(equation)):
                self.failed.add(equation.left.name)
            elif position in whole:
                try:
                    self.inference.equations[position] = self.lowered(equation)
                except WholeError as error:
                    self.failed.add(equation.left.name)
                    self.errors.append(ProgramError(error.message, position, to_text(error.part), error.hint))
                else:
                    self.inference.read_equation(position)
        if self.errors:
            raise ProgramErrors(sorted(self.errors, key=lambda error: error.equation))
        return self.inference.equations

    def lowered(self, equation: SourceEquation) -> SourceEquation:
        """One equation with indices. Raises WholeError."""
        left = equation.left
        indices = frozenset(index.name for index in left.indices if isinstance(index, Ref))
        bound = {part.index for part in walk(equation.right) if isinstance(part, Reduce)}
        entries = Entries(self, self.taken | indices | bound)
        entry = entries.read(equation.right, indices)
        if left.indices:
            if entry.shape:
                message = (
                    f"{quoted(equation.right)} is an array {said(entry.shape)}, but {quoted(left)} is a single number"
                )
                raise WholeError(message, equation.right, f"write `{left.name} = …` without indices")
            return SourceEquation(left, entry.at((), frozenset()), equation.layer)
        if not isinstance(equation.right, Table):
            self.declared(left, equation.right, entry, entries)
            self.shapes[left.name] = entry.shape
        found = entries.free(len(entry.shape), frozenset())
        places = tuple(map(Ref, found))
        return SourceEquation(Ref(left.name, places), entry.at(places, frozenset(found)), equation.layer)

    def declared(self, left: Ref, right: Expr, entry: Entry, entries: Entries) -> None:
        """What is declared of the left side must be what the right side is."""
        shape = self.shapes.get(left.name, entry.shape)
        fits = len(shape) == len(entry.shape) and all(map(entries.same, shape, entry.shape))
        if not fits:
            message = f"`{left.name}` is declared {said(shape)}, but {quoted(right)} is {said(entry.shape)}"
            raise WholeError(message, left)

    # -- what is known of names and sizes ---------------------------------------------------------

    def shape(self, name: str) -> Shape:
        if name in self.shapes:
            return self.shapes[name]
        if name in self.inference.sizes or (name not in self.inference.defined and name not in self.arrays):
            return ()
        found = self.inference.settled(name)
        if found is None:
            message = f"the shape of `{name}` is not known, and it stands here without brackets"
            raise WholeError(message, Ref(name), declare(name, self.arrays.get(name, 2)))
        return found

    def is_guess(self, name: str) -> bool:
        known = name in self.shapes or name in self.inference.sizes or name in self.arrays or name in CONSTANTS
        return not known and name not in self.inference.defined

    def number(self, size: Expr) -> int | None:
        return self.inference.number(size)
