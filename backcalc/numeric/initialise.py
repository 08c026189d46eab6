"""How parameters begin: schemes by name, and what Keras and PyTorch do by default.

`fan_in` and `fan_out` are how many numbers an output is made of and how many an input goes to: `[out, in]` of a dense
layer, `in/groups·kernel` and `filters·kernel` of a convolution.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import prod, sqrt
from typing import Any, TypeAlias

import numpy as np

from backcalc.layers import Parameter
from backcalc.layers.conv_transpose import TransposedConvolution
from backcalc.layers.embedding import ClassToken, Embedding, Positional
from backcalc.layers.norm import Norm
from backcalc.layers.recurrent import Lstm
from backcalc.layers.recurrent_base import Recurrent
from backcalc.layers.residual import LayerScale
from backcalc.net import Network, Node
from backcalc.net.errors import did_you_mean, said
from backcalc.numeric.arena import Arena, floats
from backcalc.numeric.kernels.base import Array

TRUNCATED = 0.87962566103423978
"""The standard deviation of a normal distribution cut off at two of its own (Keras divides by it)."""


class UnknownScheme(ValueError):
    """A scheme that there is none of, with the nearest name."""


@dataclass(frozen=True, slots=True)
class Fans:
    """The shape of an array and its fans."""

    shape: tuple[int, ...]
    into: int
    out: int


Draw: TypeAlias = Callable[[Any, Fans], Array]
"""Draws an array from a source of random numbers."""


def truncated(random: Any, shape: tuple[int, ...], std: float) -> Array:
    """Normal numbers of that deviation before those beyond two of it are drawn again."""
    found: Array = random.standard_normal(shape)
    while (far := np.abs(found) > 2).any():
        found[far] = random.standard_normal(int(far.sum()))
    return found * std


def orthogonal(random: Any, shape: tuple[int, ...]) -> Array:
    """Orthonormal rows or columns, whichever are fewer (Saxe, McClelland, Ganguli 2014)."""
    rows, columns = shape[0], prod(shape[1:])
    square = random.standard_normal((max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(square)
    q = q * np.sign(np.diag(r))
    found: Array = (q if rows >= columns else q.T).reshape(shape)
    return found


def _sized_uniform(random: Any, shape: tuple[int, ...], size: float) -> Array:
    found: Array = random.uniform(-size, size, shape)
    return found


def _uniform(limit: Callable[[Fans], float]) -> Draw:
    def draw(random: Any, fans: Fans) -> Array:
        found: Array = random.uniform(-limit(fans), limit(fans), fans.shape)
        return found

    return draw


def _normal(std: Callable[[Fans], float]) -> Draw:
    return lambda random, fans: truncated(random, fans.shape, std(fans) / TRUNCATED)


SCHEMES: Mapping[str, Draw] = {
    "zeros": lambda random, fans: np.zeros(fans.shape),
    "ones": lambda random, fans: np.ones(fans.shape),
    "normal": lambda random, fans: random.normal(0, 0.05, fans.shape),
    "uniform": _uniform(lambda fans: 0.05),
    "truncated": lambda random, fans: truncated(random, fans.shape, 0.05),
    "glorot_uniform": _uniform(lambda fans: sqrt(6 / (fans.into + fans.out))),
    "glorot_normal": _normal(lambda fans: sqrt(2 / (fans.into + fans.out))),
    "he_uniform": _uniform(lambda fans: sqrt(6 / fans.into)),
    "he_normal": _normal(lambda fans: sqrt(2 / fans.into)),
    "lecun_uniform": _uniform(lambda fans: sqrt(3 / fans.into)),
    "lecun_normal": _normal(lambda fans: sqrt(1 / fans.into)),
    "orthogonal": lambda random, fans: orthogonal(random, fans.shape),
    "pytorch_uniform": _uniform(lambda fans: 1 / sqrt(fans.into)),
    "standard_normal": lambda random, fans: random.standard_normal(fans.shape),
}
"""Every scheme by name. `normal:0.01`, `uniform:0.01`, `truncated:0.01` give the deviation or the limit; normal schemes
of a fan are truncated, as in Keras."""

DEFAULTS = ("keras", "pytorch")
"""Names that stand for what a program does by default, layer by layer."""


def draw_of(scheme: str) -> Draw:
    """The scheme of a name, `he_normal` or `normal:0.01`. Raises UnknownScheme.

    >>> draw_of("he_norml")
    Traceback (most recent call last):
    backcalc.numeric.initialise.UnknownScheme: unknown initialiser `he_norml`; did you mean `he_normal`?
    """
    name, _, size = scheme.partition(":")
    if name in SCHEMES and not size:
        return SCHEMES[name]
    try:
        number = float(size)
    except ValueError:
        number = -1.0
    if name in _SIZED and 0 <= number < float("inf"):
        draw = _SIZED[name]
        return lambda random, fans: draw(random, fans.shape, number)
    help = did_you_mean(name, SCHEMES, f"they are {said(list(SCHEMES))}")
    raise UnknownScheme(f"unknown initialiser `{scheme[:60]}`; {help}")


_SIZED: Mapping[str, Callable[[Any, tuple[int, ...], float], Array]] = {
    "normal": lambda random, shape, size: random.normal(0, size, shape),
    "uniform": _sized_uniform,
    "truncated": truncated,
}


def fans_of(node: Node, parameter: Parameter) -> Fans:
    """The fans of an array of weights; of a bias those of the weights beside it."""
    weights = next((each for each in node.parameters if each.role == "weight"), parameter)
    shape = parameter.shape if parameter.role == "weight" else weights.shape
    if len(shape) < 2:
        return Fans(parameter.shape, prod(shape), prod(shape))
    first, second, *kernel = shape
    if isinstance(node.layer, TransposedConvolution):
        first, second = second, first
    return Fans(parameter.shape, second * prod(kernel), first * prod(kernel))


def scheme_of(node: Node, parameter: Parameter, default: str) -> str:
    """What a program does with an array by default: gains begin with 1, shifts with 0."""
    layer, is_bias = node.layer, parameter.role == "bias"
    if isinstance(layer, Norm | LayerScale):
        return "zeros" if is_bias else "ones"
    if isinstance(layer, ClassToken):
        return "zeros"
    if isinstance(layer, Embedding | Positional):
        return "uniform" if default == "keras" else "standard_normal"
    if default == "pytorch":
        return "recurrent" if isinstance(layer, Recurrent) else "pytorch_uniform"
    if is_bias:
        return "forget" if isinstance(layer, Lstm) and parameter.name.endswith("_f") else "zeros"
    if isinstance(layer, Recurrent) and parameter.name.startswith("U_"):
        return "orthogonal"
    return "glorot_uniform" if len(parameter.shape) > 1 else "ones"


def _draw(node: Node, parameter: Parameter, scheme: str) -> Callable[[Any], Array]:
    """How an array is drawn from a source of random numbers."""
    default = scheme if scheme in DEFAULTS else "keras"
    if scheme in DEFAULTS or parameter.role == "bias" or len(parameter.shape) < 2:
        scheme = scheme_of(node, parameter, default)  # a scheme that is named is one of weights
    if scheme == "forget":
        once = np.ones if parameter.name.startswith("b_") else np.zeros
        return lambda random: once(parameter.shape)
    if scheme == "recurrent":
        limit = 1 / sqrt(parameter.shape[0])
        return partial(_sized_uniform, shape=parameter.shape, size=limit)
    drawn, fans = draw_of(scheme), fans_of(node, parameter)
    return lambda random: drawn(random, fans)


def begin(
    network: Network,
    nodes: Sequence[Node],
    arena: Arena,
    randoms: Sequence[Any],
    schemes: Mapping[str, str],
    dtype: np.dtype[Any],
) -> Array:
    """The flat array before the first step, each trial drawn from its own source.

    `schemes` are by the name of an array or of a layer; that of `""` holds for all others. What the file gives a value
    is not drawn. Raises UnknownScheme, also for a name that there is none of.
    """
    known = {name for node in nodes for name in (node.name, *(each.name for each in node.parameters))}
    for name in schemes.keys() - known - {""}:
        help = did_you_mean(name, sorted(known), f"there are {said(sorted(known), 'and')}")
        raise UnknownScheme(f"there is no layer or array `{name[:60]}` to initialise; {help}")
    flat = np.zeros((len(randoms), arena.size), dtype)
    for name, piece in arena.pieces.items():
        if name in network.values:
            piece.view(flat)[...] = np.array(floats(network.values[name]), dtype)
    for node in nodes:
        for parameter in node.parameters:
            scheme = schemes.get(parameter.name, schemes.get(node.name, schemes.get("", "keras")))
            if parameter.name in arena.still or not _is_first(nodes, node, parameter):
                continue
            draw = _draw(node, parameter, scheme)
            _put(network, arena, flat, parameter, np.stack([draw(random) for random in randoms]))
            _without_absent(arena, flat, node, parameter)
    return flat


def _is_first(nodes: Sequence[Node], node: Node, parameter: Parameter) -> bool:
    """Whether this layer is the first that has the array: one that is tied is drawn once."""
    return next(each for each in nodes if parameter.name in {p.name for p in each.parameters}) is node


def _put(network: Network, arena: Arena, flat: Array, parameter: Parameter, drawn: Array) -> None:
    """Puts the arrays of all trials where their numbers stand; a name that stands there twice takes the last."""
    if parameter.name in arena.pieces:
        if parameter.name not in network.values:
            arena.pieces[parameter.name].view(flat)[...] = drawn
        return
    given = {arena.pieces[name].start for name in network.values if name in arena.pieces}
    places = arena.made[parameter.name].places
    for place, numbers in zip(places, drawn.reshape(len(drawn), -1).T, strict=True):
        if place >= 0 and place not in given:
            flat[:, place] = numbers


def _without_absent(arena: Arena, flat: Array, node: Node, parameter: Parameter) -> None:
    """Weights that a connection table leaves out are 0."""
    connections = getattr(node.layer, "connections", None)
    if connections is None or parameter.role != "weight" or parameter.name not in arena.pieces:
        return
    view = arena.pieces[parameter.name].view(flat)
    for row, maps in enumerate(connections):
        left_out = [c for c in range(parameter.shape[1]) if c + 1 not in maps]
        view[:, row, left_out] = 0
