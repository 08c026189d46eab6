"""The built-in networks as text: what there is, and how the counts compare with what is published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import wrap

from backcalc.count.published import Comparison
from backcalc.render.table_text import Column, grid

WIDTH = 80


def listed(networks: Mapping[str, str], width: int = WIDTH) -> str:
    """A line a network: its name and what it is; a line that is too long goes on under its beginning."""
    margin = max(map(len, networks), default=0) + 2
    lines: list[str] = []
    for name, description in networks.items():
        lines += wrap(description, width, initial_indent=f"{name:<{margin}}", subsequent_indent=" " * margin)
    return "\n".join(lines)


def compared(comparisons: Sequence[Comparison], width: int = WIDTH) -> str:
    """A line a published number, what differs marked; the sources are below the table."""
    sources = list(dict.fromkeys(each.published.source for each in comparisons))
    columns = [
        Column("name", tuple(each.published.network for each in comparisons), right=False),
        Column("what", tuple(each.published.what for each in comparisons), right=False),
        Column("counted", tuple(_shown(each.counted) for each in comparisons)),
        Column("published", tuple(each.published.number for each in comparisons)),
        Column("", tuple("" if each.agrees else "differs" for each in comparisons), right=False),
        Column("source", tuple(f"[{sources.index(each.published.source) + 1}]" for each in comparisons)),
    ]
    notes = [
        line
        for number, source in enumerate(sources, 1)
        for line in wrap(source, width, initial_indent=f"[{number}]".rjust(4) + " ", subsequent_indent=" " * 5)
    ]
    differing = sum(not each.agrees for each in comparisons)
    said = f"{differing} differ" if differing else "all agree, to the digits that are published"
    return "\n".join([grid(columns), "", *notes, "", f"{len(comparisons)} published numbers: {said}."])


def _shown(counted: int | tuple[int, ...]) -> str:
    return "x".join(map(str, counted)) if isinstance(counted, tuple) else str(counted)
