"""LSTM, GRU and RNN of ONNX: steps first, then samples, then features; both directions in one node."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from backcalc.readers.onnx_model import OnnxNode
from backcalc.readers.values import Constant, Misfit, Operand, Value, Weight

if TYPE_CHECKING:
    from backcalc.readers.onnx_graph import Walk

Recurrent: TypeAlias = "Callable[[Walk, OnnxNode, Sequence[Operand]], tuple[Operand, ...]]"


def _recurrent(kind: str) -> Recurrent:
    def operator(walk: Walk, node: OnnxNode, given: Sequence[Operand]) -> tuple[Operand, ...]:
        x, w, r, b, lengths, *states = (*given, *(None,) * 8)[:8]
        direction = node.attributes.get("direction", "forward")
        if not isinstance(x, Value) or not isinstance(w, Weight) or not isinstance(r, Weight):
            raise Misfit("of a fixed array")
        if direction not in ("forward", "bidirectional") or node.attributes.get("layout", 0) != 0:
            raise Misfit(f"{direction}, or with the samples first")
        if lengths is not None or "clip" in node.attributes or not _plain(node, kind) or states[-1] is not None:
            raise Misfit("with lengths, clipping, peepholes or other functions")
        if not all(_is_zero(walk, state) for state in states):
            raise Misfit("with states before the first step")
        steps, units = x.dims[0], r.dims[-1]
        directions = 2 if direction == "bidirectional" else 1
        if x.batch != 1 or x.folded or len(x.dims) != 3:
            raise Misfit("whose samples do not stand second")
        walk.graph.alone(w, r, b)
        vectors, comment = _vectors(node, kind, b)
        all_steps, last, cells = (walk.uses[name] > 0 for name in (*node.makes, "", "", "")[:3])
        read_on = last and all_steps and _is_read(walk, node.makes[1])
        if directions == 2 and read_on:
            raise Misfit("whose last states are read too")
        name = walk.graph.draft.add(
            kind,
            walk.word(node, w),
            [walk.graph.read(x)],
            units=units,
            biases=vectors,
            bidirectional=True if directions == 2 else None,
            comment=comment,
            **{"return": "all" if all_steps else "last"},
        )
        if cells and len(node.makes) > 2 and _is_read(walk, node.makes[2]):
            raise Misfit("whose cells are read")
        walk.graph.own(Value(name, x.dims), w, r, b)
        if not all_steps:
            return None, Value(name, (directions, walk.graph.batch, units), 1), None
        outputs = Value(name, (steps, directions, walk.graph.batch, units), 2)
        state = None
        if read_on:
            end = walk.graph.draft.add("slice", f"{name}_last", [name], start=steps)
            state = Value(end, (directions, walk.graph.batch, units), 1)
        return outputs, state, None

    return operator


def _is_zero(walk: Walk, state: Operand) -> bool:
    """Whether a state before the first step is left out, or 0."""
    if isinstance(state, Weight):
        stored = walk.model.tensors.get(state.name)
        return stored is not None and stored.numbers is not None and not any(stored.numbers)
    return state is None or (isinstance(state, Constant) and state.scalar == 0)


def _is_read(walk: Walk, name: str) -> bool:
    """Whether a node that an output needs reads it, and not the caller of the network alone."""
    return name in walk.readers and not _leads_out(walk, name, 0)


def _leads_out(walk: Walk, name: str, depth: int) -> bool:
    """Whether what is made of it is put out, and nothing else is done with it."""
    if name in walk.model.outputs:
        return True
    after = walk.readers.get(name)
    moves = after is not None and after.operator in ("Squeeze", "Concat", "Identity", "Transpose")
    return moves and depth < 4 and after is not None and _leads_out(walk, after.makes[0], depth + 1)


def _plain(node: OnnxNode, kind: str) -> bool:
    """Whether the functions are the usual ones."""
    return "activations" not in node.attributes or (kind == "rnn" and node.attributes["activations"] is None)


def _vectors(node: OnnxNode, kind: str, b: Operand) -> tuple[int, str | None]:
    """How many vectors of biases there are, and what to say of it."""
    before = kind == "gru" and not node.attributes.get("linear_before_reset", 0)
    if b is None:
        if kind == "gru" and not before:
            raise Misfit("that resets behind the product, without biases")
        return 0, None
    if before:
        return 1, "two vectors of biases in the file are added, and one here"
    return 2, None


lstm, gru, rnn = _recurrent("lstm"), _recurrent("gru"), _recurrent("rnn")
