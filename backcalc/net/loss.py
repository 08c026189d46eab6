"""The loss of a network: read, joined to the last layer, and over a batch to the targets of its samples."""

from __future__ import annotations

from fractions import Fraction
from math import prod
from typing import Any, cast

from backcalc.layers import LOSSES, Loss, LossEquation, ShapeError, Target
from backcalc.layers.base import show_shape
from backcalc.layers.fields import Nested
from backcalc.net.build import Built, chain
from backcalc.net.errors import did_you_mean, said
from backcalc.net.load import Document, Path
from backcalc.net.nested import LARGEST_ARRAY, fits, flat, folded, shape_of
from backcalc.net.spec import described, name, shown, validated


def build_loss(built: Built, shapes: Document, raw: object) -> None:
    """Reads `loss` and joins it to the last layer."""
    document = built.document
    kind, arguments, path = _loss_parts(document, raw)
    if kind is None:
        return
    if kind not in LOSSES:
        help = did_you_mean(kind, list(LOSSES), f"the losses are {said(list(LOSSES), 'and')}")
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
    last = built.last
    kind = type(loss).kind
    place = (*path, loss.main) if loss.main and (*path, loss.main) in built.document.values else path
    if isinstance(loss.target, Fraction) and prod(last.output_shape) > LARGEST_ARRAY:
        message = f"the output `{last.name}` {show_shape(last.output_shape)} is too large for a target in numbers"
        shapes.report(place, f"loss `{kind}`: {message}")
        return
    try:
        equation, per_sample = _equation(built, loss)
    except ShapeError as error:
        note = f"the shapes on the way: {chain(built, last.name)} → {loss.name}"
        shapes.report(place, f"loss `{kind}`: {error.message}", error.hint, note=note)
        return
    built.loss, built.criterion = equation, loss
    built.joins_by_mean, built.target_is = loss.over == "mean", loss.target_is
    target = equation.target
    if target is None:
        return
    if target.values is None and target.name in built.what:
        have = built.sampled.get(target.name, built.names.shapes[target.name])
        if have != target.shape and have is not None:
            message = f"the target `{target.name}` has the shape {show_shape(have)}, but {show_shape(target.shape)}"
            shapes.report(place, f"loss `{kind}`: {message} is needed")
        elif place == path and target.name in {node.name for node in built.nodes}:
            message = f"its target would be called `{target.name}`, which is the name of a layer"
            help = "name one, as in `target: d`, or call the layer otherwise"
            shapes.report(place, f"loss `{kind}`: {message}", help)
    elif built.define(target.name, "the target", place, target.shape):
        if per_sample:
            built.sample(target.name, target.shape)
        if target.values is not None:
            built.values[target.name] = target.values
            built.computed[target.name] = "the loss gives its target"


def _equation(built: Built, loss: Loss) -> tuple[LossEquation, bool]:
    """The loss of one sample, and whether every sample has a target of its own.

    A target in numbers has one sample's shape, and is then the target of all samples, or the samples as its first
    axis. A name has a value for every sample, unless `values` gives it one sample's. Raises ShapeError.
    """
    output, shape = built.last.name, built.last.output_shape
    if built.batch is None:
        return loss.equation(output, shape), True
    if isinstance(loss.target, str):
        equation = loss.equation(output, shape)
        return equation, equation.target is not None and not _is_of_one_sample(built, equation.target)
    named = loss.model_copy(update={"target": "t"})
    needed = named.equation(output, shape).target
    if isinstance(loss.target, tuple) and needed is not None:
        wanted = (len(loss.target), *needed.shape)
        given = shape_of(loss.target)
        if given is not None and given != needed.shape and fits(given, wanted):
            return _per_sample(built, loss, named, needed, wanted), True
    return loss.equation(output, shape), False


def _is_of_one_sample(built: Built, target: Target) -> bool:
    data = built.document.data
    values = data.get("values") if isinstance(data, dict) else None
    if not isinstance(values, dict) or target.name not in values:
        return False
    return shape_of(values[target.name]) in ((), target.shape)


def _per_sample(built: Built, loss: Loss, named: Loss, needed: Target, wanted: tuple[int, ...]) -> LossEquation:
    """The loss whose target is given in numbers for every sample."""
    output, shape = built.last.name, built.last.output_shape
    built.settle(wanted[0])
    assert built.batch is not None
    if built.batch.number != wanted[0]:
        message = f"the target has {wanted[0]} samples, but the batch has {built.batch.number}"
        raise ShapeError(message)
    values = list(flat(loss.target))
    if not needed.shape:
        for value in values:  # a number each: a class must be one of the outputs
            loss.model_copy(update={"target": value}).equation(output, shape)
    return LossEquation(
        named.equation(output, shape).line, Target("t", needed.shape, cast(Nested, folded(values, wanted)))
    )
