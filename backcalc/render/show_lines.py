"""A network for Graphviz and for Mermaid, and as lines for a terminal."""

from __future__ import annotations

import json

from backcalc.render.graph import Graph


def dot(graph: Graph) -> str:
    """The picture in the language of Graphviz."""
    shapes = {"input": "ellipse", "layer": "box", "loss": "diamond"}
    lines = [f"digraph {_quoted(graph.title)} {{", "  rankdir=TB; node [fontname=sans];"]
    for vertex in graph.vertices:
        label = _quoted(f"{vertex.title}\n{vertex.detail}")
        lines.append(f"  {_quoted(vertex.name)} [label={label}, shape={shapes[vertex.role]}];")
    lines += [f"  {_quoted(source)} -> {_quoted(target)};" for source, target in graph.edges]
    return "\n".join([*lines, "}", ""])


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def mermaid(graph: Graph) -> str:
    """The picture in the language of Mermaid."""
    numbers = {vertex.name: f"n{count}" for count, vertex in enumerate(graph.vertices)}
    brackets = {"input": ("([", "])"), "layer": ("[", "]"), "loss": ("{{", "}}")}
    lines = ["flowchart TB"]
    for vertex in graph.vertices:
        left, right = brackets[vertex.role]
        text = f"{vertex.title}<br/>{vertex.detail}".replace('"', "#quot;")
        lines.append(f'  {numbers[vertex.name]}{left}"{text}"{right}')
    lines += [f"  {numbers[source]} --> {numbers[target]}" for source, target in graph.edges]
    return "\n".join([*lines, ""])


def text(graph: Graph) -> str:
    """The network line by line; lanes on the left lead from every box to those that read it.

    >>> from backcalc.net import load_network
    >>> from backcalc.render.graph import graph_of
    >>> residual = "name: block\\ninput: 3\\nlayers: [dense: {name: h, units: 3}, relu: {name: r}, add: [r, x]]"
    >>> print(text(graph_of(load_network(residual))).rstrip())
    block
    ═════
    ○    x         3
    ├─●  h: dense  3
    │ ●  r: relu   3
    ●─╯  add       3
    """
    reads: dict[str, list[str]] = {}
    last: dict[str, str] = {}
    for source, target in graph.edges:
        reads.setdefault(target, []).append(source)
        last[source] = target
    lanes: list[str | None] = []
    drawn: list[str] = []
    for vertex in graph.vertices:
        joined = sorted(lanes.index(source) for source in reads.get(vertex.name, ()))
        ending = [lane for lane in joined if last[lanes[lane] or ""] == vertex.name]
        free = [lane for lane, name in enumerate(lanes) if name is None and lane > max(joined, default=-1)]
        own = ending[0] if ending else free[0] if free else len(lanes)
        drawn.append(_row(lanes, own, joined, ending, "○" if vertex.role == "input" else "●"))
        lanes += [None] * (own + 1 - len(lanes))
        for lane in ending:
            lanes[lane] = None
        lanes[own] = vertex.name if vertex.name in last else None
        while lanes and lanes[-1] is None:
            lanes.pop()
    wide = max((len(row) for row in drawn), default=0)
    title = max((len(vertex.title) for vertex in graph.vertices), default=0)
    lines = [graph.title, "═" * len(graph.title)]
    for row, vertex in zip(drawn, graph.vertices, strict=True):
        lines.append(f"{row.ljust(wide)}  {vertex.title.ljust(title)}  {vertex.detail}")
    return "\n".join([*lines, ""])


def _row(lanes: list[str | None], own: int, joined: list[int], ending: list[int], sign: str) -> str:
    """One line of the lanes: the box, and the lines that lead to it."""
    low, high = min([own, *joined]), max([own, *joined])
    cells = []
    for lane in range(max(len(lanes), own + 1)):
        alive = lane < len(lanes) and lanes[lane] is not None
        crossed = low < lane < high
        if lane == own:
            cell = sign
        elif lane in ending:
            cell = "╯" if lane == high else "╰" if lane == low else "┴"
        elif lane in joined:
            cell = "├" if lane == low else "┤" if lane == high else "┼"
        else:
            cell = "┼" if alive and crossed else "│" if alive else "─" if crossed else " "
        cells.append(cell + ("─" if low <= lane < high else " "))
    return "".join(cells).rstrip()
