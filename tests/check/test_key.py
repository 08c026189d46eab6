"""Answer keys: what they may say, and every mistake in them with its place and the nearest right name."""

from __future__ import annotations

from pathlib import Path

import pytest

from backcalc.check import check, load_key
from backcalc.net.errors import InputError

EXAMPLES = Path(__file__).parents[2] / "examples"
KERNEL, LENET = str(EXAMPLES / "shared-kernel.yaml"), str(EXAMPLES / "lenet-without-biases.yaml")


def test_the_answers_of_a_key() -> None:
    key = {
        "problems": [
            {"id": 1, "net": KERNEL, "ask": ["delta w1", "new w3", "dJ/dw3", "dJ/dz", "J", "y1"]},
            {"id": 2, "count": "lenet5", "bias": False, "ask": ["weights", "connections", "conv2.weights"]},
            {"id": 3, "answers": {"accuracy": {"value": 0.93, "tolerance": 0.05}}},
        ]
    }
    found = {answer.asked: answer.expected.exact for answer in check(key).answers}
    assert found == {
        "delta w1": "0",
        "new w3": "43/40",  # 1 − 0.1·(−3/4)
        "dJ/dw3": "-3/4",
        "dJ/dz": "[-1/2, 1/2]",
        "J": "log(2)",
        "y1": "1/2",
        "weights": "61470",
        "connections": "416520",
        "conv2.weights": "2400",
        "accuracy": "93/100",
    }


@pytest.mark.parametrize(
    ("key", "message", "help"),
    [
        ({"problems": []}, "there are no problems", None),
        ({"problms": []}, "unknown key `problms` of the key", "did you mean `problems`?"),
        ({"accept": ["bia"], "problems": [{"id": 1, "count": "lenet5", "ask": ["params"]}]}, "`bia`", "`bias`"),
        ({"problems": [{"id": 1, "count": "lenet6", "ask": ["params"]}]}, "`lenet6`", "did you mean `lenet5`?"),
        ({"problems": [{"id": 1, "count": "lenet5", "ask": ["parms"]}]}, "unknown name `parms`", "`params`"),
        ({"problems": [{"id": 1, "count": "lenet5", "ask": ["con2.params"]}]}, "no layer `con2`", "`conv2`"),
        ({"problems": [{"id": 1, "count": "lenet5", "ask": ["conv2.parms"]}]}, "has no `parms`", "`params`"),
        ({"problems": [{"id": 1, "count": "lenet5"}]}, "asks for nothing", "ask: [dJ/dw1]"),
        ({"problems": [{"id": 1}]}, "one of `net`, `count`, `claims` and `answers`", None),
        ({"problems": [{"id": 1, "net": KERNEL, "ask": ["dJ/dw9"]}]}, "unknown name `w9`", None),
        ({"problems": [{"id": 1, "net": KERNEL, "ask": ["delta x"]}]}, "not a parameter that is updated", None),
        ({"problems": [{"id": 1, "net": KERNEL, "ask": ["y[3]"]}]}, "outside of `y`", None),
        ({"problems": [{"id": 1, "net": KERNEL, "ask": ["J"], "aliases": {"o": "y[7]"}}]}, "outside of `y`", None),
        ({"follows": 2, "problems": [{"id": 1, "count": "lenet5", "ask": ["params"]}]}, "from 0 to 1", None),
        ({"problems": [{"id": 1, "claims": ["x +"]}]}, "a claim is `left = right`", None),
    ],
)
def test_a_wrong_key_is_told(key: dict[str, object], message: str, help: str | None) -> None:
    with pytest.raises(InputError) as caught:
        load_key(key)
    assert message in str(caught.value)
    assert help is None or help in str(caught.value)


def test_all_mistakes_are_told_at_once() -> None:
    problems = [{"id": 1, "count": "lenet5", "ask": ["parms", "flps"]}, {"id": 1, "count": "nothing", "ask": ["a"]}]
    with pytest.raises(InputError) as caught:
        load_key({"problems": problems})
    assert len(caught.value.problems) == 3


def test_any_of_several_networks_may_be_meant() -> None:
    nets = [str(EXAMPLES / "output-linear.yaml"), str(EXAMPLES / "output-softmax.yaml")]
    key = load_key({"problems": [{"id": 1, "net": nets, "ask": ["dE/dy"]}]})
    from backcalc.check.submission import read_text

    for claim in ("dE/dy[i] = y[i] - t[i]", "dE/dy[i] = -t[i]/y[i]"):
        (submission,) = check(key, [read_text(claim)]).submissions
        assert [found.verdict for found in submission.claims] == ["right"]
        assert submission.points == 1
    (submission,) = check(key, [read_text("dE/dy[i] = t[i] - y[i]")]).submissions
    assert [found.verdict for found in submission.claims] == ["wrong"]
