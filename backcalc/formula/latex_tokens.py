r"""LaTeX, Unicode mathematics or code to tokens: what is mere layout (`\left`, `\,`, `\displaystyle`) is left out here.

One pass, within the budgets of `lexer`. Whether a row of LaTeX is one formula or several is not known yet: `\\`, `&`,
commas, blanks as wide as `\quad` and words such as `where` are tokens too.
"""

from __future__ import annotations

import re
import unicodedata

from backcalc.formula.errors import FormulaError
from backcalc.formula.latex_signs import BRACKETS, LAYOUT, OPERATORS, RELATIONS, SEPARATORS
from backcalc.formula.latex_symbols import CALLED
from backcalc.formula.lexer import MAX_TEXT, MAX_TOKENS, Token, is_letter
from backcalc.formula.names import ACCENTS, GREEK, spelled


class Unreadable(FormulaError):
    """Mathematics that cannot be read, or that could mean anything: where, and why. Never a wrong formula."""


_TEXTS = (
    *("text", "mathrm", "operatorname*", "operatorname", "textrm", "textit", "textbf", "textsf", "mbox", "hbox"),
    *("mathit", "mathsf", "mathtt", "texttt", "textnormal", "DeclareMathOperator"),
)
_DROPPED = re.compile(r"\\(?:label|tag\*?|color|vspace|hspace|ref|eqref)\s*\{[^{}]*\}")
_TEXT = re.compile(r"\\(" + "|".join(map(re.escape, _TEXTS)) + r")\s*\{")
_BRACED = re.compile(r"\\(?:under|over)(?:brace|bracket)\s*\{")
_SCRIPT = re.compile(r"\s*[_^]\s*(\{)?")
_ENVIRONMENT = re.compile(r"\\(begin|end)\s*\{\s*([A-Za-z]+)\*?\s*\}(?:\s*\{[lcr|@{}\s\d]*\})?(?:\[[tbc]\])?")
_SPACED = re.compile(r"\s*\[[\d.\s]*[a-z]{2}\]")
_COMMAND = re.compile(r"\\(?:[A-Za-z]+|.)", re.DOTALL)
_FRAMED = re.compile(r"\\math(?:bin|rel|op|ord)\s*\{\s*([^\\{}\s])\s*\}")
_NAMED = re.compile(r"[\w\\,\s*.-]*")
_BLANK = re.compile(r"(?:\s|\\[,;:!>\s]|\\left\.|\\right\.|~)+")
_WORD_BLANK = re.compile(r"\s+")
_NUMBER = re.compile(
    r"(?:[0-9]{1,3}(?:\{,\}[0-9]{3})+|[1-9][0-9]{0,2}(?:,[0-9]{3})+(?![0-9])|[0-9]+)(?:\.(?!\.)[0-9]*)?"
    r"(?:[eE][+-]?[0-9]+(?![0-9.]))?|\.[0-9]+(?:[eE][+-]?[0-9]+)?"
)
_PLAIN_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_LETTERS = re.compile(r"[A-Za-z]+[0-9]*")
_ONE_LETTER = re.compile(r"[A-Za-z][0-9]*")
_IDENTIFIER = re.compile(r"(?:self\.|np\.|numpy\.|math\.|torch\.|tf\.|K\.)?(?:linalg\.|nn\.)?[^\W\d]\w*")
_KEYED = re.compile(r"[^\W\d]\w*\s*\[\s*(['\"])(\w+)\1\s*\]")
_METHOD = re.compile(r"\.(T|dot|sum|mean|copy|max|min)\b(?:\(\))?")
_CROSS = re.compile(r"[xX](?=\s*[0-9(])")
_SIGN = re.compile(r"\*\*|==|!=|<=|>=|=>|->|:=|<-(?=\s)|.", re.DOTALL)
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺⁽⁾ⁱⁿʲᵏ", "0123456789-+()injk")
_LOWERED = str.maketrans("₀₁₂₃₄₅₆₇₈₉₋₊ᵢⱼₖₙₘₜₗₚₛₓₒₕ", "0123456789-+ijknmtlpsxoh")
_HALVES = re.compile("[¼-¾⅐-⅞]")


