"""Files of real exporters are counted as the live models count themselves; see tests/data/README.md."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import backcalc
from backcalc.derive import derive
from backcalc.net import InputError, load_network
from backcalc.readers import converted, is_foreign, read_file
from backcalc.readers.tensors import read_tensors
from backcalc.verify import verified

DATA = Path(__file__).parents[1] / "data"
FACTS = json.loads((DATA / "facts.json").read_text(encoding="utf-8"))
NETWORKS = [name for name in FACTS if not name.endswith(".safetensors")]

STORED_OTHERWISE = {
    # batch norm folded into the convolution: gamma, beta of 8 channels are gone, 8 biases have come
    "cnn.onnx": -16 + 8,
    "cnn-script.onnx": -16 + 8,
    # the matrix that embedding and head share is stored a second time, transposed
    "encoder.onnx": 30 * 16,
    "encoder-script.onnx": 30 * 16,
}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_file_is_counted_as_its_live_model(name: str) -> None:
    table, fact = backcalc.count(DATA / name), FACTS[name]
    assert table.totals.params == fact["params"] + STORED_OTHERWISE.get(name, 0)
    assert table.totals.macs.value == fact.get("macs", table.totals.macs.value)
    assert table.totals.total == fact.get("total", table.totals.total)
    if "output" in fact:
        assert list(table.rows[-1].output_shape) == fact["output"]
    if "buffers" in fact:
        assert table.totals.non_trainable == fact["buffers"]
    assert bool(table.uncounted) == name.startswith("unknown")


def test_every_file_is_known() -> None:
    stored = {path.name for path in DATA.iterdir()} - {"README.md", "facts.json"}
    assert stored == set(FACTS)
    assert all(is_foreign(DATA / name) for name in stored)


@pytest.mark.parametrize("name", NETWORKS)
def test_what_is_converted_reads_back_as_the_same_network(name: str, tmp_path: Path) -> None:
    written = tmp_path / "net.yaml"
    written.write_text(converted(DATA / name), encoding="utf-8")
    direct, again = read_file(DATA / name), load_network(written)
    assert again.nodes == direct.nodes
    assert (again.inputs, again.parameters, again.output) == (direct.inputs, direct.parameters, direct.output)
    assert backcalc.count(again).totals == backcalc.count(direct).totals


@pytest.mark.parametrize("name", NETWORKS)
def test_what_is_converted_can_be_read_by_people(name: str) -> None:
    text = converted(DATA / name)
    lines = text.splitlines()
    assert lines[0].startswith(f"# Converted from {name}: ")
    assert max(map(len, lines)) <= 320
    names = re.findall(r"name: (\w+)", text)
    assert all(re.fullmatch(r"[A-Za-z]\w*", word) for word in names)


def test_names_of_modules_are_kept() -> None:
    kept = {
        "cnn.pt2": {"conv1", "bn1", "depth", "up", "pool", "fc", "drop"},
        "cnn.onnx": {"conv1", "depth", "up", "fc"},
        "cnn-script.onnx": {"conv1", "depth", "up", "fc"},
        "encoder.pt2": {"tokens", "block_linear1", "block_linear2", "block_norm1", "block_norm2", "head"},
        "recurrent.pt2": {"lstm", "gru", "out"},
        "image.keras": {"stem", "norm", "sep", "sep_depthwise", "deep", "gate", "side", "up", "last", "out"},
        "nested.keras": {"inner_a", "inner_b", "shared", "shared_2", "out"},
    }
    for name, words in kept.items():
        assert words <= {node.name for node in read_file(DATA / name).nodes}, name


@pytest.mark.parametrize("name", ["cnn.onnx", "cnn-script.onnx"])
def test_a_folded_batch_norm_is_explained(name: str) -> None:
    text = converted(DATA / name)
    assert "the exporter has folded a batch norm into it" in " ".join(text.replace("#", "").split())
    assert "batchnorm" not in text
    assert "batchnorm" in converted(DATA / "cnn.pt2")


def test_keras_says_where_the_order_of_numbers_differs() -> None:
    text = converted(DATA / "image.keras")
    assert "channel by channel, where Keras goes place by place" in text
    assert "Keras has the channels last" in converted(DATA / "text.keras")


def test_shared_weights_are_one_parameter() -> None:
    shared = backcalc.count(DATA / "nested.keras")
    assert [shared.row(name).params for name in ("shared", "shared_2")] == [15, 0]
    tied = backcalc.count(DATA / "encoder.pt2")
    assert tied.row("head").params == 0
    assert tied.row("head").macs == 6 * 16 * 30


def test_a_file_can_be_derived() -> None:
    text = converted(DATA / "nested.keras") + "loss: {sse: {target: d}}\nfind: [W_inner_a, b_shared]\n"
    assert verified(derive(load_network(text))).passed


@pytest.mark.parametrize("name", [name for name in NETWORKS if "macs" in FACTS[name] and "unknown" not in name])
def test_a_file_is_a_set_of_equations(name: str) -> None:
    network = read_file(DATA / name)
    defined = {equation.name for equation in network.program.equations}
    assert defined >= {node.name for node in network.nodes}


@pytest.mark.parametrize("name", ["unknown.pt2", "unknown.onnx", "unknown-script.onnx"])
def test_an_unknown_operator_is_named_counted_as_unknown_and_not_derived(name: str) -> None:
    table = backcalc.count(DATA / name)
    assert len(table.uncounted) == 1
    note = table.row(table.uncounted[0]).notes[0]
    assert re.match(r"the operator (cumsum|CumSum) is unknown: its operations are not counted", note)
    assert table.to_json()["totals"]["at_least"] is True
    with pytest.raises(InputError, match=r"the operator `(cumsum|CumSum)` is unknown and has no equations"):
        backcalc.grad(converted(DATA / name) + "loss: {sse: {target: d}}\n")


def test_tensors_alone_are_no_network() -> None:
    path = DATA / "cnn.safetensors"
    found = read_tensors(path)
    assert found.total == FACTS["cnn.safetensors"]["total"]
    assert {each.name: each.shape for each in found.tensors}["conv1.weight"] == (8, 3, 3, 3)
    with pytest.raises(InputError, match="12 tensors with 2327 numbers, but not the layers that read them"):
        backcalc.count(path)


def test_a_pickle_is_never_opened(tmp_path: Path) -> None:
    path = tmp_path / "model.pth"
    path.write_bytes(b"cos\nsystem\n(S'touch owned'\ntR.")
    with pytest.raises(InputError, match="pickles, which can run code and are never opened here"):
        backcalc.count(path)


def test_a_file_of_no_known_ending() -> None:
    with pytest.raises(InputError, match=r"files of other programs end with \.keras, \.json, \.onnx, \.pt2"):
        converted("net.yaml")
