r"""A derivation as LaTeX: a document that compiles with nothing but amsmath and amssymb, or its body alone."""

from __future__ import annotations

from backcalc.derive.derivation import Derivation
from backcalc.render.document import Block, Document, Equations, Grid, Heading, Items, Paragraph, Words
from backcalc.render.grad_document import document
from backcalc.render.latex_layout import displays, in_text

PREAMBLE = r"""\documentclass[a4paper]{article}
\usepackage{amsmath,amssymb}
\setlength{\textwidth}{160mm}\setlength{\oddsidemargin}{0mm}
\setlength{\textheight}{240mm}\setlength{\topmargin}{-15mm}
\setlength{\parindent}{0pt}\setlength{\parskip}{4pt plus 2pt}
\allowdisplaybreaks
\begin{document}"""

SECTIONS = {1: "section", 2: "subsection", 3: "paragraph"}
MOST_ROWS = 40  # of a table on one page


def render(derivation: Derivation, steps: str = "full", digits: int | None = None, fragment: bool = False) -> str:
    """The whole derivation; a `fragment` is what stands between the beginning and the end of a document."""
    body = written(document(derivation, steps, digits))
    return body if fragment else f"{PREAMBLE}\n\n{body}\n\\end{{document}}\n"


def written(text: Document) -> str:
    """A document as LaTeX, without a preamble."""
    return "\n\n".join(map(block, text.blocks)) + "\n"


def block(part: Block) -> str:
    r"""One block as LaTeX.

    >>> print(block(Heading(2, ("50% done",))))
    \subsection*{50\% done}
    """
    match part:
        case Heading(level, words):
            return rf"\{SECTIONS[level]}*{{{in_text(words)}}}" + (r"\mbox{}" if level == 3 else "")
        case Paragraph(words):
            return in_text(words)
        case Items(items):
            return "\n".join([r"\begin{itemize}", *(rf"\item{{}} {in_text(item)}" for item in items), r"\end{itemize}"])
        case Equations(rows):
            return "\n".join(f"\\begin{{align*}}\n{body}\n\\end{{align*}}" for body in displays(rows))
        case Grid(head, rows):
            pages = [rows[start : start + MOST_ROWS] for start in range(0, len(rows), MOST_ROWS)]
            return "\n\n".join(_table(head, page) for page in pages)


def _table(head: tuple[str, ...], rows: tuple[tuple[Words, ...], ...]) -> str:
    cells = [" & ".join(in_text((name,)) for name in head) + r" \\ \hline"]
    cells += [" & ".join(map(in_text, row)) + r" \\" for row in rows]
    return "\n".join([rf"\begin{{tabular}}{{{'l' * len(head)}}}", *cells, r"\end{tabular}"])