def tokens(text: str, *, words: bool = False) -> list[Token]:
    r"""The tokens of a formula in LaTeX; with `words`, of code or plain text, where `lr` is one name and not l times r.

    Kinds: number, half (½), word (letters as they stand), name (one letter or command, spelled), text (what `\text{…}`
    holds), command, accent, operator, method (`.dot`), bracket, relation, about (~), separator, row, amp, begin,
    finish, sub, sup, lowered (₁), raised (²), prime, cross (the x of 3x3), dot, end. Raises Unreadable.

    >>> [token.text for token in tokens(r"2\,\alpha_1 \le x^2")]
    ['2', 'alpha', '_', '1', '<=', 'x', '^', '2', '']
    """
    if len(text) > MAX_TEXT:
        message = f"the formula is too long: {len(text)} characters, at most {MAX_TEXT} are read"
        raise Unreadable(message, text, MAX_TEXT, MAX_TEXT + 1)
    found: list[Token] = []
    remarks: dict[int, int] = {}  # where the words below a brace begin and end
    scripts: list[bool] = []  # for each open bracket, whether it is that of a subscript or a superscript
    at = 0
    blank = _WORD_BLANK if words else _BLANK
    while at < len(text):
        if at in remarks:
            at = remarks[at]
            continue
        if space := blank.match(text, at):
            if words and "\n" in space[0]:
                found.append(Token("row", "", at, space.end()))
            at = space.end()
            continue
        if dropped := _DROPPED.match(text, at):
            at = dropped.end()
            continue
        if braced := _BRACED.match(text, at):
            remarks |= _remark(text, braced.end())
            at = braced.end() - 1
        if len(found) == MAX_TOKENS:
            raise Unreadable(f"the formula has more than {MAX_TOKENS} parts", text, at, at + 1)
        token = _token(text, at, words, found[-1] if found else None, bool(scripts) and scripts[-1])
        if token.kind == "bracket":
            if token.text == "{":
                scripts.append(bool(found) and found[-1].kind in ("sub", "sup"))
            elif token.text in "([":
                scripts.append(bool(scripts) and scripts[-1])
            elif token.text in ")]}" and scripts:
                scripts.pop()
        at = token.end
        if token.kind != "layout":
            found.append(token)
    found.append(Token("end", "", len(text), len(text)))
    return found


def _token(text: str, at: int, words: bool, last: Token | None, in_script: bool) -> Token:
    char = text[at]
    number = (_PLAIN_NUMBER if in_script else _NUMBER).match(text, at)
    if number and not (char == "." and last and last.end == at and last.kind in ("word", "bracket")):
        return Token("number", number[0].replace("{,}", ","), at, number.end())
    if last and (last.kind == "number" or last.text in (")", "]")) and (cross := _CROSS.match(text, at)):
        return Token("cross", char, at, cross.end())
    if words and (token := _code(text, at)):
        return token
    if char == "\\":
        return _command(text, at, words)
    if letters := (_ONE_LETTER if last and last.kind in ("sub", "sup") else _LETTERS).match(text, at):
        return Token("word", letters[0], at, letters.end())
    if char in "ΣΠ":
        return Token("command", r"\sum" if char == "Σ" else r"\prod", at, at + 1)
    if char in "∂∇∞":
        return Token("command", {"∂": r"\partial", "∇": r"\nabla", "∞": r"\infty"}[char], at, at + 1)
    if _HALVES.match(char):
        above, _, below = unicodedata.normalize("NFKC", char).partition("⁄")
        return Token("half", f"{above}/{below}", at, at + 1)
    if is_letter(char):
        return _letter(text, at)
    return _sign(text, at)


def _code(text: str, at: int) -> Token | None:
    """A name as code writes it, `self.h1`, `weights['W1']`, `.T`; None for anything else."""
    if method := _METHOD.match(text, at):
        return Token("operator", ".T", at, method.end()) if method[1] == "T" else _method(text, method)
    if keyed := _KEYED.match(text, at):
        return Token("word", keyed[2], at, keyed.end())
    if (name := _IDENTIFIER.match(text, at)) and is_letter(text[at]) and text[at] not in "ΣΠ":
        word = name[0].removeprefix("self.")
        marks = name.end()
        while marks < len(text) and unicodedata.category(text[marks]) == "Mn":
            marks += 1
        word += text[name.end() : marks]
        return Token("word" if word.isascii() else "name", spelled(word), at, marks)
    return Token("word", "_", at, at + 1) if text[at] == "_" and not text[at + 1 : at + 2].strip("{}") else None


def _method(text: str, found: re.Match[str]) -> Token:
    empty = found[0].endswith("()")
    if found[1] == "copy" and empty:
        return Token("layout", "", found.start(), found.end())
    return Token("method", found[1] + ("()" if empty else ""), found.start(), found.end())


def _letter(text: str, at: int) -> Token:
    """One letter that is not ASCII, with its accents: γ is `gamma`, ŷ is `yhat`."""
    end = at + 1
    while end < len(text) and unicodedata.category(text[end]) == "Mn":
        end += 1
    name = spelled(text[at:end])
    digits = end
    while digits < len(text) and text[digits] in "0123456789":
        digits += 1
    if not (name.isascii() and name.isalpha()):
        raise Unreadable(f"unexpected letter `{text[at]}`", text, at, end)
    return Token("name", name + text[end:digits], at, digits)


