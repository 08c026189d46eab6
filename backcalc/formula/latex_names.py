r"""Names with what hangs on them: accents, subscripts, primes, and superscripts that count samples or layers."""

from __future__ import annotations

import re

from backcalc.formula.latex_cursor import LatexCursor, Part
from backcalc.formula.latex_scripts import (
    MAX_ITEMS,
    indexed,
    items,
    label,
    power_before_subscript,
    primes_of,
    raised_word,
    sample,
    subscript,
)
from backcalc.formula.latex_signs import PROSE
from backcalc.formula.latex_symbols import CALLED, MAX_LABEL, Atom, Variants, divide, meanings, simple_atoms
from backcalc.formula.lexer import Token
from backcalc.formula.names import GREEK
from backcalc.formula.print_text import to_text
from backcalc.formula.tree import Expr, Ref, children, num

_GREEK = frozenset(GREEK.values()) | {"epsilon", "varsigma"}
_LABEL = re.compile(r"[A-Za-z0-9_]+")
ELSEWHERE = "this is a product, or the value at other arguments"
_LISTED = frozenset((",", "{", "}"))
_NUMBERED = re.compile(r"\([A-Za-z0-9]{1,3}\)|[A-Za-z0-9]{1,2}\)")
_ENDS_IN_DIGITS = re.compile(r"([A-Za-z_]*[A-Za-z])([0-9]+)")


def is_prose(cursor: LatexCursor, token: Token) -> bool:
    r"""Whether what `\text{…}` holds is words between formulas, and not the name of something."""
    words = token.text.split()
    name = label(token.text)
    if cursor.symbols.knows(name):
        return False
    if len(words) != 1 or words[0].lower().strip(",.;:") in PROSE or _NUMBERED.fullmatch(words[0]):
        return True
    return token.text != token.text.strip() and name.lower() not in CALLED


def is_vague(cursor: LatexCursor, token: Token) -> bool:
    """Whether a word stands there that is no name of the key and no letter: in a formula perhaps, or in prose."""
    letters = token.text.rstrip("0123456789").partition("_")[0]
    known = (
        cursor.symbols.knows(token.text)
        or cursor.symbols.knows(letters)
        or letters in _GREEK
        or token.text in cursor.symbols.own
    )
    return token.kind == "word" and len(letters) > (1 if cursor.words else 2) and not known


def split_word(cursor: LatexCursor, token: Token) -> None:
    """Letters side by side become single names where they are a product: `wx` is w times x, `lr` may be either."""
    ways = _divisions(cursor, token)
    if len(ways) == 1:
        return
    tokens, start = [], token.start
    for piece in ways:
        tokens.append(Token("name", piece, start, start + len(piece)))
        start += len(piece)
    cursor.tokens[cursor.at : cursor.at + 1] = tokens


def _divisions(cursor: LatexCursor, token: Token) -> list[str]:
    run, symbols = token.text, cursor.symbols
    letters = run.rstrip("0123456789")
    if symbols.knows(run) or len(letters) < 2 or letters in _GREEK or (run[0] == "d" and symbols.knows(run[1:])):
        return [run]
    known = divide(symbols, run)
    if known is None and (parts := divide(symbols, letters)):
        known = [*parts[:-1], parts[-1] + run[len(letters) :]]
    if known:
        reason = f"`{run}` is one name or the product of {' and '.join(known)}"
        return known if not cursor.words or not cursor.choose(f"word {run}", 2, reason) else [run]
    if cursor.words or len(letters) > 3 or "_" in run:
        return [run]
    product = [*letters[:-1], run[len(letters) - 1 :]]
    reason = f"`{run}` is the product of its letters or one name"
    return product if not cursor.choose(f"word {run}", 2, reason) else [run]


def named(cursor: LatexCursor) -> Part:
    """A name and everything that hangs on it. Raises Unreadable."""
    token = cursor.next()
    stem = label(token.text) if token.kind == "text" else token.text
    if not _LABEL.fullmatch(stem):
        raise cursor.error("this is no name", token)
    return hanging(cursor, stem, token)


