"""How sphinx builds these pages; `docs/README.md` says by which command."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE / "_ext")]

import backcalc  # noqa: E402

project = "backcalc"
author = "The backcalc authors"
release = version = backcalc.__version__
language = "en"
smartquotes = False  # of `--wrt` it makes –wrt

extensions = ["myst_parser", "sphinx.ext.autodoc", "commands", "generated", "katex"]
exclude_patterns = ["README.md"]
root_doc = "index"
nitpicky = False
default_role = "code"  # docstrings write names as Markdown does

myst_enable_extensions = ["deflist", "dollarmath"]
myst_links_external_new_tab = False

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
python_maximum_signature_line_length = 80

html_theme = "furo"
html_title = f"backcalc {release}"
html_math_renderer = "katex"
html_static_path = ["_static", "../backcalc/render/katex"]
html_css_files = ["pages.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_show_copyright = False
highlight_language = "text"
pygments_style = "friendly"
pygments_dark_style = "monokai"
