"""`given: {dJ/dy: G}`: upstream gradients to start from, instead of a loss.

A network whose gradient ∂J/∂y = G is given has the same derivatives as one with the loss `J = sum(i, G[i]*y[i])`, in
which G is a constant; so this is the equation that is added. Several entries add up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from backcalc.layers.base import fresh_indices
from backcalc.net.errors import did_you_mean, said
from backcalc.net.load import Document, Path
from backcalc.net.spec import described, name, shown
from backcalc.net.values import Values

if TYPE_CHECKING:
    from backcalc.formula.source import SourceEquation
    from backcalc.formula.tree import Expr
    from backcalc.net.build import Built


@dataclass(frozen=True, slots=True)
class Given:
    """∂loss/∂of is the array `gradient`, whose numbers stand at `path` where `numbers` is true."""

    loss: str
    of: str
    gradient: str
    path: Path
    numbers: bool


def read_given(document: Document, raw: Mapping[str, Any] | None) -> tuple[Given, ...]:
    """The entries of `given`; what cannot be read, and a loss beside them, is reported."""
    if raw is None:
        return ()
    if isinstance(document.data, dict):
        for key in [key for key in ("loss", "penalty") if document.data.get(key) is not None]:
            message = f"a file has `{key}` or `given`, not both"
            document.report((key,), message, "`given` starts from a gradient instead of a loss", key=True)
            return ()
    if not raw:
        document.report(("given",), "there are no gradients", "write `given: {dJ/dy: G}`", key=True)
    found: list[Given] = []
    for word, value in raw.items():
        path: Path = ("given", word)
        entry = _entry(document, word, value, path)
        if entry is None:
            continue
        if found and entry.loss != found[0].loss:
            message = f"`{shown(word)}` is of `{entry.loss}`, but the first gradient is of `{found[0].loss}`"
            document.report(path, message, "all given gradients are of one loss", key=True)
        elif any(entry.of == other.of for other in found):
            document.report(path, f"the gradient of `{entry.of}` is given already", "keep one of the two", key=True)
        else:
            found.append(entry)
    return tuple(found)


def _entry(document: Document, word: str, value: object, path: Path) -> Given | None:
    above, _, below = word.strip().replace("\\partial", "d").replace("∂", "d").partition("/")
    above, below = above.strip(), below.strip()
    try:
        if not (above[:1] == "d" and below[:1] == "d"):
            raise ValueError
        loss, of = name(above[1:].strip()), name(below[1:].strip())
    except ValueError:
        help = "give the gradient of a whole array" if "[" in below else "it stands for the gradient of y"
        document.report(path, f"expected a derivative, as `dJ/dy`, got `{shown(word)}`", help, key=True)
        return None
    if not isinstance(value, str):
        if value is None or isinstance(value, dict | bool):
            message = f"expected a name, a number or a list of numbers, got {described(value)}"
            document.report(path, message, f"`{shown(word)}: G` names the gradient")
            return None
        return Given(loss, of, f"G_{of}", path, True)
    try:
        return Given(loss, of, name(value), path, False)
    except ValueError as error:
        document.report(path, f"`{shown(word)}`: {error}, got {described(value)}")
        return None


def build_given(built: Built, given: tuple[Given, ...]) -> None:
    """Joins the gradients to the layers: each is an array like the one that it is the gradient of."""
    document = built.document
    for entry in given:
        if entry.of not in built.names.shapes:
            if not built.names.loose:
                _report_unknown(document, entry, list(built.computed))
        elif entry.of not in built.computed or entry.of in built.own_names:
            what = built.what.get(entry.of, ("no output", ()))[0]
            message = f"`{entry.of}` is {what}: the gradient of what a layer computes is given"
            document.report(entry.path, message, key=True)
        elif built.define(entry.gradient, "a given gradient", entry.path, built.names.shapes[entry.of]):
            if entry.of in built.sampled:
                built.sample(entry.gradient, built.sampled[entry.of])
            built.given.append(entry)
    if given and built.define(given[0].loss, "what the given gradients are of", given[0].path, ()):
        built.computed[given[0].loss] = "its gradient is given"
        built.loss_name = given[0].loss


def _report_unknown(document: Document, entry: Given, known: list[str]) -> None:
    named = said([f"`{word}`" for word in known[-8:]]) if known else ""
    help = did_you_mean(entry.of, known, f"the gradient of {named} can be given" if named else None)
    document.report(entry.path, f"unknown name `{shown(entry.of)}`", help, key=True)


def check_given(document: Document, given: tuple[Given, ...], defined: Mapping[str, int], known: set[str]) -> None:
    """Reports what is wrong with the gradients in a file of equations, of which `defined` are the left sides."""
    for entry in given:
        if entry.of not in defined:
            if entry.of in known:
                message = f"`{entry.of}` is not computed: no equation defines it"
                document.report(entry.path, message, "the gradient of what an equation computes is given", key=True)
            else:
                _report_unknown(document, entry, list(defined))
        elif entry.gradient in defined:
            document.report(entry.path, f"`{entry.gradient}` is defined by an equation", "name it otherwise")
    if given and given[0].loss in defined:
        message = f"`{given[0].loss}` is defined by an equation, so its gradient cannot be given"
        help = f"remove the equation, or differentiate it with `loss: {given[0].loss}`"
        document.report(given[0].path, message, help, key=True)


def given_values(values: Values, given: tuple[Given, ...], raw: Mapping[str, Any]) -> None:
    """Takes the gradients that are given in numbers."""
    for entry in given:
        if entry.numbers:
            values.take(entry.gradient, raw[str(entry.path[-1])], entry.path)


def given_equation(
    given: tuple[Given, ...], ranks: Mapping[str, int], samples: Mapping[str, str] | None = None
) -> SourceEquation:
    """The equation whose derivatives are the given ones: `J = sum(i, G[i]*y[i])`.

    `ranks` counts the axes of arrays, `samples` are the indices of the samples of those that have some.

    >>> from backcalc.formula.print_text import to_text
    >>> entries = Given("J", "y", "G", (), False), Given("J", "c", "g", (), False)
    >>> to_text(given_equation(entries, {"y": 2, "c": 0}).right)
    'sum(i, sum(j, G[i,j]*y[i,j])) + g*c'
    """
    from backcalc.formula.source import SourceEquation
    from backcalc.formula.tree import Add, Ref

    terms = tuple(_term(entry, ranks[entry.of], (samples or {}).get(entry.of)) for entry in given)
    return SourceEquation(Ref(given[0].loss), terms[0] if len(terms) == 1 else Add(terms))


def _term(entry: Given, rank: int, sample: str | None) -> Expr:
    from backcalc.formula.tree import Mul, Reduce, Ref

    first = [sample] if sample is not None else []
    axes = [*first, *fresh_indices("i j k l m p q", entry.of, entry.gradient)[: rank - len(first)]]
    places = tuple(Ref(axis) for axis in axes)
    body: Expr = Mul((Ref(entry.gradient, places), Ref(entry.of, places)))
    for axis in reversed(axes):
        body = Reduce("sum", axis, None, None, None, body)
    return body
