"""What an experiment gives: every run, the statistics of every arm, and what they say of each other."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from io import StringIO
from math import isfinite
from typing import Any

from backcalc.net.load import Plain
from backcalc.numeric.experiment.arms import Experiment, labels
from backcalc.numeric.experiment.lint import Warning, of_pool
from backcalc.numeric.experiment.statistics import QUANTILES, Difference, Summary, paired, summary, welch
from backcalc.numeric.experiment.tasks import Task

MEASURED_TIME = "seconds"


@dataclass(frozen=True, slots=True)
class Run:
    """One training: its repeat and seed, what was measured (none where it was lost), and its curves."""

    repeat: int
    seed: int
    measures: Mapping[str, float | None]
    curves: Mapping[str, Sequence[float | None]] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Row:
    """One arm, or several joined: what varies with its values as words, all runs, and the statistics by measure."""

    labels: Mapping[str, str]
    values: Mapping[str, Any]
    runs: tuple[Run, ...] = field(repr=False)
    measures: tuple[str, ...]

    @property
    def summaries(self) -> dict[str, Summary]:
        """The statistics of every measure."""
        return {text: summary([run.measures.get(text) for run in self.runs]) for text in self.measures}

    @property
    def title(self) -> str:
        """What varies, as words."""
        return ", ".join(f"{path} = {word}" for path, word in self.labels.items()) or "all"


@dataclass(frozen=True, slots=True)
class Comparison:
    """The tests of one measure between two arms, the second where the repeats share seeds; None: nothing varies."""

    measure: str
    welch: Difference | None
    paired: Difference | None

    def to_json(self) -> dict[str, Any]:
        """As plain data, `{measure, welch, paired}`."""
        tests = {"welch": self.welch, "paired": self.paired}
        return {"measure": self.measure} | {
            key: None if test is None else test.to_json() for key, test in tests.items()
        }


@dataclass(frozen=True, slots=True)
class Results:
    """A whole experiment: a row an arm, rows of joined arms, the comparison of two, the arm that was chosen."""

    name: str
    net: str
    data: str
    axes: tuple[str, ...]
    measures: tuple[str, ...]
    repeats: int
    seed: int
    rows: tuple[Row, ...]
    pool: tuple[str, ...] = ()
    pooled: tuple[Row, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    choose: str | None = None
    chosen: Row | None = None
    warnings: tuple[Warning, ...] = ()
    notes: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As plain data, `{name, net, data, axes, arms: [{values, measures, runs}], comparisons, warnings, …}`."""
        return {
            "schema_version": 1,
            "name": self.name,
            "net": self.net,
            "data": self.data,
            "axes": list(self.axes),
            "measure": list(self.measures),
            "repeats": self.repeats,
            "seed": self.seed,
            "arms": [_row_json(row) for row in self.rows],
            "pooled": [_row_json(row, runs=False) for row in self.pooled],
            "comparisons": [each.to_json() for each in self.comparisons],
            "chosen": None if self.chosen is None else {"by": self.choose, "values": dict(self.chosen.values)},
            "warnings": [each.to_json() for each in self.warnings],
            "notes": list(self.notes),
            "failed": list(self.failed),
        }

    def to_csv(self) -> str:
        """A line an arm and measure: the statistics."""
        shares = [f"q{round(100 * share):02d}" for share in QUANTILES]
        head = [*self.axes, "measure", "n", "lost", "mean", "sd", "min", *shares, "max"]
        lines: list[list[Any]] = [
            [*row.labels.values(), text, *(_cell(value) for value in found.to_json().values())]
            for row in self.rows
            for text, found in row.summaries.items()
        ]
        return _table(head, lines)

    def runs_csv(self) -> str:
        """A line a run: what it was and what was measured."""
        head = [*self.axes, "repeat", "seed", *self.measures]
        lines = [
            [*row.labels.values(), run.repeat + 1, run.seed, *(_cell(run.measures.get(text)) for text in self.measures)]
            for row in self.rows
            for run in row.runs
        ]
        return _table(head, lines)


def _row_json(row: Row, *, runs: bool = True) -> dict[str, Any]:
    found: dict[str, Any] = {
        "values": dict(row.values),
        "measures": {text: each.to_json() for text, each in row.summaries.items()},
    }
    if runs:
        found["runs"] = [{"repeat": r.repeat + 1, "seed": r.seed, "measures": dict(r.measures)} for r in row.runs]
    return found


def _cell(value: float | None) -> str:
    return "" if value is None or not isfinite(value) else repr(value)


def _table(head: Sequence[str], lines: Sequence[Sequence[Any]]) -> str:
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(lines)
    return out.getvalue()


