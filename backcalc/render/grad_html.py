"""A derivation as one HTML file that needs nothing else: formulas, the network, steps to walk through."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from html import escape
from importlib.resources import files

from backcalc.derive.derivation import Derivation
from backcalc.derive.written import View
from backcalc.formula.functions import FUNCTIONS
from backcalc.formula.print_latex import latex_name, to_latex
from backcalc.formula.tree import Ref
from backcalc.render import katex_inline, show_svg
from backcalc.render.document import Block, Document, Equations, Formula, Heading, Paragraph
from backcalc.render.grad_document import document, lemma
from backcalc.render.grad_text import MOST_ENTRIES
from backcalc.render.grad_views import VIEWS, Views, views
from backcalc.render.graph import graph_of
from backcalc.render.html_blocks import block, sentence
from backcalc.render.html_steps import Stage, Step
from backcalc.render.latex_values import DerivationPrinter, array_latex
from backcalc.render.lemma_proofs import proof
from backcalc.render.symbols import symbols

DARK = """--ground: #14181f; --ink: #e9edf5; --faint: #a9b4c8; --line: #39424f; --panel: #1f2530; --accent: #ffb077;
  --lit: #33281d; --box: #262d3a; --rim: #8796b3; --in: #22352a; --in-rim: #6fb285; --out: #3b2a24; --out-rim: #d98a66;
  color-scheme: dark;"""

START = "Walk through the steps with ← and →."
WIDEST = 440.0  # of a picture that stands beside the text
MOST_LEAVES = 7  # of a set of equations, each with a box of its own

_NUMBERED = re.compile(r"\d+\. ")


def render(derivation: Derivation, steps: str = "full", digits: int | None = None) -> str:
    """The whole derivation as a page, in its own view and, to be switched to, in the others it can be written in.

    `brief` leaves the way out and keeps formulas and values.

    >>> import backcalc
    >>> page = render(backcalc.grad({"equations": "J = (w*x - 1)^2", "find": ["w"]}))
    >>> page.startswith("<!doctype html>"), page.count("<h1"), page.count("<article")
    (True, 1, 3)
    """
    found = views(derivation)
    graph = graph_of(derivation.network, MOST_LEAVES)
    articles = []
    for view, written in found.found.items():
        content = "\n".join(_content(document(written, steps, digits), Stage(written, graph), view))
        hidden = "" if view == derivation.view else " hidden"
        articles.append(f'<article class="view" data-view="{view}"{hidden}>\n{content}\n</article>')
    drawing = show_svg.picture(graph, labels=tuple(Stage(derivation, graph).labels()))
    return _page(graph.title, _choice(found, derivation.view), drawing, articles, _symbols(derivation, digits))


def _page(name: str, choice: str, drawing: show_svg.Picture, articles: Sequence[str], known: object) -> str:
    title, body, data = escape(name), "\n".join(articles), escaped_json(known)
    scripts = [katex_inline.script(), files("backcalc.render").joinpath("grad_html.js").read_text("utf-8")]
    hashes = " ".join(f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'" for script in scripts)
    policy = f"default-src 'none'; style-src 'unsafe-inline'; font-src data:; img-src data:; script-src {hashes}"
    own = files("backcalc.render").joinpath("grad_html.css").read_text("utf-8").replace("DARK", DARK)
    picture = "\n".join(drawing.lines)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>{title}: gradients</title>
<style>{katex_inline.style(body + data)}</style>
<style>{own}</style>
</head>
<body>
<a class="skip" href="#derivation">Skip to the derivation</a>
<header><h1 id="name">{title}</h1>
<div class="tools">
{choice}
<button id="theme" type="button" aria-label="Light or dark">Dark</button>
</div></header>
<nav class="walk" aria-label="Steps">
<button id="back" type="button" disabled>← Back</button>
<p id="now" role="status" aria-live="polite" data-start="{START}">{START}</p>
<button id="forth" type="button">Next →</button>
</nav>
<div class="page{" wide" if drawing.width > WIDEST else ""}">
<figure tabindex="0" aria-label="The network with its gradients">
{picture}
</figure>
<main id="derivation" tabindex="-1" aria-labelledby="name">
{body}
</main>
</div>
<div id="tip" role="tooltip" hidden></div>
<script type="application/json" id="symbols">{data}</script>
<script>{scripts[0]}</script>
<script>{scripts[1]}</script>
</body>
</html>
"""


