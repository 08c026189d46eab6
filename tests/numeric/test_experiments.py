"""Published experiments, rerun: how many narrow networks die, against rates that were found by other programs.

The rates are those of 20 times 1000 networks in PyTorch, the rate at birth that of a transfer operator on the signs of
activations; limits are three standard errors.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backcalc
from backcalc.net import load_network
from backcalc.net.errors import InputError
from backcalc.net.text import source_of
from backcalc.numeric.data import load_data, stacked
from backcalc.numeric.experiment import Results, read_experiment, run
from backcalc.numeric.kernels import Pass
from backcalc.numeric.run import Runner
from backcalc.numeric.train import train

TRIALS = 400
DATA = stacked([load_data("abs:3000", seed=seed) for seed in range(TRIALS)])


def outputs(activation: Any, epochs: int, trials: int = TRIALS) -> Any:
    """What ten layers of two neurons put out for all points, before or after an epoch of Keras's Adam."""
    layers: list[Any] = [{"repeat": {"times": 10, "layers": [{"dense": {"name": "a", "units": 2}}, activation]}}]
    layers.append({"dense": {"name": "y", "units": 1, "bias": False}})
    net = load_network({"input": 1, "layers": layers, "loss": "mse", "update": {"adam": {"rate": "0.001"}}})
    schemes = {"": "he_normal", "y": "glorot_uniform"}
    history = train(net, DATA, epochs=epochs, batch=64, trials=trials, initialise=schemes, style="keras")
    runner = Runner(net)
    flat = np.concatenate([history.parameters[name].reshape(trials, -1) for name in runner.arena.pieces], axis=1)
    x = DATA.x.astype(np.float32)
    return runner.forward(flat, {}, {"x": x}, Pass()).outputs["y"]


def limit(share: float) -> float:
    return 3 * (share * (1 - share) / TRIALS) ** 0.5


@pytest.mark.parametrize(("epochs", "share"), [(0, 0.909877), (1, 0.93745)])
def test_most_narrow_relu_networks_are_born_dead_and_more_die(epochs: int, share: float) -> None:
    dead = (outputs("relu", epochs) == 0).all(axis=(1, 2)).mean()
    assert dead == pytest.approx(share, abs=limit(share))


def test_leaky_networks_do_not_die_but_are_flat() -> None:
    y = outputs("leaky_relu", 1)
    assert not (y == 0).all(axis=(1, 2)).any()
    flat = (np.ptp(y, axis=(1, 2)) < 1e-3).mean()
    assert flat == pytest.approx(0.6802, abs=limit(0.6802))


# -- the experiments that are shipped, with fewer repeats; limits are three standard errors of so many -----------------

SHIPPED = Path(backcalc.__file__).parents[1] / "examples" / "experiments"


def shipped(name: str, *changes: tuple[str, str]) -> Results:
    """The results of a shipped experiment, parts of its file changed."""
    read = source_of(SHIPPED / f"{name}.yaml")
    text = read.text
    for old, new in changes:
        assert text.count(old) == 1
        text = text.replace(old, new)
    return run(read_experiment(replace(read, text=text)))


def means(results: Results, measure: str) -> list[float]:
    return [row.summaries[measure].mean for row in results.rows]


IRIS = {10: (0.4436, 0.1865), 40: (0.8101, 0.0942), 70: (0.8835, 0.0797), 100: (0.9329, 0.0645)}
"""Width: mean and standard deviation of the test accuracy of 1000 networks in PyTorch, float64."""


def test_wide_networks_learn_iris_and_narrow_ones_do_not() -> None:
    repeats = 6
    results = shipped("iris-width", ("repeats: 10", f"repeats: {repeats}"), ("10..100 step 10", "10..100 step 30"))
    assert means(results, "params") == [u * u + 9 * u + 3 for u in IRIS]
    for found, (mean, sd) in zip(means(results, "test.accuracy"), IRIS.values(), strict=True):
        assert found == pytest.approx(mean, abs=3 * sd / repeats**0.5)


def test_the_file_counts_the_same_dead_networks() -> None:
    born, later = means(shipped("narrow-collapse", ("repeats: 1000", "repeats: 200")), "dead")
    assert born == pytest.approx(0.909877, abs=3 * (0.91 * 0.09 / 200) ** 0.5)
    assert later == pytest.approx(0.93745, abs=3 * (0.937 * 0.063 / 200) ** 0.5)


def test_the_file_counts_the_same_flat_networks() -> None:
    _, leaky = shipped("narrow-leaky", ("repeats: 1000", "repeats: 200")).rows
    shares = {text: found.mean for text, found in leaky.summaries.items()}
    assert shares["dead"] == 0
    for text, share in {
        "output.range < 0.000001": 0.328,
        "output.range < 0.001": 0.6802,
        "output.range < 0.01": 0.8004,
    }.items():
        assert shares[text] == pytest.approx(share, abs=3 * (share * (1 - share) / 200) ** 0.5)


def ratios(results: Results, kind: str, name: str) -> dict[tuple[str, ...], float]:
    """By arm, the geometric mean of the ratios of neighbouring layers, from the second layer on."""
    found = {}
    for row in results.rows:
        ends = [row.summaries[f"{kind}.rms.{name}_{layer}"].mean for layer in (2, 5)]
        found[tuple(row.labels.values())] = (ends[1] / ends[0]) ** (1 / 3)
    return found