def assembled(
    experiment: Experiment,
    done: Mapping[int, Mapping[str, Any]],
    failed: Sequence[tuple[Task, str]] = (),
    warnings: Sequence[Warning] = (),
) -> Results:
    """The results of those tasks that are done, in the order of the experiment."""
    runs: dict[int, list[Run]] = {arm: [] for arm in range(len(experiment.arms))}
    notes: dict[str, None] = {}
    for number in sorted(done):
        for run in done[number]["runs"]:
            runs[run["arm"]].append(Run(run["repeat"], run["seed"], run["measures"], run["curves"]))
        notes.update(dict.fromkeys(done[number]["notes"]))
    measures = tuple(each.text for each in experiment.measured())
    rows = tuple(
        Row(dict(labels(experiment, arm)), _values(experiment, arm.values), tuple(runs[number]), measures)
        for number, arm in enumerate(experiment.arms)
    )
    whole = sum(len(row.runs) for row in rows) == experiment.trials
    pooled = tuple(_pooled(rows, experiment.pool, measures)) if experiment.pool else ()
    return Results(
        name=experiment.name,
        net="; ".join(dict.fromkeys(arm.network.name for arm in experiment.arms)),
        data="; ".join(dict.fromkeys(arm.called for arm in experiment.arms)),
        axes=tuple(axis.path for axis in experiment.axes if not axis.follows),
        measures=measures,
        repeats=experiment.repeats,
        seed=experiment.seed,
        rows=rows,
        pool=experiment.pool,
        pooled=pooled,
        comparisons=_compared(rows, measures) if whole else (),
        choose=None if experiment.choose is None else experiment.choose.text,
        chosen=_chosen(experiment, rows),
        warnings=(*warnings, *(_pool_warnings(rows, experiment.pool, measures) if whole else ())),
        notes=tuple(notes),
        failed=tuple(f"task {task.number + 1}: {reason}" for task, reason in failed),
    )


def _values(experiment: Experiment, values: Sequence[Plain]) -> dict[str, Any]:
    return {axis.path: _plain(value) for axis, value in zip(experiment.axes, values, strict=True)}


def _plain(value: Plain) -> Any:
    match value:
        case Fraction():
            return float(value)
        case list():
            return [_plain(item) for item in value]
        case dict():
            return {key: _plain(item) for key, item in value.items()}
        case _:
            return value


def _compared(rows: Sequence[Row], measures: Sequence[str]) -> tuple[Comparison, ...]:
    """The second arm against the first, where there are two."""
    if len(rows) != 2 or len(rows[0].runs) < 2:
        return ()
    return tuple(_comparison(rows[0], rows[1], text) for text in measures if text != MEASURED_TIME)


def _comparison(first: Row, second: Row, measure: str) -> Comparison:
    seeds = [[run.seed for run in row.runs] for row in (first, second)]
    a, b = ([run.measures.get(measure) for run in row.runs] for row in (first, second))
    are_pairs = seeds[0] == seeds[1] and len(set(seeds[0])) == len(seeds[0])
    return Comparison(measure, welch(summary(a), summary(b)), paired(a, b) if are_pairs else None)


def _pooled(rows: Sequence[Row], pool: Sequence[str], measures: tuple[str, ...]) -> Iterator[Row]:
    """Arms that differ along the pooled axes alone, joined."""
    joined: dict[tuple[tuple[str, str], ...], list[Row]] = {}
    for row in rows:
        joined.setdefault(tuple((path, word) for path, word in row.labels.items() if path not in pool), []).append(row)
    for named, parts in joined.items():
        values = {path: value for path, value in parts[0].values.items() if path in dict(named)}
        yield Row(dict(named), values, tuple(run for part in parts for run in part.runs), measures)


def _pool_warnings(rows: Sequence[Row], pool: Sequence[str], measures: Sequence[str]) -> Iterator[Warning]:
    if not pool:
        return
    groups: dict[str, dict[tuple[str, ...], list[float]]] = {}
    for row in rows:
        place = tuple(word for path, word in row.labels.items() if path in pool)
        for text in measures:
            numbers = [number for run in row.runs if (number := run.measures.get(text)) is not None]
            groups.setdefault(text, {}).setdefault(place, []).extend(numbers)
    random = {text: list(by.values()) for text, by in groups.items() if _is_random(list(by.values()))}
    yield from of_pool(pool, random)


def _is_random(groups: Sequence[Sequence[float]]) -> bool:
    """Whether numbers vary within a group: what is counted, as parameters, does not."""
    return any(len(set(group)) > 1 for group in groups)


def _chosen(experiment: Experiment, rows: Sequence[Row]) -> Row | None:
    """The arm of the best mean, the first of those where several are."""
    if experiment.choose is None:
        return None
    measure = experiment.choose
    sign = 1 if measure.less_is_better else -1
    found = [(sign * row.summaries[measure.text].mean, place) for place, row in enumerate(rows)]
    finite = [each for each in found if isfinite(each[0])]
    return rows[min(finite)[1]] if finite else None
