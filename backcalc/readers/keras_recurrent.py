"""LSTM, GRU and SimpleRNN of Keras, alone or in both directions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from backcalc.readers.keras_tensor import Tensor, as_keras
from backcalc.readers.values import Misfit

if TYPE_CHECKING:
    from backcalc.readers.keras_model import Walk

Recurrent: TypeAlias = "Callable[[Walk, str, Mapping[str, Any], Sequence[Tensor]], Tensor]"

_CLASSES = {"LSTM": "lstm", "GRU": "gru", "SimpleRNN": "rnn"}


def recurrent(kind: str) -> Recurrent:
    """One direction."""
    return lambda walk, word, config, given: _add(walk, word, kind, config, given, both=False)


def bidirectional(walk: Walk, word: str, config: Mapping[str, Any], given: Sequence[Tensor]) -> Tensor:
    """Both directions, one behind the other."""
    inner = config["layer"]
    kind = _CLASSES.get(inner["class_name"])
    if kind is None or config.get("merge_mode", "concat") != "concat":
        raise Misfit("of another layer, or with outputs that are not put one behind the other")
    return _add(walk, word, kind, inner["config"], given, both=True)


def _add(walk: Walk, word: str, kind: str, config: Mapping[str, Any], given: Sequence[Tensor], *, both: bool) -> Tensor:
    usual = config.get("activation", "tanh") == "tanh"
    usual &= kind == "rnn" or config.get("recurrent_activation", "sigmoid") == "sigmoid"
    if not usual or config.get("go_backwards") or config.get("return_state") or len(given) != 1:
        raise Misfit("with other functions, states, or backwards")
    biased = config.get("use_bias", True)
    behind = kind == "gru" and config.get("reset_after", True)
    if behind and not biased:
        raise Misfit("that resets behind the product, without biases")
    vectors = 0 if not biased else 2 if behind else 1
    name = walk.draft.add(
        kind,
        word,
        [as_keras(walk.draft, given[0])],
        units=config["units"],
        biases=vectors,
        bidirectional=both or None,
        **{"return": "all" if config.get("return_sequences") else "last"},
    )
    return Tensor(name)
