"""Mistakes that make an experiment say less, or something else, than it seems to: each is found, and told why.

| code | mistake |
| --- | --- |
| `softmax-twice` | softmax (or sigmoid) in front of a loss that applies it itself |
| `trained-on` | trials that all go on from the same trained weights |
| `one-seed` | one seed for all trials, or the same numbers in several layers |
| `one-split` | one fixed split in all trials |
| `test-in-training` | tested on training data |
| `test-unscaled` | test inputs on another scale than training inputs |
| `pooled-effect` | a mean over the values of something that matters |
| `not-standardised` | called standardised, but only scaled |
| `chosen-on-test` | the best chosen by its test result |
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import exp, log

import numpy as np

from backcalc.layers.activation import Sigmoid
from backcalc.layers.loss_likelihood import (
    BinaryCrossEntropyLogits,
    CrossEntropyLogits,
    NegativeLogLikelihoodLogits,
)
from backcalc.layers.softmax import Softmax
from backcalc.net import Network
from backcalc.net.errors import said
from backcalc.numeric.data import Data
from backcalc.numeric.experiment.statistics import between
from backcalc.numeric.kernels.base import Array

SHARED = 0.1
"""From this share of the test samples on, those that are training samples too are no coincidence."""

APART = 10.0
"""Test inputs that are so many times larger or smaller than training inputs are on another scale."""

SURE = 0.01
"""A difference that chance makes in fewer than so many experiments is one."""

_STANDARDISED = re.compile(r"standardi[sz]ed|standardi[sz]ation|z-?scored?\b", re.IGNORECASE)
_PLAIN = re.compile(r"\b(?:not|un|non)[- ]?standardi[sz]|standardi[sz]\w*\s+or\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Warning:
    """One mistake: its code, and in words what it is, why it matters and what to do."""

    code: str
    text: str

    def to_json(self) -> dict[str, str]:
        """As plain data."""
        return {"code": self.code, "text": self.text}


# -- the network ------------------------------------------------------------------------------------


def of_network(network: Network, repeats: int = 1) -> Iterator[Warning]:
    """What is wrong with the network, as it is trained so many times."""
    yield from _softmax_twice(network)
    yield from _same_weights(network)
    given = [name for name in network.parameters if name in network.values]
    if repeats > 1 and given and len(given) == len(network.parameters):
        yield Warning(
            "trained-on",
            f"`values` gives {network.name} all its weights, so that all {repeats} repeats go on from the same ones: "
            "they are no independent trials, and their spread says nothing about other beginnings; "
            "leave the values out, and every repeat draws its own",
        )


def _softmax_twice(network: Network) -> Iterator[Warning]:
    last = network.node(network.output) if network.output else network.nodes[-1]
    loss = network.criterion
    over_classes = isinstance(loss, CrossEntropyLogits | NegativeLogLikelihoodLogits)
    if isinstance(last.layer, Softmax) and over_classes and loss is not None:
        classes = last.output_shape[-1]
        least = log(1 + (classes - 1) / exp(1))
        plain = loss.kind.removesuffix("_logits")
        yield Warning(
            "softmax-twice",
            f"`{last.name}` is a softmax, and the loss `{loss.kind}` applies softmax again: with {classes} classes it "
            f"cannot fall below {least:.6f}, however good the network is, and its gradient is damped; "
            f"take the loss `{plain}`, or leave the softmax out",
        )
    if isinstance(last.layer, Sigmoid) and isinstance(loss, BinaryCrossEntropyLogits):
        yield Warning(
            "softmax-twice",
            f"`{last.name}` is a sigmoid, and the loss `{loss.kind}` applies sigmoid again: it cannot fall to 0, and "
            "its gradient is damped; take the loss `bce`, or leave the sigmoid out",
        )


def _same_weights(network: Network) -> Iterator[Warning]:
    """Arrays of weights of several layers that the file gives the very same numbers."""
    named: dict[object, list[str]] = {}
    for node in network.nodes:
        for parameter in node.parameters:
            value = network.values.get(parameter.name)
            if parameter.role == "weight" and value is not None and len(parameter.shape) > 1:
                named.setdefault(value, []).append(parameter.name)
    for names in named.values():
        if len(set(names)) > 1:
            yield Warning(
                "one-seed",
                f"{said([f'`{name}`' for name in names], 'and')} begin with the same numbers, as if one seed had drawn "
                "them all: layers that begin alike are no random beginning; draw each by itself",
            )


# -- the data ---------------------------------------------------------------------------------------


def of_data(data: Data, called: str = "", *, standardised: bool = False) -> Iterator[Warning]:
    """What is wrong with the samples; `called` is what the experiment says of itself."""
    x = data.x[0] if data.stacked else data.x
    test = data.x_test[0] if data.stacked and data.x_test is not None else data.x_test
    if test is not None and len(test):
        yield from _tested_on_training(data.name, x, test)
        yield from _other_scale(data.name, x, test)
    if _STANDARDISED.search(called) and not _PLAIN.search(called) and not standardised and not _is_standard(x):
        low, high = float(x.min()), float(x.max())
        yield Warning(
            "not-standardised",
            f"`{called}` speaks of standardised inputs, but they run from {low:.4g} to {high:.4g} with mean "
            f"{float(x.mean()):.4g} and deviation {float(x.std()):.4g}: dividing by the largest value scales them, it "
            "does not standardise; write `data: {name: …, standardise: true}`, or call it scaled",
        )


def _tested_on_training(name: str, x: Array, test: Array) -> Iterator[Warning]:
    known = {row.tobytes() for row in np.ascontiguousarray(x.reshape(len(x), -1))}
    rows = np.ascontiguousarray(test.reshape(len(test), -1).astype(x.dtype))
    shared = sum(row.tobytes() in known for row in rows)
    if shared >= SHARED * len(rows):
        yield Warning(
            "test-in-training",
            f"{shared} of the {len(rows)} test samples of {name} are training samples too: what is measured on them is "
            "memory, not what the network makes of new samples; test on samples that were kept aside",
        )


def _other_scale(name: str, x: Array, test: Array) -> Iterator[Warning]:
    inside, outside = float(np.abs(x).mean()), float(np.abs(test).mean())
    if min(inside, outside) > 0 and not 1 / APART < outside / inside < APART:
        yield Warning(
            "test-unscaled",
            f"the test inputs of {name} are on another scale than the training inputs (mean size {outside:.3g}, not "
            f"{inside:.3g}): one of them was scaled and the other was not; do the same to both",
        )


def _is_standard(x: Array) -> bool:
    return abs(float(x.mean())) < 0.1 and 0.8 < float(x.std()) < 1.2


# -- the experiment ---------------------------------------------------------------------------------


def of_scores(measures: Sequence[str], choose: str | None = None) -> Iterator[Warning]:
    """What is wrong with what is measured, and with how the best is chosen."""
    scores = ("accuracy", "loss", "metric", "mse", "rmse", "mae")
    measured = {part for text in measures for part in ("train", "val", "test") if _measures(text, part, scores)}
    praised = any(_measures(text, "train", ("accuracy", "metric")) for text in measures)
    if praised and measured == {"train"}:
        yield Warning(
            "test-in-training",
            "accuracy is measured on the training samples alone: it says how well they are remembered; "
            "measure `test.accuracy` too",
        )
    if choose is not None and choose.startswith("test."):
        yield Warning(
            "chosen-on-test",
            f"the best arm is chosen by `{choose}`: its test result is then too good, since it was "
            "chosen for it; choose by `val.…`, with `split: {validation: 0.2}`, and test what was chosen",
        )


def _measures(text: str, part: str, scores: Sequence[str]) -> bool:
    return any(re.search(rf"\b{part}\.{score}\b", text) for score in scores)


def of_seeds(repeats: int, seed: int | None) -> Iterator[Warning]:
    """What is wrong with the seeds: `seed` is that of all repeats, where there is one."""
    if repeats > 1 and seed is not None:
        yield Warning(
            "one-seed",
            f"`train: {{seed: {seed}}}` gives all {repeats} repeats one seed: they are the same training {repeats} "
            "times, and their spread of 0 says nothing; leave it out, and every repeat has its own",
        )


def of_split(data: Data, repeats: int, seed: int | None) -> Iterator[Warning]:
    """What is wrong with the split: `seed` is that of the one split, where there is one."""
    if repeats > 1 and seed is not None and data.x_test is not None:
        count = data.x_test.shape[int(data.stacked)]
        yield Warning(
            "one-split",
            f"`split: {{seed: {seed}}}` keeps the same {count} test samples in all {repeats} repeats: the spread "
            "leaves out how much the result depends on them; leave the seed out, and every repeat draws its own split",
        )


def of_pool(axes: Sequence[str], groups: Mapping[str, Sequence[Sequence[float]]]) -> Iterator[Warning]:
    """What is wrong with a mean over the values of `axes`: `groups` are the results of each value, by measure."""
    for measure, numbers in groups.items():
        found = between(numbers)
        if found is None or found.p >= SURE:
            continue
        means = [sum(group) / len(group) for group in numbers if group]
        over = said([f"`{axis}`" for axis in axes], "and")
        yield Warning(
            "pooled-effect",
            f"the mean of `{measure}` over all values of {over} hides what it depends on: from value to value it runs "
            f"from {min(means):.4g} to {max(means):.4g}, which is {100 * found.share:.0f} % of its variance "
            f"(F = {found.f:.3g}, p = {found.p:.1g}); look at one mean for each value",
        )