def _command(text: str, at: int, words: bool) -> Token:
    if environment := _ENVIRONMENT.match(text, at):
        return Token("begin" if environment[1] == "begin" else "finish", environment[2], at, environment.end())
    if wording := _TEXT.match(text, at):
        if (end := _closing(text, wording.end())) is None:
            raise Unreadable("`{` is never closed", text, wording.end() - 1, wording.end())
        inside = text[wording.end() : end]
        function = re.sub(r"\\[,; ]|[\s-]+", "_", inside.strip())
        if wording[1].startswith("operatorname") and function.lower() in CALLED:
            return Token("command", rf"\operatorname {function}", at, end + 1)
        if wording[1].startswith(("text", "mbox", "hbox")) or _NAMED.fullmatch(inside):
            return Token("text", inside, at, end + 1)
        return Token("layout", "", at, wording.end() - 1)
    if framed := _FRAMED.match(text, at):
        return _sign(framed[1], 0)._replace(start=at, end=framed.end())
    found = _COMMAND.match(text, at)
    command = found[0] if found else "\\"
    end = at + len(command)
    if command in (r"\\", r"\newline", r"\cr"):
        spaced = _SPACED.match(text, end)
        return Token("row", "", at, spaced.end() if spaced else end)
    if command in LAYOUT or command.startswith((r"\ ", r"\,", r"\;", r"\!", r"\:", r"\>")):
        return Token("layout", "", at, end)
    for kind, table in (("relation", RELATIONS), ("operator", OPERATORS), ("bracket", BRACKETS)):
        if command in table:
            return Token(kind, table[command], at, end)
    if command in SEPARATORS:
        return Token("separator", SEPARATORS[command], at, end)
    if command in (r"\sim", r"\thicksim"):
        return Token("about", "~", at, end)
    bare = command[1:].removeprefix("var")
    if bare in GREEK.values() or command in (r"\ell", r"\hbar"):
        return Token("name", "l" if command == r"\ell" else bare, at, end)
    if command == r"\prime":
        return Token("prime", "'", at, end)
    accent = bare.removeprefix("wide").removeprefix("over").replace("line", "bar")
    if accent in ACCENTS and command not in (r"\varhat", r"\line"):
        return Token("accent", accent, at, end)
    if command == r"\#" or not command[1:].isalpha():
        raise Unreadable(f"unexpected `{command[:20]}`", text, at, end)
    return Token("command", command, at, end)


def _closing(text: str, at: int) -> int | None:
    """Where the brace closes that was opened just before `at`."""
    depth = 1
    for place in range(at, len(text)):
        if text[place] in "{}" and text[place - 1] != "\\":
            depth += 1 if text[place] == "{" else -1
            if not depth:
                return place
    return None


def _remark(text: str, at: int) -> dict[int, int]:
    """Where the words below a brace begin and end, as the z of `\\underbrace{w x}_{z}`, whose inside begins at `at`."""
    end = _closing(text, at)
    script = None if end is None else _SCRIPT.match(text, end + 1)
    if end is None or script is None:
        return {}
    closing = _closing(text, script.end()) if script[1] else script.end()
    return {} if closing is None else {end + 1: closing + 1}


def _sign(text: str, at: int) -> Token:
    found = _SIGN.match(text, at)
    sign = found[0] if found else text[at]
    end = at + len(sign)
    for kind, table in (
        ("relation", RELATIONS),
        ("operator", OPERATORS),
        ("bracket", BRACKETS),
        ("separator", SEPARATORS),
    ):
        if sign in table:
            return Token(kind, table[sign], at, end)
    if sign in "'′’":
        return Token("prime", "'", at, end)
    if sign == "…":
        return Token("command", r"\ldots", at, end)
    if sign == "**":
        return Token("sup", "^", at, end)
    if sign in "_^&":
        return Token({"_": "sub", "^": "sup", "&": "amp"}[sign], sign, at, end)
    if sign in "≲~∼":
        return Token("about", "~", at, end)
    for kind, table_ in (("raised", _RAISED), ("lowered", _LOWERED)):
        stop = at
        while stop < len(text) and ord(text[stop]) in table_:
            stop += 1
        if stop > at:
            return Token(kind, text[at:stop].translate(table_), at, stop)
    if sign == "." and (end == len(text) or text[end].isspace() or text[end] in "\\}$"):
        return Token("dot", ".", at, end)
    if sign == ":":
        return Token("separator", ":", at, end)
    shown = sign if sign.isprintable() else f"U+{ord(sign):04X}"
    hint = "characters were lost before this text was handed in" if sign == "\ufffd" else None
    raise Unreadable(f"unexpected character `{shown}`", text, at, end, hint)
