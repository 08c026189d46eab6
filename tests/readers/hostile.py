"""Broken and hostile network files: name, content, and what is said of it."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

DATA = Path(__file__).parents[1] / "data"


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def lying(name: str, data: bytes, says: int) -> bytes:
    """A member that unpacks to more than its entry in the directory says."""
    honest = bytearray(zipped({name: data}))
    entry = honest.rfind(b"PK\1\2")
    honest[entry + 24 : entry + 28] = struct.pack("<I", says)
    return bytes(honest)


def varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def message(number: int, data: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(data)) + data


def plain(number: int, value: int) -> bytes:
    return varint(number << 3) + varint(value & (1 << 64) - 1)


def axes(*sizes: int) -> bytes:
    shape = b"".join(message(1, plain(1, size)) for size in sizes)
    return message(2, message(1, plain(1, 1) + message(2, shape)))


def value(name: str, *sizes: int) -> bytes:
    return message(1, name.encode()) + axes(*sizes)


def node(operator: str, reads: list[str], makes: list[str]) -> bytes:
    names = b"".join(message(1, name.encode()) for name in reads) + b"".join(
        message(2, name.encode()) for name in makes
    )
    return message(1, names + message(4, operator.encode()))


def onnx(*parts: bytes, given: bytes = value("x", 1, 4), out: str = "y") -> bytes:
    graph = b"".join(parts) + message(11, given) + message(12, message(1, out.encode()))
    return plain(1, 9) + message(8, message(1, b"") + plain(2, 20)) + message(7, graph)


def keras(layers: list[dict[str, Any]], kind: str = "Sequential", **more: Any) -> bytes:
    return json.dumps({"class_name": kind, "config": {"name": "m", "layers": layers, **more}}).encode()


def given(*shape: int | None) -> dict[str, Any]:
    return {"class_name": "InputLayer", "config": {"name": "x", "batch_shape": [None, *shape]}, "name": "x"}


def dense(name: str, units: Any, *reads: str) -> dict[str, Any]:
    calls = [[[read, 0, 0, {}] for read in reads]] if reads else []
    return {"class_name": "Dense", "name": name, "config": {"name": name, "units": units}, "inbound_nodes": calls}


def deep_model(depth: int) -> bytes:
    inner: dict[str, Any] = dense("d", 2)
    for _ in range(depth):
        inner = {"class_name": "Sequential", "config": {"name": "m", "layers": [inner]}}
    return keras([given(3), inner])


def program(nodes: list[dict[str, Any]], sizes: dict[str, list[int]]) -> bytes:
    tensors = {name: {"sizes": [{"as_int": size} for size in shape]} for name, shape in sizes.items()}
    graph = {"inputs": [], "outputs": [{"as_tensor": {"name": "y"}}], "nodes": nodes, "tensor_values": tensors}
    spec = {"input_specs": [{"user_input": {"arg": {"as_tensor": {"name": "x"}}}}]}
    document = {"graph_module": {"graph": graph, "signature": spec}, "torch_version": "2.13.0"}
    return zipped({"m/models/model.json": json.dumps(document).encode()})


def call(operator: str, read: str, make: str) -> dict[str, Any]:
    read_it = [{"name": "self", "arg": {"as_tensor": {"name": read}}, "kind": 1}]
    made = [{"as_tensor": {"name": make}}]
    return {"target": f"torch.ops.aten.{operator}.default", "inputs": read_it, "outputs": made, "metadata": {}}


def tensors(header: object, numbers: bytes = b"") -> bytes:
    data = json.dumps(header).encode()
    return len(data).to_bytes(8, "little") + data + numbers


LLAMA = {"model_type": "llama", "hidden_size": 8, "num_attention_heads": 2, "intermediate_size": 8, "vocab_size": 9}

HOSTILE: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "an empty onnx": ("m.onnx", lambda: b"", "the file is empty or cannot be read"),
    "onnx of text": ("m.onnx", lambda: b"hello, world\n" * 100, "this is no ONNX model"),
    "onnx of zeros": ("m.onnx", lambda: bytes(1000), "a field has the number 0"),
    "onnx cut off": ("m.onnx", lambda: (DATA / "cnn.onnx").read_bytes()[:9000], "a field of"),
    "onnx cut off early": ("m.onnx", lambda: (DATA / "cnn.onnx").read_bytes()[:3], "this is no ONNX model"),
    "onnx without a graph": ("m.onnx", lambda: plain(1, 9), "it has no graph"),
    "onnx with a length of 2^63": ("m.onnx", lambda: varint(7 << 3 | 2) + varint(2**63), "is cut off at byte"),
    "onnx with a number that never ends": ("m.onnx", lambda: b"\x08" + b"\xff" * 100, "more than 64 bits"),
    "onnx of a million fields": ("m.onnx", lambda: onnx(plain(99, 1) * 1_000_000), "more than 600000 fields"),
    "onnx of squares of squares, 10^4": (
        "m.onnx",
        lambda: onnx(
            message(5, plain(1, 2) + plain(2, 7) + plain(7, 9) + plain(7, 8) + message(8, b"c0")),
            *(node("Mul", [f"c{k}", f"c{k}"], [f"c{k + 1}"]) for k in range(10_000)),
            node("Reshape", ["x", "c10000"], ["y"]),
        ),
        "the operator Reshape with sizes that are computed",
    ),
    "onnx with a cycle": (
        "m.onnx",
        lambda: onnx(node("Relu", ["y"], ["a"]), node("Relu", ["a"], ["y"])),
        "reads `y`, which only later makes",
    ),
    "onnx of a value made twice": (
        "m.onnx",
        lambda: onnx(node("Relu", ["x"], ["y"]), node("Tanh", ["x"], ["y"])),
        "the value `y` is made twice",
    ),
    "onnx that reads nothing": ("m.onnx", lambda: onnx(node("Relu", ["z"], ["y"])), "reads `z`, which nothing makes"),
    "onnx of negative sizes": ("m.onnx", lambda: onnx(given=value("x", 1, -4)), "an axis of unknown length, `-4`"),
    "onnx of a huge input": ("m.onnx", lambda: onnx(given=value("x", 1, 2**40)), "the input `x` has the shape"),
    "onnx of an open axis": (
        "m.onnx",
        lambda: onnx(given=message(1, b"x") + message(2, message(1, message(2, 2 * message(1, b""))))),
        "an axis of unknown length, `?`",
    ),
    "onnx of negative arrays": (
        "m.onnx",
        lambda: onnx(message(5, plain(1, -3) + message(8, b"w"))),
        "has the axes [-3]",
    ),
    "onnx of 30000 nodes": (
        "m.onnx",
        lambda: onnx(*(node("Relu", ["x"], [f"n{k}"]) for k in range(30_000))),
        "more than 20000 nodes",
    ),
    "onnx of an unknown operator without a shape": (
        "m.onnx",
        lambda: onnx(node("Einsum", ["x"], ["y"])),
        "the operator Einsum (`y`) is unknown, and so is what it puts out",
    ),
    "keras that is no zip": ("m.keras", lambda: b"PK" * 100, "this is no zip archive"),
    "keras cut off": ("m.keras", lambda: (DATA / "image.keras").read_bytes()[:4000], "this is no zip archive"),
    "keras without a model": ("m.keras", lambda: zipped({"a": b"b"}), "it has no config.json"),
    "a zip bomb": ("m.keras", lambda: zipped({"config.json": bytes(200_000_000)}), "is 200000000 bytes large"),
    "a zip bomb that lies": ("m.keras", lambda: lying("config.json", bytes(100_000_000), 100), "config.json"),
    "a zip of many members": (
        "m.pt2",
        lambda: zipped({f"{k}": b"" for k in range(30_000)}, zipfile.ZIP_STORED),
        "the directory of the zip archive is too large",
    ),
    "a path that leaves the zip": (
        "m.keras",
        lambda: zipped({"../../owned": b"x"}),
        "`../../owned` of the zip archive lies",
    ),
    "an absolute path in a zip": (
        "m.pt2",
        lambda: zipped({"/tmp/owned": b"x"}),
        "`/tmp/owned` of the zip archive lies",
    ),
    "a bz2 member": ("m.keras", lambda: zipped({"config.json": b"{}"}, zipfile.ZIP_BZIP2), "stored and deflated are"),
    "json that is none": ("m.json", lambda: b"{'a': 1}", "this is no JSON: expecting property name"),
    "json of bytes": ("m.json", lambda: b'{"a": "\xff"}', "is not UTF-8"),
    "json 100000 deep": ("m.json", lambda: b"[" * 100_000, "nested too deep"),
    "json of ten million lists": ("m.json", lambda: b"[" + b"[]," * 5_000_000 + b"[]]", "bytes"),
    "json of a million lists": ("m.json", lambda: b"[" + b"[]," * 999_000 + b"[]]", "more than 1000000 parts"),
    "json with a key twice": ("m.json", lambda: b'{"a": 1, "a": 2}', "the key `a` is given twice"),
    "json of a million digits": ("m.json", lambda: b"[" + b"9" * 1_000_000 + b"]", "this is no JSON"),
    "json of nobody": ("m.json", lambda: b'{"a": 1}', "neither a Keras model nor a Hugging Face configuration"),
    "keras of another class": ("m.json", lambda: keras([], "Dense"), "expected a Functional or a Sequential model"),
    "keras of wrong types": ("m.json", lambda: keras([1, 2]), "not as Keras writes it"),
    "keras without a shape": ("m.json", lambda: keras([dense("d", 2)]), "does not say what shape it reads"),
    "keras of negative units": ("m.json", lambda: keras([given(3), dense("d", -2)]), "layer `d` (dense): units"),
    "keras of negative inputs": (
        "m.json",
        lambda: keras([given(-3), dense("d", 2)]),
        "the input `x` has the shape [-3]",
    ),
    "keras of 10^18 units": (
        "m.json",
        lambda: keras([given(3), dense("d", 10**18)]),
        "would put out [1000000000000000000]",
    ),
    "keras of 30000 layers": ("m.json", lambda: keras([given(3), *[dense("d", 2)] * 30_000]), "more than 10000 layers"),
    "keras models 60 deep": ("m.json", lambda: deep_model(60), "models are nested deeper than 20"),
    "keras of an open axis": ("m.json", lambda: keras([given(None, 3)]), "an axis of unknown length"),
    "keras with a cycle": (
        "m.json",
        lambda: keras(
            [given(3), dense("a", 3, "b"), dense("b", 3, "a")],
            "Functional",
            input_layers=[["x", 0, 0]],
            output_layers=[["a", 0, 0]],
        ),
        "reads what is made of its own output",
    ),
    "keras of equal names": (
        "m.json",
        lambda: keras(
            [given(3), dense("a", 3, "x"), dense("a", 3, "x")],
            "Functional",
            input_layers=[["x", 0, 0]],
            output_layers=[["a", 0, 0]],
        ),
        "there are two layers called `a`",
    ),
    "keras that reads nothing": (
        "m.json",
        lambda: keras(
            [given(3), dense("a", 3, "z")], "Functional", input_layers=[["x", 0, 0]], output_layers=[["a", 0, 0]]
        ),
        "a layer reads `z`, which is not there",
    ),
    "llama of 10^9 blocks": (
        "config.json",
        lambda: json.dumps({**LLAMA, "num_hidden_layers": 10**9}).encode(),
        "`num_hidden_layers` must be a whole number from 1 to 1000, got 1000000000",
    ),
    "llama of negative sizes": (
        "config.json",
        lambda: json.dumps({**LLAMA, "hidden_size": -8, "num_hidden_layers": 2}).encode(),
        "`hidden_size` must be a whole number from 1 to 10000000, got -8",
    ),
    "a model nobody knows": ("config.json", lambda: b'{"model_type": "gpt3"}', "the architecture `gpt3` is not known"),
    "pt2 without a program": ("m.pt2", lambda: zipped({"m/a": b""}), "the archive has no exported program"),
    "pt2 of another shape": ("m.pt2", lambda: zipped({"m/models/model.json": b"[1]"}), "not as PyTorch writes it"),
    "pt2 with a cycle": (
        "m.pt2",
        lambda: program(
            [call("relu", "b", "a"), call("relu", "a", "b"), call("relu", "a", "y")], {each: [1, 3] for each in "xaby"}
        ),
        "`b` is read before it is made, or never made",
    ),
    "pt2 of negative sizes": ("m.pt2", lambda: program([], {"x": [1, -3]}), "an array has the axes [1, -3]"),
    "pt2 that makes a value twice": (
        "m.pt2",
        lambda: program([call("relu", "x", "y"), call("tanh", "x", "y")], {"x": [1, 3], "y": [1, 3]}),
        "the value `y` is made twice",
    ),
    "pt2 whose shapes are wrong": (
        "m.pt2",
        lambda: program([call("relu", "x", "y")], {"x": [1, 3], "y": [1, 4]}),
        "`y` (relu) is [1, 4] in the file, but should be [1, 3]",
    ),
    "safetensors cut off": ("m.safetensors", lambda: (DATA / "cnn.safetensors").read_bytes()[:400], "is cut off"),
    "safetensors with a huge header": ("m.safetensors", lambda: (2**63).to_bytes(8, "little") + b"{}", "is cut off"),
    "safetensors of negative sizes": (
        "m.safetensors",
        lambda: tensors({"w": {"shape": [-1], "dtype": "F32", "data_offsets": [0, 4]}}, bytes(4)),
        "the tensor `w` has no shape of whole numbers from 0",
    ),
    "safetensors that do not fit": (
        "m.safetensors",
        lambda: tensors({"w": {"shape": [10**9], "dtype": "F32", "data_offsets": [0, 4]}}, bytes(4)),
        "does not fit into the 4 bytes it has",
    ),
    "safetensors behind the end": (
        "m.safetensors",
        lambda: tensors({"w": {"shape": [1], "dtype": "F32", "data_offsets": [0, 400]}}, bytes(4)),
        "lie outside of the file",
    ),
}  # fmt: skip

HEAVY = [case for case in HOSTILE if any(word in case for word in ("bomb", "million", "deep", "30000", "many", "10^"))]
"""Those that would cost time and memory."""
