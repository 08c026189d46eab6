"""Every named mistake is recognised by the number or the formula that it leads to."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import pytest

from backcalc.check import check, load_key
from backcalc.check.case import Case
from backcalc.check.compare import Formula
from backcalc.check.count_mistakes import COUNT_MISTAKES
from backcalc.check.key import Key
from backcalc.check.result import Claim
from backcalc.check.submission import read_text
from backcalc.formula.tree import Ref, num

EXAMPLES = Path(__file__).parents[2] / "examples"


@lru_cache
def key(name: str) -> Key:
    kind = "count" if name in ("lenet-32", "lenet-without-biases", "conv-pool-flops", "digits-deep") else "net"
    asked = "params" if kind == "count" else {"six-weights": "L", "shared-kernel": "J", "output-softmax": "E"}[name]
    bias = name != "lenet-without-biases"
    return load_key({"problems": [{"id": 1, kind: str(EXAMPLES / f"{name}.yaml"), "bias": bias, "ask": [asked]}]})


def claim(name: str, text: str) -> Claim:
    (submission,) = check(key(name), [read_text(text)]).submissions
    return submission.claims[-1]


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("shared-kernel", "dJ/dz1 = 0.5", "sign"),
        ("shared-kernel", "dJ/dy2 = -1/y2", "no-path"),
        ("shared-kernel", "new w3 = 0.925", "update-sign"),  # 1 + 0.1·(−3/4), up the hill
        ("shared-kernel", "delta w3 = 0.75", "rate-missing"),
        ("shared-kernel", "J = 0.30103", "log-base"),
        ("shared-kernel", "dJ/dw1 = -x2*dJ/dq2 - 1", "wrong"),
        ("shared-kernel", "z1 = w3*h1", "sum-term"),
        ("shared-kernel", "y1 = 2", "reciprocal"),
        ("output-softmax", "dE/da[i] = -t[i] + y[i]*sum(j != i, t[j])", "restricted-sum"),
        ("six-weights", "dL/dz5 = dL/dyhat*(1 - yhat)", "chain-factor"),
        ("six-weights", "dL/dz4 = dL/dz5*w6*w6", "factor-twice"),
        ("six-weights", "dL/dz2 = dL/dz4*z4*(1 + z4)", "one-minus"),
        ("six-weights", "z2 = -1.423", "digits"),
        ("six-weights", "z1 = w1*x1", "sum-term"),
        ("lenet-32", "conv2.params = (5*5 + 1)*16", "depth-forgotten"),
        ("lenet-32", "conv1.biases = 6*28*28", "bias-a-position"),
        ("lenet-32", "pool1.weights = 6", "pooling-weights"),
        ("lenet-32", "weights = 61706", "bias-counted"),
        ("lenet-without-biases", "weights = 61706", "bias-counted"),
        ("lenet-without-biases", "fc1.params = 48120", "bias-counted"),
        ("lenet-32", "params = 61706 - 850", "layer-left-out"),
        ("lenet-32", "params = 61760", "digits-swapped"),
        ("lenet-without-biases", "conv2.weights = 1500", "connection-table"),
        ("lenet-without-biases", "conv2.connections = 16*6*5*5*14*14", "padding-or-stride"),
        ("conv-pool-flops", "conv.params = 16000", "bias"),  # true without biases: a convention, not an error
        ("digits-deep", "params = 203170", "wrong-width"),
    ],
)
def test_a_mistake_has_its_name(name: str, text: str, code: str) -> None:
    found = claim(name, text)
    assert found.verdict in ("wrong", "convention") and found.diagnosis is not None
    assert (found.diagnosis.code, found.verdict == "convention") == (code, code == "bias"), found


@pytest.mark.parametrize(
    ("net", "text", "code"),
    [
        ("output-softmax", "dE/da[i] = dE/dy[i]*y[i]*(1 - y[i])", "cross-terms"),
        ("batch-norm-input", "dJ/dx[i,j] = dJ/dxh[i,j]/sqrt(var[j] + eps)", "through-statistics"),
        ("batch-norm", "mu[j] = sum(i=1..N, a[i,j])", "sum-for-mean"),
        ("batch-norm", "var[j] = 1/(N - 1)*sum(i=1..N, (a[i,j] - mu[j])^2)", "one-less"),
        ("six-weights", "dL/dz4 = dL/dz5*new w6", "updated-weights"),
        ("six-weights", "dL/dz4 = 0.0666*(-0.2) = -0.0133\ndL/dz2 = 0.1556*(-0.0113)", "copied-wrong"),
        ("output-sigmoid", "E = -sum(i=1..3, t[i]*log(y[i]) + (1 - t[i])*log(1 - t[i]))", "other-name"),
    ],
)
def test_a_mistake_on_the_way_of_a_derivative_has_its_name(net: str, text: str, code: str) -> None:
    loss = {"six-weights": "L", "output-softmax": "E", "output-sigmoid": "E"}.get(net, "J")
    here = load_key({"problems": [{"id": 1, "net": str(EXAMPLES / f"{net}.yaml"), "ask": [loss]}]})
    (submission,) = check(here, [read_text(text)]).submissions
    last = submission.claims[-1]
    assert last.verdict == "wrong" and last.diagnosis is not None
    assert last.diagnosis.code == code, last


SMALL = {
    "input": {"x": [1, 28, 28]},
    "layers": [
        {"conv2d": {"name": "c", "filters": 6, "kernel": 5, "stride": 2}},  # (28 − 5)/2 + 1 = 12.5, rounded down
        {"maxpool2d": {"name": "p", "size": 2}},
        "flatten",
        {"dense": {"name": "d", "units": 40}},
        {"dense": {"name": "e", "units": 10}},
    ],
}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("c.activations = 6*13*13", "not-floored"),
        ("activations = 2130", "input-as-layer"),  # 864 + 216 + 216 + 40 + 10 and the 784 of the input
        ("params = 9196", "bias-in-some"),  # 150 + 8640 + 400 weights and the 6 biases of c
        ("d.weights = 216*10", "neighbour-width"),
        ("d.weights = 217*40", "bias-counted"),  # 216*40 and 40
        ("d.weights = 218*40", "wrong-width"),
        ("d.flops = 40*(216 + 216 + 1)", "additions"),
        ("c.weights = 25*25*6", "kernel-squared"),
        ("c.weights = 5*6", "kernel-squared"),
        ("weights = 8640 + 400", "layer-left-out"),
        ("c.connections = 26*6*11*11", "padding-or-stride"),
    ],
)
def test_a_mistake_in_counting_has_its_name(text: str, code: str, tmp_path: Path) -> None:
    found = counted_claim(text, tmp_path)
    assert found.verdict == "wrong" and found.diagnosis is not None and found.diagnosis.code == code, found


@pytest.mark.parametrize(
    ("text", "code", "function"),
    [
        ("params = 9190", "bias-counted", "bias_counted"),
        ("flops = 30640", "mac-for-flop", "mac_for_flop"),
    ],
)
def test_what_is_a_convention_has_its_name_as_a_mistake_too(
    text: str, code: str, function: str, tmp_path: Path
) -> None:
    """Where the problem keeps to the key's convention, the same number is the mistake of that name."""
    (tmp_path / "net.yaml").write_text(json.dumps(SMALL), "utf-8")
    here = load_key({"problems": [{"id": 1, "count": str(tmp_path / "net.yaml"), "ask": ["params"]}]})
    name, _, number = text.partition(" = ")
    case = Case(here.problems[0].subjects[0], Formula(Ref(name)), Formula(num(int(number))), Ref(name))
    mistake = next(one for one in COUNT_MISTAKES if one.__name__ == function)
    assert mistake(case) and mistake.__name__.replace("_", "-") == code
    assert mistake(replace(case, right=Formula(num(int(number) + 1)))) is None


