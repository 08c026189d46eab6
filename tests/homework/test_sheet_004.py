"""The rules of perceptron and hinge, small LeNets with batch normalisation and dropout, 143 networks of a surface."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from itertools import pairwise, product
from math import prod
from typing import Any

import numpy as np
import pytest

import backcalc
from backcalc.formula.read import read_expression
from backcalc.formula.tree import Add, Compare, Expr, Mul, Neg, Num, Ref

from ..derive.witness import SIGNS, Store
from .commands import count, grad, rows
from .facts import check, fact
from .formulas import agree, at_numbers, closed, number, numbers

# -- the rules of perceptron and hinge -----------------------------------------------------------


@pytest.mark.parametrize(("net", "key"), [("perceptron", "004.P1.rule_a0"), ("hinge", "004.P1.rule_a1")])
def test_the_rules_in_general(net: str, key: str) -> None:
    found = grad(net)
    changes = set()
    for seed, sign in product(range(20), (-1, 1)):
        source = random.Random(seed)
        store: Store = {"x": numbers(source, 2), "y": numbers(source, 1), "t": number(sign)}
        store |= {name: numbers(source) for name in ("w1", "w2")}
        for i in (1, 2):
            ours = at_numbers(closed(found, found["updates"][f"w{i}"]["formula"]), (), (), store)
            assert agree(ours, at_numbers(read_expression(fact(key).format(i=i)), (), (), store))
            changes.add(ours[()] != store[f"w{i}"][()])
    assert changes == {True, False}, "some points change the weights and some do not"


@pytest.mark.parametrize(("net", "edge"), [("perceptron", 0), ("hinge", 1)])
def test_nothing_changes_on_the_very_edge(net: str, edge: int) -> None:
    """The derivative at the kink is 0: a point that just keeps its margin changes nothing."""
    found = grad(net)
    store: Store = {"x": numbers(random.Random(1), 2), "y": {(1,): edge}, "t": number(1), "w1": number(5)}
    assert at_numbers(closed(found, found["updates"]["w1"]["formula"]), (), (), store)[()] == 5


Point = Mapping[str, Any]


def _function(expr: Expr) -> Callable[[Point], float]:
    """A formula of plain names and of x[1], x[2], y[1] as a function of floats."""
    match expr:
        case Num(number):
            constant = float(number)
            return lambda point: constant
        case Ref(name, ()):
            return lambda point: point[name]
        case Ref(name, (Num(index),)):
            place = int(index) - 1
            return lambda point: point[name][place]
        case Neg(operand):
            inner = _function(operand)
            return lambda point: -inner(point)
        case Add(terms):
            summands = [_function(term) for term in terms]
            return lambda point: sum(term(point) for term in summands)
        case Mul(factors):
            parts = [_function(factor) for factor in factors]
            return lambda point: prod(part(point) for part in parts)
        case Compare((operator,), (left, right)):
            low, high, holds = _function(left), _function(right), SIGNS[operator]
            return lambda point: float(holds(low(point), high(point)))
    raise AssertionError(f"the rule holds {expr}")


def _train(net: str, seed: int) -> tuple[tuple[float, float], float]:
    """Weights after 1000 epochs over 20 points, one point at a time, and the share of 1000 points that they get right.

    The points are of class 1 where x1 > x2, drawn by NumPy's legacy generator; weights begin as its first two numbers.
    """
    found = grad(net)
    rules = [_function(closed(found, found["updates"][f"w{i}"]["formula"])) for i in (1, 2)]
    points = [((float(x1), float(x2)), 1.0 if x1 > x2 else -1.0) for x1, x2 in zip(*_drawn(seed, 20), strict=True)]
    w1, w2 = (float(number) for number in np.random.RandomState(seed).rand(2))
    for _ in range(1000):
        for x, t in points:
            point = {"x": x, "t": t, "y": (w1 * x[0] + w2 * x[1],), "w1": w1, "w2": w2}
            w1, w2 = rules[0](point), rules[1](point)
    x1, x2 = _drawn(seed, 1000)
    right = np.where(w1 * x1 + w2 * x2 > 0, 1, -1) == np.where(x1 > x2, 1, -1)
    return (w1, w2), float(right.mean())


def _drawn(seed: int, size: int) -> tuple[Any, Any]:
    source = np.random.RandomState(seed)
    return source.random_sample(size), source.random_sample(size)


def _share_of_the_square(w1: float, w2: float) -> float:
    """How much of the unit square is classified right by x2 < s·x1 with s = −w1/w2 > 1 instead of x2 < x1."""
    slope = -w1 / w2
    assert slope > 1
    return 1 - (1 - 1 / slope) / 2


def test_a_thousand_epochs() -> None:
    weights, accuracy = _train("perceptron", 2022)
    check("004.P1.w_a0", weights)
    check("004.P1.acc_a0", accuracy)
    check("004.P1.pop_acc_a0", _share_of_the_square(*weights))
    weights, accuracy = _train("hinge", 2022)
    check("004.P1.w_a1", weights)
    check("004.P1.acc_a1", accuracy)
    check("004.P1.pop_acc_a1", _share_of_the_square(*weights))


def test_a_thousand_epochs_of_other_points() -> None:
    found: dict[str, Any] = {}
    for rule, net in (("a0", "perceptron"), ("a1", "hinge")):
        found[f"w_{rule}"], found[f"acc_{rule}"] = _train(net, 10)
    check("004.P1.seed10", found)


# -- stacks counted ------------------------------------------------------------------------------


def test_deep_and_narrow_stacks() -> None:
    check("004.P2.1.params", count("six-deep")["totals"]["params"])
    check("004.P2.2.params", count("narrow-relu")["totals"]["params"])


# -- small LeNets --------------------------------------------------------------------------------


def test_the_layers_of_the_small_lenet() -> None:
    table = count("lenet-batch-norm")
    norms = [f"norm{i}" for i in range(1, 5)]
    split = zip(rows(table, "trainable", *norms), rows(table, "non_trainable", *norms), strict=True)
    found: dict[str, Any] = {f"bn{i}": parts for i, parts in enumerate(split, start=1)}
    names = {"conv1": "conv1", "conv2": "conv2", "conv3": "conv3", "dense84": "fc1", "dense10": "fc2"}
    found |= dict(zip(names, rows(table, "params", *names.values()), strict=True))
    check("004.P3.layers", found)
    shapes = rows(table, "output_shape", "conv1", "pool1", "conv2", "pool2", "conv3", "flatten_1", "fc1", "fc2")
    check("004.P3.shapes", ["x".join(map(str, (*shape[1:], shape[0]))) for shape in shapes])


def _totals(net: str) -> tuple[int, int, int]:
    totals = count(net)["totals"]
    return totals["total"], totals["trainable"], totals["non_trainable"]


def test_five_small_lenets() -> None:
    check("004.P3.2.total", _totals("lenet-batch-norm"))
    check("004.P3.3.total", _totals("lenet-batch-norm-input"))
    check("004.P3.4.total", _totals("lenet-dropout")[0])
    check("004.P3.5.total", _totals("lenet-batch-norm-dropout"))
    assert _totals("lenet-dropout") == _totals("lenet-tanh") == (51626, 51626, 0)


# -- networks of a surface -----------------------------------------------------------------------

WIDTHS = (16, 32, 64, 128, 256, 512)
COMBINATIONS = [widths for n in (1, 2, 3) for widths in product(WIDTHS, repeat=n) if sum(widths) <= 512]


def _total(widths: tuple[int, ...], first_plain: bool = False) -> int:
    """All numbers of the network with these hidden layers, by the count; `first_plain` leaves the first one linear."""
    layers: list[Any] = []
    for place, units in enumerate(widths):
        layers.append({"dense": units})
        if place or not first_plain:
            layers += ["relu", "batchnorm"]
    return backcalc.count({"input": {"x": 2}, "layers": [*layers, {"dense": 1}]}).totals.total


def _by_hand(widths: tuple[int, ...], first_plain: bool = False) -> int:
    """3·u1 + 4·u1 + Σ (a·b + b + 4·b) + last + 1; without the 4·u1 where the first layer is plain."""
    inner = sum(a * b + b + 4 * b for a, b in pairwise(widths))
    return (3 if first_plain else 7) * widths[0] + inner + widths[-1] + 1


def test_the_combinations_of_widths() -> None:
    sizes = [sum(len(widths) == n for widths in COMBINATIONS) for n in (1, 2, 3)]
    trained = sizes[0] + 10 + 10  # all of one layer, ten each of two and three
    check(
        "004.P4.combos",
        {**dict(zip(("one", "two", "three"), sizes, strict=True)), "all": sum(sizes), "trained": trained},
    )


@pytest.mark.parametrize("widths", COMBINATIONS, ids=lambda widths: "-".join(map(str, widths)))
def test_every_combination(widths: tuple[int, ...]) -> None:
    assert _total(widths) == _by_hand(widths)
    assert _total(widths, first_plain=True) == _by_hand(widths, first_plain=True)


def test_published_counts() -> None:
    check("004.P4.params_bn_all", {widths: _total(widths) for widths in fact("004.P4.params_bn_all")})
    plain = {widths: _total(widths, first_plain=True) for widths in fact("004.P4.params_as_printed")}
    check("004.P4.params_as_printed", plain)


def test_the_example_is_one_of_the_combinations() -> None:
    assert _totals("surface-mlp")[0] == fact("004.P4.params_bn_all")[16, 16, 16]
