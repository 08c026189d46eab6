r"""Derivatives: `\frac{\partial J}{\partial w_1}`, `\frac{d}{dx} f`, `∂J/∂w`, `dJ/dw`, `\nabla_w J`, and σ′."""

from __future__ import annotations

import re

from backcalc.formula.functions import FUNCTIONS
from backcalc.formula.latex_cursor import POWER, PRODUCT, LatexCursor, Part
from backcalc.formula.lexer import Token
from backcalc.formula.names import is_derivative
from backcalc.formula.read import read_expression
from backcalc.formula.tree import Call, Expr, Mul, Ref, substitute

_JOINED = re.compile(r"d([A-Za-z])_?d(\w+)")
_OF_PRODUCT = "the derivative is that of the whole product or of its first factor"


def is_differential(cursor: LatexCursor, at: int) -> bool:
    """Whether a ∂, or a d that is no quantity, stands at this token."""
    at = min(at, len(cursor.tokens) - 1)
    token = cursor.tokens[at]
    if token.kind == "command":
        return token.text == r"\partial"
    if token.kind in ("text", "name"):
        return token.text.strip() in ("d", "delta")
    if token.kind != "word" or token.text[0] != "d" or cursor.symbols.knows(token.text):
        return False
    return len(token.text) > 1 or cursor.tokens[at + 1].kind != "sub"


def fraction_of_differentials(cursor: LatexCursor) -> bool:
    r"""Whether the fraction whose numerator comes next is a derivative: `{\partial J}{…}`, `{dJ}{dw}`."""
    if not cursor.sees("{") or not is_differential(cursor, cursor.at + 1):
        return False
    if cursor.ahead().kind == "command":
        return True
    depth, at = 0, cursor.at
    while at < len(cursor.tokens) - 2:
        depth += {"{": 1, "}": -1}.get(cursor.tokens[at].text, 0) if cursor.tokens[at].kind == "bracket" else 0
        at += 1
        if depth == 0:
            break
    if cursor.tokens[at].text != "{" or not is_differential(cursor, at + 1):
        return False
    letter = "delta" if cursor.ahead().text == "delta" else "d"
    if cursor.ahead().text == "delta" != cursor.tokens[at + 1].text:
        return False
    if cursor.symbols.knows(letter):
        reason = f"`{letter}` is the quantity {letter}, or this is a derivative"
        return cursor.choose(f"d at {cursor.at}", 2, reason) == 1
    if letter == "delta":
        cursor.note("δ is written for ∂")
    return True


def fraction(cursor: LatexCursor, start: int) -> Part:
    """The derivative written as a fraction whose numerator comes next. Raises Unreadable."""
    cursor.brackets += 2
    cursor.take("{")
    order = _differential(cursor)
    above = None if cursor.sees("}") else cursor.expression(PRODUCT)
    cursor.take("}")
    cursor.take("{")
    if not is_differential(cursor, cursor.at):
        cursor.note("a ∂ is missing in the denominator of a derivative")
        below = [_below(cursor)]
    else:
        below = []
        while not cursor.sees("}"):
            _differential(cursor)
            below.append(_below(cursor))
            below += [below[-1]] * (_squares(cursor) - 1)
    end = cursor.take("}").end
    cursor.brackets -= 2
    return _finished(cursor, order, above, below, start, end)


def inline(cursor: LatexCursor) -> Part:
    """`∂J/∂w`, `∂/∂w f`, `dJ/dw`, of which nothing has been taken. Raises Unreadable."""
    start = cursor.token.start
    order = _differential(cursor)
    if cursor.token.kind == "sub":
        return _partial_with_subscript(cursor, start)
    above = None if cursor.sees("/") else _operand(cursor)
    if not cursor.sees("/") or not is_differential(cursor, cursor.at + 1):
        raise cursor.unexpected("expected the rest of a derivative, as in ∂J/∂w")
    cursor.next()
    _differential(cursor)
    parenthesised = cursor.sees("(")
    below = [_below(cursor)]
    below += [below[0]] * ((2 if parenthesised else _squares(cursor)) - 1)
    return _finished(cursor, order, above, below if order > 1 else below[:1], start, below[0].end)


def is_inline(cursor: LatexCursor) -> bool:
    """Whether a word such as `dJ`, before a slash and another such word, is a differential; `dJdW` is two."""
    token, symbols = cursor.token, cursor.symbols
    joined = _JOINED.fullmatch(token.text)
    if joined and joined[1] in symbols.losses and not symbols.knows(token.text):
        middle = token.start + joined.start(2)
        above = Token("word", f"d{joined[1]}", token.start, middle)
        below = Token("word", f"d{joined[2]}", middle, token.end)
        cursor.tokens[cursor.at : cursor.at + 1] = [above, Token("operator", "/", middle, middle), below]
        return True
    if token.text[0] != "d" or symbols.knows(token.text) or cursor.ahead().text != "/":
        return False
    if cursor.ahead(2).kind not in ("word", "command") or not is_differential(cursor, cursor.at + 2):
        return False
    rest = token.text[1:]
    letters = rest.rstrip("0123456789").partition("_")[0]
    return not rest or symbols.knows(rest) or symbols.knows(letters) or cursor.ahead(2).text != "d"


