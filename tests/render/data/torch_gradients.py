"""Writes torch_gradients.json: losses and gradients of small networks by PyTorch's automatic differentiation.

Run it where torch and backcalc are installed: `python tests/render/data/torch_gradients.py`. Nothing of a network's
mathematics comes from backcalc: only the names and shapes of its arrays do. Whole numbers that stand in an index count
from 1, as in files.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from backcalc.derive import derive
from backcalc.net import load_network
from backcalc.render.numpy_parts import leaves_of

Arrays = Mapping[str, Tensor]
NLL = {"nll_logits": {"name": "J", "target": "t"}}


def _put(module: nn.Module, **weights: Tensor) -> Callable[..., Any]:
    """A module whose parameters are the given tensors, so that gradients reach them."""
    return lambda *given: torch.func.functional_call(module, weights, given)


def _gates(w: Arrays, name: str, gates: str) -> dict[str, Tensor]:
    """The stacked weights of a recurrent layer of PyTorch, whose second bias is 0."""
    bias = torch.cat([w[f"b_{name}_{gate}"] for gate in gates])
    return {
        "weight_ih_l0": torch.cat([w[f"W_{name}_{gate}"] for gate in gates]),
        "weight_hh_l0": torch.cat([w[f"U_{name}_{gate}"] for gate in gates]),
        "bias_ih_l0": bias,
        "bias_hh_l0": torch.zeros_like(bias),
    }


def mlp(w: Arrays) -> Tensor:
    h = torch.tanh(F.linear(w["x"], w["W_a"], w["b_a"]))
    return F.cross_entropy(F.linear(h, w["W_z"], w["b_z"]), w["t"] - 1)


def softmax(w: Arrays) -> Tensor:
    y = F.softmax(F.linear(w["x"], w["W_z"], w["b_z"]), dim=1)
    return -(w["t"] * torch.log(y)).sum(dim=1).mean()


def convolution(w: Arrays) -> Tensor:
    h = F.max_pool2d(F.relu(F.conv2d(w["x"], w["W_c"], w["b_c"])), 2)
    return F.cross_entropy(F.linear(h.flatten(1), w["W_z"], w["b_z"]), w["t"] - 1)


def strided(w: Arrays) -> Tensor:
    h = F.avg_pool2d(F.gelu(F.conv2d(w["x"], w["W_c"], w["b_c"], stride=2, padding=1, groups=2)), 2)
    return F.mse_loss(F.linear(h.flatten(1), w["W_z"], w["b_z"]), w["t"])


def transposed(w: Arrays) -> Tensor:
    y = F.conv_transpose2d(w["x"], w["W_c"], w["b_c"], stride=2)
    return F.mse_loss(torch.sigmoid(y), w["t"])


def batchnorm(w: Arrays) -> Tensor:
    h = F.batch_norm(F.linear(w["x"], w["W_a"], w["b_a"]), None, None, w["gamma_n"], w["beta_n"], training=True)
    return F.binary_cross_entropy_with_logits(F.linear(F.relu(h), w["W_z"], w["b_z"]), w["t"], reduction="sum") / 6


def layernorm(w: Arrays) -> Tensor:
    h = F.layer_norm(F.linear(w["x"], w["W_a"], w["b_a"]), (4,), w["gamma_n"], w["beta_n"])
    return F.cross_entropy(F.linear(F.silu(h), w["W_z"], w["b_z"]), w["t"] - 1)


def groupnorm(w: Arrays) -> Tensor:
    h = F.elu(F.group_norm(F.conv2d(w["x"], w["W_c"], w["b_c"]), 2, w["gamma_n"], w["beta_n"]))
    return F.mse_loss(F.linear(h.mean(dim=(2, 3)), w["W_z"], w["b_z"]), w["t"])


def lstm(w: Arrays) -> Tensor:
    run = _put(nn.LSTM(3, 2, batch_first=True), **_gates(w, "r", "ifgo"))
    return F.cross_entropy(F.linear(run(w["x"])[0][:, -1], w["W_z"], w["b_z"]), w["t"] - 1)


def rnn(w: Arrays) -> Tensor:
    weights = {"weight_ih_l0": w["W_r"], "weight_hh_l0": w["U_r"], "bias_ih_l0": w["b_r"]}
    run = _put(nn.RNN(3, 2, batch_first=True), bias_hh_l0=torch.zeros_like(w["b_r"]), **weights)
    return F.mse_loss(F.linear(run(w["x"])[0], w["W_z"], w["b_z"]), w["t"])


def attention(w: Arrays) -> Tensor:
    weights = {
        "in_proj_weight": torch.cat([w["Wq_a"], w["Wk_a"], w["Wv_a"]]),
        "in_proj_bias": torch.cat([w["bq_a"], w["bk_a"], w["bv_a"]]),
        "out_proj.weight": w["Wo_a"],
        "out_proj.bias": w["bo_a"],
    }
    later = torch.triu(torch.ones(4, 4, dtype=torch.bool), diagonal=1)
    module = nn.MultiheadAttention(6, 2, batch_first=True)
    y, _ = torch.func.functional_call(
        module, weights, (w["x"], w["x"], w["x"]), {"attn_mask": later, "need_weights": False}
    )
    return F.mse_loss(F.linear(y.flatten(1), w["W_z"], w["b_z"]), w["t"])


def embedding(w: Arrays) -> Tensor:
    h = F.embedding(w["tok"] - 1, w["E_e"])
    return F.cross_entropy(F.linear(h.flatten(1), w["W_z"], w["b_z"]), w["t"] - 1)


def _dense(name: str, units: int) -> dict[str, Any]:
    return {"dense": {"name": name, "units": units}}


NETS: Mapping[str, tuple[dict[str, Any], Callable[[Arrays], Tensor]]] = {
    "mlp": ({"input": 3, "batch": 4, "layers": [_dense("a", 5), "tanh", _dense("z", 3)], "loss": NLL}, mlp),
    "softmax": (
        {"input": 3, "batch": 2, "layers": [_dense("z", 4), "softmax"], "loss": {"cross_entropy": {"name": "J"}}},
        softmax,
    ),
    "large logits": ({"input": 3, "batch": 4, "layers": [_dense("a", 5), "tanh", _dense("z", 3)], "loss": NLL}, mlp),
    "large softmax": (
        {"input": 3, "batch": 2, "layers": [_dense("z", 4), "softmax"], "loss": {"cross_entropy": {"name": "J"}}},
        softmax,
    ),
    "convolution and pooling": (
        {
            "input": {"x": [2, 6, 6]},
            "batch": 2,
            "layers": [{"conv2d": {"name": "c", "filters": 3, "kernel": 3}}, "relu", {"maxpool2d": 2}, "flatten",
                       _dense("z", 3)],
            "loss": NLL,
        },
        convolution,
    ),
    "grouped strided convolution": (
        {
            "input": {"x": [2, 7, 7]},
            "batch": 2,
            "layers": [{"conv2d": {"name": "c", "filters": 4, "kernel": 3, "stride": 2, "padding": 1, "groups": 2}},
                       "gelu", {"avgpool2d": 2}, "flatten", _dense("z", 2)],
            "loss": {"mse": {"name": "J"}},
        },
        strided,
    ),
    "transposed convolution": (
        {
            "input": {"x": [2, 3, 3]},
            "batch": 2,
            "layers": [{"conv_transpose2d": {"name": "c", "filters": 2, "kernel": 3, "stride": 2}}, "sigmoid"],
            "loss": {"mse": {"name": "J"}},
        },
        transposed,
    ),
    "batch norm": (
        {
            "input": 3,
            "batch": 6,
            "layers": [_dense("a", 4), {"batchnorm": {"name": "n"}}, "relu", _dense("z", 2)],
            "loss": {"bce_logits": {"name": "J"}},
        },
        batchnorm,
    ),
    "layer norm": (
        {"input": 3, "batch": 4, "layers": [_dense("a", 4), {"layernorm": {"name": "n"}}, "silu", _dense("z", 3)],
         "loss": NLL},
        layernorm,
    ),
    "group norm": (
        {
            "input": {"x": [1, 5, 5]},
            "batch": 2,
            "layers": [{"conv2d": {"name": "c", "filters": 4, "kernel": 3}}, {"groupnorm": {"name": "n", "groups": 2}},
                       "elu", "global_avgpool", _dense("z", 2)],
            "loss": {"mse": {"name": "J"}},
        },
        groupnorm,
    ),
    "lstm": (
        {"input": {"x": [4, 3]}, "batch": 2, "layers": [{"lstm": {"name": "r", "units": 2}}, _dense("z", 3)],
         "loss": NLL},
        lstm,
    ),
    "rnn, every step": (
        {
            "input": {"x": [4, 3]},
            "batch": 2,
            "layers": [{"rnn": {"name": "r", "units": 2, "return": "all"}}, _dense("z", 2)],
            "loss": {"mse": {"name": "J"}},
        },
        rnn,
    ),
    "causal attention": (
        {
            "input": {"x": [4, 6]},
            "batch": 2,
            "layers": [{"attention": {"name": "a", "heads": 2, "head_size": 3, "causal": True}}, "flatten",
                       _dense("z", 2)],
            "loss": {"mse": {"name": "J"}},
        },
        attention,
    ),
    "embedding": (
        {"input": {"tok": [4]}, "batch": 3, "layers": [{"embedding": {"name": "e", "vocabulary": 7, "units": 3}},
                                                       "flatten", _dense("z", 3)], "loss": NLL},
        embedding,
    ),
}  # fmt: skip
"""What is compared: a network as backcalc reads it, and its loss as PyTorch computes it."""


def drawn(net: Mapping[str, Any], name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Random parameters and a random batch, with 6 decimals; logits beyond what an exponential holds where asked."""
    derivation = derive(load_network(dict(net)), view="index")
    program = derivation.program
    source = np.random.default_rng(sum(map(ord, name)))
    scale = 900.0 if name == "large logits" else 200.0 if name == "large softmax" else 1.0
    found: dict[str, Any] = {}
    for leaf in program.leaves:
        shape = program.shape(leaf)
        if leaf in program.index_names:
            found[leaf] = source.integers(1, 3, shape, endpoint=True).tolist()
        else:
            values = np.round(source.uniform(-1, 1, shape), 6)
            found[leaf] = (values * (scale if leaf == "W_z" else 1.0)).tolist()
    params, batch = leaves_of(derivation)
    return {name: found[name] for name in params}, {name: found[name] for name in batch}


def gradients(
    loss: Callable[[Arrays], Tensor], params: Mapping[str, Any], batch: Mapping[str, Any]
) -> tuple[float, dict[str, Any]]:
    """The loss and its gradients in double precision."""
    weights = {name: torch.tensor(value, dtype=torch.float64, requires_grad=True) for name, value in params.items()}
    given = {name: torch.from_numpy(np.asarray(value)) for name, value in batch.items()}  # float64, or whole numbers
    value = loss({**weights, **given})
    value.backward()
    grads = {name: weight.grad.tolist() for name, weight in weights.items() if weight.grad is not None}
    return value.item(), grads


def main() -> None:
    """Writes the file beside this one."""
    nets = {}
    for name, (net, loss) in NETS.items():
        params, batch = drawn(net, name)
        value, grads = gradients(loss, params, batch)
        nets[name] = {"net": net, "params": params, "batch": batch, "loss": value, "grads": grads}
    file = Path(__file__).with_suffix(".json")
    file.write_text(json.dumps({"torch": torch.__version__, "nets": nets}) + "\n", encoding="utf-8")
    print(f"{file}: {len(nets)} networks, torch {torch.__version__}")


if __name__ == "__main__":
    main()
