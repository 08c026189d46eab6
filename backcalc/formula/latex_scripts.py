r"""What hangs on a name: subscripts, `_{jk}`, primes, and superscripts that count samples or layers, `^{(i)}`."""

from __future__ import annotations

import re

from backcalc.formula.latex_cursor import SUM, LatexCursor
from backcalc.formula.latex_symbols import Atom, Variants, simple_atoms
from backcalc.formula.lexer import Token
from backcalc.formula.tree import Mul, Ref

MAX_ITEMS = 12
MAX_PRIMES = 3
_CLOSES = {"(": ")", "[": "]"}
_RAISED_WORDS = frozenset(("new", "old", "next", "prev", "true", "pred", "train", "test"))


def label(text: str) -> str:
    r"""What `\mathrm{…}` holds as a name: blanks and hyphens are underscores."""
    plain = re.sub(r"\\[,; ]|[\s-]", " ", text).replace(r"\_", "_").replace("~", " ")
    return "_".join(plain.split())


def primes_of(cursor: LatexCursor) -> str:
    primes = ""
    while cursor.token.kind == "prime":
        cursor.next()
        primes += "'"
    if len(primes) > MAX_PRIMES:
        raise cursor.unexpected(f"a name with more than {MAX_PRIMES} primes")
    return primes


def indexed(item: Variants) -> Variants:
    """An item in index brackets is an index and never a label."""
    return tuple(tuple(Atom(None, atom.expr) for atom in way) for way in item[:1])


# -- subscripts -------------------------------------------------------------------------------------


def subscript(cursor: LatexCursor) -> list[Variants]:
    opener = cursor.next()
    if opener.kind == "lowered":
        return _lowered(cursor, opener)
    if cursor.sees("{"):
        cursor.next()
        return items(cursor, "}")
    token = cursor.token
    if token.kind in ("word", "number", "name", "text"):
        cursor.next()
        short = _atoms(cursor, token)
        after = cursor.token
        joined = token.text + after.text
        if token.kind == "word" and after.kind in ("word", "number") and after.start == token.end:
            return [_unbraced(cursor, token, after, joined)]
        return [short]
    raise cursor.unexpected("expected a subscript")


def _unbraced(cursor: LatexCursor, token: Token, after: Token, joined: str) -> Variants:
    """`w_jk` is w_j times k in LaTeX; where the key has an array of two axes, the writer forgot the braces."""
    stem = cursor.tokens[cursor.at - 3]
    name = label(stem.text)
    if cursor.symbols.rank(name) == len(joined) > 1 or cursor.symbols.knows(f"{name}_{joined}"):
        reason = f"the subscript of `{name}` is `{joined}`, or `{token.text}` and a product follows"
        if cursor.choose(f"unbraced {name}_{joined}", 2, reason) == 0:
            cursor.next()
            return simple_atoms(cursor.symbols, joined)
    return _atoms(cursor, token)


def _lowered(cursor: LatexCursor, token: Token) -> list[Variants]:
    if not token.text.isalnum():
        raise cursor.error("this subscript cannot be read", token, "write it as `_{i+1}`")
    return [simple_atoms(cursor.symbols, token.text)]


def _atoms(cursor: LatexCursor, token: Token) -> Variants:
    if token.kind == "text":
        text = label(token.text)
        if len(text) > 1:
            return ((Atom(text, Ref(text) if cursor.symbols.knows(text) else None),),)
        return simple_atoms(cursor.symbols, text)
    if token.kind == "number" and not token.text.isdigit():
        return ((Atom(None, None),),)
    return simple_atoms(cursor.symbols, token.text)


def items(cursor: LatexCursor, close: str) -> list[Variants]:
    """The items between commas, up to the bracket that closes them."""
    cursor.enter(6)
    cursor.brackets += 1
    found: list[Variants] = []
    while True:
        found.append(_item(cursor, close))
        if cursor.token.kind == "separator" and cursor.token.text == "," and len(found) <= MAX_ITEMS:
            cursor.next()
            continue
        if len(found) > MAX_ITEMS:
            raise cursor.unexpected("too many subscripts")
        cursor.take(close)
        cursor.brackets -= 1
        cursor.leave(6)
        return found


def _item(cursor: LatexCursor, close: str) -> Variants:
    simple: list[Token] = []
    if cursor.sees("{") and cursor.ahead(2).text == "}":  # what a font command leaves: \mathcal{B}
        del cursor.tokens[cursor.at + 2]
        cursor.next()
    at = cursor.at
    while cursor.tokens[at].kind in ("word", "number", "name", "text") and len(simple) <= 4:
        simple.append(cursor.tokens[at])
        at += 1
    after = cursor.tokens[at]
    ends = (after.kind == "bracket" and after.text == close) or (after.kind == "separator" and after.text == ",")
    if not simple or not ends or any(token.kind == "number" and not token.text.isdigit() for token in simple):
        if after.kind == "bracket" and after.text == close and not simple:
            raise cursor.unexpected("expected a subscript")
        part = cursor.expression(SUM)
        return ((Atom(None, part.expr),),)
    cursor.at = at
    if len(simple) == 1:
        return _atoms(cursor, simple[0])
    whole = tuple(_atoms(cursor, token)[0][0] for token in simple)
    ways = [whole]
    if all(atom.expr is not None for atom in whole):
        ways.append((Atom(None, Mul(tuple(atom.expr for atom in whole if atom.expr is not None))),))
    if simple[0].kind == "number":
        ways.reverse()
    return tuple(ways)


# -- superscripts -----------------------------------------------------------------------------------


