"""What folding a network gives, as data: every fold with its formulas and proof, and the smaller network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from backcalc.derive.derivation import Check
from backcalc.formula.print_text import to_text
from backcalc.formula.tree import Expr, Ref
from backcalc.layers.base import Parameter
from backcalc.layers.fields import Entries, Nested
from backcalc.net.network import Network, Node


class FoldError(ValueError):
    """The network is none that could be written as a folded file."""


@dataclass(frozen=True, slots=True)
class Fold:
    """Two neighbours, `first` and `second`, made one called `into`: the law, the new arrays, and the proof.

    `before` and `after` count parameters.
    """

    rule: str
    reason: str
    first: str
    second: str
    into: str
    formulas: tuple[tuple[Ref, Expr], ...]
    checks: tuple[Check, ...]
    before: int
    after: int

    @property
    def passed(self) -> bool:
        """Whether both are proved equal."""
        return all(check.passed for check in self.checks) and any(check.max_error is not None for check in self.checks)


@dataclass(frozen=True, slots=True)
class Stack:
    """Linear layers multiplied out: their weights from the last to the first, and how large the rank can be."""

    layers: tuple[str, ...]
    widths: tuple[int, ...]
    weights: tuple[str, ...]
    biases: tuple[str | None, ...]

    @property
    def rank(self) -> int:
        """The rank of the product is at most this."""
        return min(self.widths)


@dataclass(frozen=True)
class Folding:
    """A network folded: `network` is the smaller one, `text` its net.yaml; `checks` hold both whole networks together.

    `values` holds the arrays of the folded layers where all they are made of has a value; `rounded` are those that are
    no fractions and were rounded to 30 digits.
    """

    original: Network
    network: Network
    text: str
    folds: tuple[Fold, ...]
    stacks: tuple[Stack, ...]
    checks: tuple[Check, ...] = ()
    notes: tuple[str, ...] = ()
    rounded: tuple[str, ...] = ()
    values: Mapping[str, Nested] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether every fold is proved; true where there was nothing to fold."""
        return all(fold.passed for fold in self.folds) and all(check.passed for check in self.checks)

    def yaml(self) -> str:
        """The text of the folded file. Raises FoldError where the network has no layers."""
        if not self.text:
            raise FoldError("the network is a set of equations; folding works on layers")
        return self.text

    def to_json(self) -> dict[str, Any]:
        """`{net, folds, stacks, params, verified, yaml}`."""
        return {
            "schema_version": 1,
            "net": self.original.name,
            "folds": [
                {
                    "rule": fold.rule,
                    "reason": fold.reason,
                    "layers": [fold.first, fold.second],
                    "into": fold.into,
                    "formulas": {left.name: f"{to_text(left)} = {to_text(right)}" for left, right in fold.formulas},
                    "params": {"before": fold.before, "after": fold.after},
                    "verified": [_told(check) for check in fold.checks],
                }
                for fold in self.folds
            ],
            "stacks": [
                {"layers": list(stack.layers), "widths": list(stack.widths), "rank_at_most": stack.rank}
                for stack in self.stacks
            ],
            "params": {"before": params(self.original.nodes), "after": params(self.network.nodes)},
            "verified": [_told(check) for check in self.checks],
            "rounded": list(self.rounded),
            "notes": list(self.notes),
            "passed": self.passed,
            "yaml": self.text or None,
        }


def _told(check: Check) -> dict[str, Any]:
    error = check.max_error
    return {"against": check.against, "max_error": error, "passed": check.passed, "detail": check.detail}


def params(nodes: tuple[Node, ...]) -> int:
    """How many numbers training can change, shared arrays once."""
    found: dict[str, Parameter] = {}
    for node in nodes:
        found |= {parameter.name: parameter for parameter in node.parameters if parameter.trainable}
    return sum(_count(parameter) for parameter in found.values())


def _count(parameter: Parameter) -> int:
    if parameter.entries is None:
        return parameter.count
    return len({entry for entry in _flat(parameter.entries) if isinstance(entry, str)})


def _flat(entries: Entries) -> list[str | Fraction]:
    if isinstance(entries, tuple):
        return [single for item in entries for single in _flat(item)]
    return [entries]
