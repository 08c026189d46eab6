"""The reader of formulas: text in, tree out, or an error that says where and why. Nothing is ever evaluated."""

from __future__ import annotations

from collections.abc import Collection
from fractions import Fraction

from backcalc.formula.errors import FormulaError
from backcalc.formula.lexer import number, tokens
from backcalc.formula.parser import Parser
from backcalc.formula.pieces import index_name
from backcalc.formula.tree import Expr, Num, Ref, Table

MAX_FILE = 200_000


def read_expression(text: str, *, losses: Collection[str] = ()) -> Expr:
    """Reads one formula.

    With `losses={"J"}`, `dJ/dz` is one name; otherwise it is a quotient. `∂J/∂z` is always one name.
    Raises FormulaError.

    >>> read_expression("-1/2*x[i]")
    Mul(factors=(Num(value=Fraction(-1, 2)), Ref(name='x', indices=(Ref(name='i', indices=()),))))
    """
    parser = Parser(text, losses)
    piece = parser.expression()
    parser.end()
    return piece.expr


def read_equation(text: str, *, losses: Collection[str] = ()) -> tuple[Ref, Expr]:
    """Reads `name = formula`; the left side is a name whose indices are plain names, or integers in boundary rows.

    The right side is an expression, or an array spelled out, `[[w1, w2], [w3, w4]]`. Raises FormulaError.

    >>> left, right = read_equation("z[j] = sum(k, W[j,k]*x[k])")
    >>> left
    Ref(name='z', indices=(Ref(name='j', indices=()),))
    """
    parser = Parser(text, losses)
    left = _left_side(parser)
    if parser.sees("=="):
        raise parser.error("expected `=`", parser.token, "an equation has a single `=`")
    if not parser.sees("="):
        raise parser.error("expected `=`", parser.token, "an equation is `name = formula`")
    parser.next()
    if parser.sees("["):
        piece = parser.bracketed()
        right = piece if isinstance(piece.expr, Table) else parser.expression(left=piece)
        if isinstance(piece.expr, Table) and parser.token.kind != "end":
            raise parser.error("an array can only be the whole right-hand side of an equation", piece)
    else:
        right = parser.expression()
    if parser.sees("="):
        raise parser.error("an equation has one `=`", parser.token, "two values are compared with `==`")
    parser.end()
    return left, right.expr


def _left_side(parser: Parser) -> Ref:
    token = parser.token
    if token.kind == "end":
        raise parser.missing()
    if token.kind != "name" or parser.ahead().text == "(":
        raise parser.error("expected the name that is defined", token, "an equation is `name = formula`")
    piece = parser.name()
    left = piece.expr
    assert isinstance(left, Ref)
    seen: set[str] = set()
    for position in left.indices:
        name = index_name(position)
        if name is None and not (isinstance(position, Num) and position.value.denominator == 1):
            raise parser.error(
                "an index on the left is a plain name or an integer", piece, "define `y[i]`, read `x[i+1]`"
            )
        if name in seen:
            raise parser.error(f"the index `{name}` stands twice on the left", piece)
        if name is not None:
            seen.add(name)
    return left


def read_equations(text: str, *, losses: Collection[str] = ()) -> tuple[tuple[Ref, Expr, int, str], ...]:
    """Reads equations, one a line; `#` begins a comment. Each comes with its line number (from 1) and its line.

    Raises FormulaError, placed in the whole text; its `others` are the errors of further lines.

    >>> [(left.name, line) for left, _, line, _ in read_equations("a = 1  # one\\n\\nb = 2*a")]
    [('a', 1), ('b', 3)]
    """
    if len(text) > MAX_FILE:
        message = f"the equations are too long: {len(text)} characters, at most {MAX_FILE} are read"
        raise FormulaError(message, text, MAX_FILE, MAX_FILE + 1)
    found: list[tuple[Ref, Expr, int, str]] = []
    errors: list[FormulaError] = []
    start = 0
    for count, line in enumerate(text.split("\n"), 1):
        formula = line.partition("#")[0].rstrip()
        if formula.strip():
            try:
                left, right = read_equation(formula, losses=losses)
                found.append((left, right, count, line.strip()))
            except FormulaError as error:
                errors.append(FormulaError(error.message, text, start + error.start, start + error.end, error.hint))
        start += len(line) + 1
    if errors:
        first = errors[0]
        raise FormulaError(first.message, text, first.start, first.end, first.hint, errors[1:])
    return tuple(found)


def read_number(text: str) -> Fraction:
    """Reads an exact number: `3`, `0.1`, `1e-3`, `17/6`, with a sign or without. Raises FormulaError.

    >>> read_number("0.1"), read_number("-17/6")
    (Fraction(1, 10), Fraction(-17, 6))
    """
    parts = tokens(text)
    sign = -1 if parts[0].text == "-" else 1
    body = parts[1:] if parts[0].text in ("-", "+") else parts
    shape = [token.text if token.kind == "operator" else token.kind for token in body]
    if shape == ["number", "end"]:
        return sign * number(text, body[0])
    if shape == ["number", "/", "number", "end"]:
        above, below = number(text, body[0]), number(text, body[2])
        if below == 0:
            raise FormulaError("a number cannot have the denominator 0", text, body[2].start, body[2].end)
        return sign * above / below
    raise FormulaError("expected a number, as 3, 0.1, 1e-3 or 17/6", text, 0, len(text.rstrip()))
