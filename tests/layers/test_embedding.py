"""Embedding, positions, class token, rotary, relative bias, layer scale, stochastic depth, split: NumPy and counts."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import backcalc
from backcalc.count.interpreter import execute
from backcalc.count.table import Formula
from backcalc.derive import DerivationError, derive
from backcalc.formula.evaluate import evaluate
from backcalc.formula.floats import FLOATS
from backcalc.formula.print_text import to_text
from backcalc.layers import KINDS
from backcalc.net import InputError, load_network
from backcalc.render.equations_yaml import equations_yaml

Values = dict[str, np.ndarray[Any, Any]]


def array(value: Any) -> dict[tuple[int, ...], float]:
    """The numbers of an array by their places, from 1."""
    return {tuple(place + 1 for place in at): float(number) for at, number in np.ndenumerate(np.asarray(value))}


def embedding(v: Values) -> Any:
    return v["E_y"][v["x"].astype(int) - 1]


def rotary(v: Values) -> Any:
    """As complex numbers: the pair is a number, turning is a product."""
    x = v["x"]
    half = x.shape[-1] // 2
    angles = np.outer(np.arange(x.shape[-2]), 100.0 ** (-np.arange(half) / half))
    pairs = (x[..., :half] + 1j * x[..., half:]) * np.exp(1j * angles)
    return np.concatenate([pairs.real, pairs.imag], axis=-1)


def relative_bias(v: Values) -> Any:
    """With loops over the cells of a window of 2 rows and 3 columns."""
    y = v["x"].copy()
    for t in range(6):
        for u in range(6):
            y[..., t, u] += v["B_y"][:, t // 3 - u // 3 + 1, t % 3 - u % 3 + 2]
    return y


def class_token(v: Values) -> Any:
    x = v["x"]
    row = np.broadcast_to(v["cls_y"], (*x.shape[:-2], 1, x.shape[-1]))
    return np.concatenate([row, x], axis=-2)


def stochastic_depth(v: Values) -> Any:
    """One mask a sample; one sample alone is handed on."""
    return v["x"] * v["mask_y"][:, None, None] / (1 - 0.25) if "mask_y" in v else v["x"]


# By name: the kind, its arguments, the shape of the input, what it does, and its parameters.
CASES: dict[str, tuple[str, dict[str, Any], list[int], Any, int]] = {
    "embedding": ("embedding", {"vocabulary": 7, "units": 3}, [4], embedding, 21),
    "positional": ("positional", {"length": 4}, [4, 3], lambda v: v["x"] + v["P_y"], 12),
    "places left over": ("positional", {"length": 5}, [4, 3], lambda v: v["x"] + v["P_y"][:4], 15),
    "class_token": ("class_token", {}, [4, 3], class_token, 3),
    "rotary": ("rotary", {"base": 100}, [3, 4], rotary, 0),
    "rotary of heads": ("rotary", {"base": 100}, [3, 4, 6], rotary, 0),
    "rotary of a pair": ("rotary", {"base": 100}, [4, 2], rotary, 0),
    "relative_bias": ("relative_bias", {"window": [2, 3]}, [4, 6, 6], relative_bias, 4 * 3 * 5),
    "layer_scale": ("layer_scale", {}, [3], lambda v: v["x"] * v["gamma_y"], 3),
    "scale of features": ("layer_scale", {}, [4, 3], lambda v: v["x"] * v["gamma_y"], 3),
    "scale of maps": ("layer_scale", {}, [2, 3, 4], lambda v: v["x"] * v["gamma_y"].reshape(2, 1, 1), 2),
    "stochastic_depth": ("stochastic_depth", {"rate": 0.25}, [4, 3], stochastic_depth, 0),
    "split": ("split", {}, [4, 3], lambda v: v["x"][..., :2, :], 0),
    "middle part": ("split", {"parts": 3, "part": 2, "axis": 2}, [2, 6], lambda v: v["x"][..., 2:4], 0),
}


def net(name: str, **more: Any) -> dict[str, Any]:
    kind, fields, shape, _, _ = CASES[name]
    return {"input": {"x": shape}, "layers": [{kind: {"name": "y", **fields}}], **more}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("samples", [None, 2])
def test_values_are_numpy(name: str, samples: int | None) -> None:
    *_, does, _ = CASES[name]
    network = load_network(net(name, **({} if samples is None else {"batch": "N"})))
    source = np.random.default_rng(5)
    lead = [] if samples is None else [samples]
    values = {each.name: source.normal(size=each.shape) for each in network.nodes[0].parameters}
    values["x"] = source.normal(size=(*lead, *network.inputs["x"]))
    if name == "embedding":
        values["x"] = source.integers(1, 8, size=values["x"].shape)
    if name == "stochastic_depth" and samples is not None:
        values["mask_y"] = np.array([1.0, 0.0])
    given = {array_name: array(value) for array_name, value in values.items()}
    found = evaluate(network.program, given, FLOATS, {"N": samples} if samples else None)["y"]
    expected = does(values)
    assert found == pytest.approx(array(expected))
    assert network.nodes[0].output_shape == expected.shape[len(lead) :]


@pytest.mark.parametrize("name", CASES)
def test_costs_are_those_of_the_executed_equations(name: str) -> None:
    _, _, shape, _, params = CASES[name]
    network = load_network(net(name))
    node = network.nodes[0]
    leaves = {each.name: each.shape for each in node.parameters} | {"x": tuple(shape)}
    values = {
        word: {at: Fraction(n + 1, 9) for n, at in enumerate(array(np.zeros(size)))} for word, size in leaves.items()
    }
    if name == "embedding":
        values["x"] = {at: Fraction(1 + n % 7) for n, at in enumerate(values["x"])}
    done = execute(network.program, values, weights=[each.name for each in node.parameters])["y"]
    cost = node.layer.cost(tuple(shape))
    units = Formula(cost.units).value
    stated = {kind: Formula(count).value * units for kind, count in cost.operations.items()}
    done.operations.pop("mac", None)
    assert +Counter(stated) == +done.operations
    assert Formula(cost.params).value == Formula(cost.weights).value == params
    assert Formula(cost.connections).value == sum(done.reads[each.name] for each in node.parameters)


def test_published_parameters() -> None:
    """Radford et al. 2019 (GPT-2), Dosovitskiy et al. 2021 (ViT-B/16), Liu et al. 2021 (Swin-T, first stage)."""
    counts = {
        ("embedding", "50257*768"): KINDS["embedding"](vocabulary=50257, units=768).cost((1024,)),
        ("positional", "197*768"): KINDS["positional"](length=197).cost((197, 768)),
        ("class_token", "768"): KINDS["class_token"]().cost((196, 768)),
        ("relative_bias", "3*13*13"): KINDS["relative_bias"](window=7).cost((3, 49, 49)),
    }
    assert all(cost.params == text for (_, text), cost in counts.items())
    # GPT-2 small: 124 439 808 = V d + P d + L (12 d² + 13 d) + 2 d.
    tables = sum(Formula(text).value for text in ("50257*768", "1024*768"))
    assert tables == 124_439_808 - 12 * 7_087_872 - 2 * 768


@pytest.mark.parametrize("name", [name for name in CASES if name != "rotary of heads"])
@pytest.mark.parametrize("batch", [{}, {"batch": "N"}], ids=["sample", "batch"])
def test_gradients_are_verified(name: str, batch: dict[str, Any]) -> None:
    parameters = [each.name for each in load_network(net(name)).nodes[0].parameters]
    find = parameters if name == "embedding" else ["x", *parameters]
    derivation = backcalc.grad(net(name, loss="sse", find=find, **batch), view="index")
    assert derivation.passed, [str(check) for check in derivation.verified]


def test_a_token_has_no_derivative_but_its_row_has_that_of_all_its_uses() -> None:
    derivation = backcalc.grad(net("embedding", loss="sse", find=["E_y"]), view="index")
    assert to_text(derivation.gradients[0].formula) == "sum(i2=1..4, dJ/dy[i2,j]*(i == x[i2]))"
    with pytest.raises(DerivationError) as error:
        backcalc.grad(net("embedding", loss="sse"), view="index", wrt=["x"])
    assert str(error.value) == "`x` stands in an index: it is a whole number and has no derivative"


@pytest.mark.parametrize("batch", [{}, {"batch": "N"}], ids=["sample", "batch"])
def test_an_embedding_printed_as_equations_is_read_back(batch: dict[str, Any]) -> None:
    network = load_network(net("embedding", loss="sse", find=["E_y"], **batch))
    found = load_network(equations_yaml(network) + "\n")
    assert found.program.equations[0].body == network.program.equations[0].body
    assert found.program.shapes == network.program.shapes
    gradients = [to_text(derive(each, view="index").gradients[0].formula) for each in (network, found)]
    assert gradients[0] == gradients[1]


def test_the_rows_of_an_embedding_by_their_numbers() -> None:
    """Tokens 2, 1, 2 of a table [[1, 2], [3, 5]] and targets 0: by hand, 2·uses·E."""
    values = {"x": [2, 1, 2], "E_y": [[1, 2], [3, 5]], "t": [[0, 0]] * 3}
    embedded = {"embedding": {"name": "y", "vocabulary": 2, "units": 2}}
    derivation = backcalc.grad({"input": 3, "layers": [embedded], "loss": "sse", "values": values})
    assert {at: str(each.value) for at, each in derivation.values["dJ/dE_y"].items()} == {
        (1, 1): "2",
        (1, 2): "4",
        (2, 1): "12",
        (2, 2): "20",
    }


def test_an_embedding_is_looked_up_and_costs_nothing() -> None:
    cost = KINDS["embedding"](vocabulary=7, units=3).cost((4,))
    assert (cost.operations, cost.macs, Formula(cost.connections).value) == ({}, "0", 12)


def test_one_mask_a_sample_scales_the_whole_branch() -> None:
    text = "input: {x: [2, 3]}\nbatch: N\nlayers: [stochastic_depth: {name: y, rate: 1/5}]\nloss: sse\nfind: [x]\n"
    derivation = backcalc.grad(text, view="index")
    assert to_text(derivation.gradients[0].formula) == "5/4*dJ/dy[n,i,j]*mask_y[n]"


@pytest.mark.parametrize(
    ("text", "message", "help"),
    [
        (
            "input: {x: [4, 3]}\nlayers: [embedding: {name: y, vocabulary: 3, units: 2}]",
            "layer `y` (embedding): embedding works on tokens [time], whole numbers from 1, but got [4, 3]",
            None,
        ),
        (
            "input: 4\nlayers: [embedding: {units: 2}]",
            "`embedding` needs `vocabulary`",
            "`vocabulary` is the number of tokens there are",
        ),
        (
            "input: {x: [4, 3]}\nlayers: [positional: {name: y, length: 3}]",
            "layer `y` (positional): positional has 3 places, but got 4 steps in [4, 3]",
            None,
        ),
        (
            "input: 4\nlayers: [class_token: {name: y}]",
            "layer `y` (class_token): class_token works on [time, features], but got [4]",
            None,
        ),
        (
            "input: {x: [4, 3]}\nlayers: [rotary: {name: y}]",
            "layer `y` (rotary): rotary turns pairs of features, but [4, 3] has 3",
            None,
        ),
        (
            "input: {x: [4, 9]}\nlayers: [relative_bias: {name: y, window: 3}]",
            "layer `y` (relative_bias): relative_bias works on scores [heads, steps, steps], but got [4, 9]",
            "inside attention write `attention: {relative_bias: …}`",
        ),
        (
            "input: {x: [2, 6, 6]}\nlayers: [relative_bias: {name: y, window: 3}]",
            "layer `y` (relative_bias): the window of the relative bias has 3x3 = 9 cells, but there are 6 steps",
            None,
        ),
        (
            "input: 3\nlayers: [stochastic_depth: 1]",
            "`rate`: expected a number from 0 to less than 1, got `1`",
            None,
        ),
        (
            "input: {x: [5, 3]}\nlayers: [split: {name: y}]",
            "layer `y` (split): split cuts axis 1 of [5, 3] into 2 parts, which do not come out equal",
            "`slice` takes parts of any length",
        ),
        ("input: 6\nlayers: [split: {parts: 2, part: 3}]", "`split`: part is 3, but there are 2 parts", None),
        (
            "input: 6\nlayers: [split: {name: y, axis: 2}]",
            "layer `y` (split): split cuts axis 2, but its input [6] has 1",
            None,
        ),
    ],
)
def test_what_the_layers_cannot_take(text: str, message: str, help: str | None) -> None:
    with pytest.raises(InputError) as error:
        load_network(text + "\n")
    assert [(problem.message, problem.help) for problem in error.value.problems] == [(message, help)]
