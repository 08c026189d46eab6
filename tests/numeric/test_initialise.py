"""How parameters begin: the spread of every scheme, what Keras and PyTorch do, and what the file says."""

from __future__ import annotations

from math import prod, sqrt
from typing import Any

import numpy as np
import pytest

from backcalc.net import load_network
from backcalc.numeric.initialise import SCHEMES, UnknownScheme, begin, draw_of, fans_of, orthogonal, truncated
from backcalc.numeric.run import Runner


def began(layers: list[Any], shape: Any, schemes: dict[str, str] | None = None, trials: int = 1, **more: Any) -> Any:
    network = load_network({"input": shape, "layers": layers, "loss": "mse", **more})
    runner = Runner(network)
    randoms = [np.random.default_rng(trial) for trial in range(trials)]
    flat = begin(network, runner.nodes, runner.arena, randoms, schemes or {}, np.dtype(float))
    return runner.arena.named(flat)


SPREAD = {
    "zeros": 0.0,
    "normal": 0.05,
    "normal:0.3": 0.3,
    "uniform": 0.05 / sqrt(3),
    "uniform:0.6": 0.6 / sqrt(3),
    "truncated:1": 0.87962566,
    "glorot_uniform": sqrt(2 / (300 + 200)),
    "glorot_normal": sqrt(2 / (300 + 200)),
    "he_uniform": sqrt(2 / 300),
    "he_normal": sqrt(2 / 300),
    "lecun_uniform": sqrt(1 / 300),
    "lecun_normal": sqrt(1 / 300),
    "orthogonal": 1 / sqrt(300),
    "pytorch_uniform": 1 / sqrt(3 * 300),
    "standard_normal": 1.0,
}


@pytest.mark.parametrize("scheme", SPREAD)
def test_the_spread_of_a_scheme(scheme: str) -> None:
    """60 000 numbers: their deviation is right to 1 %, four standard errors of the widest distribution."""
    weights = began([{"dense": {"name": "a", "units": 200}}], 300, {"": scheme})["W_a"]
    assert weights.std() == pytest.approx(SPREAD[scheme], rel=0.012)
    assert abs(weights.mean()) <= 4 * SPREAD[scheme] / sqrt(60_000)


def test_every_scheme_is_tried() -> None:
    assert {scheme.partition(":")[0] for scheme in SPREAD} | {"ones", "truncated"} == set(SCHEMES)


def test_truncated_numbers_end_at_two_deviations() -> None:
    numbers = truncated([np.random.default_rng(0)], (10_000,), 1.0)[0]
    assert np.abs(numbers).max() <= 2 and np.abs(numbers).max() > 1.9


@pytest.mark.parametrize("shape", [(3, 5), (5, 3), (4, 2, 3)])
def test_orthogonal_rows_or_columns(shape: tuple[int, ...]) -> None:
    matrix = orthogonal([np.random.default_rng(0)], shape)[0].reshape(shape[0], -1)
    product = matrix @ matrix.T if len(matrix) <= matrix.shape[1] else matrix.T @ matrix
    np.testing.assert_allclose(product, np.eye(min(matrix.shape)), atol=1e-12)


def test_fans() -> None:
    """As Keras counts them: `[3, 3, 8, 16]` has a fan of 72 in and 144 out."""
    layers = [{"conv2d": {"name": "c", "filters": 16, "kernel": 3}}, {"conv_transpose2d": {"filters": 4, "kernel": 2}}]
    nodes = load_network({"input": [8, 9, 9], "layers": layers}).nodes
    found = [(fans.into, fans.out) for node in nodes for fans in [fans_of(node, node.parameters[0])]]
    assert found == [(72, 144), (64, 16)]
    bias = fans_of(nodes[0], nodes[0].parameters[1])
    assert (bias.shape, bias.into) == ((16,), 72)


def test_keras_and_pytorch() -> None:
    layers = [
        {"dense": {"name": "a", "units": 30}},
        {"batchnorm": {"name": "n"}},
        {"reshape": [5, 6]},
        {"lstm": {"name": "l", "units": 4}},
    ]
    keras, pytorch = (began(layers, 10, {"": name}) for name in ("keras", "pytorch"))
    assert not keras["b_a"].any() and (keras["gamma_n"] == 1).all() and not keras["beta_n"].any()
    assert (keras["b_l_f"] == 1).all() and not keras["b_l_i"].any()
    np.testing.assert_allclose(keras["U_l_i"][0] @ keras["U_l_i"][0].T, np.eye(4), atol=1e-12)
    assert np.abs(keras["W_a"]).max() <= sqrt(6 / 40)
    assert 0 < np.abs(pytorch["b_a"]).max() <= 1 / sqrt(10) and np.abs(pytorch["W_a"]).max() <= 1 / sqrt(10)
    assert 0.3 < np.abs(pytorch["W_l_i"]).max() <= 0.5 and (pytorch["gamma_n"] == 1).all()


def test_schemes_by_layer_and_array() -> None:
    layers = [{"dense": {"name": "a", "units": 3}}, {"dense": {"name": "z", "units": 2}}]
    found = began(layers, 4, {"": "ones", "a": "normal:0", "W_z": "uniform:0.1"})
    assert not found["W_a"].any() and 0 < np.abs(found["W_z"]).max() <= 0.1 and not found["b_z"].any()


def test_values_of_the_file_own_names_and_tables() -> None:
    layers = [{"dense": {"name": "a", "units": 2, "weights": [["p", "q"], ["p", 3]], "bias": False}}]
    found = began(layers, 2, {"": "ones"}, values={"p": 7})
    assert found["p"].tolist() == [7] and found["q"].tolist() == [1]
    assert began([{"dense": {"name": "a", "units": 1}}], 2, values={"W_a": [[4, 5]]})["W_a"].tolist() == [[[4, 5]]]
    table = [{"conv2d": {"name": "c", "filters": 2, "kernel": 1, "connections": [[1], [2]]}}]
    assert began(table, [2, 2, 2], {"": "ones"})["W_c"].reshape(2, 2).tolist() == [[1, 0], [0, 1]]
    tied = [{"dense": {"units": 2, "weights": "W"}}, {"dense": {"units": 2, "weights": "W"}}]
    assert began(tied, 2)["W"].any()


def test_trials_differ_and_do_not_depend_on_how_many_there_are() -> None:
    layers = [{"dense": {"name": "a", "units": 3}}]
    two, five = (began(layers, 4, trials=trials)["W_a"] for trials in (2, 5))
    np.testing.assert_array_equal(two, five[:2])
    assert len({each.tobytes() for each in five}) == 5 and prod(five.shape) == 60


@pytest.mark.parametrize("scheme", ["he", "normal:x", "normal:-1", "he_normal:2", "", "normal:1e999"])
def test_unknown_schemes(scheme: str) -> None:
    with pytest.raises(UnknownScheme, match="unknown initialiser"):
        draw_of(scheme)
