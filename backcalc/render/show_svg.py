"""A network as an SVG picture: boxes from top to bottom, readable on light and dark ground, by a screen reader too."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from types import MappingProxyType

from backcalc.render.graph import Graph, Vertex
from backcalc.render.layered import layered

FONT = 13.0
LETTER = 0.58  # mean width of a letter, in font sizes
PADDING = 12.0
HEIGHT = 44.0
GAP = 26.0  # between boxes side by side
RISE = 34.0  # between rows
MARGIN = 20.0
LABEL_GAP = 7.0  # between an arrow and what stands beside it

STYLE = """
.box{fill:#f4f6fa;stroke:#5b6b85;stroke-width:1.2}.input .box{fill:#e7f3ea;stroke:#4c8a5c}
.loss .box{fill:#fbeeea;stroke:#b0603f}.title{font-weight:600}.title,.detail{fill:#1d2430}.detail{fill:#566074}
.edge{fill:none;stroke:#7a869b;stroke-width:1.4}.head{fill:#7a869b}
@media (prefers-color-scheme:dark){.box{fill:#262d3a;stroke:#8796b3}.input .box{fill:#22352a;stroke:#6fb285}
.loss .box{fill:#3b2a24;stroke:#d98a66}.title{fill:#e9edf5}.detail{fill:#a9b4c8}.edge{stroke:#8c99b1}
.head{fill:#8c99b1}}
""".replace("\n", "")


def render(graph: Graph, style: str = STYLE, labels: Mapping[tuple[str, str], str] = MappingProxyType({})) -> str:
    """The picture as one SVG document that needs nothing else; `labels` stand where their arrows begin."""
    widths = {vertex.name: _width(vertex) for vertex in graph.vertices}
    layout = layered([vertex.name for vertex in graph.vertices], graph.edges, widths, GAP)
    ends = [(layout.places[name] - width / 2, layout.places[name] + width / 2) for name, width in widths.items()]
    ends += [(x, x) for route in layout.routes.values() for x, _ in route]
    for edge, text in labels.items():
        start, _ = layout.routes[edge][0]
        ends.append((start, start + LABEL_GAP + len(text) * FONT * LETTER))
    left = min((low for low, _ in ends), default=0.0) - MARGIN
    width = max((high for _, high in ends), default=0.0) + MARGIN - left
    height = (1 + max(layout.layers.values(), default=0)) * (HEIGHT + RISE) - RISE + 2 * MARGIN

    def top(layer: int) -> float:
        return MARGIN + layer * (HEIGHT + RISE)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}" role="img" aria-labelledby="title desc" '
        f'font-family="system-ui, sans-serif" font-size="{FONT:.0f}">',
        f'<title id="title">{escape(graph.title)}</title>',
        f'<desc id="desc">{escape(described(graph))}</desc>',
        f"<style>{style}</style>",
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path class="head" d="M0 0L8 4L0 8z"/></marker></defs>',
    ]
    for route in layout.routes.values():
        points = [(x - left, top(layer)) for x, layer in route]
        parts.append(f'<path class="edge" marker-end="url(#arrow)" d="{_path(points)}"/>')
    for vertex in graph.vertices:
        x, y = layout.places[vertex.name] - left, top(layout.layers[vertex.name])
        wide = widths[vertex.name]
        parts.append(
            f'<g class="{vertex.role}" id="node-{escape(vertex.name)}">'
            f'<rect class="box" x="{x - wide / 2:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{HEIGHT:.0f}" rx="7"/>'
            f'<text class="title" x="{x:.1f}" y="{y + 18:.1f}" text-anchor="middle">{escape(vertex.title)}</text>'
            f'<text class="detail" x="{x:.1f}" y="{y + 35:.1f}" text-anchor="middle">{escape(vertex.detail)}</text></g>'
        )
    for edge, text in labels.items():
        start, layer = layout.routes[edge][0]
        x, y = start - left + LABEL_GAP, top(layer) + HEIGHT + RISE / 2 + 2
        parts.append(f'<text class="gradient" x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>')
    return "\n".join([*parts, "</svg>", ""])


def page(graph: Graph) -> str:
    """The picture as an HTML page that loads nothing."""
    title = escape(graph.title)
    style = "body{margin:0;padding:1rem;background:Canvas;color-scheme:light dark}svg{max-width:100%;height:auto}"
    return (
        f'<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{style}</style></head>\n'
        f"<body>\n{render(graph)}</body>\n</html>\n"
    )


def described(graph: Graph) -> str:
    """The picture in words: every box with what it reads."""
    reads: dict[str, list[str]] = {}
    for source, target in graph.edges:
        reads.setdefault(target, []).append(source)
    said = []
    for vertex in graph.vertices:
        sources = reads.get(vertex.name)
        said.append(f"{vertex.title} ({vertex.detail})" + (f" reads {' and '.join(sources)}" if sources else ""))
    return "; ".join(said) + "."


def _width(vertex: Vertex) -> float:
    return max(len(vertex.title) * 1.08, len(vertex.detail), 6) * FONT * LETTER + 2 * PADDING


def _path(points: list[tuple[float, float]]) -> str:
    """From below a box down to the next, through the points between, in smooth curves."""
    (x, y), *rest = points
    y += HEIGHT
    written = [f"M{x:.1f} {y:.1f}"]
    for position, (right, low) in enumerate(rest):
        last = position == len(rest) - 1
        end = low - 1 if last else low
        middle = (y + end) / 2
        written.append(f"C{x:.1f} {middle:.1f} {right:.1f} {middle:.1f} {right:.1f} {end:.1f}")
        if not last:  # past the row, straight down
            written.append(f"V{low + HEIGHT:.1f}")
        x, y = right, low + HEIGHT
    return "".join(written)
