"""The page of a model solution in a browser: every formula set, nothing loaded, nothing complained about, no overflow.

Playwright drives the Chromium that is installed: `pip install playwright`, and `chromium` in the PATH.
"""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import pytest

import backcalc
from backcalc.render import solve_html

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
HERE = importlib.util.find_spec("playwright") is not None and CHROMIUM is not None
HOMEWORK = Path(backcalc.__file__).parents[1] / "examples" / "homework"


@pytest.mark.skipif(not HERE, reason="no browser: `pip install playwright`, and chromium in the PATH")
def test_the_page_at_every_width_light_and_dark(tmp_path: Path) -> None:
    from playwright.sync_api import sync_playwright

    file = tmp_path / "solution.html"
    file.write_text(solve_html.render(backcalc.solve(HOMEWORK / "norm-and-claims.yaml")), encoding="utf-8")
    heard: list[str] = []
    grounds = set()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        for width, scheme in ((1280, "light"), (390, "dark")):
            page = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme).new_page()
            page.on("request", lambda request: heard.append(request.url))
            page.on("console", lambda message: heard.append(message.text))
            page.on("pageerror", lambda error: heard.append(str(error)))
            page.goto(file.as_uri())
            page.wait_for_selector("html.ready")
            assert page.locator(".tex").count() == page.locator(".tex > .katex, .tex > .katex-display").count() > 50
            assert page.locator(".answer .katex").count() >= 7
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            grounds.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
            page.locator("nav a").last.click()
            assert page.evaluate("location.hash") == "#problem-5"
            page.screenshot(path=str(tmp_path / f"{width}-{scheme}.png"))
        browser.close()
    assert [each for each in heard if not each.startswith((file.as_uri(), "data:"))] == []
    assert len(grounds) == 2
