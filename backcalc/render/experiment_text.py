"""An experiment as text: a table a measure with the spread over the repeats, the comparison of two arms, the choice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isfinite, sqrt

from backcalc.numeric.experiment.measure import RELATIONS
from backcalc.numeric.experiment.results import Comparison, Results, Row
from backcalc.numeric.experiment.statistics import Difference, Summary
from backcalc.render.layout import WIDTH, heading, paragraph
from backcalc.render.table_text import GAP, LONGEST_CELL, Column, tables


def render(results: Results, width: int = WIDTH) -> str:
    """What was run, what is the same in all repeats, a table for every other measure, then what follows of them."""
    lines = heading(results.name, "═")
    lines += paragraph(_how(results), 0, width)
    lines += _tables(results.rows, results.measures, width)
    if results.pooled:
        over = ", ".join(results.pool)
        lines += ["", *heading(f"Joined over {over}", "═"), *_tables(results.pooled, results.measures, width)]
    compared = [line for comparison in results.comparisons for line in _compared(comparison)]
    if compared:
        first, second = results.rows
        lines += ["", *heading("Comparison")]
        lines += paragraph(f"{second.title}, against {first.title}:", 0, width)
        for line in compared:
            lines += paragraph(line, 0, width)
    if results.chosen is not None:
        lines += ["", *heading("Choice"), *paragraph(_chosen(results, results.chosen), 0, width)]
    notes = [*_lost(results), *results.failed, *results.notes]
    if notes:
        lines += ["", *heading("Notes")]
        for note in notes[:20]:
            lines += paragraph(f"{note[0].upper()}{note[1:]}.", 0, width)
    return "\n".join([*lines, ""])


def _how(results: Results) -> str:
    arms = _many(len(results.rows), "arm")
    seeds = [results.seed + repeat for repeat in range(results.repeats)]
    used = sorted({run.seed for row in results.rows for run in row.runs} or seeds)
    of = f"seed {used[0]}" if len(used) == 1 else f"seeds {used[0]} to {used[-1]}"
    repeats = f"one training each, {of}" if results.repeats == 1 else f"{results.repeats} repeats each, {of}"
    trained = sum(len(row.runs) for row in results.rows)
    whole = len(results.rows) * results.repeats
    so_far = "" if trained == whole else f"; {trained} of {whole} trainings are done"
    return f"{results.net}, on {results.data}: {arms}, {repeats}{so_far}."


def _tables(rows: Sequence[Row], measures: Sequence[str], width: int) -> list[str]:
    """First what does not vary between the repeats, then a table a measure."""
    found = [row.summaries for row in rows]
    still = [text for text in measures if all(_is_still(each[text]) for each in found)]
    lines: list[str] = []
    if still:
        title = "In every repeat" if any(len(row.runs) > 1 for row in rows) else "Measured"
        columns = [Column(text, tuple(number(each[text].mean) for each in found)) for text in still]
        lines += ["", *heading(title), *_lines(rows, columns, width)]
    for text in measures:
        if text not in still:
            lines += ["", *heading(text), *_lines(rows, list(_columns(text, [each[text] for each in found])), width)]
    return lines


def _is_still(found: Summary) -> bool:
    return found.count > 0 and found.least == found.most


def _lines(rows: Sequence[Row], columns: Sequence[Column], width: int) -> list[str]:
    return "\n\n".join(tables(_arms(rows), columns, width)).split("\n")


def _arms(rows: Sequence[Row]) -> Column:
    """What varies: a column, or one an axis beside the next where that is not too wide."""
    if not rows[0].labels:
        return Column("arm", ("all",) * len(rows), right=False)
    axes = []
    for head in rows[0].labels:
        words = tuple(row.labels[head] for row in rows)
        axes.append(Column(head, words, right=all(_is_number(word) for word in words)))
    if len(axes) == 1:
        return axes[0]
    if sum(axis.width + len(GAP) for axis in axes) - len(GAP) > LONGEST_CELL:
        return Column(", ".join(rows[0].labels), tuple(", ".join(row.labels.values()) for row in rows), right=False)
    head = GAP.join(axis.line(axis.head, axis.width) for axis in axes)
    lines = zip(*([axis.line(word, axis.width) for word in axis.cells] for axis in axes), strict=True)
    return Column(head, tuple(GAP.join(line) for line in lines), right=False)


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _columns(text: str, found: Sequence[Summary]) -> Iterator[Column]:
    """The statistics of a measure; of what is 1 or 0 the share and how many it is."""
    if is_share(text):
        yield Column("share", tuple(number(each.mean) for each in found))
        errors = [sqrt(each.mean * (1 - each.mean) / each.count) if each.count else float("nan") for each in found]
        yield Column("± error", tuple(f"{error:.2g}" if isfinite(error) else "–" for error in errors))
        counts = [f"{round(each.mean * each.count)} of {each.count}" if each.count else "–" for each in found]
        yield Column("count", tuple(counts))
        return
    yield Column("mean", tuple(number(each.mean) for each in found))
    yield Column("sd", tuple(number(each.sd, 3) for each in found))
    for head, place in (("5 %", 0), ("median", 2), ("95 %", 4)):
        yield Column(head, tuple(number(each.quantiles[place]) for each in found))
    if any(each.lost for each in found):
        yield Column("lost", tuple(str(each.lost) for each in found))


def is_share(text: str) -> bool:
    """Whether a measure is 1 or 0 in every run: a comparison, or whether a network is dead.

    >>> is_share("output.range < 0.001"), is_share("dead"), is_share("test.loss")
    (True, True, False)
    """
    return text == "dead" or any(sign in text for sign in RELATIONS)


def number(value: float, digits: int = 4) -> str:
    """A number of a table; – where there is none.

    >>> number(0.123456), number(61706.0), number(float("nan"))
    ('0.1235', '61706', '–')
    """
    if not isfinite(value):
        return "–"
    return str(int(value)) if value == int(value) and abs(value) < 1e9 else f"{value:.{digits}g}"


def _compared(comparison: Comparison) -> Iterator[str]:
    if comparison.welch is not None:
        name = "Welch's t"
        yield f"{comparison.measure}: {_tested(comparison.welch, name)}."
    if comparison.paired is not None:
        yield f"{comparison.measure}, seed by seed: {_tested(comparison.paired, 'paired t')}."


def _tested(found: Difference, test: str) -> str:
    chance = "p < 0.0001" if found.p < 0.0001 else f"p = {found.p:.2g}"
    interval = f"95 % interval {found.low:.4g} to {found.high:.4g}"
    freedom = f"{number(found.df, 3)} degree{'s' * (found.df != 1)} of freedom"
    sure = "more than chance" if found.p < 0.05 else "no more than chance may do"
    return f"difference {found.difference:.4g}, {interval}, {test} = {found.t:.3g}, {freedom}, {chance}: {sure}"


def _chosen(results: Results, row: Row) -> str:
    found = row.summaries
    by = results.choose or ""
    tested = [f"{text} {number(found[text].mean)}" for text in results.measures if text != by and "test." in text]
    then = f"; its {', '.join(tested)}" if tested else ""
    return f"By the mean of {by}, {number(found[by].mean)}, the best is {row.title}{then}."


def _lost(results: Results) -> Iterator[str]:
    for row in results.rows:
        lost = sum(all(value is None for value in run.measures.values()) for run in row.runs)
        if lost:
            trainings = f"{lost} of {_many(len(row.runs), 'training')}"
            yield f"{trainings} lost with {row.title}: the loss is no finite number"


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
