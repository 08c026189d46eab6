r"""Reductions over an index: `\sum_{i=1}^{N}`, `\sum_{j \ne i}`, `\prod`, `\max_{k}`, and what they run over."""

from __future__ import annotations

from dataclasses import dataclass

from backcalc.formula.latex_cursor import POWER, PRODUCT, SUM, LatexCursor, Part
from backcalc.formula.lexer import Token
from backcalc.formula.tree import ONE, Call, Expr, Reduce, Ref, walk


@dataclass(slots=True)
class Range:
    """An index, and as much of its range as is written."""

    index: str
    lower: Expr | None = None
    upper: Expr | None = None
    exclude: Expr | None = None


def reduction(cursor: LatexCursor, operation: str, token: Token) -> Part:
    """A sum, of which the sign has been taken. Raises Unreadable."""
    key = f"sum {token.start}"
    cursor.enter(5)
    ranges, parts = _limits(cursor, token)
    body = cursor.expression(SUM if cursor.picks.get(key, 0) else PRODUCT)
    cursor.leave(5)
    if not ranges:
        return _inferred(cursor, operation, body, token)
    expr = body.expr
    for over in reversed(ranges):
        expr = Reduce(operation, over.index, over.lower, over.upper, over.exclude, expr)
    made = cursor.made(expr, [*parts, body], token.start, body.end)
    cursor.open_sums[body.end] = (key, ranges[0].index)
    return made


def _inferred(cursor: LatexCursor, operation: str, body: Part, token: Token) -> Part:
    """A sum that does not say over what: over the one index that is free in its body, or over a whole array."""
    bound = {part.index for part in walk(body.expr) if isinstance(part, Reduce)}
    places = [index for part in walk(body.expr) if isinstance(part, Ref) for index in part.indices]
    free = {index.name for index in places if isinstance(index, Ref) and not index.indices} - bound
    free = {name for name in free if name not in cursor.symbols.scalars}
    if len(free) == 1:
        cursor.note("the sum does not say over which index it runs")
        return cursor.made(Reduce(operation, free.pop(), None, None, None, body.expr), [body], token.start, body.end)
    if not free and cursor.rank(body.expr):
        return cursor.made(Call(operation, (body.expr,)), [body], token.start, body.end)
    raise cursor.error("this sum does not say over which index it runs", token)


def _limits(cursor: LatexCursor, token: Token) -> tuple[list[Range], list[Part]]:
    ranges: list[Range] = []
    parts: list[Part] = []
    upper: Part | None = None
    while cursor.token.kind in ("sub", "sup"):
        if cursor.next().kind == "sub":
            if ranges:
                raise cursor.error("two lower limits", token)
            ranges = _under(cursor, parts)
        else:
            if upper is not None:
                raise cursor.error("two upper limits", token)
            upper = _script(cursor)
    if upper is not None:
        if not ranges:
            raise cursor.error("this sum does not say over which index it runs", token)
        parts.append(upper)
        shared = ranges[-1].lower
        for over in ranges:
            if over.lower is None:
                over.lower = shared or ONE
                if shared is None:
                    cursor.note(f"the sum over {over.index} does not say where it begins; from 1")
            over.upper = over.upper or upper.expr
    for over in ranges:
        if (over.lower is None) != (over.upper is None):
            if over.upper is None and over.lower is not None:
                raise cursor.error(f"the sum over {over.index} does not say where it ends", token)
            over.lower = ONE
    return ranges, parts


def _script(cursor: LatexCursor) -> Part:
    """What stands above or below in braces, or one token without."""
    cursor.brackets += 1
    if cursor.sees("{"):
        cursor.next()
        part = cursor.expression(SUM)
        cursor.take("}")
    else:
        part = cursor.expression(POWER + 1)
    cursor.brackets -= 1
    return part


def _under(cursor: LatexCursor, parts: list[Part]) -> list[Range]:
    if not cursor.sees("{"):
        return [Range(_index(cursor, cursor.expression(POWER + 1)))]
    cursor.next()
    closers = 1
    if cursor.token.kind == "command" and cursor.token.text == r"\substack":
        cursor.next()
        cursor.take("{")
        closers = 2
    cursor.brackets += 1
    ranges: list[Range] = []
    while True:
        _add(cursor, ranges, parts)
        if cursor.token.kind == "row" or (cursor.token.kind == "separator" and cursor.token.text in (",", "gap")):
            cursor.next()
            continue
        break
    for _ in range(closers):
        cursor.take("}")
    cursor.brackets -= 1
    return ranges


def _add(cursor: LatexCursor, ranges: list[Range], parts: list[Part]) -> None:
    """One condition under the sign: `i`, `i=1`, `i \\ne j`, `1 \\le i \\le N`, or the `N` of `i=1,\\dots,N`."""
    if cursor.token.kind == "command" and cursor.token.text in (r"\dots", r"\ldots", r"\cdots"):
        cursor.next()
        if not ranges or cursor.token.text != ",":
            raise cursor.unexpected("expected `, N`")
        cursor.next()
        last = cursor.expression(SUM)
        parts.append(last)
        ranges[-1].upper = last.expr
        return
    first = cursor.expression(SUM)
    if cursor.token.kind != "relation":
        if len(ranges) > 8:
            raise cursor.error("too many indices under one sign", first)
        ranges.append(Range(_index(cursor, first)))
        return
    sign = cursor.next().text
    second = cursor.expression(SUM)
    if sign in ("<=", "<") and cursor.token.kind == "relation" and cursor.token.text == "<=":
        cursor.next()
        last = cursor.expression(SUM)
        parts += [first, last]
        if sign == "<":
            raise cursor.error("a range begins with ≤", first)
        ranges.append(Range(_index(cursor, second), first.expr, last.expr))
        return
    index = _index(cursor, first)
    parts.append(second)
    if sign == "!=":
        if ranges and ranges[-1].index == index and ranges[-1].exclude is None:
            ranges[-1].exclude = second.expr
        else:
            ranges.append(Range(index, exclude=second.expr))
    elif sign in ("=", "=="):
        ranges.append(Range(index, lower=second.expr))
    else:
        raise cursor.error("this range cannot be read", second, "write it as i=1 below and N above")


def _index(cursor: LatexCursor, part: Part) -> str:
    if not isinstance(part.expr, Ref) or part.expr.indices:
        raise cursor.error("expected the index that the sum runs over", part)
    return part.expr.name
