"""One product under its sums as matrix products, ⊙ and 𝟙; an einsum where three factors share an index."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from backcalc.derive.matrix import (
    Apply,
    Diagonal,
    DiagonalMatrix,
    Einsum,
    Elementwise,
    Named,
    Node,
    Ones,
    Power,
    Product,
    RowReduce,
    Scalar,
    Scale,
    Softmax,
    SquaredNorm,
    Trace,
    Transpose,
)
from backcalc.derive.matrix_algebra import product, transposed
from backcalc.derive.matrix_laid import Axes, Laid, NoMatrixForm, Ranges, axes_of
from backcalc.derive.terms import Term, rename_apart
from backcalc.derive.write import term_expr
from backcalc.formula.tree import ONE, Expr, names


class Reading(Protocol):
    """What reads the factors of a product."""

    @property
    def order(self) -> tuple[str, ...]: ...
    def value(self, expr: Expr, ranges: Ranges) -> Laid: ...
    def joint(self, laid: list[Laid] | tuple[Laid, ...], ranges: Ranges) -> Axes: ...
    def placed(self, laid: Laid, axes: Axes, ranges: Ranges) -> Node: ...
    def ones(self, axes: Axes, ranges: Ranges) -> Node: ...
    def number(self, expr: Expr) -> Node: ...


@dataclass(frozen=True, slots=True)
class Factor:
    """A factor to a power."""

    laid: Laid
    exponent: Fraction = Fraction(1)


def contracted(reader: Reading, term: Term, ranges: Ranges) -> Laid:
    """The product as one node. Raises NoMatrixForm where a factor has none, or a sum does not run over a whole axis."""
    term = rename_apart(term, frozenset(ranges))
    inner = dict(ranges)
    for bound in term.sums:
        if bound.lower != ONE or names(bound.upper) & set(inner):
            raise NoMatrixForm(f"the sum over {bound.index} does not run over a whole axis")
        inner[bound.index] = bound.upper
    numbers: list[tuple[Expr, Fraction]] = []
    factors: list[Factor] = []
    for base, exponent in (*term.factors, *((bracket, Fraction(1)) for bracket in term.brackets)):
        laid = reader.value(base, inner)
        if isinstance(laid.node, Scale) and isinstance(laid.node.factor, Scalar) and exponent.denominator == 1:
            numbers.append((laid.node.factor.value, exponent))
            laid = Laid(laid.node.of, laid.axes)
        if isinstance(laid.node, (Scalar, Named)) and not laid.names:
            numbers.append((laid.node.value if isinstance(laid.node, Scalar) else base, exponent))
        else:
            factors.append(Factor(laid, exponent))
    contraction = _Contraction(reader, inner, tuple(bound.index for bound in term.sums))
    rest, multiples = contraction.run(factors)
    coefficient = Term(term.coefficient, (*numbers, *contraction.lengths))
    alone = [e for _, e in coefficient.factors] == [1] and term.coefficient == 1
    number: Node = reader.number(coefficient.factors[0][0]) if alone else Scalar(term_expr(coefficient))
    rest, multiples = _column_softmax(rest, multiples)
    over = tuple(node for node, exponent in multiples if exponent > 0)
    under = tuple(node for node, exponent in multiples if exponent < 0)
    result = rest or Laid(number, (None, None))
    if over or under:
        multiple = over[0] if len(over) == 1 and not under else Elementwise(over, under)
        result = Laid(multiple, (None, None)) if rest is None else Laid(Scale(multiple, rest.node), rest.axes)
    if number == Scalar(ONE) or result.node is number:
        return result
    return Laid(Scale(number, result.node), result.axes)


class _Contraction:
    """Eliminates the summed indices one by one; `lengths` are those of sums over nothing."""

    def __init__(self, reader: Reading, ranges: Ranges, sums: tuple[str, ...]) -> None:
        self.reader, self.ranges, self.sums = reader, ranges, sums
        self.lengths: list[tuple[Expr, Fraction]] = []

    def run(self, factors: list[Factor]) -> tuple[Laid | None, list[tuple[Node, Fraction]]]:
        """The array that is left, None for a number, and the numbers it is multiplied with."""
        self.leave_out_lengths(factors)
        free = frozenset[str]().union(*(factor.laid.names for factor in factors)) - set(self.sums)
        if len(free) > 2 or any(len(factor.laid.axes) > 2 for factor in factors):
            return self.wide(factors)
        try:
            return self.narrow(factors)
        except _NoContraction:
            return self.wide(factors)

    def leave_out_lengths(self, factors: list[Factor]) -> None:
        """A sum over an index that no factor has is as many times the rest."""
        present = {index for factor in factors for index in factor.laid.names}
        self.lengths = [(self.ranges[index], Fraction(1)) for index in self.sums if index not in present]
        self.sums = tuple(index for index in self.sums if index in present)

    # -- matrices ---------------------------------------------------------------------------------

    def narrow(self, factors: list[Factor]) -> tuple[Laid | None, list[tuple[Node, Fraction]]]:
        waiting = list(self.sums)
        while waiting:
            index = min(waiting, key=lambda index: self.rank(index, factors, waiting))
            factors, gone = self.eliminated(index, factors, waiting)
            waiting = [other for other in waiting if other not in gone]
        rest = [factor for factor in factors if factor.laid.names]
        return (self.outer(rest) if rest else None), _multiples(factors)

    def rank(self, index: str, factors: list[Factor], waiting: list[str]) -> tuple[int, bool, int]:
        """What to sum over first: what fewest matrices have, and rather columns than rows."""
        matrices = {f.laid.names for f in factors if index in f.laid.names and len(f.laid.names) == 2}
        row = any(f.laid.axes[0] == index for f in factors if f.laid.names in matrices)
        return len(matrices), row, waiting.index(index)

    def eliminated(self, index: str, factors: list[Factor], waiting: list[str]) -> tuple[list[Factor], set[str]]:
        """The factors after the sum over one index, or over two where one matrix alone has both."""
        groups: dict[frozenset[str], list[Factor]] = {}
        for factor in factors:
            if index in factor.laid.names:
                groups.setdefault(factor.laid.names, []).append(factor)
        place = min(position for position, factor in enumerate(factors) if index in factor.laid.names)
        vectors = groups.pop(frozenset({index}), [])
        matrices = [self.merged(group) for group in groups.values()]
        gone = {index}
        if not matrices:
            result = Laid(self.dot(vectors), (None, None))
        elif len(matrices) == 1:
            (matrix,) = matrices
            (other,) = matrix.names - {index}
            touched = [f for f in factors if other in f.laid.names and f.laid.names != matrix.names]
            if other in waiting and not vectors and not touched:
                (group,) = groups.values()
                result, gone = Laid(self.whole(group, matrix), (None, None)), {index, other}
            else:
                result = self.along(matrix, index, other, vectors)
        elif len(matrices) == 2:
            left, right = matrices
            (row,), (column,) = left.names - {index}, right.names - {index}
            before = self.reader.placed(left, (row, index), self.ranges)
            after = self.reader.placed(right, (index, column), self.ranges)
            middle = [DiagonalMatrix(self.merged(vectors).node)] if vectors else []
            result = Laid(product(before, *middle, after), (row, column))
        else:
            raise _NoContraction
        kept = [factor for factor in factors[:place] if index not in factor.laid.names and not _inside(factor, gone)]
        later = [factor for factor in factors[place:] if index not in factor.laid.names and not _inside(factor, gone)]
        return [*kept, Factor(result), *later], gone

    def along(self, matrix: Laid, index: str, other: str, vectors: list[Factor]) -> Laid:
        """Σ over one axis of a matrix: A v, or A 𝟙."""
        node = self.reader.placed(matrix, (other, index), self.ranges)
        if vectors:
            return Laid(product(node, self.merged(vectors).node), (other, None))
        if matrix.axes == (other, index) and not isinstance(node, (Named, Transpose, Product)):
            return Laid(RowReduce("sum", node), (other, None))
        return Laid(product(node, Ones(self.ranges[index])), (other, None))

    def dot(self, vectors: list[Factor]) -> Node:
        """Σ of a product of vectors: aᵀ b, ‖a‖², tr(A) or 𝟙ᵀ a."""
        exponents = [factor.exponent for factor in vectors]
        if exponents == [2]:
            return SquaredNorm(vectors[0].laid.node)
        if exponents == [1] and isinstance(vectors[0].laid.node, Diagonal):
            return Trace(vectors[0].laid.node.of)
        if len(vectors) > 1 and exponents[-1] == 1:
            first = self.merged(vectors[:-1]).node
            return product(transposed(first), vectors[-1].laid.node)
        merged = self.merged(vectors)
        (index,) = merged.names
        return product(transposed(Ones(self.ranges[index])), merged.node)

    def whole(self, group: list[Factor], merged: Laid) -> Node:
        """Σ over both axes of a matrix: ‖A‖², tr(A B), or 𝟙ᵀ A 𝟙."""
        exponents = [factor.exponent for factor in group]
        if exponents == [2]:
            return SquaredNorm(group[0].laid.node)
        if exponents == [1, 1] and group[0].laid.axes == group[1].laid.axes[::-1]:
            return Trace(product(group[0].laid.node, group[1].laid.node))
        rows, columns = (Ones(self.ranges[index]) for index in merged.axes if index is not None)
        return product(transposed(rows), merged.node, columns)

    # -- elementwise ------------------------------------------------------------------------------

    def merged(self, factors: list[Factor]) -> Laid:
        """Factors multiplied entry by entry, on the axes of all of them."""
        if len(factors) == 1 and factors[0].exponent == 1:
            return factors[0].laid
        axes = self.reader.joint([factor.laid for factor in factors], self.ranges)
        over: list[Node] = []
        under: list[Node] = []
        for factor in factors:
            node = self.reader.placed(factor.laid, axes, self.ranges)
            (over if factor.exponent > 0 else under).append(_raised(node, factor.exponent))
        over, under = _row_softmax(over, under)
        return Laid(over[0] if len(over) == 1 and not under else Elementwise(tuple(over), tuple(under)), axes)

    def outer(self, factors: list[Factor]) -> Laid:
        """What is left when every sum is done: ⊙ where one factor has all indices, else v wᵀ."""
        free = frozenset[str]().union(*(factor.laid.names for factor in factors))
        if len(free) > 2:
            raise _NoContraction
        if len(free) == 1 or any(factor.laid.names == free for factor in factors):
            return self.merged(factors)
        first, second = self.reader.joint([factor.laid for factor in factors], self.ranges)
        column = self.merged([factor for factor in factors if first in factor.laid.names])
        row = self.merged([factor for factor in factors if second in factor.laid.names])
        return Laid(product(column.node, transposed(row.node)), (first, second))

    # -- any rank ---------------------------------------------------------------------------------

    def wide(self, factors: list[Factor]) -> tuple[Laid | None, list[tuple[Node, Fraction]]]:
        """⊙ where one factor has every index and none is summed, else an einsum."""
        numbers = _multiples(factors)
        factors = [factor for factor in factors if factor.laid.names]
        everything = frozenset[str]().union(*(factor.laid.names for factor in factors))
        if not self.sums and any(factor.laid.names == everything for factor in factors):
            return self.merged(factors), numbers
        if not everything - set(self.sums) and [factor.exponent for factor in factors] == [2]:
            return None, [(SquaredNorm(factors[0].laid.node), Fraction(1)), *numbers]
        laid = [self.merged([factor]) for factor in factors]
        inner = everything - set(self.sums)
        result = tuple(dict.fromkeys(index for index in (*self.reader.order, *self.ranges) if index in inner))
        operands = tuple((part.node, tuple(i for i in part.axes if i is not None)) for part in laid)
        node = Einsum(operands, result)
        return (Laid(node, axes_of(result)), numbers) if result else (None, [(node, Fraction(1)), *numbers])


def _column_softmax(
    laid: Laid | None, multiples: list[tuple[Node, Fraction]]
) -> tuple[Laid | None, list[tuple[Node, Fraction]]]:
    """exp(z)/(𝟙ᵀ exp(z)) of a column by its name, wherever it stands in a product."""
    if laid is None:
        return laid, multiples
    factors = laid.node.over if isinstance(laid.node, Elementwise) else (laid.node,)
    for place, factor in enumerate(factors):
        if not (isinstance(factor, Apply) and factor.function == "exp" and factor.shape[1:] == (ONE,)):
            continue
        below = (Product((Transpose(Ones(factor.shape[0])), factor)), Fraction(-1))
        if below in multiples:
            named: Node = Softmax(factor.arguments[0])
            if isinstance(laid.node, Elementwise):
                named = Elementwise((*factors[:place], named, *factors[place + 1 :]), laid.node.under)
            return Laid(named, laid.axes), [multiple for multiple in multiples if multiple != below]
    return laid, multiples


def _row_softmax(over: list[Node], under: list[Node]) -> tuple[list[Node], list[Node]]:
    """exp(S) ⊘ (rowsum(exp(S)) 𝟙ᵀ) by its name, wherever it stands in a product."""
    for factor in over:
        if not (isinstance(factor, Apply) and factor.function == "exp"):
            continue
        for total in under:
            if _is_total(total, factor):
                named = Softmax(factor.arguments[0])
                return [named if n is factor else n for n in over], [n for n in under if n is not total]
    return over, under


def _is_total(total: Node, of: Node) -> bool:
    """Whether `total` is the sum of `of` along its last axis, repeated along it."""
    if isinstance(total, Einsum) and len(total.operands) == 2:
        (summed, labels), (ones, last) = total.operands
        return (
            summed == of
            and isinstance(ones, Ones)
            and (*total.result[:-1],) == labels[:-1]
            and (last == total.result[-1:] and labels[-1] not in total.result)
        )
    if len(of.shape) != 2:
        return False
    return total == Product((RowReduce("sum", of), Transpose(Ones(of.shape[1]))))


def _multiples(factors: list[Factor]) -> list[tuple[Node, Fraction]]:
    """The factors that are numbers, each above or below the line."""
    return [
        (_raised(factor.laid.node, factor.exponent), Fraction(1 if factor.exponent > 0 else -1))
        for factor in factors
        if not factor.laid.names
    ]


def _raised(node: Node, exponent: Fraction) -> Node:
    return node if abs(exponent) == 1 else Power(node, abs(exponent))


def _inside(factor: Factor, gone: set[str]) -> bool:
    return bool(factor.laid.names) and factor.laid.names <= gone


class _NoContraction(Exception):
    """Three matrices share a summed index."""
