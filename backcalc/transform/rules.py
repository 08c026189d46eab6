"""The rules of folding: which two neighbours are one layer, and by what formulas its parameters come about.

Sources: Jacob et al. 2018, "Quantization and training of neural networks for efficient integer-arithmetic-only
inference", section 3.2, for the batch norm behind a convolution; the others by substitution.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from math import prod

from backcalc.layers import Layer
from backcalc.layers.activation import Linear
from backcalc.layers.adaptive import GlobalAvgPool
from backcalc.layers.conv import Convolution
from backcalc.layers.conv_transpose import TransposedConvolution
from backcalc.layers.dense import Dense
from backcalc.layers.noise import Dropout, GaussianNoise
from backcalc.layers.norm import BatchNorm
from backcalc.layers.normalise import Normalise
from backcalc.layers.pool import AveragePooling
from backcalc.layers.shape import Flatten, Reshape
from backcalc.layers.weighted import WeightedLayer
from backcalc.net.network import Node
from backcalc.transform.chain import Chain, changed


@dataclass(frozen=True, slots=True)
class Plan:
    """Two layers, the one that replaces them, and the equations of its arrays, as text.

    `first` feeds `second`, by way of `through` where a layer without weights stands between them. `rule` names the law.
    """

    rule: str
    reason: str
    first: Node
    second: Node
    layer: Layer
    definitions: tuple[str, ...]
    through: Node | None = None

    @property
    def old(self) -> tuple[Node, ...]:
        """The layers that are replaced, in order."""
        return tuple(node for node in (self.first, self.through, self.second) if node is not None)

    @property
    def new(self) -> tuple[Node, ...]:
        """The layers that replace them, in order; the last has the name that is read further on."""
        first, second = self.first, self.second
        if self.through is None:
            return (_made(self.layer, second.name, first, second.output_shape),)
        if self.rule == "norm behind":
            made = _made(self.layer, first.name, first, first.output_shape)
            return made, replace(self.through, name=second.name)
        moved = replace(self.through, inputs=first.inputs)
        return moved, replace(_made(self.layer, second.name, second, second.output_shape), inputs=(moved.name,))

    @property
    def made(self) -> Node:
        """The one new layer with weights."""
        return next(node for node in self.new if node.layer is self.layer)


def _made(layer: Layer, name: str, reads: Node, shape: tuple[int, ...]) -> Node:
    return Node(name, layer, reads.inputs, reads.input_shape, shape, layer.parameters(name, reads.input_shape))


def plan(chain: Chain, first: Node, second: Node, through: Node | None = None) -> Plan | None:
    """How two layers become one, if they do: neighbours, or with `through` alone between them."""
    match first.layer, None if through is None else through.layer, second.layer:
        case Dense(), None, Dense():
            return _stacked(chain, first, second)
        case ((Dense() | Convolution() | TransposedConvolution()), None, BatchNorm()):
            return _norm_behind(chain, first, second)
        case ((Convolution() | TransposedConvolution()), (AveragePooling() | GlobalAvgPool()), BatchNorm()):
            return _norm_behind(chain, first, second, through) if through and averages_alone(through) else None
        case ((BatchNorm() | Normalise()), None, (Dense() | Convolution())):
            return _norm_before(chain, first, second) if refusal(first, second) is None else None
        case ((BatchNorm() | Normalise()), Flatten(), Dense()) if through and len(second.input_shape) == 1:
            return _norm_before(chain, first, second, through)
        case _:
            return None


def averages_alone(node: Node) -> bool:
    """Whether a layer averages each map by itself over whole windows: then a number for each map goes through it."""
    match node.layer:
        case AveragePooling():
            whole = not node.stated(None).padded and not node.layer.ceil
            return whole and len(node.input_shape) == node.layer.axes + 1
        case GlobalAvgPool():
            return len(node.input_shape) > 1
        case _:
            return False


def is_identity(node: Node) -> bool:
    """Whether a layer hands on what it gets after training: dropout and noise do, and flatten of a vector."""
    shapeless = isinstance(node.layer, Flatten | Reshape) and node.input_shape == node.output_shape
    return shapeless or isinstance(node.layer, Linear | Dropout | GaussianNoise)


def is_random(node: Node) -> bool:
    """Whether a layer hands on what it gets after training only."""
    return isinstance(node.layer, Dropout | GaussianNoise)


def is_norm(node: Node) -> bool:
    """Whether a layer is one that ought to be folded."""
    return isinstance(node.layer, BatchNorm | Normalise)


def refusal_behind(first: Node) -> str:
    """Why a norm does not fold into the layer before it."""
    if isinstance(first.layer, TransposedConvolution) and first.layer.groups > 1:
        return f"{first.name} before it is a transposed convolution in groups"
    if isinstance(first.layer, AveragePooling) and not averages_alone(first):
        return f"{first.name} before it averages over padding or over windows that are cut off"
    return f"{first.name} before it has other readers or no weights"


def refusal(first: Node, second: Node) -> str | None:
    """Why a norm does not fold into the layer behind it; None where it does."""
    if not isinstance(second.layer, Dense | Convolution):
        return f"{second.name} behind it is neither dense nor a convolution"
    if isinstance(second.layer, Convolution):
        lines = second.stated(None)
        if second.inputs[0] in lines.padded:
            return f"{second.name} pads with zeros, which the norm in front would have shifted too"
        if second.layer.connections is not None:
            return f"{second.name} has a table of connections"
        if len(second.input_shape) == second.layer.axes:
            return f"{second.name} takes a vector as one channel"
    if isinstance(second.layer, Dense) and len(second.input_shape) != 1:
        return f"{second.name} works on every step, and the norm counts the steps"
    return None


def _stacked(chain: Chain, first: Node, second: Node) -> Plan:
    inner, outer = _arrays(first), _arrays(second)
    weights, biases = chain.fresh(f"W_{second.name}_folded"), chain.fresh(f"b_{second.name}_folded")
    definitions = [f"{weights}[j,k] = sum(m, {outer[0]}[j,m]*{inner[0]}[m,k])"]
    parts = [f"sum(m, {outer[0]}[j,m]*{inner[1]}[m])"] if len(inner) > 1 else []
    parts += [f"{outer[1]}[j]"] if len(outer) > 1 else []
    if parts:
        definitions.append(f"{biases}[j] = {' + '.join(parts)}")
    layer = _layer(second.layer, weights, biases if parts else None)
    reason = "a matrix times a matrix times a vector: the products associate, and the bias goes through the second"
    return Plan("stack", reason, first, second, layer, tuple(definitions))


def _norm_behind(chain: Chain, first: Node, second: Node, through: Node | None = None) -> Plan | None:
    assert isinstance(second.layer, BatchNorm) and isinstance(first.layer, WeightedLayer)
    if isinstance(first.layer, Dense) and len(first.output_shape) != 1:
        return None
    spatial = isinstance(first.layer, Convolution | TransposedConvolution)
    if spatial and len(first.output_shape) == len(first.parameters[0].shape) - 2:
        return None  # a vector is one channel, and the norm counts its places
    arrays, norm = _arrays(first), second.name
    weights, biases = chain.fresh(f"W_{norm}_folded"), chain.fresh(f"b_{norm}_folded")
    if isinstance(first.layer, TransposedConvolution) and first.layer.groups > 1:
        return None  # true as well, but the proof does not go through
    order = "kj" if isinstance(first.layer, TransposedConvolution) else "jk"  # [channels, filters] or the other way
    axes = ",".join([*order, *"abc"][: len(first.parameters[0].shape)])
    scale = f"gamma_{norm}[j]/sqrt(var_{norm}[j] + {second.layer.epsilon})"
    centred = f"({arrays[1]}[j] - mean_{norm}[j])" if len(arrays) > 1 else f"(0 - mean_{norm}[j])"
    definitions = (
        f"{weights}[{axes}] = {scale}*{arrays[0]}[{axes}]",
        f"{biases}[j] = {scale}*{centred} + beta_{norm}[j]",
    )
    reason = "the norm multiplies every output by one number and adds another, which the weights and the bias can do"
    if through is not None:
        reason += f"; the mean that {through.name} takes of each map is multiplied by the number and shifted just so"
    return Plan("norm behind", reason, first, second, _layer(first.layer, weights, biases), definitions, through)


def _norm_before(chain: Chain, first: Node, second: Node, through: Node | None = None) -> Plan:
    layer = second.layer
    assert isinstance(layer, WeightedLayer)
    arrays = _arrays(second)
    weights, biases = chain.fresh(f"W_{second.name}_folded"), chain.fresh(f"b_{second.name}_folded")
    rank = len(second.parameters[0].shape)
    taps = "abc"[: rank - 2]
    own = ",".join(["j", "k", *taps])
    channel = "k"
    groups = layer.groups if isinstance(layer, Convolution) else 1
    if groups > 1:
        shape = second.parameters[0].shape
        channel = f"k + {shape[1]}*div(j-1,{shape[0] // groups})"
    if through is not None:
        channel = f"div(k-1,{prod(first.input_shape[1:])}) + 1"  # a map in the row that flatten makes
    scale, shift, tables = _scale_and_shift(first, channel)
    sums = f"{arrays[0]}[{own}]*({shift})"
    for index in ("k", *taps)[::-1]:
        sums = f"sum({index}, {sums})"
    bias = f"{arrays[1]}[j] + {sums}" if len(arrays) > 1 else sums
    definitions = (*tables, f"{weights}[{own}] = {arrays[0]}[{own}]*({scale})", f"{biases}[j] = {bias}")
    reason = "every input is multiplied by one number and shifted by another before the weights see it"
    if through is not None:
        reason += f"; {through.name} only writes them in a row"
    return Plan("norm before", reason, first, second, _layer(layer, weights, biases), definitions, through)


def _scale_and_shift(norm: Node, k: str) -> tuple[str, str, tuple[str, ...]]:
    """What a norm multiplies channel k by and what it adds, and tables of fixed numbers that these read."""
    name, layer = norm.name, norm.layer
    if isinstance(layer, BatchNorm):
        scale = f"gamma_{name}[{k}]/sqrt(var_{name}[{k}] + {layer.epsilon})"
        return scale, f"beta_{name}[{k}] - {scale}*mean_{name}[{k}]", ()
    assert isinstance(layer, Normalise)
    if isinstance(layer.mean, Fraction) and isinstance(layer.std, Fraction):
        return f"{1 / layer.std}", f"{-layer.mean / layer.std}", ()
    put, tables = [], []
    for word, given in (("mean", layer.mean), ("std", layer.std)):
        if isinstance(given, Fraction):
            put.append(f"({given})")
        else:
            tables.append(f"{word}_{name} = [{', '.join(map(str, given))}]")
            put.append(f"{word}_{name}[{k}]")
    return f"1/{put[1]}", f"0 - {put[0]}/{put[1]}", tuple(tables)


def _layer(layer: Layer, weights: str, biases: str | None) -> Layer:
    return changed(layer, name=None, inputs=None, weights=weights, biases=biases, bias=biases is not None)


def _arrays(node: Node) -> tuple[str, ...]:
    """The names of the weights and, where there is one, the bias."""
    return tuple(parameter.name for parameter in node.parameters)
