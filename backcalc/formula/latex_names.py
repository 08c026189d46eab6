r"""Names with what hangs on them: accents, subscripts, primes, and superscripts that count samples or layers."""

from __future__ import annotations

import re

from backcalc.formula.latex_cursor import SUM, LatexCursor, Part
from backcalc.formula.latex_symbols import CALLED, Atom, Variants, divide, meanings, simple_atoms
from backcalc.formula.latex_tokens import PROSE
from backcalc.formula.lexer import Token
from backcalc.formula.names import GREEK
from backcalc.formula.print_text import to_text
from backcalc.formula.tree import Expr, Mul, Ref, children, num

MAX_ITEMS = 12
_GREEK = frozenset(GREEK.values()) | {"epsilon", "varsigma"}
_LABEL = re.compile(r"[A-Za-z0-9_]+")
_ENDS_IN_DIGITS = re.compile(r"([A-Za-z_]*[A-Za-z])([0-9]+)")
_CLOSES = {"(": ")", "[": "]"}


def label(text: str) -> str:
    r"""What `\mathrm{…}` holds as a name: blanks and hyphens are underscores."""
    plain = re.sub(r"\\[,; ]|[\s-]", " ", text).replace(r"\_", "_").replace("~", " ")
    return "_".join(plain.split())


def is_prose(cursor: LatexCursor, token: Token) -> bool:
    r"""Whether what `\text{…}` holds is words between formulas, and not the name of something."""
    words = token.text.split()
    name = label(token.text)
    if cursor.symbols.knows(name):
        return False
    if len(words) != 1 or words[0].lower().strip(",.;:") in PROSE:
        return True
    return token.text != token.text.strip() and name.lower() not in CALLED


def is_vague(cursor: LatexCursor, token: Token) -> bool:
    """Whether a word stands there that is no name of the key and no letter: in a formula perhaps, or in prose."""
    letters = token.text.rstrip("0123456789").partition("_")[0]
    known = cursor.symbols.knows(token.text) or cursor.symbols.knows(letters) or letters in _GREEK
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
    if symbols.knows(run) or len(letters) < 2 or letters in _GREEK or run[0] == "d" and symbols.knows(run[1:]):
        return [run]
    known = divide(symbols, run) or (divide(symbols, letters) and [*letters[:-1], run[len(letters) - 1 :]])
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
    if inner.kind == "word":
        if len(inner.text.rstrip("0123456789")) > 1 and not braces:
            # \hat yx is an accent on y alone.
            cursor.tokens[cursor.at] = Token("word", inner.text[1:], inner.start + 1, inner.end)
            first = Token("word", inner.text[0], inner.start, inner.start + 1)
            return hanging(cursor, first.text + marks + accent.text, first)
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
        subscripts += _subscript(cursor)
    primes = _primes(cursor)
    cursor.take("}")
    return hanging(cursor, base + digits, accent, subscripts, primes)


def hanging(
    cursor: LatexCursor, stem: str, token: Token, subscripts: list[Variants] | None = None, primes: str = ""
) -> Part:
    """What a name means with the subscripts, primes and samples that follow. Raises Unreadable."""
    subs = list(subscripts or ())
    found = None if cursor.symbols.knows(stem) else _ENDS_IN_DIGITS.fullmatch(stem)
    if found:
        stem, digits = found.groups()
        subs.insert(0, ((Atom(digits, None),), (Atom(digits, num(int(digits))),)))
    samples: list[Variants] = []
    while True:
        if cursor.token.kind in ("sub", "lowered"):
            subs += _subscript(cursor)
        elif cursor.token.kind == "prime":
            primes += _primes(cursor)
        elif _power_before_subscript(cursor):
            continue
        elif (sample := _sample(cursor, stem)) is not None:
            samples += sample
        elif cursor.words and cursor.sees("[") and cursor.token.start == cursor.tokens[cursor.at - 1].end:
            cursor.next()
            subs += [_indexed(item) for item in _items(cursor, "]")]
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
    chosen = options[0]
    height = 1 + max((_height(index) for index in chosen.indices), default=0)
    part = cursor.made(chosen, (), token.start, end)
    return Part(chosen, height, part.start, end)


def _height(expr: Expr) -> int:
    return 1 + max((_height(part) for part in children(expr)), default=0)


def _primes(cursor: LatexCursor) -> str:
    primes = ""
    while cursor.token.kind == "prime":
        cursor.next()
        primes += "'"
    return primes


def _indexed(item: Variants) -> Variants:
    """An item in index brackets is an index and never a label."""
    return tuple(tuple(Atom(None, atom.expr) for atom in way) for way in item[:1])


# -- subscripts -------------------------------------------------------------------------------------


def _subscript(cursor: LatexCursor) -> list[Variants]:
    opener = cursor.next()
    if opener.kind == "lowered":
        return _lowered(cursor, opener)
    if cursor.sees("{"):
        cursor.next()
        return _items(cursor, "}")
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
            return simple_atoms(joined)
    return _atoms(cursor, token)


def _lowered(cursor: LatexCursor, token: Token) -> list[Variants]:
    if not token.text.isalnum():
        raise cursor.error("this subscript cannot be read", token, "write it as `_{i+1}`")
    return [simple_atoms(token.text)]


def _atoms(cursor: LatexCursor, token: Token) -> Variants:
    if token.kind == "text":
        text = label(token.text)
        if len(text) > 1:
            return ((Atom(text, Ref(text) if cursor.symbols.knows(text) else None),),)
        return simple_atoms(text)
    if token.kind == "number" and not token.text.isdigit():
        return ((Atom(None, None),),)
    return simple_atoms(token.text)


def _items(cursor: LatexCursor, close: str) -> list[Variants]:
    """The items between commas, up to the bracket that closes them."""
    cursor.brackets += 1
    found: list[Variants] = []
    while True:
        found.append(_item(cursor, close))
        if cursor.token.kind == "separator" and cursor.token.text == "," and len(found) <= MAX_ITEMS:
            cursor.next()
            continue
        cursor.take(close)
        cursor.brackets -= 1
        return found


def _item(cursor: LatexCursor, close: str) -> Variants:
    simple: list[Token] = []
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


def _sample(cursor: LatexCursor, stem: str) -> list[Variants] | None:
    """`^{(i)}`, `^{[l]}`, `^(i)`: which sample or layer; None where a power or nothing follows."""
    token = cursor.token
    if token.kind == "raised" and token.text.startswith("(") and token.text.endswith(")"):
        inner = token.text[1:-1]
        if inner.isalnum():
            cursor.next()
            return [simple_atoms(inner)]
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
    items = _items(cursor, _CLOSES[opener.text])
    if braces:
        cursor.take("}")
    return items


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
    return _items(cursor, ")")


def _power_before_subscript(cursor: LatexCursor) -> bool:
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
