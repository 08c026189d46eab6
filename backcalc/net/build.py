"""From the layers of a file to a network: names, shapes, parameters, loss, and how its equations are put together."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, Any, cast

from backcalc.formula.size import Size
from backcalc.formula.source import ProgramErrors
from backcalc.layers import Layer, Loss, LossEquation, Parameter, Shape, ShapeError
from backcalc.layers.base import show_shape
from backcalc.layers.fields import Entries, Nested
from backcalc.layers.own import Formula
from backcalc.net.batch import Batch
from backcalc.net.errors import did_you_mean, said
from backcalc.net.load import Document, Path
from backcalc.net.names import Names
from backcalc.net.nested import LARGEST_ARRAY, filled, fits, flat, folded, shape_of
from backcalc.net.network import Node
from backcalc.net.repeat import Entry
from backcalc.net.spec import LARGEST_SIZE, shown

if TYPE_CHECKING:
    from backcalc.net.given import Given
    from backcalc.net.penalty import Penalty

LONGEST_CHAIN = 6


@dataclass
class Built:
    """What the layers and the loss of a file make. `names` holds every name and its shape.

    `sampled` are the arrays that a batch gives an axis of samples, with their shapes for one sample; `factors` are the
    names in the penalty.
    """

    document: Document
    inputs: dict[str, Shape]
    batch: Batch | None = None
    sampled: dict[str, Shape] = field(default_factory=dict)
    nodes: list[Node] = field(default_factory=list)
    by_name: dict[str, Node] = field(default_factory=dict)
    names: Names = field(default_factory=Names)
    what: dict[str, tuple[str, Path]] = field(default_factory=dict)
    computed: dict[str, str] = field(default_factory=dict)
    parameters: list[str] = field(default_factory=list)
    find: list[str] = field(default_factory=list)
    own_names: dict[str, tuple[str, ...]] = field(default_factory=dict)
    loss: LossEquation | None = None
    loss_name: str | None = None
    criterion: Loss | None = None
    output: str | None = None
    target_is: str = "numbers"
    joins_by_mean: bool = True
    letters: tuple[str, ...] = ()
    given: list[Given] = field(default_factory=list)
    penalty: Penalty | None = None
    factors: list[str] = field(default_factory=list)
    values: dict[str, Nested] = field(default_factory=dict)

    def define(self, name: str, what: str, path: Path, shape: Shape | None) -> bool:
        """Takes a name; one that is taken already is reported."""
        if name in self.what:
            other, where = self.what[name]
            line = self.document.mark(where).line
            help = "give it another name" if what != "the target" else f"`{name}` is the target's; rename {other}"
            self.document.report(path, f"the name `{name}` is taken by {other} on line {line}", help)
            return False
        self.what[name] = (what, path)
        self.names.shapes[name] = shape
        return True

    def sample(self, name: str, shape: Shape) -> None:
        """Gives an array, of which `shape` is one sample, the axis of the samples, where there is a batch."""
        self.sampled[name] = shape
        self.names.shapes[name] = shape if self.batch is None else self.batch.shape(shape)

    def settle(self, number: int) -> None:
        """Takes the number of samples that values have shown, where the size of the batch is a symbol without one."""
        if self.batch is not None and self.batch.number is None:
            self.batch = self.batch.settled(number)
            for name, shape in self.sampled.items():
                self.names.shapes[name] = self.batch.shape(shape)

    @property
    def last(self) -> Node:
        """The layer that is the network's output."""
        return self.nodes[-1] if self.output is None else self.by_name[self.output]

    def shape_of(self, source: str) -> Shape | None:
        """The shape of an input or of an earlier layer's output, None where it is not known."""
        node = self.by_name.get(source)
        return self.inputs.get(source) if node is None else node.output_shape


def build_layers(
    document: Document, inputs: dict[str, Shape], entries: list[Entry], batch: Batch | None = None
) -> tuple[Built, Document]:
    """Puts the layers in place. Faults of names go to the document, faults of shapes to the second document:
    they are only told where nothing else is wrong.
    """
    built = Built(document, inputs, batch)
    shapes = Document(document.file, document.lines, document.data, document.keys, document.values, stops=False)
    for word, shape in inputs.items():
        if built.define(word, "an input", ("input", word), shape):
            built.sample(word, shape)
    if batch is not None and batch.symbol is not None:
        built.define(batch.symbol, "the size of the batch", ("batch",), ())
        built.computed[batch.symbol] = "it is a size; give its number in `sizes`"
    taken = [built.define(entry.name, "a layer", _name_path(document, entry), None) for entry in entries]
    previous = next(iter(inputs)) if len(inputs) == 1 else None
    earlier = list(inputs)
    for entry, is_new in zip(entries, taken, strict=True):
        sources = _sources(built, entry, previous, earlier)
        previous = entry.name
        earlier.append(entry.name)
        incoming = [built.shape_of(source) for source in sources or ()]
        if entry.layer is None or sources is None or None in incoming or not is_new:
            built.names.loose.add(entry.name)
            _own_names_alone(built, entry)
            continue
        arriving = tuple(shape for shape in incoming if shape is not None)
        node = _node(built, shapes, entry, entry.layer, sources, arriving)
        if node is None:
            built.names.loose.add(entry.name)
            _own_names_alone(built, entry)
            continue
        built.nodes.append(node)
        built.by_name[node.name] = node
        built.sample(node.name, node.output_shape)
    for word, (what, _) in built.what.items():
        if what == "a layer":
            built.computed[word] = "the network computes it"
    return built, shapes


