r"""Functions: `\log y`, `\sigma(z)`, `\tanh^2(x)`, `\max(0, x)`, `np.exp(x)`, `\log_2 x`, |x|, ‖x‖, ⌊x⌋."""

from __future__ import annotations

from types import MappingProxyType

from backcalc.formula.functions import FUNCTIONS, REDUCTIONS, WHOLE
from backcalc.formula.latex_cursor import POWER, SUM, LatexCursor, Part
from backcalc.formula.latex_derivatives import of_function
from backcalc.formula.latex_scripts import label
from backcalc.formula.latex_sums import reduction
from backcalc.formula.latex_symbols import CALLED
from backcalc.formula.lexer import Token
from backcalc.formula.tree import ONE, Call, Div, Expr, Mul, Neg, Num, Pow, Ref, num

_CODE = ("np.", "numpy.", "math.", "torch.", "tf.", "K.", "linalg.", "nn.")
_IN_CODE = MappingProxyType(
    {
        "maximum": "max",
        "minimum": "min",
        "absolute": "abs",
        "fabs": "abs",
        "log": "log",
        "square": "square",
        "dot": "matmul",
        "matmul": "matmul",
        "mm": "matmul",
        "multiply": "multiply",
        "power": "pow",
        "pow": "pow",
        "divide": "divide",
        "add": "add",
        "subtract": "subtract",
        "transpose": "transpose",
    }
)
_BARE = frozenset(("exp", "log", "sin", "cos", "tanh", "sigmoid", "sign", "relu", "sqrt", "erf", "softmax"))
_CLOSES = {"(": ")", "[": "]", "{": "}", "set{": "}set"}
_FLOORS = {"⌊": "⌋", "⌈": "⌉"}


def function_name(cursor: LatexCursor, token: Token) -> str | None:
    """The function that a word, a command or a text names where it is called; None where it is a quantity."""
    word = label(token.text) if token.kind == "text" else token.text.removeprefix(r"\operatorname ").lstrip("\\")
    if word in cursor.symbols.functions:
        return word
    if cursor.symbols.knows(word) and token.kind != "command":
        # A key that has σ as the deviation of each unit still says σ(z).
        return "sigmoid" if word == "sigma" and word not in cursor.symbols.scalars else None
    bare = word
    for prefix in _CODE:
        bare = bare.removeprefix(prefix)
    if cursor.words and bare in _IN_CODE:
        return _IN_CODE[bare]
    found = CALLED.get(bare.lower()) if len(bare) > 1 else None
    if found is None and bare != word:
        raise cursor.error(f"unknown function `{cursor.shown(token)}`", token)
    return found


def is_called(cursor: LatexCursor, name: str, token: Token) -> bool:
    """Whether the function at the next token is applied to something, or at least can be nothing else."""
    if token.kind == "command" or name in cursor.symbols.functions or token.text.endswith("*"):
        return True
    at = cursor.at + 1
    after = cursor.tokens[at]
    kinds = ("sup", "number", "prime", "raised", *(("sub",) if name in ("log", "norm2") else ()))
    while after.kind in kinds or (after.kind == "bracket" and after.text in "{}"):
        if after.kind == "bracket" and after.text == "{" and cursor.tokens[at - 1].kind not in ("sup", "sub"):
            break
        at += 1
        after = cursor.tokens[min(at, len(cursor.tokens) - 1)]
        if after.kind == "end":
            return False
    if token.text == "sigma" and after.text == "[" and cursor.symbols.rank("sigma"):
        return False
    if after.kind == "bracket" and after.text in _CLOSES:
        return True
    if token.text == "sigma":
        return False
    return (name in REDUCTIONS and after.kind == "sub") or (name in _BARE and cursor.starts_operand(cursor.ahead()))


