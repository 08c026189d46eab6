"""`load_network`: from a path, a text, a mapping or a built-in name to a checked network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backcalc.formula.size import Size
from backcalc.layers import Shape
from backcalc.net.asked import read_asked
from backcalc.net.assemble import layer_program
from backcalc.net.batch import read_batch
from backcalc.net.build import Built, build_layers
from backcalc.net.draw import Random, draw, read_random
from backcalc.net.errors import InputError, Problem, did_you_mean
from backcalc.net.given import build_given, given_values, read_given
from backcalc.net.layerlist import read_layers
from backcalc.net.load import Document, TooManyProblems, read_document
from backcalc.net.loss import build_loss
from backcalc.net.names import NameFault, Names
from backcalc.net.nested import shape_of
from backcalc.net.network import Drawn, Network
from backcalc.net.penalty import build_penalty
from backcalc.net.rule import check_steps, read_update, with_rate, without_rate
from backcalc.net.sizes import computed, put_in
from backcalc.net.spec import NetFile, described, name, shown, validated
from backcalc.net.text import Source, source_of
from backcalc.net.values import Values

if TYPE_CHECKING:
    from backcalc.formula.program import Program


def load_network(
    source: str | Path | Mapping[str, Any],
    *,
    label: str | None = None,
    at: Mapping[str, int | None] | None = None,
    folder: Path | None = None,
) -> Network:
    """Reads and checks a network.

    `source` is a path, a text in YAML, a mapping as the file would hold it, or the name of a built-in network; `label`
    is what errors call it instead of a path; `at` gives numbers for its `sizes`, None for a letter; `folder` is where
    files of `values` stand, by default beside the path. Raises InputError with every problem that was found.

    >>> network = load_network("input: {x: 2}\\nlayers: [dense: {name: z, units: 1}]\\nloss: mse")
    >>> network.nodes[0].output_shape, network.parameters
    ((1,), ('W_z', 'b_z'))
    """
    read = source_of(source, label)
    read = read if folder is None else replace(read, folder=folder)
    document = read_document(read.text, read.label)
    if at:
        put_in(document, at)
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
        if value is None and key in ("layers", "equations"):
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
    known = {word: Size.letter(word) if number is None else number for word, number in sizes.items()}
    inputs = {word: _input_shape(document, word, shape, known) for word, shape in (spec.input or {}).items()}
    entries = read_layers(document, spec.layers or [], known, inputs)
    batch = None if spec.batch is None else read_batch(document, spec.batch, sizes)
    built, shapes = build_layers(document, inputs, entries, batch)
    built.letters = tuple(word for word, number in sizes.items() if number is None)
    _choose_output(built, spec.output)
    if spec.loss is not None:
        build_loss(built, shapes, spec.loss)
    given = read_given(document, spec.given)
    build_given(built, given)
    if spec.penalty is not None:
        build_penalty(built, spec.penalty)
    random = read_random(document, spec.random)
    update = read_update(document, spec, built, built.parameters)
    values.read(spec.values or {}, built.names, built.computed)
    given_values(values, given, spec.given or {})
    for samples in values.samples(built.sampled):
        built.settle(samples)
    if built.batch is not None and built.batch.number is None:
        values.refuse_samples(built.sampled, built.batch.text)
    find = _find(document, spec.find, built.names, built.loss_name)
    values.document, values.completed = shapes, random is not None
    built.values |= values.check_shapes(built.names.shapes)
    document.problems.extend(shapes.problems)
    if document.problems:
        return None
    program, drawn = _drawn(document, random, lambda: layer_program(built), built, values)
    network = Network(
        name=title,
        inputs=inputs,
        nodes=tuple(built.nodes),
        loss=built.loss_name,
        parameters=tuple(built.parameters),
        values=without_rate(built.values, update),
        update=with_rate(update, built.values),
        find=find or tuple(built.find),
        file=source.file,
        own_names=built.own_names,
        build=program,
        given={entry.of: entry.gradient for entry in built.given},
        drawn=drawn,
        output=built.output,
        criterion=built.criterion,
        penalty=built.penalty,
    )
    check_steps(document, network)
    return network


def _choose_output(built: Built, output: str | None) -> None:
    """Takes the layer that the file names as the output; what is no layer is reported."""
    if output in built.by_name:
        built.output = output
    elif output is not None and output not in built.names.loose:
        help = did_you_mean(output, built.by_name, "name the layer that is the network's output")
        built.document.report(("output",), f"there is no layer `{shown(output)}`", help)


def _drawn(
    document: Document, random: Random | None, build: Callable[[], Program], built: Built, values: Values
) -> tuple[Callable[[], Program], Drawn | None]:
    """How the program is built, after drawing the values that it misses where the file says so."""
    if random is None:
        return build, None
    program = build()
    elements = {
        name: {place: number for place, (_, number) in found.items()} for name, found in values.elements.items()
    }
    drawn_values, drawn = draw(document, random, program, built, elements)
    built.values |= drawn_values
    return lambda: program, drawn


def _input_shape(document: Document, word: str, shape: Sequence[int | str], sizes: Mapping[str, int]) -> Shape:
    """The shape of an input; a 1 stands for what is wrong, which is reported."""
    result: list[int] = []
    for position, axis in enumerate(shape):
        number = axis if isinstance(axis, int) else sizes.get(axis) or computed(axis, sizes)
        if number is None or number < 1:
            assert isinstance(axis, str)
            message = f"`input`: expected a size, got `{shown(axis)}`"
            document.report(("input", word, position), message, did_you_mean(axis, sizes))
            number = 1
        result.append(number)
    return tuple(result)


def _equations(document: Document, spec: NetFile, values: Values, title: str, source: Source) -> Network | None:
    from backcalc.net.equations import loss_name, read_program

    for key in ("layers", "input", "batch"):
        if isinstance(document.data, dict) and key in document.data:
            document.report((key,), f"a file has `equations` or `{key}`, not both", key=True)
    if spec.penalty is not None:
        help = "write it into the loss, as in `J = … + lambda*sum(i, sum(j, W[i,j]^2))`"
        document.report(("penalty",), "`penalty` belongs to layers, but this file has equations", help, key=True)
    given = read_given(document, spec.given)
    loss = loss_name(document, spec.loss)
    numbers = {name(word): value for word, value in (spec.values or {}).items() if _is_name(word)}
    numbers |= {entry.gradient: (spec.given or {})[str(entry.path[-1])] for entry in given if entry.numbers}
    known = {word: shape for word, value in numbers.items() if (shape := shape_of(value))}
    read = read_program(document, spec, known, loss, given) if spec.equations is not None else None
    built = Built(document, {})
    random = read_random(document, spec.random)
    if read is None:
        read_update(document, spec, built, ())
        return None
    program, parameters = read
    for word in program.shapes:
        built.names.shapes[word] = program.shape(word)
    computed = dict.fromkeys(program.by_name, "an equation defines it")
    computed |= dict.fromkeys(program.sizes, "it is a size; give its number in `sizes`")
    built.names.shapes |= {word: () for word in program.sizes if word not in built.names.shapes}
    update = read_update(document, spec, built, parameters)
    values.read(spec.values or {}, built.names, computed)
    given_values(values, given, spec.given or {})
    values.completed = random is not None
    find = _find(document, spec.find, built.names, program.loss)
    built.values = values.check_shapes(built.names.shapes)
    if document.problems:
        return None
    build, drawn = _drawn(document, random, lambda: program, built, values)
    network = Network(
        name=title,
        inputs={},
        nodes=(),
        loss=program.loss,
        parameters=parameters,
        values=without_rate(built.values, update),
        update=with_rate(update, built.values),
        find=find or parameters,
        file=source.file,
        own_names={},
        build=build,
        given={entry.of: entry.gradient for entry in given},
        drawn=drawn,
    )
    check_steps(document, network)
    return network


def _is_name(word: str) -> bool:
    try:
        return bool(name(word))
    except ValueError:
        return False


def _find(document: Document, wanted: Sequence[str] | None, names: Names, loss: str | None) -> tuple[str, ...]:
    """What `find` asks for, elements as `z[1]`; what is not there is reported."""
    found: dict[str, None] = {}
    for position, word in enumerate(wanted or ()):
        try:
            found.update(dict.fromkeys(map(str, read_asked(word, names, loss))))
        except NameFault as fault:
            document.report(("find", position), fault.message, fault.help)
    return tuple(found)


def find_names(network: Network, words: Sequence[str], label: str = "find") -> tuple[str, ...]:
    """What words such as `w1..w6`, `z1` or `dy/dx` ask for in a network, each in its one spelling, as `z[1]`.

    Raises InputError with every word that stands for nothing; `label` is what its messages begin with.

    >>> find_names(load_network("equations: J = w1*w2"), ["w1..w2"])
    ('w1', 'w2')
    """
    names = names_of(network.program)
    found: dict[str, None] = {}
    problems: list[Problem] = []
    for word in words:
        try:
            found.update(dict.fromkeys(map(str, read_asked(word, names, network.loss))))
        except NameFault as fault:
            problems.append(Problem(label, 0, 0, 0, "", fault.message, fault.help))
    if problems:
        raise InputError(problems)
    return tuple(found)


def names_of(program: Program) -> Names:
    """The names of a program with their shapes."""
    return Names({name: program.shape(name) for name in program.shapes})
