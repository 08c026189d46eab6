"""The conventions named after tools, against what the tools printed: every number in `data/tools.json` is recorded."""

from __future__ import annotations

import json
from itertools import permutations
from pathlib import Path

import pytest

from backcalc.cli.count import CONVENTIONS as NAMES
from backcalc.count import CONVENTIONS, count
from backcalc.count.difference import difference
from backcalc.net import load_network
from backcalc.net.zoo import NETWORKS
from backcalc.render.count_text import render
from backcalc.render.difference_text import render as difference_text

RECORDED = json.loads((Path(__file__).parent / "data" / "tools.json").read_text(encoding="utf-8"))
TOOLS = tuple(RECORDED["tools"])


@pytest.mark.parametrize("name", RECORDED["networks"])
def test_networks(name):
    network = load_network(name)
    for tool, printed in RECORDED["networks"][name].items():
        counted = count(network, flops=tool).totals.flops.value
        assert counted == printed, tool


def test_all_built_in_networks_that_torchvision_has_are_recorded():
    own = {"lenet5", "lenet5-1998", "digits-mlp", "alexnet-2012", "resnet50-2015", "mobilenet_v1", "unet"}
    assert own <= set(NETWORKS)
    images = {name for name in NETWORKS if load_network(name).inputs.get("x", ())[:1] == (3,)}
    assert images - own == set(RECORDED["networks"])


IMAGE = [8, 8, 8]
LENET = [
    *({"conv2d": {"filters": 6, "kernel": 5}}, "tanh", {"avgpool2d": 2}),
    *({"conv2d": {"filters": 16, "kernel": 5}}, "tanh", {"avgpool2d": 2}),
    *({"conv2d": {"filters": 120, "kernel": 5}}, "tanh", "flatten", {"dense": 84}, "tanh", {"dense": 10}),
]
TRANSPOSED = {"filters": 4, "kernel": 2, "stride": 2}
SINGLE = {
    "lenet 32x32": ([1, 32, 32], LENET),
    "conv2d with bias": ([3, 8, 8], [{"conv2d": {"filters": 8, "kernel": 3, "padding": 1}}]),
    "conv2d in groups": ([8, 9, 9], [{"conv2d": {"filters": 12, "kernel": 3, "groups": 4, "bias": False}}]),
    "conv1d": ([3, 16], [{"conv1d": {"filters": 8, "kernel": 3}}]),
    "conv3d": ([2, 6, 6, 6], [{"conv3d": {"filters": 4, "kernel": 3}}]),
    "conv_transpose2d": (IMAGE, [{"conv_transpose2d": {**TRANSPOSED, "bias": False}}]),
    "conv_transpose2d with bias": (IMAGE, [{"conv_transpose2d": TRANSPOSED}]),
    "conv_transpose2d in groups": (
        IMAGE,
        [{"conv_transpose2d": {**TRANSPOSED, "filters": 8, "groups": 4, "bias": False}}],
    ),
    "dense": ([64], [{"dense": 10}]),
    "groupnorm": (IMAGE, [{"groupnorm": 2}]),
    "layernorm": ([10, 16], ["layernorm"]),
    "rmsnorm": ([10, 16], ["rmsnorm"]),
    "softmax": ([64], ["softmax"]),
    "log_softmax": ([64], ["log_softmax"]),
    "maxpool1d": ([3, 16], [{"maxpool1d": 2}]),
    "avgpool1d": ([3, 16], [{"avgpool1d": 2}]),
    **{kind: (IMAGE, [{kind: 2}]) for kind in ("maxpool2d", "avgpool2d", "adaptive_avgpool2d", "upsample2d")},
    "dropout": (IMAGE, [{"dropout": 0.5}]),
    "channel_shuffle": (IMAGE, [{"channel_shuffle": 2}]),
    "softplus": (IMAGE, ["softplus"]),
}


@pytest.mark.parametrize("case", RECORDED["layers"])
def test_single_layers(case):
    shape, layers = SINGLE.get(case, (IMAGE, [case]))
    network = load_network({"input": {"x": shape}, "layers": layers})
    counted = {tool: count(network, flops=tool).totals.flops.value for tool in TOOLS}
    assert counted == RECORDED["layers"][case]


STEPS: dict[str, tuple[object, object]] = {
    "attention": ([10, 64], {"attention": {"heads": 4}}),
    "attention with a causal mask": ([10, 64], {"attention": {"heads": 4, "causal": True}}),
    "dense": ([10, 64], {"dense": 10}),
    "embedding": (10, {"embedding": {"vocabulary": 1000, "units": 64}}),
}


