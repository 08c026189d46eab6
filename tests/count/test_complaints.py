"""What users of counters complain of, a test for each complaint that is about counting."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

import backcalc
from backcalc.cli.program import cli
from backcalc.count.difference import difference
from backcalc.count.whole import whole
from backcalc.net import load_network
from tests.hanging import guard_against_hanging

if TYPE_CHECKING:
    from backcalc.count import Table


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["count", *arguments])


def counted(layers: list[Any], shape: list[int], **options: Any) -> Table:
    return backcalc.count({"input": {"x": shape}, "layers": layers}, **options)


def test_1_a_multiply_accumulate_is_not_called_an_operation() -> None:
    table = backcalc.count("resnet18", flops="2mac")
    assert (table.totals.macs.value, table.totals.flops.value) == (1_814_073_344, 2 * 1_814_073_344)
    text = " ".join(run("resnet18", "--flops", "2mac").output.split())
    assert "FLOPs are counted as `2mac`: a multiply-accumulate is two" in text


def test_2_attention_is_counted() -> None:
    """ViT-B/16 was 0.17, 11.28 and 17.56 G; and its cost grows with the square of the steps."""
    assert backcalc.count("vit_b_16", flops="mac").totals.flops.value == 17_563_828_224
    one, two = (counted([{"attention": {"heads": 4}}], [steps, 64]).totals.macs.value for steps in (10, 20))
    assert one == 176_640 - 10 * 64 * 4 + 10 * 64 * 4 == 4 * 10 * 64 * 64 + 2 * 10 * 10 * 64
    assert two - 2 * one == 2 * (20 * 20 - 2 * 10 * 10) * 64


def test_3_the_products_of_attention_are_neither_none_nor_double() -> None:
    table = counted([{"attention": {"heads": 8}}], [128, 512])
    projections = 4 * 128 * 512 * 512
    assert table.totals.macs.value - projections == 8 * (128 * 128 * 64) * 2


def test_4_a_transposed_convolution_is_counted_at_its_inputs() -> None:
    layer = {"filters": 4, "kernel": 2, "stride": 2}
    assert counted([{"conv_transpose2d": layer}], [8, 8, 8]).totals.macs.value == 8_192
    grouped = {"filters": 8, "kernel": 2, "stride": 2, "groups": 4}
    assert counted([{"conv_transpose2d": grouped}], [8, 8, 8]).totals.macs.value == 4_096


def test_5_two_conventions_that_disagree_are_explained() -> None:
    found = difference(load_network("resnet50"), "mac", "fvcore")
    assert found.value == sum(term.formula.value for term in found.terms)
    assert {term.kind for term in found.terms} == {"batchnorm", "adaptive_avgpool2d"}


def test_6_the_formula_stands_beside_the_number() -> None:
    """Why the second convolution has so many parameters: 5·5·6 weights and a bias, 16 times."""
    assert "(5·5·6 + 1)·16 = 2416" in run("lenet5", "--explain", "conv2").output


def test_7_tied_weights_are_one_parameter_and_two_computations() -> None:
    """GPT-2's head is its embedding once more: 124 M, not 163 M; the head is computed all the same."""
    table = backcalc.count("gpt2", flops="mac")
    head = table.row("head")
    assert (table.totals.params, head.params, head.macs) == (124_439_808, 0, 1024 * 768 * 50257)


def test_8_recurrent_layers_are_counted() -> None:
    """A bidirectional LSTM of two layers, 16 to 32, over 10 steps: 368640 products, 0 in many tools."""
    layer = {"units": 32, "layers": 2, "bidirectional": True, "return": "all"}
    assert counted([{"lstm": layer}], [10, 16]).totals.macs.value == 368_640
    gru = counted([{"gru": {"units": 32, "return": "all"}}], [10, 16]).totals.macs.value
    assert gru == 10 * 3 * 32 * (16 + 32)


def test_9_counting_changes_nothing() -> None:
    network = load_network("lenet5")
    first = backcalc.count(network).to_json()
    backcalc.count(network, batch=7, bias=False, flops="thop")
    assert backcalc.count(network).to_json() == first


def test_10_memory_says_what_it_holds_and_needs_none_itself() -> None:
    """A network larger than memory is counted: no array is made."""
    found = whole(load_network("mixtral-8x7b"), flops="mac")
    assert found.memory[0].parameters == 4 * 46_702_792_704
    text = " ".join(run("vgg16", "--cost", "training").output.split())
    assert "training keeps every output until the way back has passed it" in text


def test_11_a_summary_of_layers_has_operations() -> None:
    rows = json.loads(run("vgg16", "--format", "json").output)["layers"]
    assert all(isinstance(row["flops"], int) for row in rows)


