"""Right formulas in the middle of sentences, with and without signs of multiplication: none is cut off and accused."""

from __future__ import annotations

from random import Random

import pytest

from backcalc.check import check
from backcalc.check.result import Claim
from backcalc.check.submission import read_text

from .mutants import EXAMPLES, equations, key_of, rewritten, written

COUNTED = {"problems": [{"id": 1, "count": str(EXAMPLES / "lenet-32.yaml"), "ask": ["params"]}]}
SENTENCES = (
    "So {}, as asked.",
    "we get {} here",
    "- {}",
    "{} (see above)",
    "Therefore {}.",
    "1. {}",
    "`{}`",
    "The result is {}",
    "Hence, {} and we go on",
    "By the chain rule {}; done",
    "* so {}",
    "{}, where all is known",
    "(a) {}",
    "**{}**",
    "with {} we have all",
    "{} which is what we want",
)


def formulas(name: str, source: Random) -> list[str]:
    """Right formulas in plain text; in some a blank stands for the sign of multiplication, in some no blanks stand."""
    found = []
    for equation in equations(name):
        text = written(equation, rewritten(equation, source), latex=False)
        way = source.random()
        plain = text.replace("*", " ") if way < 0.4 else text.replace("*", "·") if way < 0.5 else text
        found.append(plain.replace(" ", "") if way > 0.9 and not plain.startswith(("new ", "delta ")) else plain)
    return found


def judged(name: str, suffix: str, source: Random) -> list[tuple[str, list[Claim]]]:
    key = key_of(name)
    found = []
    for formula in formulas(name, source):
        for sentence in source.sample(SENTENCES, 2):
            text = sentence.format(formula)
            (submission,) = check(key, [read_text(text, suffix=suffix)]).submissions
            found.append((text, list(submission.claims)))
    return found


@pytest.mark.parametrize("suffix", [".md", ".txt", ".tex"])
@pytest.mark.parametrize("name", ["shared-kernel", "six-weights", "neuron"])
def test_what_is_right_in_a_sentence_is_not_accused(name: str, suffix: str) -> None:
    for text, found in judged(name, suffix, Random(11)):
        assert not [claim for claim in found if claim.verdict in ("wrong", "follows")], text


@pytest.mark.parametrize("name", ["shared-kernel", "six-weights", "neuron"])
def test_most_of_it_is_read(name: str) -> None:
    pages = judged(name, ".md", Random(11))
    read = [any(claim.verdict in ("right", "convention") for claim in found) for _, found in pages]
    assert sum(read) >= 0.85 * len(read)


@pytest.mark.parametrize(
    "text",
    [
        "conv1.params = 6 filters * (5*5 + 1) = 156",
        "conv1.params = 25 weights times 6 filters + 6 biases = 156",
        "conv1: 25 * 6 filters + 6 biases = 156",
        "fc3.params = 84 inputs * 10 outputs + 10 biases = 850",
        "params = weights + biases = 61706",
        "params(conv2) = 16*(25*6+1) = 2416",
        "conv1.weights = 150 conv1.biases = 6 conv1.params = 156",
    ],
)
@pytest.mark.parametrize("suffix", [".md", ".txt"])
def test_a_count_with_words_between_its_numbers_is_not_accused(text: str, suffix: str) -> None:
    (submission,) = check(COUNTED, [read_text(text, suffix=suffix)]).submissions
    assert not [claim for claim in submission.claims if claim.verdict in ("wrong", "follows")]
