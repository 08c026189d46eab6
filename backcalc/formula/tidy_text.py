"""Text as it was meant: mis-decoded characters repaired, full-width, zero-width and look-alike characters made plain.

Every character of the result knows where it stood before, so that a caret points into what the writer handed in.
UTF-8 that was decoded as Windows-1252 or Windows-1254 is repaired sequence by sequence, and where a byte that those
pages do not have was dropped on the way, it is put back if only one letter of the mathematical italic can be meant.
What cannot be repaired is U+FFFD, which no reader takes for anything.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass

LOST = "\ufffd"
"""What stands for a character whose bytes are gone."""

# A byte that Windows-1252 or -1254 shows as a character of its own; the rest are as in Latin-1.
_BYTES = {char: byte for byte in range(0x80, 0xA0) for char in [bytes([byte]).decode("cp1252", "ignore")] if char}
_BYTES |= {chr(byte): byte for byte in range(0x80, 0x100)}
_BYTES |= {"Ğ": 0xD0, "İ": 0xDD, "Ş": 0xDE, "ğ": 0xF0, "ı": 0xFD, "ş": 0xFE}
_CONTINUES = "".join(re.escape(char) for char, byte in _BYTES.items() if 0x80 <= byte < 0xC0)
_LEADS = "".join(re.escape(char) for char, byte in _BYTES.items() if 0xC2 <= byte < 0xF5)
_MANGLED = re.compile(f"[{_LEADS}][{_CONTINUES}]{{1,3}}")
_UNDEFINED = (0x81, 0x8D, 0x8E, 0x8F, 0x90, 0x9D, 0x9E)  # no character in one of the two pages

_SPECIAL = re.compile("[^\x00-\x7f]")
_HIDDEN = re.compile("[\u00ad\u200b-\u200d\u2060\ufeff\ufe00-\ufe0f]")
_LOOKS = str.maketrans(
    {
        **dict.fromkeys("−‐‑‒–﹣", "-"),
        **dict.fromkeys("⁎∗", "*"),
        **dict.fromkeys("✕✖╳", "×"),
        **dict.fromkeys("∙・", "·"),
        **dict.fromkeys("∕⁄", "/"),
        **dict.fromkeys("∣", "|"),
        **dict.fromkeys("∥", "‖"),
        **dict.fromkeys(map(chr, (0xA0, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000)), " "),
        "µ": "μ",
        "∆": "Δ",
        "∑": "Σ",
        "∏": "Π",
        "Ω": "Ω",
        "ϵ": "ε",
        "ϕ": "φ",
        "ϑ": "θ",
        # Cyrillic letters that nobody can tell from Latin ones.
        **dict(zip("аеорсухіјѕАВЕКМНОРСТХІЈЅ", "aeopcyxijsABEKMHOPCTXIJS", strict=True)),
    }
)


@dataclass(frozen=True, slots=True)
class Tidied:
    """Text made plain; `jumps` are pairs (offset here, offset in the original) from where they run in step again."""

    text: str
    jumps: tuple[tuple[int, int], ...] = ((0, 0),)

    def place(self, offset: int) -> int:
        """Where the character at `offset` stood in the original text.

        >>> tidied = tidy("5Ã—5 = 25")
        >>> tidied.text, tidied.place(2)
        ('5×5 = 25', 3)
        """
        here, before = self.jumps[bisect_right(self.jumps, (offset, len(self.text) * 4 + 4)) - 1]
        return before + offset - here


def tidy(text: str) -> Tidied:
    """The text made plain. Superscripts, subscripts, accents and signs of mathematics stay as they are.

    >>> tidy("ï¼ˆâˆ’ x\u200b₁² + ğ‘¥ ï¼‰").text
    '(- x₁² + x )'
    """
    parts: list[str] = []
    jumps = [(0, 0)]
    at = length = 0
    while (special := _SPECIAL.search(text, at)) is not None:
        parts.append(text[at : special.start()])
        length += special.start() - at
        at = special.start()
        found = _MANGLED.match(text, at)
        meant, taken = _decoded(found[0]) if found else (None, 0)
        if meant is None or not taken:
            meant, taken = text[at], 1
        plain = "".join(map(_plain, meant))
        at += taken
        length += len(plain)
        parts.append(plain)
        if length - at != jumps[-1][0] - jumps[-1][1]:
            jumps.append((length, at))
    return Tidied("".join([*parts, text[at:]]), tuple(jumps))


def _plain(char: str) -> str:
    """One character, made plain."""
    if char.isascii():
        return char
    if _HIDDEN.match(char):
        return ""
    code = ord(char)
    if 0x1D400 <= code < 0x1D800 or 0xFF01 <= code < 0xFF5F or char in "ℎℒ":
        char = unicodedata.normalize("NFKC", char)
    return char.translate(_LOOKS)


def _decoded(run: str) -> tuple[str | None, int]:
    """What a run of mis-decoded characters begins with, and how many of them that takes; None where it is text."""
    data = bytes(_BYTES[char] for char in run)
    wanted = 2 if data[0] < 0xE0 else 3 if data[0] < 0xF0 else 4
    if len(data) >= wanted:
        try:
            return data[:wanted].decode(), wanted
        except UnicodeDecodeError:
            return None, 0
    if data[0] == 0xE2 and data[1] == 0x84:
        return "ℎ", 2  # a byte lost: U+210E, which the mathematical italic has in place of its h
    return (_restored(data[1:]), len(data)) if data[0] == 0xF0 else (None, 0)


def _restored(rest: bytes) -> str | None:
    """The letter of the mathematical italic, F0 9D .. .., of whose last three bytes only `rest` came through."""
    if len(rest) == 2:
        pairs = [rest]
    else:
        pairs = [bytes([rest[0], lost]) for lost in _UNDEFINED] + [bytes([lost, rest[0]]) for lost in _UNDEFINED]
    letters = {(b"\xf0\x9d" + pair).decode("utf-8", "replace") for pair in pairs}
    italic = [letter for letter in letters if len(letter) == 1 and _is_italic(ord(letter))]
    return italic[0] if len(italic) == 1 else LOST


def _is_italic(code: int) -> bool:
    return 0x1D434 <= code < 0x1D468 or 0x1D6E2 <= code < 0x1D71C
