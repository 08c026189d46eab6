"""Documents as they are handed in: numbers beside words, lists, tables, printed arrays, repaired characters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from backcalc.check import check
from backcalc.check.result import Submission
from backcalc.check.submission import read_text

from .papers import EXPERIMENTS, PRINTED, PRINTED_CLAIMS, SHARED, SHARED_CLAIMS, TABLE, TABLE_CLAIMS

EXAMPLES = Path(__file__).parents[2] / "examples"
SAMPLES = """\
name: batch normalisation after a linear layer
sizes: {N: null, K: null}
equations: |
  u[i,j]  = sum(k=1..K, W[j,k]*x[i,k])
  mu[j]   = 1/N*sum(i=1..N, u[i,j])
  var[j]  = 1/N*sum(i=1..N, (u[i,j] - mu[j])^2)
  v[i,j]  = gamma[j]*(u[i,j] - mu[j])/sqrt(var[j] + eps) + beta[j]
  h[i,j]  = sigmoid(v[i,j])
  J       = 1/2*sum(i=1..N, sum(j, (h[i,j] - d[i,j])^2))
find: [gamma, beta]
"""


def count(id: str, name: str, asked: str, bias: bool = True) -> dict[str, Any]:
    return {"id": id, "count": str(EXAMPLES / f"{name}.yaml"), "ask": [asked], "bias": bias}


def net(id: str, name: str, asked: str, **aliases: str) -> dict[str, Any]:
    return {"id": id, "net": str(EXAMPLES / f"{name}.yaml"), "ask": [asked], "aliases": aliases}


@pytest.fixture(scope="module")
def submissions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Submission]:
    path = tmp_path_factory.mktemp("key") / "samples.yaml"
    path.write_text(SAMPLES, "utf-8")
    samples = {
        "id": 3,
        "net": str(path),
        "ask": ["dJ/dgamma"],
        "aliases": {"z": "u", "z_hat": "v", "L": "J", "w_jk": "W"},
    }
    weights = {"W1": "W_a", "b1": "b_a", "W2": "W_z", "b2": "b_z"}
    data = {"flat images shape": {"value": [50000, 3072]}, "training images shape": {"value": [40000, 3072]}}
    keys = {
        "shared": [
            net("1", "shared-kernel", "delta w1", q1="h[1]", q2="h[2]"),
            count("2", "lenet-without-biases", "weights", bias=False),
            samples,
            {"id": 4, "answers": {"accuracy": {"value": 0.795, "tolerance": 0.039}}},
        ],
        "printed": [
            net("Part 1", "two-three-one", "dL/dW_a", **weights),
            {"id": "Preparing the data", "answers": data},
            count("Part 2", "colour-mlp", "params"),
        ],
        "table": [
            net("Q2", "six-weights", "dL/dw3"),
            count("Q3", "conv-pool-flops", "flops", bias=False),
            count("Q4", "lenet-32", "params"),
        ],
    }
    texts = {"shared": SHARED, "printed": PRINTED, "table": TABLE}
    return {
        name: check({"problems": problems}, [read_text(texts[name], suffix=".md")]).submissions[0]
        for name, problems in keys.items()
    }


@pytest.mark.parametrize(
    ("name", "wanted"), [("shared", SHARED_CLAIMS), ("printed", PRINTED_CLAIMS), ("table", TABLE_CLAIMS)]
)
def test_every_claim_has_its_place_verdict_and_cause(
    name: str, wanted: tuple[tuple[int, str, str, str], ...], submissions: dict[str, Submission]
) -> None:
    claims = submissions[name].claims
    found = [(claim.line, claim.verdict, claim.diagnosis.code if claim.diagnosis else "") for claim in claims]
    assert found == [(line, verdict, code) for line, _, verdict, code in wanted]
    assert all(piece in claim.claim for claim, (_, piece, _, _) in zip(claims, wanted, strict=True))


def test_the_first_error_of_each_problem(submissions: dict[str, Submission]) -> None:
    places = {
        (name, part.id): None if part.first_error is None else submission.claims[part.first_error].line
        for name, submission in submissions.items()
        for part in submission.parts
    }
    assert places == {
        ("shared", "1"): 5,
        ("shared", "2"): 17,
        ("shared", "3"): 31,
        ("shared", "4"): None,
        ("printed", "Part 1"): 8,
        ("printed", "Preparing the data"): 21,
        ("printed", "Part 2"): 29,
        ("table", "Q2"): 3,
        ("table", "Q3"): 13,
        ("table", "Q4"): 25,
    }


def test_a_right_result_by_wrong_steps_is_a_finding(submissions: dict[str, Submission]) -> None:
    (first, *_) = submissions["shared"].parts
    assert [finding.code for finding in first.findings] == ["right-by-wrong-step"]


def test_numbers_of_experiments_accuse_nobody() -> None:
    problems = [count("Problem 1", "narrow-relu", "params"), count("Problem 2", "surface-mlp", "params")]
    (submission,) = check({"problems": problems}, [read_text(EXPERIMENTS, suffix=".md")]).submissions
    assert not [claim for claim in submission.claims if claim.verdict in ("wrong", "follows")]
