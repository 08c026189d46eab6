"""What comes before a training: data with a part for testing, a network with the rule that is wanted."""

from __future__ import annotations

from dataclasses import replace
from math import isfinite

from backcalc.net import Network, Update
from backcalc.net.errors import did_you_mean, said
from backcalc.net.update import UPDATES
from backcalc.numeric.data import Data, DataError, load_data, scaled, split, standardised
from backcalc.numeric.settings import TrainingError

TEST = 0.2
"""The share of the samples that is kept for testing where a data set has no test of its own."""


def prepared(
    name: str,
    *,
    seed: int = 0,
    test: float = TEST,
    scale: float = 1.0,
    standardise: bool = False,
    legacy: bool = False,
    stratify: bool = False,
) -> Data:
    """The data set of that name with samples for testing, its notes saying what was done to it.

    The inputs are multiplied by `scale`, then standardised where that is asked; what is drawn is drawn from `seed`, by
    NumPy's `legacy` generator where that is asked. With `stratify` the test has of every class its share.

    >>> data = prepared("blobs:50", seed=1)
    >>> data.size, len(data.x_test), data.notes
    (40, 10, ('10 of the 50 samples, drawn at random, kept for testing',))

    Raises DataError.
    """
    if not isfinite(scale) or scale == 0:
        raise DataError(f"inputs times {scale:g} say nothing; `scale` is a finite number, and not 0")
    data = load_data(name, seed=seed, legacy=legacy)
    if data.x_test is None:
        whole, data = data.size, split(data, test, seed, legacy=legacy, stratify=stratify)
        how = "drawn at random from every class" if stratify else "drawn at random"
        note = f"{whole - data.size} of the {whole} samples, {how}, kept for testing"
        data = replace(data, notes=(*data.notes, note))
    data = data if scale == 1 else scaled(data, scale)
    return standardised(data) if standardise else data


def with_rule(network: Network, kind: str | None) -> Network:
    """The network with another update rule, which has its usual arguments and no rate yet; its own is kept as it is.

    >>> from backcalc.net import load_network
    >>> network = load_network({"input": 1, "layers": [{"dense": 1}], "update": {"sgd": {"rate": "0.1"}}})
    >>> with_rule(network, "sgd").update.rate, with_rule(network, "adam").update.rate
    (Fraction(1, 10), None)

    Raises TrainingError where there is no such rule.
    """
    if kind is None or kind == network.update.kind:
        return network
    if kind not in UPDATES:
        help = did_you_mean(kind, UPDATES, f"they are {said(list(UPDATES), 'and')}")
        raise TrainingError(f"unknown update rule `{kind[:40]}`; {help}")
    return replace(network, update=Update(kind))
