"""`update` of a file: the rule, its rate, the number of steps, and the state that it starts from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from backcalc.layers import Shape
from backcalc.layers.fields import Nested
from backcalc.net.build import Built
from backcalc.net.errors import did_you_mean, said
from backcalc.net.load import Document, Path
from backcalc.net.names import Names
from backcalc.net.network import Network, Update
from backcalc.net.spec import NetFile, described, shown, step_model, validated
from backcalc.net.update import UPDATES
from backcalc.net.values import Values

BESIDES = ("steps", "state")
"""Arguments of every rule, which may stand beside it or beside `update` too."""

MOST_NAMED = 6

MOST_MADE = 10_000
"""So many steps may have been made before: Adam takes powers of its arguments to that number."""


def read_update(document: Document, spec: NetFile, built: Built, parameters: Sequence[str]) -> Update:
    """The update rule of a file, by default gradient descent with the symbol η; what is wrong is reported."""
    kind, arguments, path = _parts(document, spec.update)
    if kind is None:
        built.names.loose.update(("eta", "rate"))
        return Update()
    step, _ = validated(step_model(kind), _with_besides(document, spec, arguments), path, document, f"`{kind}`")
    if step is None:
        built.names.loose.update(("eta", "rate"))
        return Update(kind)
    update = Update(kind, None, "eta", step.given(), step.flag(), step.steps)
    if step.state is not None:
        place = next(place for place in _places(document, path, "state") if place in document.keys)
        update = _from_state(document, update, step.state, place, _state_shapes(update, built, parameters))
    if isinstance(step.rate, Fraction):
        return replace(update, rate=step.rate)
    symbol = step.rate if isinstance(step.rate, str) else "eta"
    built.names.shapes.setdefault(symbol, ())
    return replace(update, symbol=symbol)


def _parts(document: Document, raw: object) -> tuple[str | None, dict[str, Any], Path]:
    """The kind of the rule, its arguments and its place; None where it cannot be read, which is reported."""
    if raw is None:
        return "sgd", {}, ("update",)
    kind, arguments = (raw, None) if isinstance(raw, str) else (None, None)
    path: Path = ("update",)
    beside: dict[str, Any] = {}
    if isinstance(raw, dict):
        beside = {word: raw[word] for word in BESIDES if word in raw}
        rules = [word for word in raw if word not in BESIDES]
        if len(rules) == 1:
            kind, arguments = rules[0], raw[rules[0]]
            path = ("update", kind)
    if kind is None:
        document.report(path, f"expected one update rule, as `sgd: {{rate: 0.1}}`, got {described(raw)}")
    elif kind not in UPDATES:
        help = did_you_mean(kind, list(UPDATES), f"the update rules are {said([f'`{u}`' for u in UPDATES], 'and')}")
        document.report(path, f"unknown update rule `{shown(kind)}`", help, key=True)
    else:
        inner: dict[str, Any] = {} if arguments is None else {"rate": arguments}
        inner = arguments if isinstance(arguments, dict) else inner
        for word in [word for word in beside if word in inner]:
            document.report(("update", word), f"`{word}` is given twice", "keep one of the two", key=True)
        return kind, {**beside, **inner}, path
    return None, {}, path


def _with_besides(document: Document, spec: NetFile, arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments with those that stand beside `update`."""
    outer = {word: value for word in BESIDES if (value := getattr(spec, word)) is not None}
    for word in [word for word in outer if word in arguments]:
        document.report((word,), f"`{word}` is given twice", "keep one of the two", key=True)
    return {**outer, **arguments}


def _places(document: Document, path: Path, word: str) -> tuple[Path, ...]:
    """Where an argument may stand, the likeliest place first."""
    return (*path, word), ("update", word), (word,)


def _state_shapes(update: Update, built: Built, parameters: Sequence[str]) -> dict[str, Shape | None]:
    """The names of what the rule remembers, with their shapes: those of the parameters."""
    names: dict[str, Shape | None] = {"k": ()}
    for remembered in UPDATES[update.kind].state:
        names |= {f"{remembered}_{parameter}": built.names.shapes.get(parameter) for parameter in parameters}
    return names


def _from_state(
    document: Document, update: Update, raw: Mapping[str, Any], path: Path, shapes: dict[str, Shape | None]
) -> Update:
    """The update that starts from the state in the file; what is wrong with it is reported."""
    if not UPDATES[update.kind].state:
        message = f"`{update.kind}` remembers nothing from step to step, so there is no state to start from"
        document.report(path, message, "`momentum` and `adam` have one", key=True)
        return update
    values = Values(document, None, path)
    values.read(raw, Names(shapes), {"file": "a state is written out"})
    state: dict[str, Nested] = values.check_shapes(shapes)
    made = state.pop("k", Fraction(0))
    if not isinstance(made, Fraction) or made.denominator != 1 or not 0 <= made <= MOST_MADE:
        message = f"`k` is the number of steps made before, from 0 to {MOST_MADE}, but is {shown(made)}"
        document.report((*path, "k"), message)
        made = Fraction(0)
    return replace(update, state=state, made=made.numerator)


def with_rate(update: Update, values: Mapping[str, Nested]) -> Update:
    """The update with the number that `values` gives its rate."""
    rate = values.get(update.symbol) if update.rate is None else None
    return replace(update, rate=rate) if isinstance(rate, Fraction) else update


def without_rate(values: Mapping[str, Nested], update: Update) -> Mapping[str, Nested]:
    """The values but for that of the rate, which is no number of the network."""
    return {word: value for word, value in values.items() if update.rate is not None or word != update.symbol}


def check_steps(document: Document, network: Network) -> None:
    """Reports what has no value although `steps` computes with numbers."""
    update = network.update
    if update.steps is None:
        return
    place = next((p for p in _places(document, ("update", update.kind), "steps") if p in document.keys), ("update",))
    program = network.program
    read = {ref.name for equation in program.equations for ref in equation.reads()}
    missing = [name for name, size in program.sizes.items() if size is None]
    missing += [name for name in program.leaves if name in read and name not in network.values]
    missing += [update.symbol] if update.rate is None else []
    if network.loss is None:
        document.report(place, "`steps` needs a loss to descend", "add one, as in `loss: {sse: {}}`", key=True)
    elif missing:
        more = f" and {len(missing) - MOST_NAMED} more" if len(missing) > MOST_NAMED else ""
        named = [f"`{name}`" for name in missing[:MOST_NAMED]]
        who = f"{', '.join(named)}{more}" if more else said(named, "and")
        has = "has none" if len(missing) == 1 else "have none"
        help = "give it in `values`, or let `random: {seed: 0}` draw what is missing"
        sizes = any(program.sizes.get(name, 1) is None for name in missing)
        help = "give sizes in `sizes`, numbers in `values`" if sizes else help
        help = f"give the rate, as in `{update.kind}: {{rate: 0.1}}`" if missing == [update.symbol] else help
        document.report(place, f"a value is needed for `steps: {update.steps}`, but {who} {has}", help, key=True)