def test_an_output_shape_that_is_rounded_up_has_its_own_cause(tmp_path: Path) -> None:
    shape, params = counted_claims("Layer (type)\tOutput Shape\tParam #\nc (Conv2D)\t(None, 13, 13, 6)\t156", tmp_path)
    assert (shape.verdict, params.verdict) == ("wrong", "right")
    assert shape.diagnosis is not None and shape.diagnosis.code == "not-floored"


def counted_claim(text: str, folder: Path) -> Claim:
    return counted_claims(text, folder, ".txt")[-1]


def counted_claims(text: str, folder: Path, suffix: str = ".md") -> tuple[Claim, ...]:
    (folder / "net.yaml").write_text(json.dumps(SMALL), "utf-8")
    here = load_key({"problems": [{"id": 1, "count": str(folder / "net.yaml"), "ask": ["params"]}]})
    (submission,) = check(here, [read_text(text, suffix=suffix)]).submissions
    return submission.claims


OWN_NETS = {
    "slope-elsewhere": (
        {"equations": "q = w*x\nh = tanh(q)\nJ = (h - t)^2", "values": {"w": 2, "x": 1, "t": 5}},
        "dJ/dq = dJ/dh*(1 - q^2)",
    ),
    "absolute": (
        {"equations": "q = w*x\nh = tanh(q)\nJ = (h - t)^2", "values": {"w": 2, "x": 1, "t": 5}},
        "dJ/dh = 2*abs(h - t)",
    ),
    "mean-without-sum": (
        {
            "equations": "mu[j] = 1/N*sum(i=1..N, a[i,j])\nJ = sum(j=1..3, mu[j]^2)",
            "sizes": {"N": None},
            "shapes": {"a": ["N", 3]},
        },
        "mu[j] = 1/N*a[n,j]",
    ),
    "constant-factor": (
        {"equations": "q = w*x\nh = q^3\nJ = exp(h)", "values": {"w": 2, "x": 1}},
        "dJ/dq = dJ/dh*6*q^2",
    ),
    "chain-factor": (  # true of the convention 1/2 at y = 1/2, and nowhere else
        {"equations": "y = sigmoid(z)\nJ = 1/2*(y - t)^2", "values": {"z": 0, "t": 2}},
        "dJ/dz = (y - t)*y",
    ),
    "transposed-weight": (
        {"equations": "z[j] = sum(k, W[j,k]*x[k])\nJ = sum(j=1..2, z[j]^2)", "shapes": {"W": [2, 2]}},
        "dJ/dx[k] = sum(j=1..2, dJ/dz[j]*W[k,j])",
    ),
    "gated-by-gradient": (
        {"equations": "q = w*x\nh = relu(q)\nJ = (h - t)^2", "values": {"w": 2, "x": 1, "t": 5}},
        "dJ/dq = dJ/dh*(dJ/dh > 0)",
    ),
}


