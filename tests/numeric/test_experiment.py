"""Experiments: what is read and what is refused, what is measured, and the statistics of it."""

from __future__ import annotations

import json
from fractions import Fraction
from math import nan
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backcalc.net import load_network
from backcalc.net.errors import InputError
from backcalc.numeric.data import load_data
from backcalc.numeric.experiment import Experiment, read_experiment, run
from backcalc.numeric.experiment.axes import Axis, grid
from backcalc.numeric.experiment.measure import MeasureFault, read_measure
from backcalc.numeric.experiment.samples import Shelf
from backcalc.numeric.experiment.statistics import (
    beta_share,
    f_tail,
    paired,
    summary,
    t_quantile,
    t_tails,
    welch,
)
from backcalc.numeric.experiment.tasks import tasks_of
from backcalc.numeric.prepare import prepared
from backcalc.numeric.run import loss_and_gradients
from backcalc.numeric.train import train

NET: dict[str, Any] = {
    "name": "clouds",
    "input": 2,
    "layers": [{"dense": {"name": "a", "units": 4}}, {"relu": {"name": "h"}}, {"dense": {"name": "z", "units": 3}}],
    "loss": "nll_logits",
    "update": {"sgd": {"rate": Fraction(1, 2)}},
}
FILE: dict[str, Any] = {"net": NET, "data": "blobs:60", "measure": ["test.accuracy", "train.loss"]}


def experiment(**changes: Any) -> Experiment:
    """The experiment of the clouds, some of its keys changed; None takes one away."""
    return read_experiment({key: value for key, value in {**FILE, **changes}.items() if value is not None})


def refused(**changes: Any) -> str:
    with pytest.raises(InputError) as caught:
        experiment(**changes)
    return str(caught.value)


# -- what varies ------------------------------------------------------------------------------------


def test_a_grid_is_of_all_axes_that_follow_none() -> None:
    found = experiment(
        vary={"a.units": "2..6 step 2", "sizes.k": "same", "train.rate": [1, 2]}, net=NET | {"sizes": {"k": 1}}
    )
    assert [arm.values for arm in found.arms] == [(u, u, r) for u in (2, 4, 6) for r in (1, 2)]
    assert [arm.network.node("a").output_shape for arm in found.arms[::2]] == [(2,), (4,), (6,)]
    assert [arm.rate for arm in found.arms[:2]] == [1.0, 2.0]


@given(st.fractions(0, 5, max_denominator=8), st.integers(0, 12), st.fractions(Fraction(1, 8), 3, max_denominator=8))
@settings(deadline=None, max_examples=40)
def test_a_range_holds_both_ends(first: Fraction, count: int, step: Fraction) -> None:
    last = first + count * step
    found = experiment(vary={"train.decay": f"{first}..{last} step {step}"})
    assert [arm.values[0] for arm in found.arms] == [first + place * step for place in range(count + 1)]


@pytest.mark.parametrize(
    ("path", "value", "seen"),
    [
        ("a.units", 7, lambda arm: arm.network.node("a").output_shape == (7,)),
        ("h.kind", "tanh", lambda arm: type(arm.network.node("h").layer).kind == "tanh"),
        ("loss", "mse", lambda arm: arm.network.criterion.kind == "mse"),
        ("update.adam.rate", 1, lambda arm: arm.network.update.kind == "adam"),
        ("values.b_z", [1, 2, 3], lambda arm: arm.network.values["b_z"] == (1, 2, 3)),
        ("train.epochs", 3, lambda arm: arm.train.epochs == 3),
        ("train.split.test", Fraction(1, 4), lambda arm: arm.train.split.test == Fraction(1, 4)),
        ("train.optimizer", "adam", lambda arm: arm.network.update.kind == "adam"),
        ("data", "spirals:50", lambda arm: arm.data.name == "spirals:50"),
        ("data.standardise", True, lambda arm: arm.data.standardise),
    ],
)
def test_any_value_of_net_data_and_training_can_vary(path: str, value: Any, seen: Any) -> None:
    net = {key: each for key, each in NET.items() if key != "update"} if path.startswith("update") else NET
    net = net | {"loss": "sse"} if path == "loss" else net
    (arm,) = experiment(net=net, vary={path: [value]}, train={"rate": 1}, measure=["params"]).arms
    assert seen(arm)


