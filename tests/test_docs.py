"""The pages of docs/ build without a warning, show what the program answers, and know every command."""

from __future__ import annotations

import html
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

import backcalc
from backcalc.cli.program import COMMANDS
from backcalc.layers import KINDS, LOSSES
from backcalc.net.update import UPDATES
from backcalc.net.zoo import NETWORKS
from tests.render.latex_check import katex_is_here, refused_by_katex

ROOT = Path(backcalc.__file__).parents[1]
DOCS = ROOT / "docs"
GALLERY = sorted(file.stem for file in (DOCS / "gallery").glob("*.md") if file.stem != "index")
SOURCES = sorted(DOCS.rglob("*.md"))
PATIENCE = 600
VISITED = ("index", "tutorial", "gallery/lstm", "gallery/six-weights", "reference/layers", "how-to/grade")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

needs_sphinx = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("sphinx", "myst_parser", "furo")),
    reason="the documentation needs sphinx, myst-parser and furo: `pip install -e . --group docs`",
)


def _module(name: str) -> ModuleType:
    """A module of the extension that needs nothing but backcalc."""
    spec = importlib.util.spec_from_file_location(f"docs_{name}", DOCS / "_ext" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


running = _module("running")


def sphinx(source: Path, out: Path) -> subprocess.CompletedProcess[str]:
    """Builds pages as docs/README.md says."""
    command = [sys.executable, "-m", "sphinx", "-W", "-q", "-E", "-j", "2", str(source), str(out)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False)


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the pages: one worker of pytest builds them, the others wait."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    out, done = shared / "docs", shared / "docs-done"
    try:
        out.mkdir()
    except FileExistsError:
        patience = time.monotonic() + PATIENCE
        while not done.exists() and time.monotonic() < patience:
            time.sleep(0.2)
    else:
        built = sphinx(DOCS, out)
        draft = done.with_suffix(".draft")
        draft.write_text(built.stdout + built.stderr if built.returncode or built.stderr else "", encoding="utf-8")
        draft.rename(done)
    assert done.read_text(encoding="utf-8") == ""
    return out


def text_of(page: Path) -> str:
    """What a page says, without its marks."""
    article = re.search(r"<article.*?</article>", page.read_text(encoding="utf-8"), re.DOTALL)
    assert article is not None
    return html.unescape(re.sub(r"<[^>]+>", "", article[0]))


def test_two_dozen_derivations_are_in_the_gallery() -> None:
    index = (DOCS / "gallery" / "index.md").read_text(encoding="utf-8")
    assert len(GALLERY) >= 24
    assert {"neuron", "transformer-block", "lstm"} <= set(GALLERY)
    assert sorted(re.findall(r"^[a-z0-9-]+$", index, flags=re.MULTILINE)) == GALLERY


@pytest.mark.parametrize("name", GALLERY)
def test_a_page_of_the_gallery_draws_and_derives_its_example(name: str) -> None:
    source = (DOCS / "gallery" / f"{name}.md").read_text(encoding="utf-8")
    assert f"```{{command}} backcalc show examples/{name}.yaml --format svg\n:format: svg\n" in source
    assert re.search(rf"backcalc grad examples/{name}\.yaml .*--format markdown\n:format: markdown\n", source)


@pytest.mark.parametrize("source", SOURCES, ids=lambda file: file.relative_to(DOCS).as_posix())
def test_every_command_is_one_of_ours(source: Path) -> None:
    for command in re.findall(r"```\{command\} (.*)", source.read_text(encoding="utf-8")):
        if source.name != "README.md":
            assert running.words(command)[1] in (*COMMANDS, "--version")


@pytest.mark.parametrize(
    "command",
    ["rm -r docs", "backcalc zoo | head", "backcalc zoo > zoo.txt", "backcalc zoo; ls", "backcalc zoo & ls", ""],
)
def test_what_only_a_shell_understands_is_refused(command: str) -> None:
    with pytest.raises(running.NotRunnable):
        running.words(command)


def test_a_command_is_split_as_a_shell_does() -> None:
    assert running.words('backcalc prove "sqrt(x^2) = x" --given "x > 0"') == [
        *("backcalc", "prove", "sqrt(x^2) = x", "--given", "x > 0")
    ]


def test_a_command_runs_in_the_folder_of_its_page(tmp_path: Path) -> None:
    running.fresh(tmp_path / "page")
    (tmp_path / "page" / "net.yaml").write_text("input: 3\nlayers: [{dense: 2}]", encoding="utf-8")
    assert "●  dense  2\n" in running.run("backcalc show net.yaml", tmp_path / "page").out
    assert running.run("backcalc count examples/neuron.yml", tmp_path / "page").status == 2
    assert "did you mean" in running.run("backcalc count examples/neuron.yml", tmp_path / "page").err


def test_an_excerpt_says_what_it_leaves_out() -> None:
    assert running.excerpt("a\nb\nc\nd\ne", "2-3,5") == "…\nb\nc\n…\ne"
    assert running.excerpt("a\nb\nc", "1-2") == "a\nb\n…"
    assert running.excerpt("a\nb", "1-") == "a\nb"
    for ranges in ("2-1", "1-9", "2,1", "0-1"):
        with pytest.raises(ValueError, match="there are no lines"):
            running.excerpt("a\nb\nc", ranges)


def test_an_excerpt_may_end_where_a_line_begins() -> None:
    assert running.until("a\n  bc\nd", "b") == "a\n…"
    with pytest.raises(ValueError, match="no line begins with e"):
        running.until("a\nbc", "e")


def test_a_session_that_answers_otherwise_is_told(tmp_path: Path) -> None:
    assert running.session(">>> 1 + 1\n2\n", tmp_path) == ""
    assert "Expected:\n    3\nGot:\n    2\n" in running.session(">>> 1 + 1\n3\n", tmp_path)


@needs_sphinx
@pytest.mark.parametrize(
    ("page", "reason"),
    [
        ("```{command} backcalc count nothing.yaml\n```", "ended with 2 instead of 0"),
        ("```{command} backcalc zoo\n:status: 1\n```", "ended with 0 instead of 1"),
        ("```{command} backcalc zoo | head\n```", "needs a shell for |"),
        ("```{command} backcalc zoo\n:lines: 1-9999\n```", "there are no lines 1-9999"),
        ("```{file} nothing.yaml\n```", "there is no file nothing.yaml"),
        ("```{python}\n>>> 1 + 1\n3\n```", "Expected:"),
        ("```{generated} nothing\n```", "there is no part nothing"),
        ("See {made}`nothing.html`.", "no command of the page wrote nothing.html"),
        ("[](nothing.md)", "nothing.md"),
    ],
)
def test_a_page_that_would_lie_ends_the_build(page: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "index.md").write_text(f"# A page\n\n{page}\n", encoding="utf-8")
    extensions = f"import sys\nsys.path.insert(0, {str(DOCS / '_ext')!r})\n"
    (tmp_path / "conf.py").write_text(extensions + 'extensions = ["myst_parser", "commands", "generated"]\n', "utf-8")
    built = sphinx(tmp_path, tmp_path / "out")
    assert built.returncode != 0
    assert reason in built.stderr


@needs_sphinx
@pytest.mark.parametrize("name", GALLERY)
def test_a_page_of_the_gallery_is_verified(name: str, pages: Path) -> None:
    said = text_of(pages / "gallery" / f"{name}.html")
    assert f"$ backcalc grad examples/{name}.yaml" in said
    verified = said[said.index("\nVerified") :]
    assert "✓" in verified and "✗" not in verified
    assert "data:image/svg+xml" in (pages / "gallery" / f"{name}.html").read_text(encoding="utf-8")


@needs_sphinx
def test_the_reference_knows_all_that_there_is(pages: Path) -> None:
    listed = ("commands", "layers", "losses", "zoo")
    reference = {page: text_of(pages / "reference" / f"{page}.html") for page in listed}
    assert [name for name in COMMANDS if f"backcalc {name} [OPTIONS]" not in reference["commands"]] == []
    assert [kind for kind in KINDS if f"\n{kind}¶" not in reference["layers"]] == []
    assert [kind for kind in (*LOSSES, *UPDATES) if f"\n{kind}¶" not in reference["losses"]] == []
    assert [name for name in NETWORKS if name not in reference["zoo"]] == []
    functions = text_of(pages / "reference" / "python.html")
    assert [name for name in backcalc.__all__ if f"backcalc.{name}(" not in functions] == []


@needs_sphinx
def test_no_page_knows_this_machine_or_loads_from_another(pages: Path) -> None:
    places = {str(ROOT), str(Path.home()), str(pages.parent), sys.prefix, "/work/", "/tmp/"} - {"/"}
    for file in [*pages.rglob("*.html"), *pages.glob("*.js"), *(pages / "made").rglob("*.*")]:
        if file.is_file() and file.suffix in (".html", ".js", ".md", ".json", ".csv", ".ipynb", ".py", ".yaml", ".svg"):
            text = file.read_text(encoding="utf-8")
            assert [place for place in places if place in text] == [], file
            assert not re.search(r"""<(script|img|link|iframe)[^>]*(src|href)=["'](https?:)?//""", text), file


@needs_sphinx
@pytest.mark.skipif(not katex_is_here(), reason="node does not find KaTeX: `npm install katex`, NODE_PATH set to it")
def test_katex_sets_every_formula(pages: Path) -> None:
    found = [
        (tag == "div", html.unescape(latex))
        for page in sorted(pages.rglob("*.html"))
        for tag, latex in re.findall(r'<(div|span) class="math [^"]*">(.*?)</\1>', page.read_text("utf-8"), re.DOTALL)
    ]
    assert len(found) > 1000
    assert refused_by_katex(found) == []


@needs_sphinx
@pytest.mark.skipif(
    importlib.util.find_spec("playwright") is None or CHROMIUM is None,
    reason="no browser: `pip install playwright`, and chromium in the PATH",
)
def test_the_pages_in_a_browser(pages: Path) -> None:
    """On a desk and on a phone: formulas are set, nothing sticks out, nothing is asked for elsewhere or logged."""
    from playwright.sync_api import sync_playwright

    switches = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=switches)
        for width in (1280, 390):
            context = browser.new_context(viewport={"width": width, "height": 844})
            for name in VISITED:
                heard: list[str] = []
                page = context.new_page()
                page.on("request", lambda request, heard=heard: heard.append(request.url))
                page.on("console", lambda message, heard=heard: heard.append(message.text))
                page.on("pageerror", lambda error, heard=heard: heard.append(str(error)))
                page.goto((pages / f"{name}.html").as_uri())
                assert page.evaluate("document.documentElement.scrollWidth") <= width, name
                assert page.locator(".katex-error").count() == 0
                assert page.locator(".math:not(:has(.katex))").count() == 0
                assert [word for word in heard if not word.startswith(("file:", "data:"))] == []
                page.close()
            context.close()
        browser.close()
