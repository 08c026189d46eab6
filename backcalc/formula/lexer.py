"""Text to tokens, in one pass and within budgets: whatever is too long or too deep is refused here, before any tree."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from fractions import Fraction
from typing import NamedTuple

from backcalc.formula.errors import FormulaError, nearest
from backcalc.formula.functions import REDUCTIONS
from backcalc.formula.names import GREEK, spelled

MAX_TEXT = 20_000
MAX_TOKENS = 5_000
MAX_DEPTH = 100
MAX_DIGITS = 100
MAX_EXPONENT = 400

_NUMBER = re.compile(r"(?P<whole>[0-9]+(?:\.(?!\.)[0-9]*)?|\.[0-9]+)(?:[eE](?P<exponent>[+-]?[0-9]+))?")
_OPERATOR = re.compile(r"\*\*|==|!=|<=|>=|\.\.|\.T\b|[-+*/^=<>()\[\],{}@]")
_TRANSPOSED = re.compile(r"ᵀ|\^\s*(?:⊤|\\top\b|\{\s*(?:⊤|\\top)\s*\})")
_REDUCER = re.compile(r"(?:([ΣΠ∑∏])|(" + "|".join(REDUCTIONS) + r"))_\{")
_SUPERSCRIPT = re.compile("⁻?[⁰¹²³⁴⁵⁶⁷⁸⁹]+")
_PLAIN = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
_COMMAND = re.compile(r"\\[A-Za-z]+")
_FRACTION = re.compile(r"\\frac\s*\{\s*\\partial\s+(\w+)\s*\}\s*\{\s*\\partial\s+(\\?\w+(?:\{\w+\})?)\s*\}")

# d^2J/dw^2, d^2J/(dw1 dw2), d(dJ/dw)/dz, d(dJ/dw)/d(dJ/dz) and ds/d(dJ/dw) are one name each.
_SECOND = re.compile(r"d\^2(?P<loss>[^\W\d]\w*)/(?:d\w+\^2|\(d\w+ d\w+\))")
_NESTED = re.compile(r"d\(d(?P<loss>[^\W\d]\w*)/d\w+\)/d(?:\w+|\(d\w+/d\w+\))")
_BY_DERIVATIVE = re.compile(r"d(?P<loss>[^\W\d]\w*)/d\(d\w+/d\w+\)")
_WORD = r"[^\W\d²][^\W²]*['′]*"
_TWICE = re.compile(rf"∂²({_WORD})/∂({_WORD})(?:²|∂({_WORD}))")
_OF_DERIVATIVE = re.compile(rf"∂(?:\(∂({_WORD})/∂({_WORD})\)|({_WORD}))/∂(?:\(∂({_WORD})/∂({_WORD})\)|({_WORD}))")

_SAME = {
    "−": "-",
    "–": "-",
    "·": "*",
    "⋅": "*",
    "×": "*",
    "∗": "*",
    "⊙": "*",
    "÷": "/",
    "≤": "<=",
    "≥": ">=",
    "≠": "!=",
    "**": "^",
}
_BIG = {"Σ": "sum", "∑": "sum", "Π": "prod", "∏": "prod"}
_COMMANDS = {
    r"\cdot": "*",
    r"\times": "*",
    r"\odot": "*",
    r"\le": "<=",
    r"\leq": "<=",
    r"\ge": ">=",
    r"\geq": ">=",
    r"\ne": "!=",
}
_GREEK_NAMES = {*GREEK.values(), "varepsilon", "varphi", "vartheta"}
_CLOSES = {"(": ")", "[": "]", "{": "}"}


class Token(NamedTuple):
    """A token: `kind` is number, name, reducer (`Σ_{`), superscript, operator or end; `text` is its one spelling."""

    kind: str
    text: str
    start: int
    end: int


def tokens(text: str, losses: Collection[str] = ()) -> list[Token]:
    """The tokens of a formula, the last of kind `end`; brackets are known to match and to nest within the budget.

    Raises FormulaError.

    >>> [token.text for token in tokens("γ₁·x² ≤ dJ/dz", losses={"J"})]
    ['gamma1', '*', 'x', '2', '<=', 'dJ/dz', '']
    """
    if len(text) > MAX_TEXT:
        raise FormulaError(
            f"the formula is too long: {len(text)} characters, at most {MAX_TEXT} are read",
            text,
            MAX_TEXT,
            MAX_TEXT + 1,
        )
    found: list[Token] = []
    opened: list[Token] = []
    at, end = 0, len(text)
    while at < end:
        if text[at].isspace():
            at += 1
            continue
        if len(found) == MAX_TOKENS:
            raise FormulaError(f"the formula has more than {MAX_TOKENS} parts", text, at, at + 1)
        token = _token(text, at, losses)
        _track_brackets(text, token, opened)
        found.append(token)
        at = token.end
    if opened:
        last = opened[-1].end
        raise FormulaError(f"`{text[last - 1]}` is never closed", text, last - 1, last)
    found.append(Token("end", "", end, end))
    return found


def _token(text: str, at: int, losses: Collection[str]) -> Token:
    char = text[at]
    if reducer := _REDUCER.match(text, at):
        return Token("reducer", _BIG[reducer[1]] if reducer[1] else reducer[2], at, reducer.end())
    if number := _NUMBER.match(text, at):
        return Token("number", number[0], at, number.end())
    if transposed := _TRANSPOSED.match(text, at):
        return Token("operator", ".T", at, transposed.end())
    if operator := _OPERATOR.match(text, at):
        return Token("operator", _SAME.get(operator[0], operator[0]), at, operator.end())
    if char in "∑∏" or (char in _BIG and text[at + 1 :].lstrip().startswith("(")):
        return Token("name", _BIG[char], at, at + 1)
    if char in _SAME or char == "√":
        return Token("operator", _SAME.get(char, char), at, at + 1)
    if power := _SUPERSCRIPT.match(text, at):
        return Token("superscript", power[0].translate(_PLAIN), at, power.end())
    if char == "∂":
        return _partial(text, at)
    if char == "\\":
        return _command(text, at)
    if is_letter(char) or char == "_":
        return _name(text, at, losses)
    hints = {".": "the transpose of `X` is `X.T`", "ⁿ": "write `^n`"}
    raise FormulaError(f"unexpected character `{_shown(char)}`", text, at, at + 1, hints.get(char))


def is_letter(char: str) -> bool:
    """Whether a name may begin with this character; raised and lowered letters (ⁿ, ᵢ) are none, they are notation."""
    return char.isalpha() and (char.isascii() or unicodedata.category(char) != "Lm")


def _word_end(text: str, at: int) -> int:
    while at < len(text):
        char = text[at]
        if not (is_letter(char) or char in "_0123456789₀₁₂₃₄₅₆₇₈₉" or unicodedata.category(char) == "Mn"):
            break
        at += 1
    while at < len(text) and text[at] in "'′":
        at += 1
    return at


def _word(text: str, at: int) -> tuple[str, int]:
    """The name that begins at `at`, spelled, and where it ends."""
    end = _word_end(text, at)
    name = spelled(text[at:end])
    if not all(is_letter(char) or char in "_0123456789'" for char in name):
        raise FormulaError("a name is made of letters, digits and `_`", text, at, end)
    return name, end


def _name(text: str, at: int, losses: Collection[str]) -> Token:
    for pattern in (_SECOND, _NESTED, _BY_DERIVATIVE):
        if losses and text[at] == "d" and (found := pattern.match(text, at)) and found["loss"] in losses:
            return Token("name", found[0], at, found.end())
    name, end = _word(text, at)
    if name[0] == "d" and name[1:] in losses and text.startswith("/d", end) and _word_end(text, end + 2) > end + 2:
        below, end = _word(text, end + 1)
        name = f"{name}/{below}"
    return Token("name", name, at, end)


def _partial(text: str, at: int) -> Token:
    """`∂J/∂w`, always one name; `∂²J/∂w²` and `∂(∂J/∂w)/∂z` too."""
    if twice := _TWICE.match(text, at):
        above, first, second = (None if word is None else spelled(word) for word in twice.groups())
        below = f"d{first}^2" if second is None else f"(d{first} d{second})"
        return Token("name", f"d^2{above}/{below}", at, twice.end())
    if nested := _OF_DERIVATIVE.match(text, at):
        top, by, above, inner, under, below = ("" if word is None else spelled(word) for word in nested.groups())
        sides = (above or f"(d{top}/d{by})", below or f"(d{inner}/d{under})")
        return Token("name", "/".join(f"d{side}" for side in sides), at, nested.end())
    middle = _word_end(text, at + 1)
    if middle > at + 1 and text.startswith("/∂", middle):
        end = _word_end(text, middle + 2)
        if end > middle + 2:
            return Token("name", f"d{_word(text, at + 1)[0]}/d{_word(text, middle + 2)[0]}", at, end)
    raise FormulaError("expected a derivative", text, at, max(middle, at + 1), "write it as `∂J/∂w`, without blanks")


def _command(text: str, at: int) -> Token:
    r"""`\gamma`, `\cdot`, and `\frac{\partial J}{\partial w_1}`, which is the name `dJ/dw1`."""
    if fraction := _FRACTION.match(text, at):
        below = re.sub(r"_\{?([0-9]+)\}?", r"\1", fraction[2].replace("\\", ""))
        return Token("name", f"d{spelled(fraction[1])}/d{spelled(below)}", at, fraction.end())
    command = _COMMAND.match(text, at)
    if command and command[0] in _COMMANDS:
        return Token("operator", _COMMANDS[command[0]], at, command.end())
    if command and command[0][1:] in _GREEK_NAMES:
        rest, end = _word(text, command.end()) if command.end() < len(text) else ("", command.end())
        return Token("name", command[0][1:].removeprefix("var") + rest, at, end)
    close = nearest(command[0][1:], sorted(_GREEK_NAMES)) if command else None
    word = command[0] if command else "\\"
    raise FormulaError(
        f"unknown command `{word}`", text, at, at + len(word), f"did you mean `\\{close}`?" if close else None
    )


def _track_brackets(text: str, token: Token, opened: list[Token]) -> None:
    """Keeps the stack of open brackets; refuses those that do not match or nest too deep."""
    if token.kind == "reducer" or (token.kind == "operator" and token.text in _CLOSES):
        opened.append(token)
        if len(opened) > MAX_DEPTH:
            raise too_deep(text, token)
    elif token.kind == "operator" and token.text in ")]}":
        if not opened:
            raise FormulaError(f"`{token.text}` closes nothing", text, token.start, token.end)
        opener = text[opened.pop().end - 1]
        if _CLOSES[opener] != token.text:
            message = f"`{opener}` is closed by `{token.text}`"
            raise FormulaError(message, text, token.start, token.end, f"expected `{_CLOSES[opener]}`")


def too_deep(text: str, token: Token) -> FormulaError:
    """The error of a formula that nests deeper than the budget."""
    return FormulaError(f"the formula is nested more than {MAX_DEPTH} deep", text, token.start, token.end)


def number(text: str, token: Token) -> Fraction:
    """The exact value of a literal; refuses before any large number exists. Raises FormulaError."""
    parts = _NUMBER.fullmatch(token.text)
    assert parts is not None
    whole, _, decimals = parts["whole"].partition(".")
    if len(whole) + len(decimals) > MAX_DIGITS:
        raise FormulaError(f"a number may have at most {MAX_DIGITS} digits", text, token.start, token.end)
    written = parts["exponent"] or ""
    power = written.lstrip("+-0") or "0"
    if len(power) > len(str(MAX_EXPONENT)) or int(power) > MAX_EXPONENT:
        raise FormulaError(f"the exponent of a number may be at most {MAX_EXPONENT}", text, token.start, token.end)
    exponent = -int(power) if written.startswith("-") else int(power)
    return int(whole + decimals) * Fraction(10) ** (exponent - len(decimals))


def _shown(char: str) -> str:
    return char if char.isprintable() else f"U+{ord(char):04X}"
