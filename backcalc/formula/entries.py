"""The rules of whole arrays, those of NumPy: the shape of every operation, and the formula of one entry of its result.

An `Entry` is an array given by a formula: `X @ W.T` has the shape (N, M), and its entry at i, j is
`sum(k=1..D, X[i,k]*W[j,k])`. Sizes are numbers or symbols; equal symbols are equal sizes, and only an axis of size 1,
or one that is missing, is repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from backcalc.formula.functions import WHOLE
from backcalc.formula.lexer import MAX_DEPTH, MAX_TOKENS
from backcalc.formula.print_text import to_text
from backcalc.formula.tree import (
    ONE,
    Add,
    Call,
    Compare,
    Div,
    Expr,
    Mul,
    Neg,
    Num,
    Pow,
    Reduce,
    Ref,
    Table,
    children,
    fresh_name,
    num,
    rebuild,
    walk,
)

Shape: TypeAlias = tuple[Expr, ...]
Indices: TypeAlias = tuple[Expr, ...]
INDEX_NAMES = "ijklmnpqrstuvw"
_SHOWN = 60  # characters of a formula that a message quotes


class WholeError(ValueError):
    """Arrays that do not fit: `part` is the formula to point at."""

    def __init__(self, message: str, part: Expr, hint: str | None = None) -> None:
        super().__init__(message)
        self.message, self.part, self.hint = message, part, hint


class Clash(ValueError):
    """Two sizes, of the left and of the right array, that cannot be broadcast."""

    def __init__(self, left: Expr, right: Expr) -> None:
        super().__init__("the sizes differ")
        self.left, self.right = left, right


@dataclass(frozen=True, slots=True)
class Entry:
    """An array by its entries: `at(indices, bound)` is the formula of one; names in `bound` are in use around it.

    `size` and `height` are at least the nodes and the depth of that formula.
    """

    shape: Shape
    at: Callable[[Indices, frozenset[str]], Expr]
    size: int
    height: int


class Names(Protocol):
    """What is known of names and sizes."""

    def shape(self, name: str) -> Shape:
        """The shape of a name, () of a number. Raises WholeError where an array's is not known."""

    def is_guess(self, name: str) -> bool:
        """Whether nothing says what the name is, so that it is taken for a number."""

    def number(self, size: Expr) -> int | None:
        """The number that a size is, None where it is a symbol."""


