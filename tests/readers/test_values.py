"""A converted network computes what the live model computed: with its own weights, to single precision.

The weights are taken from the archive by the test alone, as raw numbers; no reader looks at them.
"""

from __future__ import annotations

import json
import math
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backcalc.net import Network
from backcalc.numeric.kernels import Pass, kernel_of
from backcalc.readers import read_file

DATA = Path(__file__).parents[1] / "data"
FACTS = json.loads((DATA / "facts.json").read_text(encoding="utf-8"))

GATES = {"lstm": ("_i", "_f", "_g", "_o"), "gru": ("_r", "_z", "_h")}
PREFIXES = {"weight_ih": "W", "weight_hh": "U", "bias_ih": "b", "bias_hh": "bU"}
PLAIN = {"weight": ("W", "gamma"), "bias": ("b", "beta"), "running_mean": ("mean",), "running_var": ("var",)}


def stored(path: Path) -> dict[str, Any]:
    """The arrays of an exported program, by the names of PyTorch."""
    with zipfile.ZipFile(path) as archive:
        folder = f"{path.stem}/data/weights/"
        config = json.loads(archive.read(f"{folder}model_weights_config.json"))["config"]
        found = {}
        for name, entry in config.items():
            shape = [size["as_int"] for size in entry["tensor_meta"]["sizes"]]
            if shape:
                numbers = np.frombuffer(archive.read(folder + entry["path_name"]), "<f4", math.prod(shape))
                found[name] = numbers.reshape(shape)
    return found


def ours(arrays: dict[str, Any]) -> dict[str, Any]:
    """The same arrays by the names that they have in a network here."""
    found: dict[str, Any] = {}
    for name, array in arrays.items():
        module, _, own = name.rpartition(".")
        if own in PLAIN:
            found |= {f"{prefix}_{module}": array for prefix in PLAIN[own]}
            continue
        kind, _, rest = own.partition("_l")
        level, _, reverse = rest.partition("_")
        label = f"{module}_{int(level) + 1}" if module == "lstm" else module
        label += "_reverse" if reverse else ""
        for ending, rows in zip(GATES[module], np.split(array, len(GATES[module])), strict=True):
            found[f"{PREFIXES[kind]}_{label}{ending}"] = rows
    return found


def answer(network: Network, arrays: dict[str, Any]) -> Any:
    """The output for numbers from -1 to 1, computed layer by layer."""
    ((word, shape),) = network.inputs.items()
    x = np.linspace(-1, 1, math.prod(shape)).reshape(1, 1, *shape)
    values = {word: x}
    for node in network.nodes:
        arriving = tuple(values[name].shape[2:] for name in node.inputs)
        parameters = [arrays[parameter.name].astype(float)[None] for parameter in node.parameters]
        result = kernel_of(node, arriving).forward([values[name] for name in node.inputs], parameters, Pass())
        values[node.name] = result.output
    return values[network.nodes[-1].name].ravel()


@pytest.mark.parametrize("name", ["cnn.pt2", "recurrent.pt2"])
def test_the_converted_network_gives_the_answer_of_the_live_one(name: str) -> None:
    found = answer(read_file(DATA / name), ours(stored(DATA / name)))
    np.testing.assert_allclose(found, FACTS[name]["answer"], rtol=2e-5, atol=2e-5)
