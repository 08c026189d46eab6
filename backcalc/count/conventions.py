"""What counts as a FLOP: a convention is a table of prices by kind of operation, nothing else.

Those named after a tool give what its release counts, oddities included, for the kinds of layers in its table.

>>> convention("torchvision").name
'mac'
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from backcalc.count.quantities import QUANTITIES
from backcalc.formula.errors import nearest
from backcalc.layers.base import Cost, Layer
from backcalc.net import Network, Node

Prices = Mapping[str, int]

NOTHING: Prices = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Convention:
    """A named way to count and what it means.

    `prices` are those of operations and of `QUANTITIES` (0 where one is not listed); `kinds` are the prices for layers
    of some kinds instead, `attention.causal` for those of a kind that are given that argument. `release` is the tool
    that is reproduced; one that watches `modules` does not see what a program computes by a function.
    """

    name: str
    meaning: str
    prices: Prices
    kinds: Mapping[str, Prices] = field(default_factory=dict)
    release: str = ""
    modules: bool = False

    def of(self, layer: Layer, functions: Collection[str] = ()) -> Prices:
        """The prices for a layer; `functions` are the kinds that the network's program computes by functions.

        >>> from backcalc.layers import KINDS
        >>> convention("thop").of(KINDS["layernorm"]()), convention("thop").of(KINDS["layernorm"](axis=1))
        (mappingproxy({'inputs': 4}), mappingproxy({}))
        """
        if self.modules and layer.kind in functions:
            return NOTHING
        return next((self.kinds[name] for name in names(layer) if name in self.kinds), self.prices)

    def unseen(self, layer: Layer, what: str, functions: Collection[str] = ()) -> str | None:
        """What of a layer, which is called `what`, the tool does not see, and why; None where there is nothing."""
        if self.modules and layer.kind in functions:
            return (
                f"{self.release} does not see {what}: it watches modules, and torchvision computes this by a function"
            )
        found = next((name for name in names(layer) if name in self.kinds), "")
        if "every step" in self.kinds.get(found, ()):
            return f"{self.release} sees the projections of {what} alone: the rest is one fused operation"
        if found in _UNSEEN and self.kinds[found] is NOTHING:
            return f"{self.release} does not see {what}: {_UNSEEN[found]}"
        return None

    def formula(self, cost: Cost, node: Node | None = None, functions: Collection[str] = ()) -> str:
        """What a layer costs under this convention, as a formula with its numbers.

        >>> EXACT.formula(Cost(operations={"multiply": "400", "add": "399", "bias": "1"}, units="120"))
        '(400 + 399 + 1)*120'
        >>> from backcalc.net import load_network
        >>> node = load_network("input: {x: [3, 8, 8]}\\nlayers: [batchnorm]").nodes[0]
        >>> convention("fvcore").formula(Cost(), node)
        '2*3*8*8'
        """
        prices = self.prices if node is None else self.of(node.layer, functions)
        each = [
            _priced(prices[kind], count) for kind, count in cost.operations.items() if _is_priced(kind, count, prices)
        ]
        terms = [per_unit(" + ".join(each), cost.units)] if each else []
        if node is not None:
            terms += [_priced(prices[name], amount) for name, amount in quantities(prices, node, cost).items()]
        return " + ".join(terms).replace("+ -", "- ") or "0"

    def priced(self, cost: Cost, node: Node, functions: Collection[str] = ()) -> tuple[tuple[str, str], ...]:
        """The operations of one unit that have a price, with their numbers."""
        prices = self.of(node.layer, functions)
        return tuple((kind, count) for kind, count in cost.operations.items() if _is_priced(kind, count, prices))


def names(layer: Layer) -> Iterator[str]:
    """What a table may call a layer, the most special first: its kind with an argument that it is given, its kind.

    >>> from backcalc.layers import KINDS
    >>> list(names(KINDS["attention"](heads=2, causal=True)))
    ['attention.heads', 'attention.causal', 'attention']
    """
    given = (name for name in type(layer).model_fields if name in layer.model_fields_set)
    yield from (f"{layer.kind}.{name}" for name in given if getattr(layer, name) not in (None, False))
    yield layer.kind


def quantities(prices: Prices, node: Node, cost: Cost) -> dict[str, str]:
    """The quantities of a layer that have a price and are not 0, as formulas."""
    amounts = {name: QUANTITIES[name].of(node, cost) for name in prices if name in QUANTITIES}
    return {name: amount for name, amount in amounts.items() if amount != "0"}


def functions(network: Network, convention: Convention) -> frozenset[str]:
    """The kinds of layers that the network's program computes by functions, where that matters."""
    if not convention.modules or network.file is not None:
        return frozenset()
    from backcalc.net.zoo import functions

    return functions(network.name)