@dataclass(frozen=True, slots=True)
class Entries:
    """Turns the formulas of one equation into entries; indices are named by none of `taken`."""

    names: Names
    taken: frozenset[str]

    def read(self, expr: Expr, scope: frozenset[str] = frozenset()) -> Entry:
        """The formula by its entries; names in `scope` are indices. Raises WholeError."""
        match expr:
            case Ref(name, ()):
                shape = () if name in scope else self.names.shape(name)
                return Entry(shape, lambda indices, bound: Ref(name, indices), 1 + len(shape), 1 + bool(shape))
            case Reduce():
                *bounds, body = children(expr)
                outer = [self.read(bound, scope) for bound in bounds]
                return self.of_numbers(expr, [*outer, self.read(body, scope | {expr.index})])
            case Num() | Ref() | Table():
                return self.of_numbers(expr, [self.read(part, scope) for part in children(expr)])
            case Call("matmul", (left, right)):
                return self.matmul(expr, left, right, scope)
            case Call("transpose", (operand,)):
                return self.transpose(expr, self.array(expr, operand, scope))
            case Call("softmax" | "log_softmax", (operand,)):
                return self.softmax(expr, self.array(expr, operand, scope, numbers=False))
            case Call(function, (operand,)) if function in WHOLE:
                return self.reduction(expr, self.array(expr, operand, scope))
            case _:
                return self.elementwise(expr, [self.read(part, scope) for part in children(expr)])

    def free(self, count: int, bound: frozenset[str]) -> tuple[str, ...]:
        """So many names for indices, i, j, k, …, none of them in use."""
        found: list[str] = []
        for _ in range(count):
            used = self.taken.union(bound, found)
            found.append(next((name for name in INDEX_NAMES if name not in used), fresh_name("i", used)))
        return tuple(found)

    def made(
        self, expr: Expr, shape: Shape, at: Callable[[Indices, frozenset[str]], Expr], *parts: Entry, levels: int = 1
    ) -> Entry:
        """An entry that is `levels` deeper than its parts, within the budgets of size and depth."""
        size = sum(part.size for part in parts) + 4 * levels
        height = max((part.height for part in parts), default=0) + levels
        if size > MAX_TOKENS or height > MAX_DEPTH:
            message = f"{quoted(expr)} is too large when it is written out with indices"
            raise WholeError(message, expr, "give its parts names of their own, as in `A = X @ W`")
        return Entry(shape, at, size, height)

    # -- shapes -----------------------------------------------------------------------------------

    def same(self, left: Expr, right: Expr) -> bool:
        """Whether two sizes are known to be equal."""
        number = self.names.number(left)
        return left == right or (number is not None and number == self.names.number(right))

    def broadcast(self, left: Shape, right: Shape) -> Shape:
        """The common shape. Raises Clash."""
        long, short = (left, right) if len(left) >= len(right) else (right, left)
        sizes = list(long)
        for axis, size in enumerate(short, len(long) - len(short)):
            if self.same(sizes[axis], size):
                sizes[axis] = named(sizes[axis], size)
            elif self.names.number(sizes[axis]) == 1:
                sizes[axis] = size
            elif self.names.number(size) != 1:
                ours, theirs = (sizes[axis], size) if long is left else (size, sizes[axis])
                raise Clash(ours, theirs)
        return tuple(sizes)

    def place(self, part: Shape, whole: Shape, indices: Indices) -> Indices:
        """Where the entry of a broadcast array comes from: 1 along an axis of size 1 that is repeated."""
        skip = len(whole) - len(part)
        return tuple(
            ONE if self.names.number(size) == 1 and self.names.number(whole[axis]) != 1 else indices[axis]
            for axis, size in enumerate(part, skip)
        )

    # -- operations -------------------------------------------------------------------------------

    def of_numbers(self, expr: Expr, parts: Sequence[Entry]) -> Entry:
        """What is made of numbers alone: a read in brackets, a reduction over an index, an array spelled out."""
        for part, entry in zip(children(expr), parts, strict=True):
            if entry.shape:
                message = f"{quoted(part)} is an array {said(entry.shape)}, but a single number belongs here"
                raise WholeError(message, part, self.brackets(part))
        return self.elementwise(expr, parts)

    def brackets(self, expr: Expr) -> str | None:
        """The advice to read the first array in brackets."""
        for part in walk(expr):
            if isinstance(part, Ref) and not part.indices and (shape := self.names.shape(part.name)):
                return f"write `{part.name}[{','.join(self.free(len(shape), frozenset()))}]`"
        return None

    def elementwise(self, expr: Expr, parts: Sequence[Entry]) -> Entry:
        """Any operation on numbers, entry by entry."""
        match expr:
            case Pow(base, Ref("T", ()) as power) if parts[0].shape and self.names.is_guess(power.name):
                message = f"{quoted(expr)} would be a power, entry by entry, of a number `T` that nothing gives"
                raise WholeError(message, expr, f"did you mean `{flipped(base)}`?")
        shape: Shape = ()
        for count, entry in enumerate(parts, 1):
            try:
                shape = self.broadcast(shape, entry.shape)
            except Clash as clash:
                raise self.misfit(expr, count, shape, entry.shape, clash) from None

        def at(indices: Indices, bound: frozenset[str]) -> Expr:
            done = iter([part.at(self.place(part.shape, shape, indices), bound) for part in parts])
            return rebuild(expr, lambda _: next(done))

        return self.made(expr, shape, at, *parts)

    def misfit(self, expr: Expr, count: int, left: Shape, right: Shape, clash: Clash) -> WholeError:
        """Shapes that cannot be broadcast, at the part number `count` of a sum or product."""
        part = children(expr)[count - 1]
        shown = expr
        if isinstance(expr, Add | Mul) and count < len(children(expr)):
            shown = type(expr)(children(expr)[:count])
        bare = part.operand if isinstance(part, Neg) else part
        hint = None
        if len(right) >= 2 and len(left) == len(right):
            turned = (*right[:-2], right[-1], right[-2])
            if all(self.same(ours, theirs) for ours, theirs in zip(left, turned, strict=True)):
                hint = f"did you mean `{flipped(bare)}`?"
        if (
            not hint
            and isinstance(expr, Mul)
            and len(left) == 2
            and right
            and self.same(left[-1], right[-min(len(right), 2)])
        ):
            hint = "`*` multiplies entry by entry; the matrix product is `@`"
        message = f"{quoted(shown)}: {said(left)} {_verb(expr, part)} {said(right)}"
        return WholeError(f"{message}: the sizes {to_text(clash.left)} and {to_text(clash.right)} differ", shown, hint)

    def array(self, expr: Expr, operand: Expr, scope: frozenset[str], *, numbers: bool = True) -> Entry:
        """The operand of a function of arrays; a name that may be anything must be declared for that."""
        entry = self.read(operand, scope)
        if entry.shape:
            return entry
        for part in walk(operand):
            if isinstance(part, Ref) and not part.indices and part.name not in scope and self.names.is_guess(part.name):
                message = f"the shape of `{part.name}` is not known, but {quoted(expr)} needs it"
                raise WholeError(message, part, declare(part.name, 1 if part.name.islower() else 2))
        if not numbers:
            raise WholeError(f"{quoted(expr)}: expected an array, but {quoted(operand)} is a single number", expr)
        return entry

    def matmul(self, expr: Expr, left: Expr, right: Expr, scope: frozenset[str]) -> Entry:
        """The product of matrices, of vectors, or of stacks of matrices, whose leading axes are broadcast."""
        first, second = self.array(expr, left, scope), self.array(expr, right, scope)
        for operand, entry in ((left, first), (right, second)):
            if not entry.shape:
                message = f"{quoted(expr)}: `@` multiplies arrays, but {quoted(operand)} is a single number"
                raise WholeError(message, expr, "a number and an array are multiplied by `*`")
        a, b = first.shape, second.shape
        inner = b[-2] if len(b) > 1 else b[-1]
        shown = f"{quoted(expr)}: {said(a)} times {said(b)}"
        if not self.same(a[-1], inner):
            hint = None
            if len(b) > 1 and self.same(a[-1], b[-1]):
                hint = f"did you mean `{flipped(right)}`?"
            elif len(a) > 1 and self.same(a[-2], inner):
                hint = f"did you mean `{flipped(left)}`?"
            message = f"{shown}: the inner sizes {to_text(a[-1])} and {to_text(inner)} differ"
            raise WholeError(message, expr, hint)
        try:
            lead = self.broadcast(a[:-2], b[:-2])
        except Clash as clash:
            message = f"{shown}: the leading sizes {to_text(clash.left)} and {to_text(clash.right)} differ"
            raise WholeError(message, expr) from None
        count, rows = len(lead), len(a[-2:-1])
        upper = named(a[-1], inner)

        def at(indices: Indices, bound: frozenset[str]) -> Expr:
            (index,) = self.free(1, bound)
            k, used = Ref(index), bound | {index}
            row, column = indices[count : count + rows], indices[count + rows :]
            one = first.at((*self.place(a[:-2], lead, indices[:count]), *row, k), used)
            other = second.at((*self.place(b[:-2], lead, indices[:count]), k, *column), used)
            return Reduce("sum", index, ONE, upper, None, times(one, other))

        return self.made(expr, (*lead, *a[-2:-1], *(b[-1:] if len(b) > 1 else ())), at, first, second, levels=2)

    def transpose(self, expr: Expr, entry: Entry) -> Entry:
        """The last two axes exchanged; a vector is its own transpose, as in NumPy."""
        if len(entry.shape) < 2:
            return entry
        *lead, row, column = entry.shape

        def at(indices: Indices, bound: frozenset[str]) -> Expr:
            return entry.at((*indices[:-2], indices[-1], indices[-2]), bound)

        return self.made(expr, (*lead, column, row), at, entry)

    def softmax(self, expr: Expr, entry: Entry) -> Entry:
        """`exp(z[i,j])/sum(k, exp(z[i,k]))`, or its logarithm `z[i,j] - log(sum(k, exp(z[i,k])))`."""
        logarithm = isinstance(expr, Call) and expr.function == "log_softmax"

        def at(indices: Indices, bound: frozenset[str]) -> Expr:
            (index,) = self.free(1, bound)
            value = entry.at(indices, bound)
            other = entry.at((*indices[:-1], Ref(index)), bound | {index})
            total = Reduce("sum", index, ONE, entry.shape[-1], None, Call("exp", (other,)))
            return Add((value, Neg(Call("log", (total,))))) if logarithm else Div(Call("exp", (value,)), total)

        return self.made(expr, entry.shape, at, entry, entry, levels=4)

    def reduction(self, expr: Expr, entry: Entry) -> Entry:
        """A sum, mean, … over all entries; `sumsq` is the sum of the squares, `norm2` its square root."""
        assert isinstance(expr, Call)
        squares = expr.function in ("sumsq", "norm2")
        operation = "sum" if squares else expr.function

        def at(indices: Indices, bound: frozenset[str]) -> Expr:
            found = self.free(len(entry.shape), bound)
            body = entry.at(tuple(map(Ref, found)), bound.union(found))
            if squares:
                body = Pow(body, num(2))
            for index, size in zip(reversed(found), reversed(entry.shape), strict=True):
                body = Reduce(operation, index, ONE, size, None, body)
            return Call("sqrt", (body,)) if expr.function == "norm2" else body

        return self.made(expr, (), at, entry, levels=2 + len(entry.shape))


