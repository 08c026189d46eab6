"""A table of any kind as data, and the same as Markdown, HTML and CSV."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table: its title, its columns, its rows and, where there is one, the row of totals.

    `left` are the columns of words, the others hold numbers. A row whose first cell is `≠` is marked.
    """

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    total: tuple[str, ...] = ()
    left: frozenset[str] = frozenset()

    @property
    def lines(self) -> tuple[tuple[str, ...], ...]:
        """All rows, the totals last."""
        return (*self.rows, self.total) if self.total else self.rows


def markdown(sheets: tuple[Sheet, ...], notes: tuple[str, ...]) -> str:
    """Tables of GitHub's Markdown, each under a heading.

    >>> print(markdown((Sheet("Counts", ("layer", "params"), (("fc", "850"),), left=frozenset({"layer"})),), ()))
    ## Counts
    <BLANKLINE>
    | layer | params |
    | --- | ---: |
    | fc | 850 |
    """
    parts: list[str] = []
    for sheet in sheets:
        rule = ["---" if name in sheet.left else "---:" for name in sheet.head]
        lines = [_piped(map(_in_markdown, cells)) for cells in (sheet.head, *sheet.rows)]
        lines.insert(1, _piped(rule))
        if sheet.total:
            lines.append(_piped(f"**{_in_markdown(cell)}**" if cell else "" for cell in sheet.total))
        parts += [f"## {_in_markdown(sheet.title)}", "\n".join(lines)]
    return "\n\n".join([*parts, *map(_in_markdown, notes)])


def _piped(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def html(sheets: tuple[Sheet, ...], notes: tuple[str, ...]) -> str:
    """One page that needs nothing else."""
    parts: list[str] = []
    for sheet in sheets:
        head = "".join(
            f"<th>{escape(name)}</th>" if name in sheet.left else f'<th class="n">{escape(name)}</th>'
            for name in sheet.head
        )
        body = "\n".join(f"<tr>{_html_cells(sheet, cells)}</tr>" for cells in sheet.rows)
        foot = f"\n<tfoot><tr>{_html_cells(sheet, sheet.total)}</tr></tfoot>" if sheet.total else ""
        parts.append(
            f'<div class="wide"><table>\n'
            f"<caption>{escape(sheet.title)}</caption>\n<thead><tr>{head}</tr></thead>\n"
            f"<tbody>\n{body}\n</tbody>{foot}\n</table></div>"
        )
    parts += [f"<p>{escape(note)}</p>" for note in notes]
    title = escape(sheets[0].title if sheets else "")
    head = f'<head>\n<meta charset="utf-8">\n<title>{title}</title>\n{_STYLE}\n</head>'
    body = "\n".join(parts)
    return f'<!doctype html>\n<html lang="en">\n{head}\n<body>\n{body}\n</body>\n</html>'


_STYLE = """<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
:root { color-scheme: light dark; }
body { font-family: sans-serif; margin: 2em; }
.wide { overflow-x: auto; margin-bottom: 2em; }
table { border-collapse: collapse; }
caption { text-align: left; font-weight: bold; padding: .5em 0; }
th, td { padding: .15em .6em; text-align: left; white-space: nowrap; }
thead { border-bottom: 1px solid; } tfoot { border-top: 1px solid; font-weight: bold; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
@media (max-width: 40em) { body { margin: 1em; } }
</style>"""


def _html_cells(sheet: Sheet, cells: tuple[str, ...]) -> str:
    return "".join(
        f"<td>{escape(cell)}</td>" if name in sheet.left else f'<td class="n">{escape(cell)}</td>'
        for name, cell in zip(sheet.head, cells, strict=True)
    )


def csv(sheet: Sheet) -> str:
    """One table as comma-separated values; a cell that a spreadsheet would run as a formula begins with a quote."""
    from csv import writer
    from io import StringIO

    text = StringIO()
    rows = writer(text, lineterminator="\n")
    rows.writerow(sheet.head)
    rows.writerows([f"'{cell}" if cell[:1] in "=+-@" and cell else cell for cell in line] for line in sheet.lines)
    return text.getvalue()


def _in_markdown(text: str) -> str:
    return "".join(f"\\{character}" if character in "\\|`*<>[]" else character for character in text)
