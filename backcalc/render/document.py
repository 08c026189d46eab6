"""A text with mathematics, whatever it is printed as: headings, paragraphs, equations in rows, tables, lists.

Formulas are LaTeX, which Markdown, notebooks and web pages set too; words are plain.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula within a sentence, in LaTeX for mathematics mode."""

    latex: str


Words: TypeAlias = tuple[str | Formula, ...]
"""A sentence: words and formulas in turn."""


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading; the title of the whole has level 1."""

    level: int
    words: Words


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph."""

    words: Words


@dataclass(frozen=True, slots=True)
class Items:
    """A list of sentences."""

    items: tuple[Words, ...]


Right: TypeAlias = tuple[str, str]
"""A right-hand side: the sign before it (`=`, `\\approx`, `\\leftarrow`), and LaTeX."""


@dataclass(frozen=True, slots=True)
class Row:
    """`left = right = right …`; without a left side it goes on from the row above. The reason stands behind."""

    left: str
    rights: tuple[Right, ...]
    reason: Words = ()


@dataclass(frozen=True, slots=True)
class Equations:
    """Displayed equations, aligned at their signs."""

    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table: its columns and its rows of sentences."""

    head: tuple[str, ...]
    rows: tuple[tuple[Words, ...], ...]


Block: TypeAlias = Heading | Paragraph | Items | Equations | Grid


@dataclass(frozen=True, slots=True)
class Document:
    """The blocks in order."""

    blocks: tuple[Block, ...]
