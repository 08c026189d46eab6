"""LaTeX and Markdown: every formula is set by KaTeX, the content is that of the text, and words stay words."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

import backcalc
from backcalc.derive import Derivation, derive
from backcalc.render import fold_latex, grad_latex, grad_markdown, grad_text, prove_latex
from backcalc.render.document import Equations, Formula, Paragraph, Row
from backcalc.render.grad_document import document
from backcalc.render.latex_layout import WIDTH, broken, displays, lines, measure

from .kinds import EXAMPLES, KINDS
from .latex_check import NO_NODE, fault, formulas, katex_is_here, refused_by_katex

# The other examples are larger networks of the same layers; their derivatives by index are the same formulas.
SMALL = ("batch-norm", "hinge", "logistic-neuron", "output-softmax", "relu-softmax-batch", "shared-kernel",
         "six-weights", "softmax-twice", "mlp-whole-arrays", "batch-norm-numbers")  # fmt: skip
SOURCES = {**KINDS, **{name: EXAMPLES / f"{name}.yaml" for name in SMALL}}
UPDATES = {
    kind: {"equations": "J = (w*x - 1)^2", "values": {"w": 2, "x": "1/3"}, "find": ["w"], "update": update}
    for kind, update in {
        "momentum": {"momentum": {"rate": "1/10"}, "steps": 3},
        "adam": {"adam": {"rate": 0.1}},
        "nesterov": {"nesterov": {"rate": 0.1}, "steps": 2},
    }.items()
}


@cache
def derived(name: str) -> Derivation:
    return derive(backcalc.load({**SOURCES, **UPDATES}[name]))


@cache
def latex(name: str, steps: str = "full") -> str:
    return grad_latex.render(derived(name), steps)


EVERY = (*SOURCES, *UPDATES)


@pytest.mark.parametrize("name", EVERY)
def test_the_structure_of_every_formula_is_sound(name: str) -> None:
    found = list(formulas(latex(name)))
    assert found
    assert [(wrong, tex) for _, tex in found if (wrong := fault(tex)) is not None] == []


@pytest.mark.skipif(not katex_is_here(), reason=NO_NODE)
def test_katex_sets_every_formula() -> None:
    found = [formula for name in EVERY for formula in formulas(latex(name))]
    found += formulas(grad_markdown.render(derived("shared-kernel")))
    for name in ("batch-norm", "relu-softmax-batch", "mlp-whole-arrays"):
        for view in ("index", "matrix"):
            derivation = derive(backcalc.load(SOURCES[name]), view=view)
            found += formulas(grad_markdown.render(derivation, "brief"))
    assert len(found) > 1500
    assert refused_by_katex(list(dict.fromkeys(found))) == []


@pytest.mark.skipif(not katex_is_here(), reason=NO_NODE)
def test_katex_refuses_what_is_wrong() -> None:
    assert (
        len(refused_by_katex([(False, "x_{1"), (False, r"\frac{1}{2}"), (True, r"\nonsense"), (False, "x_1_2")])) == 3
    )


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ("x_{1", "stays open"),
        ("x}", "too many"),
        ("x_{1}_{2}", "two _"),
        (r"\left(x", "stays open"),
        (r"\nonsense", "unknown command"),
        (r"\begin{aligned} x", "environment"),
        ("x^2", "without braces"),
    ],
)
def test_the_structure_check_sees_faults(wrong: str, says: str) -> None:
    assert says in (fault(wrong) or "")


def test_right_structure_is_no_fault() -> None:
    assert fault(r"x_{1}^{2} + \frac{a_{i}}{b_{j}}_{} + \left(y_{k}\right)^{2}") is None


# -- content ------------------------------------------------------------------------------------------


def test_the_parts_come_in_the_order_of_the_text() -> None:
    derivation = backcalc.grad(EXAMPLES / "shared-kernel.yaml")
    written = grad_markdown.render(derivation)
    parts = re.findall(r"^## (.*)$", written, flags=re.MULTILINE)
    assert parts == ["Conventions", "Symbols", "Forward pass", "Backward pass", "Result", "Update", "Verified"]
    own = [line for line in grad_text.render(derivation).splitlines() if line in parts]
    assert own == [part for part in parts if part in own] and len(own) >= 5


@pytest.mark.parametrize("name", ["shared-kernel", "batch-norm", "second", "rnn"])
def test_every_step_of_the_text_is_there_with_its_reason(name: str) -> None:
    text = " ".join(grad_text.render(derived(name)).split())
    blocks = [block for block in document(derived(name)).blocks if isinstance(block, Equations)]
    reasons = [row.reason for block in blocks for row in block.rows if row.reason]
    assert reasons
    words = [part for reason in reasons for part in reason if isinstance(part, str) and len(part) > 12]
    assert [word for word in words if word.strip() not in text] == []
    for reason in ("chain rule", "local derivatives", "everything put in"):
        assert text.count(f"({reason})") == sum(said == (reason,) for said in reasons)


def test_the_numbers_of_the_text_are_there() -> None:
    written = grad_markdown.render(derived("shared-kernel"))
    assert r"J &= -\log(y_{1}) = -\log\left(\frac{1}{2}\right) = \log(2) \approx 0.693147" in written
    assert r"&= -y_{2} \quad \text{(}y_{1} + y_{2} = 1\text{)}" in written
    assert "It is 0 because $w_{3} = w_{5}$ and $w_{4} = w_{6}$." in written
    assert "$w_{1}$ is used twice: in $q_{1}$ and in $q_{2}$" in written


@pytest.mark.parametrize("name", ["shared-kernel", "batch", "rnn", "gather", "recurrence"])
def test_every_symbol_is_introduced_once(name: str) -> None:
    written = grad_markdown.render(derived(name))
    table = written.partition("## Symbols")[2].partition("\n\n## ")[0]
    cells = [row.split(" | ")[0].removeprefix("| ") for row in table.splitlines() if row.startswith("| $")]
    symbols = [symbol for cell in cells for symbol in cell.strip("$").split(r",\, ")]
    program = derived(name).program
    assert len(symbols) == len(set(symbols)) == len(program.shapes) + len(program.sizes)


def test_conventions_stand_at_the_top() -> None:
    written = grad_markdown.render(derived("batch"))
    top = written.partition("## Forward pass")[0]
    assert "The loss with all its factors: $J = " in top and r"\frac{-1}{N}" in top
    assert "Rows of a weight matrix are output units" in top
    assert r"$\operatorname{ReLU}$ has a kink at 0; its derivative there is taken as 0." in top


def test_brief_leaves_the_way_out_and_keeps_the_result() -> None:
    full, brief = latex("batch-norm"), latex("batch-norm", "brief")
    assert "chain rule" in full and "chain rule" not in brief
    assert full.partition(r"\subsection*{Result}")[2] == brief.partition(r"\subsection*{Result}")[2]


def test_several_steps_are_a_table() -> None:
    written = grad_markdown.render(derived("momentum"))
    rows = [line for line in written.splitlines() if re.match(r"\| [123] \| ", line)]
    assert len(rows) == 3
    assert "| step | loss before | parameter | gradient | difference | new value |" in written


def test_what_is_not_verified_says_so() -> None:
    assert "Nothing: this result has not been verified." in grad_markdown.render(derived("dense"))


def test_a_document_compiles_by_itself_and_a_fragment_does_not() -> None:
    whole = grad_latex.render(derived("second"))
    body = grad_latex.render(derived("second"), fragment=True)
    assert whole.startswith(r"\documentclass[a4paper]{article}") and whole.endswith("\\end{document}\n")
    assert re.findall(r"\\usepackage\{(.*?)\}", whole) == ["amsmath,amssymb"]
    assert "documentclass" not in body and body in whole
    for environment in ("itemize", "tabular", "align*"):
        assert body.count(rf"\begin{{{environment}}}") == body.count(rf"\end{{{environment}}}")


def test_words_of_a_file_are_words() -> None:
    name = r"50% of $x_1$ & \input{secret} #1 ~ ^ {} | <b> `c` é ж"
    derivation = derive(backcalc.load({"name": name, "equations": "J = (w*x)^2", "find": ["w"]}))
    title = grad_latex.render(derivation, fragment=True).splitlines()[0]
    assert r"50\% of \$x\_1\$ \& \textbackslash{}input\{secret\} \#1" in title
    assert "ж" not in title and "é" in title
    heading = grad_markdown.render(derivation).splitlines()[0]
    assert r"\$x\_1\$" in heading and r"\<b\>" in heading and r"\`c\`" in heading


# -- lines --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EVERY)
def test_hardly_a_line_is_wider_than_the_page(name: str) -> None:
    rows = [row for block in document(derived(name)).blocks if isinstance(block, Equations) for row in block.rows]
    wide = [line for line in lines(rows) if measure(line) > WIDTH + 16 and r"\frac" not in line]
    assert len(wide) <= len(rows) // 50


def test_a_long_sum_is_broken_at_its_signs() -> None:
    long = " + ".join(f"a_{{{number}}}" for number in range(40))
    found = broken(long, 40)
    assert " ".join(found) == long and len(found) > 1
    assert all(part.startswith("+ ") for part in found[1:])


def test_parentheses_are_opened_where_a_line_is_broken_in_them() -> None:
    inside = " + ".join(rf"\frac{{a_{{{number}}}}}{{b}}" for number in range(30))
    found = broken(rf"x \, \left({inside}\right)", 40)
    assert len(found) > 1 and r"\left" not in "".join(found)
    assert "".join(found).count(r"\bigl(") == "".join(found).count(r"\bigr)") == 1


def test_a_long_display_is_several() -> None:
    rows = [Row(rf"x_{{{number}}}", (("=", r"\frac{1}{2} \, \alpha \, \beta"),)) for number in range(300)]
    found = displays(rows)
    assert len(found) > 1
    assert " \\\\\n".join(found) == " \\\\\n".join(lines(rows))


def test_a_sentence_has_its_formulas_as_formulas() -> None:
    found = [block for block in document(derived("shared-kernel")).blocks if isinstance(block, Paragraph)]
    because = next(block.words for block in found if block.words[0] == "It is 0 because ")
    assert because == ("It is 0 because ", Formula("w_{3} = w_{5}"), ".")


# -- notebooks ----------------------------------------------------------------------------------------


def test_a_notebook_is_shown_markdown_and_latex_and_no_html() -> None:
    derivation = backcalc.grad(EXAMPLES / "shared-kernel.yaml")
    shown = {name: getattr(derivation, name, None) for name in ("_repr_markdown_", "_repr_latex_", "_repr_html_")}
    assert shown["_repr_html_"] is None
    assert shown["_repr_markdown_"]() == grad_markdown.render(derivation)
    latex_of_result = shown["_repr_latex_"]()
    assert latex_of_result.startswith("$$\n") and r"\frac{\partial J}{\partial w_{1}} &=" in latex_of_result
    assert isinstance(derivation, Derivation)


def test_every_derivative_has_its_heading() -> None:
    for file in sorted(EXAMPLES.glob("iris-*.yaml")):
        derivation = derive(backcalc.load(file), view="index")
        assert grad_markdown.render(derivation).count("\n### ") == len(derivation.needed)


def test_a_term_is_cut_between_its_factors_before_its_parentheses_are_opened() -> None:
    found = broken(r"a \, (1 - b) \, (c - d)", 9)
    assert found == [r"a \cdot (1 - b)", r"\cdot (c - d)"]


# -- documents ----------------------------------------------------------------------------------------


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_documents_compile(tmp_path: Path) -> None:
    names = ("shared-kernel", "batch-norm", "second", "jacobian", "recurrence", "adam")
    documents = {name: latex(name) for name in names}
    documents["matrix"] = grad_latex.render(derive(backcalc.load(SOURCES["attention"]), view="matrix"))
    documents["prove"] = prove_latex.render(backcalc.prove("diff(tanh(x), x) = 1 - tanh(x)^2"))
    documents["fold"] = fold_latex.render(backcalc.fold(EXAMPLES / "linear-stack.yaml"))
    for name, text in documents.items():
        (tmp_path / f"{name}.tex").write_text(text, encoding="utf-8")
        command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", f"{name}.tex"]
        run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False)
        assert run.returncode == 0, run.stdout[-2000:]
        assert "Missing character" not in run.stdout
        over = [float(points) for points in re.findall(r"Overfull \\hbox \(([\d.]+)pt", run.stdout)]
        assert max(over, default=0) < 60, name  # 21 mm, still on the paper: a fraction is not broken
