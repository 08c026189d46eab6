r"""LaTeX tokens to tree: a Pratt parser beside the plain one, with the products that are written without a sign.

Precedence as in `parser`: comparisons, `+ -`, `· / @` and products, `^`, ⊤. What stands side by side is multiplied;
of two whole arrays it is the matrix product.
"""

from __future__ import annotations

from fractions import Fraction

from backcalc.formula.latex_calls import bars, call, floor, function_name, is_called, listed, method
from backcalc.formula.latex_cases import environment
from backcalc.formula.latex_cursor import COMPARE, POWER, PRODUCT, SCRIPT, SUM, LatexCursor, Part
from backcalc.formula.latex_derivatives import fraction, fraction_of_differentials, inline, is_inline, nabla
from backcalc.formula.latex_names import accented, is_prose, is_vague, loss_of, named, refuse_call, split_word, value_of
from backcalc.formula.latex_products import (
    argument,
    is_negative,
    multiplies_matrices,
    root,
    sign_of_product,
    transposed,
)
from backcalc.formula.latex_signs import PROSE, UNITS
from backcalc.formula.latex_sums import reduction
from backcalc.formula.lexer import MAX_DIGITS, Token
from backcalc.formula.tree import Add, Call, Compare, Div, Mul, Neg, Num, Pow, Ref, Table, names, num

