"""Counts against published numbers: LeNet-5's paper, torchvision's tables, the receptive fields of TF-Slim's nets."""

from __future__ import annotations

import pytest

from backcalc.count import count
from backcalc.net import load_network


def column(table, name, kinds=("conv2d", "subsample2d", "dense", "rbf")):
    return [getattr(row, name) for row in table.rows if row.kind in kinds]


def conv(filters, kernel, stride=1, padding=0):
    return {"conv2d": {"filters": filters, "kernel": kernel, "stride": stride, "padding": padding}}


def pool(size, stride):
    return {"maxpool2d": {"size": size, "stride": stride}}


def image(layers, size=224, channels=3):
    return load_network({"input": {"x": [channels, size, size]}, "layers": layers})


ALEXNET = [
    *(conv(64, 11, 4, 2), "relu", pool(3, 2), conv(192, 5, 1, 2), "relu", pool(3, 2), conv(384, 3, 1, 1), "relu"),
    *(conv(256, 3, 1, 1), "relu", conv(256, 3, 1, 1), "relu", pool(3, 2)),
    *("flatten", {"dense": 4096}, "relu", {"dense": 4096}, "relu", {"dense": 1000}),
]


def vgg(*blocks):
    """The VGG networks: blocks of 3x3 convolutions of the same number of maps, each ended by pooling."""
    layers = []
    for maps, times in blocks:
        layers += [conv(maps, 3, 1, 1), "relu"] * times + [pool(2, 2)]
    return [*layers, "flatten", {"dense": 4096}, "relu", {"dense": 4096}, "relu", {"dense": 1000}]


VGG11 = vgg((64, 1), (128, 1), (256, 2), (512, 2), (512, 2))
VGG16 = vgg((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))


@pytest.mark.parametrize(
    ("layers", "params", "macs"),
    [
        (ALEXNET, 61_100_840, 714_188_480),
        (VGG11, 132_863_336, 7_609_090_048),
        (VGG16, 138_357_544, 15_470_264_320),
    ],
    ids=["alexnet", "vgg11", "vgg16"],
)
def test_torchvision(layers, params, macs):
    """torchvision 0.29, `num_params` and `_ops` of the weights' metadata (`_ops` is rounded to 3 decimals of 1e9)."""
    table = count(image(layers), flops="torchvision")
    assert table.totals.params == params
    assert table.totals.macs.value == table.totals.flops.value == macs


def test_lenet5_of_1998():
    """LeCun, Bottou, Bengio, Haffner (1998), II-B: "340,908 connections, 60,000 trainable free parameters"."""
    table = count(load_network("lenet5-1998"))
    assert column(table, "trainable") == [156, 12, 1516, 32, 48120, 10164, 0]
    assert column(table, "connections") == [122304, 5880, 151600, 2000, 48120, 10164, 840]
    assert column(table, "receptive_field")[:5] == [5, 6, 14, 16, 32]
    totals = table.to_json()["totals"]
    assert (totals["trainable"], totals["non_trainable"], totals["total"]) == (60000, 840, 60840)
    assert totals["connections"] == 340_908
    assert table.rows[-1].weights == 840


def test_lenet5_without_biases():
    table = count(load_network("lenet5"), bias=False)
    kinds = ("conv2d", "maxpool2d", "dense")
    assert column(table, "weights", kinds) == [150, 0, 2400, 0, 48000, 10080, 840]
    assert table.totals.params == 61470
    assert column(table, "connections") == [117600, 240000, 48000, 10080, 840]
    assert table.totals.connections.value == table.totals.macs.value == 416_520


def test_lenet5_with_biases():
    """61706 parameters and 416520 MACs, with 6518 additions of biases, are what DeepSpeed's own test has."""
    table = count(load_network("lenet5"))
    names = "conv1 relu1 pool1 conv2 relu2 pool2 flatten fc1 relu3 fc2 relu4 fc3 softmax"
    assert [row.name for row in table.rows] == names.split()
    assert column(table, "params") == [156, 2416, 48120, 10164, 850]
    assert (table.totals.params, table.totals.macs.value) == (61706, 416_520)
    assert table.totals.connections.value - table.totals.macs.value == 6518


def test_lenet5_and_its_padding():
    table = count(load_network("lenet5"), bias=False, padding_connections=False)
    assert table.row("conv1").connections == 6 * 134**2 == 107_736
    assert str(table.row("conv1").formulas.connections) == "134·134·1·6 = 107736"


def test_lenet5_and_its_pooling():
    table = count(load_network("lenet5"), bias=False, pooling_connections=True)
    assert [table.row(name).connections for name in ("pool1", "pool2")] == [4704, 1600]
    assert table.totals.connections.value == 422_824


def test_a_strided_convolution_and_pooling():
    layers = [conv(20, 4, 2, 1), {"maxpool2d": {"size": 3, "stride": 1}}]
    table = count(image(layers, size=12, channels=50), bias=False)
    assert [str(row.formulas.flops) for row in table.rows] == [
        "(800 + 799)·20·6·6 = 1151280",
        "(3·3 - 1)·20·4·4 = 2560",
    ]
    assert (table.totals.flops.value, table.totals.macs.value, table.totals.params) == (1_153_840, 576_000, 16_000)
    table = count(image(layers, size=12, channels=50))
    assert str(table.rows[0].formulas.flops) == "(800 + 799 + 1)·20·6·6 = 1152000"
    assert table.totals.flops.value == 1_154_560


def test_receptive_fields_of_alexnet_v2():
    """google-research/receptive_field, RECEPTIVE_FIELD_TABLE.md, alexnet_v2 conv1 … pool5."""
    layers = [
        *(conv(2, 11, 4), pool(3, 2), conv(2, 5, 1, 2), pool(3, 2)),
        *(conv(2, 3, 1, 1), conv(2, 3, 1, 1), conv(2, 3, 1, 1), pool(3, 2)),
    ]
    fields = [row.receptive_field for row in count(image(layers)).rows]
    assert fields == [11, 19, 51, 67, 99, 131, 163, 195]


def test_receptive_field_of_vgg16():
    """The same table: vgg_16/pool5 sees 212 cells."""
    assert count(image(VGG16)).row("maxpool2d_5").receptive_field == 212
