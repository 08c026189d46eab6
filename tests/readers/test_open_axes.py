"""ONNX files of open lengths: a named axis is a letter, and what depends on it is a formula."""

from __future__ import annotations

from pathlib import Path

import pytest

import backcalc
from backcalc.readers import converted

OPEN = Path(__file__).with_name("open")


def test_a_named_axis_is_a_letter_and_that_of_the_samples_is_none() -> None:
    text = converted(OPEN / "sequence.onnx")
    assert "# The length `seq` stays open, as the letter seq." in text
    assert "sizes: {seq: null}\ninput: {ids: [seq]}" in text
    assert "shape: [seq, 2, 4]" in text
    totals = backcalc.count(OPEN / "sequence.onnx", flops="mac").totals
    assert totals.params == 933
    assert str(totals.macs.value) == "(16*seq^2 + 464*seq)"


# What torch.utils.flop_counter hears of the live model at that length, half of its FLOPs.
@pytest.mark.parametrize(("length", "macs"), [(6, 3360), (11, 7040)])
def test_a_sequence_at_some_length_is_as_the_live_model(length: int, macs: int) -> None:
    assert backcalc.count(OPEN / "sequence.onnx", flops="mac", at={"seq": length}).totals.macs.value == macs


@pytest.mark.parametrize(("height", "width", "macs"), [(16, 16, 31134), (20, 32, 77790)])
def test_an_image_of_some_size_is_as_the_live_model(height: int, width: int, macs: int) -> None:
    table = backcalc.count(OPEN / "image.onnx", flops="mac", at={"height": height, "width": width})
    assert (table.totals.params, table.totals.macs.value) == (369, macs)
    assert table.rows[3].output_shape == (6, height // 4, width // 4)
