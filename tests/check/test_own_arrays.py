"""Products of whole arrays, percentages, and names of constants that the student gives to something else."""

from __future__ import annotations

from pathlib import Path

import pytest

from backcalc.check import check, load_key
from backcalc.check.key import Key
from backcalc.check.submission import read_text

LINEAR = """
shapes: {X: [2, 2], W: [2, 2], T: [2, 2]}
equations: |
  Z = X @ W.T
  L = 1/2*sumsq(Z - T)
values: {X: [[1, 2], [3, -1]], W: [[0.5, -0.25], [1, 0.5]], T: [[1, 0], [0, 1]]}
find: [W]
"""
SIGMOID = LINEAR.replace("  L = 1/2*sumsq(Z - T)", "  Y[n,k] = sigmoid(Z[n,k])\n  L = 1/2*sumsq(Y - T)")
OBLONG = """
shapes: {X: [3, 2], W: [4, 2], T: [3, 4]}
equations: |
  Z = X @ W.T
  L = 1/3*sumsq(Z - T)
find: [W]
"""
VECTOR = """
shapes: {x: [2], W: [2, 2], b: [2], v: [2]}
equations: |
  z[i] = sum(j, W[i,j]*x[j]) + b[i]
  h[i] = sigmoid(z[i])
  y = sum(i, v[i]*h[i]) + c
  J = 1/2*(y - t)^2
values: {x: [1, 2], W: [[0.5, -0.25], [1, 0.5]], b: [0, -1], v: [2, -1], c: 0.5, t: 1}
find: [W, b, v, c]
"""
NETS = {"linear": LINEAR, "sigmoid": SIGMOID, "oblong": OBLONG, "vector": VECTOR}


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Key]:
    folder = tmp_path_factory.mktemp("keys")
    found = {}
    for name, net in NETS.items():
        (folder / f"{name}-net.yaml").write_text(f"name: {name}\n{net}")
        asked = "J" if name == "vector" else "L"
        path = folder / f"{name}.yaml"
        path.write_text(f"name: {name}\nproblems:\n  - {{id: 1, net: {name}-net.yaml, ask: [{asked}], points: 10}}\n")
        found[name] = load_key(Path(path))
    return found


