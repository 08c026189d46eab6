"""A place in the tokens of one row, the budgets, and the choices where a reader of mathematics could go either way."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from backcalc.formula.errors import FormulaError
from backcalc.formula.latex_chain import Written
from backcalc.formula.latex_symbols import Symbols
from backcalc.formula.latex_tokens import Unreadable
from backcalc.formula.lexer import MAX_DEPTH, Token, number
from backcalc.formula.names import derivative_parts, is_derivative
from backcalc.formula.tree import Add, Call, Div, Expr, Mul, Neg, Num, Pow, Ref

COMPARE, SUM, PRODUCT, POWER, SCRIPT = range(1, 6)
MAX_FRAMES = 700  # of the interpreter's stack, which holds a thousand
_SCALAR = ("sum", "mean", "prod", "max", "min", "norm2", "sumsq")
_THOUSANDS = {"K": 10**3, "k": 10**3, "M": 10**6, "B": 10**9}


@dataclass(frozen=True, slots=True)
class Part:
    """A part that has been read: `integer` if it is a bare integer literal, `over` what its fraction bar separates."""

    expr: Expr
    height: int
    start: int
    end: int
    integer: bool = False
    over: tuple[Expr, Expr] | None = None
    literal: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """Where the text can be read in `ways` ways, of which one is the likeliest."""

    ways: int
    reason: str
    likely: int = 0


class LatexCursor(ABC):
    """Reads tokens one by one. `picks` says which way to go at the choices met before; the others go way 0."""

    def __init__(
        self, text: str, tokens: Sequence[Token], symbols: Symbols, words: bool, picks: Mapping[str, int]
    ) -> None:
        self.text = text
        self.row = tokens
        self.tokens = list(tokens)
        self.symbols = symbols
        self.words = words
        self.picks = picks
        self.at = 0
        self.brackets = 0
        self.bars = [0]
        self.choices: dict[str, Choice] = {}
        self.notes: list[str] = []
        self.frames = 0
        self.crosses = sum(token.kind == "cross" for token in tokens)
        self.open_sums: dict[int, tuple[str, str]] = {}  # where the body of a sum ends: its choice and its index
        self.vague: set[int] = set()  # where words that nobody knows begin and end
        self._written: dict[int, tuple[Num, Written]] = {}

    @abstractmethod
    def expression(self, power: int = SUM, left: Part | None = None) -> Part:
        """Everything that binds at least as tightly as `power`."""

    @abstractmethod
    def operand(self, power: int) -> Part:
        """A value on its own, without what follows it."""

    @abstractmethod
    def braced(self) -> Part:
        """What stands in the braces that come next."""

    @abstractmethod
    def exponent(self) -> Part:
        """What is raised next."""

    @abstractmethod
    def item(self, close: str) -> list[Part]:
        """One thing in brackets; more where `1,200` is two numbers."""

    @abstractmethod
    def starts_factor(self) -> bool:
        """Whether the next token begins a factor of a product without a sign."""

    @property
    def token(self) -> Token:
        """The token to be read next."""
        return self.tokens[self.at]

    def ahead(self, steps: int = 1) -> Token:
        """A token further on; the last one where the row ends before."""
        return self.tokens[min(self.at + steps, len(self.tokens) - 1)]

    def next(self) -> Token:
        """Takes a token."""
        token = self.token
        self.at += 1 if token.kind != "end" else 0
        return token

    def sees(self, *texts: str) -> bool:
        """Whether one of these brackets or operators comes next."""
        return self.token.kind in ("operator", "bracket") and self.token.text in texts

    def take(self, text: str) -> Token:
        """Takes this bracket. Raises Unreadable."""
        if not self.sees(text):
            raise self.unexpected(f"expected `{text}`" if text in ")]}" else "this is never closed")
        return self.next()

    def unexpected(self, message: str) -> Unreadable:
        """The error that points at the token to be read next."""
        token = self.token
        if token.kind == "end":
            before = self.tokens[self.at - 1] if self.at else token
            return Unreadable(f"{message} after this", self.text, before.start, max(before.end, before.start + 1))
        return Unreadable(f"{message}, not `{self.shown(token)}`", self.text, token.start, token.end)

    def error(self, message: str, place: Token | Part, hint: str | None = None) -> Unreadable:
        """The error that points at a token or at a part read before."""
        return Unreadable(message, self.text, place.start, place.end, hint)

    def shown(self, token: Token) -> str:
        """A token as it stands in the text, cut where it is long."""
        written = " ".join(self.text[token.start : token.end].split())
        return written if len(written) <= 30 else f"{written[:30]}…"

    def enter(self, frames: int) -> None:
        """Counts the calls between here and the next part, to be taken back by `leave`. Raises Unreadable."""
        self.frames += frames
        if self.frames > MAX_FRAMES:
            raise self.too_deep()

    def leave(self, frames: int) -> None:
        """Takes back what `enter` has counted."""
        self.frames -= frames

    def choose(self, key: str, ways: int, reason: str, likely: int = 0) -> int:
        """Which way to go where several are open; remembers that there was a choice."""
        self.choices.setdefault(key, Choice(ways, reason, likely))
        return min(self.picks.get(key, 0), ways - 1)

    def note(self, text: str) -> None:
        """Remembers faulty notation that can mean one thing only."""
        if text not in self.notes:
            self.notes.append(text)

    def made(self, expr: Expr, parts: Sequence[Part], start: int, end: int) -> Part:
        """A new part over `parts`, within the budget of depth. Raises Unreadable."""
        height = 1 + max((part.height for part in parts), default=0)
        if height > MAX_DEPTH:
            raise self.too_deep()
        return Part(expr, height, start, end)

    def too_deep(self) -> Unreadable:
        """The error of a formula that nests deeper than the budget."""
        token = self.token
        message = f"the formula is nested more than {MAX_DEPTH} deep"
        return Unreadable(message, self.text, token.start, max(token.end, token.start + 1))

    # -- numbers ----------------------------------------------------------------------------------

    def literal(self, *, about: bool = False) -> Part:
        """A number, with the digits it was written with, and a `%` or `K` behind it."""
        token = self.next()
        digits = token.text.replace(",", "")
        try:
            value = number(self.text, Token("number", digits, token.start, token.end))
        except FormulaError as error:
            raise Unreadable(error.message, self.text, error.start, error.end, error.hint) from None
        mantissa, _, exponent = digits.lower().partition("e")
        places = len(mantissa.partition(".")[2])
        unit = Fraction(10) ** (int(exponent or 0) - places)
        half = Fraction(0) if value.denominator == 1 and not places and not exponent and not about else unit / 2
        scale, end, name = 1, token.end, ""
        after = self.token
        if after.kind == "word" and after.text in _THOUSANDS and after.start == token.end and self._is_scale(after):
            scale, end = _THOUSANDS[self.next().text], after.end
            half = unit / 2
        if self.sees("%") and not self.starts_operand(self.ahead()):
            name, end = "%", self.next().end
        node = Num(value * scale)
        text = self.text[token.start : end]
        self._written[id(node)] = (node, Written(node.value, text, half * scale, about, name, token.start, end))
        return Part(node, 1, token.start, end, integer=digits.isdigit() and not name and scale == 1, literal=True)

    def _is_scale(self, after: Token) -> bool:
        thousand = not self.symbols.knows(after.text) and not self.starts_operand(self.ahead())
        if thousand and not self.words:
            reason = f"`{after.text}` behind a number is a thousandfold or a name"
            return self.choose(f"scale {after.start}", 2, reason) == 0
        return thousand

    def starts_operand(self, token: Token) -> bool:
        """Whether a value begins with this token."""
        if token.kind in ("number", "word", "name", "accent", "half"):
            return True
        return token.kind == "bracket" and token.text in ("(", "[", "{")

    def negated(self, part: Part, start: int) -> Part:
        """The literal with a minus sign taken in."""
        assert isinstance(part.expr, Num)
        node = Num(-part.expr.value)
        known = self._written.get(id(part.expr))
        if known is not None:
            written = known[1]
            self._written[id(node)] = (
                node, replace(written, value=node.value, text=self.text[start : written.end], start=start)
            )  # fmt: skip
        return replace(part, expr=node, start=start)

    def ratio(self, above: Part, below: Part, start: int, end: int) -> Part | None:
        """The quotient of two integer literals, which is a number of its own; else None."""
        if not (above.integer and below.integer and isinstance(above.expr, Num) and isinstance(below.expr, Num)):
            return None
        if below.expr.value <= 0:
            return None
        node = Num(above.expr.value / below.expr.value)
        self._written[id(node)] = (node, Written(node.value, self.text[start:end], start=start, end=end))
        return Part(node, 1, start, end, over=(above.expr, below.expr), literal=True)

    def unit(self, node: Expr, unit: str) -> None:
        """Remembers the unit behind a number."""
        known = self._written.get(id(node))
        if known is not None:
            self._written[id(node)] = (known[0], replace(known[1], unit=unit))

    def written(self, node: Num) -> Written:
        """How a number of the tree was written; without a text where the reader supplied it."""
        known = self._written.get(id(node))
        return Written(node.value) if known is None else known[1]

    # -- arrays -----------------------------------------------------------------------------------

    def rank(self, expr: Expr) -> int:
        """The number of axes of what is surely a whole array; 0 otherwise."""
        match expr:
            case Ref(name, indices):
                if is_derivative(name) and not name.startswith("d^2"):
                    name = derivative_parts(name)[1]
                return max(0, self.symbols.rank(name) - len(indices))
            case Call("matmul", (Ref() as left, Call("transpose", (right,)))) if (
                self.rank(left) == self.rank(right) == 1
            ):
                return 2
            case Call("matmul", (left, right)):
                ranks = self.rank(left), self.rank(right)
                return sum(ranks) - 2 if all(ranks) else max(ranks)
            case Call("diff", (above, below)):
                return self.rank(above) + self.rank(below)
            case Call(function, (argument,)) if function not in _SCALAR:
                return self.rank(argument)
            case Neg(inner) | Pow(inner, _) | Div(inner, _):
                return self.rank(inner)
            case Mul(parts) | Add(parts):
                return max(map(self.rank, parts))
            case _:
                return 0
