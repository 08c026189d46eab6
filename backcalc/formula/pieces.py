"""What the parser holds while it reads: parts with their place in the text."""

from __future__ import annotations

from dataclasses import dataclass

from backcalc.formula.names import is_derivative
from backcalc.formula.tree import Compare, Expr, Reduce, Ref, children


@dataclass(frozen=True, slots=True)
class Piece:
    """A part that has been read: `bare` if no parentheses enclose it, `integer` if it is a bare integer literal."""

    expr: Expr
    height: int
    start: int
    end: int
    bare: bool = True
    integer: bool = False


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a call; `k=1..K` has the index k (at `piece`'s place) and bounds, None in `k=..`."""

    piece: Piece
    index: str | None = None
    lower: Piece | None = None
    upper: Piece | None = None


def index_name(expr: Expr) -> str | None:
    """The name of an index written plainly, or None."""
    return expr.name if isinstance(expr, Ref) and not expr.indices and not is_derivative(expr.name) else None


def equality(piece: Piece, operator: str) -> tuple[str, Expr] | None:
    """The index and the other side of `k == e` or `k != e`, written without parentheses."""
    if piece.bare and isinstance(piece.expr, Compare) and piece.expr.operators == (operator,):
        left, right = piece.expr.operands
        if (index := index_name(left)) is not None:
            return index, right
    return None


def reads_at(expr: Expr, index: str) -> bool:
    """Whether `index` occurs free inside index brackets: what tells `max(k, x[k])` from `max(a, b)`."""
    stack = [(expr, False)]
    while stack:
        part, inside = stack.pop()
        match part:
            case Ref(name, ()) if name == index and inside:
                return True
            case Ref():
                stack.extend((position, True) for position in part.indices)
            case Reduce(_, bound, lower, upper, exclude, _) if bound == index:
                stack.extend((outer, inside) for outer in (lower, upper, exclude) if outer is not None)
            case _:
                stack.extend((inner, inside) for inner in children(part))
    return False


def reads_indexed(expr: Expr) -> bool:
    """Whether a name that nothing binds stands inside index brackets, as in `x[k]`: what `sum(x[k])` leaves open."""
    stack: list[tuple[Expr, bool, frozenset[str]]] = [(expr, False, frozenset())]
    while stack:
        part, inside, bound = stack.pop()
        match part:
            case Ref(name, ()) if inside and name not in bound:
                return True
            case Ref():
                stack.extend((position, True, bound) for position in part.indices)
            case Reduce(_, index, lower, upper, exclude, body):
                stack.extend((outer, inside, bound) for outer in (lower, upper, exclude) if outer is not None)
                stack.append((body, inside, bound | {index}))
            case _:
                stack.extend((inner, inside, bound) for inner in children(part))
    return False
