"""The built-in networks, against the numbers that papers and other programs publish, and as files that people read."""

from __future__ import annotations

import json
from importlib import import_module
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner

import backcalc.net.zoo as zoo
from backcalc.cli.zoo import zoo as command
from backcalc.count import count
from backcalc.count.published import compare
from backcalc.net import InputError, load_network
from backcalc.net.zoo import NETWORKS, Published, nearest_name, published, zoo_text
from backcalc.render.count_text import render

FOLDER = Path(zoo.__file__).with_name("zoo")

# Parameters: `num_params` of the weights of torchvision 0.29.2; multiply-accumulates: DeepSpeed 0.19.8 run on them,
# which round to torchvision's `_ops`.
TORCHVISION = {
    "alexnet": (61_100_840, 714_188_480),
    "vgg11": (132_863_336, 7_609_090_048),
    "vgg11_bn": (132_868_840, 7_609_090_048),
    "vgg13": (133_047_848, 11_308_466_176),
    "vgg13_bn": (133_053_736, 11_308_466_176),
    "vgg16": (138_357_544, 15_470_264_320),
    "vgg16_bn": (138_365_992, 15_470_264_320),
    "vgg19": (143_667_240, 19_632_062_464),
    "vgg19_bn": (143_678_248, 19_632_062_464),
    "resnet18": (11_689_512, 1_814_073_344),
    "resnet34": (21_797_672, 3_663_761_408),
    "resnet50": (25_557_032, 4_089_184_256),
    "resnet101": (44_549_160, 7_801_405_440),
    "resnet152": (60_192_808, 11_513_626_624),
    "resnext50_32x4d": (25_028_904, 4_230_479_872),
    "wide_resnet50_2": (68_883_240, 11_398_021_120),
    "googlenet": (6_624_904, 1_498_376_192),
    "inception_v3": (27_161_264, 5_713_216_096),
    "mobilenet_v2": (3_504_872, 300_774_272),
    "mobilenet_v3_small": (2_542_856, 56_510_400),
    "mobilenet_v3_large": (5_483_032, 216_589_760),
    "densenet121": (7_978_856, 2_834_161_664),
    "densenet201": (20_013_928, 4_291_365_888),
    "squeezenet1_0": (1_248_424, 818_924_576),
    "squeezenet1_1": (1_235_496, 349_151_936),
    "shufflenet_v2_x1_0": (2_278_604, 144_907_992),
    "mnasnet1_0": (4_383_312, 314_415_872),
    "efficientnet_b0": (5_288_548, 385_814_752),
    "convnext_tiny": (28_589_128, 4_455_531_264),
    "regnet_y_400mf": (4_344_144, 401_842_848),
    "vit_b_16": (86_567_656, 17_563_828_224),
    "vit_b_32": (88_224_232, 4_409_186_304),
    "swin_t": (28_288_354, 4_490_566_656),
}
OTHERS = {
    "resnet50-2015": (25_557_032, 4_089_184_256 - 3 * 77_070_336),  # three strides stand one layer earlier
    "alexnet-2012": (60_965_224, 724_406_816),  # convnet-burden, caffenet: 724 M
    "mobilenet_v1": (4_231_976, 568_740_352),  # the paper: 4.2 M and 569 M
    "lenet5": (61_706, 416_520),
    "digits-mlp": (784 * 16 + 16 + 16 * 16 + 16 + 16 * 10 + 10, 784 * 16 + 16 * 16 + 16 * 10),
}


@pytest.mark.parametrize("name", [*TORCHVISION, *OTHERS])
def test_parameters_and_macs_to_the_unit(name):
    totals = count(load_network(name), flops="torchvision").totals
    assert (totals.params, totals.macs.value) == (TORCHVISION | OTHERS)[name]
    assert totals.flops.value == totals.macs.value


def test_unet_by_hand():
    """Figure 1 of the paper: two convolutions a level, four levels, the bottom, four up-convolutions, 1x1 to 2 maps."""
    widths = [64, 128, 256, 512, 1024]
    two = sum(9 * before * width + width + 9 * width * width + width for before, width in pairwise([1, *widths]))
    up = sum(
        4 * 2 * width * width + width + 9 * 2 * width * width + width + 9 * width * width + width
        for width in widths[:-1]
    )
    assert count(load_network("unet")).totals.params == two + up + 64 * 2 + 2 == 31_030_658


FIELDS = {
    "alexnet": {"conv1": 11, "pool1": 19, "conv2": 51, "conv3": 99, "conv4": 131, "conv5": 163, "pool5": 195},
    "vgg11": {"pool_5": 150},
    "vgg16": {"pool_5": 212},
    "resnet50-2015": {"unit_1_2": 35, "unit_2_3": 99, "unit_3_5": 291, "unit_4_2": 483},
    "inception_v3": {"join_e_2": 1311},
    "mobilenet_v1": {"unit_13": 315},
    "lenet5-1998": {"C1": 5, "S2": 6, "C3": 14, "S4": 16, "C5": 32},
    "resnet18": {"relu_17": 435},
    "resnet50": {"unit_4_2": 427},
}


