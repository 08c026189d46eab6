"""Updates: the left side speaks of the new value, the right side of the old one, however the student marks it."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import dedent

import pytest

from backcalc.check import check, load_key
from backcalc.check.key import Key
from backcalc.check.result import Claim
from backcalc.check.submission import read_text
from tests.check.small import small_key


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Key:
    return load_key(small_key(tmp_path_factory.mktemp("key")))


def claims(key: Key, text: str, suffix: str = ".md") -> tuple[Claim, ...]:
    return check(key, [read_text(text, suffix=suffix)]).submissions[0].claims


@pytest.mark.parametrize(
    "text",
    [
        r"$w_1 \leftarrow w_1 - \eta\,dJ/dw_1 = 17/32$",
        r"$w_1 \gets w_1 - \frac14\cdot\frac{15}{8} = 17/32$",
        r"$w_1 := w_1 - \eta\frac{\partial J}{\partial w_1} = 1 - \frac14\cdot\frac{15}{8} = 0.53125$",
        r"$w_1 = w_1 - \eta\frac{\partial J}{\partial w_1} = 0.53125$",
        r"$w_1^{new} = w_1^{old} - \eta\,dJ/dw_1 = 17/32$",
        r"$w_1^{\text{new}} = 1 - \frac14\cdot\frac{15}8 = 0.53125$",
        r"$w_{1,new} = w_{1,old} - \eta\,dJ/dw_1 = 17/32$",
        r"$w_1' = w_1 - \eta\,dJ/dw_1 = 17/32$",
        r"$w_1^+ = w_1 - \eta\,dJ/dw_1 = 17/32$",
        r"$w_1^{(1)} = w_1^{(0)} - \eta\,dJ/dw_1 = 17/32$",
        r"$w_1^{(t+1)} = w_1^{(t)} - \eta\,dJ/dw_1 = 17/32$",
        r"$w_1^{t+1} = w_1^{t} - \eta\,dJ/dw_1 = 17/32$",
        r"$w_1(t+1) = w_1(t) - \eta\,dJ/dw_1 = 17/32$",
        r"$w_1(new) = 17/32$",
        r"The new value of $w_1$ is 17/32.",
        r"After the update $w_1 = 0.531$.",
        "w1 <- 17/32",
        "w1 ← 17/32",
        "w1 := 1 - 15/32 = 0.53",
        "w1 -= 15/32",
        "w1 += -15/32",
        "w1 = 1 - 0.25*1.875 = 0.53125",
        "w1_new = w1 - 0.25*1.875 = 0.53125",
        "updated w1 = 17/32",
    ],
)
@pytest.mark.parametrize("suffix", [".md", ".txt"])
def test_a_right_update_is_right_of_the_new_value(key: Key, text: str, suffix: str) -> None:
    found = claims(key, text, suffix)
    assert "wrong" not in {claim.verdict for claim in found} and "follows" not in {claim.verdict for claim in found}
    if suffix == ".md" and not text.startswith(("w1 -=", "w1 +=")):
        assert found and {claim.verdict for claim in found} == {"right"}
        assert {claim.about for claim in found} == {"new w1"}


@pytest.mark.parametrize(
    "text",
    [
        r"$w_1 \leftarrow w_1 - \eta\,dJ/dw_1 = 19/32$",
        r"$w_1 \leftarrow w_1 + \eta\,dJ/dw_1$",
        r"$w_1^{new} = 19/32$",
        r"$w_1' = w_1 - 2\eta\,dJ/dw_1$",
        "w1 := 19/32",
        "w1_new = 1 - 0.25*1.5",
    ],
)
def test_a_wrong_update_is_not_right(key: Key, text: str) -> None:
    found = claims(key, text)
    assert found[-1].verdict in ("wrong", "convention") and found[-1].about == "new w1"


def test_the_given_value_and_the_name_of_a_derivative_stay(key: Key) -> None:
    assert [claim.about for claim in claims(key, "w1 := 1 and $w_1 = 1$")] == ["w1", "w1"]
    assert [claim.verdict for claim in claims(key, "$w_1' = 15/8$")] == ["undecided"]
    assert [claim.verdict for claim in claims(key, "$w_1 = 5$")] == ["wrong"]


@pytest.mark.parametrize(
    "text",
    [
        r"$W_{new} = W_{old} - \eta \frac{\partial J}{\partial W}$",
        r"$W^{(t+1)} = W^{(t)} - \eta \nabla_W J = \begin{pmatrix} 0.9 & -0.2 \\ -0.1 & 0.8 \end{pmatrix}$",
        r"$W_{t+1} = W_t - \eta \frac{\partial J}{\partial W}$",
        "$W_{12} := 0 - 0.1\\cdot 2 = -0.2$",
        "W -= 0.1*dJ/dW",
    ],
)
def test_updates_of_whole_arrays_and_of_their_elements(text: str) -> None:
    net = """
    input: {x: 2}
    layers: [{dense: {name: z, units: 2}}]
    loss: {sse: {name: J, target: [0, 1], factor: 1/2}}
    values: {x: [1, 2], W_z: [[1, 0], [0, 1]], b_z: [0, 0]}
    update: {sgd: {rate: 0.1}}
    """
    found = claims(matrices(net), text)
    assert found and {claim.verdict for claim in found} == {"right"}
    assert {(claim.about or "").partition("[")[0] for claim in found} == {"new W_z"}


def matrices(net: str) -> Key:
    with TemporaryDirectory() as folder:
        Path(folder, "net.yaml").write_text(dedent(net), "utf-8")
        key = Path(folder, "key.yaml")
        key.write_text("problems: [{id: 1, net: net.yaml, ask: [new W_z], aliases: {W: W_z}}]\n", "utf-8")
        return load_key(key)
