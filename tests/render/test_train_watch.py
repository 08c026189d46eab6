"""Live curves: dots where the numbers are, gaps where they are not, how far the training is."""

from __future__ import annotations

from math import nan
from typing import Any

import pytest

from backcalc.numeric.train import Progress
from backcalc.render import train_watch
from backcalc.render.braille import BLANK, DOTS, plot
from backcalc.render.train_watch import Watch


def dots(text: str, width: int, height: int) -> set[tuple[int, int]]:
    """The dots of a plot, by column and row from the top left, read off the characters."""
    found = set()
    for row, line in enumerate(text.split("\n")[1 : height + 1]):
        field = line[12:].ljust(width)
        for column, character in enumerate(field):
            bits = ord(character) - BLANK if character != " " else 0
            found |= {
                (2 * column + right, 4 * row + down)
                for down in range(4)
                for right in range(2)
                if bits & DOTS[down][right]
            }
    return found


def test_every_column_has_a_dot_where_the_number_is() -> None:
    found = dots(plot("y", {"a": [0, 1, 0]}, 1, 3, width=4, height=2), 4, 2)
    for column in range(8):
        number = 1 - abs(column * 2 / 7 - 1)
        assert (column, round((1 - number) * 7)) in found
    assert {column for column, _ in found} == set(range(8))


def test_the_line_is_joined_and_gaps_stay_gaps() -> None:
    steep = dots(plot("y", {"a": [0, 0, 0, 1, 1, 1]}, 1, 6, width=5, height=3), 5, 3)
    assert {row for _, row in steep} == set(range(12)), "a jump is drawn from its start to its end"
    broken = dots(plot("y", {"a": [1, 1, nan, 0, 0]}, 1, 5, width=10, height=2), 10, 2)
    columns = {column for column, _ in broken}
    assert columns and not columns & set(range(7, 13))


def test_the_axis_says_what_is_least_and_most() -> None:
    lines = plot("loss", {"training": [2.5, 0.125], "validation": [3.0, 1.0]}, 7, 12, width=12, height=3).split("\n")
    assert lines[0] == "loss (training line, validation dotted)"
    assert lines[1].startswith("         3 ┤") and lines[3].startswith("     0.125 ┤")
    assert lines[5].split() == ["7", "12"]
    flat = plot("loss", {"training": [1.0], "validation": []}, 1, 1, width=4, height=2)
    assert flat.startswith("loss\n         1 ┤")
    assert "nan" not in plot("loss", {"training": [nan, nan]}, 1, 2, width=4, height=2)


def test_how_far_it_is() -> None:
    watch = Watch(4)
    text = watch.told(Progress(1, 4, (0.5, 1.5), (0.5, nan)))
    assert text.startswith("train ━━━━━━────────────────── epoch 1 of 4, loss 1, metric 0.5, ")
    assert "\n" not in text
    live = watch.told(Progress(2, 4, (0.5, 0.5), (0.75, 0.75), (1.0, 1.0), (0.5, 0.5)), live=True)
    assert live.count("training line, validation dotted") == 2
    assert live.split("\n")[-1].split() == ["1", "2"]


def test_a_run_that_is_gone_on_with_begins_later(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(train_watch.time, "monotonic", lambda: now[0])
    watch = Watch(100)
    now[0] = 2.0
    text = watch.told(Progress(51, 100, (1.0,), (1.0,)))
    assert text.endswith(", 98 s left"), "49 epochs of two seconds each"
    assert watch.curves().split("\n")[-1].split() == ["51", "51"]


def test_lines_come_every_few_seconds_and_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    now: list[Any] = [0.0]
    monkeypatch.setattr(train_watch.time, "monotonic", lambda: now[0])
    watch, due = Watch(10), []
    for epoch in range(1, 11):
        now[0] += 2
        watch.told(Progress(epoch, 10, (1.0,), (1.0,)))
        if watch.is_due():
            due.append(epoch)
    assert due == [3, 6, 9, 10]
