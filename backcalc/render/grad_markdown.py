"""A derivation as Markdown, its formulas in dollar signs: for notebooks, GitHub, Obsidian, Pandoc."""

from __future__ import annotations

from backcalc.derive.derivation import Derivation
from backcalc.render.document import Block, Document, Equations, Formula, Grid, Heading, Items, Paragraph, Words
from backcalc.render.grad_document import document
from backcalc.render.latex_layout import displays


def render(derivation: Derivation, steps: str = "full", digits: int | None = None) -> str:
    """The whole derivation; `brief` leaves the way out and keeps formulas and values."""
    return written(document(derivation, steps, digits))


def written(text: Document) -> str:
    """A document as Markdown.

    >>> print(written(Document((Heading(1, ("A ", Formula("z"))), Paragraph(("5 < 6 and ", Formula("x_{1}")))))))
    # A $z$
    <BLANKLINE>
    5 \\< 6 and $x_{1}$
    <BLANKLINE>
    """
    return "\n\n".join(map(block, text.blocks)) + "\n"


def block(part: Block) -> str:
    """One block as Markdown."""
    match part:
        case Heading(level, words):
            return f"{'#' * level} {sentence(words)}"
        case Paragraph(words):
            return sentence(words)
        case Items(items):
            return "\n".join(f"- {sentence(item)}" for item in items)
        case Equations(rows):
            return "\n\n".join(map(display, displays(rows)))
        case Grid(head, rows):
            cells = [tuple(map(escaped, head)), ("---",) * len(head), *(tuple(map(_cell, row)) for row in rows)]
            return "\n".join(f"| {' | '.join(row)} |" for row in cells)


def display(body: str) -> str:
    """Aligned lines as a displayed formula."""
    return f"$$\n\\begin{{aligned}}\n{body}\n\\end{{aligned}}\n$$"


def sentence(words: Words) -> str:
    """Words and formulas of a sentence."""
    return "".join(escaped(part) if isinstance(part, str) else f"${part.latex}$" for part in words)


def _cell(words: Words) -> str:
    """A sentence in a table, where a bar would end the cell."""
    plain = tuple(part if isinstance(part, str) else Formula(part.latex.replace("|", r"\vert ")) for part in words)
    return sentence(plain)


def escaped(text: str) -> str:
    """Words in which no character is taken for markup."""
    return "".join(f"\\{character}" if character in "\\`*_{}[]<>#$|~" else character for character in text)
