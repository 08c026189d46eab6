"""Whole transformers, written as layers: their published totals, and the gradients of a small block."""

from __future__ import annotations

from typing import Any

import pytest

import backcalc


def feed_forward(units: int, width: int) -> list[Any]:
    """The second half of a block: its input plus two dense layers of its norm."""
    return [
        {"layernorm": {"name": "m"}},
        {"dense": {"name": "u", "units": units}},
        "gelu",
        {"dense": {"name": "d", "units": width}},
        {"add": {"name": "s", "inputs": ["r", "d"]}},
    ]


def encoder(times: int, width: int, **attention: Any) -> dict[str, Any]:
    """Blocks with the norm in front, as ViT and GPT-2 have them."""
    first = [
        {"layernorm": {"name": "n"}},
        {"attention": {"name": "a", **attention}},
        {"add": {"name": "r", "inputs": ["block", "a"]}},
    ]
    return {"repeat": {"name": "block", "times": times, "layers": [*first, *feed_forward(4 * width, width)]}}


def llama(vocabulary: int, units: int, **attention: Any) -> dict[str, Any]:
    """32 blocks of width 4096 with gated dense layers, without biases, over 128 tokens."""
    block = [
        {"rmsnorm": {"name": "n"}},
        {"attention": {"name": "a", "heads": 32, "causal": True, "bias": False, **attention}},
        {"add": {"name": "r", "inputs": ["block", "a"]}},
        {"rmsnorm": {"name": "m"}},
        {"dense": {"name": "g", "units": units, "bias": False}},
        {"silu": {"name": "w"}},
        {"dense": {"name": "u", "units": units, "bias": False, "inputs": "m"}},
        {"multiply": ["w", "u"]},
        {"dense": {"name": "d", "units": 4096, "bias": False}},
        {"add": {"name": "s", "inputs": ["r", "d"]}},
    ]
    embedded = {"embedding": {"vocabulary": vocabulary, "units": 4096}}
    repeated = {"repeat": {"name": "block", "times": 32, "layers": block}}
    return {"input": 128, "layers": [embedded, repeated, "rmsnorm", {"dense": {"units": vocabulary, "bias": False}}]}


VIT = {
    "input": {"x": [3, 224, 224]},
    "layers": [
        {"conv2d": {"filters": 768, "kernel": 16, "stride": 16}},
        {"reshape": [768, 196]},
        "transpose",
        "class_token",
        {"positional": 197},
        encoder(12, 768, heads=12),
        "layernorm",
        {"slice": {"stop": 1}},
        "flatten",
        {"dense": 1000},
    ],
}
GPT2 = {
    "input": 1024,
    "layers": [
        {"embedding": {"name": "e", "vocabulary": 50257, "units": 768}},
        {"positional": 1024},
        encoder(12, 768, heads=12, causal=True),
        "layernorm",
        {"dense": {"units": 50257, "bias": False, "weights": "E_e"}},
    ],
}

PUBLISHED = {
    # torchvision 0.29.2, vit_b_16: num_params and, by DeepSpeed 0.19.8, its MACs to the unit.
    "ViT-B/16": (VIT, 86_567_656, 17_563_828_224),
    # transformers 5.23, gpt2, the head tied to the embedding; 1024 tokens of 123 532 032 + 18 874 368 MACs.
    "GPT-2": (GPT2, 124_439_808, 1024 * (123_532_032 + 18_874_368)),
    # transformers 5.23, Llama-2-7B; calflops publishes 850.00 GMACs for 128 tokens.
    "Llama 2 7B": (llama(32_000, 11_008), 6_738_415_616, 850_000_000_000),
    # transformers 5.23, Llama-3-8B; its MACs are those of its weights but for the embedding, and of attention.
    "Llama 3 8B": (llama(128_256, 14_336, kv_heads=8, rotary=500_000), 8_030_261_248, None),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_totals(name: str) -> None:
    net, params, macs = PUBLISHED[name]
    totals = backcalc.count(net, flops="mac").totals
    assert (totals.params, totals.non_trainable) == (params, 0)
    if macs is not None:
        assert totals.macs.value == pytest.approx(macs, rel=1e-5 if macs % 10**7 == 0 else 0)


def test_a_small_transformer_derives() -> None:
    """Tokens in, logits out, all sizes different, over a mini-batch."""
    net = {
        "input": 3,
        "batch": "N",
        "layers": [
            {"embedding": {"name": "e", "vocabulary": 11, "units": 4}},
            {"positional": {"name": "block", "length": 5}},
            {"layernorm": {"name": "n"}},
            {"attention": {"name": "a", "heads": 2, "causal": True}},
            {"add": {"name": "r", "inputs": ["block", "a"]}},
            *feed_forward(6, 4),
            {"dense": {"name": "z", "units": 7}},
        ],
        "loss": "cross_entropy_logits",
        "find": ["E_e", "P_block", "Wk_a", "gamma_n"],
    }
    derivation = backcalc.grad(net, view="index")
    assert derivation.passed, [str(check) for check in derivation.verified]
