"""A step of training and its memory as text, and the size that a total asks for."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap

from backcalc.count.memory import MOST_MOMENTS
from backcalc.count.solve import LARGEST, Solution
from backcalc.count.table import as_text, pretty
from backcalc.count.whole import Whole
from backcalc.render.count_text import conventions, shown_shape
from backcalc.render.table_text import Column, tables

WIDTH = 80


def render(found: Whole | Solution, width: int = WIDTH) -> str:
    """The answer as text, no line longer than `width`."""
    return "\n".join(_solution(found, width) if isinstance(found, Solution) else _whole(found, width)) + "\n"


def _solution(found: Solution, width: int) -> Iterator[str]:
    what, letter = found.what, found.letter
    yield from wrap(f"{found.net}: {what} = {found.formula}", width, subsequent_indent="  ")
    yield from (f"{letter} = {size} gives exactly {found.target}" for size in found.exact)
    yield from (f"{letter} = {size} gives {value}" for size, value in found.near)
    if not found.exact:
        yield f"no {letter} gives exactly {found.target}"
    if not (found.exact or found.near):
        yield f"{what} does not come near {found.target} for any {letter} from 1 to {found.most}"
    if found.step > 1:
        yield f"Taken for granted: {letter} is divisible by {found.step}."
    if found.most < LARGEST:
        yield f"{letter} is at most {found.most}: there are no more learned places."


def _whole(found: Whole, width: int) -> Iterator[str]:
    table = found.table
    inputs = ", ".join(f"{name} {shown_shape(shape)}" for name, shape in table.inputs.items())
    batch = f", {table.batch} samples at a time" if table.batch > 1 else ""
    yield from wrap(f"{table.net}: a step of training, input {inputs}{batch}", width)
    yield ""
    yield "\n\n".join(tables(*_passes(found), width))
    yield ""
    yield from _totals(found, width)
    yield ""
    names, *columns = _memory(found)
    yield "\n\n".join(tables(names, columns, width))
    yield ""
    for note in _notes(found):
        yield from wrap(note, width, break_on_hyphens=False)
    first, *_ = conventions(table)
    yield from wrap(first, width, break_on_hyphens=False)


def _passes(found: Whole) -> tuple[Column, list[Column]]:
    rows = found.rows
    names = Column("layer", tuple(row.name for row in rows), "total", right=False)
    return names, [
        Column("forward", tuple(as_text(row.forward) for row in rows), as_text(found.forward)),
        Column(
            "by the input", tuple(as_text(row.inputs.value) for row in rows), _sum(row.inputs.value for row in rows)
        ),
        Column(
            "by parameters",
            tuple(as_text(row.parameters.value) for row in rows),
            _sum(row.parameters.value for row in rows),
        ),
    ]


def _sum(numbers: Iterator[int]) -> str:
    return as_text(sum(numbers))


def _totals(found: Whole, width: int) -> Iterator[str]:
    least = "at least " if found.unknown else ""
    joins = f", {as_text(found.joins)} of them additions where gradients meet" if found.joins else ""
    forward = "at least " if found.table.uncounted else ""
    lines = {
        "forward": f"{forward}{as_text(found.forward)} FLOPs",
        "backward": f"{least}{as_text(found.backward)} FLOPs{joins}",
        "step": f"{least}{as_text(found.step)} FLOPs, the loss and the update itself left out",
    }
    if found.intensity is not None:
        lines["intensity"] = f"{float(found.intensity):.6g} FLOPs a byte forward in fp32, every array moved once"
    for label, text in lines.items():
        yield from wrap(text, width, initial_indent=f"{label:<11}", subsequent_indent=" " * 11)


def _memory(found: Whole) -> list[Column]:
    lines = {"parameters": "parameters", "gradients": "gradients", "state": f"state of {found.optimiser}",
             "forward_peak": "forward, peak", "training_peak": "training, peak"}  # fmt: skip
    if any(each.cache for each in found.memory):
        lines["cache"] = "keys and values of a token"
    columns = [Column("bytes", tuple(lines.values()), right=False)]
    for each in found.memory:
        numbers = (getattr(each, field) for field in lines)
        cells = tuple("needs numbers" if number is None else as_text(number) for number in numbers)
        columns.append(Column(each.precision.name, cells))
    return columns


def _notes(found: Whole) -> Iterator[str]:
    if found.unknown:
        why = " (how often gradients of a mixture's experts are added depends on whom its router chooses)"
        chosen = why if "mixture" in found.unknown else ""
        yield f"Not counted on the way back: the operations of {', '.join(found.unknown)}{chosen}."
    yield (
        "No derivative is taken by the input of a layer where nothing before it has parameters. Peaks hold the "
        "parameters; layers run in the order of the file, none in place; training keeps every output until the way "
        "back has passed it. `mixed` has parameters, gradients and outputs in 2 bytes, the state and a copy of the "
        "parameters in 4."
    )
    if any(peak is None for each in found.memory for peak in (each.forward_peak, each.training_peak)):
        yield (
            f"A peak needs numbers where a block is repeated so often as a letter says, or where more than "
            f"{MOST_MOMENTS} moments can be the worst, depending on the letters: --at gives them."
        )
    if found.table.assumed:
        yield f"Taken for granted: {', '.join(map(pretty, found.table.assumed))}."
