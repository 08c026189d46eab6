"""Keras models, a .keras archive or their JSON: layers and how they are wired. Weights and Python code are not read.

Keras has channels last, a network here has them first: images are stated, and computed, as [channels, height, width].
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from backcalc.layers import Shape
from backcalc.net.spec import MOST_LAYERS
from backcalc.readers.bounded import Archive, opened, parsed_json, refuse
from backcalc.readers.draft import Draft
from backcalc.readers.keras_tensor import Tensor
from backcalc.readers.values import Misfit

DEEPEST = 20

Place: TypeAlias = tuple[str, int, int]
"""Which output: the layer, which of its calls, and which tensor of that."""

MODELS = ("Functional", "Model", "Sequential")


def read_keras(path: Path) -> Draft:
    """The network in a .keras file. Raises InputError."""
    version = None
    with opened(path) as file:
        archive = Archive(file, str(path))
        if "config.json" not in archive.members:
            refuse(archive.file, "the archive is no Keras model: it has no config.json")
        document = parsed_json(archive.read("config.json"), f"{archive.file}:config.json")
        if "metadata.json" in archive.members:
            metadata = parsed_json(archive.read("metadata.json", 100_000), f"{archive.file}:metadata.json")
            version = metadata.get("keras_version") if isinstance(metadata, dict) else None
    return keras_draft(document, path, f"Keras {version}" if isinstance(version, str) else "Keras")


def keras_draft(document: Any, path: Path, program: str) -> Draft:
    """The network that the JSON of a model states. Raises InputError."""
    draft = Draft(str(path), path.stem)
    draft.note(f"Converted from {path.name}: {program[:40]}. Shapes have channels first here, and last there.")
    try:
        kind, config = document["class_name"], document["config"]
        if kind not in MODELS:
            refuse(draft.file, f"expected a Functional or a Sequential model, got `{str(kind)[:80]}`")
        walk = Walk(draft, "channels_first" in _formats(document), program.startswith(("Keras 1", "Keras 2")))
        outputs = walk.model(kind, config, None, "")
        names = [walk.plain(tensor) if tensor.pads else tensor.name for tensor in outputs]
    except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
        if type(error).__module__.startswith("backcalc"):
            raise
        refuse(draft.file, f"the model is not as Keras writes it: {type(error).__name__} {error}"[:300])
    if len(names) == 1:
        draft.output = names[0]
    else:
        draft.note(f"The model has {len(names)} outputs: {', '.join(names[:8])}.")
    return draft


def _formats(document: Any) -> set[str]:
    """What `data_format` the layers have."""
    found: set[str] = set()
    pending = [document]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            if isinstance(value.get("data_format"), str):
                found.add(value["data_format"])
            pending += value.values()
        elif isinstance(value, list):
            pending += value
    return found


@dataclass
class Walk:
    """The draft, and how often a layer was called so far by the place that it has in its model.

    `old` says that the model is one of Keras 2, which has another hard sigmoid.
    """

    draft: Draft
    channels_first: bool = False
    old: bool = False
    calls: dict[str, int] = field(default_factory=dict)
    named: dict[str, str] = field(default_factory=dict)
    total: int = 0

    def model(
        self, kind: str, config: Mapping[str, Any], given: Sequence[Tensor] | None, prefix: str, depth: int = 0
    ) -> list[Tensor]:
        """The layers of a model; `given` is what it reads where it stands in another one."""
        if depth > DEEPEST:
            refuse(self.draft.file, f"models are nested deeper than {DEEPEST}")
        layers = config["layers"]
        self.total += len(layers)
        if self.total > MOST_LAYERS:
            refuse(self.draft.file, f"there are more than {MOST_LAYERS} layers")
        if kind == "Sequential":
            return self._sequence(layers, config, given, prefix, depth)
        return _Functional(self, config, prefix, depth).outputs(given)

    def _sequence(
        self,
        layers: Sequence[Any],
        config: Mapping[str, Any],
        given: Sequence[Tensor] | None,
        prefix: str,
        depth: int,
    ) -> list[Tensor]:
        tensors = list(given) if given is not None else []
        for layer in layers:
            inner = layer["config"]
            if layer["class_name"] == "InputLayer":
                tensors = tensors or [self.input(str(inner.get("name", "x")), _batch_shape(inner))]
                continue
            if not tensors:
                shape = inner.get("batch_input_shape") or config.get("build_input_shape") or _built(layer)
                if shape is None:
                    help = "give the model an Input, or build it before it is saved"
                    refuse(self.draft.file, "the model does not say what shape it reads", help)
                tensors = [self.input("x", shape)]
            tensors = self.call(layer, tensors, prefix, depth, None)
        return tensors

    def input(self, word: str, shape: Sequence[Any]) -> Tensor:
        """An input of the network, its batch axis first and left out."""
        sizes = shape[1:]
        if not all(isinstance(size, int) and not isinstance(size, bool) for size in sizes):
            help = "build the model with fixed sizes; the batch alone may stay open"
            refuse(self.draft.file, f"the input `{word[:60]}` has an axis of unknown length: {list(shape)[:9]}", help)
        own: Shape = tuple(sizes) or (1,)
        first = len(own) >= 3 and not self.channels_first
        return Tensor(self.draft.input(word, (own[-1], *own[:-1]) if first else own), first)

    def call(
        self, layer: Mapping[str, Any], given: Sequence[Tensor], prefix: str, depth: int, shape: Sequence[Any] | None
    ) -> list[Tensor]:
        """One call of a layer; `shape` is that of its output where the file says it."""
        from backcalc.readers.keras_layers import LAYERS

        kind, config = str(layer["class_name"]), layer["config"]
        word = prefix + str(config.get("name") or layer.get("name") or kind)
        if kind in MODELS:
            return self.model(kind, config, given, f"{word}_", depth + 1)
        self.calls[word] = self.calls.get(word, 0) + 1
        try:
            if kind not in LAYERS:
                raise Misfit
            if self.old and "hard_sigmoid" in (config.get("activation"), config.get("recurrent_activation")):
                raise Misfit("with the hard sigmoid of Keras 2")
            return [LAYERS[kind](self, word, config, given)]
        except Misfit as misfit:
            return [self._unknown(f"{kind} {misfit}".strip(), word, given, shape)]

    def _unknown(self, operator: str, word: str, given: Sequence[Tensor], shape: Sequence[Any] | None) -> Tensor:
        sizes = shape[1:] if shape else ()
        if not sizes or not all(isinstance(size, int) for size in sizes):
            message = f"the layer `{word[:80]}` ({operator[:80]}) is unknown, and so is the shape of its output"
            refuse(self.draft.file, message)
        first = len(sizes) >= 3 and not self.channels_first
        ours = [sizes[-1], *sizes[:-1]] if first else list(sizes)
        sources = list(dict.fromkeys(self.plain(tensor) if tensor.pads else tensor.name for tensor in given))
        comment = "its weights, if it has any, are not counted either"
        name = self.draft.add("unknown", word, sources, operator=operator[:200], shape=ours, comment=comment)
        return Tensor(name, first)

    def tied(self, word: str, name: str) -> str | None:
        """The layer whose weights this one shares, where it was called before; it is noted otherwise."""
        return self.named.setdefault(word, name) if self.calls.get(word, 1) > 1 else None

    def plain(self, tensor: Tensor) -> str:
        """The array with the axes in the order of Keras, zeros around it where they are asked for."""
        from backcalc.readers.keras_tensor import as_keras

        return as_keras(self.draft, tensor)


@dataclass
class _Functional:
    """A graph of layers: each call is made when what it reads is there."""

    walk: Walk
    config: Mapping[str, Any]
    prefix: str
    depth: int
    made: dict[Place, Tensor] = field(default_factory=dict)

    def outputs(self, given: Sequence[Tensor] | None) -> list[Tensor]:
        file = self.walk.draft.file
        self.layers: dict[str, Mapping[str, Any]] = {}
        for layer in self.config["layers"]:
            name = str(layer.get("name") or layer["config"]["name"])
            if name in self.layers:
                refuse(file, f"there are two layers called `{name[:80]}`")
            self.layers[name] = layer
        for number, (name, _, _) in enumerate(_places(self.config["input_layers"])):
            inner = self.layers[name]["config"]
            tensor = given[number] if given is not None else self.walk.input(name, _batch_shape(inner))
            self.made[name, 0, 0] = tensor
        self.shapes = {place: shape for layer in self.layers.values() for place, shape in _tensors(layer)}
        wanted = list(_places(self.config["output_layers"]))
        for place in wanted:
            self._make(place)
        return [self.made[place] for place in wanted]

    def _make(self, wanted: Place) -> None:
        """Makes a tensor and all that it needs, deepest first."""
        pending, begun = [wanted], set[tuple[str, int]]()
        while pending:
            place = pending[-1]
            if place in self.made:
                pending.pop()
                continue
            name, call, _ = place
            if name not in self.layers:
                refuse(self.walk.draft.file, f"a layer reads `{name[:80]}`, which is not there")
            layer = self.layers[name]
            calls = layer.get("inbound_nodes") or []
            if not 0 <= call < len(calls):
                refuse(self.walk.draft.file, f"the layer `{name[:80]}` has no call {call}")
            sources = list(_places(calls[call]))
            missing = [source for source in sources if source not in self.made]
            if missing:
                if (name, call) in begun:
                    refuse(self.walk.draft.file, f"the layer `{name[:80]}` reads what is made of its own output")
                begun.add((name, call))
                pending += reversed(missing)
                continue
            given = [self.made[source] for source in sources]
            shape = self.shapes.get((name, call, 0))
            found = self.walk.call(layer, given, self.prefix, self.depth, shape)
            for number, tensor in enumerate(found):
                self.made[name, call, number] = tensor
            if place not in self.made:
                refuse(self.walk.draft.file, f"the layer `{name[:80]}` has no output {place[2]}")


def _batch_shape(config: Mapping[str, Any]) -> Sequence[Any]:
    return config.get("batch_shape") or config.get("batch_input_shape") or ()


def _built(layer: Mapping[str, Any]) -> Sequence[Any] | None:
    found = (layer.get("build_config") or {}).get("input_shape")
    return found if isinstance(found, list) else None


def _places(value: Any) -> Iterator[Place]:
    """The outputs that a call reads, as Keras 3 writes them (`keras_history`) or Keras 2 (`[name, 0, 0, {}]`)."""
    pending = [value]
    while pending:
        each = pending.pop()
        if isinstance(each, dict):
            if each.get("class_name") == "__keras_tensor__":
                name, call, number = each["config"]["keras_history"]
                yield str(name), int(call), int(number)
            else:
                pending += reversed([inner for inner in each.values() if isinstance(inner, dict | list)])
        elif isinstance(each, list):
            if len(each) >= 3 and isinstance(each[0], str) and all(isinstance(part, int) for part in each[1:3]):
                yield each[0], each[1], each[2]
                pending += [inner for inner in each[3:] if isinstance(inner, dict)]
            else:
                pending += reversed(each)


def _tensors(layer: Mapping[str, Any]) -> Iterator[tuple[Place, Sequence[Any]]]:
    """The shapes of what a layer reads, which the file says."""
    pending: list[Any] = [layer.get("inbound_nodes")]
    while pending:
        each = pending.pop()
        if isinstance(each, list):
            pending += each
        elif isinstance(each, dict):
            if each.get("class_name") == "__keras_tensor__":
                name, call, number = each["config"]["keras_history"]
                yield (str(name), int(call), int(number)), each["config"].get("shape") or ()
            else:
                pending += each.values()
