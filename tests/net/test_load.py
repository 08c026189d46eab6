"""What good files say: data and marks, names, shapes, values, programs."""

from __future__ import annotations

import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backcalc.formula.print_text import to_text
from backcalc.formula.tree import Table
from backcalc.net import InputError, find_names, load_network
from backcalc.net.load import exact_number, read_document
from backcalc.net.schema import schema

HOMEWORK = """\
name: HW07 problem 1
input: {x: 3}                 # x1..x3
layers:
  - conv1d: {name: q, filters: 1, kernel: 2, bias: false, weights: [w1, w2]}   # own names
  - relu:   {name: h}
  - flatten
  - dense:  {name: z, units: 2, bias: false, weights: [[w3, w4], [w5, w6]]}    # rows are output units
  - softmax: {name: y}
loss: {nll: {name: J, target: 1}}
values: {x: [0.5, 1.0, -0.5], w1..w6: 1.0}
update: {sgd: {rate: 0.1}}
find: [w1]
"""


def test_the_homework_problem() -> None:
    network = load_network(HOMEWORK)
    assert network.name == "HW07 problem 1"
    assert [node.name for node in network.nodes] == ["q", "h", "flatten_1", "z", "y"]
    assert [node.output_shape for node in network.nodes] == [(2,), (2,), (2,), (2,), (2,)]
    assert network.parameters == ("w1", "w2", "w3", "w4", "w5", "w6")
    assert network.own_names == {"W_q": ("w1", "w2"), "W_z": ("w3", "w4", "w5", "w6")}
    assert network.values["x"] == (Fraction(1, 2), Fraction(1), Fraction(-1, 2))
    assert network.values["w6"] == 1
    assert (network.update.kind, network.update.rate) == ("sgd", Fraction(1, 10))
    assert (network.find, network.loss) == (("w1",), "J")
    tables = {e.name: to_text(e.body) for e in network.program.equations if isinstance(e.body, Table)}
    assert tables == {"W_q": "[[[w1, w2]]]", "W_z": "[[w3, w4], [w5, w6]]"}


def test_equations_say_the_same() -> None:
    network = load_network(
        "equations: |\n"
        "  # the same, by hand\n"
        "  a = w*x + b\n"
        "\n"
        "  J = 1/2*(a - t)^2   # half the square\n"
        "values: {x: 2, t: 17/6}\n"
        "update: sgd\n"
    )
    assert network.nodes == ()
    assert (network.loss, network.parameters) == ("J", ("w", "x", "b", "t"))
    assert network.find == network.parameters
    assert network.values == {"x": 2, "t": Fraction(17, 6)}
    assert network.update.rate is None


def test_values_settle_sizes_that_nothing_else_does() -> None:
    network = load_network("equations: J = sum(k, w[k]*x[k])\nvalues: {x: [1, 2, 3]}\n")
    assert network.program.shape("w") == (3,)


def test_the_batch_norm_of_the_manual() -> None:
    network = load_network(
        "sizes: {N: null, m: 2}\n"
        "equations: |\n"
        "  mu[j] = 1/N * sum(i=1..N, a[i,j])\n"
        "  y[i,j] = γ[j]*(a[i,j] - mu[j]) + \\beta[j]\n"
        "  J = sum(i=1..N, sum(j=1..m, y[i,j]))\n"
        "find: [γ, \\beta]\n"
    )
    assert network.find == ("gamma", "beta")
    assert network.program.sizes["N"] is None
    assert network.program.shape("gamma") == (2,)


@pytest.mark.parametrize(
    ("find", "found"),
    [
        ("w1..w3", ("w1", "w2", "w3")),
        ('["z[1]", z2, x]', ("z[1]", "z[2]", "x")),
        ("x2..x3", ("x[2]", "x[3]")),
        ("[dJ/dw1, ∂J/∂b_z]", ("w1", "b_z")),
        ("[J, t]", ("J", "t")),
    ],
)
def test_find(find: str, found: tuple[str, ...]) -> None:
    layers = "  - dense: {name: z, units: 2, weights: [[w1, w2, w3], [w4, w5, 0]]}\n"
    assert load_network(f"input: 3\nlayers:\n{layers}loss: mse\nfind: {find}\n").find == found


def test_fixed_weights_are_no_parameters() -> None:
    network = load_network(
        "input: 2\nlayers:\n  - dense: {name: z, units: 2, weights: [[w, 1/3], [w, 0.5]], biases: 0}\n"
    )
    assert network.parameters == ("w",)
    assert network.find == ("W_z", "w")
    bodies = {equation.name: to_text(equation.body) for equation in network.program.equations}
    assert (bodies["W_z"], bodies["b_z"]) == ("[[w, 1/3], [w, 1/2]]", "[0, 0]")


