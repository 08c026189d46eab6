"""What the backward pass of attention costs (Vaswani et al. 2017): projections, two products, the softmax between.

With `p` the softmax of the scores and `dp[i,j] = sum(r, dcontext[i,r]*v[j,r])`, every head goes back by
`ds[i,j] = p[i,j]*(dp[i,j] - sum(k, dp[i,k]*p[i,k]))`, `dv[j,r] = sum(i, p[i,j]*dcontext[i,r])`,
`dq[i,r] = sum(j, ds[i,j]*k[j,r])/sqrt(size)` and `dk[j,r] = sum(i, ds[i,j]*q[i,r])/sqrt(size)`.
"""

from __future__ import annotations

from backcalc.count.conventions import per_unit
from backcalc.layers.attention import Attention
from backcalc.layers.base import Cost, product
from backcalc.layers.mask import Mask
from backcalc.net import Node


def back_through_attention(node: Node, cost: Cost, batch: int) -> tuple[dict[str, str], dict[str, str]]:
    """The operations of the derivatives by what is read, and of those by the parameters.

    What goes back through the products is needed for the weights of q, k and v too, whoever asks for the input.
    """
    layer, (steps, width) = node.layer, node.input_shape[-2:]
    assert isinstance(layer, Attention)
    keys, depth = layer.remembered(node.input_shape)
    over, queries, values = product(batch, *node.input_shape[:-2]), *(each.shape[0] for each in node.parameters[:2])
    # a key that is no query of its own is seen by all
    seen = Mask(steps, layer.causal, layer.window).pairs(steps) if layer.memory is None else f"{steps}*{keys}"
    pairs, size = f"{layer.heads}*{seen}", queries // layer.heads
    made = f"{steps}*{queries} + {keys}*2*{values}"
    projected = f"{steps}*{width}*{queries} + {keys}*{depth}*2*{values}"
    joined = f"{steps}*{width}*{queries}"
    # each projection's sum, and the sums that join those of one input
    ends = f"{steps}*{width}" if layer.memory is None else f"{steps}*{width} - {keys}*{depth}"
    inputs = {
        "macs": product(over, projected),
        "multiply": product(over, projected),
        "add": product(over, f"{projected} - {ends}"),
    }
    turned = f"{steps}*({queries} + {values})" if layer.rotary is not None else "0"
    scores = f"{pairs} + {pairs} - {layer.heads}*{steps}" + (f" + {pairs}" if layer.relative_bias else "")
    parts = {
        "macs": f"2*({cost.macs} - {joined} - ({projected})) + 2*{joined} + {projected}",
        "multiply": f"4*{pairs}*{size} + 2*{pairs} + 2*{joined} + {projected} + 2*{turned}",
        "add": f"{steps}*{queries}*({width} - 1) + {pairs}*({size} - 1) + {scores} + 3*{pairs}*{size}"
        f" - ({made}) + {joined} + {projected} + {turned}",
        "divide": "0" if size == 1 else f"{steps}*{queries} + {keys}*{values}",
    }
    parameters = {kind: product(over, count) for kind, count in parts.items()}
    parameters["add"] += f" - {_group(cost.weights)}"
    if cost.biases != "0":
        uses = product(batch, per_unit(cost.operations["bias"], cost.units))
        parameters["add"] += f" + {uses} - {_group(cost.biases)}"
    return inputs, parameters


def _group(text: str) -> str:
    return f"({text})" if " " in text else text
