"""Proofs and foldings that show themselves in a notebook, by Markdown and by LaTeX."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from backcalc.render.document import Block, Document, Equations
from backcalc.render.shown import as_shown
from backcalc.transform.folding import Folding
from backcalc.transform.proof import Proof


@dataclass(frozen=True, slots=True)
class ShownProof(Proof):
    """A proof as `backcalc.prove` returns it: the same data, and how a notebook shows it."""

    def _repr_markdown_(self) -> str:
        """The claim, every step, and the verdict."""
        from backcalc.render.grad_markdown import written
        from backcalc.render.prove_latex import blocks

        return written(Document(tuple(blocks(self))))

    def _repr_latex_(self) -> str:
        """The claim alone."""
        from backcalc.render.prove_latex import blocks

        return _displayed(tuple(blocks(self))[:1])


@dataclass(frozen=True)
class ShownFolding(Folding):
    """A folding as `backcalc.fold` returns it: the same data, and how a notebook shows it."""

    def _repr_markdown_(self) -> str:
        """Every fold with its formulas and its proof, then the folded file."""
        from backcalc.render.check_markdown import block
        from backcalc.render.fold_latex import blocks
        from backcalc.render.grad_markdown import written

        text = written(Document(tuple(blocks(self))))
        return f"{text}\n{block(self.text.rstrip().splitlines())}\n" if self.folds else text

    def _repr_latex_(self) -> str:
        """The formulas of the folded arrays alone."""
        from backcalc.render.fold_latex import blocks

        return _displayed(tuple(blocks(self)))


def _displayed(blocks: Sequence[Block]) -> str:
    from backcalc.render.grad_markdown import display
    from backcalc.render.latex_layout import displays

    rows = [row for block in blocks if isinstance(block, Equations) for row in block.rows]
    return "\n".join(map(display, displays(rows)))


def shown_proof(proof: Proof) -> ShownProof:
    """The same proof, which a notebook can show.

    >>> import backcalc
    >>> print(backcalc.prove("2*sigmoid(2*x) - 1 = tanh(x)")._repr_latex_())
    $$
    \\begin{aligned}
    2 \\sigma(2 x) - 1 &= \\tanh(x)
    \\end{aligned}
    $$
    """
    return as_shown(ShownProof, proof)


def shown_folding(folding: Folding) -> ShownFolding:
    """The same folding, which a notebook can show.

    >>> import backcalc
    >>> backcalc.fold({"name": "two", "input": 3, "layers": [{"dense": 4}, {"dense": 2}]})._repr_markdown_()[:7]
    '# two\\n\\n'
    """
    return as_shown(ShownFolding, folding)
