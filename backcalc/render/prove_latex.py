"""A proof as a LaTeX document: a displayed equation for every step, and the verdict."""

from __future__ import annotations

from collections.abc import Iterator

from backcalc.formula.print_latex import to_latex
from backcalc.render.document import Block, Document, Equations, Heading, Paragraph, Row
from backcalc.render.grad_latex import PREAMBLE, written
from backcalc.transform.proof import Proof


def render(proof: Proof) -> str:
    """The whole document."""
    text = Document((Heading(1, ("Claim",)), *blocks(proof)))
    return f"{PREAMBLE}\n\n{written(text)}\n\\end{{document}}\n"


def blocks(proof: Proof) -> Iterator[Block]:
    """The claim, its steps and the verdict; links have headings of the second level."""
    rights = tuple(("=", to_latex(link.right)) for link in proof.links)
    yield Equations((Row(to_latex(proof.links[0].left), rights),))
    for condition in proof.given:
        yield Paragraph((f"Given {condition}.",))
    for note in proof.notes:
        yield Paragraph((f"Read as: {note}.",))
    for count, link in enumerate(proof.links, 1):
        if len(proof.links) > 1:
            yield Heading(2, (f"Link {count}",))
            yield Equations((Row(to_latex(link.left), (("=", to_latex(link.right)),)),))
        for number, step in enumerate(link.steps, 1):
            yield Paragraph((f"{number}. {step.rule}: {step.reason}.",))
            if step.left is not None and step.right is not None:
                yield Equations((Row(to_latex(step.left), (("=", to_latex(step.right)),)),))
    yield Paragraph((_verdict(proof),))


def _verdict(proof: Proof) -> str:
    against = proof.counterexample
    if against is not None:
        at = ", ".join(f"{name} = {value}" for name, value in against.values.items())
        return f"The claim does not hold: {f'at {at} ' if at else ''}it says {against.left} = {against.right}."
    if proof.holds:
        return f"The claim is proved wherever both sides are defined ({proof.decisive.method})."
    return f"The claim is neither proved nor refuted: {proof.decisive.steps[-1].reason}."