def times(left: Expr, right: Expr) -> Mul:
    """The product of two formulas, flat."""
    return Mul(
        tuple(factor for part in (left, right) for factor in (part.factors if isinstance(part, Mul) else (part,)))
    )


def named(left: Expr, right: Expr) -> Expr:
    """Of two equal sizes the one with a name: it says more than its number."""
    return right if isinstance(left, Num) else left


def said(shape: Shape) -> str:
    """A shape as on paper.

    >>> said((Ref("N"), num(3)))
    '(N×3)'
    """
    return f"({'×'.join(map(to_text, shape))})" if shape else "a number"


def quoted(expr: Expr) -> str:
    """A formula in a message, not more of it than helps."""
    text = to_text(expr)
    return f"`{text}`" if len(text) <= _SHOWN else f"`{text[:_SHOWN]}…`"


def flipped(expr: Expr) -> str:
    """The transpose, as a text."""
    turned = (
        expr.arguments[0] if isinstance(expr, Call) and expr.function == "transpose" else Call("transpose", (expr,))
    )
    return to_text(turned)


def declare(name: str, rank: int = 2) -> str:
    """The advice to declare a shape."""
    return f"declare it, as in `shapes: {{{name}: [{', '.join('NDKLMPQR'[:rank])}]}}`"


def _verb(expr: Expr, part: Expr) -> str:
    match expr:
        case Add():
            return "minus" if isinstance(part, Neg) else "plus"
        case Mul():
            return "times"
        case Div():
            return "divided by"
        case Pow():
            return "to the power"
        case Compare():
            return "compared with"
        case _:
            return "and"