def verdicts(key: Key, text: str) -> list[str]:
    return [claim.verdict for claim in check(key, [read_text(text, suffix=".md")]).submissions[0].claims]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("linear", r"$\frac{\partial L}{\partial W} = (Z-T)^\top X$", ["right"]),
        ("linear", r"$\frac{\partial L}{\partial W} = \left(\frac{\partial L}{\partial Z}\right)^\top X$", ["right"]),
        ("linear", r"$\nabla_X L = (Z-T) W$", ["right"]),
        ("linear", r"$\frac{\partial L}{\partial X} = (X W^\top - T) W$", ["right"]),
        ("linear", r"$\frac{\partial L}{\partial X} = \frac{\partial L}{\partial Z} W$", ["right"]),
        ("linear", "dL/dW = (Z - T)^T X", ["right"]),
        ("linear", "dL/dX = dL/dZ · W", ["right"]),
        ("linear", r"$\frac{\partial L}{\partial X} = W (Z-T)$", ["wrong"]),
        ("linear", r"$\frac{\partial L}{\partial X} = (Z-T) W^\top$", ["wrong"]),
        ("oblong", r"$\frac{\partial L}{\partial W} = \frac23 (Z-T)^\top X$", ["right"]),
        ("oblong", r"$\frac{\partial L}{\partial W} = 5 (Z-T)^\top X$", ["wrong"]),
        (
            "oblong",
            r"Let $G = \frac23 (Z-T)$. Then $\frac{\partial L}{\partial W} = G^\top X$.",
            ["undecided", "right"],
        ),
        ("oblong", "G = 2*(Z - T)/3, dL/dX = G W, dL/dX = W G", ["undecided", "right", "undecided"]),
        ("vector", r"$\frac{\partial J}{\partial x} = W^\top \frac{\partial J}{\partial z}$", ["right"]),
        (
            "vector",
            r"$\frac{\partial J}{\partial z} = \frac{\partial J}{\partial h} \frac{\partial h}{\partial z}$",
            ["right"],
        ),
    ],
)
def test_arrays_side_by_side_are_multiplied_as_matrices(
    keys: dict[str, Key], name: str, text: str, expected: list[str]
) -> None:
    assert verdicts(keys[name], text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"$\frac{\partial L}{\partial Z} = (Y-T) Y (1-Y)$", ["right"]),
        (r"$\frac{\partial L}{\partial Z} = (Y-T) Y (1+Y)$", ["wrong"]),
        (r"$\frac{\partial L}{\partial W} = ((Y-T) \odot Y \odot (1-Y))^\top X$", ["right"]),
        (
            r"$\delta = \frac{\partial L}{\partial Z}$, $\frac{\partial L}{\partial W} = \delta^\top X$",
            ["undecided", "right"],
        ),
        (
            r"$\delta = \frac{\partial L}{\partial Z}$, $\frac{\partial L}{\partial W} = X^\top \delta$",
            ["undecided", "wrong"],
        ),
        (r"$\delta = (Y-T) Y (1-Y)$, $\frac{\partial L}{\partial W} = \delta^\top X$", ["undecided", "right"]),
        (r"$d = \frac{\partial L}{\partial Z}$, $\frac{d L}{d X} = d W$", ["undecided", "right"]),
        ("dZ = (Y-T)*Y*(1-Y); dL/dW = dZ.T @ X; dL/dX = dZ W; dL/dZ = dZ", ["undecided", "right", "right", "right"]),
        (r"$\delta = (Y-T) Y (1-Y)$, $\frac{\partial L}{\partial W} = X^\top \delta$", ["undecided", "wrong"]),
        (
            r"$\delta = (Y-T) \odot Y \odot (1-Y)$, $\frac{\partial L}{\partial Z_{11}} = \delta_{11}$",
            ["undecided", "right"],
        ),
        (
            r"$\delta = (Y-T) \odot Y \odot (1-Y)$, $\frac{\partial L}{\partial Z_{11}} = \delta_{12}$",
            ["undecided", "wrong"],
        ),
    ],
)
def test_a_product_that_is_true_entry_by_entry_is_not_wrong(
    keys: dict[str, Key], text: str, expected: list[str]
) -> None:
    assert verdicts(keys["sigmoid"], text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("h_1 = 50%", ["right"]),
        ("h_1 = 50 %", ["right"]),
        ("h_2 = 73.1%", ["right"]),
        ("h_2 = 73%", ["right"]),
        (r"$h_1 = 50\%$, $h_2 = 73 \%$", ["right", "right"]),
        ("h_1 = 0.5 = 50%", ["right", "right"]),
        ("h_1 = 60%", ["wrong"]),
        ("h_2 = 73.2 %", ["wrong"]),
        ("p = 50%. h_1 = p", ["undecided", "right"]),
    ],
)
def test_a_percentage_is_a_number_of_hundredths(keys: dict[str, Key], text: str, expected: list[str]) -> None:
    assert verdicts(keys["vector"], text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Let e = y - t = -0.2311. Then dJ/dv1 = e*h1 = -0.1155",
            ["undecided", "right", "right", "right"],
        ),
        (r"Let $e = y-t$. Then $\frac{\partial J}{\partial v_1} = e h_1$.", ["undecided", "right"]),
        (r"Let $e = y-t$. Then $\frac{\partial J}{\partial v_1} = e h_2$.", ["undecided", "wrong"]),
        ("e = y - t. J = e^2/2. h_1 = 1/(1 + e^(-z_1))", ["undecided", "right", "right"]),
        ("h_1 = 1/(1 + e^(-z_1))", ["right"]),
        ("e = 2.718", ["right"]),
    ],
)
def test_a_constant_whose_name_is_given_away(keys: dict[str, Key], text: str, expected: list[str]) -> None:
    assert verdicts(keys["vector"], text) == expected
