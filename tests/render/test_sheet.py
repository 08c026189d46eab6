"""`count` as Markdown, HTML and CSV: every number arrives, nothing breaks the format."""

from __future__ import annotations

import csv
import io
from html.parser import HTMLParser

import pytest

from backcalc.count import count
from backcalc.count.compare import versus
from backcalc.net import load_network
from backcalc.render.count_sheets import written
from backcalc.render.sheet import Sheet
from backcalc.render.sheet import csv as as_csv
from backcalc.render.sheet import html as as_html
from backcalc.render.sheet import markdown as as_markdown

HEAD = [
    "layer",
    "kind",
    "output",
    "weights",
    "biases",
    "params",
    "connections",
    "MACs",
    "FLOPs",
    "activations",
    "field",
]


def table(name="lenet5", **options):
    return count(load_network(name), **options)


def expected(counted):
    for row in counted.rows:
        shape = f"[{', '.join(map(str, row.output_shape))}]"
        numbers = (row.weights, row.biases, row.params, row.connections, row.macs, row.flops, row.activations)
        yield [row.name, row.kind, shape, *map(str, numbers), str(row.receptive_field)]


TOTAL = ["total", "", "", "61470", "236", "61706", "423038", "416520", "844305", "15012", ""]


def test_csv_holds_every_number_and_formula():
    counted = table()
    head, *rows = csv.reader(io.StringIO(written(counted, "csv")))
    formulas = [f"{name} formula" for name in ("output", "params", "connections", "MACs", "FLOPs", "field")]
    assert head == [*HEAD, *formulas, "notes"]
    assert [row[:11] for row in rows] == [*expected(counted), TOTAL]
    assert rows[0][12] == "(5·5·1 + 1)·6 = 156"


def test_markdown_holds_every_number():
    counted = table()
    text = written(counted, "markdown")
    lines = [line for line in text.splitlines() if line.startswith("|")]
    cells = [[cell.strip().replace("\\", "").strip("*") for cell in line.strip("|").split("|")] for line in lines]
    assert cells[0] == HEAD
    assert cells[2:16] == [*expected(counted), TOTAL]
    assert len({len(row) for row in cells[:16]}) == 1
    assert "| conv1 | (28 + 2·2 - 5)/1 + 1 = 28 | (5·5·1 + 1)·6 = 156 |" in text
    assert "FLOPs are counted as \\`exact\\`" in text


class Cells(HTMLParser):
    def __init__(self):
        super().__init__()
        self.rows, self.open = [], []

    def handle_starttag(self, tag, attrs):
        if tag not in ("meta",):
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ("td", "th"):
            self.rows[-1][-1] += data


def test_html_holds_every_number_and_is_well_formed():
    counted = table()
    parser = Cells()
    parser.feed(written(counted, "html"))
    assert parser.open == []
    assert parser.rows[:15] == [HEAD, *expected(counted), TOTAL]


HOSTILE = Sheet("<script>|`*", ("layer",), (("=1+1|<b>",),), left=frozenset({"layer"}))


def test_what_a_file_says_stays_text():
    assert "<script>" not in as_html((HOSTILE,), ("<i>",)) and "&lt;script&gt;" in as_html((HOSTILE,), ("<i>",))
    assert r"| =1+1\|\<b\> |" in as_markdown((HOSTILE,), ())
    assert as_csv(HOSTILE) == "layer\n'=1+1|<b>\n"


@pytest.mark.parametrize("form", ["markdown", "latex", "html", "csv"])
def test_comparisons_have_every_format(form):
    text = written(versus(table("vgg11"), table("vgg11_bn")), form)
    assert "132863336" in text and "132868840" in text
    assert ("$\\neq$" if form == "latex" else "≠") in text


@pytest.mark.parametrize("form", ["markdown", "latex", "html"])
def test_totals_that_are_at_least_say_so(form):
    counted = count(load_network("{input: {x: 3}, layers: [dense: 2, unknown: {operator: Fold, shape: [2]}]}"))
    assert "at least these: what unknown_1 takes is not counted" in written(counted, form).replace(
        r"\allowbreak{}", ""
    ).replace("\\_", "_")


def test_a_page_scrolls_its_tables_and_takes_the_colours_of_the_reader():
    page = written(table(), "html")
    assert page.count('<div class="wide"><table>') == page.count("</table></div>") == 2
    assert "color-scheme: light dark" in page and "overflow-x: auto" in page and "width=device-width" in page


def test_notes_are_in_the_tables_too():
    assert "128 running statistics: no gradient changes them" in written(table("resnet18"), "csv")
