"""Every kind in a small network: its gradients are derived, verified, and closed."""

from __future__ import annotations

from fractions import Fraction
from math import prod

import pytest

import backcalc
from backcalc.formula.print_text import to_text
from backcalc.formula.tree import Call, Compare, Expr, Reduce, names, walk

HALF = Fraction(1, 2)


def numbers(shape, start):
    """Different fractions in the nesting of the shape."""
    if not shape:
        return Fraction((-1) ** start * (5 * start % 13 + 1), 11)
    step = prod(shape[1:])
    return [numbers(shape[1:], start + 3 * step * place) for place in range(shape[0])]


def gradients(layers, shape, loss, *, valued, find=None, values=None):
    """The derivation of the network with numbers for all its arrays, or with none."""
    net = {"input": {"x": list(shape)}, "layers": layers, "loss": loss}
    network = backcalc.load(net)
    if valued:
        given = loss[next(iter(loss))].get("target", "t") != "t"
        leaves = [name for name in network.program.leaves if name != "t" or not given]
        net["values"] = {name: numbers(network.program.shape(name), number) for number, name in enumerate(leaves)}
        net["values"] |= values or {}
    net["find"] = find or [*network.parameters, "x"]
    return backcalc.grad(net)


def unsolved(formula: Expr) -> list[str]:
    """What a closed form must not have: unevaluated derivatives, and sums that a condition `k == …` makes a term."""
    found = [to_text(node) for node in walk(formula) if isinstance(node, Call) and node.function == "diff"]
    for reduction in walk(formula):
        if isinstance(reduction, Reduce):
            found += [
                to_text(node)
                for node in walk(reduction.body)
                if isinstance(node, Compare) and node.operators == ("==",) and reduction.index in names(node)
            ]
    return found


def unevaluated(formula: Expr) -> list[str]:
    return [to_text(node) for node in walk(formula) if isinstance(node, Call) and node.function == "diff"]


def conv(kind, **fields):
    return {kind: {"filters": 2, "kernel": 2, **fields}}


LAYERS = [
    *(("relu6", (3,)), ("leaky_relu", (3,)), ({"leaky_relu": HALF}, (3,)), ("elu", (3,)), ({"elu": 2}, (3,))),
    *(("gelu", (3,)), ({"gelu": {"approximate": True}}, (2,)), ("silu", (3,)), ("softplus", (3,)), ("sign", (3,))),
    *(("hard_sigmoid", (3,)), ("hard_swish", (3,)), ("log_softmax", (3,)), ("log_softmax", (2, 3))),
    *(({"reshape": [2, 3]}, (6,)), ({"reshape": [-1]}, (2, 3)), ({"reshape": [4, 1, 3]}, (2, 2, 3))),
    *(("transpose", (2, 3)), ({"transpose": [3, 1, 2]}, (2, 3, 2))),
    *(({"slice": {"start": 2, "stop": 4}}, (5,)), ({"slice": {"stop": 2}}, (3,)), ({"slice": {"axis": 2}}, (2, 3))),
    *(("global_avgpool", (2, 2, 3)), ("global_avgpool", (2, 3))),
    *(({"adaptive_avgpool2d": [2, 1]}, (2, 4, 3)), ({"adaptive_avgpool2d": 2}, (1, 3, 3))),
    *(({"normalise": {"mean": HALF, "std": 3}}, (3,)), ({"normalise": {"mean": [HALF, 1], "std": [2, 3]}}, (2, 2))),
    (conv("conv3d", kernel=[1, 2, 2], padding=[0, 1, 0]), (1, 2, 2, 2)),
    (conv("locally_connected2d"), (1, 3, 3)),
    (conv("locally_connected2d", stride=2, padding=1, bias=False), (2, 2, 2)),
    (conv("conv_transpose1d", filters=1, kernel=3, stride=2), (3,)),
    (conv("conv_transpose1d", kernel=3, stride=2, padding=1, output_padding=1), (2, 3)),
    (conv("conv_transpose1d", kernel=3, stride=2, padding="same"), (2, 2)),
    (conv("conv_transpose1d", stride=3, dilation=2), (2, 2)),
    (conv("conv_transpose1d", groups=2), (2, 2)),
    (conv("conv_transpose2d", kernel=[2, 3], stride=[1, 2], padding=1), (1, 2, 2)),
]


@pytest.mark.parametrize(("layer", "shape"), LAYERS)
def test_gradients_are_verified_and_closed(layer, shape):
    derivation = gradients([layer, "tanh"], shape, {"sse": {"target": "t"}}, valued=len(shape) == 1)
    assert derivation.passed, derivation.verified
    assert [left for gradient in derivation.gradients for left in unsolved(gradient.formula)] == []


