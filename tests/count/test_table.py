"""The table: its JSON, its formulas, its options, and what counts once."""

from __future__ import annotations

from itertools import pairwise, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backcalc.count import count
from backcalc.count.conventions import CONVENTIONS, convention
from backcalc.count.receptive import Field, at_input
from backcalc.count.table import Formula
from backcalc.formula.evaluate import evaluate
from backcalc.formula.floats import FLOATS
from backcalc.formula.infer import build_program
from backcalc.formula.integers import integer
from backcalc.formula.read import read_equation, read_expression
from backcalc.formula.source import SourceEquation
from backcalc.layers import KINDS
from backcalc.layers.base import WHOLE, Window
from backcalc.net import InputError, load_network
from backcalc.render.count_text import render
from tests.hanging import guard_against_hanging


def net(layers, inputs=3, **keys):
    return load_network({"input": inputs, "layers": layers, **keys})


def test_json_has_the_names_that_scripts_build_on():
    table = count(load_network("lenet5")).to_json()
    assert next(iter(table)) == "schema_version"
    assert (table["schema_version"], table["net"], table["flops_convention"]) == (1, "lenet5", "exact")
    assert table["layers"][0] == {
        "name": "conv1",
        "kind": "conv2d",
        "output_shape": [6, 28, 28],
        "weights": 150,
        "biases": 6,
        "params": 156,
        "trainable": 156,
        "non_trainable": 0,
        "connections": 122304,
        "macs": 117600,
        "flops": 235200,
        "activations": 4704,
        "receptive_field": 5,
        "jump": 1,
        "padding": 2,
        "formulas": {
            "params": "(5·5·1 + 1)·6 = 156",
            "connections": "(5·5·1 + 1)·6·28·28 = 122304",
            "flops": "(25 + 24 + 1)·6·28·28 = 235200",
            "output_shape": "(28 + 2·2 - 5)/1 + 1 = 28",
            "weights": "5·5·1·6 = 150",
            "biases": "6",
            "macs": "5·5·1·6·28·28 = 117600",
            "activations": "6·28·28 = 4704",
            "receptive_field": "1 + (5 - 1)·1 = 5",
        },
        "notes": [],
    }
    assert table["totals"] == {
        "weights": 61470,
        "biases": 236,
        "params": 61706,
        "trainable": 61706,
        "non_trainable": 0,
        "total": 61706,
        "active": 61706,
        "at_least": False,
        "connections": 423038,
        "macs": 416520,
        "flops": 844305,
        "activations": 15012,
        "memory_bytes": 4 * (61706 + 15012),
    }


@pytest.mark.parametrize("name", ["lenet5", "lenet5-1998"])
@pytest.mark.parametrize(
    "options", [{}, {"bias": False}, {"flops": "2mac"}, {"padding_connections": False}, {"batch": 7}]
)
def test_every_number_is_the_value_of_its_formula(name, options):
    for layer in count(load_network(name), **options).to_json()["layers"]:
        for key in ("params", "connections", "flops", "weights", "biases", "macs", "activations"):
            text, _, value = layer["formulas"][key].partition(" = ")
            assert integer(read_expression(text), {}) == int(value or text) == layer[key]


def test_totals_are_the_sums_of_the_rows():
    table = count(load_network("lenet5")).to_json()
    for key in ("weights", "biases", "params", "connections", "macs", "flops", "activations"):
        assert table["totals"][key] == sum(layer[key] for layer in table["layers"])


def test_a_deep_network_has_its_sums_too():
    """Equal terms stand together where there would be too many to read."""
    table = count(net([{"dense": 3}] * 150))
    assert str(table.totals.trainable) == f"150·12 = {12 * 150}"
    few = count(net([{"dense": 3}] * 3))
    assert str(few.totals.trainable) == "12 + 12 + 12 = 36"
    many = count(net([{"dense": size} for size in range(1, 60)]))
    assert str(many.totals.trainable) == str(many.totals.params)


def test_layers_of_which_all_is_the_same_are_explained_once():
    text = render(count(load_network("gpt2")))
    assert text.count("(768 + 1)·3072 = 2362368 (2359296 weights, 3072 biases)") == 1
    assert "a_1, a_2, a_3, a_4, a_5, a_6, a_7, a_8, a_9, a_10, a_11, a_12 (attention)\n" in text
    assert "12·327155712 + 24·301989888" in render(count(load_network("gpt2", at={"T": 128})))


