"""One training on its way: what it holds, one epoch of it, and its state between two steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from backcalc.layers.activation import Sigmoid
from backcalc.net import Network
from backcalc.net.errors import did_you_mean, said
from backcalc.net.update import UPDATES
from backcalc.numeric.arena import floats
from backcalc.numeric.augment import check_augments
from backcalc.numeric.data import Data, source
from backcalc.numeric.engine import Engine, evaluated
from backcalc.numeric.history import CURVES, History
from backcalc.numeric.initialise import begin
from backcalc.numeric.kernels.base import Array, Pass
from backcalc.numeric.optimise import Optimiser
from backcalc.numeric.parts import check_batches, parted, ready
from backcalc.numeric.plans import engine_for
from backcalc.numeric.run import Objective, Runner, starting
from backcalc.numeric.settings import Diverged, Training, TrainingError
from backcalc.numeric.share import Zeros, common
from backcalc.numeric.stepping import Stepping
from backcalc.numeric.stopping import Stopping
from backcalc.numeric.targets import METRICS, metric_for
from backcalc.numeric.team import Team, can_divide

MOST_PARAMETERS = 1_000_000_000
"""So many parameters of all trials together; a rule may hold twice as many besides."""


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """All that the next step of a training depends on: plain data, which JSON can hold, and arrays by name."""

    plain: Mapping[str, Any]
    numbers: Mapping[str, Array]


class Running:
    """A training between two of its steps: `epoch` whole epochs are done, and `step` steps of the next."""

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
        self.randoms = [source(draw, legacy=settings.legacy) for draw in settings.draws()]
        self.parts = parted(self.data, self.objective, settings)
        check_batches(self.runner, self.parts, settings)
        check_augments(settings, self.data.shape)
        self.notes: list[str] = list(self.parts.notes)
        schemes = settings.initialise
        zeros = np.zeros if settings.threads == 1 else common
        flat = begin(network, self.runner.nodes, self.runner.arena, self.randoms, schemes, self.dtype)
        still = {name: _moved(each, zeros) for name, each in starting(self.runner, trials, self.dtype).items()}
        for name in still.keys() & network.values.keys():
            still[name][...] = np.array(floats(network.values[name]), self.dtype)
        self.engine: Engine = engine_for(self.runner, self.objective, _moved(flat, zeros), still, zeros)
        self.optimiser = Optimiser(
            network.update,
            self.engine.flat,
            self._rate(),
            style=settings.style,
            schedule=settings.schedule,
            decay=np.array(settings.decay),
            own=self._arguments(),
            zeros=zeros,
        )
        probabilities = isinstance(self.runner.output.layer, Sigmoid)
        labelled = replace(self.data, classes=()) if settings.reconstruct else self.data
        self.metric = metric_for(self.objective, labelled, settings.metric, probabilities=probabilities)
        measure = METRICS[self.metric]
        stacked, draws = self.data.stacked, self.runner.draws
        self.stepping = Stepping(
            self.parts, self.engine, self.optimiser, measure, settings, self.randoms, stacked=stacked, draws=draws
        )
        self.divided = can_divide(self.stepping)
        self.team: Team | None = None
        self.stopping = Stopping(flat, still, settings.patience, restore=settings.restore_best)
        self.epoch, self.step, self.count, self.seconds = 0, 0, 0, 0.0
        self.losses, self.metrics = np.zeros(trials), np.zeros(trials)
        self.began = self._drawn()
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

    def _arguments(self) -> Mapping[str, tuple[float, ...]]:
        """The numbers of the rule that are one for every trial. Raises TrainingError where it has no such number."""
        kind, own = self.network.update.kind, self.settings.arguments
        known = UPDATES[kind].arguments
        for name in own.keys() - known.keys():
            help = did_you_mean(name, known, f"it has {said(list(known), 'and')}" if known else "it has the rate alone")
            raise TrainingError(f"`{kind}` has no number `{name}`; {help}")
        return own

    @property
    def finished(self) -> bool:
        """Whether there is nothing left to do."""
        return self.epoch >= self.settings.epochs or bool(self.stopping.done.all())

    # -- one epoch --------------------------------------------------------------------------------

    def one_epoch(self) -> Iterator[None]:
        """Goes through the samples once, and then looks at what is kept aside.

        Between two steps the caller has its turn, and may save the state, or leave. An epoch that was left is gone on
        with. Raises Diverged where no trial has a loss any more.
        """
        if not self.step:
            self.began = self._drawn()
            self.losses[...], self.metrics[...], self.count = 0, 0, 0
        steps = self._steps()
        for chosen in self._chosen():
            steps.take(chosen)
            for start in range(0, chosen.shape[1], self.settings.batch):
                batch = slice(start, min(start + self.settings.batch, chosen.shape[1]))
                seen = steps.look(batch)
                if not np.isfinite(seen.losses).all():
                    self._diverged(chosen[:, batch], seen.losses)
                steps.update()
                samples = batch.stop - batch.start
                self.losses += seen.losses * samples
                self.metrics += seen.metrics * samples
                self.count += samples
                self.step += 1
                yield
        self.epoch, self.step = self.epoch + 1, 0
        watched = self.losses / self.count
        self._keep("loss", watched)
        self._keep("metric", self.metrics / self.count)
        if self.parts.kept:
            watched, metrics = self._evaluated(self.parts.x_val, self.parts.t_val)
            self._keep("val_loss", watched)
            self._keep("val_metric", metrics)
        self.stopping.look(self.engine.flat, self.engine.still, self.epoch, watched)

    def _steps(self) -> Stepping | Team:
        """Who does the steps: this process, or several where that is faster."""
        if self.divided and self.team is None:
            self.team = Team(self.stepping, self.runner, self.objective)
        return self.team or self.stepping

    def close(self) -> None:
        """Lets the processes go that trained with this one."""
        if self.team is not None:
            self.team.close()
        self.team = None

    def _chosen(self) -> Iterator[Array]:
        """The places of the samples that are left, `[trials, samples]`, those of some mini-batches at a time."""
        settings, size = self.settings, self.parts.size
        if settings.order == "replacement":
            for _ in range(self.step, -(-size // settings.batch)):
                yield np.stack([random.choice(size, settings.batch) for random in self.randoms])
            return
        now = self._drawn() if self.step else self.began
        if self.step:  # the order was drawn when the epoch began
            self._draw_from(self.began)
        order = np.empty((len(self.randoms), size), np.intp)
        for row, random in zip(order, self.randoms, strict=True):
            row[...] = random.permutation(size) if settings.order == "shuffled" else np.arange(size)
        if self.step:
            self._draw_from(now)
        width = settings.batch * self.stepping.ahead
        for start in range(self.step * settings.batch, size, width):
            yield order[:, start : start + width]

    def _keep(self, curve: str, numbers: Array) -> None:
        """Notes a number for every trial; a trial that has stopped keeps its last, if there is one."""
        done = self.stopping.done
        before = self.curves[curve][-1] if self.curves[curve] else ()
        still = done if before else np.zeros_like(done)
        row = [before[trial] if still[trial] else float(number) for trial, number in enumerate(numbers)]
        self.curves[curve].append(tuple(row))

    def _evaluated(self, x: Array, t: Array) -> tuple[Array, Array]:
        trials = self.settings.trials
        if not self.data.stacked:
            x, t = (np.broadcast_to(each, (trials, *each.shape)) for each in (x, t))
        return evaluated(self.engine, self.runner, self.objective, x, t, METRICS[self.metric])

    def _diverged(self, chosen: Array, losses: Array) -> None:
        """Says where a loss became no number first; that is an error where no trial is left."""
        lost = ~np.isfinite(losses) & ~self.stopping.done
        if not lost.any():
            return
        trial = int(np.flatnonzero(lost)[0])
        place = f"in step {self.step + 1} of epoch {self.epoch + 1}"
        message = f"the loss of trial {trial + 1} is no finite number {place}: {self._first_odd(chosen, trial)}"
        if (lost | self.stopping.done).all():
            raise Diverged(f"{message}; a smaller rate, other initial weights or scaled inputs may help")
        self.notes.append(message)
        self.stopping.lose(lost, self.epoch + 1)

    def _first_odd(self, chosen: Array, trial: int) -> str:
        """The first array on the way that holds a number that is not finite, in a trial."""
        (name,) = self.network.inputs
        x = self.stepping.taken(self.parts.x, chosen)
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

    # -- its state --------------------------------------------------------------------------------

    def good(self) -> bool:
        """Whether the parameters of all trials that still train are finite numbers."""
        return bool(np.isfinite(self.engine.flat[~self.stopping.done]).all())

    def state(self) -> State:
        """All that the next step depends on; the arrays are those that it will change."""
        plain = {name: getattr(self, name) for name in ("epoch", "step", "count", "seconds")}
        plain |= {"made": self.optimiser.made, "notes": list(self.notes)}
        plain |= {"curves": {name: list(rows) for name, rows in self.curves.items()}}
        return State(plain | {"randoms": self._drawn(), "began": self.began}, self._numbers())

    def go_on(self, state: State) -> None:
        """Puts the training where another one like it was."""
        for name, array in self._numbers().items():
            array[...] = state.numbers[name]
        for name in ("epoch", "step", "count", "seconds"):
            setattr(self, name, state.plain[name])
        self.optimiser.made, self.notes = state.plain["made"], list(state.plain["notes"])
        self.curves = {name: [tuple(row) for row in rows] for name, rows in state.plain["curves"].items()}
        self._draw_from(state.plain["began"])
        self.began = self._drawn()
        self._draw_from(state.plain["randoms"])

    def _numbers(self) -> dict[str, Array]:
        numbers = {"flat": self.engine.flat, "losses": self.losses, "metrics": self.metrics}
        numbers |= {f"state {place}": each for place, each in enumerate(self.optimiser.state)}
        numbers |= {f"still {name}": each for name, each in self.engine.still.items()}
        return numbers | self.stopping.numbers()

    def _drawn(self) -> list[Any]:
        """Where the random numbers of every trial are."""
        if self.settings.legacy:
            return [random.get_state(legacy=False) for random in self.randoms]
        return [random.bit_generator.state for random in self.randoms]

    def _draw_from(self, states: list[Any]) -> None:
        for random, state in zip(self.randoms, deepcopy(states), strict=True):
            if self.settings.legacy:
                state["state"]["key"] = np.array(state["state"]["key"], np.uint32)
                random.set_state(state)
            else:
                random.bit_generator.state = state

    # -- what is left behind ----------------------------------------------------------------------

    def finish(self) -> None:
        """Gives back to every trial what was best, where it is kept; a saved state can still be gone on from."""
        self.stopping.give_back(self.engine.flat, self.engine.still)

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
            stopped=tuple(int(epoch) for epoch in self.stopping.stopped),
            notes=(*self.notes, *data.notes),
        )


def _moved(array: Array, zeros: Zeros) -> Array:
    """The numbers in an array that `zeros` made, if that makes them elsewhere."""
    if zeros is np.zeros:
        return array
    found = zeros(array.shape, array.dtype)
    found[...] = array
    return found
