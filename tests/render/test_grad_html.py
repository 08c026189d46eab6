"""The page of a derivation: whole, well formed, loading nothing, safe with every name, and walked in a browser."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
from html.parser import HTMLParser

import mpmath
import pytest

import backcalc
from backcalc.derive import Derivation, derive
from backcalc.formula.functions import FUNCTIONS
from backcalc.formula.read import read_expression
from backcalc.render import grad_html
from backcalc.render.document import Equations, Formula, Grid, Heading, Items, Paragraph, Words
from backcalc.render.grad_document import document
from backcalc.render.graph import graph_of
from backcalc.render.html_steps import Stage, derived
from backcalc.render.latex_layout import lines
from backcalc.render.lemma_proofs import PROOFS, proof

from ..formula.test_functions import REFERENCE, value
from .kinds import EXAMPLES, KINDS

VOID = {"meta", "link", "br", "hr", "img", "input"}
SOURCES = {**KINDS, **{name: EXAMPLES / f"{name}.yaml" for name in ("shared-kernel", "batch-norm", "lstm")}}
HOSTILE = """</script><script>alert(1)</script><!-- " onload="x' & </style> \\input{a}"""


class Page(HTMLParser):
    """What is in a page: every element with its attributes, the formulas, the scripts; and that all is closed."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.formulas: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if "tex" in (dict(attrs).get("class") or "").split():
            self.formulas.append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append((self.open[-1] if self.open else "", data))
        last = next((attrs for tag, attrs in reversed(self.elements) if tag in ("span", "div")), {})
        if self.open and self.open[-1] in ("span", "div") and "tex" in (last.get("class") or "").split():
            self.formulas[-1] += data

    def all(self, tag: str, kind: str = "") -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.elements if name == tag and kind in (attrs.get("class") or "")]

    def text(self, tag: str) -> list[str]:
        return [text for within, text in self.texts if within == tag]


@cache
def derived_from(name: str) -> Derivation:
    return derive(backcalc.load(SOURCES[name]))


@cache
def written(name: str) -> str:
    return grad_html.render(derived_from(name))


@pytest.fixture(scope="module")
def lenet() -> str:
    return grad_html.render(derive(backcalc.load("lenet5")))


def inline(derivation: Derivation) -> list[str]:
    """The formulas within the sentences of a document, whose title is the only part that is left out."""
    found: list[Words] = []
    for part in document(derivation).blocks:
        match part:
            case Heading(_, words) | Paragraph(words):
                found.append(words)
            case Items(items):
                found += items
            case Grid(_, rows):
                found += [cell for row in rows for cell in row]
    return [word.latex for words in found for word in words if isinstance(word, Formula)]


@pytest.mark.parametrize("name", SOURCES)
def test_a_page_is_well_formed_and_every_formula_is_there_in_order(name: str) -> None:
    page = Page(written(name))
    identities = [attrs["id"] for _, attrs in page.elements if "id" in attrs]
    assert len(identities) == len(set(identities))
    labels = [attrs["aria-labelledby"] or "" for _, attrs in page.elements if "aria-labelledby" in attrs]
    assert {part for label in labels for part in label.split()} <= set(identities)
    assert set(inline(derived_from(name))) <= set(page.formulas)
    blocks = [part for part in document(derived_from(name)).blocks if isinstance(part, Equations)]
    places = []
    shown = "\n".join(page.formulas)
    start = 0
    for row in (row for part in blocks for row in part.rows):
        for line in lines([row]):
            start = shown.find(line, start)
            assert start >= 0, line
            places.append(start)
    assert places == sorted(places)


@pytest.mark.parametrize("name", SOURCES)
def test_every_derivative_is_a_step_with_its_place_in_the_drawing(name: str) -> None:
    page, derivation = Page(written(name)), derived_from(name)
    steps = page.all("section", "step")
    boxes, edges = len(page.all("rect", "box")), len(page.all("path", "edge"))
    backward = [step for step in steps if (step["aria-label"] or "").startswith("backward")]
    assert len(backward) == sum(len(derived(part)) for part in derivation.parts)
    for step in steps:
        assert all(int(place) < boxes for place in (step["data-boxes"] or "").split())
        assert all(int(place) < edges for place in (step["data-edges"] or "").split())
    placed = [step for step in steps if step["data-boxes"]]
    assert len(placed) == len(steps)


def test_steps_light_up_what_they_work_on() -> None:
    derivation = derived_from("shared-kernel")
    graph = graph_of(derivation.network)
    stage = Stage(derivation, graph)
    told = {
        step.gradient: (
            [graph.vertices[place].name for place in step.boxes],
            [list(stage.edges)[place] for place in step.edges],
        )
        for step in stage.backward()
    }
    assert told["∂J/∂z"] == (["z"], [("z", "y")])
    assert told["∂J/∂w1"] == (["q"], [])
    assert stage.labels() == {
        ("q", "h"): "∂J/∂q", ("h", "flatten_1"): "∂J/∂h", ("z", "y"): "∂J/∂z", ("y", "J"): "∂J/∂y",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["shared-kernel", "batch-norm", "lstm"])
def test_nothing_is_loaded_and_only_the_own_scripts_run(name: str) -> None:
    text = written(name)
    page = Page(text)
    for tag, attrs in page.elements:
        assert not {key for key in attrs if key.startswith("on")} and tag not in ("iframe", "img", "object", "embed")
        for link in ("src", "href", "action", "xlink:href"):
            assert (attrs.get(link) or "#").startswith(("#", "data:"))
    names = ("http://www.w3.org/1998/Math/MathML", "http://www.w3.org/2000/svg")  # of namespaces
    assert not re.search(r"https?://", re.sub("|".join(map(re.escape, names)), "", text))
    assert all(url.startswith(("data:font/woff2;base64,", "#")) for url in re.findall(r"url\(([^)]*)\)", text))
    assert "@import" not in text and not re.search(r"\beval\(|\bnew Function\b", text)
    scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    policy = next(attrs["content"] or "" for attrs in page.all("meta") if "http-equiv" in attrs)
    hashes = [f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'" for script in scripts]
    assert len(scripts) == 2 and policy.endswith(" ".join(hashes)) and "default-src 'none'" in policy


def test_the_licence_of_katex_is_in_the_page() -> None:
    assert "The MIT License (MIT)" in written("batch-norm") and "Khan Academy" in written("batch-norm")


def test_untrusted_names_are_text() -> None:
    net = {"name": HOSTILE, "input": {"x": 2}, "layers": [{"dense": {"name": "z", "units": 1}}], "loss": "sse"}
    page = Page(grad_html.render(derive(backcalc.load(net))))
    assert len(page.all("script")) == 3
    assert page.text("h1") == [HOSTILE] and page.text("title")[0].startswith(HOSTILE)
    clean = Page(grad_html.render(derive(backcalc.load({**net, "name": "plain"}))))
    assert [tag for tag, _ in page.elements] == [tag for tag, _ in clean.elements]


def test_data_in_a_script_ends_no_script() -> None:
    told = grad_html.escaped_json({HOSTILE: HOSTILE})
    assert "<" not in told and json.loads(told) == {HOSTILE: HOSTILE}


def test_a_page_has_landmarks_headings_and_a_voice() -> None:
    page = Page(written("shared-kernel"))
    assert [len(page.all(tag)) for tag in ("header", "main", "nav", "figure", "h1")] == [1] * 5
    assert page.text("h2") == [
        "Conventions",
        "Symbols",
        "Forward pass",
        "Backward pass",
        "Result",
        "Update",
        "Verified",
    ]
    assert [attrs["id"] for attrs in page.all("p") if attrs.get("aria-live") == "polite"] == ["now"]
    assert all(attrs.get("type") == "button" for attrs in page.all("button"))
    assert all(attrs.get("tabindex") == "0" for attrs in page.all("div", "display"))


def test_symbols_are_told_with_shape_meaning_and_value() -> None:
    page = Page(written("shared-kernel"))
    told = json.loads(next(text for text in page.text("script") if text.startswith('{"list"')))
    symbol = told["list"][told["places"]["W_{z}"]]
    assert symbol["shape"] == r"2 \times 2" and symbol["meaning"] == "weights of dense z"
    assert told["list"][told["places"]["x"]]["value"] == r"(\frac{1}{2},\, 1,\, -\frac{1}{2})"


def test_lenet_is_small_enough_to_send(lenet: str) -> None:
    assert len(lenet.encode()) <= 1_000_000
    assert grad_html.render(derive(backcalc.load("lenet5"))) == lenet


def test_brief_leaves_the_way_out() -> None:
    brief = grad_html.render(derived_from("batch-norm"), "brief")
    assert "(local derivatives)" in written("batch-norm") and "(local derivatives)" not in brief


# -- lemmas -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("function", PROOFS)
def test_every_line_of_a_proof_is_the_derivative(function: str) -> None:
    for number in ("0.3", "1.7", "-0.8", "-2.4", "6.5"):
        at = mpmath.mpf(number)
        if at < 0 and function in ("log", "sqrt"):
            continue
        slope = mpmath.diff(REFERENCE[function], at)
        for formula, _ in PROOFS[function]:
            assert value(read_expression(formula), {"u": at}) == pytest.approx(slope, rel=1e-9, abs=1e-12), formula


def test_a_proof_ends_at_the_table() -> None:
    for function, steps in PROOFS.items():
        assert read_expression(steps[-1][0]) == read_expression(FUNCTIONS[function].derivative)


@pytest.mark.parametrize("function", [name for name, entry in FUNCTIONS.items() if entry.derivatives])
def test_every_function_unfolds_to_something(function: str) -> None:
    told = [row for part in proof(function) if isinstance(part, Equations) for row in part.rows]
    assert told and all(latex for row in told for _, latex in row.rights)


def test_a_lemma_unfolds() -> None:
    page = Page(written("lstm"))
    assert len(page.all("details")) == len(page.all("summary")) > 0
    assert r"\frac{d}{du} \sigma(u) &= \frac{\exp(-u)}{" in "".join(page.formulas)
