"""A place in the tokens of one formula, and the errors that point at it."""

from __future__ import annotations

from collections.abc import Collection

from backcalc.formula.errors import FormulaError
from backcalc.formula.lexer import MAX_DEPTH, Token, tokens, too_deep
from backcalc.formula.pieces import Piece
from backcalc.formula.tree import Expr


class Cursor:
    """Reads the tokens of a formula one by one; `brackets` counts those that are open."""

    def __init__(self, text: str, losses: Collection[str]) -> None:
        self.text = text
        self.tokens = tokens(text, losses)
        self.at = 0
        self.brackets = 0

    @property
    def token(self) -> Token:
        """The token to be read next."""
        return self.tokens[self.at]

    def ahead(self, steps: int = 1) -> Token:
        """A token further on; the last one where the text ends before."""
        return self.tokens[min(self.at + steps, len(self.tokens) - 1)]

    def next(self) -> Token:
        """Takes a token."""
        token = self.token
        self.at += 1
        return token

    def sees(self, *operators: str) -> bool:
        """Whether one of these operators comes next."""
        return self.token.kind == "operator" and self.token.text in operators

    def error(self, message: str, place: Token | Piece, hint: str | None = None) -> FormulaError:
        """The error that points at a token or at a part read before."""
        return FormulaError(message, self.text, place.start, place.end, hint)

    def end(self) -> None:
        """Nothing may follow."""
        token = self.token
        if token.kind == "end":
            return
        if self.sees("=") and not self.brackets:
            raise self.error("`=` cannot stand here", token, "two values are compared with `==`")
        if self.sees(".."):
            raise self.error("a range can only be the first argument of a sum", token, "write `sum(k=1..K, x[k])`")
        if self.sees(","):
            raise self.error("unexpected `,`", token)
        if self.sees("["):
            raise self.error("only a name can be indexed", token)
        if self.sees("{"):
            raise self.error("unexpected `{`", token, "indices stand in brackets: `x[1]`")
        before = self.tokens[self.at - 1]
        left, right = self.text[before.start : before.end], self.text[token.start : token.end]
        starts = token.kind in ("name", "number") or self.sees("(", "√")
        hint = f"write `{left}*{right}{'…)' if right == '(' else ''}`" if starts and len(left + right) < 40 else None
        raise self.error("expected an operator", token, hint)

    def made(self, expr: Expr, parts: tuple[Piece, ...], start: int, end: int, place: Token) -> Piece:
        """A new part over `parts`, within the budget of depth."""
        height = 1 + max(part.height for part in parts)
        if height > MAX_DEPTH:
            raise too_deep(self.text, place)
        return Piece(expr, height, start, end)

    def missing(self) -> FormulaError:
        """The error where a value should stand and none does."""
        token = self.token
        if token.kind != "end":
            return self.error(f"expected a value, not `{self.text[token.start : token.end]}`", token)
        if len(self.tokens) == 1:
            return self.error("the formula is empty", token)
        before = self.tokens[self.at - 1]
        return self.error(f"expected a value after `{self.text[before.start : before.end]}`", token)
