"""Python text for arrays whose axes stand for indices, and the indices that are in force."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from backcalc.formula.tree import Call, Compare, Div, Expr, Num, Pow, Reduce, Ref, names, walk
from backcalc.render.numpy_index import Ranges, span

LOOSE, SUM, PRODUCT, SIGN, POWER, ATOM = range(6)
"""How tightly Python text is bound: a comparison least, a name most."""

WIDTH = 110  # columns of a line of code


@dataclass(frozen=True, slots=True)
class Tensor:
    """Python text for an array whose axes stand for the indices `dims`; `boolean` where its entries are truths."""

    code: str
    dims: tuple[str, ...] = ()
    level: int = ATOM
    boolean: bool = False

    def at(self, level: int) -> str:
        """The text, in parentheses where its place asks for them."""
        return self.code if self.level >= level else f"({self.code})"


@dataclass(frozen=True, slots=True)
class Frame:
    """The indices in force: those that are axes, in order, and those that a loop counts; each with its range.

    `guarded` says that a condition on the rows decides first, so that no row outside an array is read.
    """

    axes: Ranges = field(default_factory=dict)
    rows: Ranges = field(default_factory=dict)
    guarded: bool = False

    @property
    def every(self) -> Ranges:
        """All of them."""
        return {**self.axes, **self.rows}

    def along(self, index: str, low: Expr, high: Expr) -> Frame:
        """With one more axis."""
        return Frame({**self.axes, index: (low, high)}, self.rows, self.guarded)

    def guard(self, condition: bool) -> Frame:
        """The same behind a condition on the rows."""
        return Frame(self.axes, self.rows, self.guarded or condition)

    def order(self, dims: Iterable[str]) -> tuple[str, ...]:
        """The indices as their axes follow each other."""
        found = set(dims)
        return tuple(index for index in self.axes if index in found)


def aligned(tensor: Tensor, dims: Sequence[str]) -> Tensor:
    """The array with its axes in the order of `dims`, ready to be broadcast over all of them.

    >>> aligned(Tensor("b", ("f",)), ("f", "i")).code, aligned(Tensor("W", ("k", "j")), ("j", "k")).code
    ('b[:, None]', 'W.T')
    """
    wanted = tuple(index for index in dims if index in tensor.dims)
    code, level = tensor.code, tensor.level
    if wanted != tensor.dims:
        places = [tensor.dims.index(index) for index in wanted]
        text = tensor.at(ATOM)
        code = f"{text}.T" if places == [1, 0] else f"np.transpose({code}, {tuple(places)})"
        level = ATOM
    if wanted and (rest := list(dims)[list(dims).index(wanted[0]) :]) != list(wanted):
        text = code if level == ATOM else f"({code})"
        code = f"{text}[{', '.join(':' if index in wanted else 'None' for index in rest)}]"
        level = ATOM
    return Tensor(code, wanted, level, tensor.boolean)


def numeric(tensor: Tensor) -> Tensor:
    """Truths as 1 and 0, where they are added or divided."""
    return Tensor(f"1.0 * {tensor.at(SIGN)}", tensor.dims, PRODUCT) if tensor.boolean else tensor


def union(frame: Frame, tensors: Iterable[Tensor]) -> tuple[str, ...]:
    return frame.order(index for tensor in tensors for index in tensor.dims)


def may_fail(expr: Expr) -> bool:
    """Whether an expression may be no number somewhere: 1/x, log x, √x."""
    return any(
        (isinstance(node, Div) and not isinstance(node.denominator, Num))
        or (isinstance(node, Pow) and not (isinstance(node.exponent, Num) and node.exponent.value > 0))
        or (isinstance(node, Call) and node.function in ("log", "sqrt", "exp"))
        for node in walk(expr)
    )


def bounds_of(expr: Reduce, frame: Frame) -> tuple[Expr, Expr, tuple[Compare, ...]]:
    """The range of a reduction, and the conditions that remain where it depends on other indices."""
    assert expr.lower is not None and expr.upper is not None
    index = Ref(expr.index)
    ends, kept = [], []
    for bound, side in ((expr.lower, 0), (expr.upper, 1)):
        found = span(bound, frame.axes)
        if found is None:
            raise ValueError(f"the range of {expr.index} cannot be written in NumPy")
        ends.append(found[side].expr())
        if names(bound) & frame.axes.keys():
            kept.append(Compare(("<=",), (bound, index) if side == 0 else (index, bound)))
    if expr.exclude is not None:
        kept.append(Compare(("!=",), (index, expr.exclude)))
    return ends[0], ends[1], tuple(kept)


def broken(text: str, width: int = WIDTH) -> list[str]:
    """An assignment that is too long, cut before the operators outside parentheses.

    >>> broken("z = first * one + second * two", 20)
    ['z = (', '    first * one', '    + second * two', ')']
    """
    name, equals, code = text.partition(" = ")
    if len(text) <= width or not equals or name.startswith("#"):
        return [text]
    for signs in ((" + ", " - "), (" * ", " & ")):
        pieces, depth, start = [], 0, 0
        for place, character in enumerate(code):
            depth += (character in "([{") - (character in ")]}")
            if depth == 0 and code[place : place + 3] in signs:
                pieces.append(code[start:place].strip())
                start = place
        if pieces:
            return [f"{name}{equals}(", *(f"    {piece}" for piece in (*pieces, code[start:].strip())), ")"]
    return [text]
