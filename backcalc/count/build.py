"""From a network to its table: a walk over the layers, in the order of the file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from backcalc.count.conventions import MEASURED, Convention, convention, functions, left_out
from backcalc.count.receptive import Reception, align, at_input, is_steps, merged
from backcalc.count.table import Formula, Formulas, Row, Table, Totals
from backcalc.formula.size import Size, assumed_of, shown
from backcalc.layers.base import POINT, WHOLE, Cost, Parameter, product, times
from backcalc.layers.fields import Entries
from backcalc.net import InputError, Network, Node, Problem

MOST_TERMS = 24


@dataclass(frozen=True, slots=True)
class _Options:
    convention: Convention
    bias: bool
    padding_connections: bool
    pooling_connections: bool
    batch: int
    masked: bool
    functions: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Owned:
    """What of a layer's arrays is no parameter of its own: counted before it (shared), or a fixed number."""

    shared_weights: int = 0
    shared_biases: int = 0
    fixed: int = 0
    frozen: int = 0
    statistics: int = 0


@dataclass(slots=True)
class _Names:
    """The names of weights that were counted already; a name given twice is one parameter."""

    seen: set[str] = field(default_factory=set)

    def owned(self, parameters: tuple[Parameter, ...], *, bias: bool) -> _Owned:
        shared = {"weight": 0, "bias": 0}
        fixed = frozen = statistics = 0
        for parameter in parameters:
            if parameter.role == "bias" and not bias:
                continue
            if parameter.role == "statistic":
                statistics += parameter.count
            elif not parameter.trainable:
                frozen += parameter.count
            elif parameter.entries is None:
                shared[parameter.role] += 0 if self._is_new(parameter.name) else parameter.count
            else:
                for entry in _flat(parameter.entries):
                    if not isinstance(entry, str):
                        fixed += 1
                    elif not self._is_new(entry):
                        shared[parameter.role] += 1
        return _Owned(shared["weight"], shared["bias"], fixed, frozen, statistics)

    def _is_new(self, name: str) -> bool:
        known = name in self.seen
        self.seen.add(name)
        return not known


def _flat(entries: Entries) -> Iterator[Entries]:
    if not isinstance(entries, tuple):
        yield entries
        return
    for entry in entries:
        yield from _flat(entry)


def count(
    network: Network,
    flops: str = "exact",
    bias: bool = True,
    padding_connections: bool = True,
    pooling_connections: bool = False,
    batch: int = 1,
    causal: Literal["full", "exact"] = "full",
) -> Table:
    """Counts a network: shapes, parameters, connections, MACs, FLOPs, activations, memory, receptive field.

    `flops` names the convention; `bias=False` leaves biases out of everything; `padding_connections=False` leaves
    taps on padding out of the connections; `pooling_connections` counts the window inputs of max and average
    pooling; `batch` is how many samples run at once; with `causal="exact"` the multiply-accumulates that a mask of
    attention makes needless are left out.

    Raises InputError for a network of equations, which has no layers, and ValueError for an unknown convention.
    """
    found = convention(flops)
    options = _Options(
        *(found, bias, padding_connections, pooling_connections, batch, causal == "exact"), functions(network, found)
    )
    if not network.nodes:
        message = "a file of equations has no layers to count"
        hint = "write the network as `layers:` (see `backcalc schema`)"
        raise InputError([Problem(network.file or network.name, 0, 0, 0, "", message, hint)])
    receptions = {name: at_input(shape, steps=is_steps(network, name)) for name, shape in network.inputs.items()}
    names, rows, needed = _Names(), [], network.needed()
    for node in network.nodes:
        row, receptions[node.name] = _row(node, options, receptions, names, computed=node.name in needed)
        rows.append(row)
    return Table(
        net=network.name,
        convention=found,
        bias=bias,
        padding_connections=padding_connections,
        pooling_connections=pooling_connections,
        batch=batch,
        causal=causal,
        inputs=dict(network.inputs),
        rows=tuple(rows),
        totals=_totals(rows),
        assumed=_assumed(network),
        left_out=left_out(network, found),
        file=network.file,
        remarks=network.remarks,
    )


def _assumed(network: Network) -> tuple[str, ...]:
    """What sizes with letters are taken to be: divisible, or small enough for a layer."""
    shapes = [shape for node in network.nodes for shape in (node.output_shape, *(p.shape for p in node.parameters))]
    divisible = assumed_of(*(size for shape in shapes for size in shape))
    return tuple(sorted(divisible.union(*(node.layer.assumes(node.input_shape) for node in network.nodes))))


def priced(node: Node, *, bias: bool, padding_connections: bool, masked: bool) -> Cost:
    """What a layer in its place costs; `masked` leaves out the multiply-accumulates that a mask makes needless."""
    cost = node.layer.cost(node.input_shape, bias=bias, padding_connections=padding_connections)
    if masked and cost.masked_macs != "0":
        return replace(cost, macs=f"{cost.macs} - {cost.masked_macs}")
    return cost