def test_layers_in_short_form_and_in_blocks_can_vary() -> None:
    layers = [
        {"repeat": {"times": 2, "layers": [{"dense": {"name": "a", "units": 4}}, "relu"]}},
        {"dropout": "0.5"},
        {"dense": 3},
    ]
    net = NET | {"layers": layers}
    first, second = experiment(net=net, vary={"a.units": [2, 5]}).arms
    assert [second.network.node(name).output_shape for name in ("a_1", "a_2", "dense_3")] == [(5,), (5,), (3,)]
    assert experiment(net=net, vary={"dense_3.bias": [False]}).arms[0].network.node("dense_3").layer.bias is False
    assert experiment(net=net, vary={"dropout_1.rate": ["1/4"]}).arms[0].network.node(
        "dropout_1"
    ).layer.rate == Fraction(1, 4)
    assert first.network.node("relu_2").output_shape == (2,)


BAD = """\
name: wrong
net: {input: 2, layers: [{dense: {name: a, units: 4}}, {dense: 3}], loss: nll_logits}
data: blobs
train: {epoch: 3, batch: 0, rate: 0.1}
vary: {b.units: [1, 2], a.unit: [1, 2], a.units: [3, -4], train.rte: [1], train.batch: [8, 0], data: [iri]}
repeets: 10
measure: [test.acuracy, params]
choose: val.los
"""


def test_everything_that_is_wrong_is_told_with_its_place() -> None:
    with pytest.raises(InputError) as caught:
        read_experiment(BAD)
    told = str(caught.value)
    for part in (
        "<text>:6:1: error: unknown key `repeets` of the experiment",
        "help: did you mean `repeats`?",
        "<text>:7:11: error: unknown measure `test.acuracy`",
        "help: did you mean `test.accuracy`?",
        "help: did you mean `val.loss`?",
    ):
        assert part in told
    right = BAD.replace("repeets: 10", "repeats: 10").replace("acuracy", "accuracy").replace("val.los\n", "val.loss\n")
    with pytest.raises(InputError) as caught:
        read_experiment(right)
    told = str(caught.value)
    for part in (
        "<text>:5:8: error: the net has no layer `b`",
        "help: did you mean `a.units`?",
        "error: layer `a` is `dense`, which has no `unit`",
        "help: did you mean `units`?",
        "error: `train` has no `rte`",
        "help: did you mean `rate`?",
    ):
        assert part in told


@pytest.mark.parametrize(
    ("changes", "message", "help"),
    [
        ({"vary": {"a.units": [3, -4]}}, "with a.units = -4: `units`: expected a whole number from 1", None),
        ({"vary": {"train.batch": [8, 0]}}, "`batch`: expected a whole number from 1, got `0`", None),
        ({"train": {"epoch": 3}}, "unknown key `epoch` of `train`", "did you mean `epochs`?"),
        ({"vary": {"a.units": "same"}}, "`same` follows the first axis, but there is none before it", None),
        ({"vary": {"a.units": "10..1"}}, "`10..1` has no values: a range goes up, by a step of more than 0", None),
        ({"vary": {"a.units": "1..x"}}, "a range is of numbers, but this is `1..x`", "write `[1, 2]`"),
        ({"vary": {"a.units": "1..1e9"}}, "`1..1e9` has 1000000000 values; 1000 are taken at most", None),
        ({"vary": {"a.units": [4, 4]}}, "`a.units` has this value twice", "remove one of the two"),
        ({"vary": {"h.kind": ["rely"]}}, "unknown layer kind `rely`", "did you mean `relu`?"),
        (
            {"vary": {"a.units": [1], "pool": [1]}, "pool": ["a.unit"]},
            "`a.unit` does not vary",
            "did you mean `a.units`?",
        ),
        ({"net": "lenet6"}, "there is no file or built-in network `lenet6`", "did you mean `lenet5`?"),
        ({"measure": ["activation.rms.hh"]}, "the net has no layer `hh`", "there are `a`, `h` and `z`"),
        ({"measure": ["weight.W_a[3]"]}, "`W_a` is [4, 2], which has no such place", "write `weight.W_a[1, 1]`"),
        ({"measure": ["weight.W_a[5,1]"]}, "`W_a` is [4, 2], which has no such place", None),
        ({"measure": []}, "nothing is measured", None),
        ({"measure": ["val.loss"]}, "`val.loss`: nothing is kept for validation", "write `train: {split: "),
        ({"choose": "val.accuracy"}, "`val.accuracy`: nothing is kept for validation", None),
        ({"net": {**NET, "update": "sgd"}}, "`sgd` has no rate", "write `train: {rate: 0.01}`"),
        ({"train": {"optimizer": "adm"}}, "unknown update rule `adm`", "did you mean `adam`?"),
        ({"repeats": 10**7}, "1 arms of 10000000 repeats are too many", None),
        ({"vary": {"a.units": "1..999", "train.seed": "1..999"}, "repeats": 9}, "are too many", None),
        ({"data": "blob:60"}, "unknown data `blob:60`", "did you mean `blobs`?"),
        ({"train": {"split": {"tst": "0.2"}}}, "unknown key `tst` of `split`", "did you mean `test`?"),
        (
            {"train": {"early_stopping": {"patienc": 2}}},
            "`early_stopping` needs `patience`",
            "the number of epochs without",
        ),
        ({"train": {"early_stopping": 2}}, "`early_stopping`: expected a mapping, `name: value`, got `2`", None),
        ({"train": {"initialise": 3}}, "expected a scheme, as `he_normal`", None),
    ],
)
def test_what_is_refused(changes: dict[str, Any], message: str, help: str | None) -> None:
    told = refused(**changes)
    assert message in told
    assert help is None or help in told


