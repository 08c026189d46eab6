"""Words beside numbers: what they count, of which layer, and when they are not certain enough to accuse anybody."""

from __future__ import annotations

from pathlib import Path

import pytest

from backcalc.check import check, load_key
from backcalc.check.key import Key
from backcalc.check.result import Claim
from backcalc.check.submission import read_text

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def key() -> Key:
    return load_key({"problems": [{"id": 1, "count": str(EXAMPLES / "lenet-32.yaml"), "ask": ["params"]}]})


def claims(key: Key, text: str) -> list[Claim]:
    (submission,) = check(key, [read_text(text, suffix=".md")]).submissions
    return list(submission.claims)


@pytest.mark.parametrize(
    ("text", "about", "verdict"),
    [
        ("Total # of parameters = 61706", "params", "right"),
        ("Total # of parameters = 61492", "params", "wrong"),
        ("The number of parameters of the second convolution is 2416.", "conv2.params", "right"),
        ("The network has ~62K parameters.", "params", "right"),
        ("The number of parameters is ~500K.", "params", "wrong"),
        ("- fc1 layer\n  - number of weights: 48000", "fc1.weights", "right"),
        ("- fc1 layer\n  - number of weights: 48001", "fc1.weights", "wrong"),
        ("| layer | params |\n|---|---|\n| conv1 | 156 |\n| F6 | 10165 |", "conv1.params", "right"),
        ("Total params: 61706 (241.04 KB)", "params", "right"),
    ],
)
def test_what_a_number_beside_words_is_about(key: Key, text: str, about: str, verdict: str) -> None:
    first = claims(key, text)[0]
    assert (first.about, first.verdict) == (about, verdict)
    assert first.read_as.startswith(about.replace(".", "_") + " = ")


@pytest.mark.parametrize(
    "text",
    [
        "The parameters of the first two layers together are 2572.",
        "Halving every layer the total number of parameters would be 15000.",
        "Each filter has 26 parameters.",
        "In total 99 FLOP, then the next one.",
        "We need 12 weights less than before.",
        "I used 2 layers and 7 filters for 10 epochs.",
        "0.1234567",
        "The total number of parameters of a model with one more layer is 70000.",
    ],
)
def test_uncertain_words_accuse_nobody(key: Key, text: str) -> None:
    assert not [claim for claim in claims(key, text) if claim.verdict == "wrong"]


def test_the_caret_points_into_what_was_handed_in_however_it_was_repaired(key: Key) -> None:
    (claim,) = claims(key, "âˆ’ so: Total number of parameters ï¼\x9d 61706")[-1:]
    assert claim.verdict == "right"
    assert claim.source_line[claim.column - 1 :].startswith("61706")


def test_repeated_signs_that_draw_a_bar_are_no_formula(key: Key) -> None:
    assert claims(key, "1000/1000 [=====] - 5s 5ms/step") == []


def test_a_mention_of_an_answer_is_not_its_value() -> None:
    answers = load_key({"problems": [{"id": 1, "answers": {"accuracy": {"value": 0.95, "tolerance": 0.02}}}]})
    found = claims(answers, "Report the average accuracy after 10 trials.\n\nThe accuracy is 94.1 %.")
    assert [(claim.verdict, claim.about) for claim in found] == [("right", "accuracy")]


@pytest.mark.parametrize("row", ["dense_2 (Dense)   (None, 10)   650", "| dense_2 (Dense) | (None, 10) | 650 |"])
def test_a_program_that_numbers_layers_its_own_way_is_not_taken_at_its_word(row: str, tmp_path: Path) -> None:
    net = tmp_path / "net.yaml"
    net.write_text("{input: 784, layers: [dense: 128, relu, dense: 64, relu, dense: 10, softmax]}", "utf-8")
    key = load_key({"problems": [{"id": 1, "count": str(net), "ask": ["dense_2.params", "dense_3.params"]}]})
    verdicts = {claim.verdict for claim in claims(key, f"Layer | Output Shape | Param #\n\n{row}")}
    assert verdicts <= {"right", "undecided"}
    alone = claims(key, "The number of parameters of dense_2 is 8257.")
    assert [claim.verdict for claim in alone] == ["wrong"]
