"""What `random` draws: the same everywhere, within what each array may hold, and only what is missing."""

from __future__ import annotations

from fractions import Fraction
from hashlib import shake_256
from typing import Any

import pytest

import backcalc
from backcalc.net import InputError, load_network
from backcalc.net.nested import flat
from backcalc.render import grad_json, grad_text

NET: dict[str, Any] = {
    "input": 3,
    "layers": [{"dense": {"name": "z", "units": 2}}, {"softmax": {"name": "y"}}],
    "loss": "nll",
}


def numbers(nested: Any) -> list[Fraction]:
    return [Fraction(str(value)) for value in flat(nested)]


def test_the_numbers_are_those_that_the_description_states() -> None:
    """Eight bytes of SHAKE-256 of seed and name for every place; 2000 numbers of three decimals, none of them 0."""
    data = shake_256(b"7 W_z").digest(48)
    expected = []
    for start in range(0, 48, 8):
        drawn = int.from_bytes(data[start : start + 8], "big") % 2000
        expected.append(Fraction(-(drawn + 1), 1000) if drawn < 1000 else Fraction(drawn - 999, 1000))
    assert numbers(load_network({**NET, "random": {"seed": 7}}).values["W_z"]) == expected


def test_seed_0_draws_these_numbers_for_ever() -> None:
    values = load_network({**NET, "random": 0}).values
    assert numbers(values["x"]) == [Fraction(-260, 1000), Fraction(-805, 1000), Fraction(157, 1000)]
    assert numbers(values["b_z"]) == [Fraction(937, 1000), Fraction(452, 1000)]


def test_another_layer_draws_no_other_numbers_for_this_one() -> None:
    alone = load_network({**NET, "random": 0}).values
    longer = load_network({**NET, "layers": [*NET["layers"], {"dense": {"name": "o", "units": 2}}], "random": 0}).values
    assert alone["W_z"] == longer["W_z"] and alone["x"] == longer["x"]
    assert load_network({**NET, "random": 1}).values["W_z"] != alone["W_z"]


def test_the_scale_is_the_largest_number() -> None:
    wide = numbers(load_network({**NET, "input": 400, "random": {"scale": 3}}).values["W_z"])
    narrow = numbers(load_network({**NET, "input": 400, "random": 0}).values["W_z"])
    assert wide == [3 * number for number in narrow]
    assert 0 not in narrow and max(narrow) <= 1 and min(narrow) >= -1
    assert all(number * 1000 % 1 == 0 for number in narrow)
    assert max(narrow) > Fraction(99, 100) and min(narrow) < Fraction(-99, 100)
    assert abs(float(sum(narrow))) < 50  # 800 numbers of mean 0 and standard deviation 1/√3: three sigmas


def test_what_the_file_gives_is_not_drawn() -> None:
    network = load_network({**NET, "values": {"x": [1, 2, 3], "b_z1": 5}, "random": 0})
    assert numbers(network.values["x"]) == [1, 2, 3]
    assert numbers(network.values["b_z"]) == [5, Fraction(452, 1000)]
    assert network.drawn is not None and "x" not in network.drawn.names
    full = load_network({**NET, "values": {"x": 1, "W_z": 1, "b_z": 0, "t": 1}, "random": 0}).drawn
    assert full is not None and full.names == ()


TARGETS: dict[str, tuple[str, set[int]]] = {
    "nll": ("softmax", {1, 2, 3}),
    "nll_logits": ("linear", {1, 2, 3}),
    "hinge": ("linear", {1, 2, 3}),
    "perceptron": ("linear", {1, 2, 3}),
    "cross_entropy": ("softmax", {0, 1}),
    "cross_entropy_logits": ("linear", {0, 1}),
    "kl": ("softmax", {0, 1}),
    "bce": ("sigmoid", {0, 1}),
    "bce_logits": ("linear", {0, 1}),
}


@pytest.mark.parametrize("loss", TARGETS)
def test_targets_are_what_their_loss_takes(loss: str) -> None:
    kind, allowed = TARGETS[loss]
    net = {"input": 3, "batch": 40, "layers": [{"dense": 3}, kind], "loss": loss, "random": 0}
    target: Any = load_network(net).values["t"]
    assert set(numbers(target)) == {Fraction(number) for number in allowed}
    if kind == "softmax" and allowed == {0, 1}:
        assert all(sum(numbers(row)) == 1 for row in target)


def test_a_sign_is_the_target_of_one_score() -> None:
    net = {"input": 3, "batch": 40, "layers": [{"dense": 1}], "loss": "hinge", "random": 0}
    assert set(numbers(load_network(net).values["t"])) == {Fraction(-1), Fraction(1)}


def test_masks_of_dropout_keep_their_share() -> None:
    net = {"input": 50, "batch": 40, "layers": [{"dropout": {"name": "d", "rate": 0.25}}], "loss": "sse", "random": 0}
    mask = numbers(load_network(net).values["mask_d"])
    assert set(mask) == {0, 1}
    assert abs(float(sum(mask)) / 2000 - 0.75) < 0.03  # three sigmas


def test_running_variances_are_positive() -> None:
    net = {"input": 200, "layers": ["batchnorm"], "loss": "sse", "random": 0}
    values = load_network(net).values
    assert min(numbers(values["var_batchnorm_1"])) > 0
    assert min(numbers(values["mean_batchnorm_1"])) < 0


def test_classes_of_equations_are_classes() -> None:
    net = {"equations": "J = sum(n, log(1 + exp(y[n,t[n]])))", "shapes": {"y": [30, 4], "t": [30]}, "random": 0}
    assert set(numbers(load_network(net).values["t"])) == {1, 2, 3, 4}


def test_it_is_printed_what_was_drawn() -> None:
    derivation = backcalc.grad({**NET, "values": {"x": [1, 2, 3]}, "random": {"seed": 5, "scale": "1/2"}})
    assert derivation.passed
    text = grad_text.render(derivation)
    assert "Given: x = (1, 2, 3).\nDrawn with seed 5 and scale 1/2: W_z = ((" in text
    document = grad_json.render(derivation)
    assert document["random"] == {"seed": 5, "scale": "1/2", "drawn": ["W_z", "b_z", "t"]}
    assert grad_json.render(backcalc.grad(NET))["random"] is None


def test_a_symbolic_size_is_named() -> None:
    with pytest.raises(InputError, match="`random` draws where all sizes have numbers, but `K` has none"):
        load_network({"equations": "J = sum(k=1..K, w[k]^2)", "random": 0})
    assert load_network({"equations": "J = sum(k=1..K, w[k]^2)", "sizes": {"K": 2}, "random": 0}).values


def test_loading_imports_no_numpy_for_it() -> None:
    import subprocess
    import sys

    code = "import sys, backcalc; backcalc.load({'input': 2, 'layers': ['tanh'], 'loss': 'sse', 'random': 0})"
    code += "; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