@pytest.mark.parametrize("name", FIELDS)
def test_receptive_fields(name):
    """google-research/receptive_field, RECEPTIVE_FIELD_TABLE.md; the stride on the 3x3 convolution makes 483 to 427."""
    table = count(load_network(name))
    assert {layer: table.row(layer).receptive_field for layer in FIELDS[name]} == FIELDS[name]


def test_no_branches_are_said_not_to_align():
    for name in NETWORKS:
        assert not [note for row in count(load_network(name)).rows for note in row.notes if "align" in note], name


def test_a_gate_does_not_change_how_far_apart_neighbours_are():
    """Behind squeeze-and-excitation every output sees the whole image, however many layers follow."""
    rows = count(load_network("efficientnet_b0")).rows
    assert rows[-1].receptive_field == 224
    assert max(row.receptive_field for row in rows) == 224


def test_places_in_a_row_and_laid_out_again_are_a_map():
    """The dense layers of a ConvNeXt block work on a row of places; three blocks of 7x7 see 4 + 3·6·4 cells."""
    adds = [row for row in count(load_network("convnext_tiny")).rows if row.kind == "add"][:3]
    assert [row.receptive_field for row in adds] == [4 + 6 * 4 * block for block in (1, 2, 3)]
    mixed = ["dense: 64", "transpose, reshape: [2, 64]", "slice: {axis: 1}"]  # the row is not what it was
    for layers in mixed:
        text = f"reshape: [2, 64], {layers}, reshape: [2, 8, 8], conv2d: {{filters: 1, kernel: 3}}"
        table = count(load_network(f"{{input: {{x: [2, 8, 8]}}, layers: [{text}]}}"))
        assert table.rows[-1].receptive_field == 8


def test_keras_counts_the_statistics_too():
    """Keras 3.15.1, `weights=None`: its totals hold the running statistics of the norms."""
    totals = {"densenet121": 8_062_504, "densenet169": 14_307_880, "densenet201": 20_242_984, "mobilenet_v1": 4_253_864}
    totals |= {"mobilenet_v2": 3_538_984, "vgg16": 138_357_544, "vgg19": 143_667_240}
    assert {name: count(load_network(name)).totals.total for name in totals} == totals


def test_the_head_that_only_training_uses_has_parameters_and_is_not_computed():
    """GoogLeNet and Inception: published parameters hold the auxiliary head, published operations do not."""
    table = count(load_network("inception_v3"))
    head = [row for row in table.rows if "the output does not need this layer: its parameters count, but it is not "
            "computed" in row.notes]  # fmt: skip
    assert sum(row.params for row in head) == 27_161_264 - 23_834_568
    assert {row.macs + row.flops + row.connections + row.activations for row in head} == {0}
    assert head[0].name == "aux" and head[-1].name == "aux_fc"


def test_what_is_published_agrees():
    comparisons = list(compare())
    assert [each for each in comparisons if not each.agrees] == []
    of = {each.published.network for each in comparisons}
    assert set(TORCHVISION) | {"lenet5", "lenet5-1998", "digits-mlp", "alexnet-2012", "mobilenet_v1"} <= of
    assert {"params", "macs", "total", "connections"} <= {each.published.what for each in comparisons}


@pytest.mark.parametrize(
    ("number", "counted", "agrees"),
    [
        ("61706", 61_706, True),
        ("61706", 61_707, False),
        ("4.089e9", 4_089_184_256, True),
        ("4.09e9", 4_089_184_256, True),  # rounded
        ("4.08e9", 4_089_184_256, True),  # cut off
        ("4.10e9", 4_089_184_256, False),
        ("4.088e9", 4_089_184_256, False),
        ("569e6", 568_740_352, True),
        ("567e6", 568_740_352, False),
    ],
)
def test_a_published_number_holds_to_its_digits(number, counted, agrees):
    assert Published("net", "macs", number, "").agrees(counted) is agrees


def test_the_command_shows_the_table():
    done = CliRunner().invoke(command, ["--check"], standalone_mode=False)
    assert done.return_value == 0
    assert max(map(len, done.output.splitlines())) <= 80
    assert [line.split() for line in done.output.splitlines() if line.startswith("resnet50 ")] == [
        ["resnet50", "params", "25557032", "25557032", "[4]"],
        ["resnet50", "macs", "4089184256", "4.089e9", "[5]"],
        ["resnet50", "macs", "4089184256", "4089184256", "[6]"],
    ]
    assert " [4] torchvision 0.29.2: num_params\n" in done.output