def _name_path(document: Document, entry: Entry) -> Path:
    place = (*entry.path, "name")
    return place if place in document.values else entry.path


def _sources(built: Built, entry: Entry, previous: str | None, earlier: list[str]) -> tuple[str, ...] | None:
    """The names of what a layer reads: its inputs and what it names besides; what is wrong with them is reported."""
    sources = _inputs(built, entry, previous, earlier)
    field = None if entry.layer is None else type(entry.layer).also
    word = None if field is None else getattr(entry.layer, field)
    if field is None or word is None:
        return sources
    known = _is_earlier(built, word, earlier, (*entry.path, field))
    return (*sources, word) if known and sources is not None else None


def _inputs(built: Built, entry: Entry, previous: str | None, earlier: list[str]) -> tuple[str, ...] | None:
    """The names of a layer's inputs; what is wrong with `inputs` is reported."""
    layer = entry.layer
    if layer is None:
        return None
    kind, given, path = type(layer).kind, layer.inputs, (*entry.path, "inputs")
    if given is None:
        if previous is None and built.inputs:
            message = f"`{entry.name}` does not say which of the inputs it reads"
            built.document.report(entry.path, message, f"write `inputs: {next(iter(built.inputs))}`", key=True)
        return None if previous is None else (previous,)
    if type(layer).several and len(given) < 2:
        built.document.report(path, f"`{kind}` reads two inputs or more, but `inputs` names {len(given)}")
        return None
    if not (type(layer).several or type(layer).any_number) and len(given) != 1:
        help = "`add`, `multiply` and `concat` join several" if len(given) > 1 else None
        built.document.report(path, f"`{kind}` reads one input, but `inputs` names {len(given)}", help)
        return None
    known = [_is_earlier(built, word, earlier, (*path, position)) for position, word in enumerate(given)]
    return given if all(known) else None


def _is_earlier(built: Built, word: str, earlier: list[str], path: Path) -> bool:
    """Whether a layer may read this name; where not, it is reported."""
    if word in earlier:
        return True
    if word in built.what and built.what[word][0] == "a layer":
        message = f"`{word}` is not an earlier layer"
        built.document.report(path, message, "a layer reads what stands before it")
    else:
        readable = said([f"`{known}`" for known in earlier[-8:]], "and")
        help = did_you_mean(word, earlier, f"what it can read is {readable}")
        built.document.report(path, f"unknown name `{shown(word)}`", help)
    return False


def _node(
    built: Built, shapes: Document, entry: Entry, layer: Layer, sources: tuple[str, ...], arriving: tuple[Shape, ...]
) -> Node | None:
    """The layer in its place, with its parameters named; a shape that does not fit is told in `shapes`."""
    kind = type(layer).kind
    label = f"layer `{entry.name}`" if entry.name == kind else f"layer `{entry.name}` ({kind})"
    place, incoming = entry.path, arriving[0]
    try:
        layer = layer.reading(sources, arriving)
        outgoing = layer.output_shape(incoming)
        if entry.back is not None and outgoing != built.shape_of(entry.back):
            message = f"its block stands {entry.copies} times, so it must put out what the block reads"
            raise ShapeError(f"{message}, {show_shape(built.shape_of(entry.back) or ())}, not {show_shape(outgoing)}")
        bare = layer.model_copy(update={field: None for field in ("weights", "biases") if hasattr(layer, field)})
        needed = bare.parameters(entry.name, incoming)
        sizes = [*outgoing, *(size for parameter in needed for size in parameter.shape)]
        sizes = [size for size in sizes if not isinstance(size, Size)]
        if max(sizes, default=1) > LARGEST_SIZE:
            raise ShapeError(f"a size of {max(sizes)} is more than {LARGEST_SIZE}")
        changed: dict[str, Entries] = {}
        for parameter in needed:
            argument = "weights" if parameter.role == "weight" else "biases"
            given = getattr(layer, argument, None)
            if given is not None and not isinstance(given, str):
                place = (*entry.path, argument)
                changed[argument] = _fitted(argument, given, parameter.shape)
        layer = layer.model_copy(update=changed) if changed else layer
        parameters = layer.parameters(entry.name, incoming)
        for parameter in parameters:
            if parameter.role == "statistic" and built.batch is not None:
                continue  # a batch has its own
            place = (*entry.path, "weights" if parameter.role == "weight" else "biases")
            _define_parameter(built, parameter, place, entry.path)
        node = Node(entry.name, layer, sources, incoming, outgoing, parameters, entry.copies)
        _define_intermediates(built, node, entry.path)
    except ProgramErrors as errors:
        from backcalc.net.equations import report_in_layer

        assert isinstance(layer, Formula)
        report_in_layer(shapes, errors, layer.text, (*entry.path, "equations"))
        return None
    except ShapeError as error:
        ways = "; ".join(chain(built, source) for source in sources)
        note = f"the shapes on the way: {ways} → {entry.name}"
        shapes.report(place, f"{label}: {error.message}", error.hint, note=note, key=True)
        return None
    return node


