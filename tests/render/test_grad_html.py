"""The page of a derivation: whole, well formed, loading nothing, safe with every name, and walked in a browser."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
from html.parser import HTMLParser
from importlib.resources import files
from typing import Any

import mpmath
import pytest

import backcalc
from backcalc.derive import Derivation, derive
from backcalc.formula.functions import FUNCTIONS
from backcalc.formula.read import read_expression
from backcalc.render import grad_html
from backcalc.render.document import Equations, Formula, Grid, Heading, Items, Paragraph, Words
from backcalc.render.grad_document import document
from backcalc.render.grad_views import views
from backcalc.render.graph import graph_of
from backcalc.render.html_steps import Stage, derived
from backcalc.render.latex_layout import lines
from backcalc.render.lemma_proofs import PROOFS, proof

from ..formula.test_functions import REFERENCE, value
from .kinds import EXAMPLES, KINDS

VOID = {"meta", "link", "br", "hr", "img", "input"}
FEW = ("dense", "batch", "conv-table", "maxpool2d", "rnn-batch", "embedding", "penalty", "upstream", "jacobian",
       "second", "hessian", "recurrence", "gather", "triangle")  # fmt: skip
SOURCES: dict[str, Any] = {name: KINDS[name] for name in FEW}
SOURCES |= {name: EXAMPLES / f"{name}.yaml" for name in ("shared-kernel", "batch-norm", "lstm")}
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
    return derive(backcalc.load(SOURCES.get(name, name)))


@cache
def written(name: str) -> str:
    return grad_html.render(derived_from(name))


def articles(name: str) -> dict[str, Page]:
    """What a page says in each of its views."""
    found = re.findall(r'<article class="view" data-view="(\w+)".*?</article>', written(name), re.DOTALL)
    parts = re.findall(r'<article class="view".*?</article>', written(name), re.DOTALL)
    return {view: Page(part) for view, part in zip(found, parts, strict=True)}


@pytest.fixture(scope="module")
def lenet() -> str:
    return grad_html.render(backcalc.grad("lenet5"))


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
    for view, derivation in views(derived_from(name)).found.items():
        said = articles(name)[view].formulas
        assert set(inline(derivation)) <= set(said)
        shown, start = "\n".join(said), 0
        rows = [row for part in document(derivation).blocks if isinstance(part, Equations) for row in part.rows]
        for line in (line for row in rows for line in lines([row])):
            start = shown.find(line, start)
            assert start >= 0, line


@pytest.mark.parametrize("name", SOURCES)
def test_every_derivative_is_a_step_with_its_place_in_the_drawing(name: str) -> None:
    page = Page(written(name))
    boxes, edges = len(page.all("rect", "box")), len(page.all("path", "edge"))
    for view, derivation in views(derived_from(name)).found.items():
        steps = articles(name)[view].all("section", "step")
        backward = [step for step in steps if (step["aria-label"] or "").startswith("backward")]
        assert len(backward) == sum(len(derived(part)) for part in derivation.parts)
        for step in steps:
            assert all(int(place) < boxes for place in (step["data-boxes"] or "").split())
            assert all(int(place) < edges for place in (step["data-edges"] or "").split())
            assert step["data-boxes"] and (step["data-edges"] or not edges)


def test_what_is_asked_for_decides_the_views() -> None:
    assert list(articles("shared-kernel")) == ["scalar", "index", "matrix"]
    assert list(articles("batch-norm")) == ["index", "matrix"]
    buttons = {attrs["data-show"]: attrs for attrs in Page(written("batch-norm")).all("button") if "data-show" in attrs}
    assert [attrs.get("aria-pressed") for attrs in buttons.values()] == [None, "true", "false"]
    assert "disabled" in buttons["scalar"] and buttons["scalar"]["title"] == "a size is symbolic"
    hidden = [attrs["data-view"] for attrs in Page(written("shared-kernel")).all("article") if "hidden" in attrs]
    assert hidden == ["index", "matrix"]


@pytest.mark.parametrize("name", ["shared-kernel", "batch-norm", "second", "jacobian", "penalty", "upstream"])
def test_every_view_is_what_that_view_alone_would_be_and_verified(name: str) -> None:
    derivation = backcalc.grad(SOURCES[name])
    found = views(derivation)
    assert derivation.view in found.found and len(found.found) + len(found.missing) == 3
    for view, other in found.found.items():
        assert document(other) == document(backcalc.grad(SOURCES[name], view=view))
        assert other.passed


def test_what_is_not_verified_is_so_in_no_view() -> None:
    assert not any(other.verified for other in views(derived_from("batch-norm")).found.values())
    assert written("batch-norm").count("Nothing: this result has not been verified.") == 2


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
    assert told["∂J/∂w1"] == (["q"], [("x", "q")])
    assert {(label.edge, label.text, label.at_end) for label in stage.labels()} == {
        (("x", "q"), "∂J/∂w1 = 0", True), (("q", "h"), "∂J/∂q = (0, 0)", False),
        (("h", "flatten_1"), "∂J/∂h = (0, 0)", False), (("z", "y"), "∂J/∂z = (−1/2, 1/2)", False),
        (("y", "J"), "∂J/∂y = (−2, 0)", False),
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
    headings = ["Conventions", "Symbols", "Forward pass", "Backward pass", "Result", "Update", "Verified"]
    assert page.text("h2") == 3 * headings
    assert [attrs["id"] for attrs in page.all("p") if attrs.get("aria-live") == "polite"] == ["now"]
    assert all(attrs.get("type") == "button" for attrs in page.all("button"))
    assert all(attrs.get("tabindex") == "0" for attrs in page.all("div", "display"))


def test_symbols_are_told_with_shape_meaning_and_value() -> None:
    page = Page(written("shared-kernel"))
    told = json.loads(next(text for text in page.text("script") if text.startswith('{"list"')))
    symbol = told["list"][told["places"][r"W_{\mathrm{z}}"]]
    assert symbol["shape"] == r"2 \times 2" and symbol["meaning"] == "weights of dense z"
    assert told["list"][told["places"]["x"]]["value"] == r"(\frac{1}{2},\, 1,\, -\frac{1}{2})"


def test_lenet_is_small_enough_to_send(lenet: str) -> None:
    assert len(lenet.encode()) <= 1_000_000


def test_the_same_page_every_time() -> None:
    assert grad_html.render(derive(backcalc.load(SOURCES["shared-kernel"]))) == written("shared-kernel")


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


# -- colours ------------------------------------------------------------------------------------------


def _contrast(first: str, second: str) -> float:
    """Source: WCAG 2.2, definitions of relative luminance and contrast ratio."""

    def luminance(colour: str) -> float:
        digits = colour.removeprefix("#")
        digits = "".join(2 * digit for digit in digits) if len(digits) == 3 else digits
        parts = (int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4))
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    high, low = sorted((luminance(first), luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_computed_as_published() -> None:
    assert _contrast("#fff", "#000") == pytest.approx(21)
    assert _contrast("#777", "#ffffff") == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(scheme: str) -> None:
    css = files("backcalc.render").joinpath("grad_html.css").read_text("utf-8").split("}")[0]
    source = css if scheme == "light" else grad_html.DARK
    colours = dict(re.findall(r"--([\w-]+): (#\w+)", source))
    text = {"ink": ("ground", "panel", "lit", "box", "in", "out"), "faint": ("ground", "box", "in", "out", "lit")}
    text |= {"accent": ("ground", "lit"), "ground": ("ink",)}
    for ink, grounds in text.items():
        for ground in grounds:
            assert _contrast(colours[ink], colours[ground]) >= 4.5, (ink, ground)
    for line in ("rim", "in-rim", "out-rim", "accent"):
        assert _contrast(colours[line], colours["ground"]) >= 3, line
