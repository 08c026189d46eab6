"""The table that `count` answers with: a row a layer, every number with the formula it is the value of."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache

from backcalc.count.conventions import Convention
from backcalc.formula.integers import integer
from backcalc.formula.read import read_expression
from backcalc.formula.size import shown, sized
from backcalc.formula.tree import Add, names
from backcalc.layers.base import Shape
from backcalc.net.errors import InputError, Problem, did_you_mean


@dataclass(frozen=True)
class Formula:
    """A formula with its numbers in, and its value: the value *is* the evaluation of the text.

    >>> print(Formula("(5*5*1 + 1)*6"))
    (5·5·1 + 1)·6 = 156
    """

    text: str

    @cached_property
    def value(self) -> int:
        """The number that the formula gives, exactly."""
        return _value(self.text)

    def times(self, factor: int) -> Formula:
        """The formula `factor` times over.

        >>> print(Formula("10 + 9").times(32))
        32·(10 + 9) = 608
        """
        if factor == 1 or self.text == "0":
            return self
        is_sum = isinstance(read_expression(self.text), Add)
        return Formula(f"{factor}*({self.text})" if is_sum else f"{factor}*{self.text}")

    def less(self, amount: int) -> Formula:
        """The formula with an amount taken off."""
        return Formula(f"{self.text} - {amount}") if amount else self

    def __str__(self) -> str:
        value = str(shown(self.value))
        return pretty(self.text) if self.text in (value, f"({value})") else pretty(f"{self.text} = {value}")


@lru_cache(maxsize=4096)
def _value(text: str) -> int:
    """The value of a formula; the layers of a deep network repeat the same ones."""
    formula = read_expression(text)
    return sized(formula) if names(formula) else integer(formula, {})


def as_text(size: int) -> str:
    """A number as tables have it, letters as people write them, without parentheses around them.

    >>> as_text(3), as_text(Formula("12*L*d*d + d").value)
    ('3', '12·L·d² + d')
    """
    return pretty(str(shown(size)))


_POWER = re.compile(r"\^(\d+)")
_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def pretty(text: str) -> str:
    """A formula as people write it.

    >>> pretty("5*5*d^2")
    '5·5·d²'
    """
    return _POWER.sub(lambda power: power[1].translate(_RAISED), text).replace("*", "·")


@dataclass(frozen=True, slots=True)
class Formulas:
    """The formulas behind the numbers of a row; `output_shape` and `receptive_field` say how they come about."""

    output_shape: str
    receptive_field: str
    weights: Formula
    biases: Formula
    params: Formula
    connections: Formula
    macs: Formula
    flops: Formula
    activations: Formula


def lettered(document: dict[str, object]) -> dict[str, object]:
    """The fields of a JSON object, sizes with letters as text: `{"params": "d^2 + d"}`."""

    def plain(value: object) -> object:
        if isinstance(value, list | tuple):
            return [plain(item) for item in value]
        if isinstance(value, Fraction):
            return str(value)
        return shown(value) if isinstance(value, int) and not isinstance(value, bool) else value

    return {name: plain(value) for name, value in document.items()}


@dataclass(frozen=True, slots=True)
class Row:
    """One layer.

    Neighbours in its output see cells that are `jump` apart, the first of them begins `padding` cells before the input;
    `idle` are the parameters that one token does not use. `operations` are those of one unit that the convention
    prices, `units` how many units there are, `prices` all that it asks for such a layer. `general` holds the formulas
    in words; `notes` says what is special, as weights that are counted elsewhere.
    """

    name: str
    kind: str
    input_shape: Shape
    output_shape: Shape
    receptive_field: int | tuple[int, ...]
    jump: int | Fraction | tuple[int | Fraction, ...]
    padding: int | Fraction | tuple[int | Fraction, ...]
    formulas: Formulas
    non_trainable: int
    idle: int
    operations: tuple[tuple[str, Formula], ...]
    units: Formula
    prices: Mapping[str, int]
    general: Mapping[str, str]
    notes: tuple[str, ...] = ()
    counted: bool = True

    @property
    def weights(self) -> int:
        """How many weights the layer has, fixed ones too."""
        return self.formulas.weights.value

    @property
    def biases(self) -> int:
        """How many biases the layer has."""
        return self.formulas.biases.value

    @property
    def params(self) -> int:
        """How many of its weights and biases training can change."""
        return self.formulas.params.value

    @property
    def trainable(self) -> int:
        """The same number, under the name that the totals have for it."""
        return self.params

    @property
    def connections(self) -> int:
        """How often a weight or a bias is used."""
        return self.formulas.connections.value

    @property
    def macs(self) -> int:
        """How many multiply-accumulates the layer takes."""
        return self.formulas.macs.value

    @property
    def flops(self) -> int:
        """How many operations the layer takes under the table's convention."""
        return self.formulas.flops.value

    @property
    def activations(self) -> int:
        """How many numbers the layer's output has."""
        return self.formulas.activations.value

    def to_json(self) -> dict[str, object]:
        """The row as JSON has it."""
        return lettered(
            {
                "name": self.name,
                "kind": self.kind,
                "output_shape": list(self.output_shape),
                "weights": self.weights,
                "biases": self.biases,
                "params": self.params,
                "trainable": self.trainable,
                "non_trainable": self.non_trainable,
                "connections": self.connections,
                "macs": self.macs,
                "flops": self.flops,
                "activations": self.activations,
                "receptive_field": self.receptive_field,
                "jump": self.jump,
                "padding": self.padding,
                "formulas": {
                    "params": str(self.formulas.params),
                    "connections": str(self.formulas.connections),
                    "flops": str(self.formulas.flops),
                    "output_shape": pretty(self.formulas.output_shape),
                    "weights": str(self.formulas.weights),
                    "biases": str(self.formulas.biases),
                    "macs": str(self.formulas.macs),
                    "activations": str(self.formulas.activations),
                    "receptive_field": pretty(self.formulas.receptive_field),
                },
                "notes": list(self.notes),
            }
        )


