"""Hugging Face `config.json`: the sizes of a known architecture, from which its network is written out.

Architectures: gpt2, bert, vit, and the family of llama (llama, mistral, mixtral, qwen2), as `transformers` builds them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from backcalc.net.errors import did_you_mean, printable
from backcalc.net.text import inline
from backcalc.readers.bounded import refuse

LARGEST = 10_000_000
MOST_BLOCKS = 1_000
MOST_STEPS = 4_096

_ACTIVATIONS: Mapping[str, str] = {
    "gelu": "gelu",
    "gelu_new": "gelu: {approximate: true}",
    "gelu_pytorch_tanh": "gelu: {approximate: true}",
    "relu": "relu",
    "silu": "silu",
    "swish": "silu",
    "tanh": "tanh",
}


@dataclass(frozen=True, slots=True)
class Config:
    """The keys of a config.json, each checked when it is asked for. Raises InputError."""

    file: str
    data: Mapping[str, Any]

    def size(self, *names: str, default: int | None = None, most: int = LARGEST) -> int:
        """A whole number from 1, under the first of the names that is there."""
        name, value = next(
            ((name, self.data[name]) for name in names if self.data.get(name) is not None), ("", default)
        )
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
            shown = "nothing" if value is None else printable(str(value))[:40]
            refuse(self.file, f"`{name or names[0]}` must be a whole number from 1 to {most}, got {shown}")
        return value

    def flag(self, name: str, default: bool) -> bool:
        """True or false."""
        value = self.data.get(name)
        return value if isinstance(value, bool) else default

    def number(self, name: str, default: float) -> str:
        """A positive number, as net.yaml has it."""
        value = self.data.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e12:
            refuse(self.file, f"`{name}` must be a positive number, got {printable(str(value))[:40]}")
        return str(Fraction(repr(value)))

    def activation(self, name: str, default: str) -> str:
        """The layer of an activation."""
        value = self.data.get(name, default)
        if not isinstance(value, str) or value not in _ACTIVATIONS:
            refuse(self.file, f"the activation `{printable(str(value))[:40]}` has no layer here")
        return _ACTIVATIONS[value]

    @property
    def architecture(self) -> str:
        """The class of the model; the bare model where none is named."""
        names = self.data.get("architectures")
        return str(names[0]) if isinstance(names, list) and names else "Model"

    @property
    def labels(self) -> int:
        """How many classes there are."""
        labels = self.data.get("id2label")
        return len(labels) if isinstance(labels, dict) and labels else self.size("num_labels", default=2)


@dataclass(frozen=True, slots=True)
class Network:
    """What a net.yaml file has: remarks, sizes, inputs, and the lines of its layers."""

    notes: tuple[str, ...]
    steps: int | None
    inputs: str
    layers: tuple[str, ...]
    output: str = ""


def read_config(data: Mapping[str, Any], path: Path) -> str:
    """The net.yaml text of a config.json. Raises InputError."""
    config = Config(str(path), data)
    kind = data.get("model_type")
    if not isinstance(kind, str) or kind not in MODELS:
        known = ", ".join(sorted(MODELS))
        help = did_you_mean(str(kind), MODELS, f"those that are read are {known}")
        refuse(config.file, f"the architecture `{printable(str(kind))[:60]}` is not known", help)
    made = MODELS[kind](config)
    parent = path.resolve().parent.name
    title = parent if path.name == "config.json" and parent else path.stem
    lines = [f"# Converted from {printable(path.name)}: {kind}, {printable(config.architecture)[:60]} of Hugging Face."]
    lines += [f"# {note}" for note in made.notes]
    lines.append(f"name: {inline(printable(title)[:80])}")
    lines += [f"sizes: {{T: {made.steps}}}"] if made.steps else []
    lines += [f"input: {made.inputs}", "layers:", *(f"  {line}" for line in made.layers)]
    return "\n".join([*lines, *([f"output: {made.output}"] if made.output else [])]) + "\n"


_TOKENS = "Tokens are numbered from 1."


def _gpt2(config: Config) -> Network:
    if config.flag("add_cross_attention", False):
        refuse(config.file, "`add_cross_attention` is not read")
    width, heads = config.size("n_embd", "hidden_size", default=768), config.size("n_head", default=12)
    places = config.size("n_positions", "n_ctx", default=1024)
    vocabulary = config.size("vocab_size", default=50257)
    epsilon = config.number("layer_norm_epsilon", 1e-5)
    norm = f"- layernorm: {{epsilon: {epsilon}}}"
    block = [
        norm,
        f"- attention: {{name: a, heads: {heads}, causal: true}}",
        "- add: {name: r, inputs: [block, a]}",
        norm,
        f"- dense: {config.size('n_inner', default=4 * width)}",
        f"- {config.activation('activation_function', 'gelu_new')}",
        f"- dense: {{name: f, units: {width}}}",
        "- add: [r, f]",
    ]
    layers = [
        f"- embedding: {{name: tokens, vocabulary: {vocabulary}, units: {width}}}",
        f"- positional: {places}",
        *_blocks(config.size("n_layer", default=12, most=MOST_BLOCKS), block),
        norm,
    ]
    notes, head = _language_head(config, vocabulary, tied=True)
    return Network((_TOKENS, *notes), min(places, MOST_STEPS), "{x: T}", (*layers, *head))


def _bert(config: Config) -> Network:
    width, heads = config.size("hidden_size", default=768), config.size("num_attention_heads", default=12)
    places = config.size("max_position_embeddings", default=512)
    vocabulary = config.size("vocab_size", default=30522)
    norm = f"- layernorm: {{epsilon: {config.number('layer_norm_eps', 1e-12)}}}"
    named = norm.replace("{", "{name: r, ")
    activation = config.activation("hidden_act", "gelu")
    block = [
        f"- attention: {{name: a, heads: {heads}}}",
        "- add: [block, a]",
        named,
        f"- dense: {config.size('intermediate_size', default=3072)}",
        f"- {activation}",
        f"- dense: {{name: f, units: {width}}}",
        "- add: [r, f]",
        norm,
    ]
    layers = [
        f"- embedding: {{name: tokens, vocabulary: {vocabulary}, units: {width}, inputs: x}}",
        f"- embedding: {{name: kinds, vocabulary: {config.size('type_vocab_size', default=2)}, units: {width}, "
        "inputs: segments}",
        "- add: [tokens, kinds]",
        f"- positional: {places}",
        norm,
        *_blocks(config.size("num_hidden_layers", default=12, most=MOST_BLOCKS), block),
    ]
    pooler = [
        "- slice: {stop: 1}   # the first token stands for all",
        "- flatten",
        f"- dense: {{name: pooler, units: {width}}}",
        "- tanh",
    ]
    words = [
        f"- dense: {{name: transform, units: {width}, inputs: encoded}}",
        f"- {activation}",
        norm,
        f"- dense: {{name: head, units: {vocabulary}, weights: E_tokens}}",
    ]
    notes: tuple[str, ...] = ("Tokens and segments are numbered from 1.",)
    match config.architecture:
        case "BertForMaskedLM":
            layers += ["- linear: {name: encoded}", *words]
        case "BertForPreTraining":
            second = "- dense: {name: follows, units: 2}"
            layers += ["- linear: {name: encoded}", *pooler, second, *words]
            notes += ("It has two outputs: follows, and head.",)
        case "BertForSequenceClassification":
            layers += [*pooler, f"- dense: {{name: head, units: {config.labels}}}"]
        case name:
            layers += pooler
            notes += (
                () if name.endswith("Model") else (f"The head of {printable(name)[:60]} is not known and left out.",)
            )
    return Network(notes, min(places, MOST_STEPS), "{x: T, segments: T}", tuple(layers))


def _vit(config: Config) -> Network:
    width, heads = config.size("hidden_size", default=768), config.size("num_attention_heads", default=12)
    if not config.flag("qkv_bias", True):
        refuse(config.file, "`qkv_bias: false` is not read")
    side, patch = config.size("image_size", default=224), config.size("patch_size", default=16)
    if patch > side:
        refuse(config.file, f"`patch_size` is {patch}, but `image_size` is {side}")
    places = (side // patch) ** 2
    norm = f"- layernorm: {{epsilon: {config.number('layer_norm_eps', 1e-12)}}}"
    block = [
        norm,
        f"- attention: {{name: a, heads: {heads}}}",
        "- add: {name: r, inputs: [block, a]}",
        norm,
        f"- dense: {config.size('intermediate_size', default=3072)}",
        f"- {config.activation('hidden_act', 'gelu')}",
        f"- dense: {{name: f, units: {width}}}",
        "- add: [r, f]",
    ]
    layers = [
        f"- conv2d: {{name: patches, filters: {width}, kernel: {patch}, stride: {patch}}}",
        f"- reshape: [{width}, {places}]",
        "- transpose",
        "- class_token",
        f"- positional: {places + 1}",
        *_blocks(config.size("num_hidden_layers", default=12, most=MOST_BLOCKS), block),
        norm,
        "- slice: {stop: 1}   # the class token",
        "- flatten",
    ]
    notes: tuple[str, ...] = ()
    if config.architecture.endswith("ForImageClassification"):
        layers.append(f"- dense: {{name: head, units: {config.labels}}}")
    else:
        layers += [f"- dense: {{name: pooler, units: {config.size('pooler_output_size', default=width)}}}"]
        layers.append(f"- {config.activation('pooler_act', 'tanh')}")
        known = config.architecture.endswith("Model")
        notes = () if known else (f"The head of {printable(config.architecture)[:60]} is not known and left out.",)
    return Network(notes, None, f"{{x: [{config.size('num_channels', default=3)}, {side}, {side}]}}", tuple(layers))


def _llama(config: Config) -> Network:
    """llama, mistral, mixtral and qwen2: RMS norms, rotary positions, gated layers or experts of them."""
    kind = config.data["model_type"]
    width, heads = config.size("hidden_size"), config.size("num_attention_heads")
    inner, vocabulary = config.size("intermediate_size"), config.size("vocab_size")
    steps = min(config.size("max_position_embeddings", default=MOST_STEPS), MOST_STEPS)
    norm = f"rmsnorm: {{epsilon: {config.number('rms_norm_eps', 1e-6)}}}"
    attention = {"name": "a", "heads": heads, **_attention(config, kind, width, heads, steps)}
    activation = config.activation("hidden_act", "silu")
    bias = "" if config.flag("mlp_bias", False) else ", bias: false"
    gate = [
        f"- dense: {{units: {inner}{bias}}}",
        f"- {activation}: {{name: gate}}" if ":" not in activation else f"- {activation[:-1]}, name: gate}}",
        f"- dense: {{name: up, units: {inner}{bias}, inputs: {'moe' if kind == 'mixtral' else 'n'}}}",
        "- multiply: [gate, up]",
    ]
    block = [f"- {norm}", f"- attention: {inline(attention)}", "- add: {name: r, inputs: [block, a]}"]
    if kind == "mixtral":
        experts, active = config.size("num_local_experts", default=8), config.size("num_experts_per_tok", default=2)
        expert = [*gate, f"- dense: {{units: {width}{bias}}}"]
        block += [
            f"- {norm}",
            "- mixture:",
            "    name: moe",
            f"    experts: {experts}",
            f"    active: {active}",
            "    layers:",
            *(f"      {line}" for line in expert),
            "- add: [r, moe]",
        ]
    else:
        named = norm.replace("{", "{name: n, ")
        block += [f"- {named}", *gate, f"- dense: {{name: f, units: {width}{bias}}}", "- add: [r, f]"]
    layers = [
        f"- embedding: {{name: tokens, vocabulary: {vocabulary}, units: {width}}}",
        *_blocks(config.size("num_hidden_layers", most=MOST_BLOCKS), block),
        f"- {norm}",
    ]
    notes, head = _language_head(config, vocabulary, tied=False)
    rotary = config.data.get("rope_scaling") or config.data.get("rope_parameters") or {}
    scaled = isinstance(rotary, dict) and rotary.get("rope_type", rotary.get("type", "default")) != "default"
    notes += ("The angles of the rotary positions are scaled in the model, here they are not.",) if scaled else ()
    return Network((_TOKENS, *notes), steps, "{x: T}", (*layers, *head))


def _attention(config: Config, kind: str, width: int, heads: int, steps: int) -> dict[str, Any]:
    """The arguments of attention that are not those of everyone."""
    groups = config.size("num_key_value_heads", default=heads)
    size = config.size("head_dim", default=max(1, width // heads))
    rotary = config.data.get("rope_parameters")
    theta = rotary.get("rope_theta") if isinstance(rotary, dict) else None
    theta = config.data.get("rope_theta", theta) or 10_000
    if isinstance(theta, bool) or not isinstance(theta, int | float) or not 1 <= theta <= 1e12 or theta != int(theta):
        refuse(config.file, f"`rope_theta` must be a whole number, got {printable(str(theta))[:40]}")
    window = config.data.get("sliding_window") if config.flag("use_sliding_window", kind != "qwen2") else None
    here = {"kv_heads": groups if groups != heads else None, "head_size": size if size * heads != width else None}
    here |= {"causal": True, "rotary": int(theta)}
    if isinstance(window, int) and 1 <= window < steps:
        here["window"] = window
    if kind == "qwen2":
        here["output_bias"] = False
    elif not config.flag("attention_bias", False):
        here["bias"] = False
    return {name: value for name, value in here.items() if value is not None}


def _language_head(config: Config, vocabulary: int, *, tied: bool) -> tuple[tuple[str, ...], list[str]]:
    """The layer that answers with a score for each token, and what is to be said where there is another or none."""
    name = config.architecture
    if not name.endswith(("LMHeadModel", "ForCausalLM")):
        known = name.endswith("Model")
        return () if known else (f"The head of {printable(name)[:60]} is not known and left out.",), []
    same = ", weights: E_tokens" if config.flag("tie_word_embeddings", tied) else ""
    return (), [f"- dense: {{name: head, units: {vocabulary}, bias: false{same}}}"]


def _blocks(times: int, layers: list[str]) -> list[str]:
    """A block that repeats."""
    head = ["- repeat:", "    name: block", f"    times: {times}", "    layers:"]
    return [*head, *(f"      {line}" for line in layers)]


MODELS: Mapping[str, Callable[[Config], Network]] = {
    "gpt2": _gpt2,
    "bert": _bert,
    "vit": _vit,
    **dict.fromkeys(("llama", "mistral", "mixtral", "qwen2"), _llama),
}
"""What writes the network of each `model_type`."""