def _choice(found: Views, current: View) -> str:
    """A button for every view; those that cannot be written say why."""
    buttons = []
    for view in VIEWS:
        why = found.missing.get(view)
        state = f'aria-pressed="{str(view == current).lower()}"' if why is None else f'disabled title="{escape(why)}"'
        buttons.append(f'<button type="button" data-show="{view}" {state}>{view.capitalize()}</button>')
    return "\n".join(['<div class="choice" role="group" aria-label="View">', *buttons, "</div>"])


def escaped_json(value: object) -> str:
    r"""JSON that ends no script, whatever stands in it.

    >>> print(escaped_json("</script>"))
    "\u003c/script>"
    """
    return json.dumps(value, ensure_ascii=False).replace("<", r"\u003c")


def _symbols(derivation: Derivation, digits: int | None) -> dict[str, object]:
    """Every symbol as the page tells it, and where in that list its LaTeX is found."""
    printer = DerivationPrinter()
    found: dict[str, Mapping[str, str]] = {}
    for symbol in symbols(derivation):
        name = to_latex(Ref(symbol.name)) if symbol.name.endswith("]") else latex_name(symbol.name)
        values = derivation.values.get(symbol.name)
        short = values is not None and 0 < len(values) <= MOST_ENTRIES
        found[name] = {
            "name": name,
            "shape": r" \times ".join(map(to_latex, symbol.shape)),
            "meaning": symbol.meaning,
            "value": array_latex(values, digits, printer) if values is not None and short else "",
        }
    places = {name: place for place, name in enumerate(found)}
    return {"list": list(found.values()), "places": places}


# -- content ----------------------------------------------------------------------------------------


def _content(text: Document, stage: Stage, view: View) -> Iterator[str]:
    """The blocks in sections: one for every heading of the second level, one for every step."""
    backward = stage.backward()
    section, within, number = False, False, 0
    forward = False
    for place, part in enumerate(text.blocks):
        match part:
            case Heading(1, _):
                continue  # the title of the page
            case Heading(level, words):
                if within:
                    yield "</section>"
                    within = False
                if level == 2:
                    if section:
                        yield "</section>"
                    section, forward = True, words == ("Forward pass",)
                    yield f'<section aria-labelledby="{view}-part-{place}">'
                elif isinstance(words[0], str) and _NUMBERED.match(words[0]):
                    number, within = number + 1, True
                    yield _opened(f"{view}-step-{number}", next(backward))
                yield block(part, f"{view}-part-{place}")
            case Equations(rows) if forward:
                for step, own in stage.forward(rows):
                    shown = block(Equations(own))
                    if step is None:
                        yield shown
                    else:
                        number += 1
                        yield "\n".join([_opened(f"{view}-step-{number}", step), shown, "</section>"])
            case Paragraph(("With ", *_)) if within:
                yield from _lemmas(part)
            case _:
                yield block(part)
    yield "</section>" * (within + section)


def _opened(identity: str, step: Step) -> str:
    boxes, edges = (" ".join(map(str, places)) for places in (step.boxes, step.edges))
    return (
        f'<section class="step" id="{identity}" tabindex="-1" aria-label="{escape(step.label)}" data-boxes="{boxes}" '
        f'data-edges="{edges}" data-gradient="{escape(step.gradient)}">'
    )


def _lemmas(part: Paragraph) -> Iterator[str]:
    """Each derivative of a function unfolds to the reason why it is so."""
    known = {lemma(function): function for function, entry in FUNCTIONS.items() if entry.derivatives}
    for formula in part.words:
        if not isinstance(formula, Formula):
            continue
        function = known.get(formula.latex)
        said = sentence(("With ", formula))
        if function is None:
            yield f"<p>{said}</p>"
            continue
        unfolded: tuple[Block, ...] = proof(function)
        inside = "\n".join(block(piece, plain=True) for piece in unfolded)
        yield f'<details data-plain=""><summary>{said}</summary>\n{inside}\n</details>'
