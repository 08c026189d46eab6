"""Transposes and products of nodes, brought to the form in which they are written."""

from __future__ import annotations

from collections.abc import Iterator

from backcalc.derive.matrix import (
    Apply,
    Diagonal,
    DiagonalMatrix,
    Einsum,
    Elementwise,
    Full,
    Identity,
    Mask,
    Node,
    Power,
    Product,
    RowReduce,
    Scalar,
    Scale,
    Softmax,
    SquaredNorm,
    Sum,
    Trace,
    Transpose,
)


def parts(node: Node) -> tuple[Node, ...]:
    """The nodes that a node is made of, in the order they are written."""
    match node:
        case Product(inner) | Sum(inner) | Apply(_, inner) | Mask(_, inner):
            return inner
        case Elementwise(over, under):
            return over + under
        case (
            Transpose(of)
            | Diagonal(of)
            | DiagonalMatrix(of)
            | Trace(of)
            | SquaredNorm(of)
            | Softmax(of)
            | RowReduce(_, of)
            | Power(of, _)
        ):
            return (of,)
        case Scale(factor, of):
            return (factor, of)
        case Einsum(operands, _):
            return tuple(operand for operand, _ in operands)
        case _:
            return ()


def walk_nodes(node: Node) -> Iterator[Node]:
    """A node and all its parts, a node before its parts."""
    yield node
    for part in parts(node):
        yield from walk_nodes(part)


def transposed(node: Node) -> Node:
    """The transpose, taken into products and multiples: (A B)ᵀ is Bᵀ Aᵀ.

    >>> from backcalc.derive.matrix import Named
    >>> from backcalc.formula.tree import Ref
    >>> A, B = Named("A", (Ref("N"), Ref("K"))), Named("B", (Ref("K"), Ref("M")))
    >>> transposed(Product((A, Transpose(Named("C", (Ref("M"), Ref("K"))))))).factors[0].name
    'C'
    """
    match node:
        case Transpose(of):
            return of
        case Product(factors):
            return Product(tuple(transposed(factor) for factor in reversed(factors)))
        case Scale(factor, of):
            return Scale(factor, transposed(of))
        case Identity() | DiagonalMatrix() | Scalar():
            return node
        case Full(value, shape):
            return Full(value, shape[::-1])
        case _:
            return Transpose(node)


def product(*factors: Node) -> Node:
    """The matrix product, one chain: (A B) C is A B C; a multiple inside comes to the front."""
    chain: list[Node] = []
    front: list[Node] = []
    for factor in factors:
        while isinstance(factor, Scale):
            front.append(factor.factor)
            factor = factor.of
        chain += factor.factors if isinstance(factor, Product) else (factor,)
    node: Node = chain[0] if len(chain) == 1 else Product(tuple(chain))
    for number in reversed(front):
        node = Scale(number, node)
    return node
