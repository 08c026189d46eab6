r"""Environments inside a formula: `cases`, which is `if(c, a, b)`, and matrices, which are arrays spelled out."""

from __future__ import annotations

from backcalc.formula.latex_cursor import COMPARE, SUM, LatexCursor, Part
from backcalc.formula.latex_names import is_prose
from backcalc.formula.latex_signs import PROSE
from backcalc.formula.tree import Call, Compare, Expr, Table

CASES = ("cases", "dcases", "rcases")
MATRICES = ("matrix", "pmatrix", "bmatrix", "Bmatrix", "smallmatrix", "array")
_ELSE = ("otherwise", "else", "other")
_OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
_MIRRORED = {"==": "==", "!=": "!=", "<": ">", ">": "<", "<=": ">=", ">=": "<="}


def environment(cursor: LatexCursor) -> Part:
    """What stands between `\\begin` and `\\end`, the first of which comes next. Raises Unreadable."""
    opener = cursor.next()
    if opener.text not in CASES and opener.text not in MATRICES:
        raise cursor.error(f"the environment `{opener.text[:40]}` cannot be read inside a formula", opener)
    cursor.brackets += 1
    cursor.bars.append(0)
    cursor.enter(4)
    made = _cases(cursor, opener.start) if opener.text in CASES else _matrix(cursor, opener.start)
    if cursor.token.kind != "finish":
        raise cursor.unexpected(f"expected the end of `{opener.text}`")
    cursor.next()
    cursor.leave(4)
    cursor.brackets -= 1
    cursor.bars.pop()
    return made


def _matrix(cursor: LatexCursor, start: int) -> Part:
    """A matrix; a vector where it has one row or one column."""
    rows: list[list[Part]] = [[]]
    while cursor.token.kind != "finish":
        rows[-1].append(cursor.expression(COMPARE))
        if cursor.token.kind == "amp":
            cursor.next()
        elif cursor.token.kind == "row":
            cursor.next()
            if cursor.token.kind != "finish":
                rows.append([])
        elif cursor.token.kind != "finish":
            raise cursor.unexpected("expected the next entry of the matrix")
    parts = [part for row in rows for part in row]
    if not parts:
        raise cursor.unexpected("expected an entry of the matrix")
    if len({len(row) for row in rows}) > 1:
        raise cursor.error("the rows of the matrix differ in length", parts[0])
    if len(rows) == 1 or len(rows[0]) == 1:
        expr = Table(tuple(part.expr for part in parts))
    else:
        expr = Table(tuple(Table(tuple(part.expr for part in row)) for row in rows))
    return cursor.made(expr, parts, start, parts[-1].end)


def _cases(cursor: LatexCursor, start: int) -> Part:
    rows: list[tuple[Part, Part | None]] = []
    while cursor.token.kind != "finish":
        value = cursor.expression(SUM)
        rows.append((value, _condition(cursor)))
        if cursor.token.kind == "row":
            cursor.next()
        elif cursor.token.kind != "finish":
            raise cursor.unexpected("expected the next case")
    if len(rows) < 2:
        raise cursor.unexpected("expected two cases or more")
    last, rest = rows[-1]
    if rest is not None and not (len(rows) == 2 and _complement(rows[0][1], rest)):
        cursor.note("the last case is read as all that the others leave")
    expr = last.expr
    parts = [last]
    for value, condition in reversed(rows[:-1]):
        if condition is None:
            raise cursor.error("this case has no condition", value)
        parts += [value, condition]
        expr = Call("if", (condition.expr, value.expr, expr))
        parts = [cursor.made(expr, parts, start, last.end)]
    return parts[0]


def _condition(cursor: LatexCursor) -> Part | None:
    """When a case holds; None for `otherwise` and where nothing is said."""
    while True:
        token = cursor.token
        word = token.text.strip().strip(",.:").lower()
        if token.kind in ("word", "text") and word in _ELSE:
            cursor.next()
            return None
        spoken = token.kind == "text" and is_prose(cursor, token)
        if token.kind in ("amp", "separator") or (token.kind == "word" and word in PROSE) or spoken:
            cursor.next()
        else:
            break
    if cursor.token.kind in ("row", "finish"):
        return None
    condition = cursor.expression(COMPARE)
    if not isinstance(condition.expr, Compare):
        raise cursor.error("expected the condition of a case", condition)
    if cursor.token.kind == "separator":
        cursor.next()
    return condition


def _complement(first: Part | None, second: Part) -> bool:
    """Whether the second condition is just that the first does not hold."""
    if first is None:
        return False
    match first.expr, second.expr:
        case Compare((one,), (a, b)), Compare((other,), (c, d)):
            return (_OPPOSITE[one] == other and _same(a, b, c, d)) or (
                _OPPOSITE[one] == _MIRRORED[other] and _same(a, b, d, c)
            )
    return False


def _same(a: Expr, b: Expr, c: Expr, d: Expr) -> bool:
    return a == c and b == d
