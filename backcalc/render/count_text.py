"""The table of `count` as text: the numbers first, then for each layer the formulas that they are the values of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from textwrap import wrap
from types import MappingProxyType

from backcalc.count.conventions import Prices
from backcalc.count.quantities import QUANTITIES
from backcalc.count.table import Formula, Row, Table, as_text, pretty
from backcalc.render.table_text import Column, tables

WIDTH = 80

_OPERATIONS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "multiply": ("multiplication", "multiplications"),
        "add": ("addition", "additions"),
        "bias": ("addition of a bias", "additions of biases"),
        "compare": ("comparison", "comparisons"),
        "divide": ("division", "divisions"),
        "negate": ("change of sign", "changes of sign"),
        "exp": ("exponential", "exponentials"),
        "log": ("logarithm", "logarithms"),
        "sqrt": ("square root", "square roots"),
        "erf": ("error function", "error functions"),
        "sin": ("sine", "sines"),
        "cos": ("cosine", "cosines"),
    }
)


def render(table: Table, width: int = WIDTH) -> str:
    """The whole answer: the numbers, the formula behind each, the totals, and what was counted how.

    Nothing is cut: a table that is wider than `width` is split, a line that is longer is wrapped at its blanks.
    """
    blocks = [_heading(table), *_numbers(table, width), "How each number comes about"]
    blocks.extend(_layers(table.rows, width))
    blocks.append(_totals(table, width))
    blocks.append("\n".join(line for text in conventions(table) for line in wrap(text, width, break_on_hyphens=False)))
    return "\n\n".join(blocks) + "\n"


def explain(table: Table, layer: str, width: int = WIDTH) -> str:
    """Every number of one layer in words: what it counts, the general formula, the numbers put in, the value.

    Raises InputError with the nearest name where the network has no such layer.
    """
    row = table.row(layer)
    blocks = [f"{row.name}: {row.kind}, from {shown_shape(row.input_shape)} to {shown_shape(row.output_shape)}"]
    blocks.extend("\n".join(_wrapped(lines, width)) for lines in _explanations(table, row))
    blocks.extend("\n".join(wrap(f"Note: {note}.", width)) for note in row.notes)
    return "\n\n".join(blocks) + "\n"


def _heading(table: Table) -> str:
    inputs = ", ".join(f"{name} {shown_shape(shape)}" for name, shape in table.inputs.items())
    batch = f", {table.batch} samples at a time" if table.batch > 1 else ""
    return f"{table.net}: input {inputs}{batch}"


def _numbers(table: Table, width: int) -> Iterator[str]:
    """The numbers as one table, or as several, each beginning with the layers, where one would be too wide."""
    rows, totals = table.rows, table.totals
    names = Column("layer", tuple(row.name for row in rows), "total", right=False)
    columns = [
        Column("kind", tuple(row.kind for row in rows), right=False),
        Column("output", tuple(shown_shape(row.output_shape) for row in rows), right=False),
        Column("params", tuple(as_text(row.params) for row in rows), as_text(totals.params)),
        Column("connections", tuple(as_text(row.connections) for row in rows), as_text(totals.connections.value)),
        Column("MACs", tuple(as_text(row.macs) for row in rows), as_text(totals.macs.value)),
        Column("FLOPs", tuple(as_text(row.flops) for row in rows), as_text(totals.flops.value)),
        Column("field", tuple(shown_field(row.receptive_field) for row in rows)),
    ]
    return tables(names, columns, width)


def alike(
    rows: Sequence[Row], parts: Callable[[Row], Iterable[tuple[str, str]]]
) -> Iterator[tuple[str, tuple[tuple[str, str], ...], list[str]]]:
    """The layers of which kind and parts are the same, as in a block that repeats: kind, parts and names."""
    together: dict[tuple[str, tuple[tuple[str, str], ...]], list[str]] = {}
    for row in rows:
        together.setdefault((row.kind, tuple(parts(row))), []).append(row.name)
    yield from ((kind, same, names) for (kind, same), names in together.items())


def _layers(rows: Sequence[Row], width: int) -> Iterator[str]:
    """The formulas of every layer; those of which all is the same stand together."""
    for kind, parts, names in alike(rows, _formulas):
        heading = kind if names == [kind] else f"{', '.join(names)} ({kind})"
        yield "\n".join([*wrap(heading, width, break_on_hyphens=False), *_listed(parts, width)])


def _formulas(row: Row) -> list[tuple[str, str]]:
    """The formulas of one layer; what is 0 is left out."""
    formulas = row.formulas
    output = f"{shown_shape(row.output_shape)}: {pretty(formulas.output_shape)}"
    if len(row.output_shape) > 1:
        output += f"; {formulas.activations} numbers"
    parts = [("output", output)]
    if row.params or row.weights:
        parts.append(("params", f"{formulas.params}{_split(row)}"))
    for name, formula in (("connections", formulas.connections), ("MACs", formulas.macs), ("FLOPs", formulas.flops)):
        if formula.value:
            parts.append((name, str(formula)))
    if formulas.receptive_field != "as the input":
        parts.append(("field", pretty(formulas.receptive_field)))
    parts.extend(("note", note) for note in row.notes)
    return parts


def _split(row: Row) -> str:
    weights = f"{as_text(row.weights)} {'weight' if row.weights == 1 else 'weights'}"
    return f" ({weights}, {as_text(row.biases)} {'bias' if row.biases == 1 else 'biases'})" if row.biases else ""


def _listed(parts: Sequence[tuple[str, str]], width: int) -> Iterator[str]:
    """Labelled lines, wrapped under their own beginning."""
    label_width = max(len("connections"), *(len(label) for label, _ in parts)) + 2
    for label, text in parts:
        first, rest = f"  {label:<{label_width}}", " " * (label_width + 2)
        yield from wrap(
            text, width, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
        )


def _totals(table: Table, width: int) -> str:
    totals = table.totals
    kept = f" ({totals.non_trainable} more are fixed, {totals.total} in all)" if totals.non_trainable else ""
    if totals.active != totals.params:
        kept += f"; {as_text(totals.active)} of them are active for a token"
    parts = [
        ("params", f"{totals.trainable}{kept}"),
        ("connections", str(totals.connections)),
        ("MACs", str(totals.macs)),
        ("FLOPs", str(totals.flops)),
        ("activations", str(totals.activations)),
        ("memory", f"{totals.memory} bytes, for parameters and all outputs at 4 bytes a number"),
    ]
    if table.uncounted:
        some = ", ".join(table.uncounted[:5]) + (" …" if len(table.uncounted) > 5 else "")
        parts = [(name, f"at least {text}") for name, text in parts]
        parts.append(("unknown", f"what {some} take{'' if len(table.uncounted) > 1 else 's'} is not counted"))
    return "\n".join(["Totals", *_listed(parts, width)])


def conventions(table: Table) -> Iterator[str]:
    """What was counted how, a sentence or two at a time."""
    convention = table.convention
    yield f"FLOPs are counted as `{convention.name}`: {convention.meaning}."
    if convention.release:
        yield f"What is reproduced is {convention.release}, with batches of one."
    for note in table.left_out:
        yield f"Note: {note}."
    for remark in table.remarks:
        yield f"Note: {remark.rstrip('.')}."
    yield "Params are the weights and biases that training can change. " + (
        "Biases are counted." if table.bias else "Biases are left out of everything."
    )
    padding = "taps on padding count too" if table.padding_connections else "taps on padding do not count"
    if table.causal == "exact":
        yield "MACs that a mask of attention makes needless are left out."
    if table.assumed:
        yield f"Taken for granted: {', '.join(map(pretty, table.assumed))}."
    pooling = "the window inputs of pooling count" if table.pooling_connections else "max and average pooling have none"
    yield f"Connections are uses of weights{' and biases' if table.bias else ''}; {padding}; {pooling}."
    yield "The field is how many cells of the input one output sees along an axis, padding included."


def _explanations(table: Table, row: Row) -> Iterator[list[str]]:
    """The paragraphs of `explain`, each a headline and its lines."""
    formulas, general = row.formulas, row.general
    shape = ["Output shape: the size along each axis that the window slides over"
             if "window" in general.get("output_shape", "") else "Output shape"]  # fmt: skip
    yield [*shape, *_general(general.get("output_shape")), f"here: {pretty(formulas.output_shape)}",
           f"so the output is {shown_shape(row.output_shape)}"]  # fmt: skip
    yield _counted("Weights", formulas.weights, general.get("weights"), "the layer has no weights")
    none = "the layer has no biases" if table.bias else "biases are left out (--no-bias)"
    yield _counted("Biases", formulas.biases, general.get("biases"), none)
    none = "training changes nothing here"
    yield _counted("Params, which training can change", formulas.params, general.get("params"), none)
    none = "the layer has no connections of its own"
    yield _counted(
        "Connections, the uses of weights and biases", formulas.connections, general.get("connections"), none
    )
    none = "no inputs are weighed and added up"
    yield _counted("MACs, multiply-accumulates", formulas.macs, general.get("macs"), none)
    yield [f"FLOPs, counted as `{table.convention.name}`", *_flops(table, row)]
    yield _counted("Activations, the numbers of the output", formulas.activations, "the product of its axes", "")
    slides = "(" in formulas.receptive_field
    yield [
        "Receptive field, the cells of the input that one output sees along an axis",
        *_general("field before + (window - 1)·jump, the jump being the product of all strides before" * slides),
        f"here: {pretty(formulas.receptive_field)}",
        f"so one output sees {shown_field(row.receptive_field)}",
        f"neighbours are {_along(row.jump)} apart, the first begins {_along(row.padding)} before the input",
    ]


def _along(cells: int | Fraction | tuple[int | Fraction, ...]) -> str:
    return "x".join(map(str, cells)) if isinstance(cells, tuple) else str(cells)


def _general(text: str | None) -> list[str]:
    return [f"in general: {text}"] if text else []


def _counted(title: str, formula: Formula, general: str | None, none: str) -> list[str]:
    if formula.text == "0":
        return [title, f"0: {general if general and general.startswith('not counted') else none}"]
    return [title, *_general(general), f"here: {formula}"]


def _flops(table: Table, row: Row) -> Iterator[str]:
    if "flops" in row.general:
        yield f"0: {row.general['flops']}"
        return
    if row.flops == 0:
        yield "0: nothing is computed" if "add" in table.convention.prices else f"0: {table.convention.meaning}"
        return
    if row.operations:
        unit = row.general.get("unit", "output")
        parts = " + ".join(_operation(kind, formula) for kind, formula in row.operations)
        count = "the one" if row.units.value == 1 else f"each of the {row.units}"
        yield f"{parts} for {count} {unit if row.units.value == 1 else _plural(unit)}"
    else:
        yield f"in general: {in_words(row.prices)}"
    yield f"here: {row.formulas.flops}"


def in_words(prices: Prices) -> str:
    """What prices of quantities say in general.

    >>> in_words({"outputs": 3, "rows": -1})
    '3·outputs - rows'
    """
    terms = [QUANTITIES[name].words if abs(price) == 1 else f"{abs(price)}·{QUANTITIES[name].words}"
             for name, price in prices.items()]  # fmt: skip
    signs = ["-" if price < 0 else "+" for price in prices.values()]
    return " ".join(f"{sign} {term}" for sign, term in zip(signs, terms, strict=True)).removeprefix("+ ")


def _operation(kind: str, formula: Formula) -> str:
    one, many = _OPERATIONS[kind]
    text = pretty(formula.text)
    return f"{f'({text})' if ' ' in text else text} {one if formula.value == 1 else many}"


def _plural(unit: str) -> str:
    noun, _, rest = unit.partition(" ")
    return f"{noun}s {rest}".rstrip()


def _wrapped(lines: Sequence[str], width: int) -> Iterator[str]:
    yield lines[0]
    for line in lines[1:]:
        yield from wrap(
            line, width, initial_indent="  ", subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
        )


def shown_shape(shape: Sequence[int]) -> str:
    """A shape as files have it."""
    return f"[{', '.join(map(as_text, shape))}]"


def shown_field(field: int | tuple[int, ...]) -> str:
    """A receptive field: one number, or one per axis as `3x5`."""
    return "x".join(map(as_text, field)) if isinstance(field, tuple) else as_text(field)