def test_a_value_of_a_list_is_told_where_it_stands() -> None:
    text = "net: {input: 2, layers: [{dense: {name: a, units: 4}}], loss: sse}\ndata: line\nvary: {a.units: [3, -4]}\n"
    with pytest.raises(InputError) as caught:
        read_experiment(f"{text}train: {{rate: 1}}\nmeasure: [params]")
    assert "<text>:3:21: error: with a.units = -4" in str(caught.value)
    assert str(caught.value).endswith("  3 | vary: {a.units: [3, -4]}\n    |                     ^^")


WORDS = ["x", "1..3", "same", "relu", "a.units", "", "lenet5"]
KEYS = st.sampled_from(["a", "layers", "kind", "rate"])
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(WORDS),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=2),
    max_leaves=5,
)
PLACES: list[tuple[str, ...]] = [
    *((key,) for key in ("net", "data", "train", "vary", "measure", "repeats", "seed", "choose", "pool")),
    *(("net", key) for key in ("layers", "loss", "update")),
    *(("train", key) for key in ("split", "optimizer", "early_stopping")),
    *(("vary", key) for key in ("a.units", "x.y.z")),
]


@given(st.sampled_from(PLACES), JUNK)
@settings(deadline=None, max_examples=150)
def test_whatever_stands_there_is_read_or_refused_in_words(place: tuple[str, ...], junk: Any) -> None:
    whole: dict[str, Any] = {**FILE, "net": dict(NET), "train": {}, "vary": {"a.units": [1, 2]}}
    inner = whole
    for word in place[:-1]:
        inner = inner[word]
    inner[place[-1]] = junk
    try:
        assert read_experiment(whole).arms
    except InputError as error:
        assert error.problems


# -- what is measured -------------------------------------------------------------------------------


def test_a_repeat_is_the_training_with_its_seed() -> None:
    """Repeat r of a stack is what `train` gives for one network with that seed: split, beginning and order."""
    results = run(
        experiment(repeats=3, seed=5, train={"epochs": 4, "split": {"validation": 0.2}}, measure=["test.loss"])
    )
    net = load_network(NET)
    for repeat, row in enumerate(results.rows[0].runs):
        alone = train(net, prepared("blobs:60", seed=5 + repeat), epochs=4, validation=0.2, seed=5 + repeat)
        assert row.seed == 5 + repeat
        assert row.measures["test.loss"] == pytest.approx(alone.test["loss"][0], rel=1e-5)


def test_arms_of_one_shape_train_as_one_stack_and_give_what_each_gives_alone() -> None:
    together = experiment(vary={"train.rate": ["0.1", "0.5"]}, repeats=2, train={"dtype": "float64"})
    assert [task.trials for task in tasks_of(together, Shelf())] == [((0, 0), (0, 1), (1, 0), (1, 1))]
    results = run(together)
    for row, rate in zip(results.rows, ("0.1", "0.5"), strict=True):
        alone = run(experiment(train={"dtype": "float64", "rate": rate}, repeats=2)).rows[0]
        for one, other in zip(row.runs, alone.runs, strict=True):
            assert one.measures == pytest.approx(other.measures, rel=1e-12)


