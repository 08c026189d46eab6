"""Numbers with a decimal comma, `0,125` or `0{,}125`, put with a point; every other character stays in its place.

Whether a comma is decimal is decided for a whole document: by numbers that can be nothing else, and where no number is
written with a decimal point. Commas in brackets divide indices and shapes and stay.
"""

from __future__ import annotations

import re

_DIGITS = r"(?<![\w.,{}\[(^])(?:0|[1-9]\d*)"
_END = r"(?![\d,.]\d|\d)"
_CERTAIN = re.compile(rf"{_DIGITS},(?:\d\d|\d{{4,}}){_END}|[=≈·*+−-]\s?0,\d+{_END}|(?<![\w.,{{}}\[(^])0,\d\d+{_END}")
_ZERO = re.compile(r"(?<![\w.,{}\[(^])0,(?=\d{2,}(?![\d,.]\d|\d))")
_POINT = re.compile(r"(?<![\w.,])\d*\.(?!\d{3}(?![\d]))\d+|(?<![\w.,])0\.\d|(?<!\w)\d{4,}\.\d")
_COMMA = re.compile(r"(?<![\d.,])(\d+),(?=\d+(?![\d]*,\d))")
_GROUPS = re.compile(r"(?<![\w.,])[1-9]\d{0,2}(?:\.\d{3})+(?![\d.])")
_BRACED = re.compile(r"(?<![\d}])(\d+)\{,\}(\d+)(?![\d{])")
_INSIDE = re.compile(r"\[[^\[\]\n]*\]|_\{[^{}\n]*\}|\(\s*(?:None|\d+)(?:\s*,\s*\d+)+\s*,?\s*\)")


def with_points(text: str) -> str:
    """The text with decimal points for decimal commas, as long as before. `layers 1,2` is a list and stays.

    >>> with_points("J = 0,5·1,875² = 1,7578"), with_points("w_{1,2} = 1,234 at (3,4)"), with_points("61,706 and 0.5")
    ('J = 0.5·1.875² = 1.7578', 'w_{1,2} = 1,234 at (3,4)', '61,706 and 0.5')
    """
    if "," not in text:
        return text
    text = _BRACED.sub(_unbraced, text)
    points = _POINT.search(text) is not None
    if points:
        return _ZERO.sub("0.", text)
    if _CERTAIN.search(_INSIDE.sub("", text)) is None:
        return text
    kept: list[str] = []
    at = 0
    for found in _INSIDE.finditer(text):
        kept += [_pointed(text[at : found.start()]), found[0]]
        at = found.end()
    return "".join([*kept, _pointed(text[at:])])


def _pointed(text: str) -> str:
    parts: list[str] = []
    at = 0
    for found in _GROUPS.finditer(text):
        parts += [_COMMA.sub(r"\1.", text[at : found.start()]), found[0].replace(".", ",")]
        at = found.end()
    return "".join([*parts, _COMMA.sub(r"\1.", text[at:])])


def _unbraced(found: re.Match[str]) -> str:
    """`0{,}125` with a point and two blanks before it; `61{,}706` may be thousands and stays."""
    if len(found[2]) == 3 and len(found[1]) <= 3 and found[1][0] != "0":
        return found[0]
    return f"  {found[1]}.{found[2]}"
