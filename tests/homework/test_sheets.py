"""The numbers of the homework sheets, read from the JSON of the commands as a grader would read them."""

from __future__ import annotations

import json
from math import exp, log
from pathlib import Path
from typing import Any

import pytest

from backcalc.cli import main

EXAMPLES = Path(__file__).parents[2] / "examples"
LAYERS, EQUATIONS = EXAMPLES / "shared-kernel.yaml", EXAMPLES / "shared-kernel-equations.yaml"


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    capsys.readouterr()
    status = main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    assert (status, err) == (0, "")
    return out


def answer(capsys: pytest.CaptureFixture[str], command: str, net: object, *options: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(capsys, command, net, *options, "--format", "json"))
    return found


@pytest.fixture(scope="module", params=["layers", "equations"])
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def _element(table: dict[str, Any], name: str, place: int, way: str) -> dict[str, Any]:
    """`z` at 1 is z[1] of the layers' array, and z1 of the equations."""
    if way == "equations":
        return {field: table[f"{name}{place}"][field] for field in ("exact", "decimal")}
    return {field: table[name][field][place - 1] for field in ("exact", "decimal")}


# -- sheet 000, question 1 -----------------------------------------------------------------------

FORWARD = {"q": ("3/2", "1/2"), "h": ("3/2", "1/2"), "z": ("2", "2"), "y": ("1/2", "1/2")}
BACKWARD = {"y": ("-2", "0"), "z": ("-1/2", "1/2"), "h": ("0", "0"), "q": ("0", "0")}
GRADIENTS = {"w1": "0", "w2": "0", "w3": "-3/4", "w4": "-1/4", "w5": "3/4", "w6": "1/4"}


def test_shared_kernel_forward(capsys: pytest.CaptureFixture[str], way: str) -> None:
    found = answer(capsys, "grad", LAYERS if way == "layers" else EQUATIONS)
    for name, values in FORWARD.items():
        for place, exact in enumerate(values, start=1):
            assert _element(found["values"], name, place, way)["exact"] == exact
    assert found["loss"]["exact"] == "log(2)"
    assert found["loss"]["decimal"] == pytest.approx(log(2), abs=1e-15)
    assert found["loss"]["name"] == "J"


def test_shared_kernel_backward(capsys: pytest.CaptureFixture[str], way: str) -> None:
    found = answer(capsys, "grad", LAYERS if way == "layers" else EQUATIONS)
    for name, values in BACKWARD.items():
        for place, exact in enumerate(values, start=1):
            if way == "equations" and (name, place) == ("y", 2):
                continue  # J = -log(y1) does not contain y2 at all
            assert _element(found["adjoints"], name, place, way)["exact"] == exact


def test_shared_kernel_every_weight(capsys: pytest.CaptureFixture[str], way: str) -> None:
    net = LAYERS if way == "layers" else EQUATIONS
    found = answer(capsys, "grad", net, "--wrt", ",".join(GRADIENTS))
    assert {name: found["gradients"][name]["exact"] for name in GRADIENTS} == GRADIENTS
    assert found["updates"]["w3"]["delta"] == {"exact": "3/40", "decimal": 0.075}
    assert found["updates"]["w3"]["new"]["exact"] == "43/40"


def test_the_update_of_w1_is_nothing(capsys: pytest.CaptureFixture[str], way: str) -> None:
    found = answer(capsys, "grad", LAYERS if way == "layers" else EQUATIONS)
    assert found["updates"]["w1"]["delta"]["exact"] == "0"
    assert found["updates"]["w1"]["new"]["exact"] == "1"
    assert found["gradients"]["w1"]["because"] == "w3 = w5 and w4 = w6"


def test_the_factor_that_cancels_is_shown(capsys: pytest.CaptureFixture[str], way: str) -> None:
    found = answer(capsys, "grad", LAYERS if way == "layers" else EQUATIONS)
    of = "dJ/dq[1]" if way == "layers" else "dJ/dq1"
    steps = [step for step in found["steps"] if step["of"] == of]
    shown = [step for step in steps if "w3 - w5" in step["formula"]]
    assert shown and all(step["exact"] == "0" for step in shown)
    assert any("w3 = w5" in step["reason"] for step in shown)


