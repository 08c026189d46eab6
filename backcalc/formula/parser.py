"""Tokens to tree: a Pratt parser. `read` is its public face.

Precedence, loosest first: comparisons, `+ -`, `* / @`, `^`, `.T`. A minus sign takes the whole product after it
(`-a*b` is `Neg(Mul((a, b)))`), except that a minus before a literal belongs to the literal (`-2*x`, `a - 1/2`).
"""

from __future__ import annotations

from backcalc.formula import reductions
from backcalc.formula.cursor import Cursor
from backcalc.formula.errors import nearest
from backcalc.formula.functions import ALIASES, FUNCTIONS, REDUCTIONS, WHOLE
from backcalc.formula.lexer import MAX_DEPTH, Token, number, too_deep
from backcalc.formula.pieces import Argument, Piece, equality, index_name
from backcalc.formula.tree import Add, Call, Compare, Div, Mul, Neg, Num, Pow, Ref, Table

COMPARE, SUM, PRODUCT, POWER, SUPERSCRIPT = range(1, 6)
_LEVEL = {"+": SUM, "-": SUM, "*": PRODUCT, "/": PRODUCT, "@": PRODUCT, "^": POWER, ".T": SUPERSCRIPT}
_LEVEL |= dict.fromkeys(("==", "!=", "<", "<=", ">", ">="), COMPARE)
_COUNTS = ("no arguments", "one argument", "two arguments", "three arguments")


