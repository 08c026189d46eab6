"""Factors that stand against a bracket, unusual signs, dots for what was left out: no formula is cut off at them."""

from __future__ import annotations

import pytest

from backcalc.check import check, load_key
from backcalc.check.key import Key
from backcalc.check.submission import read_text

from .small import small_key


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Key:
    return load_key(small_key(tmp_path_factory.mktemp("key")))


def verdicts(key: Key, text: str, suffix: str) -> list[str]:
    return [claim.verdict for claim in check(key, [read_text(text, suffix=suffix)]).submissions[0].claims]


@pytest.mark.parametrize("suffix", [".md", ".txt"])
@pytest.mark.parametrize(
    "factors",
    [
        "(h-t)x1",
        "(h - t)x_1",
        "[h-t]x1",
        "(h-t) • x1",
        "(h-t) . x1",
        "(h-t)·x1",
        "x1(h-t)",
        "(h-t)1",
        "1(h-t)",
        "(dJ/dh)x1",
    ],
)
def test_a_factor_behind_a_bracket_is_read(factors: str, suffix: str, key: Key) -> None:
    """∂J/∂w1 is (h - t) x1, and x1 is 1."""
    assert verdicts(key, f"dJ/dw1 = {factors} = 1.875", suffix) == ["right", "right"]
    assert verdicts(key, f"dJ/dw2 = {factors} = 1.875", suffix)[0] == "wrong"


@pytest.mark.parametrize("suffix", [".md", ".txt"])
@pytest.mark.parametrize(
    "text",
    [
        "dJ/dw2 = (h-t)*... = 3.75",
        "dJ/dw2 = (h-t)*(...) = 3.75",
        "dJ/dw2 = (h - t)*…",
        "z = 1.4142 squared",
        "h = 1 + 1 tanh 50",
        "dJ/dw2 = (h-t) ∘ foo",
    ],
)
def test_what_goes_on_in_a_way_that_is_not_known_is_unreadable(text: str, suffix: str, key: Key) -> None:
    assert set(verdicts(key, text, suffix)) <= {"unreadable", "undecided"}


@pytest.mark.parametrize("suffix", [".md", ".txt"])
@pytest.mark.parametrize("text", ["J = 3.515625 ÷ 2", "J = 3.515625 : 2", "J = 3.515625 / 2 = 1.7578"])
def test_signs_of_division(text: str, suffix: str, key: Key) -> None:
    assert set(verdicts(key, text, suffix)) == {"right"}


@pytest.mark.parametrize(
    "text", ["z = 2... so h = 2", "z = 2 ... and h = 2", "z = 2. Then h = 2.", "Values: z = 2; h = 2"]
)
def test_dots_behind_a_value_end_it(text: str, key: Key) -> None:
    assert verdicts(key, text, ".md") == ["right", "right"]
    assert "wrong" not in verdicts(key, text, ".txt")


@pytest.mark.parametrize("text", ["relu'(z) = 1", "dJ/dz = (h-t)relu'(z) = 1.875", "f'(z) = 5"])
def test_a_prime_is_not_cut_off(text: str, key: Key) -> None:
    """`(z) = 5` would be wrong."""
    assert "wrong" not in verdicts(key, text, ".md")


@pytest.mark.parametrize("sign", ["times", "·", "*", r"\times", "mal"])
def test_marked_formulas_with_a_sign_between_are_one(sign: str, key: Key) -> None:
    sign = sign.replace(r"\times", "×")
    assert verdicts(key, rf"$\frac{{\partial J}}{{\partial w_2}} = (h - t)$ {sign} $x_2$", ".md") == ["right"]
    assert verdicts(key, rf"$\frac{{\partial J}}{{\partial w_2}} = (h - t)$ {sign} $x_1$", ".md") == ["wrong"]


@pytest.mark.parametrize("dash", ["-", "--", ";", ","])
def test_a_dash_sets_two_statements_apart(dash: str, key: Key) -> None:
    assert verdicts(key, f"$z = 2$ {dash} $h = 2$", ".md") == ["right", "right"]


def test_a_remark_within_a_formula_does_not_end_it(key: Key) -> None:
    formula = r"$\frac{\partial J}{\partial w_2} = (h - t)\,\text{(from above)}\cdot x_2$"
    assert verdicts(key, formula, ".md") == ["right"]
    assert verdicts(key, formula.replace("x_2", "x_1"), ".md") == ["wrong"]
    assert verdicts(key, r"$z = 2 \text{ (rounded) and } h = 2$", ".md") == ["right", "right"]