def test_a_batch_multiplies_all_but_the_parameters():
    one, many = (count(load_network("lenet5"), batch=batch) for batch in (1, 32))
    for row, other in zip(one.rows, many.rows, strict=True):
        assert (other.params, other.output_shape) == (row.params, row.output_shape)
        for key in ("connections", "macs", "flops", "activations"):
            assert getattr(other, key) == 32 * getattr(row, key)
    assert str(many.row("conv1").formulas.connections) == "32·(5·5·1 + 1)·6·28·28 = 3913728"
    assert str(many.row("softmax").formulas.flops) == "32·(10 + 9 + 10) = 928"


def test_conventions():
    network = load_network("lenet5")
    by_name = {name: count(network, flops=name).totals.flops.value for name in CONVENTIONS}
    own = {"exact": 844_305, "2mac": 833_040, "mac": 416_520, "torchvision": 416_520}
    assert {name: by_name[name] for name in own} == own
    assert count(network, flops="torchvision").to_json()["flops_convention"] == "mac"


def test_an_unknown_convention():
    with pytest.raises(ValueError, match=r"^unknown FLOP convention `exat`; did you mean `exact`\?$"):
        convention("exat")


def test_a_weight_shared_within_a_layer_counts_once_but_every_use_is_a_connection():
    row = count(net([{"dense": {"units": 2, "bias": False, "weights": [["w", "w", "v"], ["v", "w", "u"]]}}])).rows[0]
    assert (row.params, row.weights, row.connections) == (3, 3, 6)
    assert str(row.formulas.params) == "3·2 - 3 = 3"
    assert row.notes == ("3 shared: counted where the name stands first",)


def test_an_array_tied_to_an_earlier_one_counts_once():
    layers = [{"dense": {"units": 3, "weights": "W"}}, {"dense": {"units": 3, "weights": "W"}}]
    table = count(net(layers))
    assert [row.params for row in table.rows] == [12, 3]
    assert [row.macs for row in table.rows] == [9, 9]


def test_a_number_is_a_fixed_weight():
    row = count(net([{"dense": {"units": 1, "bias": False, "weights": [["w", 2, 0]]}}])).rows[0]
    assert (row.weights, row.params, row.non_trainable) == (3, 1, 2)


def test_a_file_of_equations_has_no_layers():
    network = load_network({"equations": "J = sum(k, w[k]*x[k])", "shapes": {"w": [2], "x": [2]}})
    with pytest.raises(InputError, match="a file of equations has no layers to count"):
        count(network)


def test_an_unknown_layer_is_answered_with_the_nearest():
    with pytest.raises(InputError, match=r"there is no layer `con1`(.|\n)*did you mean `conv1`\?"):
        count(load_network("lenet5")).row("con1")


@pytest.mark.parametrize(
    ("text", "factor", "shown"),
    [
        ("10 + 9", 2, "2·(10 + 9) = 38"),
        ("3*4", 2, "2·3·4 = 24"),
        ("0", 5, "0"),
        ("7", 1, "7"),
        ("8 - 1", 3, "3·(8 - 1) = 21"),
    ],
)
def test_formulas_keep_their_meaning_when_multiplied(text, factor, shown):
    assert str(Formula(text).times(factor)) == shown


def seen_cells(windows, place):
    """Which input cells the output at `place` depends on, on an endless axis, by following every tap."""
    cells = {place}
    for window in reversed(windows):
        cells = {cell * window.stride + tap for cell in cells for tap in range(window.extent)}
    return cells


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(st.builds(Window, st.integers(1, 4), st.integers(1, 3)), min_size=1, max_size=4))
def test_receptive_fields_are_the_cells_that_taps_lead_to(windows):
    field = Field()
    for window in windows:
        field = field.after(window, 100)
    assert field.cells == max(seen_cells(windows, 0)) + 1
    assert field.jump == min(seen_cells(windows, 1)) - min(seen_cells(windows, 0))


