"""The backward pass against the derived adjoint equations, executed and counted, and against what PyTorch counts."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from backcalc.count.backward import Operations, backward
from backcalc.count.interpreter import execute
from backcalc.count.table import Formula
from backcalc.count.whole import WholeError, whole
from backcalc.derive import derive
from backcalc.formula.infer import build_program
from backcalc.formula.read import read_equation
from backcalc.formula.source import SourceEquation
from backcalc.net import load_network

from .adjoints import executed, leaves, network_of, plain

CONV2D = {"filters": 4, "kernel": [1, 2], "stride": 2, "groups": 2}
CASES: list[tuple[list[int], dict[str, Any]]] = [
    ([3], {"dense": {"units": 2}}),
    ([4, 3], {"dense": {"units": 2, "bias": False}}),
    ([2, 5], {"conv1d": {"filters": 3, "kernel": 3}}),
    ([2, 5, 6], {"conv2d": CONV2D}),
    ([2, 3], {"conv_transpose1d": {"filters": 3, "kernel": 2, "stride": 2}}),
    ([1, 3, 3], {"locally_connected2d": {"filters": 2, "kernel": 2}}),
    *(([3], {kind: {}}) for kind in ("relu", "relu6", "sigmoid", "tanh", "scaled_tanh", "gelu", "silu", "softplus")),
    *(([3], {kind: {}}) for kind in ("hard_sigmoid", "hard_swish", "leaky_relu", "linear", "log_softmax")),
    ([3], {"gelu": {"approximate": True}}),
    ([2, 3], {"softmax": {}}),
    ([4, 3], {"rmsnorm": {}}),
    ([3, 2], {"attention": {"heads": 1}}),
    ([3, 4], {"attention": {"heads": 2, "causal": True}}),
    ([3, 4], {"attention": {"heads": 4, "kv_heads": 2, "head_size": 3, "bias": False}}),
    ([3, 4], {"attention": {"heads": 2, "rotary": 100}}),
    ([4, 4], {"attention": {"heads": 2, "relative_bias": 2}}),
    ([2, 3, 4], {"attention": {"heads": 2}}),
    ([1, 4, 4], {"avgpool2d": {"size": 2}}),
    ([1, 5], {"avgpool1d": {"size": 3, "stride": 1}}),
    ([2, 4], {"global_avgpool": {}}),
    ([2, 3], {"layer_scale": {}}),
    ([2, 3], {"positional": {"length": 4}}),
    ([2, 3], {"class_token": {}}),
    ([2, 4, 4], {"subsample2d": {"size": 2}}),
    ([3, 4], {"rotary": {"base": 100}}),
    ([3, 4], {"normalise": {"mean": 1, "std": 2}}),
    ([2, 6, 6], {"relative_bias": {"window": [2, 3]}}),
    ([1, 2, 3], {"upsample2d": {"factor": [2, 3]}}),
    ([3], {"sign": {}}),
]


def counted(operations: Operations) -> Counter[str]:
    return +Counter({kind: Formula(text).value for kind, text in operations.items() if kind != "macs"})


@pytest.mark.parametrize(("shape", "layer"), CASES, ids=lambda case: "-".join(case) if isinstance(case, dict) else None)
def test_operations_are_those_of_the_derived_equations(shape: list[int], layer: dict[str, Any]) -> None:
    network = network_of(shape, layer)
    node = network.nodes[0]
    found = backward(node, node.layer.cost(node.input_shape))
    assert found.known
    assert (counted(found.inputs), counted(found.parameters)) == executed(network, node)


@pytest.mark.parametrize(
    ("layer", "memory"),
    [
        ({"heads": 1, "head_size": 3}, [5, 2]),
        ({"heads": 2}, [2, 3]),
        ({"heads": 4, "kv_heads": 2, "head_size": 3, "bias": False}, [5, 4]),
    ],
)
def test_attention_to_a_memory(layer: dict[str, Any], memory: list[int]) -> None:
    network = network_of([3, 4], {"attention": {**layer, "memory": "m"}}, m=memory)
    node = network.nodes[0]
    found = backward(node, node.layer.cost(node.input_shape))
    assert found.known
    assert (counted(found.inputs), counted(found.parameters)) == executed(network, node)
    assert whole(network, flops="mac").backward <= 2 * whole(network, flops="mac").forward


def test_centres_that_stay_and_products_of_two() -> None:
    network = network_of([3], {"rbf": {"units": 2}})
    node = network.nodes[0]
    assert counted(backward(node, node.layer.cost((3,))).inputs) == executed(network, node)[0]
    text = "{input: {a: [2, 3], b: [3, 4]}, layers: [matmul: {name: y, inputs: [a, b]}], given: {dJ/dy: G}}"
    network = load_network(text)
    node = network.nodes[0]
    found = backward(node, node.layer.cost((2, 3)))
    assert counted(found.inputs) == executed(network, node)[0]
    assert Formula(found.inputs["macs"]).value == 2 * 2 * 3 * 4


def test_a_layer_norm_goes_back_in_its_closed_form() -> None:
    """The closed form of Ioffe and Szegedy (2015), with the values that the derivation gives and its own operations."""
    network = network_of([4, 3], {"layernorm": {}})
    program = derive(network, wrt=["x", "gamma_y", "beta_y"]).adjoint_program()
    values = leaves(program)
    values |= {name: each.values for name, each in execute(program, values).items()}
    lines = [
        "h[t,j] = dy[t,j]*gamma_y[j]",
        "dx[t,k] = (h[t,k] - 1/3*sum(j, h[t,j]) - 1/3*hat_y[t,k]*sum(j, h[t,j]*hat_y[t,j]))/sqrt(var_y[t] + 1/100000)",
        "dgamma[j] = sum(t, dy[t,j]*hat_y[t,j])",
        "dbeta[j] = sum(t, dy[t,j])",
    ]
    shapes = {"h": (4, 3), "dx": (4, 3), "dy": (4, 3), "hat_y": (4, 3), "gamma_y": (3,), "var_y": (4,)}
    own = build_program([SourceEquation(*read_equation(line)) for line in lines], shapes)
    done = execute(own, {"dy": values["dJ/dy"], **{name: values[name] for name in ("hat_y", "gamma_y", "var_y")}})
    for ours, theirs in (("dx", "dJ/dx"), ("dgamma", "dJ/dgamma_y"), ("dbeta", "dJ/dbeta_y")):
        for place, value in done[ours].values.items():
            assert float(value) == pytest.approx(float(values[theirs][place]), abs=1e-9)
    node = network.nodes[0]
    found = backward(node, node.layer.cost(node.input_shape))
    assert counted(found.inputs) == plain(done["h"].operations + done["dx"].operations)
    assert counted(found.parameters) == plain(done["dgamma"].operations + done["dbeta"].operations)


NORMED: dict[str, tuple[dict[str, Any], list[str], dict[str, tuple[int, ...]]]] = {
    "batchnorm": (
        {"input": {"x": [3]}, "batch": 4, "layers": [{"batchnorm": {"name": "y"}}]},
        [
            "h[n,c] = dy[n,c]*gamma_y[c]",
            "dx[n,c] = (h[n,c] - 1/4*sum(m, h[m,c]) - 1/4*hat_y[n,c]*sum(m, h[m,c]*hat_y[m,c]))/s[c]",
            "s[c] = sqrt(var_y[c] + 1/100000)",
            "dgamma[c] = sum(n, dy[n,c]*hat_y[n,c])",
            "dbeta[c] = sum(n, dy[n,c])",
        ],
        {"h": (4, 3), "dx": (4, 3), "s": (3,), "gamma_y": (3,), "dgamma": (3,), "dbeta": (3,), "var_y": (3,)},
    ),
    "groupnorm": (
        {"input": {"x": [4, 3]}, "layers": [{"groupnorm": {"name": "y", "groups": 2}}]},
        [
            "h[c,i] = dy[c,i]*gamma_y[c]",
            "one[g] = sum(k=1..2, sum(i=1..3, h[2*g+k-2,i]))",
            "two[g] = sum(k=1..2, sum(i=1..3, h[2*g+k-2,i]*hat_y[2*g+k-2,i]))",
            "s[g] = sqrt(var_y[g] + 1/100000)",
            "dx[c,i] = (h[c,i] - 1/6*one[div(c+1,2)] - 1/6*hat_y[c,i]*two[div(c+1,2)])/s[div(c+1,2)]",
            "dgamma[c] = sum(i, dy[c,i]*hat_y[c,i])",
            "dbeta[c] = sum(i, dy[c,i])",
        ],
        {"h": (4, 3), "dx": (4, 3), "s": (2,), "one": (2,), "two": (2,), "gamma_y": (4,), "dgamma": (4,),
         "dbeta": (4,), "var_y": (2,)},
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", NORMED)
def test_norms_of_batches_and_groups_go_back_in_their_closed_form(kind: str) -> None:
    document, lines, shapes = NORMED[kind]
    network = load_network({**document, "given": {"dJ/dy": "G"}})
    program = derive(network, wrt=["x", "gamma_y", "beta_y"]).adjoint_program()
    values = leaves(program)
    values |= {name: each.values for name, each in execute(program, values).items()}
    shapes = {**shapes, "dy": shapes["h"], "hat_y": shapes["h"]}
    given = {"dy": values["dJ/dy"], **{name: values[name] for name in ("hat_y", "gamma_y", "var_y")}}
    done = execute(build_program([SourceEquation(*read_equation(line)) for line in lines], shapes), given)
    for ours, theirs in (("dx", "dJ/dx"), ("dgamma", "dJ/dgamma_y"), ("dbeta", "dJ/dbeta_y")):
        for place, value in done[ours].values.items():
            assert float(value) == pytest.approx(float(values[theirs][place]), abs=1e-9)
    node = network.nodes[0]
    found = backward(node, node.layer.cost(node.input_shape), batch=document.get("batch", 1))
    by_input: Counter[str] = sum((done[name].operations for name in done if not name.startswith("d")), Counter())
    assert counted(found.inputs) == plain(by_input + done["dx"].operations)
    assert counted(found.parameters) == plain(done["dgamma"].operations + done["dbeta"].operations)


@pytest.mark.parametrize(("stride", "added"), [(1, 3), (2, 2), (3, 0)])
def test_overlapping_windows_of_maxpool_add_where_they_meet(stride: int, added: int) -> None:
    """A comparison that lets a gradient through is no operation; where a cell may be in two windows, it is a sum."""
    size = 3 + 2 * stride if stride == 3 else 5
    node = network_of([1, size], {"maxpool1d": {"size": 3, "stride": stride}}).nodes[0]
    found = backward(node, node.layer.cost(node.input_shape))
    gradient, additions = [0] * size, 0
    for window in range(node.output_shape[-1]):
        gradient[window * stride + 1] += 1  # wherever the largest stands
        additions += stride < 3
    assert counted(found.inputs) == +Counter(add=additions) == +Counter(add=added)
    assert sum(gradient) == node.output_shape[-1]


def test_samples_of_a_batch_add_up_in_the_parameters() -> None:
    """A batch of n samples is n products for each, and n - 1 additions more for every parameter."""
    node = network_of([3], {"dense": {"units": 2}}).nodes[0]
    one, many = (backward(node, node.layer.cost((3,)), batch) for batch in (1, 8))
    assert counted(one.parameters) == Counter(multiply=6)
    assert counted(many.parameters) == Counter(multiply=48, add=7 * 6 + 7 * 2)
    assert counted(many.inputs) == Counter(multiply=48, add=8 * 3)


def test_resnet18_is_what_pytorch_counts() -> None:
    """torch.utils.flop_counter: three times the forward pass, but for the first derivative by an input."""
    found = whole(load_network("resnet18"), flops="torch")
    assert found.step == 10_648_412_160
    assert 3 * found.forward - found.step == 236_027_904


@pytest.mark.parametrize("name", ["mobilenet_v2", "convnext_tiny"])
def test_groups_are_not_counted_as_if_they_were_none(name: str) -> None:
    """PyTorch's counter forgets groups on the way back; three times the forward pass is right."""
    found = whole(load_network(name), flops="2mac")
    first = next(row for row in found.rows if row.forward)
    assert found.step == 3 * found.forward - first.forward


