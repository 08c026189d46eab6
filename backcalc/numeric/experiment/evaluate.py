"""Measures of trained networks: scores on samples, and statistics of what goes through them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from backcalc.net import Network
from backcalc.numeric.data import Data
from backcalc.numeric.engine import Reference, at_once, evaluated
from backcalc.numeric.experiment.measure import PARTS, Measure, Term
from backcalc.numeric.history import History
from backcalc.numeric.kernels.base import Array, Pass
from backcalc.numeric.parts import parted, ready
from backcalc.numeric.run import Forward, Objective, Runner
from backcalc.numeric.settings import TrainingError
from backcalc.numeric.targets import METRICS, metric_for
from backcalc.numeric.threads import blas_threads

RELATION = {"<": np.less, ">": np.greater, "<=": np.less_equal, ">=": np.greater_equal, "=": np.equal}


def measure(network: Network, data: Data, history: History, measures: Sequence[Measure]) -> dict[str, Array]:
    """Every measure of every trial, `[trials]`, by its text; not a number where a trial was lost.

    Raises TrainingError where there is nothing to measure on.
    """
    terms = list(dict.fromkeys(term for each in measures for term in each.terms))
    with blas_threads(history.settings.threads):
        found = _Measured(network, data, history).terms(terms)
    results: dict[str, Array] = {}
    for each in measures:
        values = found[each.term].astype(float)
        with np.errstate(divide="ignore", invalid="ignore"):
            values = values if each.over is None else values / found[each.over]
        if each.relation:
            held = RELATION[each.relation](values, each.limit).astype(float)
            values = np.where(np.isnan(values), np.nan, held)
        results[each.text] = values
    return results


@dataclass(slots=True)
class _Tally:
    """Numbers of every trial as they come, block by block, and the statistics of all."""

    count: int = 0
    total: Array | float = 0.0
    squares: Array | float = 0.0
    low: Array | float = np.inf
    high: Array | float = -np.inf

    def take(self, block: Array) -> None:
        rows = block.reshape(len(block), -1).astype(np.float64)
        self.count += rows.shape[1]
        self.total = self.total + rows.sum(axis=1)
        self.squares = self.squares + (rows * rows).sum(axis=1)
        self.low = np.minimum(self.low, rows.min(axis=1))
        self.high = np.maximum(self.high, rows.max(axis=1))

    def stat(self, name: str) -> Array:
        mean = np.asarray(self.total) / self.count
        square = np.asarray(self.squares) / self.count
        found = {
            "mean": mean,
            "rms": np.sqrt(square),
            "std": np.sqrt(np.maximum(square - mean * mean, 0)),
            "largest": np.maximum(np.abs(self.low), np.abs(self.high)),
            "range": np.asarray(self.high) - self.low,
        }
        return found[name]


@dataclass(slots=True)
class _Seen:
    """What went through the network: a tally of every name, units that were ever not 0, gradients of parameters."""

    outputs: dict[str, _Tally] = field(default_factory=dict)
    gradients: dict[str, _Tally] = field(default_factory=dict)
    alive: dict[str, Array] = field(default_factory=dict)
    flat: Array | None = None


class _Measured:
    def __init__(self, network: Network, data: Data, history: History) -> None:
        self.history, self.settings = history, history.settings
        self.runner = Runner(network)
        self.objective = Objective(self.runner)
        self.data = data.fitting(next(iter(network.inputs.values())))
        arena, dtype = self.runner.arena, np.dtype(self.settings.dtype)
        trials = self.settings.trials
        flat = np.empty((trials, arena.size), dtype)
        for name, piece in arena.pieces.items():
            piece.view(flat)[...] = history.parameters[name]
        still = {name: history.parameters[name] for name in arena.still}
        self.engine = Reference(self.runner, self.objective, flat, still)
        self.lost = np.isnan(flat).any(axis=1)

    def terms(self, terms: Sequence[Term]) -> dict[Term, Array]:
        scores = {part: self._scores(part, [t.stat for t in terms if t.kind == part]) for part in PARTS}
        seen = self._seen(terms)
        return {term: np.where(self.lost, np.nan, self._term(term, scores, seen)) for term in terms}

    def _term(self, term: Term, scores: Mapping[str, Mapping[str, Array]], seen: _Seen) -> Array:
        trials, history = self.settings.trials, self.history
        match term.kind:
            case "train" | "val" | "test":
                return scores[term.kind][term.stat]
            case "params":
                return np.full(trials, float(history.params))
            case "seconds":
                return np.full(trials, history.seconds / trials)
            case "epochs":
                return np.array(history.stopped, float)
            case "best.epoch":
                return self._best()
            case "output":
                return seen.outputs[self.runner.output.name].stat(term.stat)
            case "dead":
                units = seen.alive[term.of or self.runner.output.name]
                return 1 - units.mean(axis=1) if term.of else (~units.any(axis=1)).astype(float)
            case "activation":
                return seen.outputs[term.of].stat(term.stat)
            case _:
                return self._array(term, seen)

    def _array(self, term: Term, seen: _Seen) -> Array:
        """Of an array of parameters, of its derivative, or of that by a layer's output."""
        if term.kind == "gradient" and term.of in seen.gradients:
            return seen.gradients[term.of].stat(term.stat)
        if term.of in self.runner.kernels:
            raise TrainingError(f"the derivative by `{term.of}` is not computed: it is one with the loss")
        flat = self.engine.flat if term.kind == "weight" else seen.flat
        assert flat is not None
        array = self.runner.arena.read(flat, self.engine.still, term.of)
        if term.stat:
            tally = _Tally()
            tally.take(array)
            return tally.stat(term.stat)
        place = int(np.ravel_multi_index(term.place, array.shape[1:])) if term.place else 0
        number: Array = array.reshape(len(array), -1)[:, place]
        return number

    def _best(self) -> Array:
        """The epoch whose parameters are kept: that of the least loss that was watched, else the last."""
        watched = np.array(self.history.curves["val_loss"] or self.history.curves["loss"], float)
        stopped = np.array(self.history.stopped, float)
        if self.settings.patience is None or not self.settings.restore_best or not len(watched):
            return stopped
        watched[~np.isfinite(watched)] = np.inf
        best: Array = watched.argmin(axis=0) + 1.0
        return best

    # -- scores -----------------------------------------------------------------------------------

    def _scores(self, part: str, wanted: Sequence[str]) -> dict[str, Array]:
        """Scores on the samples of a part."""
        if not wanted:
            return {}
        x, t = self._samples(part)
        metric = metric_for(self.objective, self.data, self.settings.metric, probabilities=self._is_probability)
        found: dict[str, Array] = {}
        for score in dict.fromkeys(wanted):
            name = {"loss": metric, "metric": metric, "rmse": "mse", "accuracy": metric}.get(score, score)
            if score == "accuracy" and "accuracy" not in metric:
                raise TrainingError(f"`{part}.accuracy` is of classes, but here the metric is {metric}")
            if "accuracy" not in name and t.ndim < 3:
                raise TrainingError(f"`{part}.{score}` is of numbers, but {self.data.name} has classes as its target")
            loss, value = evaluated(self.engine, self.runner, self.objective, x, t, METRICS[name])
            found[score] = loss if score == "loss" else np.sqrt(value) if score == "rmse" else value
        return found

    @property
    def _is_probability(self) -> bool:
        from backcalc.layers.activation import Sigmoid

        return isinstance(self.runner.output.layer, Sigmoid)

    def _samples(self, part: str) -> tuple[Array, Array]:
        """Inputs and targets `[trials, samples, …]` of a part. Raises TrainingError where it has none."""
        data, trials = self.data, self.settings.trials
        if part == "test":
            if data.x_test is None or data.y_test is None:
                raise TrainingError(f"`test` is measured, but {data.name} has no test; write `split: {{test: 0.2}}`")
            x, t = ready(data, data.x_test, data.y_test, self.objective, self.settings)
        else:
            parts = parted(data, self.objective, self.settings)
            if part == "val" and not parts.kept:
                message = "`val` is measured, but nothing is kept for validation; write `split: {validation: 0.2}`"
                raise TrainingError(message)
            x, t = (parts.x, parts.t) if part == "train" else (parts.x_val, parts.t_val)
        if not data.stacked:
            x, t = (np.broadcast_to(each, (trials, *each.shape)) for each in (x, t))
        return x, t

    # -- what goes through the network ------------------------------------------------------------

    def _seen(self, terms: Sequence[Term]) -> _Seen:
        """One pass over the training samples, forward, and back where a gradient is measured."""
        seen = _Seen()
        layers = {term.of for term in terms if term.kind == "activation"}
        layers |= {self.runner.output.name} if any(term.kind == "output" for term in terms) else set()
        dead = {term.of or self.runner.output.name for term in terms if term.kind == "dead"}
        by = {term.of for term in terms if term.kind == "gradient"}
        if not (layers or dead or by):
            return seen
        for forward, x, t in self._blocks():
            for name in layers:
                seen.outputs.setdefault(name, _Tally()).take(forward.outputs[name])
            for name in dead:
                alive = (forward.outputs[name] != 0).any(axis=1).reshape(len(x), -1)
                seen.alive[name] = alive | seen.alive.get(name, np.zeros_like(alive))
            if by:
                self._back(seen, forward, t, by)
        return seen

    def _blocks(self) -> Iterator[tuple[Forward, Array, Array]]:
        x, t = self._samples("train")
        (source,) = self.runner.network.inputs
        self.count = x.shape[1]
        width = at_once(self.runner, self.settings.trials)
        for start in range(0, x.shape[1], width):
            part = slice(start, start + width)
            inputs = {source: x[:, part]}
            yield self.runner.forward(self.engine.flat, self.engine.still, inputs, Pass()), x[:, part], t[:, part]

    def _back(self, seen: _Seen, forward: Forward, t: Array, by: set[str]) -> None:
        """Adds the derivatives of the loss over all samples, of which these are some."""
        gradient = self.objective.gradient(forward, t)
        if self.objective.loss.over == "mean":
            gradient = gradient * gradient.dtype.type(t.shape[1] / self.count)
        flat, into = self.runner.backward(self.engine.flat, forward, self.objective.of, gradient)
        seen.flat = flat if seen.flat is None else seen.flat + flat
        for name in by & into.keys():
            seen.gradients.setdefault(name, _Tally()).take(into[name])