def call(cursor: LatexCursor, name: str) -> Part:
    """A function and its arguments, of which nothing has been taken. Raises Unreadable."""
    token = cursor.next()
    start = token.start
    cursor.enter(5)
    power: Part | None = None
    base: Part | None = None
    primes = 0
    while True:
        if cursor.token.kind == "prime":
            cursor.next()
            primes += 1
        elif cursor.token.kind in ("sup", "raised") and power is None and name not in ("max", "min"):
            power = cursor.exponent()
        elif cursor.token.kind == "sub" and name in REDUCTIONS:
            reduced = reduction(cursor, name, token)
            cursor.leave(5)
            return reduced
        elif cursor.token.kind == "sub" and base is None and name in ("log", "norm2"):
            cursor.next()
            base = cursor.braced() if cursor.sees("{") else cursor.expression(POWER + 1)
        else:
            break
    if isinstance(power, Part) and isinstance(power.expr, Num) and power.expr.value < 0:
        raise cursor.error("a function to the power −1 is its inverse or its reciprocal", power)
    if power is not None and name == "exp" and not _argument_follows(cursor):
        cursor.note("exp is written with its argument raised")
        cursor.leave(5)
        return cursor.made(Call("exp", (power.expr,)), [power], start, power.end)
    arguments = _arguments(cursor, name)
    cursor.leave(5)
    end = cursor.tokens[cursor.at - 1].end
    if primes:
        if primes > 1 or len(arguments) != 1:
            raise cursor.error("only the first derivative of a function is read, of one argument", token)
        made = cursor.made(of_function(cursor, name, arguments[0], token), arguments, start, end)
    else:
        made = cursor.made(_applied(cursor, name, arguments, token), arguments, start, end)
    if base is not None and name == "log" and base.expr != Ref("e"):
        below = cursor.made(Call("log", (base.expr,)), [base], base.start, base.end)
        made = cursor.made(Div(made.expr, below.expr), [made, below], start, end)
    if base is not None and name == "norm2" and base.expr != num(2):
        raise cursor.error("only the norm with index 2 is read", base)
    if power is not None:
        made = cursor.made(Pow(made.expr, power.expr), [made, power], start, end)
    return made


def _argument_follows(cursor: LatexCursor) -> bool:
    return cursor.sees("(", "[", "{")


def _arguments(cursor: LatexCursor, name: str) -> list[Part]:
    if not cursor.sees(*_CLOSES):
        return [_bare(cursor, name)]
    if cursor.sees("{") and name not in ("max", "min"):
        return [cursor.braced()]
    return listed(cursor)


def listed(cursor: LatexCursor) -> list[Part]:
    """The parts between brackets and commas. Raises Unreadable."""
    close = _CLOSES[cursor.next().text]
    cursor.enter(4)
    cursor.brackets += 1
    cursor.bars.append(0)
    found = []
    while True:
        if cursor.words and cursor.token.kind == "word" and cursor.ahead().text == "=":
            raise cursor.error("an argument with a name cannot be read", cursor.token)
        found += cursor.item(close)
        if cursor.token.kind == "separator" and cursor.token.text == ",":
            cursor.next()
            continue
        cursor.take(close)
        cursor.leave(4)
        cursor.brackets -= 1
        cursor.bars.pop()
        return found


def _bare(cursor: LatexCursor, name: str) -> Part:
    """The argument of `\\log 2x`, `\\log y_i`: a factor, and where names follow it, perhaps the product."""
    if name not in _BARE and name not in cursor.symbols.functions:
        raise cursor.unexpected(f"expected the argument of `{name}` in parentheses")
    at = cursor.at
    first = cursor.expression(POWER)
    parts = [first]
    while cursor.token.kind in ("word", "name", "accent", "number") and cursor.starts_factor():
        token = cursor.token
        if token.kind == "word" and function_name(cursor, token):
            break
        if not first.literal:
            reason = f"`{name}` is of the first factor after it, or of the whole product"
            if cursor.choose(f"bare {at}", 2, reason, likely=1) == 0:
                break
        parts.append(cursor.expression(POWER))
    if len(parts) == 1:
        return first
    return cursor.made(Mul(tuple(part.expr for part in parts)), parts, first.start, parts[-1].end)


