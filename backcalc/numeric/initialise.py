"""How parameters begin: schemes by name, and what Keras and PyTorch do by default.

`fan_in` and `fan_out` are how many numbers an output is made of and how many an input goes to: `[out, in]` of a dense
layer, `in/groups·kernel` and `filters·kernel` of a convolution.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
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


Randoms: TypeAlias = Sequence[Any]
"""The sources of random numbers of all trials."""

Draw: TypeAlias = Callable[[Randoms, Fans], Array]
"""Draws the arrays of all trials, `[trials, *shape]`, each from its own source."""


def _each(randoms: Randoms, shape: tuple[int, ...], draw: Callable[[Any], Array]) -> Array:
    found = np.empty((len(randoms), *shape))
    for trial, random in enumerate(randoms):
        found[trial] = draw(random)
    return found


def normal(randoms: Randoms, shape: tuple[int, ...], std: float) -> Array:
    """Normal numbers of that deviation."""
    return _each(randoms, shape, lambda random: random.normal(0, std, shape))


def uniform(randoms: Randoms, shape: tuple[int, ...], limit: float) -> Array:
    """Equally spread numbers of either sign up to a limit."""
    return _each(randoms, shape, lambda random: random.uniform(-limit, limit, shape))


def truncated(randoms: Randoms, shape: tuple[int, ...], std: float) -> Array:
    """Normal numbers of that deviation before those beyond two of it are drawn again."""
    found = _each(randoms, shape, lambda random: random.standard_normal(shape))
    beyond = (np.abs(found) > 2).reshape(len(found), -1)
    for trial in np.flatnonzero(beyond.any(axis=1)).tolist():
        own, far = found[trial, ...].reshape(-1), beyond[trial]
        while far.any():
            own[far] = randoms[trial].standard_normal(int(far.sum()))
            far = np.abs(own) > 2
    return found * std


def orthogonal(randoms: Randoms, shape: tuple[int, ...]) -> Array:
    """Orthonormal rows or columns, whichever are fewer (Saxe, McClelland, Ganguli 2014)."""
    rows, columns = shape[0], prod(shape[1:])
    tall = max(rows, columns), min(rows, columns)
    q, r = np.linalg.qr(_each(randoms, tall, lambda random: random.standard_normal(tall)))
    q = q * np.sign(np.diagonal(r, axis1=1, axis2=2))[:, None]
    found: Array = (q if rows >= columns else q.swapaxes(1, 2)).reshape(len(randoms), *shape)
    return found


def _uniform(limit: Callable[[Fans], float]) -> Draw:
    return lambda randoms, fans: uniform(randoms, fans.shape, limit(fans))


def _normal(std: Callable[[Fans], float]) -> Draw:
    return lambda randoms, fans: truncated(randoms, fans.shape, std(fans) / TRUNCATED)


SCHEMES: Mapping[str, Draw] = {
    "zeros": lambda randoms, fans: np.zeros((len(randoms), *fans.shape)),
    "ones": lambda randoms, fans: np.ones((len(randoms), *fans.shape)),
    "normal": lambda randoms, fans: normal(randoms, fans.shape, 0.05),
    "uniform": _uniform(lambda fans: 0.05),
    "truncated": lambda randoms, fans: truncated(randoms, fans.shape, 0.05),
    "glorot_uniform": _uniform(lambda fans: sqrt(6 / (fans.into + fans.out))),
    "glorot_normal": _normal(lambda fans: sqrt(2 / (fans.into + fans.out))),
    "he_uniform": _uniform(lambda fans: sqrt(6 / fans.into)),
    "he_normal": _normal(lambda fans: sqrt(2 / fans.into)),
    "lecun_uniform": _uniform(lambda fans: sqrt(3 / fans.into)),
    "lecun_normal": _normal(lambda fans: sqrt(1 / fans.into)),
    "orthogonal": lambda randoms, fans: orthogonal(randoms, fans.shape),
    "pytorch_uniform": _uniform(lambda fans: 1 / sqrt(fans.into)),
    "standard_normal": lambda randoms, fans: normal(randoms, fans.shape, 1),
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
        return lambda randoms, fans: draw(randoms, fans.shape, number)
    help = did_you_mean(name, SCHEMES, f"they are {said(list(SCHEMES))}")
    raise UnknownScheme(f"unknown initialiser `{scheme[:60]}`; {help}")


_SIZED: Mapping[str, Callable[[Randoms, tuple[int, ...], float], Array]] = {
    "normal": normal,
    "uniform": uniform,
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


def _drawn(node: Node, parameter: Parameter, scheme: str, randoms: Randoms) -> Array:
    """The arrays of all trials."""
    default = scheme if scheme in DEFAULTS else "keras"
    if scheme in DEFAULTS or parameter.role == "bias" or len(parameter.shape) < 2:
        scheme = scheme_of(node, parameter, default)  # a scheme that is named is one of weights
    if scheme == "forget":
        scheme = "ones" if parameter.name.startswith("b_") else "zeros"
    if scheme == "recurrent":
        return uniform(randoms, parameter.shape, 1 / sqrt(parameter.shape[0]))
    return draw_of(scheme)(randoms, fans_of(node, parameter))


def begin(
    network: Network,
    nodes: Sequence[Node],
    arena: Arena,
    randoms: Randoms,
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
            _put(network, arena, flat, parameter, _drawn(node, parameter, scheme, randoms))
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