@pytest.mark.parametrize("written", ["[w1, w2]", "[[w1, w2]]", "[[[w1, w2]]]", "[[w1], [w2]]"])
def test_own_names_in_any_nesting_that_squeezes_to_the_shape(written: str) -> None:
    network = load_network(f"input: 3\nlayers:\n  - conv1d: {{filters: 1, kernel: 2, weights: {written}}}\n")
    assert network.nodes[0].parameters[0].entries == ((("w1", "w2"),),)


def test_tied_arrays() -> None:
    network = load_network("input: 2\nlayers:\n  - dense: {units: 2, weights: V}\n  - dense: {units: 2, weights: V}\n")
    assert network.parameters == ("V", "b_dense_1", "b_dense_2")
    reads = [sum(read.name == "V" for read in equation.reads()) for equation in network.program.equations]
    assert reads == [1, 1]


def test_branches_and_names_of_layers_without_one() -> None:
    network = load_network(
        "input: 2\nlayers:\n  - relu\n  - relu: {name: a, inputs: [x]}\n  - relu: {inputs: relu_1}\n"
    )
    assert [(node.name, node.inputs) for node in network.nodes] == [
        ("relu_1", ("x",)),
        ("a", ("x",)),
        ("relu_3", ("relu_1",)),
    ]


def test_sizes_stand_for_numbers() -> None:
    network = load_network(
        "sizes: {K: 3, C: 2}\ninput: {x: [C, K, K]}\nlayers:\n  - conv2d: {filters: C, kernel: [K, 2]}\n"
    )
    assert network.nodes[0].output_shape == (2, 1, 2)


def test_values() -> None:
    network = load_network(
        "input: 3\n"
        "layers:\n  - dense: {name: z, units: 2}\n"
        "loss: {mse: {target: [1, 1/2]}}\n"
        'values: {x1: 1, "x[2]": 17/6, x3: 1e-3, W_z: [[1, 2, 3], [4, 5, "6/4"]], b_z: 0, eta: 0.5}\n'
    )
    assert network.values == {
        "t": (1, Fraction(1, 2)),
        "x": (1, Fraction(17, 6), Fraction(1, 1000)),
        "W_z": ((1, 2, 3), (4, 5, Fraction(3, 2))),
        "b_z": (0, 0),
    }
    assert network.update.rate == Fraction(1, 2)


def test_arrays_from_files(tmp_path: Path) -> None:
    np.savez(tmp_path / "w.npz", W_z=np.array([[0.5, 1], [2, 3]]), b_z=np.array([1, 2]))
    (tmp_path / "x.json").write_text(json.dumps({"x": [0.1, 2]}))
    net = tmp_path / "net.yaml"
    text = "input: 2\nlayers:\n  - dense: {name: z, units: 2}\n"
    net.write_text(text + "values: {file: w.npz, x: 0}\n")
    assert load_network(net).values["W_z"] == ((Fraction(1, 2), 1), (2, 3))
    net.write_text(text + "values: {file: x.json}\n")
    assert load_network(str(net)).values == {"x": (Fraction(1, 10), 2)}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.json", b'{"x": [1, NaN]}', "`a.json` holds NaN, which is not a number"),
        ("a.json", b'{"x": 1e999999999}', "`a.json`: the exponent of `1e999999999` is too large, at most 400 is read"),
        ("a.json", b'{"x": ' + b"[" * 100_000, "the lists in `a.json` are nested too deep"),
        ("a.json", b'{"x": "1"}', "`x` in `a.json`: expected numbers, got `1`"),
        ("a.json", b"[1]", "`a.json` must hold a mapping of names to numbers"),
        ("a.json", b"{", "`a.json` is not JSON: line 1, column 2"),
        ("a.npz", b"no archive", "`a.npz` is not an .npz file of plain arrays"),
    ],
)
def test_bad_array_files(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    (tmp_path / "net.yaml").write_text(f"input: 2\nlayers: [relu]\nvalues: {{file: {name}}}\n")
    with pytest.raises(InputError) as caught:
        load_network(tmp_path / "net.yaml")
    assert [problem.message for problem in caught.value.problems] == [message]


def test_pickled_arrays_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.array([print, None], dtype=object))
    (tmp_path / "net.yaml").write_text("input: 2\nlayers: [relu]\nvalues: {file: a.npz}\n")
    with pytest.raises(InputError, match=r"not an \.npz file of plain arrays"):
        load_network(tmp_path / "net.yaml")