# Numbers that move to places which only division with rest tells.
MOVES = [
    ({"reshape": [4, 3]}, (2, 3, 2)),
    ({"slice": {"start": 2, "step": 2, "axis": 2}}, (2, 5)),
    ({"channel_shuffle": 2}, (6, 1, 2)),
    ({"upsample2d": [2, 3]}, (2, 2, 1)),
    (conv("conv_transpose1d", filters=4, stride=2, groups=2), (4, 2)),
]


@pytest.mark.parametrize(("layer", "shape"), MOVES)
def test_gradients_through_what_moves_numbers_are_verified(layer, shape):
    derivation = gradients([layer, "tanh"], shape, {"sse": {"target": "t"}}, valued=False)
    assert derivation.passed, derivation.verified
    assert [left for gradient in derivation.gradients for left in unevaluated(gradient.formula)] == []


LOSSES = [
    ("cross_entropy_logits", 3, {}, "exp(z[j])*sum(i=1..3, t[i])/sum(k=1..3, exp(z[k])) - t[j]"),
    ("cross_entropy_logits", 3, {"target": 2}, "exp(z[j])/sum(k=1..3, exp(z[k])) - t[j]"),
    ("cross_entropy_logits", 2, {"target": [HALF, HALF]}, "exp(z[j])/sum(k=1..2, exp(z[k])) - t[j]"),
    ("nll_logits", 3, {"target": 2, "factor": HALF}, "1/2*(exp(z[j])/sum(k=1..3, exp(z[k])) - (j == 2))"),
    ("bce_logits", 2, {}, "sigmoid(z[j]) - t[j]"),
    ("bce_logits", 2, {"target": [0, 1]}, "sigmoid(z[j]) - t[j]"),
    ("rmse", 2, {"target": [0, 1]}, "(z[j] - t[j])/(2*J)"),
    ("rmse", 3, {"factor": 2}, None),
    ("mae", 2, {"target": [0, 1]}, "1/2*sign(z[j] - t[j])"),
    (
        "huber",
        2,
        {"delta": HALF},
        "1/2*(z[j] - t[j])*(abs(z[j] - t[j]) <= 1/2) + 1/4*sign(z[j] - t[j])*(abs(z[j] - t[j]) > 1/2)",
    ),
    ("hinge", 1, {"target": -1}, "-t*(1 - t*z[1] > 0)"),
    (
        "hinge",
        3,
        {"target": 2},
        "(j != 2)*(z[j] - z[2] + 1 > 0) - sum(j2=1..3, (j2 != 2)*(1 + z[j2] - z[2] > 0))*(j == 2)",
    ),
    ("perceptron", 1, {"target": 1}, "-t*(-t*z[1] > 0)"),
    (
        "perceptron",
        3,
        {"target": 2},
        "(j != 2)*(z[j] - z[2] > 0) - sum(j2=1..3, (j2 != 2)*(z[j2] - z[2] > 0))*(j == 2)",
    ),
]


@pytest.mark.parametrize(("kind", "units", "fields", "formula"), LOSSES)
@pytest.mark.parametrize("valued", [False, True], ids=["symbols", "numbers"])
def test_gradients_of_losses_are_verified_and_closed(kind, units, fields, formula, valued):
    layers = [{"dense": {"name": "z", "units": units}}]
    derivation = gradients(layers, (2,), {kind: fields}, valued=valued, find=["z", "W_z"])
    assert derivation.passed, derivation.verified
    closed = derivation.gradients[0].formula
    assert to_text(closed) == formula if formula else not unevaluated(closed)


@pytest.mark.parametrize("target", ["t", [Fraction(1, 3), Fraction(2, 3)]])
def test_the_gradient_of_kl_behind_softmax(target):
    layers = [{"dense": {"name": "z", "units": 2}}, {"softmax": {"name": "y"}}]
    values = {"t": [Fraction(1, 3), Fraction(2, 3)]} if target == "t" else {}
    derivation = gradients(layers, (2,), {"kl": {"target": target}}, valued=True, find=["z"], values=values)
    assert derivation.passed, derivation.verified
    assert to_text(derivation.gradients[0].formula) == "y[j] - t[j]"


def test_a_target_of_0_adds_nothing_to_kl():
    layers = [{"softmax": {"name": "y"}}]
    net = {"input": 2, "layers": layers, "loss": {"kl": {"target": [0, 1]}}, "values": {"x": [0, 0]}, "find": ["y"]}
    derivation = backcalc.grad(net)
    shown = {place: str(value.value) for place, value in derivation.values["dJ/dy"].items()}
    assert shown == {(1,): "0", (2,): "-2"}
    assert str(derivation.values["J"][()].value) == "log(2)"


def test_rmse_has_the_value_of_its_definition():
    net = {"input": 2, "layers": [{"linear": {"name": "y"}}], "loss": {"rmse": {"target": [0, 0]}}}
    derivation = backcalc.grad({**net, "values": {"x": [3, 4]}, "find": ["y"]})
    assert str(derivation.values["J"][()].value) == "5*sqrt(2)/2"
