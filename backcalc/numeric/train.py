"""Training: mini-batches, steps, epochs, of many networks at once.

>>> from backcalc.net import load_network
>>> from backcalc.numeric.data import load_data
>>> network = load_network({"input": 2, "layers": [{"dense": 3}, "softmax"], "loss": "cross_entropy", "update": "adam"})
>>> history = train(network, load_data("blobs:60"), epochs=30, batch=10, trials=3, rate=0.1)
>>> len(history.curves["loss"]), all(share > 0.9 for share in history.curves["metric"][-1])
(30, True)
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from backcalc.layers.activation import Sigmoid
from backcalc.net import Network
from backcalc.numeric import checkpoint
from backcalc.numeric.arena import floats
from backcalc.numeric.data import Data, source
from backcalc.numeric.engine import Engine, evaluated
from backcalc.numeric.history import CURVES, History
from backcalc.numeric.initialise import begin
from backcalc.numeric.kernels.base import Array, Pass
from backcalc.numeric.optimise import Optimiser
from backcalc.numeric.parts import check_batches, parted, ready
from backcalc.numeric.plans import engine_for
from backcalc.numeric.run import Objective, Runner, starting
from backcalc.numeric.settings import Training, TrainingError
from backcalc.numeric.targets import METRICS, metric_for
from backcalc.numeric.threads import blas_threads

MOST_PARAMETERS = 1_000_000_000
"""So many parameters of all trials together; a rule may hold twice as many besides."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What is told after every epoch, a number for every trial; the last two are empty without validation."""

    epoch: int
    epochs: int
    loss: tuple[float, ...]
    metric: tuple[float, ...]
    val_loss: tuple[float, ...] = ()
    val_metric: tuple[float, ...] = ()


def train(
    network: Network,
    data: Data,
    settings: Training | None = None,
    *,
    save: Path | None = None,
    resume: bool = False,
    progress: Callable[[Progress], None] | None = None,
    **changes: Any,
) -> History:
    """Trains a network, or as many of it as there are trials, and tests it where the data have a test.

    `changes` are single settings, `train(network, data, epochs=5, trials=100)`. The rule and its rate are those of the
    file, the loss too. After every epoch the state is written to `save`; with `resume` the training goes on from there,
    to the bit as if it had never stopped.

    Raises TrainingError, NotTrainable, DataError, UnknownScheme: what cannot be trained, before the first step, and
    TrainingError where the loss of every trial is no number any more.
    """
    settings = replace(settings or Training(), **changes)
    with blas_threads(settings.threads):
        run = _Run(network, data, settings)
        if resume and save is not None and save.is_file():
            run.load(save)
        began = time.perf_counter() - run.seconds
        while run.epoch < settings.epochs and not run.done.all():
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # the loss tells what is not finite
                run.one_epoch()
            run.seconds = time.perf_counter() - began
            if save is not None:
                run.save(save)
            if progress is not None:
                progress(run.told())
        run.finish()
        return run.history()


