"""The page of a derivation in a browser: clicked and keyed through, nothing loaded, nothing complained about.

Playwright drives the Chromium that is installed: `pip install playwright`, and `chromium` in the PATH or the path of a
browser in BACKCALC_BROWSER. The screenshots stay beside the pages, in the folders of pytest's `tmp_path`.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import backcalc
from backcalc.derive import derive
from backcalc.render import grad_html, show_svg
from backcalc.render.graph import graph_of

from .kinds import EXAMPLES

NAMES = (os.environ.get("BACKCALC_BROWSER", ""), "chromium", "chromium-browser", "google-chrome")
CHROMIUM = next((found for name in NAMES if name and (found := shutil.which(name))), None)
HERE = importlib.util.find_spec("playwright") is not None and CHROMIUM is not None
SWITCHES = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync"]  # fmt: skip
NETS = {
    **{name: EXAMPLES / f"{name}.yaml" for name in ("shared-kernel", "batch-norm", "lstm")},
    "neuron": EXAMPLES / "logistic-neuron.yaml",
    "attention": EXAMPLES / "attention.yaml",
    "lenet5": "lenet5",
}

pytestmark = pytest.mark.skipif(not HERE, reason="no browser: `pip install playwright`, and chromium in the PATH")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        yield started
        started.close()


class Visit:
    """An open page, what it asked for and what it complained about."""

    def __init__(self, browser: Any, file: Path, width: int, scheme: str, ready: str = "body.ready") -> None:
        self.requests: list[str] = []
        self.complaints: list[str] = []
        context = browser.new_context(
            viewport={"width": width, "height": 844}, color_scheme=scheme, reduced_motion="reduce"
        )
        context.set_default_timeout(60_000)
        self.page = context.new_page()
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(file.as_uri())
        self.page.wait_for_selector(ready)
        self.page.evaluate("document.fonts.ready.then(() => 1)")

    def count(self, selector: str) -> int:
        return int(self.page.locator(selector).count())

    def ground(self) -> str:
        return str(self.page.evaluate("getComputedStyle(document.body).backgroundColor"))

    def close(self, file: Path) -> None:
        """The end: only the page itself was asked for."""
        assert [url for url in self.requests if not url.startswith("data:")] == [file.as_uri()]
        assert self.complaints == []
        self.page.context.close()


@pytest.fixture(scope="module", params=NETS)
def file(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pages") / f"{request.param}.html"
    path.write_text(grad_html.render(derive(backcalc.load(NETS[request.param]))), encoding="utf-8")
    return path


SIZES = [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")]
VISIBLE = "main .view:not([hidden])"

# Milliseconds until a step stands in the layout, the best of three for each: the machine does other things too.
TIMED = """() => {
  const [back, forth] = ["back", "forth"].map((name) => document.getElementById(name));
  const taken = [];
  for (let time = 0; time < 3; time++) {
    for (let step = 0; !forth.disabled; step++) {
      const start = performance.now();
      forth.click();
      document.body.getBoundingClientRect();
      taken[step] = Math.min(taken[step] ?? Infinity, performance.now() - start);
    }
    while (!back.disabled) back.click();
  }
  return taken;
}"""

STATE = """() => [
  document.getElementById("now").textContent, document.querySelector("[aria-current=step]").id,
  document.activeElement.id, document.querySelectorAll("svg .now > .box").length,
  document.querySelectorAll("svg .edge.now").length,
]"""

# Pairs of texts of the drawing that lie on one another, and texts that stick out of their box.
COLLISIONS = """() => {
  const texts = [...document.querySelectorAll("figure svg text")].map((text) => [text, text.getBoundingClientRect()]);
  const wrong = [];
  texts.forEach(([one, a], place) => {
    for (const [other, b] of texts.slice(place + 1)) {
      const apart = a.right <= b.left + 1 || b.right <= a.left + 1 || a.bottom <= b.top + 1 || b.bottom <= a.top + 1;
      if (!apart) wrong.push(`${one.textContent} | ${other.textContent}`);
    }
    const box = one.parentNode.querySelector(":scope > .box");
    if (!box) return;
    const room = box.getBoundingClientRect();
    if (a.left < room.left || a.right > room.right) wrong.push(`${one.textContent} sticks out`);
  });
  return wrong;
}"""


@pytest.mark.parametrize(("width", "scheme"), SIZES)
def test_the_page_fits_its_screen(browser: Any, file: Path, width: int, scheme: str) -> None:
    visit = Visit(browser, file, width, scheme)
    page = visit.page
    page.screenshot(path=file.with_name(f"{file.stem}-{width}-{scheme}.png"))
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.screenshot(path=file.with_name(f"{file.stem}-{width}-{scheme}-walking.png"))
    wide, room = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert wide <= room == width
    assert page.evaluate(COLLISIONS) == []
    visit.close(file)


def test_the_page_is_walked(browser: Any, file: Path) -> None:
    visit = Visit(browser, file, 1280, "light")
    page = visit.page
    assert visit.count(f"{VISIBLE} .tex") == visit.count(f"{VISIBLE} .tex:has(.katex)") > 10
    assert visit.count(".katex-error") == 0
    assert visit.count(f"{VISIBLE} .katex-mathml") == visit.count(f"{VISIBLE} .katex")
    latex = page.locator("annotation").first.text_content()
    assert latex and all("htmlData" not in text for text in page.locator("annotation").all_text_contents())
    current = page.locator("[aria-current=step]")
    places = page.eval_on_selector_all(f"{VISIBLE} .step", "steps => steps.map((step) => step.id)")
    steps, said = len(places), set()
    for number in range(steps):
        page.keyboard.press("ArrowRight")
        now, place, focused, boxes, edges = page.evaluate(STATE)
        assert now.startswith(f"Step {number + 1} of {steps}: ")
        said.add(now)
        assert place == focused == places[number] and boxes == 1 and edges >= 1
    assert len(said) == steps and page.locator("#forth").is_disabled()
    page.keyboard.press("ArrowRight")
    assert page.locator("#now").text_content().startswith(f"Step {steps} of ")
    page.keyboard.press("ArrowLeft")
    assert current.get_attribute("id") == places[-2]
    page.click("#forth")
    page.click("#back")
    assert current.get_attribute("id") == places[-2]
    page.keyboard.press("Escape")
    assert visit.count(".now") == 0 and page.locator("#back").is_disabled()
    taken = page.evaluate(TIMED)
    assert len(taken) == steps and max(taken) < 50
    visit.close(file)


def test_the_view_is_switched_within_the_page(browser: Any, file: Path) -> None:
    visit = Visit(browser, file, 1280, "light")
    page = visit.page
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    told = page.locator("[aria-current=step]").get_attribute("aria-label")
    pressed = page.locator("[data-show][aria-pressed=true]")
    first = pressed.get_attribute("data-show")
    for button in page.locator("[data-show]:not([disabled])").all():
        view = button.get_attribute("data-show")
        button.focus()
        page.keyboard.press("Enter")
        assert pressed.get_attribute("data-show") == view == page.locator(VISIBLE).get_attribute("data-view")
        assert page.locator(VISIBLE).count() == 1
        assert visit.count(f"{VISIBLE} .tex") == visit.count(f"{VISIBLE} .tex:has(.katex)") > 5
        steps = visit.count(f"{VISIBLE} .step")
        if visit.count(f'{VISIBLE} .step[aria-label="{told}"]'):
            assert page.locator(f"{VISIBLE} [aria-current=step]").get_attribute("aria-label") == told
            assert f" of {steps}: {told}" in page.locator("#now").text_content()
        page.screenshot(path=file.with_name(f"{file.stem}-view-{view}.png"))
        wide, room = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        assert wide <= room
    page.click(f"[data-show={first}]")
    assert page.locator(VISIBLE).get_attribute("data-view") == first
    visit.close(file)


@pytest.mark.parametrize("file", ["lstm"], indirect=True)
def test_light_and_dark_follow_the_system_and_the_button(browser: Any, file: Path) -> None:
    grounds = []
    for scheme in ("light", "dark"):
        visit = Visit(browser, file, 1280, scheme)
        before = visit.ground()
        visit.page.click("#theme")
        grounds.append((before, visit.ground()))
        visit.close(file)
    (light, darkened), (dark, lightened) = grounds
    assert light == lightened == "rgb(255, 255, 255)" and dark == darkened != light


@pytest.mark.parametrize("file", ["lenet5", "batch-norm"], indirect=True)
def test_a_symbol_says_what_it_is(browser: Any, file: Path) -> None:
    visit = Visit(browser, file, 1280, "light")
    assert visit.page.locator("#tip").is_hidden()
    tip, box = visit.page.locator("#tip"), visit.page.locator(f"{VISIBLE} .display").first
    visit.page.locator(f"{VISIBLE} .symbol").first.hover()
    assert tip.is_visible() and tip.locator("p").count() == 1
    assert ": " in (tip.text_content() or "") and ("shape " in tip.text_content() or "a number" in tip.text_content())
    visit.page.keyboard.press("Escape")
    assert tip.is_hidden()
    box.focus()
    visit.page.keyboard.press("Shift+Tab")
    visit.page.keyboard.press("Tab")
    assert tip.is_visible() and box.get_attribute("aria-describedby") == "tip"
    visit.page.keyboard.press("Shift+Tab")
    assert tip.is_hidden() and box.get_attribute("aria-describedby") is None
    visit.close(file)


@pytest.mark.parametrize("file", ["lstm"], indirect=True)
def test_each_symbol_of_a_formula_speaks_for_itself(browser: Any, file: Path) -> None:
    """Within one formula the weight tells of the weight, the state of the state, an index of nothing."""
    visit = Visit(browser, file, 1280, "light")
    page, tip = visit.page, visit.page.locator("#tip")
    boxes = page.locator(f"{VISIBLE} .step .display").all()
    box = next(box for box in boxes if "W_" in str(box.locator("annotation").first.text_content()))
    told = {}
    for symbol in box.locator(".katex-html .symbol").all()[:12]:
        symbol.hover()
        said = tip.locator("annotation").first.text_content()
        assert tip.locator("p").count() == 1 and said is not None
        told[symbol.get_attribute("data-symbol")] = said
    assert len(told) == len(set(told.values())) >= 3
    assert {r"W_{\mathrm{i}}", "x"} <= set(told.values())  # an upright i: the input gate's weight, no index
    page.screenshot(path=file.with_name("lstm-symbol.png"))
    picture, text = page.locator("figure").bounding_box(), box.bounding_box()
    assert picture["y"] + picture["height"] <= text["y"]  # a wide picture lies on no formula
    visit.close(file)


@pytest.mark.parametrize("file", ["shared-kernel"], indirect=True)
def test_a_symbol_says_its_value(browser: Any, file: Path) -> None:
    visit = Visit(browser, file, 1280, "light")
    visit.page.locator(f"{VISIBLE} td .symbol").first.hover()
    said = visit.page.locator("#tip annotation").all_text_contents()
    assert said == ["x", "3", r"x = (\frac{1}{2},\, 1,\, -\frac{1}{2})"]
    visit.close(file)


@pytest.mark.parametrize("file", ["shared-kernel"], indirect=True)
def test_the_keyboard_comes_to_everything_in_the_order_of_the_page(browser: Any, file: Path) -> None:
    visit = Visit(browser, file, 1280, "light")
    order = []
    for _ in range(9):
        visit.page.keyboard.press("Tab")
        order.append(visit.page.evaluate("document.activeElement.id || document.activeElement.ariaLabel || "
                                         "document.activeElement.textContent"))  # fmt: skip
    assert order == ["Skip to the derivation", "Scalar", "Index", "Matrix", "theme", "forth",
                     "The network with its gradients", "Table", "Equations"]  # fmt: skip
    visit.close(file)


@pytest.mark.parametrize("file", ["lstm"], indirect=True)
def test_lemmas_unfold_and_paper_shows_everything(browser: Any, file: Path) -> None:
    visit = Visit(browser, file, 1280, "dark")
    lemmas = visit.page.locator(f"{VISIBLE} details")
    assert not lemmas.first.locator(".display").first.is_visible()
    lemmas.first.locator("summary").focus()
    visit.page.keyboard.press("Enter")
    assert lemmas.first.locator(".display").first.is_visible()
    visit.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert lemmas.count() == visit.count(f"{VISIBLE} details[open]")
    visit.page.emulate_media(media="print")
    assert visit.ground() == "rgb(255, 255, 255)"
    assert not visit.page.locator(".walk").is_visible() and not visit.page.locator(".tools").is_visible()
    assert visit.page.locator("figure svg").is_visible()
    visit.close(file)


LONG = "a_layer_whose_name_is_so_long_that_no_box_can_hold_the_whole_of_it"
PICTURES = {
    "lenet5": "lenet5",
    "googlenet": "googlenet",
    "transformer": EXAMPLES / "transformer-block.yaml",
    "long": {"name": LONG, "input": {"x": 2}, "layers": [{"dense": {"name": LONG, "units": 2}}], "loss": "sse"},
}


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("width", [1280, 390])
def test_a_picture_is_a_page_of_its_own(browser: Any, tmp_path: Path, name: str, width: int) -> None:
    file = tmp_path / f"{name}.html"
    file.write_text(show_svg.page(graph_of(backcalc.load(PICTURES[name]))), encoding="utf-8")
    visit = Visit(browser, file, width, "dark", ready="svg")
    visit.page.screenshot(path=tmp_path / f"{name}-{width}.png")
    wide, room = visit.page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert wide <= room
    assert visit.page.evaluate(COLLISIONS) == []
    assert visit.page.locator("main h1").count() == 1
    visit.close(file)