class Parser(Cursor):
    """One pass over the tokens of one formula."""

    _calls = 0

    # -- expressions ------------------------------------------------------------------------------

    def expression(self, power: int = COMPARE, left: Piece | None = None) -> Piece:
        """Everything that binds at least as tightly as `power`, after `left` where that has been read already."""
        self._calls += 1
        if self._calls > 2 * MAX_DEPTH + 10:
            raise too_deep(self.text, self.token)
        left = left or self.operand(power)
        while (level := self.level()) >= power:
            place = self.token
            if level == COMPARE:
                left = self.comparison(left)
            elif level == SUM:
                left = self.sum(left)
            elif level == PRODUCT:
                left = self.product(left) if place.text == "*" else self.binary(left)
            elif level == POWER:
                self.next()
                right = self.expression(POWER)
                left = self.made(Pow(left.expr, right.expr), (left, right), left.start, right.end, place)
            elif place.text == ".T":
                self.next()
                left = self.made(Call("transpose", (left.expr,)), (left,), left.start, place.end, place)
            else:
                exponent = self.superscript(self.next())
                left = self.made(Pow(left.expr, exponent), (left,), left.start, place.end, place)
        self._calls -= 1
        return left

    def level(self) -> int:
        """How tightly the next token binds to what stands before it; 0 where it ends the expression."""
        token = self.token
        if token.kind == "superscript":
            return SUPERSCRIPT
        if token.kind != "operator" or (token.text == "=" and not self.brackets):
            return 0
        return COMPARE if token.text == "=" else _LEVEL.get(token.text, 0)

    def comparison(self, first: Piece) -> Piece:
        place = self.token
        operators, parts = [], [first]
        while self.level() == COMPARE:
            operator = self.next().text
            operators.append("==" if operator == "=" else operator)
            parts.append(self.expression(SUM))
        expr = Compare(tuple(operators), tuple(part.expr for part in parts))
        return self.made(expr, tuple(parts), first.start, parts[-1].end, place)

    def sum(self, first: Piece) -> Piece:
        place = self.token
        parts = [first]
        while self.sees("+", "-"):
            minus = self.next().text == "-"
            parts.append(self.negative(PRODUCT) if minus else self.expression(PRODUCT))
        return self.made(Add(tuple(part.expr for part in parts)), tuple(parts), first.start, parts[-1].end, place)

    def product(self, first: Piece) -> Piece:
        place = self.token
        parts = [first]
        while self.sees("*"):
            self.next()
            parts.append(self.expression(POWER))
        return self.made(Mul(tuple(part.expr for part in parts)), tuple(parts), first.start, parts[-1].end, place)

    def binary(self, left: Piece) -> Piece:
        """A quotient or a matrix product; both group to the left."""
        place = self.next()
        right = self.expression(POWER)
        if place.text == "@":
            product = Call("matmul", (left.expr, right.expr))
            return self.made(product, (left, right), left.start, right.end, place)
        if left.integer and right.integer and isinstance(left.expr, Num) and isinstance(right.expr, Num):
            above, below = left.expr.value, right.expr.value
            if below > 0:
                return Piece(Num(above / below), 1, left.start, right.end)
        return self.made(Div(left.expr, right.expr), (left, right), left.start, right.end, place)

    def negative(self, power: int) -> Piece:
        """What a minus sign, just taken, applies to. A literal takes the sign, unless a power binds it tighter."""
        minus = self.tokens[self.at - 1]
        after = self.ahead()
        if self.token.kind == "number" and after.text != "^" and after.kind != "superscript":
            return self.expression(power, self.literal(sign=-1))
        inner = self.expression(power)
        return self.made(Neg(inner.expr), (inner,), minus.start, inner.end, minus)

    def literal(self, sign: int = 1) -> Piece:
        token = self.next()
        value = sign * number(self.text, token)
        return Piece(Num(value), 1, token.start, token.end, integer=token.text.isdigit())

    def superscript(self, token: Token) -> Num:
        digits = token.text.lstrip("-")
        value = number(self.text, Token("number", digits, token.start, token.end))
        return Num(-value if digits != token.text else value)

    # -- operands ---------------------------------------------------------------------------------

    def operand(self, power: int) -> Piece:
        """A literal, a name, a call, a sign and its operand, a sum sign and its body, or a group."""
        token = self.token
        if token.kind == "number":
            return self.literal()
        if token.kind == "name":
            return self.call() if self.ahead().text == "(" else self.name()
        if token.kind == "reducer":
            return self.big_operator()
        if self.sees("-"):
            self.next()
            return self.negative(max(power, PRODUCT))
        if self.sees("+"):
            self.next()
            return self.expression(max(power, PRODUCT))
        if self.sees("("):
            return self.group()
        if self.sees("√"):
            self.next()
            inner = self.expression(SUPERSCRIPT + 1)
            return self.made(Call("sqrt", (inner.expr,)), (inner,), token.start, inner.end, token)
        if self.sees("["):
            piece = self.bracketed()
            if isinstance(piece.expr, Table):
                raise self.error("an array can only be the whole right-hand side of an equation", piece)
            return piece
        raise self.missing()

    def close(self, bracket: str) -> Token:
        """Takes the closing bracket."""
        if not self.sees(bracket):
            self.end()
        self.brackets -= 1
        return self.next()

    def group(self) -> Piece:
        start = self.next().start
        self.brackets += 1
        inner = self.expression()
        return Piece(inner.expr, inner.height, start, self.close(")").end, bare=False)

    def name(self) -> Piece:
        token = self.next()
        if not self.sees("["):
            return Piece(Ref(token.text), 1, token.start, token.end)
        self.next()
        if self.sees("]"):
            raise self.error("expected an index", self.token)
        self.brackets += 1
        positions = [self.expression()]
        while self.sees(","):
            self.next()
            positions.append(self.expression())
        end = self.close("]").end
        expr = Ref(token.text, tuple(position.expr for position in positions))
        return self.made(expr, tuple(positions), token.start, end, token)

    def bracketed(self) -> Piece:
        """`[a > b]`, which is 1 or 0, or the array `[a, b]`, whose rows may be arrays."""
        opener = self.next()
        self.brackets += 1
        parts = [self.item()]
        while self.sees(","):
            self.next()
            parts.append(self.item())
        end = self.close("]").end
        if len(parts) == 1 and isinstance(parts[0].expr, Compare) and parts[0].bare:
            return Piece(parts[0].expr, parts[0].height, opener.start, end, bare=False)
        return self.made(Table(tuple(part.expr for part in parts)), tuple(parts), opener.start, end, opener)

    def item(self) -> Piece:
        if not self.sees("["):
            return self.expression()
        piece = self.bracketed()
        return piece if isinstance(piece.expr, Table) else self.expression(left=piece)

    # -- calls and reductions ---------------------------------------------------------------------

    def call(self) -> Piece:
        token = self.next()
        name = ALIASES.get(token.text, token.text)
        if name not in FUNCTIONS and name not in REDUCTIONS and name not in WHOLE:
            close = nearest(token.text, [*FUNCTIONS, *REDUCTIONS, *WHOLE, "ln"])
            hint = f"did you mean `{close}`?" if close else f"to multiply, write `{token.text[:30]}*(…)`"
            raise self.error(f"unknown function `{token.text[:60]}`", token, hint)
        self.next()
        self.brackets += 1
        given = [] if self.sees(")") else self.arguments()
        end = self.close(")").end
        reduced = reductions.called(self, name, given, token) if name in REDUCTIONS else None
        return reduced or self.applied(name, given, token, end)

    def applied(self, name: str, given: list[Argument], token: Token, end: int) -> Piece:
        """A function of its arguments, as many as it takes."""
        for argument in given:
            if argument.index is not None:
                raise self.error("a range can only be the first argument of a sum", argument.piece)
        function = FUNCTIONS.get(name)
        names = function.arguments if function else ("X",)
        variadic = function is not None and function.variadic
        if len(given) != len(names) and not (variadic and len(given) > len(names)):
            wanted = _COUNTS[len(names)] + (" or more, or an index and a body" if variadic else "")
            hint = f"write `{name}({', '.join(names)})`"
            raise self.error(f"`{name}` takes {wanted}, not {len(given)}", token, hint)
        parts = tuple(argument.piece for argument in given)
        return self.made(Call(name, tuple(part.expr for part in parts)), parts, token.start, end, token)

    def arguments(self) -> list[Argument]:
        """Arguments and ranges, up to the closing bracket."""
        found: list[Argument] = []
        while not found or self.sees(","):
            if found:
                self.next()
            if self.token.kind == "name" and self.ahead().text == "=" and self.ahead(2).text == "..":
                index = Piece(Ref(self.token.text), 1, self.token.start, self.token.end)
                found.append(Argument(index, index_name(index.expr)))
                self.at += 3
                continue
            piece = self.expression()
            found.append(self.ranged(piece) if self.sees("..") else Argument(piece))
        return found

    def ranged(self, piece: Piece) -> Argument:
        """`k=1..K`, of which `k=1` has been read."""
        start = equality(piece, "==")
        if start is None:
            raise self.error("a range is written `k=1..K`", piece)
        self.next()
        upper = self.expression(SUM)
        return Argument(piece, start[0], Piece(start[1], piece.height - 1, piece.start, piece.end), upper)

    def big_operator(self) -> Piece:
        """`Σ_{k=1..K} body`, as `print_unicode` writes it; the body is a product."""
        token = self.next()
        self.brackets += 1
        given = self.arguments()
        self.close("}")
        return reductions.signed(self, given, self.expression(PRODUCT), token)
