"""Two networks side by side: which rows are paired, and that what differs is marked."""

from __future__ import annotations

import json

import pytest

from backcalc.count import count
from backcalc.count.compare import versus
from backcalc.net import load_network
from backcalc.render.versus_text import render
from tests.hanging import guard_against_hanging


def pair(first, second, **options):
    return versus(count(load_network(first), **options), count(load_network(second), **options))


def test_the_same_network_does_not_differ():
    found = pair("lenet5", "lenet5")
    assert not any(each.differs for each in found.pairs)
    text = render(found)
    assert "no row differs" in text and "≠" not in text


def test_the_totals_stand_before_the_rows():
    lines = [line.split() for line in render(pair("resnet50", "resnet101", flops="mac")).splitlines()[:12]]
    assert ["params", "25557032", "44549160", "18992128"] in lines
    assert ["MACs", "4089184256", "7801405440", "3712221184"] in lines
    letters = render(pair({"sizes": {"d": None}, "input": {"x": "d"}, "layers": [{"dense": "d"}]}, "gpt2"))
    assert "d² + d     124439808" in letters and max(map(len, letters.splitlines())) <= 80


def test_layers_that_only_one_has_stand_alone():
    found = pair("vgg16", "vgg16_bn")
    alone = [each.right for each in found.pairs if each.left is None]
    assert [row.kind for row in alone] == ["batchnorm"] * 13
    assert [each.differs for each in found.pairs] == [each.left is None for each in found.pairs]
    assert sum(row.params for row in alone) == found.right.totals.params - found.left.totals.params


def test_the_two_resnets_differ_where_the_stride_stands():
    found = pair("resnet50", "resnet50-2015", flops="mac")
    macs = [
        (each.left.name, each.left.macs - each.right.macs) for each in found.pairs if each.left.macs != each.right.macs
    ]
    assert sum(difference for _, difference in macs) == 3 * 77_070_336
    assert len(macs) == 3


def test_every_row_of_both_is_there():
    found = pair("lenet5", "lenet5-1998")
    for side, name in (("left", "lenet5"), ("right", "lenet5-1998")):
        rows = [getattr(each, side) for each in found.pairs if getattr(each, side) is not None]
        assert [row.name for row in rows] == [row.name for row in count(load_network(name)).rows]


@pytest.mark.parametrize(("first", "second"), [("lenet5", "lenet5-1998"), ("resnet18", "convnext_tiny")])
def test_text_fits_and_loses_nothing(first, second):
    found = pair(first, second)
    text = render(found)
    assert max(map(len, text.splitlines())) <= 80
    words = set(text.split())
    for each in found.pairs:
        for row in (each.left, each.right):
            if row is not None:
                assert {str(row.params), str(row.macs), str(row.flops), str(row.connections), row.name} <= words
    assert text.count("≠ total") >= 3


def test_deep_networks_are_compared():
    deep, deeper = (count(load_network(f"input: 3\nlayers: [{first}, repeat: {{times: 3000, layers: [relu, tanh]}}]\n"))
                    for first in ("dense: 3", "sigmoid, softplus"))  # fmt: skip
    with guard_against_hanging():
        found = versus(deep, deeper)
    assert len(found.pairs) == len(deeper.rows) == len(deep.rows) + 1


def test_json():
    answer = pair("lenet5", "lenet5-1998").to_json()
    assert (answer["schema_version"], answer["nets"]) == (1, ["lenet5", "lenet5-1998"])
    assert json.dumps(answer)
    assert answer["layers"][0]["differs"] is False
    assert answer["layers"][0]["left"]["params"] == answer["layers"][0]["right"]["params"] == 156
    assert [totals["params"] for totals in answer["totals"]] == [61706, 60000]
