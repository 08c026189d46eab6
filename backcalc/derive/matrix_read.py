"""From an index formula to a formula over whole arrays.

Every part of the formula becomes a node with the indices of its axes; products are contracted index by index
(`backcalc.derive.matrix_contract`): an index in two factors is a matrix product, the same indices are ⊙, an index
summed alone is a product with 𝟙, and one that only the result has is an outer product with 𝟙.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from backcalc.derive.matrix import (
    Apply,
    Diagonal,
    Einsum,
    Full,
    Identity,
    Mask,
    Named,
    Node,
    Ones,
    RowReduce,
    Scalar,
    Scale,
    Sum,
    Unit,
)
from backcalc.derive.matrix_algebra import product, transposed
from backcalc.derive.matrix_contract import contracted
from backcalc.derive.matrix_entry import equal
from backcalc.derive.matrix_laid import Axes, Laid, NoMatrixForm, Ranges, axes_of
from backcalc.derive.matrix_shape import ShapeMismatch, same
from backcalc.derive.terms import Term, to_terms
from backcalc.formula.print_unicode import to_unicode
from backcalc.formula.tree import (
    ONE,
    ZERO,
    Call,
    Compare,
    Div,
    Expr,
    Reduce,
    Ref,
    fresh_name,
    names,
    rebuild,
    size,
    walk,
)

LARGEST = 250  # nodes of a formula that is read


@dataclass(frozen=True, slots=True)
class MatrixForm:
    """`of[indices] = formula` with the matrix form `node`; without one that is None, and `reason` says why."""

    of: str
    indices: tuple[str, ...]
    formula: Expr
    node: Node | None
    reason: str = ""


def matrix_form(of: str, indices: tuple[str, ...], formula: Expr, shapes: Mapping[str, tuple[Expr, ...]]) -> MatrixForm:
    """Reads the matrix form off an index formula, and proves it equal before it is handed out.

    `shapes` has every array that the formula reads, and `of`.

    >>> from backcalc.formula.read import read_expression
    >>> N, K, M = Ref("N"), Ref("K"), Ref("M")
    >>> shapes = {"W": (M, K), "X": (N, K), "D": (N, M)}
    >>> form = matrix_form("W", ("j", "k"), read_expression("sum(n=1..N, D[n,j]*X[n,k])"), shapes)
    >>> [type(factor).__name__ for factor in form.node.factors]
    ['Transpose', 'Named']
    """
    if not indices and not any(isinstance(part, Reduce) for part in walk(formula)):
        return MatrixForm(of, indices, formula, None)
    if size(formula) > LARGEST:
        return MatrixForm(of, indices, formula, None, "it is too long")
    reader = Reader(shapes, indices)
    ranges = dict(zip(indices, shapes[of], strict=True))
    try:
        laid = reader.value(_without_means(formula), ranges)
        node = reader.placed(laid, axes_of(indices), ranges)
        if isinstance(node, Full) and node.value != ZERO and len(node.shape) == 2:
            node = (
                Scale(Scalar(node.value), reader.ones(axes_of(indices), ranges))
                if node.value != ONE
                else (reader.ones(axes_of(indices), ranges))
            )
    except NoMatrixForm as error:
        return MatrixForm(of, indices, formula, None, str(error))
    except ShapeMismatch as error:
        return MatrixForm(of, indices, formula, None, f"the shapes do not fit: {error}")
    if not equal(node, formula, indices):
        return MatrixForm(of, indices, formula, None, "a matrix form could not be proved equal")
    return MatrixForm(of, indices, formula, node)


@dataclass(frozen=True)
class Reader:
    """Reads formulas over arrays of known shapes; axes are laid in the order of `order` where there is a choice."""

    shapes: Mapping[str, tuple[Expr, ...]]
    order: tuple[str, ...]

    def value(self, expr: Expr, ranges: Ranges) -> Laid:
        """An expression as a node whose axes are the indices in it. Raises NoMatrixForm."""
        free = [index for index in ranges if index in names(expr)]
        if not free and not any(isinstance(part, Reduce) for part in walk(expr)):
            return Laid(self.number(expr), (None, None))
        match expr:
            case Ref():
                return self.read(expr, ranges)
            case Compare():
                return self.comparison(expr, ranges)
            case Call(function, arguments):
                laid = [self.value(argument, ranges) for argument in arguments]
                axes = self.joint(laid, ranges)
                return Laid(Apply(function, tuple(self.placed(part, axes, ranges) for part in laid)), axes)
            case Reduce(operation, index, lower, upper, None, body) if operation != "sum" and upper is not None:
                return self.reduced(Reduce(operation, index, lower, upper, None, body), ranges)
        terms = to_terms(expr)
        if not terms:
            return Laid(Scalar(ZERO), (None, None))
        if len(terms) == 1:
            if terms[0] == Term(factors=terms[0].factors) and [base for base, _ in terms[0].factors] == [expr]:
                raise NoMatrixForm(f"{to_unicode(expr)} has none")
            return contracted(self, terms[0], ranges)
        return self.total(tuple(contracted(self, term, ranges) for term in terms), ranges)

    def number(self, expr: Expr) -> Node:
        """What has no index: a scalar of the program, or an expression of numbers, sizes and single entries."""
        return Named(expr.name, ()) if isinstance(expr, Ref) and self.shapes.get(expr.name) == () else Scalar(expr)

    def read(self, ref: Ref, ranges: Ranges) -> Laid:
        """An array at plain indices, each over its whole axis."""
        sizes = self.shapes.get(ref.name)
        if sizes is None or len(sizes) != len(ref.indices):
            raise NoMatrixForm(f"{to_unicode(ref)} is not an array of the network")
        firsts = [at == ONE and same(extent, ONE) for at, extent in zip(ref.indices, sizes, strict=True)]
        if len(sizes) == 2 and any(firsts):
            return self.thin(ref, sizes, ranges)
        axes: list[str] = []
        for index, extent in zip(ref.indices, sizes, strict=True):
            if not isinstance(index, Ref) or index.indices or index.name not in ranges:
                raise NoMatrixForm(f"it reads {to_unicode(ref)}")
            if not same(ranges[index.name], extent):
                raise NoMatrixForm(f"{index.name} does not run over a whole axis of {to_unicode(Ref(ref.name))}")
            axes.append(index.name)
        node = Named(ref.name, sizes)
        if len(axes) == 2 and axes[0] == axes[1]:
            return Laid(Diagonal(node), (axes[0], None))
        if len(set(axes)) < len(axes):
            raise NoMatrixForm(f"it reads {to_unicode(ref)}")
        return Laid(node, axes_of(tuple(axes)))

    def thin(self, ref: Ref, sizes: tuple[Expr, ...], ranges: Ranges) -> Laid:
        """A matrix of one row or column, read at its 1: a vector."""
        row, column = ref.indices
        index, extent = (column, sizes[1]) if row == ONE and same(sizes[0], ONE) else (row, sizes[0])
        if not isinstance(index, Ref) or index.name not in ranges or not same(ranges[index.name], extent):
            raise NoMatrixForm(f"it reads {to_unicode(ref)}")
        node = Named(ref.name, sizes)
        return Laid(node if index is row else transposed(node), (index.name, None))

    def comparison(self, expr: Compare, ranges: Ranges) -> Laid:
        """[Z > 0] of arrays, [i = j] as the identity, [i = 3] as a unit vector."""
        plain = [isinstance(part, Ref) and part.name in ranges and not part.indices for part in expr.operands]
        if any(plain):
            if expr.operators != ("==",):
                raise NoMatrixForm(f"{to_unicode(expr)} compares indices")
            first, second = expr.operands if plain[0] else expr.operands[::-1]
            assert isinstance(first, Ref)
            if all(plain) and isinstance(second, Ref):
                if not same(ranges[first.name], ranges[second.name]) or first == second:
                    raise NoMatrixForm(f"{first.name} and {second.name} have different ranges")
                return Laid(Identity(ranges[first.name]), (first.name, second.name))
            if names(second) & set(ranges):
                raise NoMatrixForm(f"{to_unicode(expr)} compares indices")
            return Laid(Unit(ranges[first.name], second), (first.name, None))
        if any(names(part) & set(ranges) and not self.reads_arrays(part) for part in expr.operands):
            raise NoMatrixForm(f"{to_unicode(expr)} compares indices")
        laid = [self.value(part, ranges) for part in expr.operands]
        axes = self.joint(laid, ranges)
        return Laid(Mask(expr.operators, tuple(self.placed(part, axes, ranges) for part in laid)), axes)

    def reads_arrays(self, expr: Expr) -> bool:
        return any(isinstance(part, Ref) and part.indices for part in walk(expr))

    def reduced(self, expr: Reduce, ranges: Ranges) -> Laid:
        """max, min, … along one axis of what has two."""
        assert expr.lower is not None and expr.upper is not None
        if expr.lower != ONE or expr.index in ranges or names(expr.upper) & set(ranges):
            raise NoMatrixForm(f"{expr.operation} does not run over a whole axis")
        inner = self.value(expr.body, {**ranges, expr.index: expr.upper})
        rest = [index for index in inner.axes if index is not None and index != expr.index]
        if len(inner.axes) != 2 or len(rest) > 1 or expr.index not in inner.axes:
            raise NoMatrixForm(f"{expr.operation} over {expr.index} is not along the rows of a matrix")
        axes: Axes = (rest[0] if rest else None, expr.index)
        turned = inner.node if inner.axes == axes else transposed(inner.node)
        return Laid(RowReduce(expr.operation, turned), (axes[0], None))

    def total(self, laid: tuple[Laid, ...], ranges: Ranges) -> Laid:
        """A sum of terms, each carried to the axes of all."""
        axes = self.joint(laid, ranges)
        return Laid(Sum(tuple(self.placed(term, axes, ranges) for term in laid)), axes)

    # -- axes -------------------------------------------------------------------------------------

    def joint(self, laid: list[Laid] | tuple[Laid, ...], ranges: Ranges) -> Axes:
        """The axes of all parts together: in the order asked for, else as the first part with all of them has them."""
        found = {index for part in laid for index in part.names}
        if found <= set(self.order):
            return axes_of(tuple(index for index in self.order if index in found))
        for part in laid:
            if part.names == found:
                return part.axes
        return axes_of(tuple(index for index in (*self.order, *ranges) if index in found))

    def placed(self, laid: Laid, axes: Axes, ranges: Ranges) -> Node:
        """The node with exactly these axes: transposed where they stand the other way, repeated along what it lacks."""
        if laid.axes == axes:
            return laid.node
        own, wanted = laid.names, [index for index in axes if index is not None]
        shape = tuple(ranges[index] for index in wanted) + (ONE,) * (2 - len(wanted))
        if isinstance(laid.node, Scalar):
            return Full(laid.node.value, shape)
        if isinstance(laid.node, Named) and not own:
            return Full(Ref(laid.node.name), shape)
        if not own:
            ones = self.ones(axes, ranges)
            if isinstance(laid.node, Scale):
                return Scale(laid.node.factor, Scale(laid.node.of, ones))
            return Scale(laid.node, ones)
        if len(wanted) == 2:
            if len(own) == 2:
                return transposed(laid.node)
            if laid.axes[0] == wanted[0]:
                return product(laid.node, transposed(Ones(ranges[wanted[1]])))
            return product(Ones(ranges[wanted[0]]), transposed(laid.node))
        if isinstance(laid.node, Scale):
            return Scale(laid.node.factor, self.placed(Laid(laid.node.of, laid.axes), axes, ranges))
        operands = _operands(laid, frozenset(wanted) - own)
        operands += tuple((Ones(ranges[index]), (index,)) for index in wanted if index not in own)
        return Einsum(operands, tuple(wanted))

    def ones(self, axes: Axes, ranges: Ranges) -> Node:
        """1 everywhere: 𝟙, or 𝟙 𝟙ᵀ."""
        wanted = [index for index in axes if index is not None]
        if not wanted:
            return Scalar(ONE)
        if len(wanted) > 2:
            return Full(ONE, tuple(ranges[index] for index in wanted))
        first, *second = (Ones(ranges[index]) for index in wanted)
        return product(first, transposed(second[0])) if second else first


def _without_means(expr: Expr) -> Expr:
    """The expression with a mean over a whole axis as a sum divided by its length."""
    inner = rebuild(expr, _without_means)
    match inner:
        case Reduce("mean", index, lower, upper, None, body) if lower == ONE and upper is not None:
            return Div(Reduce("sum", index, lower, upper, None, body), upper)
        case _:
            return inner


def _operands(laid: Laid, taken: frozenset[str]) -> tuple[tuple[Node, tuple[str, ...]], ...]:
    """A node as operands of an einsum, those of an einsum by themselves, their summed indices renamed from `taken`."""
    if not isinstance(laid.node, Einsum):
        return ((laid.node, tuple(index for index in laid.axes if index is not None)),)
    names_of: dict[str, str] = {}
    for label in laid.node.extents:
        clashes = label in taken and label not in laid.node.result
        names_of[label] = fresh_name(label, taken | laid.names | names_of.keys()) if clashes else label
    return tuple((node, tuple(names_of[label] for label in labels)) for node, labels in laid.node.operands)