@pytest.mark.parametrize(
    "train",
    [
        {"decay": ["0", "0.2"]},
        {"optimizer": [{"momentum": {"rate": "0.1", "beta": beta}} for beta in ("0.5", "0.9")]},
        {"optimizer": [{"rmsprop": {"rate": "0.01", "rho": rho, "epsilon": "0.001"}} for rho in ("0.5", "0.9")]},
        {"optimizer": [{"adam": {"rate": rate, "beta2": b}} for rate, b in (("0.1", "0.9"), ("0.01", "0.999"))]},
        {"optimizer": [{"adamw": {"rate": "0.01", "decay": decay}} for decay in ("0", "0.5")]},
    ],
    ids=["decay", "momentum", "rmsprop", "adam", "adamw"],
)
def test_arms_with_other_numbers_of_the_rule_are_one_stack_too(train: dict[str, list[Any]]) -> None:
    """Each arm is what it is alone; the two differ."""
    ((name, values),) = train.items()
    wide = {"dtype": "float64"}
    together = experiment(vary={f"train.{name}": values}, repeats=2, train=wide)
    assert [task.trials for task in tasks_of(together, Shelf())] == [((0, 0), (0, 1), (1, 0), (1, 1))]
    results = run(together)
    for row, value in zip(results.rows, values, strict=True):
        alone = run(experiment(train={**wide, name: value}, repeats=2)).rows[0]
        for one, other in zip(row.runs, alone.runs, strict=True):
            assert one.measures == pytest.approx(other.measures, rel=1e-11)
    assert results.rows[0].runs[0].measures != results.rows[1].runs[0].measures


def test_arms_of_other_shapes_are_other_tasks() -> None:
    found = tasks_of(experiment(vary={"a.units": [2, 3]}, repeats=300), Shelf())
    assert [len(task.trials) for task in found] == [256, 44, 256, 44]


def test_measures_are_what_they_say() -> None:
    names = [
        "train.loss",
        "activation.rms.h",
        "activation.std.a",
        "gradient.rms.a",
        "gradient.W_a[2,1]",
        "weight.b_z[3]",
    ]
    names += ["output.range", "output.largest", "dead.h", "dead", "params", "weight.mean.W_a", "gradient.std.W_z"]
    names += ["activation.rms.h / activation.rms.a", "activation.rms.h < 1000", "output.range = 0", "epochs"]
    one = {"epochs": 0, "dtype": "float64", "split": {"test": 0}}
    (row,) = run(experiment(train=one, measure=names)).rows[0].runs
    began = train(load_network(NET), load_data("blobs:60"), epochs=0, dtype="float64").parameters
    w, b, v, c = (began[name][0] for name in ("W_a", "b_a", "W_z", "b_z"))
    data = load_data("blobs:60")
    a = data.x @ w.T + b
    h = np.maximum(a, 0)
    z = h @ v.T + c
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    t = np.eye(3)[data.y.astype(int)]
    loss, gradients = loss_and_gradients(
        load_network(NET), {name: each[0] for name, each in began.items()}, {"x": data.x, "t": data.y + 1}
    )
    by_z = (p - t) / len(data.x)
    by_a = (by_z @ v) * (a > 0)

    def rms(array: Any) -> float:
        return float(np.sqrt((array**2).mean()))

    expected = {
        "train.loss": -np.log((p * t).sum(axis=1)).mean(),
        "activation.rms.h": rms(h),
        "activation.std.a": a.std(),
        "gradient.rms.a": rms(by_a),
        "gradient.W_a[2,1]": (by_a.T @ data.x)[1, 0],
        "weight.b_z[3]": c[2],
        "output.range": np.ptp(z),
        "output.largest": np.abs(z).max(),
        "dead.h": (h == 0).all(axis=0).mean(),
        "dead": 0,
        "params": 4 * 3 + 3 * 5,
        "weight.mean.W_a": w.mean(),
        "gradient.std.W_z": (by_z.T @ h).std(),
        "activation.rms.h / activation.rms.a": rms(h) / rms(a),
        "activation.rms.h < 1000": 1,
        "output.range = 0": 0,
        "epochs": 0,
    }
    assert row.measures == pytest.approx(expected, rel=1e-9, abs=1e-12)
    assert loss == pytest.approx(expected["train.loss"])
    assert gradients["W_a"][1, 0] == pytest.approx(expected["gradient.W_a[2,1]"])


