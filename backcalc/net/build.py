"""From the layers of a file to a network: names, shapes, parameters, loss, and how its equations are put together."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from math import prod
from typing import Any, cast

from backcalc.formula.program import Program
from backcalc.layers import LOSSES, Layer, Loss, LossEquation, Parameter, Shape, ShapeError
from backcalc.layers.base import show_shape
from backcalc.layers.fields import Entries, Nested
from backcalc.net.errors import did_you_mean, said
from backcalc.net.layerlist import Entry
from backcalc.net.load import Document, Path
from backcalc.net.names import Names
from backcalc.net.nested import LARGEST_ARRAY, filled, fits, flat, folded, shape_of
from backcalc.net.network import Node
from backcalc.net.spec import LARGEST_SIZE, LATER_LOSSES, described, name, shown, validated

LONGEST_CHAIN = 6


@dataclass
class Built:
    """What the layers and the loss of a file make. `names` holds every name and its shape."""

    document: Document
    inputs: dict[str, Shape]
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

    def shape_of(self, source: str) -> Shape | None:
        """The shape of an input or of an earlier layer's output, None where it is not known."""
        node = self.by_name.get(source)
        return self.inputs.get(source) if node is None else node.output_shape


def build_layers(document: Document, inputs: dict[str, Shape], entries: list[Entry]) -> tuple[Built, Document]:
    """Puts the layers in place. Faults of names go to the document, faults of shapes to the second document:
    they are only told where nothing else is wrong.
    """
    built = Built(document, inputs)
    shapes = Document(document.file, document.lines, document.data, document.keys, document.values, stops=False)
    for word, shape in inputs.items():
        built.define(word, "an input", ("input", word), shape)
    taken = [built.define(entry.name, "a layer", _name_path(document, entry), None) for entry in entries]
    previous = next(iter(inputs)) if len(inputs) == 1 else None
    earlier = list(inputs)
    for entry, is_new in zip(entries, taken, strict=True):
        source = _source(built, entry, previous, earlier)
        previous = entry.name
        earlier.append(entry.name)
        incoming = None if source is None else built.shape_of(source)
        if entry.layer is None or source is None or incoming is None or not is_new:
            built.names.loose.add(entry.name)
            _own_names_alone(built, entry)
            continue
        node = _node(built, shapes, entry, entry.layer, source, incoming)
        if node is None:
            built.names.loose.add(entry.name)
            _own_names_alone(built, entry)
            continue
        built.nodes.append(node)
        built.by_name[node.name] = node
        built.names.shapes[node.name] = node.output_shape
    for word, (what, _) in built.what.items():
        if what == "a layer":
            built.computed[word] = "the network computes it"
    return built, shapes


def _name_path(document: Document, entry: Entry) -> Path:
    place = (*entry.path, "name")
    return place if place in document.values else entry.path


def _source(built: Built, entry: Entry, previous: str | None, earlier: list[str]) -> str | None:
    """The name of what a layer reads; what is wrong with `inputs` is reported."""
    given = entry.layer.inputs if entry.layer is not None else None
    path = (*entry.path, "inputs")
    if given is None:
        if previous is None and entry.layer is not None and built.inputs:
            message = f"`{entry.name}` does not say which of the inputs it reads"
            built.document.report(entry.path, message, f"write `inputs: {next(iter(built.inputs))}`", key=True)
        return previous
    if len(given) != 1:
        kind = type(entry.layer).kind if entry.layer else ""
        built.document.report(path, f"`{kind}` reads one input, but `inputs` names {len(given)}")
        return None
    if given[0] not in earlier:
        if given[0] in built.what and built.what[given[0]][0] == "a layer":
            message = f"`{given[0]}` is not an earlier layer"
            built.document.report((*path, 0), message, "a layer reads what stands before it")
        else:
            readable = said([f"`{word}`" for word in earlier[-8:]], "and")
            help = did_you_mean(given[0], earlier, f"what it can read is {readable}")
            built.document.report((*path, 0), f"unknown name `{shown(given[0])}`", help)
        return None
    return given[0]


def _node(built: Built, shapes: Document, entry: Entry, layer: Layer, source: str, incoming: Shape) -> Node | None:
    """The layer in its place, with its parameters named; a shape that does not fit is told in `shapes`."""
    kind = type(layer).kind
    label = f"layer `{entry.name}`" if entry.name == kind else f"layer `{entry.name}` ({kind})"
    place = entry.path
    try:
        outgoing = layer.output_shape(incoming)
        bare = layer.model_copy(update={field: None for field in ("weights", "biases") if hasattr(layer, field)})
        needed = bare.parameters(entry.name, incoming)
        sizes = [*outgoing, *(size for parameter in needed for size in parameter.shape)]
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
            place = (*entry.path, "weights" if parameter.role == "weight" else "biases")
            _define_parameter(built, parameter, place, entry.path)
    except ShapeError as error:
        note = f"the shapes on the way: {_chain(built, source)} → {entry.name}"
        shapes.report(place, f"{label}: {error.message}", error.hint, note=note, key=True)
        return None
    return Node(entry.name, layer, (source,), incoming, outgoing, parameters)


def _chain(built: Built, source: str) -> str:
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
            if isinstance(word, str) and word not in built.names.shapes:
                built.names.shapes[word] = None


