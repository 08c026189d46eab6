"""Sentences of a derivation with the names in them as formulas: `w1 is used twice: in q1 and in q2`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import product
from math import prod

from backcalc.derive.derivation import Derivation
from backcalc.formula.errors import FormulaError
from backcalc.formula.names import is_derivative
from backcalc.formula.print_latex import to_latex
from backcalc.formula.print_unicode import to_unicode
from backcalc.formula.read import read_expression
from backcalc.formula.tree import Ref, num
from backcalc.render.document import Formula, Words

MOST_NAMES = 400  # elements of one array whose names are known
ARTICLES = frozenset({"a", "A", "I"})  # names that are words too


class Speaker:
    """Knows the names of a derivation, and sets them as formulas where they occur in a sentence."""

    def __init__(self, derivation: Derivation, scalar: bool) -> None:
        self.known = dict(_names(derivation, scalar))
        words = sorted((word for word in self.known if _is_symbol(word)), key=len, reverse=True)
        found = "|".join(map(re.escape, words)) or r"(?!)"
        self.pattern = re.compile(rf"(?<![\w\[∂/])(?:{found})(?![\w\[(])")

    def words(self, sentence: str) -> Words:
        """The sentence with its formulas."""
        parts = re.split(r"( and )", sentence)
        return tuple(piece for part in parts for piece in self.clause(part))

    def name(self, word: str) -> Words:
        """A name by itself, as a formula even where it is a word as well."""
        return (Formula(self.known[word]),) if word in self.known else self.words(word)

    def clause(self, text: str) -> Words:
        """`y1 + y2 = 1` as one formula; of words only the names that are symbols."""
        if (latex := _equation(text)) is not None:
            return (Formula(latex),)
        found: list[str | Formula] = []
        start = 0
        for match in self.pattern.finditer(text):
            found += [text[start : match.start()], Formula(self.known[match.group()])]
            start = match.end()
        return tuple(part for part in (*found, text[start:]) if part)


def joined(parts: Sequence[Words]) -> Words:
    """Several things in a sentence, `A, B and C`."""
    found: list[str | Formula] = []
    for place, part in enumerate(parts):
        found += ([] if place == 0 else [" and "] if place == len(parts) - 1 else [", "]) + list(part)
    return tuple(found)


def _names(derivation: Derivation, scalar: bool) -> Iterator[tuple[str, str]]:
    program = derivation.program
    for name in program.shapes:
        yield to_unicode(Ref(name)), to_latex(Ref(name))
        if is_derivative(name):
            continue
        shape = program.shape(name)
        if shape and prod(shape) <= MOST_NAMES:
            for place in product(*(range(1, extent + 1) for extent in shape)):
                element = Ref(name, tuple(map(num, place)))
                yield to_unicode(element, scalar_names=scalar), to_latex(element, scalar_names=scalar)


def _is_symbol(word: str) -> bool:
    """Whether a name is no ordinary word."""
    return word not in ARTICLES and (len(word) == 1 or not word.isalpha())


def _equation(text: str) -> str | None:
    """A formula with a sign of equality or order, as LaTeX; None for words."""
    if not re.search(r" [=<>≤≥≠] ", text) or re.search(r"[:;]|[^\W\d_]{3,} [^\W\d_]{2,}", text):
        return None
    pieces = re.split(r" (=) ", text)
    try:
        return " = ".join(to_latex(read_expression(piece)) for piece in pieces[::2])
    except FormulaError:
        return None