@pytest.mark.parametrize("case", RECORDED["steps"])
def test_layers_over_steps(case):
    shape, layer = STEPS[case]
    network = load_network({"input": {"x": shape}, "layers": [layer]})
    recorded = RECORDED["steps"][case]
    assert {tool: count(network, flops=tool).totals.flops.value for tool in recorded} == recorded


def test_transposed_convolutions_are_not_four_times_too_large_here():
    """torchinfo and thop count a transposed convolution at its output places: stride squared times too much."""
    network = load_network({"input": {"x": IMAGE}, "layers": [{"conv_transpose2d": {**TRANSPOSED, "bias": False}}]})
    assert count(network).totals.macs.value == 8 * 8 * 8 * 4 * 2 * 2
    assert count(network, flops="thop").totals.flops.value == 4 * count(network).totals.macs.value


def test_a_grouped_transposed_convolution_is_not_nothing():
    network = load_network({"input": {"x": IMAGE}, "layers": SINGLE["conv_transpose2d in groups"][1]})
    assert count(network).totals.macs.value == 4096


@pytest.mark.parametrize("name", ["lenet5", "lenet5-1998", "resnet18", "mobilenet_v2", "inception_v3", "unet"])
def test_differences_are_the_sums_of_their_terms(name):
    network = load_network(name)
    totals = {each: count(network, flops=each).totals.flops.value for each in CONVENTIONS}
    for first, second in permutations(CONVENTIONS, 2):
        found = difference(network, first, second)
        assert found.totals == (totals[first], totals[second])
        assert sum(term.formula.value for term in found.terms) == found.value == totals[second] - totals[first]
        assert all(term.prices[0] != term.prices[1] for term in found.terms)


def test_a_difference_in_words():
    text = difference_text(difference(load_network("resnet18"), "fvcore", "thop"))
    assert max(map(len, text.splitlines())) <= 80
    assert "batchnorm (20 layers): inputs count 4, not 2\n  (4 - 2)·(64·112·112 + " in text
    assert "adaptive_avgpool2d (1 layer): outputs count 1, not 0\n  512·1·1 = 512\n" in text
    # both totals are what the tools printed
    recorded = RECORDED["networks"]["resnet18"]
    lines = [line.split() for line in text.splitlines()]
    assert ["fvcore", str(recorded["fvcore"])] in lines
    assert ["thop", str(recorded["thop"])] in lines


def test_no_difference_is_said():
    text = difference_text(difference(load_network("alexnet-2012"), "torch", "2mac"))
    assert "Nothing in this network is priced differently." in text


def test_what_a_tool_does_not_see_is_noted():
    row = count(load_network("mobilenet_v2"), flops="thop").row("adaptive_avgpool2d_1")
    assert row.flops == 0
    assert any("thop 0.1.1.post2209072238 does not see it: it watches modules" in note for note in row.notes)
    found = difference(load_network("mobilenet_v2"), "fvcore", "thop")
    assert "does not see `adaptive_avgpool2d` here: it watches modules" in " ".join(difference_text(found).split())
    text = " ".join(render(count(load_network("convnext_tiny"), flops="thop")).split())
    assert "does not see `layernorm` here: PyTorch has no module for a norm over another axis" in text


def test_what_a_tool_sees_in_parts_is_noted():
    """GPT-2's attention has a mask, so PyTorch computes the projections by themselves."""
    gpt2 = load_network("gpt2")
    assert "sees the projections of it alone" in count(gpt2, flops="fvcore").row("a_1").notes[-1]
    found = difference(gpt2, "mac", "fvcore")
    assert found.notes == (
        "fvcore 0.1.5.post20221221 sees the projections of `attention` here alone: the rest is one fused operation",
    )
    assert found.value == sum(term.formula.value for term in found.terms)


def test_what_was_not_measured_is_noted():
    layers = [{"locally_connected2d": {"filters": 2, "kernel": 3}}]
    network = load_network({"input": {"x": [1, 5, 5]}, "layers": layers})
    assert "was not measured on `locally_connected2d`" in count(network, flops="fvcore").rows[0].notes[0]
    assert count(network, flops="mac").rows[0].notes == ()


def test_the_command_knows_every_convention():
    assert set(NAMES) == set(CONVENTIONS)


def test_every_tool_names_its_release():
    for tool, how in RECORDED["tools"].items():
        assert how.startswith(CONVENTIONS[tool].release)