def left_out(network: Network, convention: Convention) -> tuple[str, ...]:
    """What a tool does not see of a network, a sentence for each kind of layer."""
    if not convention.kinds:
        return ()
    by_function, needed = functions(network, convention), network.needed()
    layers = (node.layer for node in network.nodes if node.name in needed)
    notes = (convention.unseen(layer, f"`{layer.kind}` here", by_function) for layer in layers)
    return tuple(dict.fromkeys(filter(None, notes)))


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
_SEEN_IN_PARTS = (  # attention that PyTorch has no fused module for: projections, and between them one operation
    "attention.causal attention.rotary attention.kv_heads attention.head_size attention.window attention.memory"
)
_UNSEEN = MappingProxyType(
    {
        "attention": "PyTorch computes a module of attention without a mask by one fused operation",
        "layernorm.axis": "PyTorch has no module for a norm over another axis than the last",
    }
)

TORCHINFO = Convention(
    "torchinfo",
    "as torchinfo's mult-adds: weights and biases of a convolution at every output place, all other parameters once; "
    "so a norm has no positions, a dense layer no steps, and a transposed convolution counts output places; attention "
    "and arrays outside of layers, as learned positions, are none",
    _prices(params=1),
    _kinds(
        {
            _CONVOLUTIONS: _prices(macs=1, biased=1),
            _TRANSPOSED: MappingProxyType({"every place": 1, "biased": 1}),
            "attention positional class_token layer_scale": NOTHING,
        }
    ),
    "torchinfo 1.8.0",
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
            "attention": NOTHING,
            "attention.relative_bias": _prices(macs=1),
            _SEEN_IN_PARTS: MappingProxyType({"every step": 1}),
        }
    ),
    "fvcore 0.1.5.post20221221",
)
PTFLOPS = Convention(
    "ptflops",
    "as ptflops counts tensor operations (its default): a multiply-accumulate is one, so is a bias of an output; "
    "norms, activations and pooling are none",
    _prices(macs=1, biased=1),
    _kinds(
        {
            "attention": NOTHING,
            "attention.relative_bias": _prices(macs=1, bias=1),
            _SEEN_IN_PARTS: MappingProxyType({"every step": 1, "bias": 1}),
        }
    ),
    "ptflops 0.7.5",
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
            "attention layernorm.axis": NOTHING,
        }
    ),
    "thop 0.1.1.post2209072238",
    modules=True,
)
DEEPSPEED = Convention(
    "deepspeed",
    "as DeepSpeed's flops: a multiply-accumulate is two, a bias of a convolution one an output, of a dense layer none; "
    "batch norm is 2 an input, group and layer norm 5, pooling, softmax and some activations 1 an input, others none",
    _prices(macs=2, biased=1),
    _kinds(
        {
            "dense": _prices(macs=2),
            "attention": NOTHING,
            "attention.relative_bias": _prices(macs=2, exp=1),
            _SEEN_IN_PARTS: _prices(macs=2),
            "batchnorm": _prices(inputs=2),
            "groupnorm layernorm": _prices(inputs=5),
            "maxpool1d maxpool2d avgpool1d avgpool2d adaptive_avgpool2d": _prices(inputs=1),
            "relu leaky_relu elu gelu silu softmax": _prices(inputs=1),
            "upsample2d": _prices(outputs=1),
        }
    ),
    "DeepSpeed 0.19.8",
)
TORCH = Convention(
    "torch",
    "as torch.utils.flop_counter: a multiply-accumulate is two, nothing else counts; on a CPU it misses the products "
    "of fused attention",
    _prices(macs=2),
    _kinds(
        {
            "attention": NOTHING,
            "attention.relative_bias": _prices(macs=2),
            _SEEN_IN_PARTS: MappingProxyType({"every step": 2}),
        }
    ),
    "PyTorch 2.14.1",
)

_KNOWN = (
    "dense conv1d conv2d conv3d conv_transpose1d conv_transpose2d batchnorm groupnorm layernorm rmsnorm layer_scale "
    "stochastic_depth dropout relu relu6 leaky_relu elu gelu silu sigmoid tanh hard_sigmoid hard_swish softplus "
    "softmax log_softmax linear maxpool1d maxpool2d avgpool1d avgpool2d adaptive_avgpool2d global_avgpool upsample2d "
    "flatten reshape transpose slice channel_shuffle attention positional class_token add multiply concat embedding"
)
MEASURED = frozenset(_KNOWN.split())
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