def accented(cursor: LatexCursor) -> Part:
    r"""`\hat{y}_1`, `\hat y_1`, `\hat{y_1}`, and `\overline{x}`. Raises Unreadable."""
    accent = cursor.next()
    braces = cursor.sees("{")
    if braces:
        cursor.next()
    inner = cursor.token
    marks = ""
    if inner.kind == "accent":
        marks, inner = cursor.next().text, cursor.token
        if cursor.sees("{"):
            raise cursor.error("two accents on one letter", accent)
    if inner.kind not in ("word", "name", "text"):
        raise cursor.unexpected("expected the letter under the accent")
    if inner.kind == "word" and len(inner.text.rstrip("0123456789")) > 1 and not braces:
        # \hat yx is an accent on y alone.
        cursor.tokens[cursor.at] = Token("word", inner.text[1:], inner.start + 1, inner.end)
        return hanging(cursor, inner.text[0] + marks + accent.text, accent)
    cursor.next()
    stem = label(inner.text)
    found = _ENDS_IN_DIGITS.fullmatch(stem)
    base, digits = (found[1], found[2]) if found else (stem, "")
    base += marks + accent.text
    if not _LABEL.fullmatch(base):
        raise cursor.error("this is no name", inner)
    if not braces:
        return hanging(cursor, base + digits, accent)
    # What stands inside the braces hangs on the name too: \hat{z_1}^{(i)}.
    subscripts: list[Variants] = []
    while cursor.token.kind in ("sub", "lowered"):
        subscripts += subscript(cursor)
    primes = primes_of(cursor)
    cursor.take("}")
    return hanging(cursor, base + digits, accent, subscripts, primes)


def hanging(
    cursor: LatexCursor, stem: str, token: Token, subscripts: list[Variants] | None = None, primes: str = ""
) -> Part:
    """What a name means with the subscripts, primes and samples that follow. Raises Unreadable."""
    subs = list(subscripts or ())
    stem, underscored = _underscored(cursor, stem)
    subs += underscored
    found = None if cursor.symbols.knows(stem) else _ENDS_IN_DIGITS.fullmatch(stem)
    if found and len(found[2]) <= MAX_LABEL:
        stem, digits = found.groups()
        subs.insert(0, ((Atom(digits, None),), (Atom(digits, num(int(digits))),)))
    samples: list[Variants] = []
    suffix = ""
    while True:
        if cursor.token.kind in ("sub", "lowered"):
            subs += subscript(cursor)
        elif cursor.token.kind == "prime":
            primes += primes_of(cursor)
        elif power_before_subscript(cursor):
            continue
        elif (word := raised_word(cursor)) is not None:
            suffix += f"_{word}"
        elif (counted := sample(cursor, stem)) is not None:
            samples += counted
        elif cursor.words and cursor.sees("[") and cursor.token.start == cursor.tokens[cursor.at - 1].end:
            cursor.next()
            subs += [indexed(item) for item in items(cursor, "]")]
        else:
            break
        if len(subs) + len(samples) > MAX_ITEMS:
            raise cursor.error("too many subscripts", token)
    end = cursor.tokens[cursor.at - 1].end
    options = meanings(cursor.symbols, stem, primes, subs, samples)
    if not options:
        raise cursor.error("a label cannot follow an index in a subscript", token)
    if len(options) > 1:
        listed = " or ".join(f"`{to_text(option)}`" for option in options[:3])
        written = cursor.text[token.start : end] if end - token.start < 60 else stem
        pick = cursor.choose(f"name {options}", len(options), f"`{written}` is {listed}")
        options = options[pick:]
    chosen = Ref(options[0].name + suffix, options[0].indices)
    height = 1 + max((_height(index) for index in chosen.indices), default=0)
    part = cursor.made(chosen, (), token.start, end)
    return Part(chosen, height, part.start, end)


