"""What stands at the top of a derivation's text: its conventions, and every symbol with its shape and meaning."""

from __future__ import annotations

import re
from collections.abc import Iterator

from backcalc.derive.derivation import Derivation
from backcalc.formula.functions import FUNCTIONS
from backcalc.formula.names import lettered
from backcalc.formula.print_unicode import to_unicode
from backcalc.formula.tree import Call, Expr, Reduce, Ref, walk
from backcalc.net.network import Node
from backcalc.render.layout import heading, paragraph
from backcalc.render.symbols import symbols
from backcalc.render.values import without_means_of_one

_WORD = re.compile(r"(?<![\w′])[A-Za-z]\w*(?![\w(])")
MOST_TOGETHER = 12  # names of one meaning that are listed one by one


def chain(derivation: Derivation) -> str:
    """The layers one behind the other, with the shapes of their outputs: `x (3) → dense z (1) → J`."""
    network = derivation.network
    found = [f"{name} {_shape(shape)}" for name, shape in network.inputs.items()]
    found += [_layer(node) for node in network.nodes]
    return " → ".join([*found, *([] if network.given else [derivation.loss])])


def _layer(node: Node) -> str:
    named = node.name if node.name.startswith(node.layer.kind) else f"{node.layer.kind} {node.name}"
    return f"{named} {_shape(node.output_shape)}"


def _shape(shape: tuple[int, ...]) -> str:
    return "(" + "×".join(map(str, shape)) + ")"


def conventions(derivation: Derivation, written: list[str]) -> str:
    """What the reader has to know to read what is written, and nothing else."""
    network, program = derivation.network, derivation.program
    calls = {node.function for e in program.equations for node in walk(e.body) if isinstance(node, Call)}
    text = "\n".join(written)
    said = [f"the loss with all its factors is {loss}"] if (loss := _loss(derivation)) else []
    matrix = derivation.view == "matrix"  # which has a section of its own on layout
    if any(node.layer.kind == "dense" for node in network.nodes) and not matrix:
        said.append("rows of a weight matrix are output units, z = W·x + b")
    if derivation.view == "index":
        said.append("indices count from 1")
    if program.padded:
        said.append(
            f"outside of its range {' and '.join(to_unicode(Ref(name)) for name in sorted(program.padded))} is 0"
        )
    if "log" in calls:
        said.append("log is the natural logarithm")
    if re.search("σ[(⎛⎜⎝]", text):
        said.append("σ(u) = 1/(1 + exp(−u))")
    if re.search(r"\[[^\[\]]* [=≠<>≤≥] ", text):
        said.append("[condition] is 1 where it holds and 0 elsewhere")
    extremes = {node.operation for e in program.equations for node in walk(e.body) if isinstance(node, Reduce)}
    if (extremes | calls) & {"max", "min"}:
        said.append("of several that are largest or smallest the first is taken")
    said += [_kink(function) for function in FUNCTIONS if function in calls and "kink" in FUNCTIONS[function].domain]
    return f"Conventions: {'; '.join(said)}." if said else ""


def _loss(derivation: Derivation) -> str:
    """The loss as it was meant, with its 1/2 and 1/N; nothing where there is none."""
    network, by_name = derivation.network, derivation.program.by_name
    if network.loss is None or network.loss not in by_name or network.given:
        return ""
    item = by_name[network.loss]
    body = to_unicode(without_means_of_one(item.body), scalar_names=derivation.view == "scalar")
    return f"{to_unicode(item.left)} = {body}"


def _kink(function: str) -> str:
    """What is taken as the slope where a function has a kink."""
    where, _, slope = FUNCTIONS[function].domain.partition(": derivative ")
    place = where.removeprefix("kinks at ").removeprefix("kink at ")
    return f"the derivative of {function} at {place} is taken as {slope or 0}"


def symbol_lines(derivation: Derivation, width: int) -> Iterator[str]:
    """A line for all symbols of one shape and meaning: `W_z (2×2): weights of dense z`, a number without a shape."""
    groups: dict[tuple[str, str], list[str]] = {}
    for symbol in symbols(derivation):
        shape = f" ({'×'.join(map(to_unicode, symbol.shape))})" if symbol.shape else ""
        groups.setdefault((symbol.meaning, shape), []).append(to_unicode(Ref(symbol.name)))
    yield from heading("Symbols")
    for (meaning, shape), names in groups.items():
        listed = names if len(names) <= MOST_TOGETHER else [*names[:3], "…", names[-1]]
        yield from paragraph(f"{', '.join(listed)}{shape}: {meaning}", 2, width)
    yield ""


def in_letters(sentence: str, derivation: Derivation) -> str:
    """A sentence with the names in it as they are printed elsewhere, `γ_v` for `gamma_v`."""
    known = {*derivation.program.shapes, *derivation.program.sizes}
    return _WORD.sub(lambda word: lettered(word[0]) if word[0] in known else word[0], sentence)


def without_value(derivation: Derivation, name: str) -> str:
    """Why a quantity has no value, as a sentence; nothing where it has one, or letters are open."""
    reason = next((failure.reason for failure in derivation.failures if failure.name == name), "")
    return f"It has no value: {reason.replace('-', '−')}." if reason else ""


def accented(expr: Expr) -> str:
    """A name of an update rule, v̂ with its hat over it."""
    return to_unicode(expr).replace("vhat", "v̂")