def test_nothing_goes_back_before_the_first_parameter() -> None:
    network = load_network("{input: {x: 4}, layers: [tanh: {name: t}, dense: {name: z, units: 3}, sigmoid]}")
    tanh, dense, sigmoid = whole(network).rows
    assert (tanh.backward, dense.inputs.value, dense.parameters.value) == (0, 0, 12)
    assert sigmoid.inputs.value == 3 * 3


def test_gradients_that_meet_are_added() -> None:
    text = "{input: {x: 4}, layers: [dense: {name: a, units: 4}, relu: {name: r}, add: [a, r], dense: 2]}"
    assert whole(load_network(text)).joins == 4
    tied = "{input: {x: 4}, layers: [dense: {units: 4, weights: W}, dense: {units: 4, weights: W}]}"
    assert whole(load_network(tied)).joins == 16


def test_what_is_not_known_is_said() -> None:
    experts = "{experts: 3, active: 2, layers: [dense: 4, relu, dense: 2]}"
    network = load_network(f"{{input: {{x: [3, 2]}}, layers: [mixture: {experts}]}}")
    found = whole(network)
    assert (found.unknown, whole(network, flops="mac").unknown) == (("mixture",), ())
    assert whole(network, flops="mac").backward == whole(network, flops="mac").forward
    own = "{input: {x: 3}, layers: [dense: {name: h, units: 3}, formula: {name: y, equations: 'y[i] = h[i]^2'}]}"
    assert whole(load_network(own), flops="mac").unknown == ("formula",)
    training = found.to_json()["training"]
    assert isinstance(training, dict) and training["at_least"] is True


def test_letters() -> None:
    net = {"sizes": {"d": None}, "input": {"x": "d"}, "layers": [{"dense": "d"}, "relu", {"dense": "d"}]}
    plain_net = {**net, "sizes": {"d": 7}}
    letters, numbers = (whole(load_network(each), flops="mac") for each in (net, plain_net))
    assert (str(letters.backward), numbers.backward) == ("3*d^2", 3 * 49)


def test_conventions_that_say_nothing_of_the_way_back() -> None:
    with pytest.raises(WholeError, match="`thop` says nothing of the backward pass; exact, 2mac, mac"):
        whole(load_network("lenet5"), flops="thop")
    with pytest.raises(WholeError, match="unknown optimiser `adm`; did you mean `adam`"):
        whole(load_network("lenet5"), optimiser="adm")
