r"""The table of `count` and a comparison in LaTeX, for a page: numbers in tables that fit, the formulas below them.

A page is taken to be 345 points wide, as that of the article class; what is wider stands in several tables.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from backcalc.count.compare import Versus
from backcalc.count.table import Row, Table, as_text, pretty
from backcalc.render.count_sheets import notes_of, numbers, side_by_side
from backcalc.render.count_text import alike, shown_shape
from backcalc.render.sheet import Sheet

PREAMBLE = r"% needs \usepackage{booktabs,longtable,array}"
FITS = 80
"""So many characters of a footnote's size, 8 points, stand side by side on a page."""
LONGEST_CELL = 30

_GAP = 2  # between two columns, in characters
_NUMBER_WIDTH = 4.3  # of a character, in points
_ASIDE = frozenset({"weights", "biases", "activations"})  # these stand among the formulas
_RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹"
_TOKEN = re.compile(
    rf"(?P<number>\d+(?:\.\d+)?)|(?P<name>[^\W\d{_RAISED}][^\W{_RAISED}]*)|(?P<power>[{_RAISED}]+)"
    r"|(?P<sign>[-+·*/=,])|(?P<open>\()|(?P<close>\))|(?P<blank> )"
)
_QUOTED = re.compile(r"`([^`]*)`")
_FUNCTIONS = frozenset({"floor", "ceil", "div", "mod", "max", "min"})
_SPECIAL = {
    **{character: f"\\{character}" for character in "&%$#{}"},
    "_": r"\_\allowbreak{}",
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "·": r"$\cdot$",
    "×": r"$\times$",
    "≠": r"$\neq$",
    "−": "$-$",
    "…": r"\ldots{}",
}


def written(result: Table | Versus) -> str:
    """A table or a comparison, all of it at the size of a footnote.

    >>> from backcalc.count import count
    >>> from backcalc.net import load_network
    >>> print(written(count(load_network("lenet5"))).splitlines()[0])
    % needs \\usepackage{booktabs,longtable,array}
    """
    if isinstance(result, Table):
        tables = [*_fitting(_without(numbers(result), _ASIDE)), _formulas(result)]
    else:
        tables = [*_fitting(_joined(side_by_side(result)))]
    notes = (f"\\noindent {in_latex(note)}" for note in notes_of(result))
    begin = r"\begingroup\footnotesize\setlength{\tabcolsep}{4pt}"
    return "\n\n".join([PREAMBLE, begin, *tables, *notes, r"\endgroup"])


def _without(sheet: Sheet, columns: frozenset[str]) -> Sheet:
    """The sheet without some of its columns."""
    kept = [place for place, name in enumerate(sheet.head) if name not in columns]
    head, total, *rows = (tuple(cells[place] for place in kept) for cells in (sheet.head, sheet.total, *sheet.rows))
    return replace(sheet, head=head, rows=tuple(rows), total=total)


def _joined(sheet: Sheet) -> Sheet:
    """A comparison with its mark and the two names of a layer in one column."""

    def named(cells: tuple[str, ...]) -> tuple[str, ...]:
        mark, one, other, *rest = cells
        names = one if one == other or not other else f"{one} / {other}" if one else other
        return f"{mark} {names}".strip(), *rest

    rows, (_, _, _, *head) = tuple(map(named, sheet.rows)), sheet.head
    return replace(sheet, head=("layer", *head), rows=rows, total=named(sheet.total))


def _fitting(sheet: Sheet) -> Iterator[str]:
    """The sheet as one table, or as several, each beginning with the layers, where one would be too wide."""
    widths = [min(LONGEST_CELL, max(map(len, cells))) + _GAP for cells in zip(sheet.head, *sheet.lines, strict=True)]
    together = [0]
    for place in range(1, len(widths)):
        if len(together) > 1 and sum(widths[each] for each in (*together, place)) > FITS:
            yield _table(sheet, together, widths)
            together = [0]
        together.append(place)
    yield _table(sheet, together, widths)


def _table(sheet: Sheet, places: Sequence[int], widths: Sequence[int]) -> str:
    """Some columns; one whose cells are long wraps them."""
    columns = ""
    for place in places:
        words = sheet.head[place] in sheet.left
        long = widths[place] == LONGEST_CELL + _GAP
        side = r"\raggedright" if words else r"\raggedleft"
        wide = f">{{{side}\\arraybackslash}}p{{{_NUMBER_WIDTH * LONGEST_CELL:.0f}pt}}"
        columns += wide if long else "l" if words else "r"
    head = " & ".join(in_latex(sheet.head[place]) for place in places) + r" \\"
    rows = [
        " & ".join((in_latex if sheet.head[place] in sheet.left else in_mathematics)(cells[place]) for place in places)
        + r" \\"
        for cells in sheet.lines
    ]
    if sheet.total:
        rows.insert(-1, r"\midrule")
    return _long(columns, sheet.title, f"{head}\n\\midrule", rows)