_LEVEL = {"+": SUM, "-": SUM, "*": PRODUCT, "·": PRODUCT, "/": PRODUCT, "@": PRODUCT, "mod": SUM, ".T": SCRIPT}
_COMPARISONS = {"=": "==", "==": "==", "!=": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_SUMS = {r"\sum": "sum", r"\prod": "prod"}
_FRACTIONS = (r"\frac", r"\dfrac", r"\tfrac", r"\cfrac")


class LatexParser(LatexCursor):
    """One pass over the tokens of one row."""

    # -- expressions ------------------------------------------------------------------------------

    def expression(self, power: int = SUM, left: Part | None = None) -> Part:
        """Everything that binds at least as tightly as `power`, after `left` where that has been read already."""
        self.enter(2)
        left = left or self.operand(power)
        while (level := self.level()) >= power:
            if level == COMPARE:
                left = self.comparison(left)
            elif level == SUM:
                left = self.modulo(left) if self.sees("mod") else self.sum(left)
            elif level == PRODUCT:
                left = self.quotient(left) if self.sees("/", "%") else self.product(left)
            else:
                left = self.script(left)
        self.leave(2)
        return left

    def level(self) -> int:
        """How tightly the next token binds to what stands before it; 0 where it ends the expression."""
        token = self.token
        if token.kind == "operator":
            if token.text == "%" and self.words and self.starts_operand(self.ahead()):
                return PRODUCT
            return _LEVEL.get(token.text, 0)
        if token.kind in ("sup", "raised"):
            return POWER
        if token.kind == "method":
            return SCRIPT
        if token.kind == "relation":
            return COMPARE if self.brackets and token.text in _COMPARISONS else 0
        return PRODUCT if token.kind == "cross" or self.starts_factor() else 0

    def starts_factor(self) -> bool:
        """Whether the next token begins a factor of a product without a sign."""
        token = self.token
        if token.text.strip() in UNITS and self.tokens[self.at - 1].kind == "number":
            return self.symbols.knows(token.text.strip())
        match token.kind:
            case "number":
                return self.tokens[self.at - 1].kind != "number"
            case "word":
                return token.text.lower() not in PROSE or self.symbols.knows(token.text)
            case "name" | "accent" | "half":
                return True
            case "text":
                return not is_prose(self, token)
            case "bracket":
                if token.text in ("|", "‖"):
                    return not self.bars[-1]
                return token.text in ("(", "[", "{", "⌊", "⌈", "|(", "‖(")
            case "begin":
                return True
            case "command":
                return token.text not in (r"\dots", r"\ldots", r"\cdots", r"\in", r"\to", r"\rightarrow", r"\pm")
            case _:
                return self.sees("√")

    def comparison(self, first: Part) -> Part:
        operators, parts = [], [first]
        while self.level() == COMPARE:
            operators.append(_COMPARISONS[self.next().text])
            parts.append(self.expression(SUM))
        expr = Compare(tuple(operators), tuple(part.expr for part in parts))
        return self.made(expr, parts, first.start, parts[-1].end)

    def sum(self, first: Part) -> Part:
        parts = [first]
        while self.sees("+", "-"):
            minus = self.next().text == "-"
            parts.append(self.modulo(self.negative(PRODUCT) if minus else self.expression(PRODUCT)))
        self.left_open(parts)
        return self.made(Add(tuple(part.expr for part in parts)), parts, first.start, parts[-1].end)

    def modulo(self, left: Part) -> Part:
        """`a b \\bmod n`, which takes the whole product before it."""
        while self.sees("mod"):
            self.next()
            right = self.expression(POWER)
            left = self.made(Call("mod", (left.expr, right.expr)), (left, right), left.start, right.end)
        return left

    def left_open(self, parts: list[Part]) -> None:
        """Asks whether a sum over i ends before the next `+` where a later term still speaks of i."""
        if not self.open_sums:
            return
        later: frozenset[str] = frozenset()
        for part in reversed(parts):
            key, index = self.open_sums.get(part.end, ("", ""))
            if key and index in later:
                reason = f"the sum over {index} ends before the next sign, or covers what follows it"
                self.choose(key, 2, reason, likely=1)
            later |= names(part.expr)

    def product(self, first: Part) -> Part:
        """Factors, with or without signs between them."""
        parts = [first]
        while self.level() == PRODUCT and not self.sees("/", "%"):
            sign = sign_of_product(self)
            right = self.expression(POWER)
            left = parts[-1]
            if not sign and (right.start in self.vague or left.end in self.vague):
                raise self.error("words, or names side by side that are not known", right)
            if not sign and isinstance(right.expr, Table) and isinstance(left.expr, Ref):
                raise self.error(f"`{self.text[left.start : left.end][:40]}` is no known function", left)
            if sign == "@" or multiplies_matrices(self, left, right, sign):
                if sign == "@" and len(parts) > 1:
                    left = self.made(Mul(tuple(part.expr for part in parts)), parts, first.start, left.end)
                    parts = [left]
                expr = Call("matmul", (left.expr, right.expr))
                parts[-1] = self.made(expr, (left, right), left.start, right.end)
            else:
                parts.append(right)
        if len(parts) == 1:
            return parts[0]
        return self.made(Mul(tuple(part.expr for part in parts)), parts, first.start, parts[-1].end)

    def quotient(self, left: Part) -> Part:
        """`a/b`, or `a % b` in code; a product without signs behind the slash may be meant as a whole."""
        sign = self.next()
        right = self.expression(POWER)
        if sign.text == "%":
            return self.made(Call("mod", (left.expr, right.expr)), (left, right), left.start, right.end)
        tight = self.token.start == self.tokens[self.at - 1].end
        if tight and self.token.kind not in ("cross", "operator", "command") and self.level() == PRODUCT:
            reason = "what is divided by: the first factor after the slash, or the product that follows"
            if self.choose(f"slash {sign.start}", 2, reason) == 1:
                parts = [right]
                while self.token.kind not in ("cross", "operator") and self.level() == PRODUCT:
                    parts.append(self.expression(POWER))
                right = self.made(Mul(tuple(part.expr for part in parts)), parts, right.start, parts[-1].end)
        if ratio := self.ratio(left, right, left.start, right.end):
            return ratio
        return self.made(Div(left.expr, right.expr), (left, right), left.start, right.end)

    def script(self, left: Part) -> Part:
        """A power, a transpose, or a method of code."""
        token = self.token
        if token.kind == "method":
            return method(self, left)
        if token.kind == "operator":
            self.next()
            return self.made(Call("transpose", (left.expr,)), (left,), left.start, token.end)
        if (end := transposed(self)) is not None:
            return self.made(Call("transpose", (left.expr,)), (left,), left.start, end)
        self.enter(2)
        exponent = self.exponent()
        self.leave(2)
        if self.token.kind == "sup" and not self.words:
            raise self.unexpected("two exponents on one symbol")
        return self.made(Pow(left.expr, exponent.expr), (left, exponent), left.start, exponent.end)

    def exponent(self) -> Part:
        """What is raised; a single sign or letter needs no braces."""
        token = self.next()
        if token.kind == "raised":
            digits = token.text.removeprefix("-")
            if digits.isdigit() and len(digits) <= MAX_DIGITS:
                return Part(num(int(token.text)), 1, token.start, token.end)
            if token.text.isalpha() and len(token.text) == 1:
                return Part(Ref(token.text), 1, token.start, token.end)
            raise self.error("this exponent cannot be read", token, "write it as `^{…}`")
        if self.sees("{"):
            return self.braced()
        if self.sees("-"):
            minus = self.next()
            return self.signed(self.operand(SCRIPT), minus.start)
        if self.words:
            return self.expression(POWER)
        return self.operand(SCRIPT)

    def negative(self, power: int) -> Part:
        """What a minus sign, just taken, applies to. A literal takes the sign, unless a power binds it tighter."""
        minus = self.tokens[self.at - 1]
        self.enter(1)
        if self.token.kind == "number" or (self.token.kind == "command" and self.token.text in _FRACTIONS):
            inner = self.operand(POWER)
            if inner.literal and not is_negative(inner) and self.token.kind not in ("sup", "raised"):
                self.leave(1)
                return self.expression(power, self.negated(inner, minus.start))
            inner = self.expression(power, inner)
        else:
            inner = self.expression(power)
        self.leave(1)
        return self.made(Neg(inner.expr), (inner,), minus.start, inner.end)

    def signed(self, part: Part, start: int) -> Part:
        """The part with a minus sign before it."""
        literal = part.literal and not is_negative(part)
        return self.negated(part, start) if literal else self.made(Neg(part.expr), (part,), start, part.end)

    # -- operands ---------------------------------------------------------------------------------

    def operand(self, power: int) -> Part:
        """A literal, a name, a call, a sign and its operand, a fraction, a sum, or a group. Raises Unreadable."""
        token = self.token
        match token.kind:
            case "number":
                return self.literal()
            case "about":
                self.next()
                if self.token.kind != "number":
                    raise self.unexpected("expected a number after `~`")
                return self.literal(about=True)
            case "half":
                self.next()
                return Part(Num(Fraction(token.text)), 1, token.start, token.end)
            case "word" | "name" | "text":
                return self.wording(token)
            case "accent":
                return accented(self)
            case "command":
                return self.command(token)
            case "begin":
                return environment(self)
            case "bracket":
                return self.bracket(token)
        if self.sees("-"):
            self.next()
            return self.negative(max(power, PRODUCT))
        if self.sees("+"):
            self.next()
            return self.expression(max(power, PRODUCT))
        if self.sees("√"):
            self.next()
            inner = self.expression(SCRIPT)
            return self.made(Call("sqrt", (inner.expr,)), (inner,), token.start, inner.end)
        raise self.unexpected("expected a value")

    def wording(self, token: Token) -> Part:
        """A function where it is called, else a name; letters side by side are a product."""
        if token.kind == "text" and is_prose(self, token):
            raise self.unexpected("expected a value")
        if token.kind == "word" and is_inline(self):
            return inline(self)
        known = function_name(self, token)
        if known is not None and is_called(self, known, token):
            return call(self, known)
        if token.kind == "word":
            split_word(self, token)
        if (
            token.text == "Delta"
            and self.ahead().kind in ("word", "name", "accent")
            and not self.symbols.knows("Delta")
        ):
            self.next()
            part = self.operand(SCRIPT)
            if not isinstance(part.expr, Ref):
                raise self.error(f"expected the name that `{self.shown(token)}` is the change of", part)
            return Part(Ref(token.text + part.expr.name, part.expr.indices), part.height, token.start, part.end)
        token = self.token
        piece = named(self)
        if is_vague(self, token):
            self.vague |= {piece.start, piece.end}
        refuse_call(self, piece)
        if not isinstance(piece.expr, Ref) or not self.sees("("):
            return piece
        if piece.expr.name in self.symbols.losses:
            return loss_of(self, piece)
        return value_of(self, piece) if self.symbols.knows(piece.expr.name) else piece

    def command(self, token: Token) -> Part:
        """A command that is neither a letter nor an operator. Raises Unreadable."""
        if token.text in _SUMS:
            self.next()
            return reduction(self, _SUMS[token.text], token)
        if token.text in _FRACTIONS:
            self.next()
            return self.fraction(token)
        if token.text == r"\sqrt":
            return root(self)
        if token.text == r"\partial":
            return inline(self)
        if token.text == r"\nabla":
            return nabla(self)
        if token.text == r"\arg":
            self.next()
            if self.token.text not in (r"\max", r"\min"):
                raise self.unexpected(r"expected `\max`")
            return reduction(self, f"arg{self.next().text[1:]}", token)
        known = function_name(self, token)
        if known is not None:
            return call(self, known)
        raise self.error(f"unknown command `{token.text[:40]}`", token)

    def fraction(self, token: Token) -> Part:
        """A fraction, of which the command has been taken; a derivative where both parts begin with ∂ or d."""
        self.enter(3)
        if fraction_of_differentials(self):
            derivative = fraction(self, token.start)
            self.leave(3)
            return derivative
        above, below = argument(self), argument(self)
        self.leave(3)
        if ratio := self.ratio(above, below, token.start, below.end):
            return ratio
        made = self.made(Div(above.expr, below.expr), (above, below), token.start, below.end)
        return Part(made.expr, made.height, made.start, made.end, over=(above.expr, below.expr))

    # -- groups -----------------------------------------------------------------------------------

    def bracket(self, token: Token) -> Part:
        if token.text == "(":
            return self.group()
        if token.text == "{":
            inner = self.ahead()
            if inner.kind in ("word", "name") and self.ahead(2).text == "}" and inner.text not in PROSE:
                del self.tokens[self.at + 2]
                del self.tokens[self.at]
                return self.wording(self.token)
            return self.braced()
        if token.text == "[":
            return self.group()
        if token.text in ("|", "‖", "|(", "‖("):
            return bars(self)
        if token.text in ("⌊", "⌈"):
            return floor(self)
        raise self.unexpected("expected a value")

    def group(self) -> Part:
        """Parentheses: a part, or the vector `(a, b)`."""
        opener = self.token
        found = listed(self)
        end = self.tokens[self.at - 1].end
        if len(found) == 1:
            inner = found[0]
            return Part(inner.expr, inner.height, opener.start, end)
        rows = [part.expr for part in found]
        if all(isinstance(row, Table) for row in rows) or not any(isinstance(row, Table) for row in rows):
            return self.made(Table(tuple(rows)), found, opener.start, end)
        raise self.error("numbers and rows of numbers stand side by side", found[0])

    def braced(self) -> Part:
        """What stands in braces."""
        start = self.take("{").start
        self.enter(2)
        self.brackets += 1
        self.bars.append(0)
        inner = self.expression(COMPARE)
        end = self.take("}").end
        self.leave(2)
        self.bars.pop()
        self.brackets -= 1
        return Part(inner.expr, inner.height, start, end, inner.integer, inner.over, False)

    def item(self, close: str) -> list[Part]:
        """One thing in brackets; `1,200` alone is one number or two."""
        token, after = self.token, self.ahead()
        if token.kind == "number" and "," in token.text and after.text in (close, ","):
            groups = token.text.split(",")
            reason = f"`{token.text}` is one number or {len(groups)}"
            if self.choose(f"comma {token.start}", 2, reason) == 0:
                pieces, start = [], token.start
                for digits in groups:
                    pieces.append(Token("number", digits, start, start + len(digits)))
                    start += len(digits) + 1
                self.tokens[self.at : self.at + 1] = pieces
                return [self.literal() for _ in groups]
        return [self.expression(COMPARE)]
