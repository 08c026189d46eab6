"""A network printed as equations is read back as the same network: its equations, values and gradients."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import backcalc
from backcalc.derive import derive
from backcalc.formula.evaluate import evaluate
from backcalc.formula.floats import FLOATS
from backcalc.formula.integers import integer
from backcalc.formula.print_text import to_text
from backcalc.layers import KINDS, LOSSES
from backcalc.net import Network, load_network
from backcalc.render.equations_yaml import equations_yaml

ROOT = Path(backcalc.__file__).parents[1]
QUICK = settings(max_examples=40, deadline=None, derandomize=True)

# Every layer kind in a small network of its own; `x` is its input.
LAYERS = {
    "dense": ("3", "dense: 2"),
    "conv1d": ("{x: [2, 5]}", "conv1d: {filters: 2, kernel: 3, padding: 1, dilation: 2, connections: [[1], [1, 2]]}"),
    "conv2d": ("{x: [2, 4, 3]}", "conv2d: {filters: 2, kernel: 2, stride: 2, padding: 1, groups: 2}"),
    "conv3d": ("{x: [1, 2, 2, 3]}", "conv3d: {filters: 1, kernel: 2}"),
    "conv_transpose1d": ("{x: [1, 3]}", "conv_transpose1d: {filters: 1, kernel: 2, stride: 2}"),
    "conv_transpose2d": ("{x: [1, 2, 2]}", "conv_transpose2d: {filters: 1, kernel: 2}"),
    "locally_connected2d": ("{x: [1, 3, 3]}", "locally_connected2d: {filters: 1, kernel: 2}"),
    "maxpool1d": ("5", "maxpool1d: {size: 2, padding: 1}"),
    "maxpool2d": ("{x: [1, 4, 4]}", "maxpool2d: 2"),
    "avgpool1d": ("5", "avgpool1d: {size: 2, ceil: true}"),
    "avgpool2d": ("{x: [1, 4, 4]}", "avgpool2d: {size: 2, padding: 1}"),
    "subsample2d": ("{x: [2, 4, 4]}", "subsample2d: 2"),
    "global_avgpool": ("{x: [2, 3, 3]}", "global_avgpool"),
    "adaptive_avgpool2d": ("{x: [1, 5, 4]}", "adaptive_avgpool2d: 2"),
    "upsample2d": ("{x: [1, 2, 2]}", "upsample2d: 2"),
    "flatten": ("{x: [2, 3]}", "flatten"),
    "reshape": ("{x: [2, 3]}", "reshape: [3, 2]"),
    "transpose": ("{x: [2, 3]}", "transpose"),
    "channel_shuffle": ("{x: [4, 2]}", "channel_shuffle: 2"),
    "normalise": ("3", "normalise: {mean: [1, 2, 3], std: 1/2}"),
    "rbf": ("3", "rbf: 2"),
    "batchnorm": ("{x: [2, 3]}", "batchnorm"),
    "layernorm": ("{x: [2, 3]}", "layernorm"),
    "groupnorm": ("{x: [4, 3]}", "groupnorm: 2"),
    "rmsnorm": ("3", "rmsnorm"),
    "dropout": ("3", "dropout: 0.5"),
    "gaussian_noise": ("3", "gaussian_noise: 0.5"),
    "add": ("3", "add: [x, x]"),
    "multiply": ("3", "multiply: [x, x]"),
    "formula": ("3", 'formula: {name: y, parameters: {g: [3]}, equations: "y[i] = g[i]*x[i]^2"}'),
    "concat": ("{x: [2, 3]}", "concat: {inputs: [x, x], axis: 2}"),
    "matmul": ("{x: [2, 2]}", "matmul: [x, x]"),
    "split": ("{x: [2, 6]}", "split: {parts: 3, part: 2, axis: 2}"),
    "positional": ("{x: [2, 3]}", "positional: 4"),
    "class_token": ("{x: [2, 3]}", "class_token"),
    "attention": ("{x: [3, 2]}", "attention: {heads: 2, kv_heads: 1, head_size: 2, causal: true, rotary: 10}"),
    "rotary": ("{x: [3, 4]}", "rotary"),
    "relative_bias": ("{x: [1, 2, 2]}", "relative_bias: [1, 2]"),
    "layer_scale": ("{x: [2, 3]}", "layer_scale"),
    "stochastic_depth": ("{x: [2, 3]}", "stochastic_depth: 0.25"),
    "rnn": ("{x: [3, 2]}", "rnn: {units: 2, bidirectional: true, return: all}"),
    "lstm": ("{x: [3, 2]}", "lstm: 2"),
    "gru": ("{x: [3, 2]}", "gru: {units: 2, biases: 2}"),
    "mixture": ("{x: [2, 3]}", "mixture: {experts: 3, active: 2, layers: [dense: 2, tanh]}"),
}
ALONE = ("relu", "sigmoid", "tanh", "scaled_tanh", "softmax", "linear", "relu6", "leaky_relu", "elu", "gelu", "silu")
ALONE += ("hard_sigmoid", "hard_swish", "softplus", "log_softmax", "sign")
LAYERS |= {kind: ("3", kind) for kind in ALONE}


def back(network: Network) -> Network:
    return load_network(equations_yaml(network) + "\n")


def same(network: Network) -> Network:
    """The network read back, after checking that it states the same."""
    found = back(network)
    before, after = network.program, found.program
    assert [(line.name, line.body) for line in after.equations] == [(line.name, line.body) for line in before.equations]
    assert [line.indices for line in after.equations] == [line.indices for line in before.equations]
    read = {read.name for line in before.equations for read in line.reads()} | set(before.by_name)
    assert after.shapes == {name: shape for name, shape in before.shapes.items() if name in read}
    assert (after.sizes, after.padded, after.loss) == (before.sizes, before.padded, before.loss)
    assert found.values == {name: value for name, value in network.values.items() if name in read}
    assert (found.find, found.name, found.update) == (network.find or found.find, network.name, network.update)
    return found


def numbers(network: Network) -> dict[str, Any]:
    """Every value and derivative, at the same point for equal programs."""
    program = derive(network).adjoint_program()
    sizes = {name: 2 if size is None else size for name, size in program.sizes.items()}
    leaves = {}
    for count, name in enumerate(sorted(program.leaves)):
        extents = [integer(axis, sizes) for axis in program.shapes[name]]
        places: list[tuple[int, ...]] = [()]
        for extent in extents:
            places = [(*place, index) for place in places for index in range(1, extent + 1)]
        leaves[name] = {at: 0.05 + ((7 * count + 13 * index) % 29) / 31 for index, at in enumerate(places)}
    return dict(evaluate(program, leaves, FLOATS, {name: 2 for name, size in program.sizes.items() if size is None}))


def test_every_kind_has_a_network_here() -> None:
    whole = {"embedding"}  # its input is whole numbers: see tests/layers/test_embedding.py
    assert set(LAYERS) >= {*KINDS} - {"slice", "unknown"} - whole  # what is unknown has no equations


@pytest.mark.parametrize("kind", sorted(LAYERS))
@pytest.mark.parametrize("batch", ["", "batch: N\n", "batch: 2\n"])
def test_every_kind_comes_back(kind: str, batch: str) -> None:
    shape, layer = LAYERS[kind]
    network = load_network(f"input: {shape}\n{batch}layers: [{layer}]\nloss: sse\nfind: [x]\n")
    found = same(network)
    assert numbers(found) == numbers(network)
    formulas = [
        {gradient.asked: to_text(gradient.formula) for gradient in derive(each, view="index").gradients}
        for each in (network, found)
    ]
    assert formulas[0] == formulas[1]


@pytest.mark.parametrize("file", sorted(ROOT.glob("examples/*.yaml")), ids=lambda file: file.stem)
def test_every_example_comes_back(file: Path) -> None:
    same(load_network(file))


@pytest.mark.parametrize("name", ["lenet5", "lenet5-1998"])
def test_built_in_networks_come_back(name: str) -> None:
    same(load_network(name))


@st.composite
def networks(draw: Any) -> str:
    layers = draw(
        st.lists(
            st.sampled_from(
                [
                    "{dense: {units: 2, weights: [[w, 1/2], [v, w]]}}",
                    "tanh",
                    "sigmoid",
                    "{batchnorm: {epsilon: 0.1}}",
                    "{layernorm: 0.5}",
                    "{dropout: 0.25}",
                    "{repeat: {name: b, times: 2, layers: [dense: {name: u, units: 2}, add: [b, u]]}}",
                    "{multiply: {name: m, inputs: [x, x]}}",
                ]
            ),
            min_size=1,
            max_size=4,
            unique=True,
        )
    )
    lines = ["input: 2", f"layers: [{', '.join(layers)}]"]
    batch = draw(st.sampled_from([None, "N", "3"]))
    lines += [f"batch: {batch}"] if batch else []
    over, factor = draw(st.sampled_from(["sum", "mean"])), draw(st.sampled_from(["1", "1/2", "-3/2"]))
    lines.append(f"loss: {{{draw(st.sampled_from(['mse', 'sse']))}: {{over: {over}, factor: {factor}}}}}")
    lines += draw(st.sampled_from([[], ["values: {x: [[1, 2], [0.5, -1/3], [3, 1e-3]]}"] if batch else []]))
    lines += draw(st.sampled_from([[], ["update: {sgd: {rate: 0.1}}"], ["update: {sgd: {rate: rho}}"]]))
    return "\n".join(lines) + "\n"


@QUICK
@given(networks())
def test_the_gradients_are_the_same(text: str) -> None:
    network = load_network(text)
    found = same(network)
    assert numbers(found) == numbers(network)


@pytest.mark.parametrize("loss", sorted(LOSSES))
@pytest.mark.parametrize("batch", ["", "batch: N\n"])
def test_every_loss_comes_back(loss: str, batch: str) -> None:
    same(load_network(f"input: 3\n{batch}layers: [dense: 3, softmax]\nloss: {loss}\n"))


def test_a_file_of_equations_comes_back() -> None:
    same(
        load_network(
            "equations: |\n  z[i] = x[i+a-1]*w\n  J = sum(i, z[i]^2)\nshapes: {z: [3], x: [5]}\nsizes: {a: 2}\n"
        )
    )