def _long(columns: str, title: str, head: str, rows: Sequence[str]) -> str:
    begin = f"\\begin{{longtable}}{{@{{}}{columns}@{{}}}}\n\\caption{{{in_latex(title)}}} \\\\\n\\toprule"
    again = "\n".join(("", head, r"\endfirsthead", r"\toprule", head, r"\endhead")) if head else "\n\\endhead"
    return "\n".join([f"{begin}{again}", r"\bottomrule", r"\endfoot", *rows, r"\end{longtable}"])


def _formulas(table: Table) -> str:
    """The formula behind each number; layers of which all is the same stand together."""
    rows: list[str] = []
    for kind, parts, names in alike(table.rows, _parts):
        heading = kind if names == [kind] else f"{', '.join(names)} ({kind})"
        rows.append(rf"\multicolumn{{2}}{{@{{}}p{{\linewidth}}@{{}}}}{{\raggedright {in_latex(heading)}}} \\*")
        rows += (rf"\quad {label} & {text} \\*" for label, text in parts)
        rows[-1] = rows[-1].removesuffix("*") + r" \addlinespace"
    columns = r"l>{\raggedright\arraybackslash}p{0.78\linewidth}"
    return _long(columns, f"{table.net}: how each number comes about", "", rows)


def _parts(row: Row) -> Iterator[tuple[str, str]]:
    """The formulas of one layer; what is 0 is left out."""
    formulas = row.formulas
    yield "output", f"{in_mathematics(shown_shape(row.output_shape))}: {in_mathematics(pretty(formulas.output_shape))}"
    if row.params or row.weights:
        weights, biases = (in_mathematics(as_text(number)) for number in (row.weights, row.biases))
        split = f" ({weights} weights, {biases} biases)" if row.biases else ""
        yield "params", in_mathematics(str(formulas.params)) + split
    for label, formula in (
        ("connections", formulas.connections),
        ("MACs", formulas.macs),
        ("FLOPs", formulas.flops),
        ("activations", formulas.activations),
    ):
        if formula.value:
            yield label, in_mathematics(str(formula))
    if formulas.receptive_field != "as the input":
        yield "field", in_mathematics(pretty(formulas.receptive_field))
    yield from (("note", in_latex(note)) for note in row.notes)


def in_mathematics(text: str) -> str:
    r"""A formula in mathematics mode; anything else as words.

    >>> print(in_mathematics("(5·5·c + 1)·6 = 156"), in_mathematics("all 28 cells"), in_mathematics("4·d² - d"))
    $(5 \cdot 5 \cdot c + 1) \cdot 6 = 156$ all 28 cells $4 \cdot d^{2} - d$
    """
    from backcalc.formula.print_latex import latex_name

    parts: list[str] = []
    place, before = 0, "sign"
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None:
            return in_latex(text)
        kind, token, place = str(found.lastgroup), found[0], found.end()
        if kind == "blank":
            continue
        if kind in ("number", "name", "open") and before in ("number", "name", "close", "power"):
            return in_latex(text)  # two words side by side
        if kind == "name" and token in _FUNCTIONS:
            parts.append(rf"\mathrm{{{token}}}")
            before = "sign"
            continue
        if kind == "power":
            token = "^{" + "".join(str(_RAISED.index(digit)) for digit in token) + "}"
        elif kind == "name":
            token = latex_name(token)
        elif kind == "sign":
            token = {"·": r" \cdot ", "*": r" \cdot ", "/": "/", ",": ", "}.get(token, f" {token} ")
            token = token.strip() if before in ("open", "sign") else token
        parts.append(token)
        before = kind
    return f"${''.join(parts)}$" if not text.isdigit() and parts else text


def in_latex(text: str) -> str:
    r"""Words as LaTeX, their special characters escaped; a long name may go on in the next line behind a `_`.

    >>> print(in_latex("conv2d_1 & 50%"))
    conv2d\_\allowbreak{}1 \& 50\%
    """
    escaped = "".join(_SPECIAL.get(character, character) for character in text)
    return _QUOTED.sub(r"\\texttt{\1}", escaped)
