"""Training: against steps written out, alone and stacked, stopped and gone on, and what it refuses."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from backcalc.net import load_network
from backcalc.numeric.data import Data, DataError, load_data, source, split, stacked
from backcalc.numeric.parts import parted
from backcalc.numeric.run import NotTrainable, Objective, Runner
from backcalc.numeric.settings import Training, TrainingError
from backcalc.numeric.train import train

LAYERS: list[Any] = [{"dense": {"name": "a", "units": 8}}, "relu", {"dense": {"name": "z", "units": 3}}, "softmax"]


def network(layers: Any = LAYERS, loss: Any = "cross_entropy", update: Any = None, inputs: Any = 2, **more: Any) -> Any:
    update = update or {"sgd": {"rate": "0.5"}}
    return load_network({"input": inputs, "layers": layers, "loss": loss, "update": update, **more})


BLOBS = load_data("blobs:60")
NOISY = Data("noise", BLOBS.x, np.random.default_rng(1).permutation(BLOBS.y), classes=BLOBS.classes)


def test_a_step_is_gradient_descent_written_out() -> None:
    data = Data("few", np.array([[1.0, -1.0], [0.5, 2.0]]), np.array([[1.0], [-1.0]]))
    net = network([{"dense": {"name": "z", "units": 1}}], {"mse": {"target": "t"}}, inputs=2)
    found = train(net, data, epochs=1, batch=2, dtype="float64", initialise={"": "normal:1"})
    began = train(net, data, epochs=0, batch=2, dtype="float64", initialise={"": "normal:1"})
    w, b = began.parameters["W_z"][0, 0], began.parameters["b_z"][0, 0]
    error = data.x @ w + b - data.y[:, 0]
    np.testing.assert_allclose(found.parameters["W_z"][0, 0], w - 0.5 * error @ data.x, rtol=1e-12)
    np.testing.assert_allclose(found.parameters["b_z"][0, 0], b - 0.5 * error.sum(), rtol=1e-12)
    assert found.curves["loss"][0][0] == pytest.approx(float((error**2).mean()))


@pytest.mark.parametrize("update", ["sgd", "momentum", "nesterov", "rmsprop", "adagrad", "adam", "adamw"])
def test_every_rule_learns(update: str) -> None:
    rate = 0.3 if update in ("sgd", "adagrad") else 0.05
    history = train(network(update=update), BLOBS, epochs=30, batch=20, rate=rate)
    assert history.curves["metric"][-1][0] > 0.9
    assert history.curves["loss"][-1][0] < 0.5 * history.curves["loss"][0][0]


NETS: dict[str, tuple[Any, Any, Data, dict[str, Any]]] = {
    "dropout and norm": (
        [{"dense": {"units": 6, "bias": False}}, "batchnorm", "tanh", {"dropout": "0.3"}, {"dense": 3}, "softmax"],
        "nll",
        BLOBS,
        {"order": "replacement"},
    ),
    "maps": (
        [{"conv2d": {"filters": 2, "kernel": 2}}, "relu", {"maxpool2d": 2}, "flatten", {"dense": 2}],
        "cross_entropy_logits",
        Data("maps", np.random.default_rng(0).normal(size=(24, 1, 5, 5)), np.arange(24.0) % 2, classes=("a", "b")),
        {},
    ),
}


@pytest.mark.parametrize("label", NETS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_stack_of_trials_is_each_of_them_alone(label: str, dtype: Any) -> None:
    """Trial 2 of three is what it is of five, and its parameters are as its random numbers alone would have them."""
    layers, loss, data, more = NETS[label]
    net = network(layers, loss, "adam", inputs=list(data.shape))
    five = train(net, data, epochs=3, batch=8, trials=5, rate=0.01, dtype=dtype, **more)
    three = train(net, data, epochs=3, batch=8, trials=3, rate=(0.01, 0.01, 0.01), dtype=dtype, **more)
    tolerance = 1e-9 if dtype == "float64" else 1e-4
    for name, array in three.parameters.items():
        np.testing.assert_allclose(array, five.parameters[name][:3], rtol=tolerance, atol=tolerance)
    alone = train(net, data, epochs=3, batch=8, rate=0.01, dtype=dtype, **more)
    for name, array in alone.parameters.items():
        np.testing.assert_allclose(array, five.parameters[name][:1], rtol=tolerance, atol=tolerance)


def test_narrow_networks_train_as_they_do_alone() -> None:
    net = network([{"dense": 2}, "relu", {"dense": 1}], "mse", "adam", inputs=1)
    parts = [load_data("abs:50", seed=seed) for seed in range(20)]
    many = train(net, stacked(parts), epochs=3, batch=16, trials=20, rate=0.01, dtype="float64", style="keras")
    few = train(net, stacked(parts[:3]), epochs=3, batch=16, trials=3, rate=0.01, dtype="float64", style="keras")
    for name, array in few.parameters.items():
        np.testing.assert_allclose(array, many.parameters[name][:3], rtol=1e-9, atol=1e-12)


def test_every_trial_has_its_own_rate() -> None:
    history = train(network(), BLOBS, epochs=2, batch=20, trials=2, rate=(0.1, 0.0001))
    losses = history.curves["loss"]
    assert losses[1][0] < 0.95 * losses[0][0]
    assert losses[1][1] == pytest.approx(losses[0][1], rel=1e-3)


def test_equal_seeds_make_equal_runs_and_others_do_not() -> None:
    runs = [train(network(), BLOBS, epochs=2, batch=7, seed=seed).parameters["W_a"] for seed in (3, 3, 4)]
    np.testing.assert_array_equal(runs[0], runs[1])
    assert not np.array_equal(runs[0], runs[2])
    legacy = [train(network(), BLOBS, epochs=1, seed=3, legacy=True).parameters["W_a"] for _ in range(2)]
    np.testing.assert_array_equal(*legacy)


def test_early_stopping_gives_back_the_best() -> None:
    settings = Training(epochs=60, batch=20, trials=3, rate=1.5, validation=0.3, patience=3, dtype="float64")
    history = train(network(), NOISY, settings)
    assert max(history.stopped) < 60
    for trial, last in enumerate(history.stopped):
        curve = [row[trial] for row in history.curves["val_loss"]]
        assert curve.index(min(curve)) + 1 == last - 3
    again = train(network(), NOISY, settings, epochs=history.stopped[0] - 3, patience=None)
    np.testing.assert_allclose(history.parameters["W_a"][0], again.parameters["W_a"][0], rtol=1e-12)


def test_decay_and_penalties_shrink_weights() -> None:
    sizes = [
        float(np.abs(train(network(), BLOBS, epochs=5, batch=20, **more).parameters["W_a"]).sum())
        for more in ({}, {"decay": 0.1}, {"l2": 0.05}, {"l1": 0.02})
    ]
    assert all(size < sizes[0] for size in sizes[1:])
    # λ Σ w² and w ← w - η (g + 2 λ w) are one, where there are no biases.
    plain = network([{"dense": {"name": "a", "units": 3, "bias": False}}, "softmax"])
    l2, decay = (train(plain, BLOBS, epochs=2, dtype="float64", **more) for more in ({"l2": 0.05}, {"decay": 0.1}))
    np.testing.assert_allclose(l2.parameters["W_a"], decay.parameters["W_a"], rtol=1e-12)


def test_stacked_data_and_the_test_at_the_end() -> None:
    parts = [split(load_data("abs:50", seed=seed), 0.2, seed=0) for seed in range(3)]
    net = network([{"dense": 4}, "relu", {"dense": 1}], "mse", inputs=1)
    history = train(net, stacked(parts), epochs=4, batch=10, trials=3, rate=0.05)
    alone = train(net, parts[0], epochs=4, batch=10, rate=0.05)
    assert history.metric == "mse"
    assert history.test["loss"][0] == pytest.approx(alone.test["loss"][0], rel=1e-4)
    assert len(set(history.test["loss"])) == 3


def test_reconstruction() -> None:
    data = Data("points", np.random.default_rng(0).uniform(0, 1, (40, 4)), np.zeros(40), classes=("all",))
    net = network([{"dense": 3}, {"dense": 4}, "sigmoid"], "bce", "adam", inputs=4)
    history = train(net, data, epochs=20, rate=0.05, reconstruct=True)
    assert history.curves["loss"][-1][0] < history.curves["loss"][0][0]


def test_json_of_one_trial_and_of_several() -> None:
    data = split(BLOBS, 0.2, seed=1)
    one, two = (train(network(), data, epochs=2, trials=trials, validation=0.1).to_json() for trials in (1, 2))
    assert {"net", "data", "seed", "params", "history", "test", "seconds"} <= one.keys()
    assert list(one["history"]) == ["loss", "metric", "val_loss", "val_metric"]
    assert one["params"] == 2 * 8 + 8 + 8 * 3 + 3
    assert one["test"].keys() == {"loss", "metric"}
    assert isinstance(one["history"]["loss"][0], float)
    assert len(two["history"]["val_metric"][1]) == 2
    json.dumps(two, allow_nan=False)


def test_a_loss_that_is_no_number_is_told_with_step_and_layer() -> None:
    net = network([{"dense": {"name": "a", "units": 4}}, {"dense": {"name": "z", "units": 1}}], "mse", inputs=1)
    wild = "loss of trial 1 is no finite number in step 1 of epoch [0-9]+: .*; a smaller rate"
    with pytest.raises(TrainingError, match=wild):
        train(net, load_data("abs:30"), epochs=300, batch=30, rate=100)
    data = Data("odd", np.array([[1.0], [np.inf]]), np.array([[1.0], [2.0]]))
    with pytest.raises(TrainingError, match="the input `x` holds it already"):
        train(net, data, epochs=1)
    history = train(net, load_data("abs:30"), epochs=300, batch=30, trials=2, rate=(100, 0.001))
    assert "trial 1 is no finite number" in history.notes[0]
    assert np.isfinite(history.parameters["W_a"][1]).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: train(network(loss="mse", update="sgd"), BLOBS), "`sgd` has no rate; give one, as in"),
        (lambda: train(network(), load_data("abs:10")), r"the input of the network is \[2\], but abs has \[1\]"),
        (
            lambda: train(network([{"dense": 2}, "softmax"]), BLOBS),
            r"has 3 classes, but the output of the network is \[2\]",
        ),
        (lambda: train(load_network({"equations": "J = w^2"}), BLOBS), "a set of equations has no layers to train"),
        (
            lambda: train(network([{"unknown": {"name": "u", "operator": "Einsum", "shape": [3]}}]), BLOBS),
            r"layer `u` \(unknown\) has no equations here",
        ),
        (lambda: train(network(loss=None), BLOBS), "the network has no loss; add one"),
        (
            lambda: train(network(update={"momentum": {"rate": 1, "state": {"v_b_a": [0] * 8}}}), BLOBS),
            "a training begins from nothing",
        ),
        (lambda: train(network(loss={"nll": 1}), BLOBS), "the labels are the target"),
        (lambda: train(network(), BLOBS, metric="acuracy"), "unknown metric `acuracy`; did you mean `accuracy`"),
        (lambda: train(network(), BLOBS, trials=10**9), "1000000000 trials of 51 parameters are too many"),
        (lambda: train(network(), BLOBS, batch=0), "`batch` is a whole number from 1, but is 0"),
        (lambda: train(network(), BLOBS, validation=1), "`validation` is a share from 0 to less than 1"),
        (lambda: train(network(), BLOBS, trials=2, rate=(1.0,)), "there are 1 rates for 2 trials"),
        (lambda: train(network(), BLOBS, trials=2, decay=(0.1,)), "there are 1 decays for 2 trials"),
        (lambda: train(network(), BLOBS, arguments={"beta": (0.1, 0.2)}), "there are 2 numbers `beta` for 1 trials"),
        (
            lambda: train(network(update="adam"), BLOBS, rate=0.1, arguments={"beta3": (0.1,)}),
            "`adam` has no number `beta3`; did you mean `beta1`",
        ),
        (
            lambda: train(network([{"dense": 3}, "batchnorm", "softmax"]), BLOBS, batch=59),
            "`batchnorm_1` would normalise",
        ),
        (lambda: train(network(), BLOBS, initialise={"": "he"}), "unknown initialiser `he`"),
        (lambda: train(network(loss="nll"), Data("n", np.ones((4, 2)), np.ones((4, 3)))), "the loss nll needs classes"),
    ],
)
def test_what_cannot_be_trained_says_why(call: Any, message: str) -> None:
    with pytest.raises((TrainingError, NotTrainable, DataError, ValueError), match=message):
        call()


def test_a_batch_larger_than_the_data_is_warned_of() -> None:
    history = train(network(), BLOBS, epochs=1, batch=100)
    assert history.notes == ("the mini-batch of 100 is larger than the 60 samples: every step sees all of them",)


def test_a_class_that_validation_takes_away_is_warned_of() -> None:
    """One sample of the third class; it is kept for validation with most seeds, as one half is."""
    x, y = np.arange(20.0)[:, None].repeat(2, axis=1), np.array([*[0, 1] * 9, 0, 2])
    data = Data("rare", x, y.astype(float), classes=("a", "b", "c"))
    net = load_network({"input": 2, "layers": [{"dense": 3}], "loss": "nll_logits", "update": "sgd"})
    told = {seed: train(net, data, epochs=1, rate=0.1, batch=10, validation=0.5, seed=seed).notes for seed in range(8)}
    orders = {seed: np.random.default_rng([seed, 2**31]).permutation(20) for seed in told}
    words = "no sample for training has the class `c`: all of its samples are among the 10 kept for validation"
    for seed, notes in told.items():
        assert any(words in note for note in notes) == (19 in orders[seed][:10])
    assert 0 < sum(bool(notes) for notes in told.values()) < 8


@pytest.mark.parametrize("of_each", [False, True])
def test_strata_leave_every_class_its_share(of_each: bool) -> None:
    """30 of 60 are kept; by chance alone about one seed in thirty keeps 10 of every class."""
    objective = Objective(Runner(network()))
    data = stacked([BLOBS]) if of_each else BLOBS
    for seed in range(5):
        parts = parted(data, objective, Training(validation=0.5, stratify=True, seed=seed))
        for targets in (parts.t, parts.t_val):
            np.testing.assert_array_equal(targets.reshape(30, 3).sum(axis=0), [10, 10, 10])


def test_trials_draw_from_their_own_sources() -> None:
    assert source([0, 1]).random() != source([0, 2]).random()
    assert source([0, 1]).random() == source([0, 1]).random()
