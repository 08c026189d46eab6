"""The built-in networks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

NETWORKS: Mapping[str, str] = MappingProxyType(
    {
        "lenet5": "LeNet-5 as it is built today: 28×28 input, first convolution padded, ReLU and max pooling",
        "lenet5-1998": "LeNet-5 of LeCun et al. (1998): 32×32 input, subsampling, connection table of C3, RBF output",
    }
)
"""Name to what it is, in one line."""


def names() -> tuple[str, ...]:
    """The names of the built-in networks.

    >>> names()
    ('lenet5', 'lenet5-1998')
    """
    return tuple(NETWORKS)


def zoo_text(name: str) -> str:
    """The file of a built-in network, as text."""
    return (Path(__file__).with_name("zoo") / f"{name}.yaml").read_text(encoding="utf-8")
