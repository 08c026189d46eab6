"""Pictures of networks: every box and arrow is there, stands where it may, and the same every time."""

from __future__ import annotations

import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backcalc.net import load_network
from backcalc.render import show_lines, show_svg
from backcalc.render.graph import Graph, Vertex, graph_of
from backcalc.render.layered import layered

NETS = ["lenet5", "resnet18", "googlenet", "unet"]
BLOCK = """
name: residual block
input: {x: [4, 8, 8]}
layers:
  - conv2d: {name: a, filters: 4, kernel: 3, padding: 1}
  - relu: {name: b}
  - conv2d: {name: c, filters: 4, kernel: 3, padding: 1}
  - add: {name: y, inputs: [c, x]}
loss: mse
"""


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """A random graph whose arrows go forward."""
    count = draw(st.integers(1, 12))
    names = [f"v{number}" for number in range(count)]
    edges = [
        (names[source], names[target])
        for target in range(1, count)
        for source in draw(st.sets(st.integers(0, target - 1), min_size=1, max_size=3))
    ]
    vertices = tuple(Vertex(name, name, "3", "layer") for name in names)
    return Graph("random", vertices, tuple(edges))


@given(graphs(), st.integers(20, 120))
@settings(max_examples=150, deadline=None)
def test_boxes_keep_their_distance_and_arrows_go_down(graph: Graph, width: int) -> None:
    names = [vertex.name for vertex in graph.vertices]
    layout = layered(names, graph.edges, dict.fromkeys(names, float(width)), 10.0)
    for source, target in graph.edges:
        assert layout.layers[source] < layout.layers[target]
        route = layout.routes[source, target]
        assert route[0] == (layout.places[source], layout.layers[source])
        assert route[-1] == (layout.places[target], layout.layers[target])
        assert [low - high for (_, high), (_, low) in pairwise(route)] == [1] * (len(route) - 1)
    for layer in set(layout.layers.values()):
        row = sorted(layout.places[name] for name in names if layout.layers[name] == layer)
        assert all(right - left >= width + 10 - 1e-6 for left, right in pairwise(row))


@given(graphs())
@settings(max_examples=150, deadline=None)
def test_every_line_of_the_text_has_one_box_and_leads_where_it_should(graph: Graph) -> None:
    """The lanes, read again: going up from every box along its lines one arrives at exactly what it reads."""
    lines = show_lines.text(graph).split("\n")[2:-1]
    rows = [re.split(r" {2,}(?=v\d)", line)[0] for line in lines]
    at = [next(column for column, sign in enumerate(row) if sign in "●○") for row in rows]
    reads: dict[int, set[int]] = {}
    for number, row in enumerate(rows):
        low = high = at[number]
        while low and row[low - 1] in "─├┼╰┴┤╯":
            low -= 1
        while high + 1 < len(row) and row[high + 1] in "─┤┼╯┴├╰":
            high += 1
        columns = [c for c in range(low, high + 1) if c % 2 == 0 and row[c] in "├┤╰╯┴┼"]
        if number and at[number] < len(rows[number - 1]) and _leads_up(rows, number, at[number]) is not None:
            columns.append(at[number])
        for column in columns:
            source = _leads_up(rows, number, column)
            # A lane that is crossed belongs to somebody else.
            if source is not None and (row[column] != "┼" or graph.edges.count((f"v{source}", f"v{number}"))):
                reads.setdefault(number, set()).add(source)
    wanted: dict[int, set[int]] = {}
    for source, target in graph.edges:
        wanted.setdefault(int(target[1:]), set()).add(int(source[1:]))
    for number, sources in wanted.items():
        assert sources <= reads.get(number, set())


def _leads_up(rows: list[str], number: int, column: int) -> int | None:
    """The box that a lane comes from, upwards from a row."""
    for above in range(number - 1, -1, -1):
        sign = rows[above][column] if column < len(rows[above]) else " "
        if sign in "●○":
            return above
        if sign not in "│┼├┤":
            return None
    return None


@pytest.mark.parametrize("name", NETS)
def test_the_picture_is_well_formed_and_whole(name: str) -> None:
    graph = graph_of(load_network(name))
    root = ElementTree.fromstring(show_svg.render(graph))
    space = "{http://www.w3.org/2000/svg}"
    assert len(root.findall(f"{space}g")) == len(graph.vertices)
    assert len([path for path in root.findall(f"{space}path") if path.get("class") == "edge"]) == len(graph.edges)
    assert root.findtext(f"{space}title") == name
    described = root.findtext(f"{space}desc") or ""
    assert all(vertex.title in described for vertex in graph.vertices)
    assert "http" not in show_svg.page(graph).replace("http://www.w3.org/2000/svg", "")


def test_the_same_picture_every_time() -> None:
    first, second = (show_svg.render(graph_of(load_network("googlenet"))) for _ in range(2))
    assert first == second


def test_a_residual_block_as_lines() -> None:
    assert show_lines.text(graph_of(load_network(BLOCK))) == (
        "residual block\n"
        "══════════════\n"
        "○    x          4×8×8\n"
        "├─●  a: conv2d  4×8×8\n"
        "│ ●  b: relu    4×8×8\n"
        "│ ●  c: conv2d  4×8×8\n"
        "●─╯  y: add     4×8×8\n"
        "●    J: mse     loss\n"
    )


def test_the_languages_of_others() -> None:
    graph = graph_of(load_network(BLOCK))
    assert '"c" -> "y";' in show_lines.dot(graph) and '"x" -> "y";' in show_lines.dot(graph)
    assert show_lines.mermaid(graph).splitlines()[:3] == [
        "flowchart TB",
        '  n0(["x<br/>4×8×8"])',
        '  n1["a: conv2d<br/>4×8×8"]',
    ]
    assert "  n3 --> n4" in show_lines.mermaid(graph)


def test_equations_are_drawn_too() -> None:
    text = "equations: |\n  h = tanh(w*x)\n  y = h + x\n  J = (y - t)^2"
    assert graph_of(load_network(text)).edges == (("x", "h"), ("h", "y"), ("x", "y"), ("y", "J"))


def test_names_cannot_break_out() -> None:
    graph = Graph('<script>"', (Vertex("a", "<b>&", '"3', "input"),), ())
    assert "<script>" not in show_svg.page(graph) and "<b>" not in show_svg.page(graph)
    assert json_safe(show_lines.dot(graph))


def json_safe(dot: str) -> bool:
    return dot.count('"') - dot.count('\\"') == 2 * len(re.findall(r'(?<!\\)"(?:[^"\\]|\\.)*"', dot))
