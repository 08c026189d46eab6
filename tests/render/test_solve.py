"""The model solution of a homework: its answers against other routes, its forms, its exit status, its errors."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import backcalc
from backcalc.check import load_key
from backcalc.check.solution import Solution
from backcalc.cli.program import cli
from backcalc.derive.exact import EXACT
from backcalc.formula.evaluate import evaluate_expression
from backcalc.formula.tree import names
from backcalc.net.errors import InputError
from backcalc.render import solve_html, solve_ipynb, solve_json, solve_latex, solve_markdown, solve_text

from .latex_check import fault, formulas, katex_is_here, refused_by_katex

ROOT = Path(backcalc.__file__).parents[1]
HOMEWORK = ROOT / "examples" / "homework"
KEYS = {
    "key": HOMEWORK / "key.yaml",
    "norm": HOMEWORK / "norm-and-claims.yaml",
    **{name: ROOT / "tests" / "check" / f"{name}.yaml" for name in ("sheet-000", "sheet-003")},
}
FALSE = {"name": "one false claim", "problems": [{"id": "a", "claims": ["sqrt(x^2) = x", "x + x = 2*x"]}]}


@cache
def solved(name: str) -> Solution:
    return backcalc.solve(KEYS[name])


def run(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(cli, ["solve", *map(str, arguments)], standalone_mode=False)
    assert result.exception is None, result.exception
    return result.return_value, result.stdout, result.stderr


def answers(name: str) -> dict[str, Any]:
    problems = solve_json.render(solved(name))["problems"]
    return {f"{problem['id']}: {asked['asked']}": asked for problem in problems for asked in problem["asked"]}


# -- what is answered ------------------------------------------------------------------------------


def test_the_shared_kernel_by_hand() -> None:
    found = answers("key")
    # y = softmax(2, 2), so dJ/dz = (-1/2, 1/2) and dJ/dw3 = -1/2·h1 = -1/2·3/2; w3 = w5 and w4 = w6 cancel in w1
    assert found["1: delta w1"]["exact"] == "0"
    assert (found["1: dJ/dw3"]["exact"], found["1: dJ/dw3"]["formula"]) == ("-3/4", "-y[2]*h[1]")
    assert found["2: conv2.weights"]["exact"] == str(5 * 5 * 6 * 16)
    assert found["2: weights"]["exact"] == str(5 * 5 * 6 + 5 * 5 * 6 * 16 + 400 * 120 + 120 * 84 + 84 * 10)


def test_batch_normalisation_by_hand() -> None:
    found = answers("norm")
    low, high = 1 / (1 + math.e), 1 / (1 + 1 / math.e)  # the outputs of the two samples, with targets 0 and 1
    slopes = [1 / 2 * low * low * (1 - low), 1 / 2 * (high - 1) * high * (1 - high)]
    gradient = -slopes[0] + slopes[1]  # what is normalised is -1 and 1
    assert found["2: J"]["decimal"] == pytest.approx(1 / 4 * (low**2 + (high - 1) ** 2), rel=1e-12)
    assert found["2: dJ/dgamma_v"]["decimal"] == pytest.approx(gradient, rel=1e-12)
    assert found["2: new gamma_v"]["decimal"] == pytest.approx(1 - 0.1 * gradient, rel=1e-12)
    # the formula of the lecture for dJ/dgamma, every derivative upstream put in; verified against differences
    assert found["1: dJ/dgamma"]["formula"] == "sum(i=1..N, (y[i,j] - d[i,j])*w[j]*h[i,j]*(1 - h[i,j])*uh[i,j])"
    assert found["1: dJ/dgamma"]["exact"] is None
    assert (found["5: test accuracy"]["decimal"], found["5: test accuracy"]["tolerance"]) == (0.93, 0.05)


def test_what_is_put_in_is_what_the_derivation_says(tmp_path: Path) -> None:
    net = tmp_path / "net.yaml"
    net.write_text(
        "sizes: {N: 3, m: 2, D: 2}\nrandom: {seed: 1}\nfind: [w]\nequations: |\n"
        "  z[i,j] = sum(k=1..D, w[j,k]*x[i,k]) + b[j]\n"
        "  y[i,j] = tanh(z[i,j])\n"
        "  J = 1/2*sum(i=1..N, sum(j=1..m, (y[i,j] - d[i,j])^2))\n",
        encoding="utf-8",
    )
    solution = backcalc.solve({"problems": [{"id": 1, "net": [str(net)], "ask": ["dJ/dw"]}]})
    (result,) = solution.parts[0].results
    values = backcalc.grad(net, view="index").values
    assert result.formula is not None and result.of is not None
    assert not any("/" in name for name in names(result.formula))
    indices = [name for index in result.of.indices for name in names(index)]
    assert len(values["dJ/dw"]) == 4
    for place, value in values["dJ/dw"].items():
        frame = {"N": 3, "m": 2, "D": 2, **dict(zip(indices, place, strict=True))}
        found = evaluate_expression(result.formula, frame, values, EXACT)
        assert float(found.decimal()) == pytest.approx(float(value.decimal()), rel=1e-12)


def test_points_are_shared_and_add_up() -> None:
    for name in KEYS:
        for part in solved(name).parts:
            shares = [result.points for result in part.results]
            assert not shares or sum(shares) == part.points
    assert solved("norm").points == Fraction(60)


def test_every_key_at_hand_is_solved_and_holds() -> None:
    for name in KEYS:
        solution = solved(name)
        assert solution.holds, name
        assert [part.id for part in solution.parts] == [p.id for p in load_key(KEYS[name]).problems]


def test_values_of_the_forward_pass_need_no_derivative() -> None:
    key = {"problems": [{"id": 1, "net": str(ROOT / "examples" / "shared-kernel.yaml"), "ask": ["J", "y1"]}]}
    text = solve_text.render(backcalc.solve(key))
    assert "Backward pass" not in text and "Wanted" not in text
    assert "│ J = −log(y1) = log(2) ≈ 0.693147" in text
    assert "Backward pass" not in solve_markdown.render(backcalc.solve(key))


def test_a_network_that_may_be_meant_instead_has_its_answers_too() -> None:
    text = solve_text.render(solved("norm"), "brief")
    assert "Instead of it batch normalisation may be meant, throughout." in text
    assert "∂J/∂γ[j] = Σ_{i=1..N} (y[i,j] − d[i,j])·y[i,j]·(1 − y[i,j])·â[i,j]" in text


def test_conventions_are_said_where_the_key_accepts_them() -> None:
    problem = {"id": 1, "count": "lenet5", "ask": ["params"]}
    text = solve_text.render(backcalc.solve({"accept": ["bias"], "problems": [problem]}))
    assert "Also accepted (bias): biases are counted, or left out." in text
    assert "under the convention `bias`: 61470" in text
    assert "convention `bias`" not in solve_text.render(backcalc.solve({"problems": [problem]}))


# -- what is wrong ---------------------------------------------------------------------------------


def test_a_false_claim_is_told_and_the_status_is_one(tmp_path: Path) -> None:
    key = tmp_path / "key.yaml"
    key.write_text(json.dumps(FALSE), encoding="utf-8")
    status, text, messages = run(key)
    assert status == 1
    assert "✗ The claim does not hold. Counterexample:" in text
    assert "NOT everything holds: see problem a." in text
    assert messages == "not everything holds: see problem a\n"
    found = json.loads(run(key, "--format", "json")[1])
    assert (found["holds"], [proof["holds"] for proof in found["problems"][0]["proofs"]]) == (False, [False, True])


def test_a_derivation_that_fails_a_check_is_not_called_verified() -> None:
    from dataclasses import replace

    from backcalc.derive.derivation import Check

    solution = solved("key")
    first, *rest = solution.parts
    assert first.derivation is not None
    broken = replace(first.derivation, verified=(Check("differences", 0.5, False, "7 derivatives"),))
    worse = Solution(solution.name, solution.accepted, (replace(first, derivation=broken), *rest))
    assert not worse.holds
    assert "This result is NOT verified." in solve_text.render(worse, "brief")
    assert "NOT everything holds: see problem 1." in solve_markdown.render(worse, "brief")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("problems: [{id: 1, net: nope.yaml, ask: [dJ/dw]}]", "there is no file or built-in network `nope.yaml`"),
        ("problems: [{id: 1, count: lenet5, ask: [conv9.weights]}]", "did you mean `conv1`?"),
        ("problems: [{id: 1, count: lenet5}]", "the problem asks for nothing"),
        ("problems: [{id: 1}]", "a problem has one of `net`, `count`, `claims` and `answers`"),
        ("problems: [{id: 1, claims: ['x ==== 2']}]", "a claim is `left = right`"),
        ("problem: []", "did you mean `problems`?"),
        ("accept: [bais]\nproblems: [{id: 1, count: lenet5, ask: [params]}]", "did you mean `bias`?"),
    ],
)
def test_a_wrong_key_is_refused_with_its_place(text: str, words: str, tmp_path: Path) -> None:
    key = tmp_path / "key.yaml"
    key.write_text(text, encoding="utf-8")
    result = CliRunner().invoke(cli, ["solve", str(key)])
    assert (result.exit_code, result.stdout) == (2, "")
    assert words in result.stderr and "key.yaml:" in result.stderr
    with pytest.raises(InputError):
        backcalc.solve(key)


def test_a_file_that_is_not_there() -> None:
    result = CliRunner().invoke(cli, ["solve", "no/such/key.yaml"])
    assert result.exit_code == 2
    assert "no/such/key.yaml" in result.stderr and "Traceback" not in result.stderr


def test_a_fragment_is_of_latex() -> None:
    result = CliRunner().invoke(cli, ["solve", str(KEYS["key"]), "--fragment"])
    assert result.exit_code == 2
    assert "--fragment is for --format latex" in result.stderr


# -- the forms -------------------------------------------------------------------------------------


@pytest.mark.parametrize("steps", ["brief", "full"])
@pytest.mark.parametrize("name", KEYS)
def test_the_text_keeps_to_eighty_columns(name: str, steps: str) -> None:
    lines = solve_text.render(solved(name), steps).splitlines()
    assert [line for line in lines if len(line) > 80] == []
    boxes = [line for line in lines if line.startswith(("┌", "│", "└"))]
    assert len([line for line in boxes if line.startswith("┌─ Answer")]) == sum(
        bool(part.results) for part in solved(name).parts
    )
    for start, line in enumerate(boxes):
        if line.startswith("┌"):
            end = next(at for at in range(start, len(boxes)) if boxes[at].startswith("└"))
            assert len({len(row) for row in boxes[start : end + 1]}) == 1


def test_brief_is_shorter_and_answers_the_same() -> None:
    brief, full = (solve_text.render(solved("key"), steps) for steps in ("brief", "full"))
    assert len(brief) < len(full)
    assert "(chain rule)" in full and "(chain rule)" not in brief
    assert brief.count("│ ") == full.count("│ ")


@pytest.mark.parametrize("name", KEYS)
def test_the_structure_of_every_formula_is_sound(name: str) -> None:
    found = list(formulas(solve_latex.render(solved(name)))) + list(formulas(solve_markdown.render(solved(name))))
    assert [(wrong, tex) for _, tex in found if (wrong := fault(tex)) is not None] == []
    assert any(r"\boxed" in tex for _, tex in found)


@pytest.mark.skipif(not katex_is_here(), reason="node with KaTeX is not installed: `npm install katex`, NODE_PATH")
def test_katex_sets_every_formula() -> None:
    found = [each for name in KEYS for each in formulas(solve_latex.render(solved(name)))]
    found += [each for name in KEYS for each in formulas(solve_markdown.render(solved(name)))]
    assert refused_by_katex(found) == []


def test_latex_is_a_document_or_its_body() -> None:
    whole, body = (solve_latex.render(solved("key"), fragment=fragment) for fragment in (False, True))
    assert whole.startswith("\\documentclass") and whole.endswith("\\end{document}\n") and body in whole
    assert whole.count("\\section*") == 1 + 2  # the title and both problems


def test_the_page_needs_nothing_else() -> None:
    page = solve_html.render(solved("norm"))
    assert "http://" not in page.replace("http://www.w3.org", "") and "<script src" not in page
    assert page.count('class="answer"') == 4 and page.count("<h2") == 5
    assert len(page) < 1_000_000


def test_names_of_a_key_are_words_and_never_markup() -> None:
    key = {
        "name": "<script>alert(1)</script>",
        "problems": [{"id": "<b>", "answers": {"x<y": {"value": 1}, "50%_$\\input{a}": {"value": 2}}}],
    }
    solution = backcalc.solve(key)
    assert "<script>alert" not in solve_html.render(solution) and "<b>" not in solve_html.render(solution)
    assert "\\input{a}" not in solve_latex.render(solution)


def test_the_cells_of_the_notebook_run() -> None:
    notebook = json.loads(solve_ipynb.render(solved("key")))
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 4)
    codes = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert len(codes) == 1
    run = "import sys; exec(compile(sys.stdin.read(), 'cell', 'exec'))"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", run], input=codes[0], capture_output=True, text=True, check=True
    )
    assert "all agree" in done.stdout


def test_json_has_the_documented_fields() -> None:
    found = solve_json.render(solved("norm"))
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert list(found)[:1] == ["schema_version"] and found["schema_version"] == 1
    documented = solve_json.__doc__ or ""
    for field in (*found, *found["problems"][0], *found["problems"][0]["asked"][0]):
        assert field in documented
    assert [problem["kind"] for problem in found["problems"]] == ["net", "net", "claims", "count", "answers"]
    assert solve_json.render(solved("norm"), 30)["problems"][1]["asked"][0]["decimal"].startswith("0.0361647")


def test_each_format_is_written_by_the_command(tmp_path: Path) -> None:
    for form in ("text", "markdown", "latex", "html", "ipynb", "json"):
        status, text, _ = run(KEYS["key"], "--format", form, "--steps", "brief")
        assert (status, bool(text)) == (0, True)
