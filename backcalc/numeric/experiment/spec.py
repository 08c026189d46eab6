"""The keys of an experiment and what may stand in them."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from backcalc.layers.fields import Exact, Positive, Read, exact, whole
from backcalc.net.spec import Text
from backcalc.numeric.optimise import Schedule
from backcalc.numeric.settings import Training, schedule_of


def _count(value: object) -> int:
    """A whole number from 0."""
    number = whole(value) if not isinstance(value, bool) else -1
    if number < 0:
        raise ValueError("expected a whole number from 0")
    return number


def _share(value: object) -> Fraction:
    share = exact(value)
    if not 0 <= share < 1:
        raise ValueError("expected a share from 0 to less than 1")
    return share


def _amount(value: object) -> Fraction:
    number = exact(value)
    if number < 0:
        raise ValueError("expected a number from 0")
    return number


def _above(value: object) -> Fraction:
    number = exact(value)
    if number <= 0:
        raise ValueError("expected a number more than 0")
    return number


def _schemes(value: object) -> dict[str, str]:
    """One scheme for all arrays, or schemes by the name of an array or a layer, `all` for the others."""
    if isinstance(value, str):
        return {"": value}
    if isinstance(value, dict) and all(isinstance(scheme, str) for scheme in value.values()):
        return {"" if name == "all" else str(name): scheme for name, scheme in value.items()}
    raise ValueError("expected a scheme, as `he_normal`, or one by layer, `{all: he_normal, y: glorot_uniform}`")


def _schedule(value: object) -> Schedule:
    if not isinstance(value, str):
        raise ValueError("expected a schedule, as `cosine:2000`, `step:500:0.5` or `exponential:1000:0.9`")
    return schedule_of(value)


_NUMBER: dict[str, Any] = {"type": "number", "minimum": 0}

Count = Annotated[int, Read(_count, {"type": "integer", "minimum": 0})]
Share = Annotated[Fraction, Read(_share, {**_NUMBER, "exclusiveMaximum": 1})]
Amount = Annotated[Fraction, Read(_amount, _NUMBER)]
Above = Annotated[Fraction, Read(_above, {"type": "number", "exclusiveMinimum": 0})]
ScheduleText = Annotated[Schedule, Read(_schedule, {"type": "string"})]
Schemes = Annotated[dict[str, str], Read(_schemes, {"anyOf": [{"type": "string"}, {"type": "object"}]})]


class _Keys(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Split(_Keys):
    """Which samples are kept aside.

    With a `seed` the test is that of scikit-learn's `train_test_split(test_size=…, random_state=seed)`, the same in
    every repeat; without one every repeat draws its own. With `stratify` it is that of its `stratify=y`.
    """

    test: Share | None = Field(None, description="share for testing, where the data have no test; 0.2 by default")
    validation: Share = Field(Fraction(0), description="share of the rest for validation")
    stratify: bool = Field(False, description="whether every class has its share in every part")
    seed: Count | None = Field(None, description="fixes one split for all repeats")


class Stopping(_Keys):
    """When a trial stops before the last epoch."""

    patience: Positive = Field(description="the number of epochs without a better validation loss")
    restore_best: bool = Field(True, description="whether the best parameters are given back")


class Train(_Keys):
    """How the networks are trained; the rule and its rate are those of the net's `update` where they are not given."""

    epochs: Count = Field(10, description="times through the samples")
    batch: Positive = Field(32, description="samples of a mini-batch")
    split: Split = Field(default_factory=lambda: Split.model_validate({}), description="samples kept aside")
    early_stopping: Stopping | None = Field(None, description="when a trial stops early")
    optimizer: Any = Field(None, description="the update rule, `adam`, or `{adam: {rate: 0.001}}` as in a net")
    rate: Above | None = Field(None, description="learning rate")
    style: Literal["backcalc", "keras", "pytorch"] = Field("backcalc", description="whose formulas the rule takes")
    schedule: ScheduleText = Field(Schedule(), description="schedule of the rate, `cosine:STEPS`, `step:STEPS:FACTOR`")
    initialise: Schemes = Field(default_factory=dict, description="how parameters begin")
    order: Literal["shuffled", "given", "replacement"] = Field("shuffled", description="order of the samples")
    decay: Amount = Field(Fraction(0), description="weight decay, added to the gradient")
    l1: Amount = Field(Fraction(0), description="factor of the sum of absolute weights")
    l2: Amount = Field(Fraction(0), description="factor of the sum of squared weights")
    dtype: Literal["float32", "float64"] = Field("float32", description="precision")
    reconstruct: bool = Field(False, description="whether the target is the input")
    flip: bool = Field(False, description="whether images are mirrored left to right, one in two")
    shift: Count = Field(0, description="pixels by which images are moved at most")
    metric: Text | None = Field(None, description="accuracy, mse or mae, where it is not what fits")
    seed: Count | None = Field(None, description="one seed for all repeats, which then are all the same")

    def training(self, trials: int = 1, seeds: tuple[int, ...] | None = None, seed: int = 0) -> Training:
        """The settings of so many trials."""
        return Training(
            epochs=self.epochs,
            batch=self.batch,
            trials=trials,
            seed=seed,
            seeds=seeds,
            rate=None if self.rate is None else float(self.rate),
            style=self.style,
            schedule=self.schedule,
            initialise=self.initialise,
            order=self.order,
            validation=float(self.split.validation),
            stratify=self.split.stratify,
            patience=None if self.early_stopping is None else self.early_stopping.patience,
            restore_best=self.early_stopping is None or self.early_stopping.restore_best,
            decay=float(self.decay),
            l1=float(self.l1),
            l2=float(self.l2),
            dtype=self.dtype,
            reconstruct=self.reconstruct,
            flip=self.flip,
            shift=self.shift,
            metric=self.metric,
        )


class Samples(_Keys):
    """The data: their name alone, or with what is done to them."""

    name: Text = Field(description="`iris`, `mnist:FOLDER`, `csv:FILE#COLUMN` …; paths are relative to this file")
    seed: Count | None = Field(None, description="draws the points of synthetic data once for all repeats")
    legacy: bool = Field(False, description="whether points are drawn by NumPy's legacy generator")
    scale: Exact | None = Field(None, description="what every input is multiplied by, as 1/255")
    standardise: bool = Field(False, description="every feature to mean 0, deviation 1, by the training samples")
    resize: Positive | None = Field(None, description="height and width of images, by linear interpolation")


class ExperimentFile(_Keys):
    """A sweep: a network, data, what varies, how often, and what is measured."""

    name: Text | None = Field(None, description="what the experiment is called")
    net: Any = Field(description="the network: a path relative to this file, a built-in name, or its entries")
    data: Any = Field(description="the data, as `iris`, or `{name: digits, scale: 1/16}`")
    train: Any = Field(None, description="how to train")
    vary: dict[str, Any] | None = Field(None, description="what varies, `LAYER.argument: [1, 2]` or `1..9 step 2`")
    repeats: Positive = Field(1, description="trials of every arm, each with its own seed")
    seed: Count = Field(0, description="seed of the first repeat; the next has the next")
    measure: list[Text] = Field(description="what is measured, as `test.accuracy`")
    choose: Text | None = Field(None, description="the measure by which the best arm is chosen, as `val.loss`")
    pool: list[Text] = Field([], description="axes over which arms are joined to one")


def in_long_form(data: Mapping[str, Any]) -> dict[str, Any]:
    """One measure, one pooled axis as lists of one; what is empty is left out."""
    given = {key: value for key, value in data.items() if value is not None}
    return given | {key: [given[key]] for key in ("measure", "pool") if isinstance(given.get(key), str)}
