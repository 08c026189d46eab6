"""Networks of every kind of layer, formula and question, for what has to hold of all that is written about them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import backcalc

EXAMPLES = Path(backcalc.__file__).parents[1] / "examples"


def layers(shape: Any, *parts: Any, loss: Any = "sse", **more: Any) -> dict[str, Any]:
    return {"input": {"x": shape}, "layers": list(parts), "loss": loss, **more}


KINDS: dict[str, dict[str, Any]] = {
    "dense": layers(3, {"dense": 4}, "tanh", {"dense": 2}, "softmax", loss={"nll": {"target": 2}}),
    "batch": layers(3, {"dense": 4}, "relu", {"dense": 2}, "softmax", loss="cross_entropy", batch="N"),
    "conv-stride": layers(
        [2, 5, 4], {"conv2d": {"filters": 2, "kernel": [2, 3], "stride": 2, "padding": 1}}, "relu", "flatten",
        {"dense": 2},
    ),
    "conv-dilation": layers(
        [2, 6, 7], {"conv2d": {"filters": 2, "kernel": 2, "dilation": 2, "groups": 2}}, "sigmoid", "flatten"
    ),
    "conv-table": layers(
        [2, 5, 5], {"conv2d": {"filters": 2, "kernel": 2, "connections": [[2], [1, 2]]}}, "flatten", {"dense": 1}
    ),
    "conv-transpose": layers([2, 3, 3], {"conv_transpose2d": {"filters": 2, "kernel": 3, "stride": 2}}, "flatten"),
    "maxpool-overlap": layers([1, 7], {"maxpool1d": {"size": 3, "stride": 2, "padding": 1}}, "flatten", {"dense": 2}),
    "maxpool2d": layers([2, 5, 5], {"maxpool2d": {"size": 2, "ceil": True}}, "flatten", {"dense": 2}),
    "avgpool": layers([2, 5, 5], {"avgpool2d": {"size": 3, "stride": 2, "padding": 1}}, "flatten", {"dense": 2}),
    "batchnorm": layers(3, {"dense": 4}, "batchnorm", "relu", {"dense": 1}, loss="mse", batch="N"),
    "layernorm": layers([3, 4], "layernorm", {"dense": 2}, "gelu", loss="mse"),
    "rnn": layers([4, 3], {"rnn": {"units": 2}}, {"dense": 1}, loss="mse"),
    "rnn-batch": layers([4, 3], {"rnn": {"units": 2, "return": "all"}}, loss="mse", batch="N"),
    "lstm-both-ways": layers([3, 2], {"lstm": {"units": 2, "bidirectional": True}}, {"dense": 1}, loss="mse"),
    "gru": layers([3, 2], {"gru": {"units": 2}}, {"dense": 2}, loss="mse"),
    "attention": layers([4, 4], {"attention": {"heads": 2, "causal": True}}, loss="mse"),
    "attention-batch": layers([3, 4], {"attention": {"heads": 2}}, "flatten", {"dense": 2}, loss="mse", batch="N"),
    "embedding": layers(
        [3], {"embedding": {"vocabulary": 5, "units": 2}}, {"attention": {"heads": 1, "causal": True}}, "flatten",
        {"dense": 2}, loss="mse",
    ),
    "mixture": layers([3, 4], {"mixture": {"experts": 3, "active": 2, "layers": [{"dense": 4}]}}, loss="mse"),
    "hinge": layers(3, {"dense": 3}, loss={"hinge": {"target": 2}}),
    "kinks": layers(
        4, {"dense": 4}, "leaky_relu", {"dense": 3}, "elu", {"dense": 3}, "hard_swish", {"dense": 3}, "silu",
        {"dense": 2}, "softplus",
    ),
    "penalty": layers(3, {"dense": 2}, loss="sse", penalty={"l2": "1/10"}),
    "upstream": {
        "input": {"x": 3}, "layers": [{"dense": {"name": "y", "units": 2}}], "given": {"dJ/dy": "G"},
        "find": ["W_y", "x"],
    },
    "jacobian": {**layers(3, {"dense": {"name": "z", "units": 2}}, {"softmax": {"name": "y"}}), "find": ["dy/dx"]},
    "second": {"equations": "y = tanh(w*x + b)\nJ = 1/2*(y - t)^2", "find": ["w", "d^2J/dw^2", "d^2J/(dw db)"]},
    "hessian": {
        "equations": "z = sum(k=1..3, w[k]*x[k])\nJ = log(1 + exp(z))", "shapes": {"w": [3], "x": [3]},
        "find": ["d^2J/dw^2"],
    },
    "recurrence": {
        "sizes": {"T": None}, "find": ["u", "w", "h[0]"],
        "equations": "h[t] = tanh(u*h[t-1] + w*x[t])\nh[0] = s\nJ = sum(t=1..T, (h[t] - d[t])^2)",
    },
    "gather": {
        "shapes": {"E": ["M", 2], "k": ["N"]}, "sizes": {"N": None, "M": None}, "find": ["E"],
        "equations": "v[i,j] = E[k[i],j]^2\nJ = sum(i=1..N, sum(j=1..2, i*v[i,j]))",
    },
    "shadows": {
        "shapes": {"lambda": [3], "np": [3], "sum": []}, "find": ["lambda", "np", "sum"],
        "equations": "params[i] = lambda[i]*np[i]^2\nJ = sum*sum(i=1..3, exp(params[i]))",
    },
    "extremes": {
        "shapes": {"A": [3, 4]}, "find": ["A"],
        "equations": "m[i] = max(j=1..4, A[i,j])\nn[j] = min(i=1..3, A[i,j])\np = prod(i=1..3, m[i])\n"
        "J = p + sum(j != 2, n[j]) + mean(j, n[j]^2) + max(A[1,1], A[2,2]) + abs(A[3,1])",
    },
    "triangle": {
        "shapes": {"a": [4, 4]}, "find": ["a"],
        "equations": "r[i] = sum(j=1..i, a[i,j]^2*a[j,i])\nJ = sum(i=1..4, r[i]^2)",
    },
}  # fmt: skip
