"""The mathematics of a document is found where it stands, and nothing else is taken for it."""

from __future__ import annotations

import pytest

from backcalc.formula.spans import MAX_DOCUMENT, DocumentTooLong, find_spans
from backcalc.formula.tidy_text import tidy

SHEET = """# Sheet 7
1. We have $y_1 = 0.5$, so the cost is $$J = -\\log y_1$$
   and \\(q_1\\) is 0; it costs $5 and $6 to print.

In total 1,200 FLOP are needed. Total # of parameters = 3210
The $z_1$ is 2.5 here. The losses are 1.5, 1.25 and 1.125.

| layer | filter | weights |
|-------|--------|---------|
| C1    | 5×5    | $6 \\times 25 = 150$ |
| F2    | -      | 840 |

dense_7 (Dense)\t(None, 32)\t4128
output shape: (None, 24, 24)

```python
x = 1 + 2  # weights = 9
```

```
Average accuracy: 91.5 %
{'W1': array([[0.1, 0.2],
              [0.3, 0.4]]), 'b1': 0.25}
```
so w1*x1 + w2*x2 = 1.5 and `X @ W.T` follows
0.1234567
"""


def found(text: str, *, tex: bool = False) -> list[tuple[int, str, str]]:
    return [(span.line, span.kind, span.text) for span in find_spans(text, tex=tex)]


def test_every_kind_is_found_in_its_place() -> None:
    assert found(SHEET) == [
        (2, "inline", "y_1 = 0.5"),
        (2, "display", "J = -\\log y_1"),
        (3, "inline", "q_1"),
        (3, "number", "0"),
        (5, "number", "1,200"),
        (5, "number", "3210"),
        (6, "inline", "z_1"),
        (6, "number", "2.5"),
        (6, "number", "1.5"),
        (6, "number", "1.25"),
        (6, "number", "1.125"),
        (10, "cell", "C1"),
        (10, "cell", "5×5"),
        (10, "inline", "6 \\times 25 = 150"),
        (11, "cell", "F2"),
        (11, "cell", "-"),
        (11, "cell", "840"),
        (13, "cell", "(None, 32)"),
        (13, "cell", "4128"),
        (14, "shape", "(None, 24, 24)"),
        (21, "number", "91.5 %"),
        (22, "array", "[[0.1, 0.2],\n              [0.3, 0.4]]"),
        (23, "number", "0.25"),
        (25, "line", "w1*x1 + w2*x2 = 1.5"),
        (25, "code", "X @ W.T"),
        (26, "number", "0.1234567"),
    ]


def test_a_span_says_what_stands_beside_it_and_above() -> None:
    spans = {span.text: span for span in find_spans(SHEET)}
    assert (spans["840"].beside, spans["840"].above) == ("F2", "weights")
    assert (spans["6 \\times 25 = 150"].beside, spans["6 \\times 25 = 150"].above) == ("C1", "weights")
    assert spans["4128"].beside == "dense_7 (Dense)"
    assert spans["3210"].beside == "Total # of parameters ="
    assert spans["1,200"].after == "FLOP are needed"
    assert spans["2.5"].beside == "The $z_1$ is"
    assert spans["0.25"].beside == "b1"


def test_offsets_lines_and_columns_agree() -> None:
    lines = SHEET.split("\n")
    for span in find_spans(SHEET):
        assert SHEET[span.start : span.end] == span.text
        assert lines[span.line - 1][span.column - 1 :].startswith(span.text.split("\n")[0])


def test_a_tex_document_has_comments_listings_and_tables() -> None:
    text = (
        "\\begin{document}\n$a = 1$ % $b = 2$\n\\begin{lstlisting}\n$c = 3$\n\\end{lstlisting}\n"
        "\\begin{tabular}{ll}\nlayer & weights \\\\\nC1 & 150 \\\\\n\\end{tabular}\n"
        "\\begin{align}\nx &= 1\n\\end{align}\n\\end{document}"
    )
    assert found(text, tex=True) == [
        (2, "inline", "a = 1"),
        (8, "cell", "C1"),
        (8, "cell", "150"),
        (10, "display", "\\begin{align}\nx &= 1\n\\end{align}"),
    ]


def test_a_document_has_a_budget() -> None:
    with pytest.raises(DocumentTooLong, match="at most 400000 are read"):
        find_spans("x" * (MAX_DOCUMENT + 1))


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("ï¼ˆ3Ã—5ï¼‰ âˆ’ 1", "(3×5) - 1"),
        ("ğ‘¤1 ğ›½ ğœ‚ ğ½ â„1", "w1 β η J h1"),
        ("ğ‘1", "\ufffd1"),
        ("（２＋３）", "(2+3)"),
        ("x\u200b₁\u00a0=\u20092", "x₁ = 2"),
        ("𝑥 + 𝜎", "x + σ"),
        ("хуа", "xya"),
        ("naïve café ŷ γ², Σ", "naïve café ŷ γ², Σ"),
    ],
)
def test_text_is_made_plain(text: str, plain: str) -> None:
    tidied = tidy(text)
    assert tidied.text == plain
    places = [tidied.place(at) for at in range(len(plain))]
    assert places == sorted(set(places)) and all(0 <= place < len(text) for place in places)


def test_what_was_plain_stays_in_its_place() -> None:
    text = "a âˆ’ b ï¼ˆc"
    tidied = tidy(text)
    assert [text[tidied.place(tidied.text.index(letter))] for letter in "abc"] == ["a", "b", "c"]