@dataclass(frozen=True, slots=True)
class Totals:
    """The sums over all rows. `memory` holds parameters and activations as 4-byte numbers.

    `active` are the parameters that one token uses: all of them, but for experts that do not answer for it.
    """

    weights: Formula
    biases: Formula
    trainable: Formula
    non_trainable: int
    active: int
    connections: Formula
    macs: Formula
    flops: Formula
    activations: Formula
    memory: Formula

    @property
    def params(self) -> int:
        """How many weights and biases training can change."""
        return self.trainable.value

    @property
    def total(self) -> int:
        """All weights and biases, those that training cannot change too."""
        return self.params + self.non_trainable

    def to_json(self) -> dict[str, object]:
        """The totals as JSON has them."""
        return lettered(
            {
                "weights": self.weights.value,
                "biases": self.biases.value,
                "params": self.params,
                "trainable": self.params,
                "non_trainable": self.non_trainable,
                "total": self.total,
                "active": self.active,
                "connections": self.connections.value,
                "macs": self.macs.value,
                "flops": self.flops.value,
                "activations": self.activations.value,
                "memory_bytes": self.memory.value,
            }
        )


@dataclass(frozen=True, slots=True)
class Table:
    """What `count` found, and under which conventions.

    `assumed` is what is taken for granted of letters, `left_out` what the convention's tool does not see; `file`
    is what the network was read from, for messages; `remarks` say what its reader changed.
    """

    net: str
    convention: Convention
    bias: bool
    padding_connections: bool
    pooling_connections: bool
    batch: int
    causal: str
    inputs: Mapping[str, Shape]
    rows: tuple[Row, ...]
    totals: Totals
    assumed: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    file: str | None = None
    remarks: tuple[str, ...] = ()

    @property
    def uncounted(self) -> tuple[str, ...]:
        """The layers of unknown cost: where there are any, the totals are at least so much."""
        return tuple(row.name for row in self.rows if not row.counted)

    def row(self, name: str) -> Row:
        """The row of that layer. Raises InputError with the nearest name where there is none."""
        for row in self.rows:
            if row.name == name:
                return row
        names = [row.name for row in self.rows]
        hint = did_you_mean(name, names, f"the layers are {', '.join(names)}")
        raise InputError([Problem(self.file or self.net, 0, 0, 0, "", f"there is no layer `{name}`", hint)])

    def to_json(self) -> dict[str, object]:
        """The table as JSON has it: stable names, `schema_version` first."""
        return {
            "schema_version": 1,
            "net": self.net,
            "flops_convention": self.convention.name,
            "options": {
                "bias": self.bias,
                "padding_connections": self.padding_connections,
                "pooling_connections": self.pooling_connections,
                "batch": self.batch,
                "causal": self.causal,
            },
            "layers": [row.to_json() for row in self.rows],
            "totals": {**self.totals.to_json(), "at_least": bool(self.uncounted)},
            "assumed": list(self.assumed),
            "remarks": list(self.remarks),
        }
