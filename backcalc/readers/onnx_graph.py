"""ONNX models as networks: the nodes in order, each by the operator of its name."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

from backcalc.layers import Shape
from backcalc.readers.bounded import refuse
from backcalc.readers.draft import Draft
from backcalc.readers.onnx_fold import folded
from backcalc.readers.onnx_model import OnnxModel, OnnxNode, Tensor, read_model
from backcalc.readers.unknowns import add_unknown
from backcalc.readers.values import Constant, Graph, Misfit, Operand, Value, Weight

KEEP_SHAPE = frozenset(
    {
        *("CumSum", "PRelu", "Celu", "Selu", "Mish", "Softsign", "ThresholdedRelu", "Shrink", "InstanceNormalization"),
        *("BatchNormalization", "LayerNormalization", "RMSNormalization", "SimplifiedLayerNormalization"),
        *("GroupNormalization", "Hardmax", "Round", "Sign", "Sin", "Cos", "Not"),
    }
)
"""Operators without a layer whose output has the shape of their input, where the file does not say it."""

MOST_LETTERS = 8

_FUSED = re.compile(r"onnx::Conv_\d+|node_Conv_\d+")


def read_onnx(path: Path) -> Draft:
    """The network in an .onnx file. Raises InputError."""
    model = read_model(path)
    draft = Draft(str(path), path.stem)
    draft.note(f"Converted from {path.name}: ONNX, opset {model.opset}, written by {model.producer or 'unknown'}.")
    walk = Walk(model, Graph(draft), draft)
    walk.run()
    return draft


@dataclass
class Walk:
    """The values so far. `uses` counts how often a name is read, `dropped` are names that nothing needs."""

    model: OnnxModel
    graph: Graph
    draft: Draft
    values: dict[str, Operand] = field(default_factory=dict)
    uses: Counter[str] = field(default_factory=Counter)
    readers: dict[str, OnnxNode] = field(default_factory=dict)
    makers: dict[str, OnnxNode] = field(default_factory=dict)
    dropped: set[str] = field(default_factory=set)
    done: set[str] = field(default_factory=set)

    def run(self) -> None:
        from backcalc.readers.onnx_patterns import without_patterns

        self._inputs()
        nodes = without_patterns(self.model)
        self._index(nodes)
        for node in self._needed(nodes):
            self._node(node)
        self._outputs()

    def _inputs(self) -> None:
        given = self.model.inputs
        if not given:
            refuse(self.draft.file, "the graph has no input")
        first = next(iter(given.values()))
        self.graph.batch = first[0] if first and isinstance(first[0], int) and first[0] > 0 else 1
        for name, dims in given.items():
            self.values[name] = self._input(name, dims)
        for tensor in self.model.tensors.values():
            self.values[tensor.name] = operand(tensor)

    def _input(self, name: str, dims: Sequence[int | str]) -> Value:
        if not dims:
            refuse(self.draft.file, f"the input `{name[:60]}` has no axes, not even one for its batch")
        shape = tuple(self._size(name, size) for size in dims[1:])
        if isinstance(dims[0], int) and dims[0] not in (self.graph.batch, -1, 0):
            return Value(self.draft.input(name, (dims[0], *shape)), (dims[0], *shape), 0, folded=True)
        return Value(self.draft.input(name, shape or (1,)), (self.graph.batch, *shape))

    def _size(self, name: str, size: int | str) -> int:
        """The length of an axis, a letter where it is open but named. Raises InputError where it is neither."""
        if isinstance(size, int) and size >= 1:
            return size
        if isinstance(size, int) or size == "?":
            help = "export it with a fixed size, or a name: `dynamic_axes={'x': {1: 'time'}}`"
            refuse(self.draft.file, f"the input `{name[:60]}` has an axis of unknown length, `{size}`", help)
        if size not in self.graph.letters:
            if len(self.graph.letters) == MOST_LETTERS:
                refuse(self.draft.file, f"more than {MOST_LETTERS} axes of the inputs are of open length")
            letter = self.graph.letters[size] = self.draft.letter(size)
            self.draft.note(f"The length `{size[:60]}` stays open, as the letter {letter}.")
        return self.graph.letters[size]

    def _index(self, nodes: Sequence[OnnxNode]) -> None:
        for node in nodes:
            for name in node.makes:
                if name and (name in self.makers or name in self.values):
                    refuse(self.draft.file, f"the value `{name[:80]}` is made twice")
                self.makers[name] = node
        for node in nodes:
            for name in filter(None, node.reads):
                self.uses[name] += 1
                self.readers[name] = node
        self.uses.update(self.model.outputs)

    def _needed(self, nodes: Sequence[OnnxNode]) -> list[OnnxNode]:
        """The nodes that an output needs, in the order of the file."""
        needed = set(self.model.outputs)
        for node in reversed(nodes):
            if needed.intersection(node.makes):
                needed.update(node.reads)
        return [node for node in nodes if needed.intersection(node.makes)]

    def _node(self, node: OnnxNode) -> None:
        from backcalc.readers.onnx_operators import OPERATORS

        if node.makes and node.makes[0] in self.done:
            return
        if self.dropped.intersection(node.reads):
            self.dropped.update(node.makes)
            return
        given = [self._given(node, name) for name in node.reads]
        if not any(isinstance(each, Value) for each in given) and node.operator != "Transpose":
            self._constant(node, given)
            return
        try:
            if node.operator not in OPERATORS:
                raise Misfit
            made = OPERATORS[node.operator](self, node, given)
        except Misfit as misfit:
            made = self._unknown(node, given, f"{node.operator} {misfit}".strip())
        for name, value in zip(node.makes, made if isinstance(made, tuple) else (made,), strict=False):
            self.values[name] = value
            if value is None:
                self.dropped.add(name)

    def _given(self, node: OnnxNode, name: str) -> Operand:
        if not name:
            return None
        if name not in self.values:
            later = "only later" if name in self.makers else "nothing"
            refuse(self.draft.file, f"the node `{label(node)[:80]}` reads `{name[:80]}`, which {later} makes")
        return self.values[name]

    def _constant(self, node: OnnxNode, given: Sequence[Operand]) -> None:
        """A node that reads fixed or learned arrays alone."""
        weights = [each for each in given if isinstance(each, Weight)]
        constants = [each for each in given if isinstance(each, Constant)]
        first = node.makes[0]
        value = node.attributes.get("value")
        if node.operator == "Constant":
            whole = node.attributes.get("value_ints", node.attributes.get("value_int"))
            plain = whole if whole is not None else node.attributes.get("value_float")
            stored = Constant(value.dims, value.numbers, value.integer) if isinstance(value, Tensor) else fixed(plain)
            self.values[first] = stored
        elif weights and node.operator in ("Identity", "Cast", "Dropout", "Expand", "Unsqueeze", "Squeeze", "Reshape"):
            self.values[first] = replace(weights[0], dims=self.known(first) or weights[0].dims)
        elif weights and node.operator == "Gather" and node.attributes.get("axis", 0) == 0 and len(given) == 2:
            rows = given[1].dims if isinstance(given[1], Constant) else ()
            self.values[first] = replace(weights[0], dims=(*rows, *weights[0].dims[1:]))
        else:
            made = folded(node, constants if not weights else [], self.known(first))
            self.values.update(dict.fromkeys(node.makes, made))

    def known(self, name: str) -> Shape | None:
        """The axes that the file gives for a value, those that it leaves open being the batch."""
        dims = self.model.shapes.get(name)
        if not dims:
            return None
        letters = self.graph.letters
        if any(isinstance(size, str) and size not in letters for size in dims[bool(letters) :]) and letters:
            return None  # an axis of which the file does not say how it depends on the letters
        return tuple(size if isinstance(size, int) else letters.get(size, self.graph.batch) for size in dims)

    def _unknown(self, node: OnnxNode, given: Sequence[Operand], operator: str) -> tuple[Operand, ...]:
        dims = [self.known(name) for name in node.makes if self.uses[name]]
        if node.operator in KEEP_SHAPE and isinstance(given[0], Value):
            dims = [given[0].dims]
        if node.operator == "Einsum":
            dims = [dims[0] or summed(str(node.attributes.get("equation", "")), given)]
        makes = [name for name in node.makes if self.uses[name]]
        if None in dims or not dims:
            help = "onnx.shape_inference.infer_shapes adds the shapes of all values"
            message = f"the operator {operator[:80]} (`{label(node)[:80]}`) is unknown, and so is what it puts out"
            refuse(self.draft.file, message, help)
        found = add_unknown(self.graph, makes, operator, given, [each for each in dims if each is not None])
        made = dict(zip(makes, found, strict=True))
        return tuple(made.get(name) for name in node.makes)

    def _outputs(self) -> None:
        found = [value for name in self.model.outputs if isinstance(value := self.values.get(name), Value)]
        if not found:
            refuse(self.draft.file, "nothing that depends on the input is put out")
        ready = [self.graph.read(value) for value in found]
        if len(ready) == 1:
            self.draft.output = ready[0] if ready[0] in self.draft.shapes else None
        else:
            self.draft.note(f"The file has {len(ready)} outputs: {', '.join(ready[:8])}.")
        if self.dropped:
            self.draft.note("The last states of recurrent layers, which the file puts out too, are left out.")

    def word(self, node: OnnxNode, weight: Operand = None) -> str:
        """What to call a layer: by the module of its weights, else by the node."""
        if isinstance(weight, Weight) and weight.name.endswith((".weight", ".bias", ".kernel")):
            return weight.name.rpartition(".")[0]
        if node.name.startswith("/"):
            *path, last = node.name.strip("/").split("/")
            while len(path) > 1 and path[1].startswith(path[0] + "."):
                path.pop(0)
            return ".".join(path if weight is not None and path else [*path, last])
        return node.makes[0] if node.makes else node.operator

    def folding(self, node: OnnxNode, weight: Weight) -> str | None:
        """What to say of a convolution into which the exporter has folded a batch norm."""
        names = (weight.name, node.name)
        if not any(_FUSED.fullmatch(name) for name in names) or "BatchNormalization" in self.operators:
            return None
        return (
            "the exporter has folded a batch norm into it: W stands for gamma/sigma*W, b for beta - gamma*mu/sigma; "
            "the module itself has gamma and beta besides W"
        )

    @property
    def operators(self) -> set[str]:
        """The operators of the file."""
        return {node.operator for node in self.model.nodes}


def summed(equation: str, given: Sequence[Operand]) -> Shape | None:
    """The axes of what an Einsum puts out, where every axis has a letter of its own."""
    reads, arrow, makes = equation.replace(" ", "").partition("->")
    words = reads.split(",")
    sizes: dict[str, int] = {}
    for word, each in zip(words, given, strict=False):
        if each is None or len(each.dims) != len(word):
            return None
        sizes |= dict(zip(word, each.dims, strict=True))
    return tuple(sizes[letter] for letter in makes) if arrow and set(makes) <= sizes.keys() else None


def label(node: OnnxNode) -> str:
    """What an error calls a node."""
    return node.name or (node.makes[0] if node.makes else "") or node.operator


def operand(tensor: Tensor) -> Operand:
    """A stored array: whole and single numbers are fixed, all else is taken to be trained."""
    single = tensor.numbers is not None and len(tensor.numbers) <= 1
    if tensor.integer or single:
        return Constant(tensor.dims, tensor.numbers, tensor.integer)
    return Weight(tensor.name, tensor.dims, tensor.dims)


def fixed(value: object) -> Constant:
    """The number or the numbers of an attribute."""
    if isinstance(value, tuple):
        return Constant((len(value),), tuple(map(Fraction, value)), integer=True)
    if isinstance(value, int | Fraction):
        return Constant((), (Fraction(value),), isinstance(value, int))
    return Constant(())
