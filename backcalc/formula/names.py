"""Names and their letters: Greek, accents, subscripts; one spelling inside, `gamma`, whatever was typed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from types import MappingProxyType

# In the order of Unicode, from α on.
_LOWER = [
    *("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu", "nu"),
    *("xi", "omicron", "pi", "rho", "varsigma", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega"),
]
_NAMES = {chr(ord("α") + i): name for i, name in enumerate(_LOWER)}
_NAMES |= {letter.upper(): name.capitalize() for letter, name in _NAMES.items() if letter != "ς"}

GREEK: Mapping[str, str] = MappingProxyType(_NAMES | {"ς": "sigma"})
"""Greek letter to its name: γ to gamma, Γ to Gamma."""

# Letters that look Latin (Alpha, Beta, omicron …) are left spelled out: nobody could tell Α from A.
LETTERS: Mapping[str, str] = MappingProxyType(
    {
        name: letter
        for letter, name in GREEK.items()
        if letter in "ΓΔΘΛΞΠΣΦΨΩ" or (letter.islower() and letter not in "ος")
    }
)
"""Greek name to the letter that prints it."""

ACCENTS: Mapping[str, str] = MappingProxyType({"hat": "\u0302", "bar": "\u0304", "tilde": "\u0303"})
"""Suffix of a name to the combining mark that prints it: `yhat` is ŷ."""

_SUFFIX = {mark: suffix for suffix, mark in ACCENTS.items()}
_PART = re.compile(r"([A-Za-z]+?)(hat|bar|tilde)?([0-9]*)")


def spelled(word: str) -> str:
    """A name as the tree holds it: γ₁ is `gamma1`, ŷ is `yhat`, 𝑥 is `x`.

    >>> spelled("γ₁"), spelled("ŷ_β"), spelled("w1")
    ('gamma1', 'yhat_beta', 'w1')
    """
    if word.isascii():
        return word
    letters = []
    for char in unicodedata.normalize("NFKC", word.replace("′", "'")):
        base, *marks = list(unicodedata.normalize("NFD", char))
        suffix = "".join(_SUFFIX[mark] for mark in marks if mark in _SUFFIX)
        rest = unicodedata.normalize("NFC", base + "".join(mark for mark in marks if mark not in _SUFFIX))
        letters.append(GREEK.get(rest, _SUFFIX.get(rest, rest)) + suffix)
    return "".join(letters)


def lettered(name: str) -> str:
    """A name as a terminal prints it, and `spelled` takes back.

    >>> lettered("gamma_bn1"), lettered("yhat"), lettered("x1"), lettered("gammas")
    ('γ_bn1', 'ŷ', 'x1', 'gammas')
    """
    return "_".join(map(_lettered_part, name.split("_")))


def _lettered_part(part: str) -> str:
    found = _PART.fullmatch(part.rstrip("'"))
    if not found:
        return part
    stem, accent, digits = found.groups()
    primes = part[len(part.rstrip("'")) :]
    if accent is None:
        return LETTERS.get(stem, stem) + digits + primes
    one = unicodedata.normalize("NFC", stem + ACCENTS[accent]) if len(stem) == 1 else ""
    return (one if len(one) == 1 else stem + accent) + digits + primes


def is_derivative(name: str) -> bool:
    """Whether a name is a derivative, `dJ/dz`."""
    return "/" in name


def derivative_parts(name: str) -> tuple[str, str]:
    """The two names in a first derivative, a derivative among them in parentheses.

    >>> derivative_parts("dJ/dW_q"), derivative_parts("d(dJ/dw)/d(dJ/dz)"), derivative_parts("ds/d(dJ/dz)")
    (('J', 'W_q'), ('dJ/dw', 'dJ/dz'), ('s', 'dJ/dz'))
    """
    if name.startswith("d("):
        above, _, below = name[2:].partition(")/d")
        return above, below.strip("()")
    above, _, below = name.partition("/")
    return above[1:], below[2:-1] if below.startswith("d(") else below[1:]


_SECOND = re.compile(r"d\^2(\w+)/(?:d(\S+)\^2|\(d(\S+) d(\S+)\))")


def second_derivative(name: str) -> tuple[str, str, str] | None:
    """What is differentiated twice, and by what; None for another name.

    >>> second_derivative("d^2J/(dw1 dw2)"), second_derivative("d^2J/dw^2"), second_derivative("dJ/dw")
    (('J', 'w1', 'w2'), ('J', 'w', 'w'), None)
    """
    found = _SECOND.fullmatch(name)
    if found is None:
        return None
    above, twice, first, second = found.groups()
    return above, twice or first, twice or second