def test_a_mapping_and_its_text_are_the_same_network() -> None:
    mapping = {
        "input": {"x": 2},
        "layers": [{"dense": {"name": "z", "units": 1, "weights": ["w1", 0.1]}}, "relu"],
        "loss": {"mse": {"target": Fraction(1, 3)}},
        "values": {"x": np.array([0.1, 2.0]), "w1": 1},
    }
    network = load_network(mapping)
    assert network.values == {"x": (Fraction(1, 10), 2), "w1": 1, "t": Fraction(1, 3)}
    assert network.nodes[0].parameters[0].entries == (("w1", Fraction(1, 10)),)
    assert load_network({"equations": "a = x\nJ = a^2"}).parameters == ("x",)


def test_find_names_of_a_network() -> None:
    network = load_network(HOMEWORK)
    assert find_names(network, ["w3..w4", "z1", "dJ/dw1"]) == ("w3", "w4", "z[1]", "w1")
    with pytest.raises(InputError) as caught:
        find_names(network, ["w1", "w9", "z3"], "--wrt")
    assert [str(problem).split("\n")[0] for problem in caught.value.problems] == [
        "--wrt: error: unknown name `w9`",
        "--wrt: error: `z3` is outside of `z`: its indices run from 1 to 2",
    ]


def test_lenet5() -> None:
    network = load_network("lenet5")
    rows = "conv1 relu1 pool1 conv2 relu2 pool2 flatten fc1 relu3 fc2 relu4 fc3 softmax"
    assert [node.name for node in network.nodes] == rows.split()
    assert sum(parameter.count for node in network.nodes for parameter in node.parameters) == 61706
    assert [node.output_shape for node in network.nodes[:3]] == [(6, 28, 28), (6, 28, 28), (6, 14, 14)]


def test_lenet5_of_the_paper() -> None:
    """LeCun et al. 1998, section II-B: the sizes of the maps and the trainable parameters of every layer."""
    network = load_network("lenet5-1998")
    published: dict[str, tuple[int, tuple[int, ...]]]
    published = {"C1": (156, (6, 28, 28)), "S2": (12, (6, 14, 14)), "C3": (1516, (16, 10, 10)), "S4": (32, (16, 5, 5))}
    published |= {"C5": (48120, (120, 1, 1)), "F6": (10164, (84,)), "output": (0, (10,))}
    for name, (trainable, shape) in published.items():
        node = network.node(name)
        assert (sum(p.count for p in node.parameters if p.trainable), node.output_shape) == (trainable, shape)


def test_the_schema_knows_the_files() -> None:
    document = schema()
    assert document["additionalProperties"] is False
    kinds = {key for option in document["properties"]["layers"]["items"]["anyOf"][1:] for key in option["properties"]}
    assert {"dense", "conv2d", "rbf"} <= kinds
    assert document["$defs"]["layer_conv2d"]["required"] == ["filters", "kernel"]
    json.dumps(document)


def test_loading_imports_neither_numpy_nor_sympy() -> None:
    code = (
        "import sys; from backcalc.net import load_network; load_network('lenet5');"
        "print([m for m in ('numpy', 'sympy', 'backcalc.formula.infer', 'backcalc.formula.read') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# -- plain data and marks ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.1", Fraction(1, 10)),
        ("1e-3", Fraction(1, 1000)),
        ("17/6", Fraction(17, 6)),
        ("-4/2", Fraction(-2)),
        ("007", 7),
        ("1.", Fraction(1)),
        (".5", Fraction(1, 2)),
        ("12:30", None),
        ("0x1F", None),
        ("1_000", None),
        ("no", None),
        ("1/2/3", None),
        ("", None),
    ],
)
def test_numbers_are_exact(text: str, value: Fraction | None) -> None:
    assert exact_number(text) == value


def test_words_that_other_readers_take_for_something_else() -> None:
    data = read_document("a: no\nb: 12:30\nc: 1e-3\nd: ~\ne: true\nf: '1'\ny: 0x1F\n", "f").data
    assert data == {"a": "no", "b": "12:30", "c": Fraction(1, 1000), "d": None, "e": True, "f": "1", "y": "0x1F"}


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-999, 999)
        | st.text(st.characters(codec="ascii", exclude_categories=["C"])),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcde"), inner, max_size=3),
        max_leaves=8,
    )
)
def test_json_is_read_as_it_is(value: object) -> None:
    """JSON is YAML: an independent reader agrees, and every value's mark is where the value begins."""
    text = json.dumps({"v": value}, indent=1)
    document = read_document(text, "f")
    assert document.problems == []
    assert document.data == json.loads(text)
    lines = text.split("\n")
    starts = {"NoneType": "n", "bool": "tf", "int": "-0123456789", "str": '"', "list": "[", "dict": "{"}
    for path, mark in document.values.items():
        here: Any = document.data
        for step in path:
            here = here[step]
        assert lines[mark.line - 1][mark.column - 1] in starts[type(here).__name__]
