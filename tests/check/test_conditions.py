"""What is right under a condition, in a list, with a value of one's own, or in other digits, is not called wrong."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from backcalc.check import check
from backcalc.check.result import Verdict
from backcalc.check.submission import read_text

# z = (0, 1), h = (1/2, 0.731), y = 0.769, J = (y - 1)²/2: ∂J/∂v = (y - 1) h = (-0.1155, -0.169), v1 - ∂J/∂v1/10 = 2.012
MLP = """
  z[i] = sum(j, W[i,j]*x[j]) + b[i]
  h[i] = sigmoid(z[i])
  y = sum(i, v[i]*h[i]) + c
  J = 1/2*(y - t)^2
"""
VALUES = {"x": [1, 2], "W": [[0.5, -0.25], [1, 0.5]], "b": [0, -1], "v": [2, -1], "c": 0.5, "t": 1}
NET = {"equations": MLP, "values": VALUES, "find": ["W", "v"], "update": {"sgd": {"rate": 0.1}}}
# J = (w x)²/2 with w = 2, x = 3: ∂J/∂w = 18, and nothing says how far a step goes: w - 0.1·18 = 0.2
OPEN = {"equations": "y = w*x\nJ = 1/2*y^2", "values": {"w": 2, "x": 3}, "find": ["w"]}
# (5·5·3 + 1)·8 = 608 and (8·32·32 + 1)·12 = 98316
COUNTED = {
    "input": {"image": [3, 32, 32]},
    "layers": [
        {"conv2d": {"name": "conv1", "filters": 8, "kernel": 5, "padding": 2}},
        "flatten",
        {"dense": {"name": "fc", "units": 12}},
    ],
}
SLOPE = r"$\frac{\partial h_i}{\partial z_j} = 0$"


def verdicts(
    text: str, described: Mapping[str, Any], ask: str, suffix: str = ".md", kind: str = "net"
) -> list[Verdict]:
    with TemporaryDirectory() as folder:
        net = Path(folder) / "net.yaml"
        net.write_text(json.dumps(described), "utf-8")
        key = {"problems": [{"id": 1, kind: str(net), "ask": [ask]}]}
        (submission,) = check(key, [read_text(text, suffix=suffix)]).submissions
    return [claim.verdict for claim in submission.claims]


def net(text: str, suffix: str = ".md") -> list[Verdict]:
    return verdicts(text, NET, "J", suffix)


def free(text: str) -> list[Verdict]:
    return verdicts(text, OPEN, "dJ/dw", ".txt")


def counted(text: str) -> list[Verdict]:
    return verdicts(text, COUNTED, "params", kind="count")


@pytest.mark.parametrize(
    "text",
    [
        rf"{SLOPE} for $i \neq j$",
        rf"{SLOPE} für $i \neq j$",
        r"$\frac{\partial h_i}{\partial z_j} = 0 \text{ for } i \neq j$",
        r"$\frac{\partial h_i}{\partial z_j} = 0 \quad (i \neq j)$",
        r"$\frac{\partial h_i}{\partial z_j} = 0, i \neq j$",
        rf"For $i\ne j$ we have {SLOPE}",
        rf"{SLOPE} if $i\ne j$ and $h_i(1-h_i)$ if $i=j$",
        rf"{SLOPE} wenn $i \ne j$",
        f"{SLOPE} where i != j",
        rf"{SLOPE} whenever $i$ differs from $j$",
        "dh_i/dz_j = 0 for i != j",
        "$$\n\\frac{\\partial h_i}{\\partial z_j} = 0\n$$\nfor $i\\neq j$.",
        r"$\frac{\partial h_i}{\partial z_j} = h_i (1 - h_i)$ for $i = j$",
        r"$\frac{\partial z_i}{\partial W_{kj}} = 0$ for $k\neq i$",
    ],
)
def test_a_formula_is_judged_under_the_condition_beside_it(text: str) -> None:
    found = net(text)
    assert "right" in found
    assert not {"wrong", "follows"} & set(found)


@pytest.mark.parametrize(
    "beside", ["unless $i=j$", "for $i = 3$", "for $i > 5$", "for $i = 1$", "off the diagonal", r"for $i = j$"]
)
def test_what_no_condition_makes_true_is_undecided(beside: str) -> None:
    assert net(f"{SLOPE} {beside}")[0] == "undecided"


@pytest.mark.parametrize("beside", ["", " as $W_{11} = 0.5$", " for all $i = 1, 2$", r". For $i \neq j$ see below"])
def test_without_a_condition_of_its_own_a_formula_is_wrong(beside: str) -> None:
    assert "wrong" in net(f"{SLOPE}{beside}")


@pytest.mark.parametrize("suffix", [".md", ".txt"])
@pytest.mark.parametrize(
    "text",
    [
        "dJ/dv1,dJ/dv2 = -0.1155,-0.169",
        "dJ/dv1, dJ/dv2 = -0.1155, -0.169",
        "dJ/dv1 and dJ/dv2 = -0.1155 and -0.169",
        "W[1,1], W[1,2] = 0.5, -0.25",
        "h1, h2 = sigmoid(0), sigmoid(1)",
    ],
)
def test_lists_are_paired(text: str, suffix: str) -> None:
    assert net(text, suffix) == ["right", "right"]


def test_lists_in_latex_are_paired() -> None:
    assert net(r"$\frac{\partial J}{\partial v_1}, \frac{\partial J}{\partial v_2} = -0.1155, -0.169$") == ["right"] * 2
    assert net("so x1, x2 = 1, 2 and v1, v2 = 2, -1.", ".txt") == ["right"] * 4


def test_each_entry_of_a_list_is_judged() -> None:
    assert net("dJ/dv1, dJ/dv2 = -0.1155, 0.173", ".txt") == ["right", "wrong"]
    assert net("x1, x2 = 1, 2, 3", ".txt") == ["unreadable"]


@pytest.mark.parametrize("given", ["Mit eta = 0.1: ", "eta = 0.1\n\n"])
def test_a_rate_of_ones_own_is_a_definition(given: str) -> None:
    assert free(f"{given}new w = 2 - 0.1*18 = 0.2") == ["undecided", "right", "right"]
    assert free(f"{given}new w = 0.3")[-1] == "wrong"


def test_without_a_rate_nothing_is_wrong_for_it() -> None:
    assert free("new w = 2 - 0.1*18 = 0.2") == ["undecided"] * 2
    assert free("new w = w - eta*dJ/dw") == ["right"]
    assert free("new w = w + eta*dJ/dw") != ["right"]


@pytest.mark.parametrize(
    "text",
    [
        "params = 98 924",
        "params = 98\u2009924",
        "params = 98'924",
        r"$params = 98\,924$",
        "params = 98.924",
        "params ≈ 0.1 M",
        "| layer | params |\n|---|---|\n| fc | 98.316 |",
        "conv1.params = (5x5x3+1)x8",
    ],
)
def test_counts_in_other_digits_are_right(text: str) -> None:
    assert set(counted(text)) == {"right"}


def test_other_digits_of_another_number_are_wrong() -> None:
    assert counted("params = 98 925") == counted("params = 98.925") == ["wrong"]


def test_a_decimal_comma_in_a_single_number() -> None:
    assert net("new v1 = 2,012", ".txt") == ["right"]
    assert net("new v1 = 2,034", ".txt") == ["wrong"]


@pytest.mark.parametrize("text", ["t = 1 3/4", r"$t = 1\frac{3}{4}$"])
def test_a_mixed_number_is_no_single_one(text: str) -> None:
    assert "right" not in net(text, ".md" if "$" in text else ".txt")
    changed = {**NET, "values": {**VALUES, "t": "7/4"}}
    assert verdicts(text, changed, "J") in (["right"], ["unreadable"], [])