def nabla(cursor: LatexCursor) -> Part:
    r"""`\nabla_{w} J` is ∂J/∂w; `\nabla J` is the name nablaJ. Raises Unreadable."""
    start = cursor.next().start
    if cursor.token.kind == "sub":
        return _partial_with_subscript(cursor, start)
    inner = _operand(cursor)
    if not isinstance(inner.expr, Ref) or is_derivative(inner.expr.name):
        raise cursor.error("expected the name that the gradient is of", inner)
    return Part(Ref(f"nabla{inner.expr.name}", inner.expr.indices), inner.height, start, inner.end)


def _partial_with_subscript(cursor: LatexCursor, start: int) -> Part:
    cursor.next()
    if cursor.sees("{"):
        cursor.next()
        below = _below(cursor)
        cursor.take("}")
    else:
        below = _below(cursor)
    return _finished(cursor, 1, _operand(cursor), [below], start, cursor.tokens[cursor.at - 1].end)


def _operand(cursor: LatexCursor) -> Part:
    cursor.enter(4)
    part = cursor.expression(POWER + 1)
    cursor.leave(4)
    return part


def _differential(cursor: LatexCursor) -> int:
    """Takes ∂ or d and its power, and answers the power; of `dJ` the d alone is taken."""
    token = cursor.token
    if not is_differential(cursor, cursor.at):
        raise cursor.unexpected("expected ∂")
    if token.kind == "word" and len(token.text) > 1:
        cursor.tokens[cursor.at] = Token("word", token.text[1:].lstrip("_"), token.start + 1, token.end)
        return 1
    cursor.next()
    return _squares(cursor)


def _squares(cursor: LatexCursor) -> int:
    """The power that comes next, 1 where none does; only the first and the second derivative are read."""
    if cursor.token.kind == "raised":
        token, digits = cursor.token, cursor.next().text
    elif cursor.token.kind == "sup":
        cursor.next()
        braces = cursor.sees("{")
        if braces:
            cursor.next()
        token, digits = cursor.token, cursor.next().text
        if braces:
            cursor.take("}")
    else:
        return 1
    if digits not in ("1", "2"):
        raise cursor.error("only first and second derivatives are read", token)
    return int(digits)


def _below(cursor: LatexCursor) -> Part:
    part = _operand(cursor)
    if not isinstance(part.expr, Ref):
        raise cursor.error("a derivative is taken by a name", part)
    return part


def _finished(cursor: LatexCursor, order: int, above: Part | None, below: list[Part], start: int, end: int) -> Part:
    if len(below) != order:
        place = below[-1] if below else cursor.tokens[cursor.at - 1]
        raise cursor.error("the powers above and below do not fit", place)
    if above is None:
        above = _body(cursor)
        end = max(end, above.end)
    names = [part.expr for part in below if isinstance(part.expr, Ref)]
    expr = derivative(cursor, above.expr, names)
    return cursor.made(expr, [above, *below], start, end)


def _body(cursor: LatexCursor) -> Part:
    """What an operator `d/dx` applies to: the product that follows, or its first factor alone."""
    key, at = f"operator {cursor.token.start}", cursor.at
    cursor.enter(4)
    first_only = cursor.picks.get(key, 0) == 1
    part = cursor.expression(POWER if first_only else PRODUCT)
    cursor.leave(4)
    if first_only:
        cursor.choose(key, 2, _OF_PRODUCT)
        return part
    if isinstance(part.expr, Mul) and not (cursor.tokens[at].text == "(" and cursor.tokens[cursor.at - 1].text == ")"):
        cursor.choose(key, 2, _OF_PRODUCT)
    return part


def derivative(cursor: LatexCursor, above: Expr, below: list[Ref]) -> Expr:
    """∂above/∂below: one name where `above` is a loss (or its derivative), else `diff(above, below)`."""
    last = below[-1]
    named = isinstance(above, Ref) and not above.indices and (not below[0].indices or below[0] == last)
    if named and isinstance(above, Ref) and (above.name in cursor.symbols.losses or is_derivative(above.name)):
        if len(below) == 2 and not is_derivative(above.name):
            under = f"d{last.name}^2" if below[0].name == last.name else f"(d{below[0].name} d{last.name})"
            return Ref(f"d^2{above.name}/{under}", last.indices)
        if len(below) == 1:
            top, under = (f"({name})" if is_derivative(name) else name for name in (above.name, last.name))
            return Ref(f"d{top}/d{under}", last.indices)
    expr = above
    for name in below:
        expr = Call("diff", (expr, name))
    return expr


def of_function(cursor: LatexCursor, name: str, argument: Part, place: Token) -> Expr:
    """σ′(z): the derivative of a function where its argument stands. Raises Unreadable."""
    if isinstance(argument.expr, Ref):
        return Call("diff", (Call(name, (argument.expr,)), argument.expr))
    function = FUNCTIONS.get(name)
    if function is None or function.arity != 1:
        raise cursor.error("the derivative of this function cannot be read", place)
    return substitute(read_expression(function.derivative), {function.arguments[0]: argument.expr})
