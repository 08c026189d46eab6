"""The model solution of a homework as one HTML page that needs nothing else: formulas set, nothing loaded."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from html import escape

from backcalc.check.solution import Solution
from backcalc.net.errors import printable
from backcalc.render import katex_inline
from backcalc.render.document import Heading
from backcalc.render.html_blocks import block, sentence
from backcalc.render.solve_document import opening, sections
from backcalc.render.solve_words import verdict

SET = """"use strict";
for (const element of document.querySelectorAll(".tex")) {
  const latex = element.textContent;
  try {
    const displayMode = element.classList.contains("display");
    katex.render(latex, element, { displayMode, strict: false, maxExpand: 5000 });
  } catch (error) { // the source stays readable
    element.textContent = latex;
    console.error(error.message);
  }
}
document.documentElement.classList.add("ready");
"""
"""The script that sets the formulas."""

STYLE = """
:root { color-scheme: light dark; --ground: #fff; --ink: #1d2430; --line: #d5dbe6; --panel: #f4f6fa; }
:root { --accent: #a3400f; }
@media screen and (prefers-color-scheme: dark) {
  :root { --ground: #14181f; --ink: #e9edf5; --line: #39424f; --panel: #1f2530; --accent: #ffb077; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 56rem; padding: 1rem 1.25rem 4rem; background: var(--ground); color: var(--ink); }
body { font: 1rem/1.55 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.25; }
h2 { margin: 3rem 0 .6rem; padding-bottom: .25rem; border-bottom: 2px solid var(--accent); font-size: 1.35rem; }
h3 { margin: 1.8rem 0 .5rem; font-size: 1.1rem; } h4 { margin: 1.2rem 0 .4rem; font-size: 1rem; }
nav ul { padding-left: 1.3rem; } a { color: var(--accent); }
h3, h4, p, li { overflow-x: auto; overflow-y: hidden; padding-bottom: .1rem; } li { overflow: visible; }
.display, .table { overflow-x: auto; overflow-y: hidden; max-width: 100%; }
.display { padding: .35rem .2rem; margin: .5rem 0; white-space: pre-wrap; font-family: monospace; }
.ready .display { white-space: normal; font-family: inherit; }
.display > .katex-display { margin: 0; text-align: left; }
.display > .katex-display > .katex { text-align: left; } .katex { font-size: 1.1em; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
table { border-collapse: collapse; }
th, td { padding: .3rem .7rem; border-bottom: 1px solid var(--line); text-align: left; }
.answer { margin-top: 1.5rem; padding: .2rem 1rem .6rem; background: var(--panel); }
.answer { border-left: 4px solid var(--accent); }
.answer h3 { margin-top: .6rem; }
@media print {
  body { max-width: none; font-size: 9.5pt; } .display, .table, p, h3, h4 { overflow: visible; } nav { display: none; }
  h2, h3, h4 { break-after: avoid; } .answer { break-inside: avoid; }
}
"""


def render(solution: Solution, steps: str = "full", digits: int | None = None) -> str:
    """The whole solution as a page; `brief` leaves the way of every derivative out.

    >>> import backcalc
    >>> problem = {"id": 1, "answers": {"accuracy": {"value": "0.93", "tolerance": "0.05"}}}
    >>> page = render(backcalc.solve({"name": "<sheet>", "problems": [problem]}))
    >>> page.startswith("<!doctype html>"), page.count("<h1"), "<sheet>" in page
    (True, 1, False)
    """
    body = "\n".join(_content(solution, steps, digits))
    scripts = [katex_inline.script(), SET]
    hashes = " ".join(f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'" for script in scripts)
    policy = f"default-src 'none'; style-src 'unsafe-inline'; font-src data:; img-src data:; script-src {hashes}"
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>{escape(printable(solution.name))}: solution</title>
<style>{katex_inline.style(body)}</style>
<style>{STYLE}</style>
</head>
<body>
{body}
<script>{scripts[0]}</script>
<script>{scripts[1]}</script>
</body>
</html>
"""


def _content(solution: Solution, steps: str, digits: int | None) -> Iterator[str]:
    parts = list(sections(solution, steps, digits))
    yield "<header>"
    yield from (block(piece, "name") for piece in opening(solution).blocks)
    yield "</header>"
    if len(parts) > 1:
        yield '<nav aria-label="Problems"><ul>'
        for number, (_, text) in enumerate(parts, 1):
            first = text.blocks[0]
            yield f'<li><a href="#problem-{number}">{sentence(getattr(first, "words", ()))}</a></li>'
        yield "</ul></nav>"
    yield "<main>"
    for number, (_, text) in enumerate(parts, 1):
        yield f'<section aria-labelledby="problem-{number}">'
        boxed = False
        for place, piece in enumerate(text.blocks):
            if isinstance(piece, Heading) and piece.words == ("Answer",):
                boxed = True
                yield '<div class="answer">'
            yield block(piece, f"problem-{number}" if place == 0 else f"part-{number}-{place}")
        yield f"{'</div>' if boxed else ''}</section>"
    yield f"<p><strong>{escape(verdict(solution))}</strong></p>"
    yield "</main>"