def test_receptive_fields_per_axis_where_they_differ():
    layers = [{"conv2d": {"filters": 1, "kernel": [3, 1]}}, {"maxpool2d": 2}, "flatten", {"dense": 2}]
    table = count(net(layers, inputs={"x": [1, 9, 8]}))
    assert [row.receptive_field for row in table.rows] == [(3, 1), (4, 2), (4, 2), (9, 8)]
    assert table.to_json()["layers"][0]["receptive_field"] == [3, 1]


def test_behind_flatten_a_window_sees_all():
    """Neighbours in a flattened map are no neighbours in the image."""
    reception = at_input((2, 6, 5)).after(Window(1), scatters=True)
    assert (reception.cells, reception.after(Window(1)).cells, reception.after(Window(2)).cells) == (1, 1, (6, 5))
    assert at_input((7,)).after(WHOLE).cells == 7


def cells_behind(layers, shape):
    """For every output, which cells of the row of that shape it depends on, followed one layer at a time."""
    seen = {cell: {cell} for cell in range(shape[-1])}
    for layer in layers:
        reads = read_places(layer, shape)
        seen = {place: {cell for own in cells for cell in seen[own]} for place, cells in reads.items()}
        shape = layer.output_shape(shape)
    return seen


def read_places(layer, shape):
    """For every output along the last axis, which cells of the input its equation reads."""
    stated = layer.equations("y", "x", shape)
    arrays = {parameter.name: parameter.shape for parameter in layer.parameters("y", shape)}
    out = layer.output_shape(shape)
    source = [SourceEquation(*read_equation(line)) for line in stated.lines]
    program = build_program(source, {"x": shape, "y": out, **arrays}, padded=stated.padded)
    ones = {name: dict.fromkeys(product(*(range(1, n + 1) for n in axes)), 1.0) for name, axes in arrays.items()}
    found = {}
    for cell in range(1, shape[-1] + 1):
        x = {place: float(place[-1] == cell) for place in product(*(range(1, n + 1) for n in shape))}
        for place, value in evaluate(program, {"x": x, **ones}, FLOATS)["y"].items():
            if value:
                found.setdefault(place[-1] - 1, set()).add(cell - 1)
    return found


@pytest.mark.parametrize(
    ("kinds", "most"),
    [
        ([("conv_transpose1d", {"kernel": 3, "stride": 2})], 2),
        ([("conv_transpose1d", {"kernel": 4, "stride": 2})], 2),
        ([("conv_transpose1d", {"kernel": 5, "stride": 2}), ("conv1d", {"kernel": 2})], 3),
        ([("conv1d", {"kernel": 5}), ("conv_transpose1d", {"kernel": 2, "stride": 2}), ("conv1d", {"kernel": 3})], 6),
        ([("conv_transpose1d", {"kernel": 2, "stride": 2}), ("conv1d", {"kernel": 2}), ("conv1d", {"kernel": 2})], 2),
        ([("conv_transpose1d", {"kernel": 3, "stride": 3}), ("conv1d", {"kernel": 5})], 3),
    ],
)
def test_receptive_fields_behind_layers_that_enlarge(kinds, most):
    layers = [KINDS[kind](filters=1, bias=False, **fields) for kind, fields in kinds]
    reception, shape = at_input((1, 7)), (1, 7)
    for layer in layers:
        reception = reception.after(layer.receptive(shape))
        shape = layer.output_shape(shape)
    assert (
        reception.cells == most == max(max(cells) - min(cells) + 1 for cells in cells_behind(layers, (1, 7)).values())
    )


def test_receptive_fields_behind_upsampling():
    """Nearest-neighbour upsampling reads one cell, and a window of 3 behind it at most two."""
    layers = [{"upsample2d": 2}, {"conv2d": {"filters": 1, "kernel": 3}}]
    table = count(net(layers, inputs={"x": [1, 4, 4]}))
    assert [row.receptive_field for row in table.rows] == [1, 2]
    assert table.to_json()["layers"][1]["formulas"]["receptive_field"] == "floor(3/2 + (3 - 1)·1/2) = 2"


def test_what_leaves_no_neighbours_together_sees_all_behind_it():
    layers = ["transpose", {"conv1d": {"filters": 1, "kernel": 2}}]
    assert [row.receptive_field for row in count(net(layers, inputs={"x": [4, 6]})).rows] == [1, 4]
    layers = [{"reshape": [1, 4, 4]}, {"conv2d": {"filters": 1, "kernel": 2}}]
    assert [row.receptive_field for row in count(net(layers, inputs={"x": [4, 2, 2]})).rows] == [1, 2]
    assert count(net([{"slice": {"step": 2}}, {"conv1d": {"filters": 1, "kernel": 3}}], 9)).rows[1].receptive_field == 5