def test_both_ways_of_writing_mean_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    wrt = ("--wrt", ",".join(GRADIENTS))
    one, other = (answer(capsys, "grad", net, *wrt) for net in (LAYERS, EQUATIONS))
    for name in GRADIENTS:
        assert one["gradients"][name]["exact"] == other["gradients"][name]["exact"]
        assert one["updates"][name] == {**other["updates"][name], "latex": one["updates"][name]["latex"]}


def test_the_reuse_of_w1_is_said(capsys: pytest.CaptureFixture[str], way: str) -> None:
    text = run(capsys, "grad", LAYERS if way == "layers" else EQUATIONS)
    assert "w1 is used twice: in q1 and in q2" in text
    assert "w3 − w5" in text and "because w3 = w5" in text
    assert "Δw1 = 0" in text


def _variant(path: Path, way: str, **weights: str) -> Path:
    values = {f"w{i}": "1" for i in range(1, 7)} | weights
    text = (LAYERS if way == "layers" else EQUATIONS).read_text(encoding="utf-8")
    assert text.count("w1..w6: 1.0") == 1
    listed = ", ".join(f"{name}: {value}" for name, value in values.items())
    path.write_text(text.replace("w1..w6: 1.0", listed), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("weights", "key", "formula"),
    [
        ({"w5": "0.5"}, -0.0802053252061518, -exp(-3 / 4) / (4 * (1 + exp(-3 / 4)))),
        ({"w3": "2", "w6": "-1"}, -0.189645450053109, -5 / (2 * (1 + exp(5 / 2)))),
    ],
)
def test_guard_variants(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, way: str, weights: dict[str, str], key: float, formula: float
) -> None:
    found = answer(capsys, "grad", _variant(tmp_path / "net.yaml", way, **weights))
    gradient = found["gradients"]["w1"]
    assert gradient["decimal"] == pytest.approx(key, rel=1e-14)
    assert gradient["decimal"] == pytest.approx(formula, rel=1e-14)
    assert eval_exponentials(gradient["exact"]) == pytest.approx(formula, rel=1e-13)
    assert found["updates"]["w1"]["delta"]["decimal"] == pytest.approx(-key / 10, rel=1e-13)
    assert gradient["because"] is None
    assert all(check["passed"] for check in found["verified"])


def eval_exponentials(text: str) -> float:
    """The printed form, computed with the tests' own evaluator."""
    from backcalc.formula.read import read_expression

    from ..derive.witness import value

    return float(value(read_expression(text), {}, {}))


# -- sheet 003, question 2 -----------------------------------------------------------------------

SIX_VALUES = {
    "z1": 1.368,
    "z2": -1.432,
    "z3": 0.797056831289,
    "z4": 0.19278725233,
    "z5": 0.599088014565,
    "yhat": 0.645447630626,
    "L": 0.0211550132546,
}
SIX_ADJOINTS = {
    "yhat": 0.290895261251,
    "z5": 0.0665699222053,
    "z4": -0.0133139844411,
    "z3": 0.0532559377642,
    "z2": -0.0020719266213,
    "z1": 0.00861453345228,
}
SIX_GRADIENTS = (
    0.00775308010705,
    -0.00947598679751,
    0.000621577986389,
    -0.00165754129704,
    0.0530600112521,
    0.0128338323898,
)


def test_six_weights(capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys, "grad", EXAMPLES / "six-weights.yaml")
    values = {name: found["values"][name] for name in SIX_VALUES}
    assert values["z1"]["exact"] == "171/125" and values["z2"]["exact"] == "-179/125"
    assert values["z3"]["exact"] == "sigmoid(171/125)"
    assert {name: value["decimal"] for name, value in values.items()} == pytest.approx(SIX_VALUES, abs=1e-11)
    adjoints = {name: found["adjoints"][name]["decimal"] for name in SIX_ADJOINTS}
    assert adjoints == pytest.approx(SIX_ADJOINTS, abs=1e-12)
    gradients = [found["gradients"][f"w{i}"]["decimal"] for i in range(1, 7)]
    assert gradients == pytest.approx(SIX_GRADIENTS, abs=1e-12)