def test_scores_are_those_of_the_parameters_that_are_kept() -> None:
    kept = {"epochs": 40, "rate": 3, "split": {"validation": "0.3"}, "early_stopping": {"patience": 2}}
    names = ["val.loss", "best.epoch", "epochs", "val.metric", "val.accuracy"]
    results = run(experiment(train=kept, measure=names, repeats=4))
    for found in results.rows[0].runs:
        curve = found.curves["val_loss"]
        assert found.measures["val.loss"] == pytest.approx(min(curve), rel=1e-4)
        assert found.measures["best.epoch"] == np.argmin(curve) + 1
        assert found.measures["epochs"] == min(found.measures["best.epoch"] + 2, 40)
        assert found.measures["val.metric"] == found.measures["val.accuracy"]


def test_errors_of_numbers() -> None:
    net = NET | {"layers": [{"dense": 1}], "loss": "mse", "input": 1}
    names = ["test.rmse", "test.mse", "test.mae", "test.metric", "test.loss"]
    (found,) = run(experiment(net=net, data="abs:50", train={"rate": Fraction(1, 100)}, measure=names)).rows[0].runs
    measures = found.measures
    assert measures["test.rmse"] == pytest.approx(measures["test.mse"] ** 0.5)
    assert measures["test.mse"] == measures["test.metric"] == pytest.approx(measures["test.loss"])
    assert measures["test.mae"] < measures["test.rmse"]


def test_a_training_that_is_lost_is_counted_and_not_averaged() -> None:
    blown = NET | {"layers": [{"dense": {"name": "z", "units": 1}}], "loss": "mse", "update": {"sgd": {"rate": 1}}}
    results = run(
        experiment(
            net=blown,
            data="eggholder:50",
            vary={"train.rate": [Fraction(1, 10**9), 1]},
            measure=["test.loss"],
            repeats=2,
            train={"epochs": 30},
        )
    )
    first, second = (row.summaries["test.loss"] for row in results.rows)
    assert (first.count, first.lost, second.count, second.lost) == (2, 0, 0, 2)
    assert np.isnan(second.mean)
    assert any("loss of repeat 1 with train.rate = 1 is no finite number" in note for note in results.notes)
    json.dumps(results.to_json(), allow_nan=False)


def test_a_fixed_split_is_that_of_scikit_learn() -> None:
    """The test classes of `train_test_split(test_size=0.2, random_state=42)` on iris are 10, 9 and 11 ."""
    from backcalc.numeric.experiment.samples import samples_of
    from backcalc.numeric.experiment.spec import Samples, Split

    data = samples_of(Samples(name="iris"), Split(test=Fraction(1, 5), seed=42), [0, 1], Shelf())
    assert not data.stacked and np.bincount(data.y_test.astype(int)).tolist() == [10, 9, 11]
    own = samples_of(Samples(name="iris"), Split(test=Fraction(1, 5)), [3, 4], Shelf())
    assert own.stacked and not np.array_equal(own.x_test[0], own.x_test[1])
    np.testing.assert_array_equal(own.x_test[1], prepared("iris", seed=4).x_test)


@pytest.mark.parametrize(
    "text",
    ["accuracy", "test", "weight.rms", "a / b / c", "params < x", "gradient.W[0]", "x" * 300, "activation.sum.h"],
)
def test_what_cannot_be_measured_is_refused(text: str) -> None:
    with pytest.raises(MeasureFault):
        read_measure(text)


def test_the_best_arm_is_chosen_and_arms_are_joined() -> None:
    results = run(
        experiment(
            vary={"train.rate": [Fraction(1, 10**6), 1], "a.units": [3, 4]},
            repeats=2,
            choose="train.loss",
            pool="a.units",
        )
    )
    assert results.chosen is not None and results.chosen.values["train.rate"] == 1
    assert [row.labels for row in results.pooled] == [{"train.rate": "1e-06"}, {"train.rate": "1"}]
    assert [len(row.runs) for row in results.pooled] == [4, 4]


# -- statistics, against SciPy 1.17.1 ---------------------------------------------------------------

TAIL_TABLE = [
    (0.1, 1.5, 0.9320414534869628),
    (1.0, 3.0, 0.3910022189557705),
    (2.0, 10.0, 0.07338803477074037),
    (2.5, 4.411764705882353, 0.06099725258394656),
    (5.0, 40.0, 1.1840065669659511e-05),
    (12.0, 7.3, 4.55578522957055e-06),
    (0.0, 2.0, 1.0),
]
F_TABLE = [
    (3.0, 2, 10, 0.09536743164062497),
    (0.5, 5, 7, 0.7685843297279158),
    (12.0, 9, 90, 3.1042205992006437e-12),
    (1.0, 1, 1, 0.5000000000000001),
    (250.0, 9, 90, 1.1543780463957736e-59),
]
WELCH = (2.796990155033513, 9.893025508832814, 0.01907611612756171, 0.024785248045356464, 0.22035760909750063)


