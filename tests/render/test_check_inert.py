"""Text from a submission is only text, in every output: no control of a terminal, no markup, no link, no formula."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from collections.abc import Iterator
from html.parser import HTMLParser

from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from backcalc.check.classroom import class_view
from backcalc.check.compare import Witness
from backcalc.check.result import VERDICTS, Claim, Diagnosis, Expected, Finding, Part, Report, Submission
from backcalc.net.errors import printable
from backcalc.render import check_graders, check_html, check_json, check_markdown, check_sheets, check_text, class_text
from backcalc.render.feedback import feedback

HOSTILE = (
    "\x1b[2J\x1b]0;owned\x07",
    "\x9b31m",
    "\u202egnol",
    "\u2066\u200b\ufeff",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "</title></style></template></script><b>",
    "<!--",
    "]]>&lt;&#60;",
    '" onmouseover="alert(1)',
    "![a](http://a.b/c.png)",
    "[a](javascript:alert(1))",
    "<http://a.b>",
    "http://a.b/c www.a.bc a@b.cd",
    "`` ` ```",
    "```\n# x",
    "~~~\n- x",
    "| a | b |",
    "$x$ $$y$$ \\href{javascript:alert(1)}{x}",
    "\\input{/etc/passwd}",
    "# head",
    "> quote",
    "---",
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-1+1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "＝1+1",
    "{{7*7}}",
    "%s%n",
    "\ud800",
    "a" * 300,
    "漢字" * 80,
)
texts = st.lists(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=6)), max_size=3).map("".join)
lines = texts.map(lambda text: re.sub(r"[\n\r]", " ", text))


@st.composite
def claims(draw: st.DrawFn) -> Claim:
    source = draw(lines)
    return Claim(
        part="1",
        line=draw(st.integers(1, 3)),
        column=draw(st.integers(1, 400)),
        length=draw(st.integers(1, 400)),
        source_line=source,
        claim=draw(texts),
        read_as=draw(texts),
        about=draw(st.none() | texts),
        verdict=draw(st.sampled_from(VERDICTS)),
        given=draw(texts),
        expected=Expected(draw(texts)),
        diagnosis=draw(st.none() | st.builds(Diagnosis, texts, texts)),
        witness=draw(st.none() | st.builds(Witness, st.dictionaries(texts, texts, max_size=1), texts, texts)),
    )


@st.composite
def submissions(draw: st.DrawFn) -> Submission:
    if draw(st.integers(0, 5)) == 0:
        return Submission(draw(texts), (), (), unchecked=draw(texts))
    made = tuple(draw(st.lists(claims(), max_size=2)))
    part = Part("1", 0 if made else None, (Finding("missing", draw(texts)),), 1, 4)
    shown = tuple((number, draw(lines)) for number in (1, 2))
    return Submission(draw(texts), (part,), made, (draw(texts),), lines=shown)


reports = st.builds(Report, texts, st.just(()), st.lists(submissions(), min_size=1, max_size=2).map(tuple))


def plain_outputs(report: Report) -> Iterator[str]:
    yield check_text.render(report, claims=True)
    yield class_text.render(class_view(report.submissions))
    yield check_markdown.render(report, claims=True)
    yield check_sheets.as_csv(report)
    yield check_sheets.grades(report)
    for submission in report.submissions:
        yield feedback(submission)


@settings(max_examples=150, deadline=None)
@given(reports)
def test_nothing_moves_a_terminal_or_turns_text_round(report: Report) -> None:
    for output in (*plain_outputs(report), check_html.render(report, None).partition("<body")[2]):
        odd = {char for char in output if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co") and char != "\n"}
        assert not odd


@settings(max_examples=100, deadline=None)
@given(reports)
def test_text_keeps_to_its_width(report: Report) -> None:
    names = {printable(name) for name in (report.key, *(submission.file for submission in report.submissions))}
    for line in check_text.render(report, claims=True).split("\n"):
        assert len(line) <= 80 or line in names or set(line) <= {"─", "═"}


class Tags(HTMLParser):
    """The elements of a page, with the names of their attributes; what stands between them is text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, tuple[str, ...]]] = []
        self.comments = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, tuple(name for name, _ in attrs)))

    def handle_comment(self, data: str) -> None:
        self.comments += 1


ATTRIBUTES = {
    "a": {"href", "class"},
    "article": {"class", "id", "tabindex"},
    "meta": {"charset", "name", "content", "http-equiv"},
    "script": set[str](),
}
NEVER = {"img", "iframe", "object", "embed", "form", "input", "base", "video", "audio", "math", "template"}


@settings(max_examples=100, deadline=None)
@given(reports)
def test_a_page_has_no_element_of_a_students(report: Report) -> None:
    page = check_html.render(report, None)
    tags = Tags(page)
    assert tags.comments == 0
    names = [tag for tag, _ in tags.found]
    assert names.count("script") == names.count("style") == names.count("title") == 1 and not NEVER & set(names)
    for tag, attributes in tags.found:
        assert not [name for name in attributes if name.startswith("on")]
        assert set(attributes) <= ATTRIBUTES.get(tag, set(attributes))
    assert set(re.findall(r'href="([^"]*)"', page)) <= {"data:,", "#work", "#class", "#s1", "#s2", "#c-1-0", "#c-2-0"}


def outside_code(text: str) -> str:
    """Markdown without its code; a backtick behind a backslash opens none."""
    return re.sub(r"(?s)(\\.)|(?<!`)(`+)(?!`).*?(?<!`)\2(?!`)", lambda found: found[1] or "", text)


@settings(max_examples=150, deadline=None)
@given(reports)
def test_markdown_sets_nothing_of_a_students(report: Report) -> None:
    text = check_markdown.render(report, claims=True)
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    for token in parser.parse(text):
        assert token.type != "html_block"
        for inner in token.children or ():
            assert inner.type in ("text", "softbreak", "code_inline", "strong_open", "strong_close")
            if inner.type == "text":  # what GitHub would link, or set as mathematics
                assert "\x1b" not in inner.content
    outside = outside_code(text)
    assert not re.search(r"(?<!\\)\$|[a-z]://|www\.", outside, re.IGNORECASE)
    heads = [line for line in text.split("\n") if line.startswith("#")]
    assert all(re.match(r"# |## (The class|`)|### (Problem 1: |Mistakes|Equal)", head) for head in heads)


@settings(max_examples=150, deadline=None)
@given(reports)
def test_no_cell_is_a_formula(report: Report) -> None:
    for text in (check_sheets.as_csv(report), check_sheets.grades(report)):
        rows = list(csv.reader(io.StringIO(text)))
        assert len({len(row) for row in rows}) == 1
        for cell in (cell for row in rows for cell in row):
            assert not cell.lstrip().startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠"))
            assert not set(cell) & set("\t\r\n")
    for submission in report.submissions:
        found = feedback(submission)
        assert not found.startswith(("=", "+", "-", "@")) and not set(found) & set("<>\t\r\n")


@settings(max_examples=60, deadline=None)
@given(reports)
def test_json_is_json_of_the_same_shape(report: Report) -> None:
    found = json.loads(json.dumps(check_json.render(report)))
    assert [len(one["claims"]) for one in found["submissions"]] == [len(s.claims) for s in report.submissions]
    for submission in report.submissions:
        for grader in (check_graders.gradescope, check_graders.prairielearn):
            text = json.dumps(grader(submission), ensure_ascii=False)
            assert not {char for char in text if unicodedata.category(char) in ("Cc", "Cf", "Cs")}