def test_signals_fade_as_theory_has_it() -> None:
    results = shipped("signals-fade", ("repeats: 20", "repeats: 4"))
    forward, back = ratios(results, "activation", "h"), ratios(results, "gradient", "a")
    for deviation in ("0.01", "0.14", "0.28"):
        factor = 50**0.5 * float(deviation)
        assert forward["relu", f"normal:{deviation}"] == pytest.approx(factor, rel=0.1)
        assert 1 / back["relu", f"normal:{deviation}"] == pytest.approx(factor, rel=0.1)
    assert 1 / back["sigmoid", "normal:0.01"] == pytest.approx(0.025, rel=0.1)
    assert forward["tanh", "normal:0.01"] == pytest.approx(0.1, rel=0.1)
    assert 1 / back["tanh", "normal:0.01"] == pytest.approx(0.1, rel=0.1)


def test_schemes_look_at_the_size_of_a_layer() -> None:
    forward = ratios(shipped("signals-schemes", ("repeats: 20", "repeats: 6")), "activation", "h")
    assert forward["glorot_normal", "relu"] == pytest.approx(0.5**0.5, rel=0.1)
    assert forward["he_normal", "relu"] == pytest.approx(1, rel=0.1)


def test_softmax_taken_twice_cannot_learn() -> None:
    fewer = ("repeats: 5", "repeats: 2"), ("[0.005, 0.01, 0.03, 0.05, 0.1]", "[0.01, 0.1]")
    results = shipped("softmax-twice", *fewer)
    slow, slow_twice, fast, fast_twice = means(results, "val.loss")
    least = min(run.measures["val.loss"] or 0 for row in results.rows[1::2] for run in row.runs)
    assert least > 1.461150
    assert (slow > fast, slow_twice > fast_twice) == (True, True)
    assert fast == pytest.approx(0.1038, abs=0.06) and fast_twice == pytest.approx(1.5235, abs=0.05)
    assert results.chosen is results.rows[2]


def test_perceptron_and_margin_to_the_digit() -> None:
    """The weights of a course's own program, and of NumPy loops."""
    plain, margin = (row.runs[0].measures for row in shipped("margin").rows)
    weights = [plain["weight.w1"], plain["weight.w2"], margin["weight.w1"], margin["weight.w2"]]
    expected = [0.09828205396492784, -0.09308898741461144, 12.800798851030114, -11.972843917633629]
    assert weights == pytest.approx(expected, abs=1e-9, rel=0)
    assert (plain["test.accuracy"], margin["test.accuracy"]) == (0.978, 0.971)


GRADIENTS = {
    "train.loss": 0.1332476222330792,
    "gradient.W_a[1,1]": 0.0024459584849,
    "gradient.W_a[1,2]": 0.0026201934201,
    "gradient.W_a[2,1]": -0.00030764566614,
    "gradient.W_a[2,2]": -0.000241875023,
    "gradient.W_a[3,1]": -0.00034768167796,
    "gradient.W_a[3,2]": -0.00037199639138,
    "gradient.b_a[1]": 0.004925766628,
    "gradient.b_a[2]": -0.00058022868434,
    "gradient.b_a[3]": -0.00065976509496,
    "gradient.W_z[1,1]": 0.022160112629,
    "gradient.W_z[1,2]": 0.024330972928,
    "gradient.W_z[1,3]": 0.017971741371,
    "gradient.b_z[1]": 0.029249230265318685,
}
"""Loss and gradients to 50 digits in mpmath, rounded."""


def test_gradients_of_two_three_one_to_the_digit() -> None:
    (row,) = shipped("two-three-one-gradients").rows
    assert row.runs[0].measures == pytest.approx(GRADIENTS, abs=1e-12, rel=0)


def test_depth_helps_where_width_does_not() -> None:
    """After a twentieth of the epochs the order of one, two and three layers is there already."""
    results = shipped(
        "surface-depth", ("epochs: 200", "epochs: 10"), ("[16, 64]", "[16]"), ("repeats: 8", "repeats: 1")
    )
    one, two, three = (row.runs[0].curves["loss"][-1] or 0 for row in results.rows)
    assert one == pytest.approx(298, abs=0.5)  # hardly better than the mean of all points, 298.105
    assert one - 1 > two > three + 5


INDEX = (SHIPPED / "README.md").read_text(encoding="utf-8")
LISTED = re.findall(r"^\| `backcalc experiment examples/experiments/(.*?)` \| \S", INDEX, flags=re.MULTILINE)
NEEDS_DATA = ("mnist-", "cifar10-", "letters-")


def test_every_experiment_is_listed() -> None:
    files = {file.name for file in SHIPPED.glob("*.yaml") if "\nmeasure:" in file.read_text(encoding="utf-8")}
    assert len(LISTED) == len(set(LISTED)) and set(LISTED) == files


@pytest.mark.parametrize("file", sorted(SHIPPED.glob("*.yaml")), ids=lambda file: file.stem)
def test_a_file_says_what_it_is_and_can_be_read(file: Path) -> None:
    first, *rest = file.read_text(encoding="utf-8").splitlines()
    assert first.startswith("# ") and sum(line.startswith("name: ") for line in rest) == 1
    if file.name in LISTED:
        assert read_experiment(file).arms
    else:
        assert load_network(file).nodes


@pytest.mark.parametrize("name", [name for name in LISTED if name.startswith(NEEDS_DATA)])
def test_what_data_are_missing_is_said(name: str) -> None:
    with pytest.raises(InputError, match=r"yaml:\d+:\d+: error: .*examples/experiments/(mnist|cifar10|notMNIST_small)"):
        run(read_experiment(SHIPPED / name))
