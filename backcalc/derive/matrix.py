"""Formulas over whole arrays as typed nodes: every node knows its shape, and one that does not fit cannot be built.

A vector is a column, n×1, and a number is 1×1. Arrays of more than two axes have only elementwise nodes and `Einsum`.
What a node means entry by entry is said in `backcalc.derive.matrix_entry`.

>>> from backcalc.formula.tree import Ref, num
>>> X, W = Named("X", (Ref("N"), num(3))), Named("W", (num(4), num(3)))
>>> [str(shaped(node)) for node in (X, W, Product((X, Transpose(W))))]
['N×3', '4×3', 'N×4']
>>> Product((X, W))
Traceback (most recent call last):
backcalc.derive.matrix_shape.ShapeMismatch: a product of N×3 and 4×3: the inner sizes 3 and 4 differ

Source for the elementwise product and quotient: R. Horn, C. Johnson, *Topics in Matrix Analysis*, CUP 1991, ch. 5.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from backcalc.derive.matrix_shape import Shape, ShapeMismatch, same, written
from backcalc.formula.print_unicode import to_unicode
from backcalc.formula.tree import ONE, Expr


def shaped(node: Node) -> str:
    """The shape as it is written, `N×3`."""
    return written(node.shape)


def is_scalar(node: Node) -> bool:
    """Whether the node is 1×1."""
    return all(same(size, ONE) for size in node.shape)


class _Number:
    """What is 1×1."""

    __slots__ = ()

    @property
    def shape(self) -> Shape:
        return (ONE, ONE)


class _Column:
    """What is a column of `size` entries."""

    __slots__ = ()
    size: Expr

    @property
    def shape(self) -> Shape:
        return (self.size, ONE)


class _Alike:
    """What has the shape of the array that it is made `of`."""

    __slots__ = ()
    of: Node

    @property
    def shape(self) -> Shape:
        return self.of.shape


# -- leaves --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Named:
    """An array of the program or a derivative, by its name; `sizes` has no entry for a scalar, one for a vector."""

    name: str
    sizes: tuple[Expr, ...]

    @property
    def shape(self) -> Shape:
        return self.sizes + (ONE,) * (2 - len(self.sizes))


@dataclass(frozen=True, slots=True)
class Scalar(_Number):
    """A number, or an expression of numbers and sizes: 1×1."""

    value: Expr


@dataclass(frozen=True, slots=True)
class Full:
    """The same number everywhere, as the 1 in `1 − H ⊙ H`."""

    value: Expr
    shape: Shape


@dataclass(frozen=True, slots=True)
class Ones(_Column):
    """𝟙, the column of ones."""

    size: Expr


@dataclass(frozen=True, slots=True)
class Unit(_Column):
    """e_t, the column with a 1 in row t and 0 elsewhere."""

    size: Expr
    place: Expr


@dataclass(frozen=True, slots=True)
class Identity:
    """I, the square matrix with ones on its diagonal."""

    size: Expr

    @property
    def shape(self) -> Shape:
        return (self.size, self.size)


# -- matrices ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Transpose:
    """Aᵀ."""

    of: Node

    def __post_init__(self) -> None:
        _flat("a transpose", self.of)

    @property
    def shape(self) -> Shape:
        return self.of.shape[::-1]


@dataclass(frozen=True, slots=True)
class Product:
    """The matrix product of two or more factors."""

    factors: tuple[Node, ...]

    def __post_init__(self) -> None:
        for factor in self.factors:
            _flat("a product", factor)
        for left, right in zip(self.factors, self.factors[1:], strict=False):
            if not same(left.shape[1], right.shape[0]):
                inner = f"{to_unicode(left.shape[1])} and {to_unicode(right.shape[0])}"
                raise ShapeMismatch(f"a product of {shaped(left)} and {shaped(right)}: the inner sizes {inner} differ")

    @property
    def shape(self) -> Shape:
        return (self.factors[0].shape[0], self.factors[-1].shape[1])


@dataclass(frozen=True, slots=True)
class RowReduce:
    """A reduction of every row, a column: `rowsum(A)` is A 𝟙; `operation` is that of `Reduce`."""

    operation: str
    of: Node

    def __post_init__(self) -> None:
        _flat(f"row{self.operation}", self.of)

    @property
    def shape(self) -> Shape:
        return (self.of.shape[0], ONE)


@dataclass(frozen=True, slots=True)
class Diagonal:
    """diag(A), the diagonal of a square matrix as a column."""

    of: Node

    def __post_init__(self) -> None:
        _square("a diagonal", self.of)

    @property
    def shape(self) -> Shape:
        return (self.of.shape[0], ONE)


@dataclass(frozen=True, slots=True)
class DiagonalMatrix:
    """diag(v), the square matrix with a column on its diagonal and 0 elsewhere."""

    of: Node

    def __post_init__(self) -> None:
        if len(self.of.shape) != 2 or not same(self.of.shape[1], ONE):
            raise ShapeMismatch(f"a diagonal matrix of {shaped(self.of)}: it takes a column")

    @property
    def shape(self) -> Shape:
        return (self.of.shape[0], self.of.shape[0])


@dataclass(frozen=True, slots=True)
class Trace(_Number):
    """tr(A), the sum of the diagonal of a square matrix."""

    of: Node

    def __post_init__(self) -> None:
        _square("a trace", self.of)


@dataclass(frozen=True, slots=True)
class SquaredNorm(_Number):
    """‖A‖², the sum of the squares of all entries: of a matrix the squared Frobenius norm."""

    of: Node


@dataclass(frozen=True, slots=True)
class Scale(_Alike):
    """A number times an array."""

    factor: Node
    of: Node

    def __post_init__(self) -> None:
        if not is_scalar(self.factor):
            raise ShapeMismatch(f"a multiple by {shaped(self.factor)}: the factor has to be a number, 1×1")


# -- elementwise, for arrays of any rank ---------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sum:
    """A + B + …"""

    terms: tuple[Node, ...]

    def __post_init__(self) -> None:
        _alike("a sum", self.terms)

    @property
    def shape(self) -> Shape:
        return self.terms[0].shape


@dataclass(frozen=True, slots=True)
class Elementwise:
    """Products and quotients of entries, A ⊙ B ⊘ C; `over` may be empty."""

    over: tuple[Node, ...]
    under: tuple[Node, ...] = ()

    def __post_init__(self) -> None:
        _alike("an elementwise product" if not self.under else "an elementwise quotient", self.over + self.under)

    @property
    def shape(self) -> Shape:
        return (self.over + self.under)[0].shape


@dataclass(frozen=True, slots=True)
class Power(_Alike):
    """Every entry to the same power."""

    of: Node
    exponent: Fraction


@dataclass(frozen=True, slots=True)
class Apply:
    """A function of scalars, applied to every entry."""

    function: str
    arguments: tuple[Node, ...]

    def __post_init__(self) -> None:
        _alike(self.function, self.arguments)

    @property
    def shape(self) -> Shape:
        return self.arguments[0].shape


@dataclass(frozen=True, slots=True)
class Mask:
    """[A > B], 1 where a comparison of entries holds, else 0; as in `Compare`, one operand more than operators."""

    operators: tuple[str, ...]
    operands: tuple[Node, ...]

    def __post_init__(self) -> None:
        _alike("a comparison", self.operands)

    @property
    def shape(self) -> Shape:
        return self.operands[0].shape


@dataclass(frozen=True, slots=True)
class Softmax(_Alike):
    """softmax of every row of a matrix, of a column, or along the last axis of an array of more."""

    of: Node

    @property
    def axis(self) -> int:
        """The axis along which the entries sum to 1."""
        return 0 if len(self.of.shape) == 2 and same(self.of.shape[1], ONE) else len(self.of.shape) - 1


# -- anything else that is a sum of products -------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Einsum:
    """A sum of products in the notation of `numpy.einsum`: each operand with its labels, then those of the result.

    A column has one label, a number none.
    """

    operands: tuple[tuple[Node, tuple[str, ...]], ...]
    result: tuple[str, ...]

    def __post_init__(self) -> None:
        extents: dict[str, Expr] = {}
        for node, labels in self.operands:
            if node.shape[len(labels) :] != (ONE,) * (len(node.shape) - len(labels)):
                raise ShapeMismatch(f"an einsum with {len(labels)} labels for an array that is {shaped(node)}")
            for label, size in zip(labels, node.shape, strict=False):
                if not same(extents.setdefault(label, size), size):
                    sizes = f"{to_unicode(extents[label])} and {to_unicode(size)}"
                    raise ShapeMismatch(f"an einsum whose index {label} has the sizes {sizes}")
        if missing := [label for label in self.result if label not in extents]:
            raise ShapeMismatch(f"an einsum whose result has an index that no operand has: {', '.join(missing)}")

    @property
    def extents(self) -> dict[str, Expr]:
        """The size of every index."""
        return {label: size for node, labels in self.operands for label, size in zip(labels, node.shape, strict=False)}

    @property
    def shape(self) -> Shape:
        sizes = tuple(self.extents[label] for label in self.result)
        return sizes + (ONE,) * (2 - len(sizes))


Node: TypeAlias = (
    Named
    | Scalar
    | Full
    | Ones
    | Unit
    | Identity
    | Transpose
    | Product
    | RowReduce
    | Diagonal
    | DiagonalMatrix
    | Trace
    | SquaredNorm
    | Scale
    | Sum
    | Elementwise
    | Power
    | Apply
    | Mask
    | Softmax
    | Einsum
)


def _flat(what: str, node: Node) -> None:
    if len(node.shape) != 2:
        raise ShapeMismatch(f"{what} of an array with {len(node.shape)} axes, {shaped(node)}")


def _square(what: str, node: Node) -> None:
    _flat(what, node)
    if not same(*node.shape):
        raise ShapeMismatch(f"{what} of a matrix that is not square, {shaped(node)}")


def _alike(what: str, nodes: tuple[Node, ...]) -> None:
    first = nodes[0]
    for node in nodes[1:]:
        fits = len(node.shape) == len(first.shape) and all(map(same, node.shape, first.shape))
        if not fits:
            raise ShapeMismatch(f"{what} of {shaped(first)} and {shaped(node)}: the shapes differ")