def _define_intermediates(built: Built, node: Node, path: Path) -> None:
    """Takes the names of what a layer computes on its way to its output, and of what it draws for every sample."""
    stated = node.stated(None if built.batch is None else built.batch.samples(()))
    for name, shape in stated.shapes.items():
        if built.define(name, "an intermediate of a layer", path, shape):
            built.computed[name] = "the network computes it"
            if name in stated.batched or not (stated.batched or is_table(name, stated.lines)):
                built.sample(name, shape)
    for name, shape in stated.draws.items():
        if built.define(name, "an array that a layer draws", path, shape):
            built.sample(name, shape)


def is_table(name: str, lines: tuple[str, ...]) -> bool:
    """Whether the lines spell the array out, so that it is the same for every sample."""
    return any(line.startswith(f"{name} = [") for line in lines)


def chain(built: Built, source: str) -> str:
    """The shapes from the input to a layer, the last of them where they are many."""
    steps: list[str] = []
    here: str | None = source
    while here is not None and len(steps) < LONGEST_CHAIN:
        node = built.by_name.get(here)
        steps.append(f"{here} {show_shape(built.inputs[here] if node is None else node.output_shape)}")
        here = None if node is None else node.inputs[0]
    return " → ".join([*(["…"] if here is not None else []), *reversed(steps)])


def _fitted(argument: str, given: Entries, shape: Shape) -> Entries:
    """The entries nested exactly as deep as the shape; a number alone stands everywhere."""
    if not isinstance(given, tuple):
        if prod(shape) > LARGEST_ARRAY:
            raise ShapeError(f"{argument} of the shape {show_shape(shape)} are too many to be given one number")
        return cast(Entries, filled(given, shape))
    written = shape_of(given)
    if written is None:
        raise ShapeError(f"the list `{argument}` is not rectangular; its shape must be {show_shape(shape)}")
    if not fits(written, shape):
        raise ShapeError(f"its {argument} have the shape {show_shape(shape)}, but the list is {show_shape(written)}")
    return cast(Entries, folded(list(flat(given)), shape))


def _define_parameter(built: Built, parameter: Parameter, path: Path, layer_path: Path) -> None:
    """Takes the name of an array and its own names. One name for two arrays ties them."""
    array, what = parameter.name, f"an array of {parameter.role}s"
    path = path if path in built.document.values else layer_path
    known = built.what.get(array)
    if known is not None and known[0].startswith("an array"):
        if built.names.shapes[array] != parameter.shape:
            before, here = built.names.shapes[array] or (), show_shape(parameter.shape)
            raise ShapeError(f"`{array}` is tied to an array of the shape {show_shape(before)}, but needed is {here}")
        return
    if not built.define(array, what, path, parameter.shape):
        return
    if parameter.entries is None:
        if parameter.trainable:
            built.parameters.append(array)
            built.find.append(array)
        return
    own = tuple(dict.fromkeys(word for word in flat(parameter.entries) if isinstance(word, str)))
    built.own_names[array] = own
    has = f"it is made of {', '.join(f'`{word}`' for word in own[:6])}" if own else "its numbers are fixed"
    built.computed[array] = has + (" …" if len(own) > 6 else "")
    if own and parameter.trainable:
        built.find.append(array)
    for word in own:
        _define_own(built, word, path)


def _define_own(built: Built, word: str, path: Path) -> None:
    if built.what.get(word, ("", path))[0] == "a single weight":
        return
    if built.define(word, "a single weight", path, ()):
        built.parameters.append(word)
        built.find.append(word)


def _own_names_alone(built: Built, entry: Entry) -> None:
    """The names that a layer without a known shape gives its weights: they are known, whatever else is wrong."""
    raw: Any = built.document.data
    for step in entry.path:
        raw = raw[step]
    for argument in ("weights", "biases"):
        for word in flat(raw.get(argument)) if isinstance(raw, dict) else ():
            if isinstance(word, str) and word + entry.suffix not in built.names.shapes:
                built.names.shapes[word + entry.suffix] = None
