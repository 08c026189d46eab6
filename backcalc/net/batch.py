"""Mini-batches: `batch: N`, and how the equations of one sample become those of N samples.

Layers say what they do to one sample. Over a batch every input and everything computed from one gets the index of the
samples in front, parameters do not, and the loss joins the samples: `z[j] = sum(k, W[j,k]*x[k])` becomes
`z[n,j] = sum(k, W[j,k]*x[n,k])`, and `J = L` becomes `J = 1/N*sum(n=1..N, L[n])`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

from backcalc.formula.tree import (
    Call,
    Div,
    Expr,
    Mul,
    Neg,
    Num,
    Reduce,
    Ref,
    fresh_name,
    num,
    rebuild,
    walk,
)
from backcalc.layers import Samples, Shape
from backcalc.net.load import Document
from backcalc.net.spec import LARGEST_SIZE, described, name

if TYPE_CHECKING:
    from backcalc.formula.source import SourceEquation

INDICES = ("n", "s", "m")
"""What the index of the samples is called: the first of these that is no array, else `n2`, `n3`, …"""


@dataclass(frozen=True, slots=True)
class Batch:
    """How many samples there are: a number, a symbol, or a symbol whose number is known."""

    symbol: str | None
    number: int | None

    @property
    def text(self) -> str:
        """The size as formulas have it."""
        return self.symbol or str(self.number)

    @property
    def size(self) -> Expr:
        """The size of the axis of the samples."""
        return Ref(self.symbol) if self.symbol else num(self.number or 1)

    @property
    def sizes(self) -> Mapping[str, int | None]:
        """The size symbol with its number, as programs keep it."""
        return {self.symbol: self.number} if self.symbol else {}

    def settled(self, number: int) -> Batch:
        """The same batch, with the number that the values have shown where none was known."""
        return self if self.number is not None else replace(self, number=number)

    def shape(self, shape: Shape) -> Shape | None:
        """The shape of an array of all samples from that of one; None where the number of samples is a symbol.

        >>> Batch("N", 4).shape((3,)), Batch("N", None).shape((3,))
        ((4, 3), None)
        """
        return None if self.number is None else (self.number, *shape)

    def samples(self, taken: Collection[str]) -> Samples:
        """The samples with an index that is none of the names taken.

        >>> Batch("N", None).samples({"x", "n"})
        Samples(index='s', size='N')
        """
        free = [index for index in INDICES if index not in taken and index != self.symbol]
        return Samples(free[0] if free else fresh_name("n", {*taken, self.text}), self.text)


def read_batch(document: Document, raw: object, sizes: Mapping[str, int | None]) -> Batch | None:
    """`batch` of a file: a number, or a symbol that `sizes` may give a number. What is wrong is reported."""
    if isinstance(raw, int | Fraction) and not isinstance(raw, bool) and raw == int(raw) and 1 <= raw <= LARGEST_SIZE:
        return Batch(None, int(raw))
    if isinstance(raw, str):
        try:
            symbol = name(raw)
            return Batch(symbol, sizes.get(symbol))
        except ValueError:
            pass
    got = document.written(("batch",)) or described(raw)
    help = "`batch: N` derives for N samples, `batch: 4` for four"
    document.report(("batch",), f"`batch`: expected a whole number from 1 or a name, got {got}", help)
    return None


def cleared(equation: SourceEquation, taken: Collection[str]) -> SourceEquation:
    """The equation with other names for its own indices where they are taken: an index is no array.

    >>> from backcalc.formula.source import SourceEquation
    >>> from backcalc.formula.print_text import to_text
    >>> from backcalc.formula.read import read_equation
    >>> line = cleared(SourceEquation(*read_equation("v[n] = w[n]*x[n]")), {"n", "t"})
    >>> to_text(line.left), to_text(line.right)
    ('v[i]', 'w[i]*x[i]')
    """
    own = {index.name: None for index in equation.left.indices if isinstance(index, Ref)}
    own |= {part.index: None for part in walk(equation.right) if isinstance(part, Reduce)}
    for index in [index for index in own if index in taken]:
        used = {part.name for side in (equation.left, equation.right) for part in walk(side) if isinstance(part, Ref)}
        used |= {part.index for part in walk(equation.right) if isinstance(part, Reduce)} | set(taken)
        new = next((free for free in "ijkl" if free not in used), fresh_name("i", used))
        left = _renamed(equation.left, index, new)
        assert isinstance(left, Ref)
        equation = replace(equation, left=left, right=_renamed(equation.right, index, new))
    return equation


def _renamed(expr: Expr, old: str, new: str) -> Expr:
    """The expression with one of its own indices renamed; `new` occurs nowhere in it."""
    match expr:
        case Ref(word, ()) if word == old:
            return Ref(new)
        case Reduce(operation, index, lower, upper, exclude, body) if index == old:
            expr = Reduce(operation, new, lower, upper, exclude, body)
    return rebuild(expr, lambda part: _renamed(part, old, new))


def lifted(equation: SourceEquation, sampled: Collection[str], index: str) -> SourceEquation:
    """The equation of one sample as that of every sample: what is `sampled` gets the index in front.

    An equation that reads nothing sampled is of no sample, and stays as it is. The index is none of its own.

    >>> from backcalc.formula.source import SourceEquation
    >>> from backcalc.formula.print_text import to_text
    >>> from backcalc.formula.read import read_equation
    >>> line = lifted(SourceEquation(*read_equation("v[i] = w[i]*x[i]")), {"x"}, "n")
    >>> to_text(line.left), to_text(line.right)
    ('v[n,i]', 'w[i]*x[n,i]')
    """
    if equation.left.name not in sampled and not reads(equation, sampled):
        return equation
    left, right = equation.left, _with(equation.right, sampled, index)
    return replace(equation, left=Ref(left.name, (Ref(index), *left.indices)), right=right)


def reads(equation: SourceEquation, names: Collection[str]) -> bool:
    """Whether the equation reads one of the arrays."""
    return any(isinstance(part, Ref) and part.name in names for part in walk(equation.right))


def _with(expr: Expr, sampled: Collection[str], index: str) -> Expr:
    expr = rebuild(expr, lambda part: _with(part, sampled, index))
    if isinstance(expr, Ref) and expr.name in sampled:
        return Ref(expr.name, (Ref(index), *expr.indices))
    return expr


def joined(equation: SourceEquation, sampled: Collection[str], samples: Samples, *, mean: bool) -> SourceEquation:
    """The loss of one sample as the loss of the batch: the sum over its samples or their mean, times its factor.

    Under a root, as that of the mean square, it is the samples that are joined, not their roots.

    >>> from backcalc.formula.source import SourceEquation
    >>> from backcalc.formula.print_text import to_text
    >>> from backcalc.formula.read import read_equation
    >>> loss = SourceEquation(*read_equation("J = 1/2*sum(i, (y[i] - t[i])^2)"))
    >>> to_text(joined(loss, {"y", "t"}, Samples("n", "N"), mean=True).right)
    '1/(2*N)*sum(n=1..N, sum(i, (y[n,i] - t[n,i])^2))'
    """
    right = lifted(equation, sampled, samples.index).right
    factor = Fraction(1)
    if isinstance(right, Neg):
        factor, right = -factor, right.operand
    match right:
        case Mul((Num(number), other)):
            factor, right = factor * number, other
        case Mul((Num(number), *others)):
            factor, right = factor * number, Mul(tuple(others))
    if isinstance(right, Call) and right.function == "sqrt":
        root = Call("sqrt", (_joined(right.arguments[0], Fraction(1), samples, mean),))
        return replace(equation, right=_times(factor, root))
    return replace(equation, right=_joined(right, factor, samples, mean))


def _joined(body: Expr, factor: Fraction, samples: Samples, mean: bool) -> Expr:
    size: Expr = num(int(samples.size)) if samples.size.isdigit() else Ref(samples.size)
    total = Reduce("sum", samples.index, num(1), size, None, body)
    if not mean:
        return _times(factor, total)
    if isinstance(size, Num):
        return _times(factor / size.value, total)
    below = size if factor.denominator == 1 else Mul((num(factor.denominator), size))
    return Mul((Div(num(factor.numerator), below), total))


def _times(factor: Fraction, body: Expr) -> Expr:
    return body if factor == 1 else Neg(body) if factor == -1 else Mul((num(factor), body))
