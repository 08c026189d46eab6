"""Derivations and verifications that show themselves in a notebook; never as mathematics inside HTML."""

from __future__ import annotations

from dataclasses import dataclass

from backcalc.derive.derivation import Derivation
from backcalc.render.shown import as_shown
from backcalc.verify.witnesses import Verification


@dataclass(frozen=True)
class ShownDerivation(Derivation):
    """A derivation as `backcalc.grad` returns it: the same data, and how a notebook shows it."""

    def _repr_markdown_(self) -> str:
        """The whole derivation, one formula for each step."""
        from backcalc.render.grad_markdown import render

        return render(self)

    def _repr_latex_(self) -> str:
        """The results alone, for what sets one formula at a time."""
        from backcalc.render.document import Equations
        from backcalc.render.grad_document import document
        from backcalc.render.grad_markdown import display
        from backcalc.render.latex_layout import displays

        blocks = document(self, "brief").blocks
        start = next(place for place, block in enumerate(blocks) if getattr(block, "words", ()) == ("Result",))
        rows = [row for block in blocks[start + 1 : start + 2] if isinstance(block, Equations) for row in block.rows]
        return "\n".join(map(display, displays(rows)))


def shown(derivation: Derivation) -> ShownDerivation:
    """The same derivation, which a notebook can show.

    >>> import backcalc
    >>> derivation = backcalc.grad({"equations": "J = (w*x)^2", "values": {"x": 3, "w": 1}, "find": ["w"]})
    >>> print(derivation._repr_latex_())
    $$
    \\begin{aligned}
    \\frac{\\partial J}{\\partial w} &= 2 w \\, x^{2} = 18
    \\end{aligned}
    $$
    """
    return as_shown(ShownDerivation, derivation)


@dataclass(frozen=True, slots=True)
class ShownVerification(Verification):
    """A verification as `backcalc.verify` returns it: the same data, and how a notebook shows it."""

    def _repr_markdown_(self) -> str:
        """An item for every way, and the verdict."""
        from backcalc.render.document import Document, Heading, Items, Paragraph
        from backcalc.render.grad_markdown import written
        from backcalc.render.verify_text import said, verdict

        items = tuple((said(way),) for way in self.ways)
        blocks = (Heading(1, (self.net,)), Items(items), Paragraph((verdict(self),)))
        return written(Document(blocks if items else (blocks[0], blocks[-1])))


def shown_verification(verification: Verification) -> ShownVerification:
    """The same verification, which a notebook can show.

    >>> import backcalc
    >>> backcalc.verify({"equations": "J = (w*x)^2", "values": {"x": 3, "w": 1}})._repr_markdown_().splitlines()[-1]
    'All ways agree.'
    """
    return as_shown(ShownVerification, verification)
