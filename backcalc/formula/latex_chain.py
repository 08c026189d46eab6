"""What a reader of submissions finds: chains of equal sides, the numbers as they were written, and other readings."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from backcalc.formula.tree import Expr


@dataclass(frozen=True, slots=True)
class Written:
    """A number as it was written: 0.2880 says more than 0.288.

    `half_unit` is half a unit of its last written digit (0 for an integer that nothing says is rounded), so that the
    writer may have meant anything in value ± half_unit. `about` is true after `~`; `unit` is what stood behind
    (`%`, `FLOP`). A number that the reader had to supply, as the lower bound of a sum, has an empty text.
    """

    value: Fraction
    text: str = ""
    half_unit: Fraction = Fraction(0)
    about: bool = False
    unit: str = ""
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a relation: its tree, and for each `Num` in it, in the order of `tree.walk`, how it was written.

    `notes` say where the notation was faulty but can mean one thing only.
    """

    expr: Expr
    numbers: tuple[Written, ...]
    start: int
    end: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another way to read a chain, and what is ambiguous."""

    sides: tuple[Side, ...]
    relations: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Chain:
    """`a = b ≈ c`: one side more than relations, or as many where the line begins with a relation (`continues`).

    Relations are `=`, `:=`, `≈`, `←`, `==`, `!=`, `<`, `<=`, `>`, `>=`. `word` is what stood before the chain, `if`,
    `where`, `⇒`: after `if` it is a condition on the chain before it. `alternatives` are further readings, none where
    the text can mean one thing only; where there are more than are listed, the last reason says so.
    """

    sides: tuple[Side, ...]
    relations: tuple[str, ...]
    continues: bool
    word: str
    start: int
    end: int
    alternatives: tuple[Alternative, ...] = ()
