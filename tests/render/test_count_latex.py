"""`count --format latex`: every number and formula arrives, fits the page, compiles, and is set by KaTeX."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from backcalc.count import Table, count
from backcalc.count.compare import versus
from backcalc.net import load_network
from backcalc.render.count_latex import in_latex, in_mathematics, written

from .latex_check import NO_NODE, formulas, katex_is_here, refused_by_katex

SYMBOLIC = """
sizes: {T: null, d: null, hidden_size: null}
input: {tokens: [T]}
layers:
  - embedding: {vocabulary: 1000, units: d}
  - repeat: {name: block, times: 3, layers: [layernorm, attention: {heads: 2}, dense: hidden_size, gelu, dense: d]}
"""
HEAD = ["layer", "kind", "output", "params", "connections", "MACs", "FLOPs", "field"]


def counted(name: str) -> Table:
    return count(load_network(name))


def documents() -> dict[str, str]:
    """What people count: small, deep, with letters, with long names, side by side, with what is unknown."""
    long = "_".join(["a_rather_long_name_of_a_layer"] * 2)
    tables = {name: counted(name) for name in ("lenet5", "resnet18", "gpt2-xl", SYMBOLIC)}
    named = (
        f"{{input: {{x: 3}}, layers: [dense: {{name: {long}, units: 2}}, unknown: {{operator: Fold_&, shape: [2]}}]}}"
    )
    found = {f"net{place}": written(table) for place, table in enumerate((*tables.values(), counted(named)))}
    found["versus"] = written(versus(tables["resnet18"], counted("resnet34")))
    return found


def rows(text: str) -> list[list[str]]:
    """The cells of the first table."""
    body = text.split(r"\endfoot")[1].split(r"\end{longtable}")[0]
    return [line.removesuffix(r" \\").split(" & ") for line in body.splitlines() if " & " in line]


def test_the_table_holds_what_the_table_of_text_does() -> None:
    table = counted("lenet5")
    text = written(table)
    assert text.splitlines()[0] == r"% needs \usepackage{booktabs,longtable,array}"
    assert f"{' & '.join(HEAD)} \\\\\n\\midrule" in text
    expected = [
        [row.name, row.kind, str(list(row.output_shape)), *map(str, (row.params, row.connections, row.macs, row.flops))]
        for row in table.rows
    ]
    assert [row[:7] for row in rows(text)[:-1]] == expected
    assert rows(text)[-1] == ["total", "", "", "61706", "423038", "416520", "844305", ""]


def test_the_formulas_stand_below() -> None:
    text = written(counted("lenet5"))
    assert r"params & $(5 \cdot 5 \cdot 1 + 1) \cdot 6 = 156$ (150 weights, 6 biases)" in text
    assert r"field & $1 + (5 - 1) \cdot 1 = 5$" in text
    repeated = written(counted(SYMBOLIC))
    assert r"layernorm\_\allowbreak{}1, layernorm\_\allowbreak{}2, layernorm\_\allowbreak{}3 (layernorm)" in repeated
    assert r"$d \cdot \mathrm{hidden}_{\mathrm{size}} \cdot T" in repeated


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_it_compiles_and_fits_the_page(tmp_path: Path) -> None:
    for name, text in documents().items():
        source = (
            "\\documentclass{article}\n\\usepackage{booktabs,longtable,array}\n\\begin{document}\n%s\n\\end{document}"
        )
        (tmp_path / f"{name}.tex").write_text(source % text, encoding="utf-8")
        for _ in range(2):  # widths of long tables are known the second time
            command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", f"{name}.tex"]
            run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False)
            assert run.returncode == 0, run.stdout[-2000:]
        assert "Missing character" not in run.stdout
        assert re.findall(r"Overfull \\hbox.*", run.stdout) == [], name


@pytest.mark.skipif(not katex_is_here(), reason=NO_NODE)
def test_katex_sets_every_formula() -> None:
    found = [formula for text in documents().values() for formula in formulas(text)]
    assert len(found) > 100
    assert refused_by_katex(found) == []


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("61706", "61706"),
        ("T", "$T$"),
        ("12·L·d² - 3·d", r"$12 \cdot L \cdot d^{2} - 3 \cdot d$"),
        ("floor((224 - 7)/2) + 1 = 109", r"$\mathrm{floor}((224 - 7)/2) + 1 = 109$"),
        ("-d/2", "$-d/2$"),
        ("units = d, for each of the T tokens", "units = d, for each of the T tokens"),
        ("as the input", "as the input"),
        ("[6, 28]", "[6, 28]"),
        ("", ""),
    ],
)
def test_what_is_mathematics(text: str, shown: str) -> None:
    assert in_mathematics(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("100% & more #1 {x} ~ ^", r"100\% \& more \#1 \{x\} \textasciitilde{} \textasciicircum{}"),
        ("\\input{x}", r"\textbackslash{}input\{x\}"),
        ("counted as `exact`", r"counted as \texttt{exact}"),
    ],
)
def test_special_characters_are_escaped(text: str, shown: str) -> None:
    assert in_latex(text) == shown
