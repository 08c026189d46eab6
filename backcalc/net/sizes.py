"""Sizes: numbers for those of a file, given from outside it as `N=1024,d=768`, and sizes made of others, `4*d`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import prod
from typing import TYPE_CHECKING

from backcalc.net.errors import InputError, Problem, did_you_mean
from backcalc.net.load import Document
from backcalc.net.spec import LARGEST_SIZE, name, shown

if TYPE_CHECKING:
    from backcalc.formula.tree import Expr

LONGEST_LIST = 1000
LONGEST_SIZE = 60
_ARITHMETIC = re.compile(r"[\w\s()*+-]*[*+-][\w\s()*+-]*")

LABEL = "at"
"""What errors call the place of these numbers."""


def sizes(text: str) -> dict[str, int]:
    """The sizes in a text.

    >>> sizes("N=1024, d=768")
    {'N': 1024, 'd': 768}

    Raises InputError with everything that is wrong.
    """
    found: dict[str, int] = {}
    problems: list[Problem] = []
    if len(text) > LONGEST_LIST:
        raise InputError([_problem(f"the list of sizes has more than {LONGEST_LIST} characters")])
    for part in text.split(","):
        word, _, number = (piece.strip() for piece in part.partition("="))
        try:
            word = name(word)
        except ValueError:
            problems.append(_problem(f"expected sizes, got `{shown(part.strip())}`", "write `N=1024,d=768`"))
            continue
        if not (number.isascii() and number.isdigit() and len(number) <= 10 and 1 <= int(number) <= LARGEST_SIZE):
            message = f"`{word}`: expected a whole number from 1 to {LARGEST_SIZE}, got `{shown(number)}`"
            problems.append(_problem(message))
        elif word in found:
            problems.append(_problem(f"`{word}` is given twice"))
        else:
            found[word] = int(number)
    if problems:
        raise InputError(problems)
    return found


def put_in(document: Document, numbers: Mapping[str, int | None]) -> None:
    """Puts numbers in for sizes that the file declares, None for one that is to be a letter.

    Raises InputError where it declares none of that name.
    """
    data = document.data if isinstance(document.data, dict) else {}
    declared = data.get("sizes")
    words = {str(_plain(word)): word for word in declared} if isinstance(declared, dict) else {}
    problems = []
    for word, number in numbers.items():
        if str(_plain(word)) not in words:
            known = f"its sizes are {', '.join(words)}" if words else "it declares no `sizes`"
            message = f"{document.file} has no size `{shown(word)}`"
            problems.append(_problem(message, did_you_mean(word, words, known)))
        elif number is not None and not (type(number) is int and 1 <= number <= LARGEST_SIZE):
            message = f"`{word}`: expected a whole number from 1 to {LARGEST_SIZE}, got `{shown(number)}`"
            problems.append(_problem(message))
        else:
            assert isinstance(declared, dict)
            declared[words[str(_plain(word))]] = number
    if problems:
        raise InputError(problems)


def _plain(word: object) -> object:
    """A name in its one spelling; what is none as it is."""
    try:
        return name(word)
    except ValueError:
        return word


def _problem(message: str, help: str | None = None) -> Problem:
    return Problem(LABEL, 0, 0, 0, "", message, help)


def computed(text: str, known: Mapping[str, int]) -> int | None:
    """A size made of others, as `4*d`; None where the text is no such thing.

    >>> computed("4*d + 1", {"d": 768}), computed("4*k", {"d": 768}), computed("same", {})
    (3073, None, None)
    """
    if len(text) > LONGEST_SIZE or not known or not _ARITHMETIC.fullmatch(text):
        return None
    from backcalc.formula.errors import FormulaError
    from backcalc.formula.read import read_expression
    from backcalc.formula.tree import names

    try:
        formula = read_expression(text)
        return _value(formula, known) if names(formula) and names(formula) <= known.keys() else None
    except (FormulaError, ValueError):
        return None


def _value(formula: Expr, known: Mapping[str, int]) -> int:
    """The value of sums and products of sizes. Raises ValueError for anything else, and for what is no size."""
    from backcalc.formula.tree import Add, Mul, Neg, Num, Ref

    match formula:
        case Num(value) if value.denominator == 1:
            return value.numerator
        case Ref(word, ()):
            return known[word]
        case Neg(operand):
            return -_value(operand, known)
        case Add(terms):
            return sum(_value(term, known) for term in terms)
        case Mul(factors):
            return prod(_value(factor, known) for factor in factors)
        case _:
            raise ValueError("a size is a sum of products of sizes")