def test_six_weights_by_the_formula_of_the_sheet(capsys: pytest.CaptureFixture[str]) -> None:
    """dL/dw3 = x3·z4(1 - z4)·w6·2(yhat - y)·yhat(1 - yhat), with floats."""
    z4 = 1 / (1 + exp(1.432))
    z5 = 0.8 / (1 + exp(-1.368)) - 0.2 * z4
    yhat = 1 / (1 + exp(-z5))
    by_hand = -0.3 * z4 * (1 - z4) * -0.2 * 2 * (yhat - 0.5) * yhat * (1 - yhat)
    found = answer(capsys, "grad", EXAMPLES / "six-weights.yaml", "--wrt", "w3")
    assert found["gradients"]["w3"]["decimal"] == pytest.approx(by_hand, rel=1e-13)


# -- sheet 003, question 5 -----------------------------------------------------------------------


def test_logistic_neuron_needs_no_input(capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys, "grad", EXAMPLES / "logistic-neuron.yaml")
    gradient = found["gradients"]["x1"]
    shown = [gradient["formula"], gradient["inserted"]]
    closed = [text for text in shown if text is not None and "L" in text and "dL" not in text]
    assert len(closed) == 1
    assert "x1" not in closed[0] and "z" not in closed[0]
    from backcalc.formula.read import read_expression

    from ..derive.witness import MP, value

    for w1, level in ((2, "0.3"), (-3, "0.9")):
        store = {"w1": {(): MP.mpf(w1)}, "L": {(): MP.mpf(level)}}
        expected = w1 * MP.mpf(level) * (1 - MP.mpf(level))
        assert abs(value(read_expression(closed[0]), {}, store) - expected) < 1e-50


# -- counts: sheet 000 question 2, sheet 003 question 3 ------------------------------------------


def test_lenet_without_biases(capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys, "count", "lenet5", "--no-bias")
    rows = {row["name"]: row for row in found["layers"]}
    names = ("conv1", "pool1", "conv2", "pool2", "fc1", "fc2", "fc3")
    assert [rows[name]["weights"] for name in names] == [150, 0, 2400, 0, 48000, 10080, 840]
    assert [rows[name]["connections"] for name in names] == [117600, 0, 240000, 0, 48000, 10080, 840]
    assert found["totals"]["params"] == 61470
    assert found["totals"]["connections"] == 416520


def test_lenet_conventions(capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(capsys, "count", "lenet5")["totals"]["params"] == 61706
    pooled = answer(capsys, "count", "lenet5", "--no-bias", "--pooling-connections")
    rows = {row["name"]: row["connections"] for row in pooled["layers"]}
    assert (rows["pool1"], rows["pool2"], pooled["totals"]["connections"]) == (4704, 1600, 422824)
    inside = answer(capsys, "count", "lenet5", "--no-bias", "--padding-connections", "exclude")
    assert inside["layers"][0]["connections"] == 6 * 134**2 == 107736


def test_convolution_and_pooling(capsys: pytest.CaptureFixture[str]) -> None:
    net = EXAMPLES / "conv-pool-flops.yaml"
    bare, biased = answer(capsys, "count", net, "--no-bias"), answer(capsys, "count", net)
    assert [row["flops"] for row in bare["layers"]] == [720 * 1599, 320 * 8] == [1151280, 2560]
    assert bare["totals"]["flops"] == 1153840
    assert biased["totals"]["flops"] == 1154560
    assert (biased["totals"]["params"], biased["layers"][0]["weights"], biased["layers"][0]["biases"]) == (
        16020,
        16000,
        20,
    )
    assert biased["layers"][0]["macs"] == 576000
