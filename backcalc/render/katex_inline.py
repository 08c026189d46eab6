"""KaTeX within a page: its style with the fonts in it, its script, its licence. Nothing is left to load.

Source: KaTeX 0.19.1, https://katex.org, MIT licence, unchanged in the folder `katex`.
"""

from __future__ import annotations

import re
from base64 import b64encode
from importlib.resources import files

ALWAYS = ("Main-Regular", "Math-Italic", "Size1-Regular", "Size2-Regular", "Size3-Regular", "Size4-Regular")
SOMETIMES = {"Main-Bold": r"\mathbf", "AMS-Regular": r"\checkmark"}
"""Fonts that only formulas with a certain command need."""

_FACE = re.compile(r"@font-face\{[^}]*\}")
_FILE = re.compile(r"src:url\(fonts/KaTeX_([\w-]+)\.woff2\)[^}]*")


def script() -> str:
    """The script that defines `katex`, with its licence in front."""
    return f"/*!\n{_read('LICENSE').decode()}*/\n{_read('katex.min.js').decode()}"


def style(latex: str) -> str:
    r"""The style, with those fonts that the given formulas need.

    >>> style("x").count("@font-face"), style(r"\mathbf{1}").count("@font-face")
    (6, 7)
    """
    used = (*ALWAYS, *(font for font, command in SOMETIMES.items() if command in latex))

    def inlined(face: re.Match[str]) -> str:
        named = _FILE.search(face[0])
        if named is None or named[1] not in used:
            return ""
        font = b64encode(_read(f"fonts/KaTeX_{named[1]}.woff2")).decode()
        return _FILE.sub(f'src:url(data:font/woff2;base64,{font}) format("woff2")', face[0])

    return _FACE.sub(inlined, _read("katex.min.css").decode())


def _read(name: str) -> bytes:
    return files("backcalc.render").joinpath("katex", *name.split("/")).read_bytes()
