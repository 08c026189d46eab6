r"""The small signs of LaTeX: the x of `3x3`, products of matrices, `^T`, and what `\\frac12` and `\\sqrt x` take."""

from __future__ import annotations

from backcalc.formula.latex_calls import listed
from backcalc.formula.latex_cursor import SCRIPT, LatexCursor, Part
from backcalc.formula.lexer import Token
from backcalc.formula.tree import Call, Expr, Num, Ref, num


def sign_of_product(cursor: LatexCursor) -> str:
    """Takes the sign between two factors; empty where there is none."""
    if cursor.token.kind == "cross":
        return _cross(cursor)
    return cursor.next().text if cursor.sees("*", "·", "@") else ""


def _cross(cursor: LatexCursor) -> str:
    """The x of `3x3`, which is a sign of multiplication, unless x is a name."""
    token, before, after = cursor.token, cursor.tokens[cursor.at - 1], cursor.ahead()
    joined = f"x{after.text}" if after.kind == "number" and after.start == token.end else ""
    known = cursor.symbols.knows("x") or bool(joined and cursor.symbols.knows(joined))
    between = before.text.isdigit() and after.text.isdigit()
    reason = "the x is a sign of multiplication or the name x"
    named = False
    if token.text == "x" and after.kind == "bracket":
        # 2x(1 - x), but 6x(5x5+1).
        named = known or not _crosses_numbers(cursor)
        if not known or _crosses_numbers(cursor):
            named = cursor.choose("cross (", 2, reason, likely=int(named)) == 1
    elif token.text == "x" and known and not (between and _surely_crosses(cursor, before, after)):
        named = cursor.choose("cross", 2, reason, likely=int(not between)) == 1
    if not named:
        cursor.next()
        return "·"
    if joined:
        cursor.tokens[cursor.at : cursor.at + 2] = [Token("name", joined, token.start, after.end)]
    else:
        cursor.tokens[cursor.at] = Token("name", token.text, token.start, token.end)
    return ""


def _surely_crosses(cursor: LatexCursor, before: Token, after: Token) -> bool:
    """Whether the x between two integers can be no name: `28x28x6`, `2x64`, `5 x 5`."""
    spaced = before.end < cursor.token.start < after.start - 1
    return spaced or ((cursor.crosses > 1 or len(after.text) > 1) and not cursor.symbols.knows(f"x{after.text}"))


def _crosses_numbers(cursor: LatexCursor) -> bool:
    """Whether an x stands between two numbers somewhere in the row."""
    pairs = zip(cursor.tokens, cursor.tokens[1:], strict=False)
    return any(token.kind == "cross" and after.kind == "number" for token, after in pairs)


def multiplies_matrices(cursor: LatexCursor, left: Part, right: Part, sign: str) -> bool:
    """Whether two factors are whole arrays, so that their product is that of matrices."""
    ranks = cursor.rank(left.expr), cursor.rank(right.expr)
    if sign == "*" or not all(ranks):
        return False
    transposes = _is_transposed(left.expr) or _is_transposed(right.expr)
    named = isinstance(left.expr, Ref | Call) and isinstance(right.expr, Ref | Call)
    if not sign and (transposes or (max(ranks) > 1 and (named or min(ranks) == 1))):
        return True
    if not sign and not named and max(ranks) == 1:
        return False  # y (1 - y)
    reason = "two whole arrays are multiplied as matrices or entry by entry"
    return cursor.choose(f"matmul {right.start}", 2, reason) == 0


def _is_transposed(expr: Expr) -> bool:
    return isinstance(expr, Call) and expr.function == "transpose"


def transposed(cursor: LatexCursor) -> int | None:
    """Takes `^T` and answers where it ends; None, and nothing taken, where it is another power."""
    braces = cursor.ahead().text == "{" and cursor.ahead().kind == "bracket"
    token = cursor.ahead(2 if braces else 1)
    sign = token.kind == "operator" and token.text == ".T"
    letter = token.kind in ("word", "text", "name") and token.text.strip() in ("T", "top")
    if cursor.token.kind != "sup" or not (sign or letter) or (braces and cursor.ahead(3).text != "}"):
        return None
    unsure = letter and token.kind != "text" and cursor.symbols.knows(token.text)
    if unsure and cursor.choose(f"transpose {token.start}", 2, "`T` is the transpose or an exponent") == 1:
        return None
    cursor.at += 4 if braces else 2
    return cursor.tokens[cursor.at - 1].end


def argument(cursor: LatexCursor) -> Part:
    """What a command takes: braces, or a single digit or letter."""
    if cursor.sees("{"):
        return cursor.braced()
    token = cursor.token
    if token.kind == "number" and not token.text.isdigit():
        raise cursor.error("expected braces round this number", token)
    if token.kind in ("number", "word") and len(token.text) > 1:
        behind = "number" if token.text[1:].isdigit() else token.kind  # \frac x2: a letter, then a digit
        rest = Token(behind, token.text[1:], token.start + 1, token.end)
        first = Token(token.kind, token.text[0], token.start, token.start + 1)
        cursor.tokens[cursor.at : cursor.at + 1] = [first, rest]
        if token.kind == "number":
            return cursor.literal()
    if token.kind == "word":
        letter = cursor.next()
        return Part(Ref(letter.text), 1, letter.start, letter.end)
    return cursor.operand(SCRIPT)


def root(cursor: LatexCursor) -> Part:
    """A square root, of which nothing has been taken. Raises Unreadable."""
    start = cursor.next().start
    if cursor.sees("["):
        degree = listed(cursor)
        if len(degree) != 1 or degree[0].expr != num(2):
            raise cursor.error("only the square root is read", cursor.tokens[cursor.at - 1])
    inner = argument(cursor)
    return cursor.made(Call("sqrt", (inner.expr,)), (inner,), start, inner.end)


def is_negative(part: Part) -> bool:
    """Whether a literal has its sign already."""
    return part.literal and isinstance(part.expr, Num) and part.expr.value < 0
