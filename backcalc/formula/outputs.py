"""What a program has printed, as it stands in a fence or a code span: `'W1': array([[…]])`, `Accuracy: 0.978`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from backcalc.formula.prose import SHAPE, Found

MAX_ARRAY = 20_000

_CODE = re.compile(
    r"^\s*(?:\[ ?\d* ?\]:|In\s*\[|>>>|import\s|from\s+\w+\s+import|def\s|class\s|for\s.*:|while\s.*:|if\s.*:|else:"
    r"|return\b|print\s*\(|pass\b|@\w|#|[\w.]+\s*\(.*\)\s*$|[A-Za-z_][\w.\[\], '\"]*\s[-+*/]?=\s)",
    re.MULTILINE,
)
_NUMBER = (
    r"[-−]?(?:\d+(?:,\d{3})+|\d+)?(?:\.\d+|(?<=\d))(?:[eE][+-]?\d+)?\s?%?(?![\w.])"
    r"(?!\s*[+*/^@(×·⋅]|\s*[-−](?!\s*\w+\s*:))"  # what goes on is a formula, but for `loss: 0.1 - accuracy: 0.9`
)
_LABELLED = re.compile(rf"(?:'(\w+)'|\b([A-Za-z][\w ]{{0,60}}?))\s*[:=]\s*({_NUMBER})")
_SHAPE = re.compile(rf"\b([A-Za-z][\w ]{{0,60}}?)\s*[:=]\s*({SHAPE})")
_ARRAY = re.compile(r"(?:'(\w+)'\s*:\s*|\b(\w+)\s*[:=]\s*)?(?:np\.|numpy\.)?(?:array|tensor)\(\s*(?=\[)")
_ALONE = re.compile(rf"^[ \t]*({_NUMBER})[ \t]*$", re.MULTILINE)


def is_code(text: str) -> bool:
    """Whether a fence holds a program rather than what one has printed."""
    return _CODE.search(text) is not None


def printed(text: str) -> Iterator[tuple[str, Found]]:
    """The arrays, shapes and numbers in what a program has printed, each with its label.

    >>> [(kind, found.beside) for kind, found in printed("{'b1': array([0.1, 0.2]),\\n 'b2': 0.03}")]
    [('array', 'b1'), ('number', 'b2')]
    """
    taken: list[tuple[int, int]] = []
    for found in _ARRAY.finditer(text):
        start = found.end()
        end = _closing(text, start)
        if end is not None:
            taken.append((start, end))
            yield "array", Found(start, end, found[1] or found[2] or "", "")
    for found in _SHAPE.finditer(text):
        taken.append(found.span(2))
        yield "shape", Found(*found.span(2), found[1].strip(), "")
    for pattern in (_LABELLED, _ALONE):
        for found in pattern.finditer(text):
            start, end = found.span(found.lastindex or 0)
            if any(first <= start < last for first, last in taken) or _is_argument(text, found.start()):
                continue
            taken.append((start, end))
            label = "" if pattern is _ALONE else (found[1] or found[2]).strip()
            yield "number", Found(start, end, label, "")


def _is_argument(text: str, at: int) -> bool:
    """Whether it stands in brackets that are still open on its line, as in `np.sum(x, axis=0)`."""
    before = text[max(0, at - 200) : at].rpartition("\n")[2]
    return before.count("(") > before.count(")")


def _closing(text: str, at: int) -> int | None:
    """Where the list closes that opens at `at`."""
    depth = 0
    for place in range(at, min(len(text), at + MAX_ARRAY)):
        depth += {"[": 1, "]": -1}.get(text[place], 0)
        if depth == 0:
            return place + 1
    return None