@pytest.mark.parametrize("name", ["cnn.onnx", "cnn.pt2", "image.keras"])
def test_12_a_file_of_another_program_is_counted_without_that_program(name: str) -> None:
    file = Path(__file__).parents[1] / "data" / name
    facts = json.loads(file.with_name("facts.json").read_text(encoding="utf-8"))[name]
    totals = backcalc.count(file, flops="mac").totals
    assert totals.flops.value == facts.get("macs", totals.flops.value) > 0


@pytest.mark.parametrize("form", ["markdown", "latex", "html", "csv", "json"])
def test_13_tables_can_be_exported(form: str) -> None:
    assert "138357544" in run("vgg16", "--format", form).output


def test_14_tables_are_not_cut() -> None:
    name = "a_layer_with_a_name_that_is_longer_than_any_column_of_any_table"
    net = f"{{input: {{x: 3}}, layers: [dense: {{name: {name}, units: 1000000}}]}}"
    done = CliRunner().invoke(cli, ["count", "-"], input=net)
    assert max(map(len, done.output.splitlines())) <= 80
    assert name in done.output.replace("\n", "") and "4000000" in done.output


def test_15_sizes_may_be_letters() -> None:
    net = {"sizes": {"T": None, "d": None}, "input": {"x": ["T", "d"]}, "layers": [{"dense": "4*d"}]}
    totals: Any = backcalc.count(net).to_json()["totals"]
    assert (totals["params"], totals["macs"]) == ("4*d^2 + 4*d", "4*T*d^2")


def test_16_the_way_back_is_counted_and_the_causal_half_is_a_choice() -> None:
    found = whole(load_network("resnet18"), flops="2mac")
    assert (found.forward, found.step) == (3_628_146_688, 10_648_412_160)
    full, exact = (backcalc.count("llama-2-7b", causal=each).totals.macs.value for each in ("full", "exact"))
    steps = 4096
    assert full - exact == 32 * 2 * 4096 * (steps * steps - steps * (steps + 1) // 2)
    # a query that sees others than itself, in a memory of another length, is not halved
    text = "{input: {x: [3, 4], m: [5, 4]}, layers: [attention: {heads: 2, inputs: x, memory: m}]}"
    cross = [backcalc.count(text, causal=each).totals.macs.value for each in ("full", "exact")]
    assert cross[0] == cross[1]


def test_17_experts_and_grouped_heads_and_heads_of_another_size() -> None:
    totals = backcalc.count("mixtral-8x7b", flops="mac").totals
    assert (totals.params, totals.active) == (46_702_792_704, 12_879_925_248)
    layer = {"heads": 4, "kv_heads": 2, "head_size": 10, "bias": False}
    table = counted([{"attention": layer}], [7, 16])
    assert table.totals.params == 2 * 16 * 40 + 2 * 16 * 20
    assert table.totals.macs.value == 7 * 16 * (2 * 40 + 2 * 20) + 2 * 7 * 7 * 40


def test_18_parameters_are_those_that_training_changes() -> None:
    """Not the statistics of a norm, not the state of the optimiser; the whole is said too."""
    totals = backcalc.count("mobilenet_v2").totals
    assert (totals.params, totals.non_trainable, totals.total) == (3_504_872, 34_112, 3_538_984)
    assert whole(load_network("mobilenet_v2"), flops="mac", optimiser="adam").table.totals.params == totals.params


def test_19_what_costs_nothing_is_not_complained_of() -> None:
    table = backcalc.count("resnet18", flops="mac")
    assert not [note for row in table.rows if row.kind in ("relu", "flatten") for note in row.notes]


def test_20_the_receptive_field_goes_through_branches_and_upsampling() -> None:
    table = backcalc.count("resnet50-2015")
    assert (table.row("unit_4_2").receptive_field, table.row("unit_4_2").jump) == (483, 32)
    assert all(row.receptive_field for row in backcalc.count("unet").rows)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ("[repeat: {times: 1000000000, layers: [relu]}]", "there are more than 10000 layers"),
        ("[repeat: {times: 1000000000, layers: []}]", "there are no layers"),
        ("[dense: -3]", "`units`: expected a whole number from 1, got `-3`"),
        (
            "[dense: {name: a, units: 2, inputs: b}, dense: {name: b, units: 2, inputs: a}]",
            "`b` is not an earlier layer",
        ),
    ],
)
def test_a_billion_layers_no_layers_and_cycles_are_refused(layers: str, message: str) -> None:
    with guard_against_hanging():
        done = CliRunner().invoke(cli, ["count", "-"], input=f"{{input: {{x: 3}}, layers: {layers}}}")
    assert done.exit_code == 2
    assert f"error: {message}" in done.output
