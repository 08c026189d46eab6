"""The blocks of a document as HTML: every formula is an element whose text is its LaTeX, until a script sets it."""

from __future__ import annotations

from html import escape

from backcalc.render.document import Block, Equations, Grid, Heading, Items, Paragraph, Words
from backcalc.render.latex_layout import displays


def block(part: Block, identity: str = "", plain: bool = False) -> str:
    """One block as HTML; `identity` is the id of a heading, `plain` formulas say nothing of their symbols.

    >>> block(Heading(2, ("a < b",)), "h")
    '<h2 id="h">a &lt; b</h2>'
    """
    match part:
        case Heading(level, words):
            return f'<h{level} id="{identity}">{sentence(words)}</h{level}>'
        case Paragraph(words):
            return f"<p>{sentence(words)}</p>"
        case Items(items):
            return "\n".join(["<ul>", *(f"<li>{sentence(item)}</li>" for item in items), "</ul>"])
        case Equations(rows):
            return "\n".join(display(body, plain) for body in displays(rows))
        case Grid(head, rows):
            top = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
            body = ["".join(f"<td>{sentence(cell)}</td>" for cell in row) for row in rows]
            lines = [f"<thead><tr>{top}</tr></thead>", "<tbody>", *(f"<tr>{row}</tr>" for row in body), "</tbody>"]
            box = '<div class="table" tabindex="0" role="group" aria-label="Table">'
            return "\n".join([box, "<table>", *lines, "</table></div>"])


def display(body: str, plain: bool = False) -> str:
    """Aligned lines as a displayed formula, in a box of its own that scrolls."""
    latex = f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}"
    marks = ' data-plain=""' if plain else ""
    return f'<div class="tex display" tabindex="0" role="group" aria-label="Equations"{marks}>{escape(latex)}</div>'


def sentence(words: Words) -> str:
    """Words and formulas of a sentence."""
    return "".join(
        escape(part) if isinstance(part, str) else f'<span class="tex">{escape(part.latex)}</span>' for part in words
    )
