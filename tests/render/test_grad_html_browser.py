"""The page of a derivation in a browser: clicked and keyed through, nothing loaded, nothing complained about.

Playwright drives the Chromium that is installed: `pip install playwright`, and `chromium` in the PATH.
"""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import backcalc
from backcalc.derive import derive
from backcalc.render import grad_html

from .kinds import EXAMPLES, KINDS

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
HERE = importlib.util.find_spec("playwright") is not None and CHROMIUM is not None
SWITCHES = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync"]  # fmt: skip
NETS = {
    **{name: EXAMPLES / f"{name}.yaml" for name in ("shared-kernel", "batch-norm", "lstm")},
    "lenet5": "lenet5",
    "kinks": KINDS["kinks"],
    "hessian": KINDS["hessian"],
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

    def __init__(self, browser: Any, file: Path, width: int, scheme: str) -> None:
        self.requests: list[str] = []
        self.complaints: list[str] = []
        context = browser.new_context(
            viewport={"width": width, "height": 844}, color_scheme=scheme, reduced_motion="reduce"
        )
        context.set_default_timeout(8000)
        self.page = context.new_page()
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(file.as_uri())
        self.page.wait_for_selector("body.ready")
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


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_the_page_is_walked(browser: Any, file: Path, width: int, scheme: str) -> None:
    visit = Visit(browser, file, width, scheme)
    page = visit.page
    page.screenshot(path=file.with_name(f"{file.stem}-{width}-{scheme}.png"))
    assert visit.count(".tex") == visit.count(".tex:has(.katex)") > 10
    assert visit.count(".katex-error") == 0
    latex = page.locator("annotation").first.text_content()
    assert latex and all("htmlData" not in text for text in page.locator("annotation").all_text_contents())
    steps = visit.count(".step")
    said = set()
    for number in range(steps):
        page.keyboard.press("ArrowRight")
        now = page.locator("#now").text_content()
        assert now.startswith(f"Step {number + 1} of {steps}: ")
        said.add(now)
        assert page.locator("[aria-current=step]").get_attribute("id") == f"step-{number + 1}"
        assert visit.count("svg .now > .box") == 1
    assert len(said) == steps and page.locator("#forth").is_disabled()
    page.keyboard.press("ArrowRight")
    assert page.locator("#now").text_content().startswith(f"Step {steps} of ")
    page.keyboard.press("ArrowLeft")
    assert page.locator("[aria-current=step]").get_attribute("id") == f"step-{steps - 1}"
    page.click("#forth")
    page.click("#back")
    assert page.locator("[aria-current=step]").get_attribute("id") == f"step-{steps - 1}"
    taken = page.evaluate(
        "(() => { const start = performance.now(); document.getElementById('forth').click();"
        " document.body.offsetHeight; return performance.now() - start; })()"
    )
    assert taken < 500  # milliseconds, on a machine that does other things too; alone it is about ten
    page.keyboard.press("Escape")
    assert visit.count(".now") == 0 and page.locator("#back").is_disabled()
    wide, room = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert wide <= room == width
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
    visit.page.locator("main .symbol").first.hover()
    assert visit.page.locator("#tip").is_visible() and visit.page.locator("#tip p").count() == 1
    assert ": " in (visit.page.locator("#tip").text_content() or "")
    visit.page.keyboard.press("Escape")
    assert visit.page.locator("#tip").is_hidden()
    visit.page.locator("main .display").first.focus()
    visit.page.keyboard.press("Shift+Tab")
    visit.page.keyboard.press("Tab")
    assert visit.page.locator("#tip").is_visible()
    visit.close(file)


@pytest.mark.parametrize("file", ["lstm"], indirect=True)
def test_lemmas_unfold_and_paper_shows_everything(browser: Any, file: Path) -> None:
    visit = Visit(browser, file, 1280, "dark")
    lemmas = visit.page.locator("details")
    if lemmas.count():
        assert not lemmas.first.locator(".display").first.is_visible()
        lemmas.first.locator("summary").click()
        assert lemmas.first.locator(".display").first.is_visible()
        visit.page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert visit.count("details") == visit.count("details[open]")
    visit.page.emulate_media(media="print")
    assert visit.ground() == "rgb(255, 255, 255)"
    assert not visit.page.locator(".walk").is_visible() and not visit.page.locator("#theme").is_visible()
    assert visit.page.locator("figure svg").is_visible()
    visit.close(file)
