"""The scalar view: indices become numbers, sums are written out, as one does on paper.

`z[j] = sum(k=1..2, W[j,k]*h[k])` at j = 1 is `w3*h[1] + w4*h[2]` where the entries of W have names of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import product as places
from math import prod

from backcalc.derive.adjoint import Adjoint
from backcalc.derive.write import negated
from backcalc.formula.evaluate import COMPARISONS, entry, reads_arrays
from backcalc.formula.integers import EvaluationError, integer
from backcalc.formula.program import Equation, Program
from backcalc.formula.tree import (
    ONE,
    ZERO,
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
    names,
    num,
    rebuild,
    walk,
)

WIDEST = 64  # terms of one written-out sum


class TooWide(ValueError):
    """A sum that nobody wants to read written out."""


def is_copy(equation: Equation) -> bool:
    """Whether an equation only renames or rearranges another array, as flatten does."""
    return isinstance(equation.body, Ref) and bool(equation.body.indices)


def is_identity(equation: Equation) -> bool:
    """Whether an equation hands an array on as it is, as flatten does with a vector."""
    return isinstance(equation.body, Ref) and equation.body.indices == tuple(Ref(i) for i in equation.indices) != ()


@dataclass(frozen=True)
class Ground:
    """Writes expressions of one program out for given numbers of the indices.

    Tables of own names and copies are looked through: `W_q[1,1,2]` is `w2`, `flatten_1[3]` is `h[3]`.
    `decide` settles which element attains a maximum, where values are known.
    """

    program: Program
    loss: str
    adjoints: Mapping[str, Adjoint]
    decide: Callable[[Expr, Mapping[str, int]], int] | None = None

    @cached_property
    def sizes(self) -> Mapping[str, int]:
        """The sizes that have a number."""
        return {name: value for name, value in self.program.sizes.items() if value is not None}

    def __call__(self, expr: Expr, frame: Mapping[str, int]) -> Expr:
        """The expression with every index of `frame` put in, sums written out, zeros and ones dropped."""
        match expr:
            case Num():
                return expr
            case Ref(name, ()):
                known = frame.get(name, self.sizes.get(name))
                return expr if known is None else num(known)
            case Ref(name, indices):
                return self.element(name, tuple(self.place(index, frame) for index in indices))
            case Add(terms):
                return add(tuple(self(term, frame) for term in terms))
            case Neg(operand):
                return negative(self(operand, frame))
            case Mul(factors):
                return self._product(factors, frame)
            case Div(numerator, denominator):
                over, under = self(numerator, frame), self(denominator, frame)
                return over if under == ONE or over == ZERO else Div(over, under)
            case Pow(base, exponent):
                low, high = self(base, frame), self(exponent, frame)
                return low if high == ONE else Pow(low, high)
            case Compare():
                return self._compare(expr, frame)
            case Call("if", (condition, yes, no)):
                decided = self(condition, frame)
                if isinstance(decided, Num):
                    return self(yes if decided != ZERO else no, frame)
                return Call("if", (decided, self(yes, frame), self(no, frame)))
            case Call(("div" | "mod"), _):
                return num(integer(expr, {**self.sizes, **frame}))
            case Reduce():
                return self._reduction(expr, frame)
            case _:
                return rebuild(expr, lambda part: self(part, frame))

    def place(self, index: Expr, frame: Mapping[str, int]) -> int:
        """The number of an index; a value in it, as the class in `y[t]`, is taken from the values."""
        if not names(index) & self.program.index_names:
            return integer(index, {**self.sizes, **frame})
        if self.decide is None:
            raise TooWide("which element is read depends on a value that is not given")
        return self.decide(index, frame)

    def element(self, name: str, place: tuple[int, ...]) -> Expr:
        """One element of an array, looked through tables and copies."""
        equation = self.program.by_name.get(name)
        if equation is not None:
            if isinstance(equation.body, Table):
                return entry(equation.body, place)
            if isinstance(equation.body, Num) and name.endswith("]"):
                return equation.body  # a boundary row of numbers
            if is_copy(equation):
                return self(equation.body, dict(zip(equation.indices, place, strict=True)))
        for edge in self.program.rows_beside.get(name, ()):
            if place[edge.axis] == edge.row:
                return self.element(edge.name, (*place[: edge.axis], *place[edge.axis + 1 :]))
        if name in self.program.padded and self._outside(name, place):
            return ZERO
        adjoint = self._transparent_adjoint(name)
        if adjoint is not None:
            return self(adjoint.chain, dict(zip(adjoint.indices, place, strict=True)))
        return Ref(name, tuple(num(index) for index in place))

    def _transparent_adjoint(self, name: str) -> Adjoint | None:
        for adjoint in self.adjoints.values():
            if adjoint.name == name:
                equation = self.program.by_name.get(adjoint.of)
                return (
                    adjoint
                    if equation is not None and (is_copy(equation) or isinstance(equation.body, Table))
                    else None
                )
        return None

    def _outside(self, name: str, place: tuple[int, ...]) -> bool:
        shape = self.program.shape(name)
        return shape is not None and any(not 1 <= i <= extent for i, extent in zip(place, shape, strict=True))

    def _product(self, factors: tuple[Expr, ...], frame: Mapping[str, int]) -> Expr:
        # Brackets first: behind one that is 0 nothing is read, so nothing can be out of range.
        for factor in sorted((f for f in factors if isinstance(f, Compare)), key=reads_arrays):
            if self(factor, frame) == ZERO:
                return ZERO
        return product(tuple(self(factor, frame) for factor in factors))

    def _compare(self, expr: Compare, frame: Mapping[str, int]) -> Expr:
        if names(expr) & self.program.index_names and self.decide is not None:
            return num(self.decide(expr, frame))
        operands = tuple(self(operand, frame) for operand in expr.operands)
        if all(isinstance(operand, Num) for operand in operands):
            values = [operand.value for operand in operands if isinstance(operand, Num)]
            pairs = zip(expr.operators, values, values[1:], strict=False)
            return ONE if all(COMPARISONS[op](a, b) for op, a, b in pairs) else ZERO
        return Compare(expr.operators, operands)

    def _reduction(self, expr: Reduce, frame: Mapping[str, int]) -> Expr:
        assert expr.lower is not None and expr.upper is not None
        if expr.operation.startswith("arg"):
            if self.decide is None:
                raise TooWide("which element is the largest depends on values that are not given")
            return num(self.decide(expr, frame))
        try:
            known = {**self.sizes, **frame}
            low, high = integer(expr.lower, known), integer(expr.upper, known)
        except EvaluationError:
            raise TooWide("the range of a sum is symbolic") from None
        skip = None if expr.exclude is None else self.place(expr.exclude, frame)
        places = [place for place in range(low, high + 1) if place != skip]
        if len(places) > WIDEST:
            raise TooWide(f"a sum of {len(places)} terms")
        parts = tuple(self(expr.body, {**frame, expr.index: place}) for place in places)
        match expr.operation:
            case "sum":
                return add(parts)
            case "mean":
                return add(parts) if len(parts) == 1 else Div(add(parts), num(len(parts)))
            case "prod":
                return product(parts)
            case _:
                return parts[0] if len(parts) == 1 else Call(expr.operation, _flat(expr.operation, parts))


def _flat(function: str, parts: tuple[Expr, ...]) -> tuple[Expr, ...]:
    """max(max(a, b), max(c, d)) as max(a, b, c, d): the first of equals stays the first."""
    found: list[Expr] = []
    for part in parts:
        found.extend(part.arguments if isinstance(part, Call) and part.function == function else (part,))
    return tuple(found)


def add(parts: tuple[Expr, ...]) -> Expr:
    """A sum without zeros, flat.

    >>> add((ZERO, Ref("a"), Neg(Ref("b")))) == Add((Ref("a"), Neg(Ref("b"))))
    True
    """
    flat: list[Expr] = []
    for part in parts:
        if part != ZERO:
            flat.extend(part.terms if isinstance(part, Add) else (part,))
    if not flat:
        return ZERO
    if all(isinstance(part, Num) for part in flat):
        return num(sum((part.value for part in flat if isinstance(part, Num)), Fraction(0)))
    return flat[0] if len(flat) == 1 else Add(tuple(flat))


def negative(part: Expr) -> Expr:
    """-part, a double minus undone."""
    match part:
        case Neg(operand):
            return operand
        case _:
            return negated(part)


def product(parts: tuple[Expr, ...]) -> Expr:
    """A product without ones, 0 where a factor is, signs in front."""
    if ZERO in parts:
        return ZERO
    kept: list[Expr] = []
    minus = False
    for part in parts:
        if isinstance(part, Neg):
            minus, part = not minus, part.operand
        if isinstance(part, Num) and part.value == -1:
            minus = not minus
        elif isinstance(part, Mul):
            kept.extend(part.factors)
        elif part != ONE:
            kept.append(part)
    if kept and all(isinstance(part, Num) for part in kept):
        kept = [num(prod(part.value for part in kept if isinstance(part, Num)))]
    result: Expr = ONE if not kept else kept[0] if len(kept) == 1 else Mul(tuple(kept))
    return negative(result) if minus else result


def uses(program: Program, name: str, ground: Ground) -> tuple[tuple[Ref, int], ...]:
    """The elements of the forward pass that read the scalar `name`, in order, each with how often it does."""
    found: list[tuple[Ref, int]] = []
    for equation in program.equations:
        shape = program.shape(equation.name)
        if shape is None or isinstance(equation.body, Table) or is_copy(equation):
            continue
        for place in places(*(range(1, extent + 1) for extent in shape)):
            written = ground(equation.body, dict(zip(equation.indices, place, strict=True)))
            count = sum(1 for node in walk(written) if node == Ref(name))
            if count:
                found.append((Ref(equation.name, tuple(num(i) for i in place)), count))
    return tuple(found)