class _Run:
    """One training on its way."""

    def __init__(self, network: Network, data: Data, settings: Training) -> None:
        self.network, self.settings = network, settings
        self.runner = Runner(network)
        self.objective = Objective(self.runner, l1=settings.l1, l2=settings.l2)
        if len(network.inputs) != 1:
            raise TrainingError(f"a data set feeds one input, but the network has {len(network.inputs)}")
        if network.given or not isinstance(self.objective.loss.target, str):
            raise TrainingError("the loss states its own target; for a training the labels are the target: name it `t`")
        if network.update.state or network.update.made:
            raise TrainingError("a training begins from nothing: `state` of `update` is for single steps; leave it out")
        self.data = data.fitting(next(iter(network.inputs.values())))
        self.dtype = np.dtype(settings.dtype)
        trials = settings.trials
        if data.stacked and len(data.x) != trials:
            raise TrainingError(f"the data are of {len(data.x)} trials, but there are {trials}")
        if trials * self.runner.arena.size > MOST_PARAMETERS:
            most = f"{MOST_PARAMETERS} are held at most"
            raise TrainingError(f"{trials} trials of {self.runner.arena.size} parameters are too many: {most}")
        self.randoms = [source([settings.seed, trial], legacy=settings.legacy) for trial in range(trials)]
        self.parts = parted(self.data, self.objective, settings)
        check_batches(self.runner, self.parts, settings)
        self.notes: list[str] = list(self.parts.notes)
        schemes = settings.initialise
        flat = begin(network, self.runner.nodes, self.runner.arena, self.randoms, schemes, self.dtype)
        still = starting(self.runner, trials, self.dtype)
        for name in still.keys() & network.values.keys():
            still[name][...] = np.array(floats(network.values[name]), self.dtype)
        self.engine: Engine = engine_for(self.runner, self.objective, flat, still)
        rate = self._rate()
        self.optimiser = Optimiser(
            network.update, self.engine.flat, rate, style=settings.style, schedule=settings.schedule
        )
        probabilities = isinstance(self.runner.output.layer, Sigmoid)
        self.metric = metric_for(self.objective, self.data, settings.metric, probabilities=probabilities)
        self.epoch, self.seconds = 0, 0.0
        self.done = np.zeros(trials, bool)
        self.stopped = np.zeros(trials, np.intp)
        self.best = np.full(trials, np.inf)
        self.waited = np.zeros(trials, np.intp)
        self.kept, self.kept_still = flat.copy(), {name: each.copy() for name, each in still.items()}
        self.curves: dict[str, list[tuple[float, ...]]] = {name: [] for name in CURVES}

    def _rate(self) -> float | Array:
        rate = self.settings.rate
        if rate is None:
            given = self.network.update.rate
            if given is None:
                kind = self.network.update.kind
                raise TrainingError(f"`{kind}` has no rate; give one, as in `update: {{{kind}: {{rate: 0.01}}}}`")
            return float(given)
        return np.array(rate) if isinstance(rate, tuple) else rate

    # -- one epoch --------------------------------------------------------------------------------

    def one_epoch(self) -> None:
        """Goes through the samples once, then looks at what is kept aside."""
        losses = np.zeros(self.settings.trials)
        metrics = np.zeros(self.settings.trials)
        measure, count = METRICS[self.metric], 0
        for number, chosen in enumerate(self._batches()):
            x, t = self._taken(self.parts.x, chosen), self._taken(self.parts.t, chosen)
            seen = self.engine.step(x, t, self.randoms)
            if not np.isfinite(seen.losses).all():
                self._diverged(x, seen.losses, number)
            if self.settings.decay:
                self.engine.gradients += self.engine.flat * self.dtype.type(self.settings.decay)
            self.optimiser.step(self.engine.flat, self.engine.gradients)
            samples = chosen.shape[1]
            losses += seen.losses.astype(float) * samples
            metrics += measure(seen.output, t) * samples
            count += samples
        self.epoch += 1
        self._keep("loss", losses / count)
        self._keep("metric", metrics / count)
        watched = losses / count
        if self.parts.kept:
            watched, metrics = self._evaluated(self.parts.x_val, self.parts.t_val)
            self._keep("val_loss", watched)
            self._keep("val_metric", metrics)
        self._stop(watched)

    def _batches(self) -> Iterator[Array]:
        """The places of the samples of every mini-batch, `[trials, batch]`."""
        settings, size = self.settings, self.parts.size
        if settings.order == "shuffled":
            order = np.stack([random.permutation(size) for random in self.randoms])
            for start in range(0, size, settings.batch):
                yield order[:, start : start + settings.batch]
        else:
            for _ in range(-(-size // settings.batch)):
                yield np.stack([random.choice(size, settings.batch) for random in self.randoms])

    def _taken(self, array: Array, chosen: Array) -> Array:
        """The chosen samples of every trial, `[trials, batch, …]`."""
        if not self.data.stacked:
            return array.take(chosen, axis=0)
        trials, size = array.shape[:2]
        rows = array.reshape(trials * size, *array.shape[2:])
        taken: Array = rows.take(chosen + size * np.arange(trials)[:, None], axis=0)
        return taken

    def _keep(self, curve: str, numbers: Array) -> None:
        """Notes a number for every trial; a trial that has stopped keeps its last, if there is one."""
        before = self.curves[curve][-1] if self.curves[curve] else ()
        still = self.done if before else np.zeros_like(self.done)
        row = [before[trial] if still[trial] else float(number) for trial, number in enumerate(numbers)]
        self.curves[curve].append(tuple(row))

    def _stop(self, watched: Array) -> None:
        """Keeps what is best, and stops the trials that have waited too long for better."""
        flat, still, patience = self.engine.flat, self.engine.still, self.settings.patience
        if self.done.any():  # what has stopped stays as it was
            flat[self.done] = self.kept[self.done]
            for name, kept in self.kept_still.items():
                still[name][self.done] = kept[self.done]
        self.stopped[~self.done] = self.epoch
        if patience is None:
            return
        better = (watched < self.best) & ~self.done
        self.best[better] = watched[better]
        self.waited = np.where(better, 0, self.waited + 1)
        ending = ~self.done & (self.waited >= patience)
        keep = better if self.settings.restore_best else ending
        self.kept[keep] = flat[keep]
        for name, kept in self.kept_still.items():
            kept[keep] = still[name][keep]
        self.done |= ending
        flat[self.done] = self.kept[self.done]
        for name, kept in self.kept_still.items():
            still[name][self.done] = kept[self.done]

    def _evaluated(self, x: Array, t: Array) -> tuple[Array, Array]:
        trials = self.settings.trials
        if not self.data.stacked:
            x, t = (np.broadcast_to(each, (trials, *each.shape)) for each in (x, t))
        return evaluated(self.engine, self.runner, self.objective, x, t, METRICS[self.metric])

    def _diverged(self, x: Array, losses: Array, number: int) -> None:
        """Says where a loss became no number first; that is an error where no trial is left."""
        lost = ~np.isfinite(losses) & ~self.done
        if not lost.any():
            return
        trial = int(np.flatnonzero(lost)[0])
        where = self._first_odd(x, trial)
        message = (
            f"the loss of trial {trial + 1} is no finite number in step {number + 1} of epoch {self.epoch + 1}: {where}"
        )
        if (lost | self.done).all():
            raise TrainingError(f"{message}; a smaller rate, other initial weights or scaled inputs may help")
        self.notes.append(message)
        self.done |= lost
        self.stopped[lost] = self.epoch + 1
        self.kept[lost] = np.nan

    def _first_odd(self, x: Array, trial: int) -> str:
        """The first array on the way that holds a number that is not finite, in a trial."""
        (name,) = self.network.inputs
        if not np.isfinite(x[trial]).all():
            return f"the input `{name}` holds it already"
        named = self.runner.arena.named(self.engine.flat).items()
        odd = [key for key, array in named if not np.isfinite(array[trial]).all()]
        if odd:
            return f"`{odd[0]}` is not finite since the step before"
        forward = self.runner.forward(self.engine.flat, self.engine.still, {name: x}, Pass())
        for node in self.runner.nodes:
            if not np.isfinite(forward.outputs[node.name][trial]).all():
                return f"layer `{node.name}` puts it out first"
        return "all layers are finite, the loss is not"

    # -- what is left behind ----------------------------------------------------------------------

    def told(self) -> Progress:
        """What the last epoch gave."""
        last = (self.curves[name][-1] if self.curves[name] else () for name in CURVES)
        return Progress(self.epoch, self.settings.epochs, *last)

    def finish(self) -> None:
        """Gives back to every trial what was best, where it is kept; a saved state can still be gone on from."""
        if self.settings.patience is not None and self.settings.restore_best and self.epoch:
            self.engine.flat[...] = self.kept
            for name, kept in self.kept_still.items():
                self.engine.still[name][...] = kept

    def history(self) -> History:
        """The whole training, and the test of what came out."""
        test: dict[str, tuple[float, ...]] = {}
        data, settings = self.data, self.settings
        if data.x_test is not None and data.y_test is not None:
            x, t = ready(data, data.x_test, data.y_test, self.objective, settings)
            found = self._evaluated(x, t)
            test = {name: tuple(map(float, each)) for name, each in zip(("loss", "metric"), found, strict=True)}
        return History(
            net=self.network.name,
            data=data.name,
            settings=settings,
            params=self.runner.arena.size,
            metric=self.metric,
            curves={name: tuple(rows) for name, rows in self.curves.items()},
            test=test,
            seconds=self.seconds,
            parameters=self.runner.arena.named(self.engine.flat) | self.engine.still,
            stopped=tuple(int(epoch) for epoch in self.stopped),
            notes=(*self.notes, *data.notes),
        )

    def _is(self) -> dict[str, Any]:
        """What a state must agree with to be gone on from."""
        return {"net": self.network.name, "size": self.runner.arena.size, "data": [self.data.name, *self.data.x.shape]}

    def save(self, path: Path) -> None:
        """Writes all that the next epoch depends on."""
        own = {**self.settings.to_json(), "epochs": None}
        plain = {**self._is(), "settings": own, "epoch": self.epoch, "made": self.optimiser.made, "notes": self.notes}
        plain |= {"seconds": self.seconds, "curves": self.curves}
        plain["randoms"] = [checkpoint.random_state(random) for random in self.randoms]
        checkpoint.write(path, plain, self._numbers())

    def _numbers(self) -> dict[str, Array]:
        numbers = {"flat": self.engine.flat, "kept": self.kept, "done": self.done, "stopped": self.stopped}
        numbers |= {"best": self.best, "waited": self.waited}
        numbers |= {f"state {place}": each for place, each in enumerate(self.optimiser.state)}
        numbers |= {f"still {name}": each for name, each in self.engine.still.items()}
        return numbers | {f"kept {name}": each for name, each in self.kept_still.items()}

    def load(self, path: Path) -> None:
        """Goes on from a state. Raises TrainingError where it is of another training."""
        plain, numbers = checkpoint.read(path)
        own = {**self.settings.to_json(), "epochs": None}
        for what, expected in {**self._is(), "settings": _through_json(own)}.items():
            if plain.get(what) != expected:
                raise TrainingError(f"`{path.name}` is the state of another training: its {what} differs")
        for name, array in self._numbers().items():
            array[...] = numbers[name]
        self.epoch, self.seconds, self.optimiser.made = plain["epoch"], plain["seconds"], plain["made"]
        self.notes = list(plain["notes"])
        self.curves = {name: [tuple(row) for row in rows] for name, rows in plain["curves"].items()}
        for random, state in zip(self.randoms, plain["randoms"], strict=True):
            checkpoint.set_random_state(random, state)


def _through_json(value: Any) -> Any:
    """What the value is after it was written and read."""
    if isinstance(value, dict):
        return {key: _through_json(each) for key, each in value.items()}
    return [_through_json(each) for each in value] if isinstance(value, tuple | list) else value