def _row(
    node: Node, options: _Options, receptions: Mapping[str, Reception], names: _Names, *, computed: bool
) -> tuple[Row, Reception]:
    layer, shape = node.layer, node.input_shape
    cost = priced(node, bias=options.bias, padding_connections=options.padding_connections, masked=options.masked)
    if not computed:
        cost = Cost(weights=cost.weights, biases=cost.biases, params=cost.params, idle=cost.idle)
    branches = tuple(receptions[name] for name in node.inputs)
    if layer.several:
        window = layer.receptive(shape)
        reception = merged(branches if window == POINT else tuple(branch.after(window) for branch in branches))
    else:
        reception = branches[0].through(layer, shape, node.output_shape)
        if branches[1:]:
            reception = merged((reception, *(branch.after(WHOLE) for branch in branches[1:])))
    owned = names.owned(node.parameters, bias=cost.biases != "0")
    row = Row(
        name=node.name,
        kind=layer.kind,
        input_shape=shape,
        output_shape=node.output_shape,
        receptive_field=reception.cells,
        jump=reception.jump,
        padding=reception.padding,
        formulas=_formulas(node, cost, reception, owned, options, computed=computed),
        non_trainable=(owned.fixed + owned.frozen + owned.statistics) * node.copies,
        idle=Formula(cost.idle).times(node.copies).value,
        operations=tuple(
            (kind, Formula(text)) for kind, text in options.convention.priced(cost, node, options.functions)
        ),
        units=Formula(cost.units),
        prices=options.convention.of(layer, options.functions),
        general=layer.in_words(shape, bias=options.bias, padding_connections=options.padding_connections),
        notes=(
            *_copies(node),
            *layer.notes(shape),
            *_notes(owned, branches),
            *_left_out(node, options, computed=computed),
        ),
        counted=layer.counted(shape),
    )
    return row, reception


def _formulas(
    node: Node, cost: Cost, reception: Reception, owned: _Owned, options: _Options, *, computed: bool
) -> Formulas:
    seen = cost.connections
    if options.pooling_connections and seen == "0":
        seen = cost.window_inputs
    copies, computations = node.copies, node.copies * options.batch
    return Formulas(
        output_shape=node.layer.shape_formula(node.input_shape),
        receptive_field=reception.formula,
        weights=Formula(cost.weights).less(owned.shared_weights).times(copies),
        biases=Formula(cost.biases).less(owned.shared_biases).times(copies),
        params=Formula(cost.params).less(owned.shared_weights + owned.shared_biases).less(owned.fixed).times(copies),
        connections=Formula(seen).times(computations),
        macs=Formula(cost.macs).times(computations),
        flops=Formula(options.convention.formula(cost, node, options.functions) if computed else "0").times(
            computations
        ),
        activations=Formula(times(*node.output_shape) if computed else "0").times(computations),
    )


def _copies(node: Node) -> Iterator[str]:
    if isinstance(node.copies, Size):
        yield f"it stands {node.copies} times, one behind the other: the field is that of the first"


def _left_out(node: Node, options: _Options, *, computed: bool) -> Iterator[str]:
    kind, convention = node.layer.kind, options.convention
    if not computed:
        yield "the output does not need this layer: its parameters count, but it is not computed"
    elif missing := convention.unseen(node.layer, "it", options.functions):
        yield missing
    elif convention.release and kind not in MEASURED:
        yield f"{convention.release} was not measured on `{kind}`: its own number may be another"


def _notes(owned: _Owned, branches: tuple[Reception, ...]) -> Iterator[str]:
    shared = owned.shared_weights + owned.shared_biases
    if shared:
        yield f"{shared} shared: counted where the name stands first"
    if owned.fixed:
        yield f"{owned.fixed} fixed by a number in the file: no parameters"
    if owned.frozen:
        yield f"{owned.frozen} weights are fixed: training does not change them"
    if owned.statistics:
        yield f"{owned.statistics} running statistics: no gradient changes them"
    if not align(branches):
        yield "the branches do not align; the receptive field is the largest of theirs"


def _totals(rows: list[Row]) -> Totals:
    params = _sum(row.params for row in rows)
    activations = _sum(row.activations for row in rows)
    return Totals(
        weights=_sum(row.weights for row in rows),
        biases=_sum(row.biases for row in rows),
        trainable=params,
        non_trainable=sum(row.non_trainable for row in rows),
        active=params.value - sum(row.idle for row in rows),
        connections=_sum(row.connections for row in rows),
        macs=_sum(row.macs for row in rows),
        flops=_sum(row.flops for row in rows),
        activations=activations,
        memory=Formula(f"4*({shown(params.value)} + {shown(activations.value)})"),
    )


def _sum(numbers: Iterator[int]) -> Formula:
    """The sum of the numbers that are not 0, written out where there are not too many to read, equal ones together."""
    terms = [number for number in numbers if number]
    if any(isinstance(term, Size) for term in terms):
        return Formula(str(shown(sum(terms))))
    written = [str(term) for term in terms or [0]]
    if len(written) > MOST_TERMS:
        written = [product(times, term) for term, times in Counter(written).items()]
    return Formula(" + ".join(written) if len(written) <= MOST_TERMS else str(sum(terms)))
