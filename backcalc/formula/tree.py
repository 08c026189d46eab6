"""The expression tree: what a formula *is*, once read, and before it is printed.

Twelve immutable kinds of node, and nothing else. The tree keeps what the writer wrote (order of
factors, parentheses that group equal operators), so that a derivation prints its factors in the
order of the chain rule; rewriting into normal forms is the business of `derive`.

>>> from fractions import Fraction
>>> Mul((Num(Fraction(1, 2)), Ref("x", (Ref("i"),))))
Mul(factors=(Num(value=Fraction(1, 2)), Ref(name='x', indices=(Ref(name='i', indices=()),))))
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Num:
    """An exact rational number. `0.1` is 1/10."""

    value: Fraction


@dataclass(frozen=True, slots=True)
class Ref:
    """A name, plain (`J`, `i`, `N`, `pi`) or read at indices from 1 (`W[j,k]`); `dJ/dz` is one name."""

    name: str
    indices: tuple[Expr, ...] = ()


@dataclass(frozen=True, slots=True)
class Add:
    """A sum of two or more terms; `a - b` is `Add((a, Neg(b)))`."""

    terms: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Neg:
    """`-operand`; binds looser than `*`, so `-a*b` is `Neg(Mul((a, b)))`. A negative literal is a `Num`."""

    operand: Expr


@dataclass(frozen=True, slots=True)
class Mul:
    """A product of two or more factors, in the order written."""

    factors: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Div:
    """`numerator / denominator`. The quotient of two integer literals is a `Num`."""

    numerator: Expr
    denominator: Expr


@dataclass(frozen=True, slots=True)
class Pow:
    """`base ^ exponent`, right-associative."""

    base: Expr
    exponent: Expr


@dataclass(frozen=True, slots=True)
class Call:
    """A function of scalars, by its canonical name: `exp(x)`, `if(c, a, b)`, `max(a, b)`."""

    function: str
    arguments: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Compare:
    """A chain of comparisons, `1 <= i < n`: 1 where all hold, else 0.

    `operators` are `==`, `!=`, `<`, `<=`, `>`, `>=`; there is one operand more than operators.
    """

    operators: tuple[str, ...]
    operands: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Reduce:
    """A reduction over an index: `sum(k=lower..upper, body)`; `sum`, `mean`, `prod`, `max`, `min`, `argmax`, `argmin`.

    `lower` and `upper` are both None while the range is still to be inferred from the arrays that `index` reads.
    `exclude` is the value that `sum(k != j, body)` leaves out. `argmax` is the first index where the maximum stands.
    """

    operation: str
    index: str
    lower: Expr | None
    upper: Expr | None
    exclude: Expr | None
    body: Expr


@dataclass(frozen=True, slots=True)
class Table:
    """An array spelled out, `[[w1, w2], [w3, w4]]`; only ever the whole right-hand side of an equation."""

    items: tuple[Expr, ...]


Expr: TypeAlias = Num | Ref | Add | Neg | Mul | Div | Pow | Call | Compare | Reduce | Table

ZERO = Num(Fraction(0))
ONE = Num(Fraction(1))


def num(value: int | Fraction) -> Num:
    """The number node of an integer or a fraction."""
    return Num(Fraction(value))


def children(expr: Expr) -> tuple[Expr, ...]:
    """The direct parts of a node, in the order they are written.

    >>> children(Div(Ref("a"), Ref("b")))
    (Ref(name='a', indices=()), Ref(name='b', indices=()))
    """
    match expr:
        case Num():
            return ()
        case Ref(_, indices):
            return indices
        case Add(parts) | Mul(parts) | Call(_, parts) | Compare(_, parts) | Table(parts):
            return parts
        case Neg(operand):
            return (operand,)
        case Div(left, right) | Pow(left, right):
            return (left, right)
        case Reduce(_, _, lower, upper, exclude, body):
            return tuple(part for part in (lower, upper, exclude, body) if part is not None)


def rebuild(expr: Expr, change: Callable[[Expr], Expr]) -> Expr:
    """The same node with every direct part replaced by `change(part)`; the node itself where nothing changes."""
    old = children(expr)
    if not old:
        return expr
    new = tuple(change(part) for part in old)
    if all(a is b for a, b in zip(old, new, strict=True)):
        return expr
    match expr:
        case Ref(name, _):
            return Ref(name, new)
        case Add():
            return Add(new)
        case Mul():
            return Mul(new)
        case Call(function, _):
            return Call(function, new)
        case Compare(operators, _):
            return Compare(operators, new)
        case Table():
            return Table(new)
        case Neg():
            return Neg(new[0])
        case Div():
            return Div(new[0], new[1])
        case Pow():
            return Pow(new[0], new[1])
        case Reduce(operation, index, lower, upper, exclude, _):
            rest = iter(new)
            return Reduce(
                operation,
                index,
                None if lower is None else next(rest),
                None if upper is None else next(rest),
                None if exclude is None else next(rest),
                next(rest),
            )
        case Num():
            return expr


def table_shape(table: Table) -> tuple[int, ...] | None:
    """The lengths of the axes of an array spelled out; None where its rows are not of one length.

    >>> table_shape(Table((Table((ONE, ZERO)), Table((ZERO, ONE)))))
    (2, 2)
    """
    inner = {table_shape(item) if isinstance(item, Table) else () for item in table.items}
    if len(inner) != 1:
        return None
    (rest,) = inner
    return None if rest is None else (len(table.items), *rest)


def table_entries(table: Table, prefix: tuple[int, ...] = ()) -> list[tuple[tuple[int, ...], Expr]]:
    """The entries of a table with their indices from 1."""
    found = []
    for position, item in enumerate(table.items, start=1):
        if isinstance(item, Table):
            found += table_entries(item, (*prefix, position))
        else:
            found.append(((*prefix, position), item))
    return found


def walk(expr: Expr) -> Iterator[Expr]:
    """Every node of the tree, a node before its parts, left to right."""
    yield expr
    for part in children(expr):
        yield from walk(part)


def size(expr: Expr) -> int:
    """How many nodes the tree has.

    >>> size(Mul((Ref("a"), Ref("x", (Ref("i"),)))))
    4
    """
    return 1 + sum(size(part) for part in children(expr))


def names(expr: Expr) -> frozenset[str]:
    """Every name that occurs free: arrays, scalars and indices, but not the indices that reductions bind.

    >>> sorted(names(Reduce("sum", "k", None, None, None, Mul((Ref("w", (Ref("j"), Ref("k"))), Ref("x"))))))
    ['j', 'w', 'x']
    """
    match expr:
        case Ref(name, indices):
            return frozenset({name}).union(*(names(index) for index in indices))
        case Reduce(_, index, lower, upper, exclude, body):
            outer = [names(part) for part in (lower, upper, exclude) if part is not None]
            return frozenset().union(names(body) - {index}, *outer)
        case _:
            return frozenset().union(*(names(part) for part in children(expr)))


def substitute(expr: Expr, values: Mapping[str, Expr]) -> Expr:
    """The tree with plain names (indices, scalars) replaced, never capturing: a bound index that a
    replacement mentions is renamed first.

    >>> substitute(Ref("x", (Ref("i"),)), {"i": num(2)})
    Ref(name='x', indices=(Num(value=Fraction(2, 1)),))
    """
    if not values:
        return expr
    match expr:
        case Ref(name, ()) if name in values:
            return values[name]
        case Reduce(operation, index, lower, upper, exclude, body):
            inner = {name: value for name, value in values.items() if name != index}
            arriving = frozenset().union(*(names(value) for value in inner.values())) if inner else frozenset()
            if index in arriving:
                # Nor may the new name be one that is about to be replaced.
                fresh = fresh_name(index, arriving | names(body) | inner.keys())
                body = substitute(body, {index: Ref(fresh)})
                index = fresh
            return Reduce(
                operation,
                index,
                None if lower is None else substitute(lower, values),
                None if upper is None else substitute(upper, values),
                None if exclude is None else substitute(exclude, values),
                substitute(body, inner),
            )
        case _:
            return rebuild(expr, lambda part: substitute(part, values))


def fresh_name(name: str, taken: frozenset[str] | set[str]) -> str:
    """The name itself where it is free, else the first free of `i2`, `i3`, …

    >>> fresh_name("i", {"i", "i2"})
    'i3'
    """
    if name not in taken:
        return name
    count = 2
    while f"{name}{count}" in taken:
        count += 1
    return f"{name}{count}"
