"""`penalty: {l2: λ, l1: λ}`: what is added to the loss for large weights, λ·Σ w² and λ·Σ |w|.

Weights are what inputs are multiplied with: those of dense layers, convolutions, attention and the like. The gamma and
beta of norms are none of them, biases are with `biases: true`. A weight that is used twice counts once, a fixed one
not at all.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import TYPE_CHECKING, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from backcalc.layers.base import fresh_indices
from backcalc.net.build import Built
from backcalc.net.nested import flat
from backcalc.net.spec import Rate, described, validated

if TYPE_CHECKING:
    from backcalc.formula.tree import Expr, Ref
    from backcalc.net.network import Node


class Penalty(BaseModel):
    """What is added to the loss for large weights; the gamma and beta of norms are no weights here."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    l2: Rate | None = Field(None, description="factor of the sum of all squared weights: a number or a name")
    l1: Rate | None = Field(None, description="factor of the sum of all absolute weights: a number or a name")
    biases: bool = Field(False, description="whether biases count as weights")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.l1 is None and self.l2 is None:
            raise ValueError("`l2` or `l1` is needed, as in `penalty: {l2: 0.01}`")
        return self

    @property
    def factors(self) -> tuple[Fraction | str, ...]:
        """The factors that are given."""
        return tuple(factor for factor in (self.l2, self.l1) if factor is not None)


def build_penalty(built: Built, raw: object) -> None:
    """Reads `penalty`; a factor that is a name becomes a number of the network."""
    document = built.document
    if not isinstance(raw, dict):
        got = document.written(("penalty",)) or described(raw)
        document.report(("penalty",), f"expected `penalty: {{l2: 0.01}}`, got {got}")
        return
    penalty, _ = validated(Penalty, raw, ("penalty",), document, "`penalty`")
    if penalty is None:
        built.names.loose.update(word for word in raw.values() if isinstance(word, str))
        return
    for word in dict.fromkeys(factor for factor in penalty.factors if isinstance(factor, str)):
        key = "l2" if penalty.l2 == word else "l1"
        if built.define(word, "the factor of the penalty", ("penalty", key), ()):
            built.factors.append(word)
    if isinstance(document.data, dict) and "loss" not in document.data:
        document.report(("penalty",), "`penalty` is added to a loss, but the file has none", key=True)
    count = sum(not ref.indices for ref in _penalised(penalty, built.nodes))
    if count > MOST_WRITTEN:
        message = f"`penalty` would write {count} weights out one by one, at most {MOST_WRITTEN} are written"
        document.report(("penalty",), message, "name a whole array, as in `weights: W`", key=True)
    built.penalty = penalty


def penalty_terms(penalty: Penalty, nodes: Iterable[Node]) -> tuple[Expr, ...]:
    """The terms that the penalty adds to the loss: `lambda*sum(i, sum(j, W[i,j]^2))`."""
    from backcalc.formula.tree import Add, Call, Mul, Pow, Ref, num

    found = list(_penalised(penalty, nodes))
    terms: list[Expr] = []
    for factor, power in ((penalty.l2, True), (penalty.l1, False)):
        if factor is None or not found:
            continue
        parts = [_summed(ref, Pow(ref, num(2)) if power else Call("abs", (ref,))) for ref in found]
        if factor == 1:
            terms += parts
            continue
        total = Add(tuple(parts)) if len(parts) > 1 else parts[0]
        terms.append(Mul((Ref(factor) if isinstance(factor, str) else num(factor), total)))
    return tuple(terms)


def _penalised(penalty: Penalty, nodes: Iterable[Node]) -> Iterable[Ref]:
    """The arrays and single weights that count, each once, read at their indices."""
    from backcalc.formula.tree import Ref
    from backcalc.layers.norm import Norm

    seen: set[str] = set()
    for node in nodes:
        for parameter in () if isinstance(node.layer, Norm) else node.parameters:
            counts = parameter.role == "weight" or (penalty.biases and parameter.role == "bias")
            if not (counts and parameter.trainable) or parameter.name in seen:
                continue
            seen.add(parameter.name)
            entries = None if parameter.entries is None else list(flat(parameter.entries))
            names = dict.fromkeys(entry for entry in entries or () if isinstance(entry, str))
            if entries is None or (len(entries) > FEW and len(names) == len(entries) and seen.isdisjoint(names)):
                axes = fresh_indices("i j k l m n p q", parameter.name)
                yield Ref(parameter.name, tuple(Ref(axis) for axis in axes[: len(parameter.shape)]))
            else:
                yield from (Ref(name) for name in names if name not in seen)
            seen.update(names)


MOST_WRITTEN = 100
"""So many weights with names of their own are written out at most."""

FEW = 12
"""So many weights with names of their own are written out one by one; more are the sum of their array."""


def _summed(ref: Ref, body: Expr) -> Expr:
    from backcalc.formula.tree import Reduce, Ref

    for index in reversed(ref.indices):
        assert isinstance(index, Ref)
        body = Reduce("sum", index.name, None, None, None, body)
    return body
