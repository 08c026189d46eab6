"""What `count` knows of a network, as scalar names: `conv2_weights` is `conv2.weights`, `weights` the total."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from backcalc.count import count
from backcalc.count.table import Row, Table
from backcalc.net import Network

ROW_FIELDS = (
    "weights",
    "biases",
    "params",
    "trainable",
    "non_trainable",
    "connections",
    "macs",
    "flops",
    "activations",
)
TOTAL_FIELDS = (*ROW_FIELDS, "total", "memory_bytes")

VARIANTS: Mapping[str, str] = MappingProxyType(
    {
        "bias": "biases are counted, or left out",
        "mac": "a multiply-accumulate is one operation",
        "2mac": "a multiply-accumulate is two operations, nothing else is counted",
        "padding": "taps on padding are left out of the connections",
        "pooling": "the inputs of pooling windows are counted as connections",
    }
)
"""Other conventions of counting, each with what it says."""


@dataclass(frozen=True)
class Counts:
    """The counts of a network under the key's convention, and under others where they differ.

    `dotted` maps `conv2_weights` to how a person writes it, `sums` each total to the rows that it adds up.
    """

    table: Table
    values: Mapping[str, int]
    dotted: Mapping[str, str]
    sums: Mapping[str, tuple[str, ...]]
    variants: Mapping[str, Mapping[str, int]]
    formulas: Mapping[str, str]


def counted(network: Network, *, bias: bool = True) -> Counts:
    """Counts a network under every convention. Raises InputError for a network without layers.

    >>> from backcalc.net import load_network
    >>> found = counted(load_network("lenet5"), bias=False)
    >>> found.values["conv2_weights"], found.values["weights"], found.variants["bias"]["params"]
    (2400, 61470, 61706)
    """
    table = count(network, bias=bias)
    values = _values(table)
    others = {
        "bias": _values(count(network, bias=not bias)),
        "mac": _values(count(network, bias=bias, flops="mac")),
        "2mac": _values(count(network, bias=bias, flops="2mac")),
        "padding": _values(count(network, bias=bias, padding_connections=False)),
        "pooling": _values(count(network, bias=bias, pooling_connections=True)),
    }
    differing = {
        name: {field: value for field, value in other.items() if values.get(field, value) != value}
        for name, other in others.items()
    }
    sums: dict[str, tuple[str, ...]] = {}
    for field in ROW_FIELDS:
        rows = tuple(f"{row.name}_{field}" for row in table.rows)
        if rows and sum(values[row] for row in rows) == values[field]:
            sums[field] = rows
    formulas = {f"{row.name}_{field}": text for row in table.rows for field, text in _formulas(row).items()}
    dotted = {f"{row.name}_{field}": f"{row.name}.{field}" for row in table.rows for field in ROW_FIELDS}
    return Counts(table, values, dotted, sums, differing, formulas)


def _values(table: Table) -> dict[str, int]:
    found = {f"{row.name}_{field}": int(getattr(row, field)) for row in table.rows for field in ROW_FIELDS}
    totals = table.totals.to_json()
    return found | {field: value for field in TOTAL_FIELDS if isinstance(value := totals[field], int)}


def _formulas(row: Row) -> dict[str, str]:
    named = row.formulas
    return {
        "weights": named.weights.text,
        "biases": named.biases.text,
        "params": named.params.text,
        "connections": named.connections.text,
        "macs": named.macs.text,
        "flops": named.flops.text,
        "activations": named.activations.text,
    }
