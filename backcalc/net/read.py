"""`load_network`: from a path, a text, a mapping or a built-in name to a checked network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from backcalc.layers import Shape
from backcalc.net.assemble import layer_program
from backcalc.net.batch import read_batch
from backcalc.net.build import Built, build_layers
from backcalc.net.errors import InputError, Problem, did_you_mean, said
from backcalc.net.layerlist import read_layers
from backcalc.net.load import Document, TooManyProblems, read_document
from backcalc.net.loss import build_loss
from backcalc.net.names import NameFault, Names
from backcalc.net.nested import shape_of
from backcalc.net.network import Network, Update
from backcalc.net.spec import LATER_KEYS, NetFile, described, name, shown, step_model, validated
from backcalc.net.text import Source, source_of
from backcalc.net.update import UPDATES
from backcalc.net.values import Values


def load_network(source: str | Path | Mapping[str, Any], *, label: str | None = None) -> Network:
    """Reads and checks a network.

    `source` is a path, a text in YAML, a mapping as the file would hold it, or the name of a built-in network; `label`
    is what errors call it instead of a path. Raises InputError with every problem that was found.

    >>> network = load_network("input: {x: 2}\\nlayers: [dense: {name: z, units: 1}]\\nloss: mse")
    >>> network.nodes[0].output_shape, network.parameters
    ((1,), ('W_z', 'b_z'))
    """
    read = source_of(source, label)
    document = read_document(read.text, read.label)
    network = None
    with suppress(TooManyProblems):
        network = _read(document, read) if isinstance(document.data, dict) else None
    if network is None or document.problems:
        raise InputError(document.problems or [_not_a_network(document)])
    return network


def _not_a_network(document: Document) -> Problem:
    if document.data is None:
        return Problem(
            document.file, 0, 0, 0, "", "the file is empty", "write `input`, `layers` and `loss`, or `equations`"
        )
    message = f"expected keys such as `input`, `layers` or `equations`, got {described(document.data)}"
    return document.problem_at(document.mark(()), message)


def _read(document: Document, source: Source) -> Network | None:
    """The network; None where something is wrong, which the document then knows."""
    assert isinstance(document.data, dict)
    spec = _spec(document, document.data)
    values = Values(document, source.folder)
    title = spec.name or source.title
    if spec.equations is not None or "equations" in document.data:
        return _equations(document, spec, values, title, source)
    if "layers" not in document.data:
        document.report((), "the file has neither `layers` nor `equations`", "a network is one or the other")
    for key in ("pad", "shapes"):
        if key in document.data:
            document.report((key,), f"`{key}` belongs to `equations`, but this file has layers", key=True)
    return _layers(document, spec, values, title, source)


def _spec(document: Document, data: Mapping[str, Any]) -> NetFile:
    """The keys of the file; what is wrong is reported and left out."""
    given: dict[str, Any] = {}
    for key, value in data.items():
        if key in LATER_KEYS:
            document.report((key,), f"`{key}` is not supported by this version", key=True)
        elif value is None and key in ("layers", "equations"):
            document.report((key,), f"there are no {key}", key=True)
        elif value is not None:
            given[key] = _in_long_form(key, value)
    spec, wrong = validated(NetFile, given, (), document, "the file")
    if spec is None:
        spec = NetFile.model_validate({key: value for key, value in given.items() if key not in wrong})
    return spec


def _in_long_form(key: str, value: Any) -> Any:
    """`input: 3` names its input x; one name to find is a list of one."""
    if key == "input" and not isinstance(value, dict):
        return {"x": value}
    if key in ("find", "pad") and isinstance(value, str):
        return [value]
    return value


def _layers(document: Document, spec: NetFile, values: Values, title: str, source: Source) -> Network | None:
    sizes = spec.sizes or {}
    if spec.layers is not None and "input" not in (document.data if isinstance(document.data, dict) else {}):
        help = "give the shape of the input, as in `input: {x: 3}`"
        document.report(("layers",), "the file has layers but no `input`", help, key=True)
    if spec.layers is not None and not spec.layers:
        document.report(("layers",), "there are no layers", key=True)
    inputs = {word: _input_shape(document, word, shape, sizes) for word, shape in (spec.input or {}).items()}
    entries = read_layers(document, spec.layers or [], sizes, inputs)
    batch = None if spec.batch is None else read_batch(document, spec.batch, sizes)
    built, shapes = build_layers(document, inputs, entries, batch)
    if spec.loss is not None:
        build_loss(built, shapes, spec.loss)
    update = _update(document, spec.update, built)
    values.read(spec.values or {}, built.names, built.computed)
    for samples in values.samples(built.sampled):
        built.settle(samples)
    if built.batch is not None and built.batch.number is None:
        values.refuse_samples(built.sampled, built.batch.text)
    find = _find(document, spec.find, built.names)
    values.document = shapes
    built.values |= values.check_shapes(built.names.shapes)
    document.problems.extend(shapes.problems)
    if document.problems:
        return None
    return Network(
        name=title,
        inputs=inputs,
        nodes=tuple(built.nodes),
        loss=built.loss_name,
        parameters=tuple(built.parameters),
        values=_without_rate(built.values, update),
        update=_with_rate(update, built.values),
        find=find or tuple(built.find),
        file=source.file,
        own_names=built.own_names,
        build=lambda: layer_program(built),
    )


def _input_shape(document: Document, word: str, shape: Sequence[int | str], sizes: Mapping[str, int | None]) -> Shape:
    """The shape of an input in numbers; a 1 stands for what is wrong, which is reported."""
    result: list[int] = []
    for position, axis in enumerate(shape):
        number = axis if isinstance(axis, int) else sizes.get(axis)
        if number is None:
            assert isinstance(axis, str)
            if axis in sizes:
                message = f"the size `{axis}` has no number: layers of symbolic sizes are not supported by this version"
                help: str | None = f"give it one, as in `sizes: {{{axis}: 3}}`"
            else:
                help = did_you_mean(axis, sizes)
                message = f"`input`: expected a size, got `{shown(axis)}`"
            document.report(("input", word, position), message, help)
            number = 1
        result.append(number)
    return tuple(result)


def _equations(document: Document, spec: NetFile, values: Values, title: str, source: Source) -> Network | None:
    from backcalc.net.equations import loss_name, read_program

    for key in ("layers", "input", "batch"):
        if isinstance(document.data, dict) and key in document.data:
            document.report((key,), f"a file has `equations` or `{key}`, not both", key=True)
    loss = loss_name(document, spec.loss)
    given = {name(word): shape_of(value) for word, value in (spec.values or {}).items() if _is_name(word)}
    known = {word: shape for word, shape in given.items() if shape}
    read = read_program(document, spec, known, loss) if spec.equations is not None else None
    built = Built(document, {})
    if read is None:
        _update(document, spec.update, built)
        return None
    program, parameters = read
    for word in program.shapes:
        built.names.shapes[word] = program.shape(word)
    computed = dict.fromkeys(program.by_name, "an equation defines it")
    computed |= dict.fromkeys(program.sizes, "it is a size; give its number in `sizes`")
    built.names.shapes |= {word: () for word in program.sizes if word not in built.names.shapes}
    update = _update(document, spec.update, built)
    values.read(spec.values or {}, built.names, computed)
    find = _find(document, spec.find, built.names)
    built.values = values.check_shapes(built.names.shapes)
    if document.problems:
        return None
    return Network(
        name=title,
        inputs={},
        nodes=(),
        loss=program.loss,
        parameters=parameters,
        values=_without_rate(built.values, update),
        update=_with_rate(update, built.values),
        find=find or parameters,
        file=source.file,
        own_names={},
        build=lambda: program,
    )


def _is_name(word: str) -> bool:
    try:
        return bool(name(word))
    except ValueError:
        return False


def _update(document: Document, raw: object, built: Built) -> Update:
    """`update`: a rule, alone or with its arguments. A rate that is a name may have a value."""
    kind, arguments = ("sgd", None) if raw is None else (raw, None) if isinstance(raw, str) else (None, None)
    path: tuple[str | int, ...] = ("update",)
    if isinstance(raw, dict) and len(raw) == 1:
        ((kind, arguments),) = raw.items()
        path = ("update", str(kind))
    if kind is None:
        document.report(path, f"expected one update rule, as `sgd: {{rate: 0.1}}`, got {described(raw)}")
    elif kind not in UPDATES:
        help = did_you_mean(kind, list(UPDATES), f"the update rules are {said([f'`{u}`' for u in UPDATES], 'and')}")
        document.report(path, f"unknown update rule `{shown(kind)}`", help, key=True)
    else:
        if arguments is not None and not isinstance(arguments, dict):
            arguments = {"rate": arguments}
        step, _ = validated(step_model(kind), arguments or {}, path, document, f"`{kind}`")
        if step is not None and isinstance(step.rate, Fraction):
            return Update(kind, step.rate, "eta", step.given(), step.flag())
        symbol = step.rate if step is not None and isinstance(step.rate, str) else "eta"
        built.names.shapes.setdefault(symbol, ())
        return Update(kind, None, symbol, *((step.given(), step.flag()) if step is not None else ()))
    built.names.loose.update(("eta", "rate"))
    return Update()


def _with_rate(update: Update, values: Mapping[str, Any]) -> Update:
    """The update with the number that `values` gives its rate."""
    rate = values.get(update.symbol) if update.rate is None else None
    return replace(update, rate=rate) if isinstance(rate, Fraction) else update


def _without_rate(values: Mapping[str, Any], update: Update) -> Mapping[str, Any]:
    return {word: value for word, value in values.items() if update.rate is not None or word != update.symbol}


def _find(document: Document, wanted: Sequence[str] | None, names: Names) -> tuple[str, ...]:
    """What `find` asks for, elements as `z[1]`; what is not there is reported."""
    found: dict[str, None] = {}
    for position, word in enumerate(wanted or ()):
        try:
            found.update(dict.fromkeys(resolve(word, names)))
        except NameFault as fault:
            document.report(("find", position), fault.message, fault.help)
    return tuple(found)


def find_names(network: Network, words: Sequence[str], label: str = "find") -> tuple[str, ...]:
    """The names and elements that words such as `w1..w6` or `z1` ask for in a network, elements written `z[1]`.

    Raises InputError with every word that stands for nothing; `label` is what its messages begin with.

    >>> find_names(load_network("equations: J = w1*w2"), ["w1..w2"])
    ('w1', 'w2')
    """
    program = network.program
    names = Names({name: program.shape(name) for name in program.shapes})
    found: dict[str, None] = {}
    problems: list[Problem] = []
    for word in words:
        try:
            found.update(dict.fromkeys(resolve(word, names)))
        except NameFault as fault:
            problems.append(Problem(label, 0, 0, 0, "", fault.message, fault.help))
    if problems:
        raise InputError(problems)
    return tuple(found)


def resolve(word: str, names: Names) -> tuple[str, ...]:
    """The names and elements that `w1`, `z[1]`, `w1..w6` or `dJ/dw1` ask for. Raises NameFault."""
    plain = word.strip().replace("∂", "d")
    if plain.startswith(("d^2", "d²")):
        raise NameFault("second derivatives are not supported by this version")
    if "/" in plain:
        above, _, below = plain.partition("/")
        if not (above[:1] == "d" and below[:1] == "d"):
            raise NameFault(f"expected a name, an element or a range of names, got `{shown(word)}`")
        if names.shapes.get(above[1:]) != ():
            raise NameFault("Jacobians are not supported by this version", "name what the loss is differentiated by")
        plain = below[1:]
    return tuple(str(place) for place in names.places(plain))