def test_the_command_fails_where_a_number_differs(monkeypatch):
    wrong = (Published("lenet5", "params", "61705", "a book"), Published("lenet5", "macs", "416520", "a book"))
    monkeypatch.setattr(import_module("backcalc.count.published"), "published", lambda: iter(wrong))
    done = CliRunner().invoke(command, ["--check"], standalone_mode=False)
    assert done.return_value == 1
    assert "lenet5  params    61706      61705  differs     [1]" in done.output
    assert done.output.endswith("2 published numbers: 1 differ.\n")
    done = CliRunner().invoke(command, ["--check", "--format", "json"], standalone_mode=False)
    answer = json.loads(done.output)
    assert (done.return_value, answer["passed"]) == (1, False)
    assert answer["published"][0] == {
        "name": "lenet5", "what": "params", "counted": 61706, "published": "61705", "source": "a book", "agrees": False,
    }  # fmt: skip


def test_every_file_is_in_the_list_and_readable():
    assert {file.stem for file in FOLDER.glob("*.yaml")} == set(NETWORKS)
    for name in NETWORKS:
        text = zoo_text(name)
        assert f"\nname: {name}\n" in f"\n{text}"
        assert text.startswith("#") or name == "lenet5", f"{name} names its source"
        assert len(text.splitlines()) <= 180, f"{name} is for people to read"
        assert max(map(len, text.splitlines())) <= 120


def test_text_fits_and_names_every_layer():
    for name in NETWORKS:
        table = count(load_network(name))
        text = render(table)
        assert max(map(len, text.splitlines())) <= 80, name
        words = set(text.split())
        assert all(row.name in words and str(row.flops) in words for row in table.rows), name


def test_every_published_number_has_a_network_and_a_source():
    for each in published():
        assert each.network in NETWORKS and each.source


@pytest.mark.parametrize(
    ("word", "meant"),
    [("ResNet-50", "resnet50"), ("VGG16", "vgg16"), ("mobilenet-v2", "mobilenet_v2"), ("Inception v3", "inception_v3")],
)
def test_another_spelling_is_answered_with_the_name(word, meant):
    assert nearest_name(word) == meant
    with pytest.raises(InputError, match=rf"there is no such file or built-in network(.|\n)*did you mean `{meant}`\?"):
        load_network(word)


def test_no_other_spelling():
    assert nearest_name("resnet") is None


WIDTHS = {"gpt2": (12, 768), "gpt2-medium": (24, 1024), "gpt2-large": (36, 1280), "gpt2-xl": (48, 1600)}


@pytest.mark.parametrize("name", WIDTHS)
def test_gpt2_in_closed_form(name):
    """Parameters V·d + P·d + L·(12·d² + 13·d) + 2·d; a block of T steps 12·T·d² + 2·T²·d, the tied head T·V·d."""
    blocks, d = WIDTHS[name]
    words, steps = 50_257, 1024
    totals = count(load_network(name), flops="mac").totals
    assert totals.params == words * d + 1024 * d + blocks * (12 * d**2 + 13 * d) + 2 * d
    assert totals.macs.value == blocks * (12 * steps * d**2 + 2 * steps**2 * d) + steps * words * d


@pytest.mark.parametrize(("name", "blocks", "d"), [("bert-base", 12, 768), ("bert-large", 24, 1024)])
def test_bert_in_closed_form(name, blocks, d):
    """The encoder of BERT-base takes 11173625856 multiply-accumulates for 128 tokens, the pooler d² more."""
    words, places = 30_522, 512
    totals = count(load_network(name), flops="mac").totals
    assert totals.params == words * d + places * d + 2 * d + 2 * d + blocks * (12 * d**2 + 13 * d) + d**2 + d
    totals = count(load_network(name, at={"T": 128}), flops="mac").totals
    assert totals.macs.value == blocks * (12 * 128 * d**2 + 2 * 128**2 * d) + d**2
    assert name != "bert-base" or totals.macs.value == 11_173_625_856 + 768**2


LLAMAS = {
    "llama-2-7b": (32_000, 4096, 11_008),
    "llama-3-8b": (128_256, 1024, 14_336),
    "mistral-7b": (32_000, 1024, 14_336),
}


@pytest.mark.parametrize("name", LLAMAS)
def test_llamas_in_closed_form(name):
    """2·V·d + L·(2·d² + 2·d·k + 3·d·f + 2·d) + d with k numbers of all heads of keys; each weight once a step."""
    words, keys, inner = LLAMAS[name]
    d, blocks, steps = 4096, 32, 4096
    weights = 2 * d**2 + 2 * d * keys + 3 * d * inner
    totals = count(load_network(name), flops="mac").totals
    assert totals.params == 2 * words * d + blocks * (weights + 2 * d) + d
    assert totals.macs.value == steps * (blocks * weights + words * d) + blocks * 2 * steps**2 * d


def test_mixtral_in_closed_form():
    d, blocks, steps, words, inner, keys = 4096, 32, 4096, 32_000, 14_336, 1024
    attention, expert = 2 * d**2 + 2 * d * keys, 3 * d * inner
    totals = count(load_network("mixtral-8x7b"), flops="mac").totals
    assert totals.params == 2 * words * d + blocks * (attention + 8 * d + 8 * expert + 2 * d) + d
    computed = blocks * (attention + 8 * d + 2 * expert) + words * d
    assert totals.macs.value == steps * computed + blocks * 2 * steps**2 * d
