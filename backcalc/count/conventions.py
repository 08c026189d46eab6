"""What counts as a FLOP: a convention is a table of prices by kind of operation, nothing else.

Those named after a tool give what its release counts, oddities included, for the kinds of layers in its table.

>>> convention("torchvision").name
'mac'
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from backcalc.count.quantities import QUANTITIES
from backcalc.formula.errors import nearest
from backcalc.layers.base import Cost
from backcalc.net import Node

Prices = Mapping[str, int]

NOTHING: Prices = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Convention:
    """A named way to count and what it means.

    `prices` are those of operations and of `QUANTITIES` (0 where one is not listed); `kinds` are the prices for layers
    of some kinds instead. `release` is the tool that is reproduced; of the networks in `unseen` it misses layers of
    those kinds, because of how the program that it was run on computes them: with functions where it watches modules,
    with one fused operation where it watches products; of those in `otherwise` it prints another total, for the reason
    given.
    """

    name: str
    meaning: str
    prices: Prices
    kinds: Mapping[str, Prices] = field(default_factory=dict)
    release: str = ""
    unseen: Mapping[str, frozenset[str]] = field(default_factory=dict)
    otherwise: Mapping[str, str] = field(default_factory=dict)

    def of(self, kind: str, network: str = "") -> Prices:
        """The prices for layers of a kind, in a built-in network of that name."""
        if kind in self.unseen.get(network, ()):
            return NOTHING
        return self.kinds.get(kind, self.prices)

    def notes(self, network: str) -> Iterator[str]:
        """What should be said of this convention and a built-in network of that name."""
        if network in self.unseen:
            kinds = " and ".join(f"`{kind}`" for kind in sorted(self.unseen[network]))
            yield f"{self.release} does not see {kinds} of {network}, by how torchvision computes it"
        if network in self.otherwise:
            yield f"for {network} {self.release} prints another total: {self.otherwise[network]}"

    def formula(self, cost: Cost, node: Node | None = None, network: str = "") -> str:
        """What a layer costs under this convention, as a formula with its numbers.

        >>> EXACT.formula(Cost(operations={"multiply": "400", "add": "399", "bias": "1"}, units="120"))
        '(400 + 399 + 1)*120'
        >>> from backcalc.net import load_network
        >>> node = load_network("input: {x: [3, 8, 8]}\\nlayers: [batchnorm]").nodes[0]
        >>> convention("fvcore").formula(Cost(), node)
        '2*3*8*8'
        """
        prices = self.prices if node is None else self.of(node.layer.kind, network)
        each = [
            _priced(prices[kind], count) for kind, count in cost.operations.items() if _is_priced(kind, count, prices)
        ]
        terms = [per_unit(" + ".join(each), cost.units)] if each else []
        if node is not None:
            terms += [_priced(prices[name], amount) for name, amount in quantities(prices, node, cost).items()]
        return " + ".join(terms).replace("+ -", "- ") or "0"

    def priced(self, cost: Cost, node: Node, network: str = "") -> tuple[tuple[str, str], ...]:
        """The operations of one unit that have a price, with their numbers."""
        prices = self.of(node.layer.kind, network)
        return tuple((kind, count) for kind, count in cost.operations.items() if _is_priced(kind, count, prices))


def quantities(prices: Prices, node: Node, cost: Cost) -> dict[str, str]:
    """The quantities of a layer that have a price and are not 0, as formulas."""
    amounts = {name: QUANTITIES[name].of(node, cost) for name in prices if name in QUANTITIES}
    return {name: amount for name, amount in amounts.items() if amount != "0"}


def _is_priced(kind: str, count: str, prices: Prices) -> bool:
    return count != "0" and kind in prices


def _priced(price: int, count: str) -> str:
    if abs(price) == 1:
        return count if price == 1 else f"-{count}"
    return f"{price}*({count})" if " " in count else f"{price}*{count}"


def per_unit(each: str, units: str) -> str:
    """So many operations for each of so many units."""
    if "1" in (each, units):
        return units if each == "1" else each
    return f"({each})*{units}" if " " in each else f"{each}*{units}"


def _prices(**prices: int) -> Prices:
    return MappingProxyType(prices)


def _kinds(table: Mapping[str, Prices]) -> Mapping[str, Prices]:
    """A table that lists kinds together, as one that lists each by itself.

    >>> sorted(_kinds({"relu silu": _prices(inputs=1)}))
    ['relu', 'silu']
    """
    return MappingProxyType({kind: prices for kinds, prices in table.items() for kind in kinds.split()})


_OPERATIONS = ("multiply", "add", "bias", "compare", "divide", "negate", "exp", "log", "sqrt", "erf", "sin", "cos")

EXACT = Convention(
    "exact",
    "every operation is one: n inputs of a neuron take n multiplications and n - 1 additions, a bias one more; "
    "pooling, activations and softmax by their own formulas",
    _prices(**dict.fromkeys(_OPERATIONS, 1)),
)
TWO_MAC = Convention(
    "2mac", "a multiply-accumulate is two: n inputs of a neuron are 2n, nothing else counts", _prices(macs=2)
)
ONE_MAC = Convention(
    "mac",
    "a multiply-accumulate is one: n inputs of a neuron are n, nothing else counts (what torchvision publishes)",
    _prices(macs=1),
)

_TRANSPOSED = "conv_transpose1d conv_transpose2d"
_CONVOLUTIONS = "conv1d conv2d conv3d"
_FUSED = MappingProxyType({"vit_b_16": frozenset({"attention"}), "vit_b_32": frozenset({"attention"})})

_DENSE_THERE = MappingProxyType({"convnext_tiny": "torchvision has dense layers for its 1x1 convolutions"})

TORCHINFO = Convention(
    "torchinfo",
    "as torchinfo's mult-adds: weights and biases of a convolution at every output place, all other parameters once; "
    "so a norm has no positions, a dense layer no steps, and a transposed convolution counts output places; attention "
    "and learned positions are none",
    _prices(params=1),
    _kinds(
        {
            _CONVOLUTIONS: _prices(macs=1, biased=1),
            _TRANSPOSED: MappingProxyType({"every place": 1, "biased": 1}),
            "attention positional class_token": NOTHING,
        }
    ),
    "torchinfo 1.8.0",
    otherwise=_DENSE_THERE,
)
FVCORE = Convention(
    "fvcore",
    "as fvcore's flops: a multiply-accumulate is one, biases, activations and pooling windows are none; batch norm is "
    "2 an input, group and layer norm 5, adaptive pooling 1 an input, upsampling 1 an output",
    _prices(macs=1),
    _kinds(
        {
            "batchnorm": _prices(inputs=2),
            "groupnorm layernorm": _prices(inputs=5),
            "adaptive_avgpool2d": _prices(inputs=1),
            "upsample2d": _prices(outputs=1),
        }
    ),
    "fvcore 0.1.5.post20221221",
    _FUSED,
)
PTFLOPS = Convention(
    "ptflops",
    "as ptflops counts tensor operations (its default): a multiply-accumulate is one, so is a bias of an output; "
    "norms, activations and pooling are none",
    _prices(macs=1, biased=1),
    _kinds({"attention": _prices(macs=1, bias=1)}),
    "ptflops 0.7.5",
    _FUSED,
)
THOP = Convention(
    "thop",
    "as thop's MACs: a multiply-accumulate is one, biases, activations and max pooling are none; batch and layer norm "
    "are 4 an input, average pooling 1 an output, softmax 3n - 1 a row; a transposed convolution counts output places; "
    "attention is none",
    _prices(macs=1),
    _kinds(
        {
            _TRANSPOSED: MappingProxyType({"every place": 1}),
            "batchnorm layernorm": _prices(inputs=4),
            "avgpool1d avgpool2d upsample2d": _prices(outputs=1),
            "adaptive_avgpool2d": _prices(inputs=1, outputs=1),
            "softmax": _prices(outputs=3, rows=-1),
            "attention": NOTHING,
        }
    ),
    "thop 0.1.1.post2209072238",
    MappingProxyType(
        {
            "mobilenet_v2": frozenset({"adaptive_avgpool2d"}),
            "densenet121": frozenset({"adaptive_avgpool2d"}),
            "densenet169": frozenset({"adaptive_avgpool2d"}),
            "densenet201": frozenset({"adaptive_avgpool2d"}),
            "inception_v3": frozenset({"avgpool2d"}),
        }
    ),
    MappingProxyType({"convnext_tiny": "it passes over the norms of maps, which are a class of torchvision's own"}),
)
DEEPSPEED = Convention(
    "deepspeed",
    "as DeepSpeed's flops: a multiply-accumulate is two, a bias of a convolution one an output, of a dense layer none; "
    "batch norm is 2 an input, group and layer norm 5, pooling, softmax and some activations 1 an input, others none",
    _prices(macs=2, biased=1),
    _kinds(
        {
            "dense": _prices(macs=2),
            "attention": _prices(macs=2, exp=1),
            "batchnorm": _prices(inputs=2),
            "groupnorm layernorm": _prices(inputs=5),
            "maxpool1d maxpool2d avgpool1d avgpool2d adaptive_avgpool2d": _prices(inputs=1),
            "relu leaky_relu elu gelu silu softmax": _prices(inputs=1),
            "upsample2d": _prices(outputs=1),
        }
    ),
    "DeepSpeed 0.19.8",
    _FUSED,
    otherwise=_DENSE_THERE,
)
TORCH = Convention(
    "torch",
    "as torch.utils.flop_counter: a multiply-accumulate is two, nothing else counts; on a CPU it misses the products "
    "of fused attention",
    _prices(macs=2),
    release="PyTorch 2.14.1",
    unseen=_FUSED,
)

MEASURED = frozenset(
    (
        *("dense", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d"),
        *("batchnorm", "groupnorm", "layernorm", "rmsnorm", "layer_scale", "stochastic_depth", "dropout"),
        *(
            "relu",
            "relu6",
            "leaky_relu",
            "elu",
            "gelu",
            "silu",
            "sigmoid",
            "tanh",
            "hard_sigmoid",
            "hard_swish",
            "softplus",
            "softmax",
            "log_softmax",
            "linear",
        ),
        *("maxpool1d", "maxpool2d", "avgpool1d", "avgpool2d", "adaptive_avgpool2d", "global_avgpool", "upsample2d"),
        *(
            "flatten",
            "reshape",
            "transpose",
            "slice",
            "channel_shuffle",
            "attention",
            "positional",
            "class_token",
            "add",
            "multiply",
            "concat",
        ),
    )
)
"""The kinds of layers of which it is known what the tools count."""

_ALL = (EXACT, TWO_MAC, ONE_MAC, TORCHINFO, FVCORE, PTFLOPS, THOP, DEEPSPEED, TORCH)

CONVENTIONS: Mapping[str, Convention] = MappingProxyType({each.name: each for each in _ALL} | {"torchvision": ONE_MAC})


def convention(name: str) -> Convention:
    """The convention of that name. Raises ValueError with the nearest name where there is none."""
    found = CONVENTIONS.get(name)
    if found is None:
        close = nearest(name, CONVENTIONS)
        hint = f"did you mean `{close}`?" if close else f"known are {', '.join(CONVENTIONS)}"
        raise ValueError(f"unknown FLOP convention `{name}`; {hint}")
    return found