def _underscored(cursor: LatexCursor, stem: str) -> tuple[str, list[Variants]]:
    """The subscripts in a name of code: `x_1` is x with the subscript 1, `input_size` is one name."""
    if not cursor.words or "_" not in stem or cursor.symbols.knows(stem):
        return stem, []
    base, *labels = stem.split("_")
    letters = base.rstrip("0123456789")
    if not all(labels) or not (len(letters) == 1 or letters in _GREEK or cursor.symbols.knows(base)):
        return stem, []
    if any(len(label.rstrip("0123456789")) > 2 for label in labels):
        return stem, []
    return base, [simple_atoms(cursor.symbols, label) for label in labels]


def _height(expr: Expr) -> int:
    return 1 + max((_height(part) for part in children(expr)), default=0)


def loss_of(cursor: LatexCursor, piece: Part) -> Part:
    """`J(w)` and `L(y, t)`: the loss with its arguments, which are left out; with others, `J(2)`, it is not judged."""
    at, found = cursor.at + 1, 0
    while cursor.tokens[at].kind in ("word", "name", "accent", "sub", "number") or cursor.tokens[at].text in _LISTED:
        found += cursor.tokens[at].text == ","
        at += 1
    if cursor.tokens[at].text != ")" or cursor.ahead().kind == "number":
        if _is_side(cursor, piece):
            raise cursor.error("the loss at other values of what it depends on is not judged", piece)
        return piece
    if not found:
        reason = "a loss with its argument, or a product"
        if cursor.choose(f"loss {piece.start}", 2, reason, likely=int(cursor.tokens[at + 1].kind != "relation")) == 1:
            return piece
    cursor.note("the arguments of the loss are left out")
    cursor.at = at + 1
    return Part(piece.expr, piece.height, piece.start, cursor.tokens[at].end)


def value_of(cursor: LatexCursor, piece: Part) -> Part:
    """`h(z) = 2`: a quantity with what it depends on, or a product; with numbers for it, perhaps another value."""
    if not _is_side(cursor, piece) or cursor.tokens[cursor.at - 1].start != cursor.tokens[0].start:
        return piece
    at = cursor.at + 1
    while cursor.tokens[at].kind in ("word", "name", "accent", "sub") or cursor.tokens[at].text in _LISTED:
        at += 1
    if cursor.tokens[at].text != ")" or at == cursor.at + 1:
        cursor.note(ELSEWHERE)
    elif cursor.choose(f"value {piece.start}", 2, "a quantity with its argument, or a product") == 0:
        cursor.note("the arguments are left out")
        cursor.at = at + 1
        return Part(piece.expr, piece.height, piece.start, cursor.tokens[at].end)
    return piece


def _is_side(cursor: LatexCursor, piece: Part) -> bool:
    """Whether a name and the bracket behind it, which does not hold it again, are all of a side: `J(2) = 5`."""
    depth, at = 0, cursor.at
    before = [token.kind for token in cursor.tokens[:at] if token.end <= piece.start]
    name = cursor.tokens[at - 1].text
    while (kind := cursor.tokens[at].kind) != "end":
        depth += {"(": 1, ")": -1}.get(cursor.tokens[at].text, 0) if kind == "bracket" else 0
        at += 1
        if depth == 0:
            break
        if cursor.tokens[at].text == name:
            return False
    return before[-1:] in ([], ["relation"]) and cursor.tokens[at].kind == "relation"


def refuse_call(cursor: LatexCursor, piece: Part) -> None:
    """`f(x)` and `a(b, c)` are calls of functions that nobody knows."""
    if not cursor.sees("(") or not isinstance(piece.expr, Ref):
        return
    name = piece.expr.name
    base = name.rstrip("0123456789").partition("_")[0]
    if base in ("f", "g", "phi", "psi") and not cursor.symbols.knows(name) and not cursor.symbols.knows(base):
        message = f"`{cursor.text[piece.start : piece.end][:40]}(…)` is a function that is not known, or a product"
        raise cursor.error(message, piece)
