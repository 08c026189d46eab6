"""Formulas in plain text that are easily cut off or run together: what is judged is what was written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from backcalc.check import check, load_key
from backcalc.check.key import Key
from backcalc.check.result import Claim
from backcalc.check.submission import read_text

from .small import small_key


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Key:
    return load_key(small_key(tmp_path_factory.mktemp("key")))


def claims(key: Key, text: str, suffix: str) -> tuple[Claim, ...]:
    return check(key, [read_text(text, suffix=suffix)]).submissions[0].claims


@pytest.mark.parametrize("suffix", [".md", ".txt", ".tex"])
@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("z = w1 x1 + w2 x2", ["z = w1*x1 + w2*x2"]),
        ("so z = 1 w1 + 2 w2 = 2", ["z = 1*w1 + 2*w2", "1*w1 + 2*w2 = 2"]),
        ("J = 1/2 (h - t)^2", ["J = 1/2*(h - t)^2"]),
        ("J = 0.5 (2 - 1/8)^2 = 1.76", ["J = 1/2*(2 - 1/8)^2", "1/2*(2 - 1/8)^2 = 44/25"]),
        ("J = 1/2 np.square(h - t)", ["J = 1/2*(h - t)^2"]),
        ("dJ/dw1 = (h - t) x1 = 1.875", ["dJ/dw1 = (h - t)*x1", "(h - t)*x1 = 15/8"]),
        ("dJ/dw2 = 1.875 x2 = 3.75", ["dJ/dw2 = 15/8*x2", "15/8*x2 = 15/4"]),
        ("z=2 h=2 J=1.76", ["z = 2", "h = 2", "J = 44/25"]),
        ("We get z = 2 h = relu(z) = 2", ["z = 2", "h = relu(z)", "relu(z) = 2"]),
        ("z = 2 new w1 = 17/32", ["z = 2", "new_w1 = 17/32"]),
        ("z = 2 J is the loss", ["z = 2"]),
    ],
)
def test_a_blank_between_two_factors_and_between_two_formulas(
    text: str, read: list[str], suffix: str, key: Key
) -> None:
    found = claims(key, text, suffix)
    assert [(claim.read_as, claim.verdict) for claim in found] == [(one, "right") for one in read]


@pytest.mark.parametrize("suffix", [".md", ".txt", ".tex"])
def test_of_several_formulas_in_a_line_the_wrong_one_is_found(suffix: str, key: Key) -> None:
    assert [claim.verdict for claim in claims(key, "z=3 h=2 J=1.76", suffix)] == ["wrong", "right", "right"]


@pytest.mark.parametrize("suffix", [".md", ".txt", ".tex"])
@pytest.mark.parametrize("text", ["J = 0.5 times 3.51", "z = 1 plus 1", "z = 2 foo + 3"])
def test_a_formula_that_goes_on_in_words_is_not_cut_off_before_them(text: str, suffix: str, key: Key) -> None:
    assert [claim.verdict for claim in claims(key, text, suffix)] == ["unreadable"]


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("`J = 0.5*np.square(h - t)`", "J = 1/2*(h - t)^2"),
        ("`J = 0.5 * (h - t)**2`", "J = 1/2*(h - t)^2"),
        ("`z = 3 - 1`", "z = 3 - 1"),
        ("`J: 1.7578`", "J = 8789/5000"),
    ],
)
def test_a_formula_in_a_code_span_is_no_number_with_something_behind_it(text: str, read: str, key: Key) -> None:
    assert [(claim.read_as, claim.verdict) for claim in claims(key, text, ".md")] == [(read, "right")]


@pytest.mark.parametrize(
    "text",
    [
        "$J = 1.7578$ (not 3.5)",
        "J = 1.7578 (see the picture)",
        "J = 1.7578 (1 point)",
        "J = 1.7578 (two-step rule)",
    ],
)
def test_a_remark_in_brackets_is_no_factor(text: str, key: Key) -> None:
    assert [claim.verdict for claim in claims(key, text, ".md")] == ["right"]


RELU = r"$$h = \begin{cases} z, if \space z > 0 \\ 0, if \space z = 0 \end{cases}$$ so the slope is"


@pytest.mark.parametrize(
    "before",
    [
        RELU,
        "The rate is given, we assume plain descent so we find",
        "(I assume that the loss is the halved square) and get",
        "We assume there is no momentum, hence",
    ],
)
def test_what_is_agreed_on_or_distinguished_is_no_hypothesis(before: str, key: Key) -> None:
    found = claims(key, f"{before} $$\\frac{{\\partial J}}{{\\partial w_1}} = 3$$", ".md")
    assert (found[-1].about, found[-1].verdict) == ("dJ/dw1", "wrong")


@pytest.mark.parametrize(
    "text",
    [
        "We assume $w_1 = 2$ so $z = 3$.",
        "I assume w1 to be 2, so $z = 3$.",
        "Suppose the unit is shut, so $dJ/dw_1 = 0$.",
        "If $z = 0$ then $J = 1/128$.",
    ],
)
def test_what_follows_from_other_values_is_not_accused(text: str, key: Key) -> None:
    assert not [claim for claim in claims(key, text, ".md") if claim.verdict in ("wrong", "follows")]


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (r"$\underbrace{w_1 x_1 + w_2 x_2}_{z} = 2$", ["w1*x1 + w2*x2 = 2"]),
        (r"$J = \underbrace{\frac12 (h-t)^2}_{\text{half a square}}$", ["J = 1/2*(h - t)^2"]),
        (r"$z = \overbrace{w_1 x_1}^1 + \underbrace{w_2 x_2} _{1}$", ["z = w1*x1 + w2*x2"]),
        (r"$w_1 = 1 \to w_1 = 17/32$", ["w1 = 1", "new_w1 = 17/32"]),
        (r"$z = 2 \rightarrow h = 2$", ["z = 2", "h = 2"]),
        ("w1 = 1 -> w1 = 17/32", ["w1 = 1", "new_w1 = 17/32"]),
        ("z = 2 → h = 2", ["z = 2", "h = 2"]),
        (r"$\text{(b)} \quad z = 2$", ["z = 2"]),
        (r"$\text{a)}\; \frac{\partial J}{\partial J} = 1$", ["dJ/dJ = 1"]),
    ],
)
def test_braces_with_remarks_and_arrows(text: str, read: list[str], key: Key) -> None:
    found = claims(key, text, ".md")
    assert [(claim.read_as, claim.verdict) for claim in found] == [(one, "right") for one in read]


def test_a_wrong_new_value_behind_an_arrow_is_wrong(key: Key) -> None:
    found = claims(key, r"$w_1 = 1 \to w_1 = 2$", ".md")
    assert [(claim.about, claim.verdict) for claim in found] == [("w1", "right"), ("new w1", "wrong")]


BATCH = {
    "name": "means",
    "sizes": {"N": None},
    "shapes": {"a": ["N", 3]},
    "equations": "mu[j] = 1/N*sum(i=1..N, a[i,j])\nvar[j] = 1/N*sum(i=1..N, (a[i,j] - mu[j])^2)\nJ = sum(j, var[j])",
}


@pytest.mark.parametrize(
    ("text", "about"),
    [
        ("mu[j] = 1/N*sum(i=1..N, a[i,j])", "mu[j]"),
        ("so var[j] = 1/N*sum(i=1..N, (a[i,j] - mu[j])^2) here", "var[j]"),
    ],
)
def test_a_name_of_several_letters_with_an_index_is_read_whole(text: str, about: str, tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(json.dumps(BATCH), "utf-8")
    means = load_key({"problems": [{"id": 1, "net": str(path), "ask": ["dJ/da"]}]})
    assert [(claim.about, claim.verdict) for claim in claims(means, text, ".md")] == [(about, "right")]


@pytest.mark.parametrize("text", ["`J = np.sum((h - t)**2, axis=0)/2`", "`J = foo(h, t=0.5)`"])
def test_an_argument_with_a_name_is_no_printed_number(text: str, key: Key) -> None:
    assert [claim.verdict for claim in claims(key, text, ".md")] == ["unreadable"]


def test_an_empty_text_is_an_unknown_name_and_no_fault_of_the_program(key: Key) -> None:
    assert [claim.verdict for claim in claims(key, r"$z_\text{} = 2$", ".md")] == ["undecided"]


@pytest.mark.parametrize("suffix", [".md", ".txt"])
@pytest.mark.parametrize(
    ("text", "verdicts"),
    [
        ("J(w1, w2) = 1.7578", ["right"]),
        ("J(2) = 5", ["unreadable"]),
        ("J(w1 + 1) = 5", ["unreadable"]),
        ("J (w1 -> 2) = 3", ["unreadable"]),
        ("h(z) = relu(z) = 2", ["right", "right"]),
        ("z(x1, x2) = w1*x1 + w2*x2", ["right"]),
        ("h(z) = 5", ["wrong"]),
        ("h(3) = 3", ["undecided"]),
        ("z(w1 + 1) = 3", ["undecided"]),
        ("x1 (h - t) = 1.875", ["right"]),
        ("h(h - t) = 3.75", ["right"]),
        ("h(h - t) = 5", ["wrong"]),
    ],
)
def test_a_bracket_behind_a_name_holds_a_factor_or_arguments(
    text: str, verdicts: list[str], suffix: str, key: Key
) -> None:
    assert [claim.verdict for claim in claims(key, text, suffix)] == verdicts


@pytest.mark.parametrize("text", ["J=.5*1.875^2=1.758", "`J = .5*(h-t)^2`", "so J = .5 (h - t)^2 = 1.758"])
def test_a_number_may_begin_with_its_point(text: str, key: Key) -> None:
    assert {claim.verdict for claim in claims(key, text, ".md")} == {"right"}
