"""What a proof is, as data: links, steps, verdicts, and a counterexample where there is one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from backcalc.formula.print_latex import to_latex
from backcalc.formula.print_text import to_text
from backcalc.formula.tree import Expr
from backcalc.transform.refute import Counterexample


@dataclass(frozen=True, slots=True)
class ProofStep:
    """One step: `left = right` for the reason given; without sides the reason says it all."""

    rule: str
    reason: str
    left: Expr | None = None
    right: Expr | None = None


@dataclass(frozen=True, slots=True)
class LinkProof:
    """One equality of a chain, its verdict, and why."""

    left: Expr
    right: Expr
    holds: bool | None
    method: str
    steps: tuple[ProofStep, ...]
    counterexample: Counterexample | None = None


@dataclass(frozen=True, slots=True)
class Proof:
    """The verdict on a claim: `holds` is True where every link is proved, False where one is refuted, else None."""

    claim: str
    given: tuple[str, ...]
    notes: tuple[str, ...]
    links: tuple[LinkProof, ...]

    @property
    def holds(self) -> bool | None:
        """True, False, or None for what is not settled."""
        verdicts = [link.holds for link in self.links]
        return False if False in verdicts else None if None in verdicts else True

    @property
    def decisive(self) -> LinkProof:
        """The link that the verdict hangs on: the first that fails, else the first that is open, else the last."""
        return next(
            (link for link in self.links if link.holds == self.holds and self.holds is not True), self.links[-1]
        )

    @property
    def counterexample(self) -> Counterexample | None:
        """The numbers at which the claim fails."""
        return self.decisive.counterexample

    def to_json(self) -> dict[str, Any]:
        """`{claim, holds, method, steps, counterexample}`."""
        against = self.counterexample
        return {
            "schema_version": 1,
            "claim": self.claim,
            "given": list(self.given),
            "holds": self.holds,
            "method": self.decisive.method,
            "steps": [_step(step, count) for count, link in enumerate(self.links, 1) for step in link.steps],
            "counterexample": None if against is None else against.to_json(),
            "links": [
                {"left": to_text(link.left), "right": to_text(link.right), "holds": link.holds, "method": link.method}
                for link in self.links
            ],
            "notes": list(self.notes),
        }


def _step(step: ProofStep, link: int) -> dict[str, Any]:
    sides = (step.left, step.right)
    written = [None if side is None else to_text(side) for side in sides]
    latex = " = ".join(to_latex(side) for side in sides if side is not None)
    return {
        "link": link,
        "rule": step.rule,
        "reason": step.reason,
        "left": written[0],
        "right": written[1],
        "latex": latex or None,
    }
