"""A derivation that shows itself in a notebook, by Markdown and by LaTeX; never as mathematics inside HTML."""

from __future__ import annotations

from dataclasses import dataclass, fields

from backcalc.derive.derivation import Derivation


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
    return ShownDerivation(**{field.name: getattr(derivation, field.name) for field in fields(derivation)})
