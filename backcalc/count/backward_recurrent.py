"""What the backward pass of a recurrent layer costs: gradients back through time (Werbos 1990).

With `z` the sums that a gate is a function of, a step of an LSTM (Hochreiter, Schmidhuber 1997) goes back by

    dc[t] = dh[t]*o[t]*(1 - tanh(c[t])^2) + dc[t+1]*f[t+1]
    dzi[t] = dc[t]*g[t]*i[t]*(1 - i[t]),  dzf[t] = dc[t]*c[t-1]*f[t]*(1 - f[t])
    dzg[t] = dc[t]*i[t]*(1 - g[t]^2),  dzo[t] = dh[t]*tanh(c[t])*o[t]*(1 - o[t])

and every layer by `dh[t,k] = dy[t,k] + sum(j, dz[t+1,j]*U[j,k])` over all gates, `dx[t,k] = sum(j, dz[t,j]*W[j,k])`,
`dW[j,k] = sum(t, dz[t,j]*x[t,k])`, `dU[j,k] = sum(t, dz[t,j]*h[t-1,k])` and `db[j] = sum(t, dz[t,j])`. The first step
hands nothing on to the state before it; the first level of a stack alone has what it reads as its input.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from backcalc.layers.base import product
from backcalc.layers.recurrent_base import Recurrent
from backcalc.net import Node


@dataclass(frozen=True, slots=True)
class _Cell:
    """The operations of one number of the state: in every step, and in handing on to the step before.

    `whole` are the gates whose product with the state is turned round in every step, as that of a state which a reset
    gate has weighed.
    """

    each: Mapping[str, int]
    handed: Mapping[str, int]
    whole: int = 0


_CELLS: Mapping[str, _Cell] = MappingProxyType(
    {
        "rnn": _Cell({"multiply": 2, "add": 1}, {}),
        "lstm": _Cell({"multiply": 15, "add": 5}, {"multiply": 1, "add": 1}),
        "gru": _Cell({"multiply": 9, "add": 5}, {"multiply": 2, "add": 2}, whole=1),
        "gru, reset behind the product": _Cell({"multiply": 10, "add": 5}, {"multiply": 1, "add": 1}),
    }
)


def back_through_time(node: Node, batch: int, *, bias: bool) -> tuple[dict[str, str], dict[str, str]]:
    """The operations of the derivative by the input, and of all others."""
    layer, (steps, features) = node.layer, node.input_shape
    assert isinstance(layer, Recurrent)
    behind = layer.kind == "gru" and layer.vectors == 2
    cell = _CELLS["gru, reset behind the product" if behind else layer.kind]
    ways, units, gates = 2 if layer.bidirectional else 1, layer.units, len(layer.gates)
    first: dict[str, list[str]] = defaultdict(list)
    rest: dict[str, list[str]] = defaultdict(list)
    for level in range(layer.layers):
        width = features if level == 0 else ways * units
        takes = rest if level else first
        macs = product(ways, batch, steps, width, gates, units)
        for kind in ("macs", "multiply"):
            takes[kind].append(macs)
        joined = ways * gates * units - 1
        takes["add"].append(product(batch, steps, width, joined))

        handed, every = product(ways, batch, steps - 1, units), product(ways, batch, steps, units)
        through = product(handed, gates - cell.whole, units), product(every, cell.whole, units)
        weights = product(ways, batch, steps, gates, units, width + units)
        for kind in ("macs", "multiply"):
            rest[kind] += [*through, weights]
        sees_all = layer.returns == "all" or level < layer.layers - 1
        rest["add"].append(product(handed, (gates - cell.whole) * units - 1 + sees_all))
        rest["add"].append(product(every, cell.whole * (units - 1)))
        for kind, number in cell.each.items():
            rest[kind].append(product(every, number))
        for kind, number in cell.handed.items():
            rest[kind].append(product(handed, number))
        arrays = gates * units * (width + units + (layer.vectors if bias else 0))
        rest["add"].append(product(ways, batch * steps - 1, arrays))
    return _sums(first), _sums(rest)


def _sums(parts: Mapping[str, list[str]]) -> dict[str, str]:
    return {kind: " + ".join(part for part in found if part != "0") or "0" for kind, found in parts.items()}
