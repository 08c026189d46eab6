"""Mathematics by the KaTeX that backcalc has with it: nothing is loaded from elsewhere."""

from __future__ import annotations

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata
from sphinx.writers.html5 import HTML5Translator

FOLDER = "../backcalc/render/katex"
"""Script, style and fonts, seen from the folder of conf.py."""


def inline(writer: HTML5Translator, node: nodes.Element) -> None:
    """A formula in a line, as LaTeX; `math.js` sets it."""
    writer.body.append(f'<span class="math notranslate nohighlight">{writer.encode(node.astext())}</span>')
    raise nodes.SkipNode


def display(writer: HTML5Translator, node: nodes.Element) -> None:
    """A formula on lines of its own."""
    writer.body.append(f'<div class="math notranslate nohighlight">{writer.encode(node.astext())}</div>')
    raise nodes.SkipNode


def setup(app: Sphinx) -> ExtensionMetadata:
    app.add_html_math_renderer("katex", inline_renderers=(inline, None), block_renderers=(display, None))
    app.add_css_file("katex.min.css")
    app.add_js_file("katex.min.js", loading_method="defer")
    app.add_js_file("math.js", loading_method="defer")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