def sample(cursor: LatexCursor, stem: str) -> list[Variants] | None:
    """`^{(i)}`, `^{[l]}`, `^(i)`: which sample or layer; None where a power or nothing follows."""
    token = cursor.token
    if token.kind == "raised" and token.text.startswith("(") and token.text.endswith(")"):
        inner = token.text[1:-1]
        if inner.isalnum():
            cursor.next()
            return [simple_atoms(cursor.symbols, inner)]
    if token.kind != "sup":
        return _argument(cursor, stem)
    if cursor.ahead().kind == "prime" or (cursor.ahead().text == "{" and cursor.ahead(2).kind == "prime"):
        return _raised_prime(cursor)
    braces = cursor.ahead().kind == "bracket" and cursor.ahead().text == "{"
    opener = cursor.ahead(2 if braces else 1)
    if opener.kind != "bracket" or opener.text not in _CLOSES:
        return None
    close = _closing(cursor, cursor.at + (2 if braces else 1))
    if close is None or (braces and not (cursor.tokens[close + 1].text == "}" and close + 1 < len(cursor.tokens))):
        return None
    inside = cursor.tokens[cursor.at + (3 if braces else 2) : close]
    if not inside or not _counts_samples(cursor, inside, braces):
        return None
    cursor.at += 3 if braces else 2
    found = items(cursor, _CLOSES[opener.text])
    if braces:
        cursor.take("}")
    if opener.text == "[":  # a layer, never a sample
        found = [((Atom(text, None),),) if (text := item[0][0].text or "").isdigit() else item for item in found]
    return found


def _counts_samples(cursor: LatexCursor, inside: list[Token], braces: bool) -> bool:
    """Whether what stands in the parentheses of a superscript is an index and not an exponent."""
    if any(token.kind not in ("word", "name", "number", "operator", "separator", "text") for token in inside):
        return False
    if any(token.kind == "operator" and token.text not in "+-" for token in inside):
        return False
    if not braces and cursor.words:
        return len(inside) == 1 and inside[0].kind == "word" and not cursor.symbols.knows(inside[0].text)
    words = [token.text for token in inside if token.kind in ("word", "name")]
    return not any(cursor.symbols.knows(word) and len(inside) > 1 and not word.islower() for word in words)


def _raised_prime(cursor: LatexCursor) -> list[Variants]:
    cursor.next()
    if cursor.sees("{"):
        close = cursor.at + 1
        while cursor.tokens[close].kind == "prime":
            close += 1
        if cursor.tokens[close].text != "}":
            raise cursor.unexpected("expected primes alone")
        del cursor.tokens[close]
        del cursor.tokens[cursor.at]
    return []


def _argument(cursor: LatexCursor, stem: str) -> list[Variants] | None:
    """`x_1(i)` in place of x_1^{(i)}, where x is an array and i an index."""
    inside = cursor.ahead()
    if not (cursor.sees("(") and inside.kind == "word" and cursor.ahead(2).text == ")"):
        return None
    arrays = cursor.symbols.rank(stem) or any(cursor.symbols.rank(f"{stem}{digit}") for digit in range(1, 10))
    if inside.text not in ("i", "j", "k", "n", "t") or cursor.symbols.knows(inside.text) or not arrays:
        return None
    reason = f"`{stem}…({inside.text})` is sample {inside.text} of {stem}, or a product"
    if cursor.choose(f"argument {stem}({inside.text})", 2, reason) != 0:
        return None
    cursor.next()
    return items(cursor, ")")


def power_before_subscript(cursor: LatexCursor) -> bool:
    """Puts `x^2_j` in the order `x_j^2`."""
    if cursor.token.kind != "sup":
        return False
    middle = _after_script(cursor, cursor.at)
    if middle is None or cursor.tokens[middle].kind != "sub":
        return False
    end = _after_script(cursor, middle)
    if end is None:
        return False
    tokens = cursor.tokens
    tokens[cursor.at : end] = [*tokens[middle:end], *tokens[cursor.at : middle]]
    return True


def _after_script(cursor: LatexCursor, at: int) -> int | None:
    """The token after the script that begins at `at`."""
    opener = cursor.tokens[min(at + 1, len(cursor.tokens) - 1)]
    if opener.kind == "bracket" and opener.text == "{":
        close = _closing(cursor, at + 1)
        return None if close is None else close + 1
    return at + 2 if opener.kind in ("number", "word", "name", "prime", "text") else None


def _closing(cursor: LatexCursor, at: int) -> int | None:
    """Where the bracket at a token closes."""
    depth = 0
    for place in range(at, min(at + 40, len(cursor.tokens))):
        token = cursor.tokens[place]
        if token.kind == "bracket":
            depth += 1 if token.text in "([{" else -1 if token.text in ")]}" else 0
            if depth == 0:
                return place
    return None


def raised_word(cursor: LatexCursor) -> str | None:
    """Takes the word of `w^{new}` and answers it; None, and nothing taken, where it is a power."""
    if cursor.token.kind != "sup" or cursor.ahead().text != "{":
        return None
    nested = cursor.ahead(2).text == "("
    token = cursor.ahead(3 if nested else 2)
    closers = [cursor.ahead(4).text, cursor.ahead(5).text] if nested else [cursor.ahead(3).text]
    word = label(token.text)
    if token.kind not in ("word", "text") or closers != ([")", "}"] if nested else ["}"]):
        return None
    if word not in _RAISED_WORDS and (token.kind != "text" or len(word) < 2 or cursor.symbols.knows(word)):
        return None
    cursor.at += 6 if nested else 4
    return word
