"""A proof as text: the steps with their rules, then the verdict."""

from __future__ import annotations

from backcalc.formula.functions import FUNCTIONS
from backcalc.formula.print_unicode import to_unicode
from backcalc.formula.tree import Call, walk
from backcalc.render.layout import WIDTH, equation, heading, paragraph
from backcalc.transform.proof import LinkProof, Proof, ProofStep

_VERDICTS = {True: "✓ proved", False: "✗ does not hold", None: "? not settled"}
_SCOPE = "Proved wherever both sides are defined"
_KINKS = "; at a kink the derivative is the stated convention"


def render(proof: Proof, width: int = WIDTH) -> str:
    """The links of the chain one after the other, each with its steps, and the verdict on the whole."""
    return "\n".join([*heading("Claim", "═"), *lines_of(proof, width), ""])


def lines_of(proof: Proof, width: int = WIDTH) -> list[str]:
    """The same without the heading."""
    lines: list[str] = []
    sides = [proof.links[0].left, *(link.right for link in proof.links)]
    lines += equation(to_unicode(sides[0]), [to_unicode(side) for side in sides[1:]], 2, width)
    for condition in proof.given:
        lines += paragraph(f"given {condition}", 2, width)
    for note in proof.notes:
        lines += paragraph(f"read as: {note}", 2, width)
    for count, link in enumerate(proof.links, 1):
        if len(proof.links) > 1:
            lines += [
                "",
                *heading(f"Link {count}"),
                *equation(to_unicode(link.left), [to_unicode(link.right)], 2, width),
            ]
        lines += ["", *_steps(link, width)]
        if len(proof.links) > 1:
            lines.append(f"{_VERDICTS[link.holds]} ({link.method})")
    return [*lines, "", *_verdict(proof, width)]


def _steps(link: LinkProof, width: int) -> list[str]:
    lines: list[str] = []
    for count, step in enumerate(link.steps, 1):
        lines += _step(count, step, width)
    return lines


def _step(count: int, step: ProofStep, width: int) -> list[str]:
    lines = paragraph(f"{count}. {step.rule}: {step.reason}", 0, width)
    if step.left is not None and step.right is not None:
        lines += equation(to_unicode(step.left), [to_unicode(step.right)], 5, width)
    return lines


def _verdict(proof: Proof, width: int) -> list[str]:
    link = proof.decisive
    against = proof.counterexample
    if against is not None:
        lines = ["✗ The claim does not hold. Counterexample:"]
        lines += [f"  {name} = {value}" for name, value in against.values.items()]
        return [*lines, f"  left side  = {against.left}", f"  right side = {against.right}"]
    if proof.holds:
        return [f"✓ The claim is proved ({link.method}).", *paragraph(scope(proof), 2, width)]
    return paragraph(f"? The claim is neither proved nor refuted: {link.steps[-1].reason}.", 0, width)


def scope(proof: Proof) -> str:
    """Where a proof holds; at kinks only if a derivative of a function with kinks stands in the claim."""
    nodes = [node for link in proof.links for side in (link.left, link.right) for node in walk(side)]
    called = {node.function for node in nodes if isinstance(node, Call)}
    bent = any("kink" in FUNCTIONS[name].domain or name in ("max", "min", "if") for name in called & FUNCTIONS.keys())
    return f"{_SCOPE}{_KINKS if bent and 'diff' in called else ''}."
