"""The page of a check in a browser: walked by keys, unfolded, chosen from a class; nothing loaded or complained about.

Playwright drives the Chromium that is installed: `pip install playwright`, and `chromium` in the PATH.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from backcalc.check import check, load_key
from backcalc.check.submission import read_text
from backcalc.render import check_html

from .test_grad_html_browser import HERE, Visit, browser

__all__ = ["browser"]

EXAMPLES = Path(__file__).parents[2] / "examples"
WRONG = """# Problem 1
$y_1 = 0.5$ and $\\frac{\\partial J}{\\partial y_1} = \\frac{1}{y_1} = 2$ <script>alert(1)</script>
so $\\frac{\\partial J}{\\partial w_3} = 0.75$

# Problem 2
conv2.weights = 16*5*5 = 400
"""
RIGHT = "# Problem 2\nconv2.weights = 16*6*5*5 = 2400\n"

pytestmark = pytest.mark.skipif(not HERE, reason="no browser: `pip install playwright`, and chromium in the PATH")


@pytest.fixture(scope="module", params=["one", "class"])
def file(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    key = load_key(EXAMPLES / "homework" / "key.yaml")
    works = [read_text(WRONG, "hw/bob.md", ".md"), read_text(RIGHT, "hw/ada.md", ".md")]
    report = check(key, works[:1] if request.param == "one" else works)
    path = tmp_path_factory.mktemp("pages") / f"{request.param}.html"
    path.write_text(check_html.render(report, key), encoding="utf-8")
    return path


def fits(visit: Visit, width: int) -> bool:
    wide: int = visit.page.evaluate("document.documentElement.scrollWidth")
    return wide <= width


@pytest.mark.parametrize("file", ["one"], indirect=True)
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_the_findings_are_walked_and_unfold(browser: Any, file: Path, width: int, scheme: str) -> None:
    visit = Visit(browser, file, width, scheme)
    page = visit.page
    cards = visit.count("article.card")
    assert cards >= 4 and page.locator("#now").text_content().startswith(f"{cards} findings")
    for number in range(1, cards + 1):
        page.keyboard.press("ArrowRight")
        assert page.locator("#now").text_content().startswith(f"Finding {number} of {cards}: ")
        assert visit.count(".card.now") == 1
    assert page.locator("#forth").is_disabled()
    page.click("#back")
    page.keyboard.press("Escape")
    assert visit.count(".card.now") == 0
    first = page.locator("details[data-way] summary").first
    first.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("details[open] .katex")
    assert visit.count("details[open] .tex") == visit.count("details[open] .tex:has(.katex)") > 0
    assert visit.count(".katex-error") == 0 and fits(visit, width)
    page.locator(".problems a").first.click()
    page.wait_for_selector("article.card:focus")
    assert "<script>alert(1)</script>" in page.locator(".rows").text_content()
    visit.page.evaluate("history.replaceState(null, '', location.pathname)")
    visit.close(file)


@pytest.mark.parametrize("file", ["class"], indirect=True)
@pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (390, "light")])
def test_a_class_is_a_page_with_links(browser: Any, file: Path, width: int, scheme: str) -> None:
    visit = Visit(browser, file, width, scheme)
    page = visit.page
    shown = "main > section:visible"
    assert page.locator(shown).evaluate_all("all => all.map(one => one.id)") == ["class"] and fits(visit, width)
    page.locator("#class a", has_text="bob.md").first.click()
    page.wait_for_selector("#s1:visible")
    assert page.locator(shown).evaluate_all("all => all.map(one => one.id)") == ["s1"] and fits(visit, width)
    page.go_back()
    page.wait_for_selector("#class:visible")
    page.goto(f"{file.as_uri()}#c-1-1")
    page.wait_for_selector("#s1:visible")
    page.locator("#s1 .up a").click()
    page.wait_for_selector("#class:visible")
    assert not page.locator("#s1").is_visible()
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator(shown).count() == 3
    assert visit.complaints == []
    page.context.close()


@pytest.mark.parametrize("file", ["one"], indirect=True)
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


@pytest.mark.parametrize("file", ["one"], indirect=True)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read(browser: Any, file: Path, scheme: str) -> None:
    visit = Visit(browser, file, 1280, scheme)
    ratios: dict[str, float] = visit.page.evaluate(CONTRAST)
    assert ratios and min(ratios.values()) >= 4.5, ratios  # WCAG 2.1, 1.4.3
    visit.close(file)


CONTRAST = """() => {
  const light = (text) => {
    const [r, g, b] = text.match(/[\\d.]+/g).map(Number).slice(0, 3).map((c) => c / 255)
      .map((c) => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (!/, 0\\)$|transparent/.test(colour)) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const found = {};
  for (const element of document.querySelectorAll("p, li, b, code, em, a, span, h1, h2, mark, summary, button")) {
    if (!element.textContent.trim() || element.disabled || !element.checkVisibility()) continue;
    const pair = [light(getComputedStyle(element).color), light(ground(element))].sort();
    const name = `${element.tagName}.${element.className}`;
    const ratio = (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
    found[name] = Math.min(found[name] ?? 21, ratio);
  }
  return found;
}"""