def _applied(cursor: LatexCursor, name: str, arguments: list[Part], token: Token) -> Expr:
    given = tuple(part.expr for part in arguments)
    match name, given:
        case "matmul", (left, right):
            return Call("matmul", (left, right))
        case "transpose", (operand,):
            return Call("transpose", (operand,))
        case "multiply", (left, right):
            return Mul((left, right))
        case "divide", (left, right):
            return Div(left, right)
        case "pow", (left, right):
            return Pow(left, right)
        case "square", (operand,):
            return Pow(operand, num(2))
    if name in cursor.symbols.functions and name not in FUNCTIONS:
        return Call(name, given)
    function = FUNCTIONS.get(name)
    if len(given) == 1 and name in WHOLE:
        return Call(name, given)
    if function is not None and (len(given) == function.arity or (function.variadic and len(given) > 1)):
        return Call(name, given)
    raise cursor.error(f"`{name}` does not take {len(given)} argument{'s' * (len(given) != 1)}", token)


def method(cursor: LatexCursor, left: Part) -> Part:
    """`a.dot(b)`, `x.sum()`, as code writes them. Raises Unreadable."""
    token = cursor.next()
    name = token.text.removesuffix("()")
    if name == "dot" and cursor.sees("("):
        right = listed(cursor)
        if len(right) == 1:
            end = cursor.tokens[cursor.at - 1].end
            return cursor.made(Call("matmul", (left.expr, right[0].expr)), [left, *right], left.start, end)
    if token.text.endswith("()") and name in WHOLE:
        return cursor.made(Call(name, (left.expr,)), [left], left.start, token.end)
    raise cursor.error(f"`.{name}` with these arguments cannot be read", token)


def bars(cursor: LatexCursor) -> Part:
    """|x|, ‖x‖ and ‖x‖₂, of which the first bar comes next. Raises Unreadable."""
    opener = cursor.next()
    twice = opener.text == "|" and cursor.sees("|") and cursor.token.start == opener.end
    if twice:
        cursor.next()
    norm = twice or opener.text.startswith("‖")
    close = {"|(": ")|", "‖(": ")‖"}.get(opener.text, opener.text)
    cursor.brackets += 1
    cursor.bars.append(0 if close != opener.text else 1)
    cursor.enter(3)
    inner = cursor.expression(SUM)
    cursor.leave(3)
    end = cursor.take(close).end
    if twice:
        end = cursor.take(close).end
    cursor.bars.pop()
    cursor.brackets -= 1
    if norm and cursor.token.kind in ("sub", "lowered"):
        sub = cursor.next()
        index = Part(num(2), 1, sub.start, sub.end)
        if sub.text != "2":
            index = cursor.braced() if cursor.sees("{") else cursor.expression(POWER + 1)
        if index.expr != num(2):
            raise cursor.error("only the norm with index 2 is read", sub)
        end = cursor.tokens[cursor.at - 1].end
    return cursor.made(Call("norm2" if norm else "abs", (inner.expr,)), [inner], opener.start, end)


def floor(cursor: LatexCursor) -> Part:
    r"""⌊a/b⌋ is `div(a, b)`, ⌈a/b⌉ is `-div(-a, b)`. Raises Unreadable."""
    opener = cursor.next()
    cursor.brackets += 1
    cursor.bars.append(0)
    cursor.enter(3)
    inner = cursor.expression(SUM)
    cursor.leave(3)
    end = cursor.take(_FLOORS[opener.text]).end
    cursor.bars.pop()
    cursor.brackets -= 1
    match inner:
        case Part(over=(above, below)):
            pass
        case Part(expr=Div(above, below)):
            pass
        case _:
            above, below = inner.expr, ONE
    expr = Call("div", (above, below)) if opener.text == "⌊" else Neg(Call("div", (_negative(above), below)))
    return cursor.made(expr, [inner], opener.start, end)


def _negative(expr: Expr) -> Expr:
    return Num(-expr.value) if isinstance(expr, Num) else Neg(expr)