LENET_WITH_NORMS = [
    *({"conv2d": {"filters": 6, "kernel": 5}}, "batchnorm", {"avgpool2d": 2}),
    *({"conv2d": {"filters": 16, "kernel": 5}}, "batchnorm", {"avgpool2d": 2}),
    *({"conv2d": {"filters": 120, "kernel": 2, "stride": 2}}, "batchnorm", "flatten"),
    *({"dense": 84}, "batchnorm", {"dense": 10}),
]


def test_a_norm_keeps_its_shift_where_biases_are_left_out():
    """Keras counts 52530 for this net, 52078 of them trainable. Beta stands for the bias of the layer before."""
    network = net(LENET_WITH_NORMS, inputs={"x": [1, 28, 28]})
    totals = count(network).totals
    assert (totals.total, totals.params, totals.non_trainable) == (52530, 52078, 452)
    table = count(network, bias=False)
    assert totals.params - table.totals.params == 6 + 16 + 120 + 84 + 10
    assert [row.params for row in table.rows if row.kind == "batchnorm"] == [12, 32, 240, 168]
    assert all(row.flops == count(network).row(row.name).flops for row in table.rows if row.kind == "batchnorm")
    assert all(row.biases == 0 for row in table.rows if row.kind in ("conv2d", "dense"))


def test_a_thousand_layers_are_counted():
    filters = [8 + number % 7 for number in range(1000)]
    layers = [{"conv2d": {"filters": each, "kernel": 3, "padding": 1}} for each in filters]
    with guard_against_hanging():
        table = count(net(layers, inputs={"x": [8, 16, 16]}))
    assert table.totals.params == sum((9 * before + 1) * after for before, after in pairwise([8, *filters]))


def test_the_field_of_steps_runs_along_time():
    """`[time, features]` and `[channels, length]` are told apart by what reads them."""
    steps = ["layernorm", {"dense": 8}, {"attention": {"heads": 1, "window": 3, "causal": True}}, {"attention": 2}]
    assert [row.receptive_field for row in count(net(steps, inputs={"x": [9, 4]})).rows] == [1, 1, 3, 9]
    sequence = ["relu", {"conv1d": {"filters": 2, "kernel": 3}}, {"maxpool1d": 2}]
    assert [row.receptive_field for row in count(net(sequence, inputs={"x": [4, 9]})).rows] == [1, 3, 4]
    tokens = [{"embedding": {"vocabulary": 5, "units": 3}}, {"dense": 4}, {"lstm": 2}]
    assert [row.receptive_field for row in count(net(tokens, inputs=7)).rows] == [1, 1, 7]


def test_jump_and_padding():
    """google-research/receptive_field, RECEPTIVE_FIELD_TABLE.md: vgg_16/pool5 has 32 and 90, vgg_a/pool5 32 and 59."""
    for name, padding in (("vgg16", 90), ("vgg11", 59)):
        row = count(load_network(name)).row("pool_5")
        assert (row.jump, row.padding) == (32, padding)


def test_causal_attention_counts_what_is_seen_where_that_is_asked_for():
    """T(T + 1)/2 pairs of a step and one that it sees, of T*T; GPT-2 has 2*T*768 of both products a block and pair."""
    full, exact = (count(load_network("gpt2"), causal=each, flops="mac").totals for each in ("full", "exact"))
    assert full.macs.value == 145_824_153_600
    assert full.macs.value - exact.macs.value == 12 * 2 * 768 * (1024 * 1024 - 1024 * 1025 // 2)
    assert exact.flops.value == exact.macs.value
    assert count(load_network("bert-base"), causal="exact").totals == count(load_network("bert-base")).totals


def test_experts_that_do_not_answer_are_not_active():
    totals = count(load_network("mixtral-8x7b"), flops="mac").totals
    assert (totals.params, totals.active) == (46_702_792_704, 46_702_792_704 - 32 * 6 * 3 * 4096 * 14336)
