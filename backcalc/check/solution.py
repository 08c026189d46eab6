"""A model solution as data: problems with their derivations, counts and proofs, and their answers."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from backcalc.count import Table
from backcalc.derive import Derivation
from backcalc.derive.derivation import Check
from backcalc.derive.exact import Exact
from backcalc.formula.evaluate import Array
from backcalc.formula.tree import Expr, Ref
from backcalc.transform import Proof

Verb = Literal["", "delta", "new"]
"""What is asked of a quantity: itself, how much an update changes it, or what it is after the update."""

Kind = Literal["net", "count", "claims", "answers"]


@dataclass(frozen=True, slots=True)
class Result:
    """One thing that is asked for, and its answer.

    `of` is the quantity that it is about; None for a count and a stated answer, which have their `word` only. `formula`
    is its right-hand side, `values` its elements, None where letters are open; `terms` says what the numbers of a sum
    are. A stated answer has its `tolerance`; `others` are the values under other conventions.
    """

    word: str
    points: Fraction
    of: Ref | None = None
    verb: Verb = ""
    formula: Expr | None = None
    values: Array[Exact] | None = None
    terms: tuple[str, ...] = ()
    tolerance: Fraction | None = None
    others: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Variant:
    """Another network that the problem may mean: its name, and its answers."""

    name: str
    results: tuple[Result, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """One problem, worked out: by a derivation, a table of counts or proofs; by nothing where answers are stated.

    `backward` says whether a derivative is asked for, or values of the forward pass alone. `checks` are the witnesses
    of its counts; a derivation and a proof have their own.
    """

    id: str
    kind: Kind
    points: Fraction
    results: tuple[Result, ...] = ()
    derivation: Derivation | None = None
    backward: bool = True
    table: Table | None = None
    proofs: tuple[Proof, ...] = ()
    checks: tuple[Check, ...] = ()
    variants: tuple[Variant, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether everything that could be verified was, and every claim is proved."""
        derived = self.derivation is None or self.derivation.passed
        return derived and all(check.passed for check in self.checks) and all(proof.holds for proof in self.proofs)


@dataclass(frozen=True, slots=True)
class Solution:
    """The whole key, worked out. `accepted` are the conventions that also count as right, each with what it says."""

    name: str
    accepted: tuple[tuple[str, str], ...]
    parts: tuple[Part, ...]

    @property
    def points(self) -> Fraction:
        """The points of all problems together."""
        return sum((part.points for part in self.parts), Fraction(0))

    @property
    def holds(self) -> bool:
        """Whether every part of it does."""
        return all(part.holds for part in self.parts)