def build_loss(built: Built, shapes: Document, raw: object) -> None:
    """Reads `loss` and joins it to the last layer."""
    document = built.document
    kind, arguments, path = _loss_parts(document, raw)
    if kind is None:
        return
    if kind not in LOSSES:
        if kind in LATER_LOSSES:
            document.report(path, f"the loss `{kind}` is not supported by this version", key=True)
        else:
            help = did_you_mean(kind, [*LOSSES, *LATER_LOSSES], f"the losses are {said(list(LOSSES), 'and')}")
            document.report(path, f"unknown loss `{shown(kind)}`", help, key=True)
        built.names.loose.update(("J", "t"))
        return
    model = LOSSES[kind]
    if arguments is None:
        arguments = {}
    elif not isinstance(arguments, dict):
        arguments = {model.main or "target": arguments}
    arguments = {key: _named(document, value, (*path, key)) for key, value in arguments.items()}
    loss, _ = validated(model, arguments, path, document, f"`{kind}`")
    if loss is None:
        built.names.loose.update(("J", "t"))
        return
    name_path = (*path, "name")
    if built.define(loss.name, "the loss", name_path if name_path in document.values else path, ()):
        built.computed[loss.name] = "the network computes it"
        built.loss_name = loss.name
    if built.nodes and not built.names.loose:
        _join_loss(built, shapes, loss, path)
    elif isinstance(loss.target, str):
        built.names.shapes.setdefault(loss.target, None)


def _named(document: Document, value: object, path: Path) -> object:
    """The name of the loss, or a target that is a name, in its one spelling."""
    if path[-1] not in ("name", "target") or not isinstance(value, str):
        return value
    try:
        return name(value)
    except ValueError as error:
        document.report(path, f"`{path[-1]}`: {error}, got {described(value)}")
        return "t" if path[-1] == "target" else "J"


def _loss_parts(document: Document, raw: object) -> tuple[str | None, Any, Path]:
    if isinstance(raw, str):
        return raw, None, ("loss",)
    if isinstance(raw, dict) and len(raw) == 1:
        (kind,) = raw
        return kind, raw[kind], ("loss", kind)
    message = f"expected one loss, as `mse` or `nll: {{target: 1}}`, got {described(raw)}"
    document.report(("loss",), message)
    return None, None, ("loss",)


def _join_loss(built: Built, shapes: Document, loss: Loss, path: Path) -> None:
    last = built.nodes[-1]
    kind = type(loss).kind
    place = (*path, loss.main) if loss.main and (*path, loss.main) in built.document.values else path
    if isinstance(loss.target, Fraction) and prod(last.output_shape) > LARGEST_ARRAY:
        message = f"the output `{last.name}` {show_shape(last.output_shape)} is too large for a target in numbers"
        shapes.report(place, f"loss `{kind}`: {message}")
        return
    try:
        equation = loss.equation(last.name, last.output_shape)
    except ShapeError as error:
        note = f"the shapes on the way: {_chain(built, last.name)} → {loss.name}"
        shapes.report(place, f"loss `{kind}`: {error.message}", error.hint, note=note)
        return
    built.loss = equation
    target = equation.target
    if target is None:
        return
    if target.values is None and target.name in built.what:
        have = built.names.shapes[target.name]
        if have != target.shape and have is not None:
            message = f"the target `{target.name}` has the shape {show_shape(have)}, but {show_shape(target.shape)}"
            shapes.report(place, f"loss `{kind}`: {message} is needed")
    elif built.define(target.name, "the target", place, target.shape) and target.values is not None:
        built.values[target.name] = target.values
        built.computed[target.name] = "the loss gives its target"


def layer_program(built: Built) -> Program:
    """The equations of the layers, the tables of own names, and the loss, as a program."""
    from backcalc.formula.infer import SourceEquation, build_program
    from backcalc.formula.read import read_equation
    from backcalc.formula.tree import Expr, Ref, Table, num

    def table(entries: Entries) -> Expr:
        match entries:
            case tuple():
                return Table(tuple(table(item) for item in entries))
            case str():
                return Ref(entries)
            case _:
                return num(entries)

    shapes: dict[str, tuple[Expr | int, ...]] = dict(built.inputs)
    equations: list[SourceEquation] = []
    padded: set[str] = set()
    for node in built.nodes:
        for parameter in node.parameters:
            if parameter.name not in shapes and parameter.entries is not None:
                equations.append(SourceEquation(Ref(parameter.name), table(parameter.entries), node.name))
            shapes[parameter.name] = parameter.shape
        stated = node.layer.equations(node.name, node.inputs[0], node.input_shape)
        shapes.update(stated.shapes)
        shapes[node.name] = node.output_shape
        padded |= stated.padded
        for line in stated.lines:
            left, right = read_equation(line)
            equations.append(SourceEquation(left, right, node.name))
    if built.loss is not None:
        if built.loss.target is not None:
            shapes[built.loss.target.name] = built.loss.target.shape
        left, right = read_equation(built.loss.line)
        equations.append(SourceEquation(left, right, built.loss_name or ""))
    return build_program(equations, shapes, {}, frozenset(padded), built.loss_name)
