"""Random recurrences: up and down, of one or two arrays, with sums, prefix sums, shifts, gathers and maxima."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from backcalc.net import Network

from .networks import loaded

Draw = Callable[[st.SearchStrategy[Any]], Any]

# Arrays that a formula may read, with their shapes; `p` is padded, `tok` holds whole numbers from 1 to 4.
SHAPES: dict[str, list[Any]] = {
    "x": ["T", "H"],
    "v": ["T"],
    "p": ["T"],
    "U": ["H", "H"],
    "A": ["T", "T"],
    "E": [4, "H"],
    "b": ["H"],
    "tok": ["T"],
    "a": [],
    "s": [],
}


class _Writer:
    """Writes formulas in the indices t and j that may read the rows `back` of the arrays `states`."""

    def __init__(self, draw: Draw, states: tuple[str, ...], up: bool) -> None:
        self.draw, self.states, self.up, self.count = draw, states, up, 0

    def earlier(self, row: str, place: str) -> str:
        """A read of a row that is computed before: one or two back, or a sum over all of them."""
        state = self.draw(st.sampled_from(self.states))
        if not self.up:
            return f"{state}[{row}+1,{place}]"
        match self.draw(st.sampled_from(["one", "one", "two", "prefix"])):
            case "one":
                return f"{state}[{row}-1,{place}]"
            case "two":
                return f"{state}[{row}-2,{place}]"
            case _:
                self.count += 1
                return f"sum(r{self.count}=1..{row}-1, A[{row},r{self.count}]*{state}[r{self.count},{place}])"

    def leaf(self, row: str, place: str) -> str:
        options = [
            "a",
            "s",
            f"b[{place}]",
            f"x[{row},{place}]",
            f"v[{row}]",
            f"x[T+1-{row},{place}]",
            f"U[{place},{place}]",
        ]
        options += [
            f"p[{row}+1]",
            f"p[{row}-2]",
            f"E[tok[{row}],{place}]",
            f"v[div({row}+1,2)]",
            f"E[mod({row},3)+1,{place}]",
        ]
        return str(self.draw(st.sampled_from(options)))

    def expr(self, row: str, place: str, depth: int) -> str:
        if depth == 0:
            reads_state = self.states and self.draw(st.booleans())
            return self.earlier(row, place) if reads_state else self.leaf(row, place)
        one = self.expr(row, place, depth - 1)
        match self.draw(st.sampled_from(["+", "-", "*", "call", "sum", "max", "if", "/"])):
            case "+" | "-" | "*" as sign:
                return f"({one} {sign} {self.expr(row, place, depth - 1)})"
            case "/":
                return f"({one}/(2 + ({self.expr(row, place, depth - 1)})^2))"
            case "call":
                return f"{self.draw(st.sampled_from(['sigmoid', 'tanh', 'relu']))}({one})"
            case "max":
                return f"max({one}, {self.leaf(row, place)})"
            case "if":
                condition = self.draw(
                    st.sampled_from([f"{row} > 1", f"{row} < T", f"{place} == 1", f"mod({row}, 2) == 0"])
                )
                return f"if({condition}, {one}, {self.leaf(row, place)})"
            case _:
                self.count += 1
                index = f"k{self.count}"
                return f"sum({index}=1..H, U[{place},{index}]*{self.expr(row, index, depth - 1)})"


@st.composite
def recurrences(draw: Draw) -> Network:
    """One or two arrays over T rows and H columns, perhaps a second layer that runs the other way, and a loss."""
    states = draw(st.sampled_from([("h",), ("h", "c")]))
    up = draw(st.booleans())
    writer = _Writer(draw, states, up)
    lines = []
    for place, state in enumerate(states):
        body = writer.expr("t", "j", draw(st.integers(1, 2)))
        same_row = f" + 1/2*{states[0]}[t,j]" if place and draw(st.booleans()) else ""
        lines.append(f"{state}[t,j] = tanh({writer.earlier('t', 'j')} + {body}){same_row}")
        if up:
            lines.append(f"{state}[0,j] = {draw(st.sampled_from(['0', 'b[j]', 's*b[j]', 'sigmoid(a)']))}")
            lines.append(f"{state}[-1,j] = {draw(st.sampled_from(['0', 'b[j]^2']))}")
    if draw(st.booleans()):
        lines += ["g[t] = tanh(a*g[t-1] + sum(j=1..H, h[t,j]))", "g[0] = s"]
        out = "g[t]"
    else:
        out = draw(st.sampled_from(["h[t,1]", "sum(j=1..H, h[t,j]*b[j])", "h[t,H]^2"]))
    every, last = f"sum(t=1..T, v[t]*{out})", f"{out}*s".replace("[t", "[T")
    squares = f"sum(t=1..T, ({out} - v[t])^2)"
    lines.append(f"J = {draw(st.sampled_from([every, last, squares]))}")
    text = "\n".join(lines)
    shapes = {name: shape for name, shape in SHAPES.items() if name in text}
    shapes |= {state: ["T", "H"] for state in states} | ({"g": ["T"]} if "g[t]" in text else {})
    padded = [*(["p"] if "p" in shapes else []), *([] if up else states)]
    return loaded({"sizes": {"T": None, "H": None}, "shapes": shapes, "pad": padded, "equations": text})
