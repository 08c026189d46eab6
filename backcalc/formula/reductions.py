"""What a call of `sum`, `max` … spells: a reduction over an index, of a whole array, or a maximum of its arguments."""

from __future__ import annotations

from collections.abc import Sequence

from backcalc.formula.cursor import Cursor
from backcalc.formula.functions import FUNCTIONS, WHOLE
from backcalc.formula.lexer import Token
from backcalc.formula.pieces import Argument, Piece, equality, index_name, reads_at, reads_indexed
from backcalc.formula.tree import Call, Expr, Reduce


def called(cursor: Cursor, name: str, given: Sequence[Argument], token: Token) -> Piece | None:
    """`sum(k, body)`, `sum(k != j, body)`, `sum(k=1..K, body)`, `sum(k=1..K, k != j, body)`, `sum(X)`.

    None where it is `max` or `min` of its arguments: those reduce only over a range, or an index that is
    read inside index brackets. Raises FormulaError.
    """
    usage = f"write `{name}(k, x[k])` or `{name}(k=1..K, x[k])`"
    parts = [argument.piece for argument in given]
    for argument in given[1:]:
        if argument.index is not None:
            raise cursor.error("a range can only be the first argument of a sum", argument.piece, usage)
    if given and given[0].index is not None:
        if len(given) not in (2, 3):
            raise cursor.error(f"`{name}` takes a range and a body", token, usage)
        left_out = _left_out(cursor, given[0].index, given[1]) if len(given) == 3 else None
        return _made(cursor, name, given[0], left_out, parts[-1], token)
    index, left_out = None, None
    if len(given) == 2 and parts[0].bare:
        if found := equality(parts[0], "!="):
            index, left_out = found
        else:
            index = index_name(parts[0].expr)
    if len(given) == 1 and name in WHOLE and not reads_indexed(parts[0].expr):
        return cursor.made(
            Call(name, (parts[0].expr,)), (parts[0],), token.start, cursor.tokens[cursor.at - 1].end, token
        )
    both = name in FUNCTIONS
    if index is not None and (not both or reads_at(parts[1].expr, index)):
        return _made(cursor, name, Argument(parts[0], index), left_out, parts[1], token)
    if both:
        return None
    raise cursor.error(f"`{name}` takes an index and a body", token, usage)


def signed(cursor: Cursor, given: Sequence[Argument], body: Piece, token: Token) -> Piece:
    """`Σ_{k} body`, `Σ_{k≠j} body`, `Σ_{k=1..K} body`, `Σ_{k=1..K, k≠j} body`. Raises FormulaError."""
    first = given[0]
    if first.index is not None and len(given) <= 2:
        left_out = _left_out(cursor, first.index, given[1]) if len(given) == 2 else None
        return _made(cursor, token.text, first, left_out, body, token)
    found = equality(first.piece, "!=") or (index_name(first.piece.expr), None)
    if found[0] is None or len(given) > 1:
        raise cursor.error("expected an index or a range", first.piece, "write `Σ_{k=1..K} x[k]`")
    return _made(cursor, token.text, Argument(first.piece, found[0]), found[1], body, token)


def _left_out(cursor: Cursor, index: str, argument: Argument) -> Expr:
    found = equality(argument.piece, "!=")
    if found is None or found[0] != index or argument.index is not None:
        raise cursor.error(f"expected the value that `{index}` leaves out", argument.piece, f"write `{index} != j`")
    return found[1]


def _made(cursor: Cursor, name: str, over: Argument, left_out: Expr | None, body: Piece, token: Token) -> Piece:
    assert over.index is not None
    lower, upper = over.lower, over.upper
    expr = Reduce(name, over.index, lower.expr if lower else None, upper.expr if upper else None, left_out, body.expr)
    # The piece of a range or of `k != j` is at least as high as what it holds.
    parts = tuple(part for part in (over.piece, upper, body) if part is not None)
    end = max(cursor.tokens[cursor.at - 1].end, body.end)
    return cursor.made(expr, parts, token.start, end, token)
