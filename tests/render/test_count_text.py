"""The table as text: everything is there, nothing is cut, and it reads well."""

from __future__ import annotations

import pytest

from backcalc.count import count
from backcalc.net import InputError, load_network
from backcalc.render.count_text import explain, render


@pytest.mark.parametrize("name", ["lenet5", "lenet5-1998"])
@pytest.mark.parametrize("options", [{}, {"bias": False}, {"batch": 1024}, {"flops": "mac"}])
def test_nothing_is_lost_at_80_columns(name, options):
    table = count(load_network(name), **options)
    text = render(table)
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text
    words = " ".join(text.split())
    for row in table.rows:
        for formula in (row.formulas.params, row.formulas.connections, row.formulas.macs, row.formulas.flops):
            assert formula.value == 0 or str(formula) in words
        for value in (row.name, row.params, row.connections, row.macs, row.flops, row.receptive_field):
            assert str(value) in words
    for total in (table.totals.params, table.totals.connections.value, table.totals.memory.value):
        assert str(total) in words


def test_the_numbers_of_lenet5_as_a_table():
    lines = render(count(load_network("lenet5"), bias=False)).splitlines()
    head = lines.index("layer    kind       output        params  connections    MACs   FLOPs  field")
    assert lines[head + 2] == "conv1    conv2d     [6, 28, 28]      150       117600  117600  230496      5"
    assert lines[head + 9] == "fc1      dense      [120]          48000        48000   48000   95880     28"
    assert lines[head + 16] == "total                              61470       416520  416520  837787"


def test_the_formulas_of_a_layer():
    text = render(count(load_network("lenet5")))
    assert (
        "conv1 (conv2d)\n"
        "  output       [6, 28, 28]: (28 + 2·2 - 5)/1 + 1 = 28; 6·28·28 = 4704 numbers\n"
        "  params       (5·5·1 + 1)·6 = 156 (150 weights, 6 biases)\n"
        "  connections  (5·5·1 + 1)·6·28·28 = 122304\n"
        "  MACs         5·5·1·6·28·28 = 117600\n"
        "  FLOPs        (25 + 24 + 1)·6·28·28 = 235200\n"
        "  field        1 + (5 - 1)·1 = 5\n"
    ) in text
    assert "  params       156 + 2416 + 48120 + 10164 + 850 = 61706\n" in text


def test_a_wide_table_is_split_and_not_cut():
    layers = [
        {"conv2d": {"name": "the_first_convolution_of_them_all", "filters": 1000, "kernel": 3, "padding": "same"}},
        {"conv2d": {"filters": 1000, "kernel": 3, "padding": "same"}},
    ]
    text = render(count(load_network({"input": {"x": [3, 1000, 1000]}, "layers": layers})))
    assert max(map(len, text.splitlines())) <= 80
    tables = text.partition("How each number comes about")[0]
    assert tables.count("the_first_convolution_of_them_all") == 3
    assert "9001000000000" in text


def test_conventions_are_named_with_their_meaning():
    text = " ".join(render(count(load_network("lenet5"), flops="2mac", bias=False)).split())
    assert "FLOPs are counted as `2mac`: a multiply-accumulate is two: n inputs of a neuron are 2n" in text
    assert "Biases are left out of everything." in text


def test_explaining_a_layer():
    text = explain(count(load_network("lenet5")), "conv1")
    assert text.startswith("conv1: conv2d, from [1, 28, 28] to [6, 28, 28]\n")
    assert (
        "Params, which training can change\n"
        "  in general: (kernel height·kernel width·channels + 1)·filters\n"
        "  here: (5·5·1 + 1)·6 = 156\n"
    ) in text
    assert "25 multiplications + 24 additions + 1 addition of a bias for each of the" in text


def test_explaining_what_is_zero_and_why():
    table = count(load_network("lenet5"), bias=False)
    assert "Biases\n  0: biases are left out (--no-bias)\n" in explain(table, "conv1")
    assert "Weights\n  0: the layer has no weights\n" in explain(table, "relu1")
    assert "10 exponentials + 9 additions + 10 divisions for the one row" in explain(table, "softmax")


def test_explaining_every_layer_of_both_nets_fits():
    for name in ("lenet5", "lenet5-1998"):
        for flops in ("exact", "2mac"):
            table = count(load_network(name), flops=flops, pooling_connections=True, padding_connections=False)
            for row in table.rows:
                text = explain(table, row.name)
                assert max(map(len, text.splitlines())) <= 80
                assert str(row.formulas.flops) in text or row.flops == 0


def test_explaining_what_a_tool_counts():
    text = explain(count(load_network("resnet18"), flops="thop"), "batchnorm_1")
    assert "FLOPs, counted as `thop`\n  in general: 4·inputs\n  here: 4·64·112·112 = 3211264\n" in text
    text = explain(count(load_network("lenet5"), flops="ptflops"), "fc3")
    assert "  in general: multiply-accumulates + outputs with a bias\n  here: 84·10 + 10 = 850\n" in text


def test_a_long_name_goes_on_in_the_next_line():
    name = "a" * 90
    text = render(count(load_network(f"input: 3\nlayers: [dense: {{name: {name}, units: 2}}]\n")))
    table = text.split("How each number")[0]
    assert max(map(len, table.splitlines())) <= 80
    assert "a" * 38 in table and table.count("a") >= 90


def test_explaining_an_unknown_layer():
    with pytest.raises(InputError, match=r"there is no layer `conv9`"):
        explain(count(load_network("lenet5")), "conv9")
