"""The table of `count` and a comparison as sheets: the numbers, and the formulas behind them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from backcalc.count.compare import Pair, Versus
from backcalc.count.table import Row, Table, as_text, pretty
from backcalc.render.count_text import conventions, shown_field, shown_shape
from backcalc.render.sheet import Sheet, csv, html, markdown

_WORDS = frozenset({"", "layer", "other layer", "kind", "output"})

_NUMBERS: Mapping[str, Callable[[Row], str]] = MappingProxyType(
    {
        "layer": lambda row: row.name,
        "kind": lambda row: row.kind,
        "output": lambda row: shown_shape(row.output_shape),
        "weights": lambda row: as_text(row.weights),
        "biases": lambda row: as_text(row.biases),
        "params": lambda row: as_text(row.params),
        "connections": lambda row: as_text(row.connections),
        "MACs": lambda row: as_text(row.macs),
        "FLOPs": lambda row: as_text(row.flops),
        "activations": lambda row: as_text(row.activations),
        "field": lambda row: shown_field(row.receptive_field),
    }
)
_FORMULAS: Mapping[str, Callable[[Row], str]] = MappingProxyType(
    {
        "output": lambda row: pretty(row.formulas.output_shape),
        "params": lambda row: str(row.formulas.params),
        "connections": lambda row: str(row.formulas.connections),
        "MACs": lambda row: str(row.formulas.macs),
        "FLOPs": lambda row: str(row.formulas.flops),
        "field": lambda row: pretty(row.formulas.receptive_field),
        "notes": lambda row: "; ".join(row.notes),
    }
)


def numbers(table: Table) -> Sheet:
    """A row a layer, every number that is counted."""
    rows = tuple(tuple(cell(row) for cell in _NUMBERS.values()) for row in table.rows)
    return Sheet(f"{table.net}: counts", tuple(_NUMBERS), rows, _totals(table), _WORDS)


def formulas(table: Table) -> Sheet:
    """A row a layer, the formula behind each number."""
    rows = tuple((row.name, *(cell(row) for cell in _FORMULAS.values())) for row in table.rows)
    head = ("layer", *_FORMULAS)
    return Sheet(f"{table.net}: how each number comes about", head, rows, left=frozenset(head))


def together(table: Table) -> Sheet:
    """Numbers and formulas in one table."""
    first, second = numbers(table), formulas(table)
    rows = tuple((*left, *right[1:]) for left, right in zip(first.rows, second.rows, strict=True))
    head = (*first.head, *(name if name == "notes" else f"{name} formula" for name in second.head[1:]))
    return Sheet(first.title, head, rows, (*first.total, *("" for _ in second.head[1:])))


def _totals(table: Table) -> tuple[str, ...]:
    totals = table.totals
    sums = [totals.weights, totals.biases, totals.trainable, totals.connections, totals.macs, totals.flops]
    return ("total", "", "", *(as_text(each.value) for each in (*sums, totals.activations)), "")


def side_by_side(found: Versus) -> Sheet:
    """Two networks in one table, a column of each beside that of the other; rows that differ begin with ≠."""
    compared = ("output", "params", "connections", "MACs", "FLOPs", "field")
    each = tuple(name for column in compared for name in (f"{column} 1", f"{column} 2"))
    head = ("", "layer", "other layer", "kind", *each)
    rows = tuple(_side_by_side(pair, compared) for pair in found.pairs)
    left, right = (dict(zip(_NUMBERS, _totals(table), strict=True)) for table in (found.left, found.right))
    total = tuple(cell for column in compared for cell in (left[column], right[column]))
    mark = "≠" if left != right else ""
    words = _WORDS | {"output 1", "output 2"}
    return Sheet(
        f"{found.left.net} (1) and {found.right.net} (2)", head, rows, (mark, "total", "total", "", *total), words
    )


def _side_by_side(pair: Pair, columns: tuple[str, ...]) -> tuple[str, ...]:
    rows = (pair.left, pair.right)
    names = ("" if row is None else row.name for row in rows)
    kinds = dict.fromkeys(row.kind for row in rows if row is not None)
    cells = ("" if row is None else _NUMBERS[column](row) for column in columns for row in rows)
    return ("≠" if pair.differs else "", *names, " / ".join(kinds), *cells)


def notes_of(result: Table | Versus) -> tuple[str, ...]:
    """What was counted how, and what was not."""
    tables = (result,) if isinstance(result, Table) else (result.left, result.right)
    unknown = (
        f"The totals of {table.net} are at least these: what {', '.join(table.uncounted)} "
        f"take{'' if len(table.uncounted) > 1 else 's'} is not counted."
        for table in tables
        if table.uncounted
    )
    return (*unknown, *conventions(tables[0]))


def written(result: Table | Versus, form: str) -> str:
    """A table or a comparison as `markdown`, `latex`, `html` or `csv`."""
    if form == "csv":
        return csv(together(result) if isinstance(result, Table) else side_by_side(result))
    if form == "latex":
        from backcalc.render.count_latex import written as in_latex

        return in_latex(result)
    sheets = (numbers(result), formulas(result)) if isinstance(result, Table) else (side_by_side(result),)
    notes = notes_of(result)
    return {"markdown": markdown, "html": html}[form](sheets, notes)