@pytest.mark.parametrize("code", OWN_NETS)
def test_a_mistake_in_a_network_of_its_own(code: str, tmp_path: Path) -> None:
    net, text = OWN_NETS[code]
    (tmp_path / "net.yaml").write_text(json.dumps(net), "utf-8")
    here = load_key({"problems": [{"id": 1, "net": str(tmp_path / "net.yaml"), "ask": ["J"]}]})
    (submission,) = check(here, [read_text(text)]).submissions
    (found,) = submission.claims
    assert found.verdict == "wrong" and found.diagnosis is not None and found.diagnosis.code == code, found


@pytest.mark.parametrize("text", ["conv_1_1.params = 4864", "conv_1_1.weights = 64*3*5*5"])
def test_a_kernel_as_wide_as_the_picture_is_deep(text: str) -> None:
    counted = load_key({"problems": [{"id": 1, "count": "vgg16", "ask": ["params"]}]})
    (found,) = check(counted, [read_text(text)]).submissions[0].claims
    assert found.diagnosis is not None and found.diagnosis.text == "5 stands where 3 belongs"


def test_a_mean_of_which_only_the_division_is_left(tmp_path: Path) -> None:
    net = {"equations": "mu = 1/N*sum(i=1..N, a[i])\nJ = mu^2", "sizes": {"N": None}, "shapes": {"a": ["N"]}}
    (tmp_path / "net.yaml").write_text(json.dumps(net), "utf-8")
    here = load_key({"problems": [{"id": 1, "net": str(tmp_path / "net.yaml"), "ask": ["J"]}]})
    (found,) = check(here, [read_text("mu = 1/N")]).submissions[0].claims
    assert found.verdict == "wrong" and found.diagnosis is not None and found.diagnosis.code == "chain-factor"
    assert found.diagnosis.text == "the factor Σ_{i=1..N} a[i] is missing"


def test_the_base_of_a_logarithm_is_no_cause_where_there_is_none() -> None:
    found = claim("six-weights", "dyhat/dz5 = 0.3")  # 0.2288/ln 2 = 0.33, but nothing here has a logarithm
    assert found.verdict == "wrong" and found.diagnosis is not None and found.diagnosis.code != "log-base"


def test_a_factor_of_a_squared_error_is_a_convention_until_the_loss_is_stated() -> None:
    assert claim("six-weights", "dL/dyhat = yhat - y").verdict == "convention"
    stated = claim("six-weights", "L = (y - yhat)^2 = 0.02116\ndL/dyhat = yhat - y")
    assert stated.verdict == "wrong" and stated.diagnosis is not None
    assert stated.diagnosis.code == "mixed-convention"


def test_the_sign_of_a_step_is_a_convention() -> None:
    found = claim("shared-kernel", "delta w3 = -0.075")
    assert (found.verdict, found.convention) == ("convention", "update-sign")


def test_a_number_that_is_cut_off_is_a_convention() -> None:
    found = claim("six-weights", "z4 = 0.19278")  # 0.192787…
    assert (found.verdict, found.convention) == ("convention", "truncated")


def test_an_error_is_carried_forward_through_the_whole_graph() -> None:
    work = "z1 = 1.40\nz3 = 0.8022\nz5 = w5*z3 + w6*z4 = 0.6032"  # σ(1.4) = 0.80218, 0.8·0.8022 − 0.2·0.19279 = 0.60320
    (submission,) = check(key("six-weights"), [read_text(work)]).submissions
    assert [found.verdict for found in submission.claims] == ["wrong", "follows", "right", "follows"]
    assert submission.parts[0].first_error == 0


def test_nothing_is_earned_through_a_wrong_zero() -> None:
    work = "dL/dz5 = 0\ndL/dz4 = 0"
    (submission,) = check(key("six-weights"), [read_text(work)]).submissions
    assert [found.verdict for found in submission.claims] == ["wrong", "wrong"]


def test_what_a_key_accepts_is_right() -> None:
    network = str(EXAMPLES / "lenet-32.yaml")
    problems = [{"id": 1, "count": network, "ask": ["params"]}]
    for accept, verdict, points in (([], "convention", 0), (["bias"], "right", 1)):
        report = check({"accept": accept, "problems": problems}, [read_text("params = 61470")])
        (submission,) = report.submissions
        assert (submission.claims[0].verdict, submission.points) == (verdict, points)
