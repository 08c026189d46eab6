"""The ladder of deciding: exact numbers, random points, every branch, proofs; conventions; what is carried forward."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from backcalc.check import check, load_key
from backcalc.check.result import Submission
from backcalc.check.submission import read_text
from backcalc.render import check_text

EXAMPLES = Path(__file__).parents[2] / "examples"


def identities(text: str, *claims: str) -> Submission:
    problems = [{"id": 1, "claims": list(claims or [text]), "points": 5}]
    return check({"problems": problems}, [read_text(text)]).submissions[0]


@pytest.fixture
def of_net(tmp_path: Path) -> Any:
    def checked(net: dict[str, object], text: str, **spec: object) -> Submission:
        (tmp_path / "net.yaml").write_text(json.dumps(net), "utf-8")
        key = load_key({"problems": [{"id": 1, "net": str(tmp_path / "net.yaml"), "ask": ["J"], **spec}]})
        return check(key, [read_text(text)]).submissions[0]

    return checked


@pytest.mark.parametrize(
    ("claim", "verdict"),
    [
        ("relu(x) + relu(-x) = abs(x)", "right"),
        ("relu(x) = x", "wrong"),
        ("max(x, 1000) = 1000", "wrong"),  # true wherever random numbers of usual size lie
        ("abs(x - 500) = 500 - x", "wrong"),
        ("x*(x > 0) = max(0, x)", "right"),
        ("(x > 0) = (x >= 0)", "wrong"),  # at one point only
        ("x^2 = 1.00001*x^2", "wrong"),
        ("x + 1e-70 = x", "wrong"),
        ("(x + y)^2 = x^2 + 2*x*y + y^2", "right"),
        ("(x^2 - y^2)/(x - y) = x + y", "right"),
    ],
)
def test_an_identity_is_right_in_every_branch_or_wrong_with_a_witness(claim: str, verdict: str) -> None:
    (found,) = identities(claim, "x = x", "y = y").claims
    assert found.verdict == verdict
    assert (found.witness is None) == (verdict == "right")


def test_the_witness_of_a_relu_is_a_negative_number() -> None:
    (found,) = identities("relu(x) = x").claims
    assert found.witness is not None and found.witness.values["x"].startswith("-")


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("h = max(0, q)", "right"),
        ("h = q*(q >= 0)", "right"),
        ("h = (q + abs(q))/2", "right"),
        ("h = max(q, -1000)", "wrong"),
        ("h = max(0, min(q, 1000))", "wrong"),
        ("dJ/dq = dJ/dh*(q > 0)", "right"),
        ("dJ/dq = dJ/dh*(q >= 0)", "convention"),
    ],
)
def test_every_branch_of_a_network_is_tried(text: str, verdict: str, of_net: Any) -> None:
    net = {"equations": "q = w*x\nh = relu(q)\nJ = (h - t)^2"}
    (found,) = of_net(net, text).claims
    assert found.verdict == verdict, found


@pytest.mark.parametrize(("slope", "verdict"), [("0", "right"), ("-10", "convention"), ("-5", "convention")])
def test_every_subgradient_at_a_kink_is_a_convention_that_earns_its_points(
    slope: str, verdict: str, of_net: Any
) -> None:
    """J = (h − 5)² at q = 0: dJ/dh = −10, and the slope of the ReLU is anything from 0 to 1."""
    net = {"equations": "q = w*x\nh = relu(q)\nJ = (h - t)^2", "values": {"w": 0, "x": 1, "t": 5}}
    submission = of_net(net, f"dJ/dw = {slope}", ask=["dJ/dw"])
    (found,) = submission.claims
    assert (found.verdict, submission.points) == (verdict, 1)
    assert verdict == "right" or found.convention == "subgradient"


@pytest.mark.parametrize("slope", ["-11", "1"])
def test_what_lies_beyond_both_slopes_is_wrong(slope: str, of_net: Any) -> None:
    net = {"equations": "q = w*x\nh = relu(q)\nJ = (h - t)^2", "values": {"w": 0, "x": 1, "t": 5}}
    (found,) = of_net(net, f"dJ/dw = {slope}", ask=["dJ/dw"]).claims
    assert found.verdict == "wrong"


def test_a_count_is_compared_exactly() -> None:
    problems = [{"id": 1, "count": "lenet5", "bias": False, "ask": ["weights"]}]
    for text, verdict in (("weights = 61470", "right"), ("weights = 61470 + 1e-300", "wrong")):
        (found,) = check({"problems": problems}, [read_text(text)]).submissions[0].claims
        assert found.verdict == verdict


def test_a_convention_holds_as_a_function() -> None:
    """At y = 1/2 the slope without 1 − y is twice the right one, as for a loss with another factor; elsewhere not."""
    key = load_key({"problems": [{"id": 1, "net": str(EXAMPLES / "six-weights.yaml"), "ask": ["L"]}]})
    (found,) = check(key, [read_text("dL/dyhat = yhat - y")]).submissions[0].claims
    assert (found.verdict, found.convention) == ("convention", "factor")


def test_a_product_whose_sizes_do_not_fit_is_the_transposed_matrix(of_net: Any) -> None:
    net = {
        "equations": "Z = X @ W.T + b\nJ = sum(i=1..3, sum(j=1..2, Z[i,j]^2))",
        "shapes": {"X": [3, 4], "W": [2, 4], "b": [2]},
    }
    wrong, right, other = of_net(net, "Z = X @ W + b\nZ = X @ W.T + b\nZ = b @ X").claims
    assert wrong.verdict == "wrong" and wrong.diagnosis.code == "transposed-weight"
    assert "(3×4) times (2×4)" in wrong.witness.left
    assert (right.verdict, other.verdict) == ("right", "undecided")  # no one matrix explains the last


def test_what_follows_from_an_own_error_is_told_of_the_quantity() -> None:
    key = load_key({"problems": [{"id": 1, "net": str(EXAMPLES / "shared-kernel.yaml"), "ask": ["delta w1"]}]})
    report = check(key, [read_text("dJ/dy1 = 1/y1 = 2")])
    link, value = report.submissions[0].claims
    assert (link.verdict, value.verdict) == ("wrong", "follows")
    assert str(value.witness) == "dJ/dy[1] is -2, not 2"
    assert "dJ/dy[1] is -2, not 2" in check_text.render(report)


@pytest.mark.parametrize(("first", "verdict"), [("0.25", "follows"), ("0", "wrong")])
def test_no_credit_through_a_wrong_zero(first: str, verdict: str, of_net: Any) -> None:
    net = {"equations": "a = w*x\nb = a*v\nJ = (b - t)^2", "values": {"w": 2, "x": 3, "v": 4, "t": 1}}
    value = {"0.25": "1", "0": "0"}[first]
    one, other = of_net(net, f"a = {first}\nb = {value}").claims
    assert (one.verdict, other.verdict) == ("wrong", verdict)


def test_the_better_of_true_and_consistent_stands(of_net: Any) -> None:
    """A right value after an own error is right, though it does not follow from it."""
    net = {"equations": "a = w*x\nb = a*v\nJ = (b - t)^2", "values": {"w": 2, "x": 3, "v": 4, "t": 1}}
    submission = of_net(net, "a = 5\nb = 24\nJ = 529", ask=["J"])
    assert [claim.verdict for claim in submission.claims] == ["wrong", "right", "right"]
    assert submission.points == 1


def test_rounding_too_early_follows_and_earns(of_net: Any) -> None:
    """tanh(0.5) = 0.46212; with 0.5 kept as 0.46, 0.46·100 = 46 where 46.2117 is right."""
    net = {"equations": "a = tanh(w)\nb = a*v\nJ = (b - t)^2", "values": {"w": 0.5, "v": 100, "t": 1}}
    rounded, product, broken = of_net(net, "a = 0.46\nb = 46.000\nb = 47.000").claims
    assert (rounded.verdict, product.verdict, broken.verdict) == ("right", "follows", "wrong")
    assert product.diagnosis.code == "rounded-too-early"


def test_conventions_mixed_in_one_problem_are_wrong() -> None:
    problems = [{"id": 1, "count": "lenet5", "ask": ["params"]}]
    text = "fc1.params = 48120\nfc2.params = 10080"
    with_bias, without = check({"problems": problems}, [read_text(text)]).submissions[0].claims
    assert with_bias.verdict == "right"
    assert without.verdict == "wrong" and without.diagnosis is not None
    assert without.diagnosis.code == "mixed-convention"


def test_an_identity_that_is_not_shown_is_a_finding_and_stands_among_the_answers() -> None:
    key = {"problems": [{"id": 4, "claims": ["tanh(x) = 2*sigmoid(2*x) - 1"], "points": 5}]}
    (part,) = check(key, [read_text("tanh(x) = sinh(x)")]).submissions[0].parts
    assert part.points == 0 and [finding.code for finding in part.findings] == ["missing"]
    assert "tanh(x) = 2*sigmoid(2*x) - 1" in part.findings[0].text
    report = check(key)
    assert [(answer.part, answer.asked, answer.expected.exact) for answer in report.answers] == [
        ("4", "tanh(x)", "2*sigmoid(2*x) - 1")
    ]
    assert "tanh(x) = 2*sigmoid(2*x) - 1" in check_text.render(report)
