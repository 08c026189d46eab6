"""A network as an SVG picture: boxes from top to bottom, readable on light and dark ground, by a screen reader too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from backcalc.render.graph import Graph, Vertex
from backcalc.render.layered import Layout, layered

FONT = 13.0
LETTER = 0.58  # mean width of a letter, in font sizes
PADDING = 12.0
HEIGHT = 44.0
GAP = 26.0  # between boxes side by side
RISE = 34.0  # between rows
ROOM = 12.0  # more between rows where something stands beside the arrows
MARGIN = 20.0
LABEL_GAP = 9.0  # between an arrow and what stands beside it
LABEL_FONT = 11.0
STRAIGHT = 4.0  # how far an arrow may go aside
LONGEST = 34  # letters of a line in a box

STYLE = """
.box{fill:#f4f6fa;stroke:#5b6b85;stroke-width:1.2}.input .box{fill:#e7f3ea;stroke:#4c8a5c}
.loss .box{fill:#fbeeea;stroke:#b0603f}.title{font-weight:600}.title,.detail{fill:#1d2430}.detail{fill:#566074}
.edge{fill:none;stroke:#7a869b;stroke-width:1.4}.head{fill:#7a869b}
@media (prefers-color-scheme:dark){.box{fill:#262d3a;stroke:#8796b3}.input .box{fill:#22352a;stroke:#6fb285}
.loss .box{fill:#3b2a24;stroke:#d98a66}.title{fill:#e9edf5}.detail{fill:#a9b4c8}.edge{stroke:#8c99b1}
.head{fill:#8c99b1}}
""".replace("\n", "")

_WIDE, _NARROW = frozenset("mwMWGOQ@%—…∂→×"), frozenset("fijlrtI.,:;'|()[] ")


@dataclass(frozen=True, slots=True)
class Label:
    """What stands beside an arrow where it begins or ends, on the side that it does not bend to; `of` names it."""

    edge: tuple[str, str]
    text: str
    of: str
    at_end: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawing: its size and the lines of its SVG document."""

    width: float
    height: float
    lines: tuple[str, ...]


def render(graph: Graph) -> str:
    """The picture as one SVG document that needs nothing else."""
    return "\n".join([*picture(graph, STYLE).lines, ""])


def picture(graph: Graph, style: str = "", labels: Sequence[Label] = ()) -> Picture:
    """Boxes, arrows, and what stands beside the arrows, drawn; the colours are left to `style`."""
    widths = {vertex.name: _width(vertex) for vertex in graph.vertices}
    layout = layered([vertex.name for vertex in graph.vertices], graph.edges, widths, GAP)
    written = list(_fitted(labels, layout))
    ends = [(layout.places[name] - width / 2, layout.places[name] + width / 2) for name, width in widths.items()]
    ends += [(x, x) for route in layout.routes.values() for x, _ in route]
    ends += [_extent(label, text, layout) for label, text in written]
    left = min((low for low, _ in ends), default=0.0) - MARGIN
    width = max((high for _, high in ends), default=0.0) + MARGIN - left
    rise = RISE + (ROOM if labels else 0)
    height = (1 + max(layout.layers.values(), default=0)) * (HEIGHT + rise) - rise + 2 * MARGIN

    def top(layer: int) -> float:
        return MARGIN + layer * (HEIGHT + rise)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}" role="img" aria-labelledby="title desc" '
        f'font-family="system-ui, sans-serif" font-size="{FONT:.0f}">',
        f'<title id="title">{escape(graph.title)}</title>',
        f'<desc id="desc">{escape(described(graph, labels))}</desc>',
        f"<style>{style}</style>" if style else "",
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path class="head" d="M0 0L8 4L0 8z"/></marker></defs>',
    ]
    for route in layout.routes.values():
        points = [(x - left, top(layer)) for x, layer in route]
        parts.append(f'<path class="edge" marker-end="url(#arrow)" d="{_path(points)}"/>')
    for vertex in graph.vertices:
        parts += _box(vertex, layout.places[vertex.name] - left, top(layout.layers[vertex.name]), widths[vertex.name])
    for label, text in written:
        x, layer = _place(label, layout)
        right = _on_the_right(label, layout)
        x += (LABEL_GAP if right else -LABEL_GAP) - left
        y = top(layer) - LABEL_FONT if label.at_end else top(layer) + HEIGHT + LABEL_FONT + 6
        side = "" if right else ' text-anchor="end"'
        full = f"<title>{escape(label.text)}</title>" if text != label.text else ""
        parts.append(
            f'<text class="gradient" data-of="{escape(label.of)}" x="{x:.1f}" y="{y:.1f}"{side} '
            f'font-size="{LABEL_FONT:.0f}">{full}{escape(text)}</text>'
        )
    return Picture(width, height, (*filter(None, parts), "</svg>"))


def page(graph: Graph) -> str:
    """The picture as an HTML page that loads nothing."""
    title = escape(graph.title)
    return (
        f'<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
        f"<style>{_PAGE}</style></head>\n<body>\n<main>\n<h1>{title}</h1>\n"
        f'<figure tabindex="0" aria-label="The network">\n{render(graph)}</figure>\n</main>\n</body>\n</html>\n'
    )


_PAGE = """
:root{color-scheme:light dark}body{margin:0;padding:1rem 1.5rem;background:Canvas;color:CanvasText}
body{font:1rem/1.5 system-ui,sans-serif}h1{margin:0 0 .6rem;font-size:1.6rem;line-height:1.25;overflow-wrap:anywhere}
figure{margin:0;overflow-x:auto}svg{display:block;margin:auto}
@media print{:root{color-scheme:light}svg{max-width:100%;height:auto;max-height:24cm}figure{overflow:visible}}
""".replace("\n", "")


def described(graph: Graph, labels: Sequence[Label] = ()) -> str:
    """The picture in words: every box with what it reads, then what stands beside the arrows."""
    reads: dict[str, list[str]] = {}
    for source, target in graph.edges:
        reads.setdefault(target, []).append(source)
    said = []
    for vertex in graph.vertices:
        sources = reads.get(vertex.name)
        said.append(f"{vertex.title} ({vertex.detail})" + (f" reads {' and '.join(sources)}" if sources else ""))
    beside = [f"{label.text} from {label.edge[0]} to {label.edge[1]}" for label in labels]
    return "; ".join(said) + "." + (f" Beside the arrows: {'; '.join(beside)}." if beside else "")


def shortened(text: str, most: int = LONGEST) -> str:
    """A text of so many letters at most, its middle left out.

    >>> shortened("a_layer_with_a_very_long_name", 12)
    'a_laye…_name'
    """
    return text if len(text) <= most else f"{text[: most // 2]}…{text[len(text) - (most - 1) // 2 :]}"


def _box(vertex: Vertex, x: float, y: float, wide: float) -> Iterator[str]:
    title, detail = shortened(vertex.title), shortened(vertex.detail)
    whole = f"{vertex.title}, {vertex.detail}"
    full = f"<title>{escape(whole)}</title>" if (title, detail) != (vertex.title, vertex.detail) else ""
    yield f'<g class="{vertex.role}" id="node-{escape(vertex.name)}">{full}'
    yield f'<rect class="box" x="{x - wide / 2:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{HEIGHT:.0f}" rx="7"/>'
    yield f'<text class="title" x="{x:.1f}" y="{y + 18:.1f}" text-anchor="middle">{escape(title)}</text>'
    yield f'<text class="detail" x="{x:.1f}" y="{y + 35:.1f}" text-anchor="middle">{escape(detail)}</text></g>'


def _width(vertex: Vertex) -> float:
    title, detail = _letters(shortened(vertex.title)), _letters(shortened(vertex.detail))
    return max(title * 1.08, detail, 6) * FONT * LETTER + 2 * PADDING


def _letters(text: str) -> float:
    """How long a text is, in letters of mean width."""
    return sum(1.5 if letter in _WIDE else 0.7 if letter in _NARROW else 1.08 for letter in text)


# -- labels -----------------------------------------------------------------------------------------


def _place(label: Label, layout: Layout) -> tuple[float, int]:
    """Where the arrow of a label begins or ends."""
    return layout.routes[label.edge][-1 if label.at_end else 0]


def _on_the_right(label: Label, layout: Layout) -> bool:
    """The side that the arrow does not bend to; of a straight one, right where it begins and left where it ends."""
    route = layout.routes[label.edge]
    (here, _), (there, _) = (route[-1], route[-2]) if label.at_end else route[:2]
    return there < here - STRAIGHT or (not label.at_end and there <= here + STRAIGHT)


def _extent(label: Label, text: str, layout: Layout) -> tuple[float, float]:
    """From where to where a label goes."""
    (x, _), size = _place(label, layout), LABEL_GAP + _letters(text) * LABEL_FONT * LETTER
    return (x, x + size) if _on_the_right(label, layout) else (x - size, x)


def _fitted(labels: Sequence[Label], layout: Layout) -> Iterator[tuple[Label, str]]:
    """Every label with its text, the middle left out where it would meet another."""
    taken: dict[tuple[int, bool], list[tuple[float, float]]] = {}
    for label in labels:
        others = taken.setdefault((_place(label, layout)[1], label.at_end), [])
        text, most = label.text, len(label.text)
        low, high = _extent(label, text, layout)
        while most > 3 and any(low < end and start < high for start, end in others):
            most -= 1
            text = shortened(label.text, most)
            low, high = _extent(label, text, layout)
        others.append((low, high))
        yield label, text


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
