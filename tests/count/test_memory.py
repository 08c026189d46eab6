"""Memory: peaks by hand over small graphs, bytes by precision, what a decoder keeps of a token."""

from __future__ import annotations

from math import prod

import pytest

from backcalc.count.memory import forward_peak, training_peak
from backcalc.count.whole import whole
from backcalc.formula.size import Size
from backcalc.net import Network, load_network
from backcalc.render.count_whole import render

RESIDUAL = """
input: {x: 10}
layers:
  - dense: {name: a, units: 6}
  - dense: {name: b, units: 20}
  - dense: {name: c, units: 6}
  - add: {name: d, inputs: [a, c]}
  - dense: {name: e, units: 2}
"""


def test_a_residual_stays_alive_until_it_is_added() -> None:
    """At b: a (6) and b (20); at c: a, b and c (6 + 20 + 6)."""
    assert forward_peak(load_network(RESIDUAL)) == 32
    assert forward_peak(load_network(RESIDUAL), batch=8) == 8 * 32


def test_the_way_back_keeps_every_output_and_the_gradients_at_hand() -> None:
    """Everything is 10 + 6 + 20 + 6 + 6 + 2 = 50. At e: dJ/de (2) and dJ/dd (6); at d: dJ/dd and those of a and c;
    at c without d and e (42): dJ/da, dJ/dc, dJ/db (6 + 6 + 20) make 74, the most."""
    network = load_network(RESIDUAL)
    assert training_peak(network, {node.name for node in network.nodes}) == 74


def brute(network: Network) -> int:
    """The forward peak by looking at every moment."""
    sizes = {**{name: prod(shape) for name, shape in network.inputs.items()},
             **{node.name: prod(node.output_shape) for node in network.nodes}}  # fmt: skip
    order = [*network.inputs, *(node.name for node in network.nodes)]
    moments = []
    for now, node in enumerate(network.nodes, len(network.inputs)):
        later = {name for each in network.nodes[now - len(network.inputs) :] for name in each.inputs}
        moments.append(sum(sizes[name] for name in order[:now] if name in later) + sizes[node.name])
    return max(moments)


@pytest.mark.parametrize("name", ["resnet18", "densenet121", "inception_v3", "unet", "gpt2", "shufflenet_v2_x1_0"])
def test_the_peak_is_that_of_every_moment(name: str) -> None:
    network = load_network(name)
    if network.output is None:
        assert forward_peak(network) == brute(network)
    else:
        assert (forward_peak(network) or 0) <= brute(network)


def test_bytes_of_a_parameter() -> None:
    """Rajbhandari et al., "ZeRO" (2020), section 3.1: 16 bytes a parameter for Adam in mixed precision."""
    found = whole(load_network("lenet5"), optimiser="adam")
    fp32, bf16, mixed = ((each.parameters + each.gradients + each.state) / 61_706 for each in found.memory)
    assert (fp32, bf16, mixed) == (16, 8, 16)
    states = {name: whole(load_network("lenet5"), optimiser=name).states for name in ("sgd", "momentum", "adamw")}
    assert states == {"sgd": 0, "momentum": 1, "adamw": 2}


def test_the_optimiser_is_that_of_the_file() -> None:
    text = "{input: {x: 2}, layers: [dense: 1], loss: mse, update: {adam: {rate: 0.1}}}"
    assert whole(load_network(text)).optimiser == "adam"


@pytest.mark.parametrize(
    ("name", "kept"),
    [("llama-2-7b", 2 * 32 * 4096), ("llama-3-8b", 2 * 32 * 8 * 128), ("gpt2", 2 * 12 * 768), ("bert-base", 0)],
)
def test_keys_and_values_of_a_token(name: str, kept: int) -> None:
    """Two vectors a block, of all heads, or of those that grouped queries share; an encoder keeps none."""
    assert [each.cache for each in whole(load_network(name), flops="mac").memory] == [4 * kept, 2 * kept, 2 * kept]


def test_parameters_are_as_large_as_the_files_of_torchvision() -> None:
    """`_file_size` of torchvision 0.29.2 in MiB holds parameters and statistics, and little else."""
    for name, mebibytes in {"resnet18": 44.661, "vgg16": 527.796, "alexnet": 233.087, "vit_b_16": 330.285}.items():
        assert whole(load_network(name), flops="mac").memory[0].parameters / 2**20 == pytest.approx(mebibytes, rel=2e-3)


LETTERS = """
sizes: {T: null, d: null, f: null}
input: {x: [T]}
layers:
  - embedding: {vocabulary: 100, units: d}
  - dense: {name: up, units: f}
  - gelu
  - dense: d
  - add: {inputs: [embedding_1, dense_2]}
"""


@pytest.mark.parametrize(("T", "d", "f"), [(8, 4, 16), (8, 64, 4), (1, 3, 500), (50, 20, 20)])
def test_a_peak_with_letters_is_the_peak_with_their_numbers(T: int, d: int, f: int) -> None:
    numbers = {"T": T, "d": d, "f": f}
    open_, closed = load_network(LETTERS), load_network(LETTERS, at=numbers)
    trained = {node.name for node in open_.nodes}
    for found, expected in (
        (forward_peak(open_, 2), forward_peak(closed, 2)),
        (training_peak(open_, trained, 2), training_peak(closed, trained, 2)),
    ):
        assert isinstance(found, Size)
        assert found.polynomial.value(numbers) == expected


def test_bytes_with_letters() -> None:
    network = load_network("{sizes: {d: null}, input: {x: d}, layers: [dense: d]}")
    memory = whole(network, flops="mac").memory[0]
    assert str(memory.parameters) == "(4*d^2 + 4*d)"
    assert (str(memory.forward_peak), str(memory.training_peak)) == ("(4*d^2 + 12*d)", "(8*d^2 + 20*d)")


def test_a_peak_needs_to_know_how_often_a_block_is_repeated() -> None:
    source = "{sizes: {L: null}, input: {x: 3}, layers: [repeat: {name: b, times: L, layers: [dense: 3]}]}"
    memory = whole(load_network(source), flops="mac").memory[0]
    assert (memory.forward_peak, memory.training_peak) == (None, None)
    assert "A peak needs numbers where a block is repeated" in " ".join(render(whole(load_network(source))).split())
