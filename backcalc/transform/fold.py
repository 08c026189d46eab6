"""`fold`: an equivalent smaller network, how it comes about, and the proof that both answer the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from backcalc.derive.derivation import Check
from backcalc.formula.integers import EvaluationError
from backcalc.formula.read import read_equation
from backcalc.formula.tree import Expr, Ref
from backcalc.layers.base import Parameter
from backcalc.layers.dense import Dense
from backcalc.layers.fields import Entries, Nested
from backcalc.net.nested import folded
from backcalc.net.network import Network, Node
from backcalc.transform.certain import Certain
from backcalc.transform.chain import Chain
from backcalc.transform.equal import DIGITS, defined, numeric, symbolic, together
from backcalc.transform.rules import Plan, is_identity, is_norm, plan, refusal
from backcalc.transform.written import folded_network, folded_yaml

LARGEST_ARRAY = 20_000  # numbers of a folded array that are computed
SHOWN_DIGITS = 30

Arrays = dict[str, dict[tuple[int, ...], Certain]]


@dataclass(frozen=True, slots=True)
class Fold:
    """Two neighbours made one: the law, the formulas of the new arrays, and the proof.

    `gone` is the layer that is no longer there, `into` the one that does its work. `before` and `after` count
    parameters.
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
    """A network folded: `network` is the smaller one, `text` its net.yaml.

    `values` holds the arrays of the folded layers where all they are made of has a value; `rounded` are those that are
    no fractions and were rounded to 30 digits.
    """

    original: Network
    network: Network
    text: str
    folds: tuple[Fold, ...]
    stacks: tuple[Stack, ...]
    notes: tuple[str, ...] = ()
    rounded: tuple[str, ...] = ()
    values: Mapping[str, Nested] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether every fold is proved; true where there was nothing to fold."""
        return all(fold.passed for fold in self.folds)

    def to_json(self) -> dict[str, Any]:
        """`{net, folds, stacks, params, verified, yaml}`."""
        from backcalc.formula.print_text import to_text

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
                    "verified": [
                        {"against": c.against, "max_error": c.max_error, "passed": c.passed} for c in fold.checks
                    ],
                }
                for fold in self.folds
            ],
            "stacks": [
                {"layers": list(stack.layers), "widths": list(stack.widths), "rank_at_most": stack.rank}
                for stack in self.stacks
            ],
            "params": {"before": params(self.original.nodes), "after": params(self.network.nodes)},
            "rounded": list(self.rounded),
            "notes": list(self.notes),
            "passed": self.passed,
            "yaml": self.text,
        }


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


def fold(network: Network, kept: Mapping[str, Any] | None = None) -> Folding:
    """Folds what can be folded; `kept` are the entries of the file that the folded file keeps, its loss and update.

    >>> from backcalc.net import load_network
    >>> folding = fold(load_network("input: 3\\nlayers: [{dense: 4}, {dense: 2}]"))
    >>> [(each.rule, each.first, each.into, each.passed) for each in folding.folds]
    [('stack', 'dense_1', 'dense_2', True)]
    """
    chain = Chain.of(network)
    numbers = _numbers(network)
    folds: list[Fold] = []
    stacks: dict[str, list[Node]] = {}
    chain, dropped = _without_identities(chain)
    while (found := _next(chain)) is not None:
        chain, made = chain.replaced(found.first, found.second, found.layer, found.name)
        both = together(found.first, found.second, made, found.definitions)
        checks = (symbolic(both), numeric(both))
        formulas = tuple(read_equation(line) for line in found.definitions)
        before, after = params((found.first, found.second)), params((made,))
        folds.append(
            Fold(found.rule, found.reason, found.first.name, found.second.name, made.name, formulas, checks, before, after)
        )
        if found.rule == "stack":
            stacks[made.name] = [*stacks.pop(found.first.name, [found.first]), found.second]
        if sum(parameter.count for parameter in made.parameters) <= LARGEST_ARRAY:
            _computed(found, both.definitions, numbers, lambda: defined(both, numbers))
    values, rounded = _values(chain, network, numbers)
    text = folded_yaml(network, chain.nodes, values, dict(kept or {}))
    notes = (*dropped, *_refusals(chain), *_about(network, folds))
    return Folding(
        network,
        folded_network(network, chain.nodes, text) if folds or dropped else network,
        text,
        tuple(folds),
        tuple(_stack(layers) for layers in stacks.values()),
        notes,
        rounded,
        values,
    )
