"""Numbers and formulas in a line of prose: `Total # of parameter = 61492`, `In total 1599 FLOP`, `84×10`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from backcalc.formula.functions import FUNCTIONS
from backcalc.formula.names import GREEK

HIDDEN = "\ufffc"
"""What stands in a line where a marked formula was."""

SHAPE = r"\((?:None|[0-9]+)(?:\s*,\s*[0-9]+)+\s*,?\)|\((?:None|[0-9]+),\)"
"""The shape of an array as programs print it."""

_NOUNS = (
    *("parameter", "param", "weight", "bias", "connection", "flop", "mac", "operation", "multiplication", "addition"),
    *(
        "neuron",
        "unit",
        "accuracy",
        "loss",
        "size",
        "shape",
        "dimension",
        "filter",
        "kernel",
        "channel",
        "map",
        "memory",
    ),
    *("gradient", "derivative", "value", "output", "input", "total", "error", "epoch", "layer", "multiply", "rate"),
    *("image", "sample", "model", "class", "instance", "time", "step", "pixel", "feature"),
)
_NOUN = re.compile(r"\b(?:" + "|".join(_NOUNS) + r")(?:s|es)?\b", re.IGNORECASE)
_NUMBER = re.compile(
    r"(?<![\w.])(?P<sign>[-−](?=[0-9.]))?(?P<about>[~≈]\s?)?"
    r"(?:(?:[1-9][0-9]{0,2}(?:,[0-9]{3})+(?![0-9])|[0-9]+)(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
    r"(?P<scale>[KkMB](?![\w]))?"
    r"(?P<percent>\s?%)?(?P<below>\s?/\s?[1-9][0-9]*)?(?![\w])"
)
_SAYS = re.compile(r"(?:=|:|≈|\b(?:is|are|equals?|be|becomes|gives)\b)\s*(?:about|roughly|approximately)?\s*$")
_TUPLE = re.compile(SHAPE)
_ALONE = re.compile(r"\s*([-−]?[0-9]+\.[0-9]+)\s*")  # what a program has printed
_LISTED = re.compile(r"\s*(?:,|,?\s*and)\s+|,\s*")
_BULLET = re.compile(r"\s*(?:[-*+•]\s+|\(?\d{1,2}[.)]\s+|#+\s+|>\s*)*")
_CLAUSE = re.compile(r"[.;,](?=\s)|[?!⇒]|\bso\b|\band\b|\bthen\b", re.IGNORECASE)
_PART = re.compile(
    r"(?P<number>(?:(?:[1-9][0-9]{0,2}(?:,[0-9]{3})+(?![0-9])|[0-9]+)(?:\.[0-9]+)?|(?<![\w.)\]])\.[0-9]+)%?)"
    r"|(?P<command>\\[A-Za-z]+|[_^{}&])|(?P<word>(?![⁰¹²³⁴-⁹⁺⁻])[^\W\d]\w*(?:\.[A-Za-z]\w*)*['′]*)"
    r"|(?P<transpose>(?<=[)\]\w])(?:\.T(?![\w])|ᵀ|⊤))|(?P<dots>\.\.\.|…)"
    r"|(?P<operator>\*\*|\.\.(?=\w)|:=|<-(?=\s)|==|<=|>=|[-+*/=<>≤≥≈−–×·⋅∗•∘⊙÷^@←√∂Σ∑]|[⁻⁰¹²³⁴-⁹]+"
    r"|(?<=[)\]\w]\s)\.(?=\s[(\w]+[\s]*[-+*/=]|\s\w+$)|(?<=\d\s):(?=\s[-−]?\d))|(?P<open>[(\[])|(?P<close>[)\]])"
    r"|(?P<comma>,)|(?P<blank>[ \t]+)|."
)
_FUNCTIONS = frozenset((*FUNCTIONS, "max", "min", "ln", "softmax", "sum", "mean", "prod", "diff"))
_POWERS = frozenset("²³⁴")  # what may stand last
_SINGLE = frozenset("aI")  # letters that are words
_GREEK = frozenset(GREEK.values())
_STEPS = frozenset(("new", "delta"))  # words that are a name together with the one behind
_STEP_OF = re.compile(r"[ \t]+[^\W\d]\w*(?:\[[\w, ]*\])?[ \t]*(?:[-+*=≈←)]|:=|<-|$)")

_VALUES = frozenset(("number", "word", "close", "transpose"))
_LOOSE = frozenset(("blank", "operator", "open", "comma", "command"))
LONGEST_BRACKET = 400
_EQUAL = frozenset(("=", "==", ":=", "≈", "←", "<-"))
_OPERATORS = frozenset(("times", "plus", "minus", "mal"))  # operators as words: what they stand in is not read
_RAISED = frozenset(("squared", "cubed"))
_BEHIND = _STEPS | _OPERATORS  # words that no value ends with
_HATTED = re.compile(r"(?!that|what|chat)[^\W\d_]{1,2}(?:hat|bar|tilde)")
_SCALES = frozenset(("K", "M"))  # thousands and millions
_VALUE = re.compile(r"\s+[-−]?[\w(]")
_REMARK = re.compile(r"[=:;≈<>]")
_PHRASE = re.compile(r"[^\W\d]{2,}\s+[^\W\d]{2,}|[^\W\d_]{3,}-[^\W\d_]{3,}")
_WORDS = re.compile(r"\s+[^\W\d]{2,}")
_ENDS = re.compile(r"\s*(?:[-+*/^·×=]|[.,;]?\s*$)")
_SIGN = re.compile(r"[-−+*/^·×]")
_GOES_ON = re.compile(r"(?:\s*[+*/^·×]|\s+(?:[-−]|times|plus|minus)(?=\s))\s*(?:[\d(]|[^\W\d]\d*(?!\w))")
_INDEXED = re.compile(r"\[[\w, +-]{1,12}\]")
_VERB = re.compile(r"(?:\[[\w, ]*\])?\s+(?:is|are|was|were|has|denotes?|means?|equals?|becomes?|gives?|will)\b")


@dataclass(frozen=True, slots=True)
class Found:
    """A piece of a line: its place, the words before it in its clause, and the words behind it."""

    start: int
    end: int
    beside: str
    after: str


def numbers_in(line: str, written: str, formulas: Sequence[Found] = ()) -> Iterator[Found]:
    """The numbers of a line that stand beside a known noun, or that the line says something is.

    `line` has U+FFFC where formulas stand, `written` has them.

    >>> [found.after for found in numbers_in("In total 1599 FLOP", "In total 1599 FLOP")]
    ['FLOP']
    """
    if alone := _ALONE.fullmatch(line):
        yield Found(alone.start(1), alone.end(1), "", "")
        return
    for shape in _TUPLE.finditer(line):
        before = _before(line, shape.start())
        if _SAYS.search(line[before : shape.start()]) and _NOUN.search(line[before : shape.start()]):
            formulas = (*formulas, Found(*shape.span(), written[before : shape.start()].strip(), ""))
            yield formulas[-1]
    begin = _BULLET.match(line)
    last: Found | None = None
    for found in _NUMBER.finditer(line, begin.end() if begin else 0):
        start, end = found.span()
        if any(formula.start <= start < formula.end for formula in formulas):
            continue
        if last is not None and _LISTED.fullmatch(line, last.end, start):
            last = Found(start, end, last.beside, last.after)
            yield last
            continue
        before = _before(line, start)
        words = line[before:start]
        after = _CLAUSE.split(line[end : end + 60].partition(HIDDEN)[0])[0].strip()
        behind = " ".join(after.split()[:3])
        said = _SAYS.search(words) is not None
        subject = HIDDEN in words or _NOUN.search(words) is not None
        if _NOUN.search(behind) or (said and subject) or _NOUN.search(words[-40:]):
            last = Found(start, end, written[before:start].strip(), after)
            yield last


def _before(line: str, start: int) -> int:
    """Where the clause begins that a number stands in."""
    ends = [found.end() for found in _CLAUSE.finditer(line, max(0, start - 120), start)]
    bullet = _BULLET.match(line)
    return max([*ends[-1:], bullet.end() if bullet else 0, start - 120, 0])


def formulas_in(line: str) -> tuple[Found, ...]:
    """The formulas that stand unmarked in a line: at least one sign, and names that are not words.

    >>> [line[found.start : found.end] for line in ["So w1*x1 + w2*x2 = 1.5 here"] for found in formulas_in(line)]
    ['w1*x1 + w2*x2 = 1.5']
    >>> [line[found.start : found.end] for line in ["new w1 = w1 - eta*dJ/dw1 = 2"] for found in formulas_in(line)]
    ['new w1 = w1 - eta*dJ/dw1 = 2']
    """
    if "\\" in line and "=" in line and HIDDEN not in line and not _reads_as_words(line):
        inner = line.strip()
        start = line.index(inner)
        return (Found(start, start + len(inner), "", ""),)
    found: list[Found] = []
    run: list[re.Match[str]] = []
    begin = _BULLET.match(line)
    for part in _PART.finditer(line, begin.end() if begin else 0):
        if _belongs(line, part, run):
            run.append(part)
        else:
            _close(line, run, found)
            run = [part] if _belongs(line, part, []) else []
    _close(line, run, found)
    return tuple(found)


def _reads_as_words(line: str) -> bool:
    words = re.findall(r"(?<![\\\w])[A-Za-z]{3,}", line)
    return len(words) > 3 or r"\_" in line


def _belongs(line: str, part: re.Match[str], run: list[re.Match[str]]) -> bool:
    """Whether a part can go on a formula, `run` being what has been read of it."""
    last = next((before for before in reversed(run) if before.lastgroup != "blank"), None)
    value = last is not None and last.lastgroup in _VALUES and last[0].lower() not in _BEHIND
    spaced = bool(run) and run[-1].lastgroup == "blank"
    match part.lastgroup:
        case "blank":
            return bool(run)
        case "number" | "open":
            return not value or _follows(line, part, run)
        case "word":
            word = part[0]
            if value and spaced and word.lower() in _OPERATORS:
                return _VALUE.match(line, part.end()) is not None
            known = line[part.end() : part.end() + 1] == "(" and (
                word.lower().rstrip("'′") in _FUNCTIONS or word[-1] in "'′"
            )
            known |= word.lower() in _STEPS and _STEP_OF.match(line, part.end()) is not None
            short = len(word) == 1 and (word not in _SINGLE or (last is not None and not value))
            coded = _is_coded(word)
            glued = last is not None and last.lastgroup != "word" and last.end() == part.start()
            letter = not word.isascii() and len(word) <= 3
            sign = last is not None and last.lastgroup == "operator"
            follows = re.match(r"\s*[-+*/=^×·@]\s*[\w(]", line[part.end() :][:8]) is not None
            coded |= _INDEXED.match(line, part.end()) is not None
            name = short or coded or letter or known or ((len(word) <= 2 or word in _GREEK) and (sign or follows))
            if word in ("x", "X"):
                return True
            if value and spaced:
                return _is_next_factor(line, part, run, name or word in _GREEK)
            behind = value and glued and last is not None and last.lastgroup != "number" and _is_related(run)
            return behind or ((name or _is_operand(line, part, run)) and (not value or glued))
        case "operator" | "close":
            return last is not None or part[0] in "-−∂Σ∑√="
        case "transpose" | "dots":
            return last is not None and (value or part.lastgroup == "dots")
        case "comma":
            return sum(before.lastgroup == "open" for before in run) > sum(b.lastgroup == "close" for b in run)
        case "command":
            return bool(run) and part[0][0] in "_^{}"
        case _:
            return False


def _follows(line: str, part: re.Match[str], run: Sequence[re.Match[str]]) -> bool:
    """Whether a bracket or a number behind a value goes on with it, as in `1/2 (h - t)^2` and `(h - t) 2 = 3`.

    A bracket may be a remark, as in `5 (see above)`.
    """
    spaced = run[-1].lastgroup == "blank"
    if part.lastgroup == "number":
        if run[-1].lastgroup == "close":  # a product without a sign
            return True
        named = spaced and len(run) > 1 and run[-2].lastgroup != "number"
        return named and _is_related(run) and _ENDS.match(line, part.end()) is not None
    end = _closing(line, part.start()) if spaced else 0
    if not end:
        return not spaced
    inner = line[part.start() : end]
    names = re.findall(r"[^\W\d]\w*", inner)
    product = len(names) > 1 and all(len(name) == 1 or _is_coded(name) for name in names)
    words = _PHRASE.search(inner) is not None
    formula = product or _GOES_ON.match(line, end) is not None or (not words and _SIGN.search(inner) is not None)
    return _REMARK.search(inner) is None and formula


def _closing(line: str, at: int) -> int:
    """Where the bracket has closed that opens at a place; 0 where it does not."""
    depth = 0
    for place in range(at, min(len(line), at + LONGEST_BRACKET)):
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(line[place], 0)
        if depth == 0:
            return place + 1
    return 0


def _is_operand(line: str, part: re.Match[str], run: Sequence[re.Match[str]]) -> bool:
    """Whether an unknown word is what a sign before it needs, as in `z = 2 + bias`; a dash may begin a remark."""
    last = next((before for before in reversed(run) if before.lastgroup != "blank"), None)
    if last is None or last.lastgroup not in ("operator", "open", "comma") or not _is_related(run):
        return False
    if last[0] in _EQUAL:
        return _GOES_ON.match(line, part.end()) is not None
    return last[0] not in ("-", "−", "–") or _WORDS.match(line, part.end()) is None


def _is_related(run: Sequence[re.Match[str]]) -> bool:
    return any(part[0] in _EQUAL for part in run)


def _is_next_factor(line: str, part: re.Match[str], run: Sequence[re.Match[str]], name: bool) -> bool:
    """Whether a word behind a value and a blank is its next factor, as in `z = 2 w1 + 3 w2`.

    A word that goes on as a sum is kept, so that it is said to be unknown and not left out.
    """
    if not _is_related(run) or _VERB.match(line, part.end()) or part[0] in _SCALES:
        return False
    if part[0] in _RAISED or (part[0] in _FUNCTIONS and _VALUE.match(line, part.end())):
        return True
    return name or (part[0].isascii() and _GOES_ON.match(line, part.end()) is not None)


def _is_coded(word: str) -> bool:
    """Whether a word is written like a name: `w1`, `a_out`, `np.dot`, `yhat`."""
    return any(char.isdigit() or char in "_." for char in word) or _HATTED.fullmatch(word) is not None


def _is_loose(run: Sequence[re.Match[str]]) -> bool:
    """Whether the last part is a sign that is left over; dots behind a sign stand for what was not written."""
    last = run[-1]
    if last.lastgroup == "dots":
        before = next((part for part in reversed(run[:-1]) if part.lastgroup != "blank"), None)
        return before is None or before.lastgroup not in ("operator", "open")
    return (last.lastgroup in _LOOSE or last[0].lower() in _OPERATORS) and last[0] not in _POWERS


def _close(line: str, run: list[re.Match[str]], found: list[Found]) -> None:
    """Keeps a run of parts that is a formula, without the signs and brackets that are left over at its ends."""
    while run and _is_loose(run):
        run.pop()
    while run and run[0].lastgroup == "blank":
        run.pop(0)
    depth = [0]
    for place, part in enumerate(run):
        depth.append(depth[-1] + (part.lastgroup == "open") - (part.lastgroup == "close"))
        if depth[-1] < 0:
            del run[place:], depth[-1]
            break
    signs = [part for part in run if part.lastgroup == "operator" or part[0] in ("x", "X")]
    values = [part for part in run if part.lastgroup in ("number", "word") and part[0] not in ("x", "X")]
    digits = any(part.lastgroup == "number" for part in run)
    equal = any(part[0] in _EQUAL for part in signs)
    ruled = any(a[0][0] == b[0][0] == "=" and a.end() == b.start() for a, b in pairwise(signs))
    hyphens = all(part[0] in "-−–/" for part in signs)
    dated = hyphens and not any(part.lastgroup == "blank" for part in run)
    if not signs or ruled or depth[-1] > 0 or len(values) < 2 or not (digits or equal) or (dated and not equal):
        return
    start, end = run[0].start(), run[-1].end()
    before = _before(line, start)
    after = line[end : end + 60].partition(HIDDEN)[0]
    found.append(Found(start, end, line[before:start].replace(HIDDEN, "").strip(), _CLAUSE.split(after)[0].strip()))