def test_a_difference_is_that_of_welch() -> None:
    first = [0.61, 0.55, 0.72, 0.66, 0.59]
    second = [0.70, 0.81, 0.65, 0.77, 0.73, 0.9, 0.68]
    found = welch(summary(first), summary(second))
    assert found is not None
    assert (found.t, found.df, found.p) == pytest.approx(WELCH[:3], rel=1e-12)
    assert (found.low, found.high) == pytest.approx(WELCH[3:], rel=1e-9)
    assert welch(summary([1, 1]), summary([1, 1])) is None
    assert welch(summary([1]), summary([1, 2])) is None


def test_differences_within_pairs_are_those_of_student() -> None:
    """Numbers of SciPy 1.17.1, `ttest_rel`; a pair that is not whole is left out."""
    first = [0.61, 0.55, 0.72, 0.66, 0.59, None, 0.8]
    second = [0.70, 0.81, 0.65, 0.77, 0.73, 0.9, nan]
    found = paired(first, second)
    assert found is not None and found.df == 4
    assert (found.t, found.p) == pytest.approx((2.0010688519512434, 0.11597490705549729), rel=1e-12)
    assert (found.low, found.high) == pytest.approx((-0.04107299094880765, 0.25307299094880764), rel=1e-9)
    assert paired([1, 2, 3], [2, 3, 4]) is None
    assert paired([1, 2], [2, None]) is None


def test_pairs_see_what_the_spread_between_seeds_hides() -> None:
    luck = [0.1, 0.9, 0.4, 0.6, 0.2, 0.8]
    better = [each + 0.05 + 0.001 * place for place, each in enumerate(luck)]
    apart, within = welch(summary(luck), summary(better)), paired(luck, better)
    assert apart is not None and within is not None
    assert apart.p > 0.5 and within.p < 1e-6


def test_arms_are_paired_by_their_seeds_alone() -> None:
    """With one seed for all repeats there are no pairs that are independent of each other."""
    entries: dict[str, Any] = {"vary": {"a.units": [2, 5]}, "repeats": 3, "measure": ["train.loss"]}
    (shared,) = run(experiment(**entries)).comparisons
    assert shared.paired is not None and shared.paired.df == 2
    (one,) = run(experiment(**entries, train={"epochs": 1, "seed": 7})).comparisons
    assert one.paired is None


@pytest.mark.parametrize(("t", "df", "p"), TAIL_TABLE)
def test_tails_of_student(t: float, df: float, p: float) -> None:
    assert t_tails(t, df) == pytest.approx(p, rel=1e-11)
    assert t_tails(-t, df) == t_tails(t, df)
    if 0 < p < 1:
        assert t_quantile(1 - p / 2, df) == pytest.approx(t, rel=1e-6)


@pytest.mark.parametrize(("f", "between", "within", "p"), F_TABLE)
def test_tails_of_fisher(f: float, between: float, within: float, p: float) -> None:
    assert f_tail(f, between, within) == pytest.approx(p, rel=1e-10)


@given(st.floats(0.5, 200), st.floats(0.5, 200), st.floats(0.001, 0.999))
@settings(deadline=None, max_examples=100)
def test_both_ends_of_the_beta_function_make_one(a: float, b: float, x: float) -> None:
    assert beta_share(a, b, x) + beta_share(b, a, 1 - x) == pytest.approx(1, abs=1e-12)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30))
@settings(deadline=None, max_examples=60)
def test_a_summary_is_numpys(numbers: list[float]) -> None:
    found = summary(numbers)
    shares = [0.05, 0.25, 0.5, 0.75, 0.95]
    assert found.mean == pytest.approx(np.mean(numbers), rel=1e-9, abs=1e-9)
    assert list(found.quantiles) == pytest.approx(np.quantile(numbers, shares).tolist(), rel=1e-9, abs=1e-9)
    if len(numbers) > 1:
        assert found.sd == pytest.approx(np.std(numbers, ddof=1), rel=1e-6, abs=1e-6)


def test_values_repeat_in_a_grid_the_last_fastest() -> None:
    assert list(grid((Axis("a", (1, 2)), Axis("b", (3, 4))))) == [(1, 3), (1, 4), (2, 3), (2, 4)]
