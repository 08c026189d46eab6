"""The keys of net.yaml and what may stand in them, as pydantic models, and their errors in our words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from fractions import Fraction
from functools import lru_cache
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from backcalc.formula.names import spelled
from backcalc.layers.fields import Exact, Read, exact, whole
from backcalc.net.errors import did_you_mean, printable, said
from backcalc.net.load import Document, Path, Plain
from backcalc.net.update import UPDATES

LARGEST_SIZE = 1_000_000_000
MOST_LAYERS = 10_000
MOST_STEPS = 1_000

Model = TypeVar("Model", bound=BaseModel)

_NAME = re.compile(r"[^\W\d_]\w*")


_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def name(value: object) -> str:
    """A name as it is held inside: `γ` and `\\gamma` are `gamma`. Raises ValueError.

    >>> name("γ₁"), name("W_q")
    ('gamma1', 'W_q')
    """
    if not isinstance(value, str):
        raise ValueError("expected a name")
    plain = spelled(value.strip().removeprefix("\\")) if len(value) <= 100 else ""
    if not _NAME.fullmatch(plain):
        raise ValueError("expected a name: letters, digits and `_`, a letter first, at most 100 of them")
    return plain


def _axis(value: object) -> int:
    try:
        size = whole(value)
    except ValueError:
        size = 0
    if not 1 <= size <= LARGEST_SIZE:
        raise ValueError(f"expected a whole number from 1 to {LARGEST_SIZE}")
    return size


def _shape(value: object) -> tuple[int | str, ...]:
    items = value if isinstance(value, list | tuple) else [value]
    if not items or len(items) > 8:
        raise ValueError("expected a size, or a list of 1 to 8 sizes")
    return tuple(item if isinstance(item, str) else _axis(item) for item in items)


def _axes(value: object) -> tuple[int | str, ...]:
    if not isinstance(value, list | tuple):
        raise ValueError("expected a list of sizes, one per axis, [] for a scalar")
    return _shape(value) if value else ()


def _steps(value: object) -> int:
    try:
        count = whole(value)
    except ValueError:
        count = 0
    if not 1 <= count <= MOST_STEPS:
        raise ValueError(f"expected a whole number from 1 to {MOST_STEPS}")
    return count


def _text(value: object) -> str:
    if isinstance(value, str) and value.strip():
        return value
    raise ValueError("expected a text")


def _title(value: object) -> str:
    """A text for people: no character in it that moves the cursor or colours what follows."""
    text = _text(value)
    if odd := _CONTROL.search(text.strip()):
        raise ValueError(f"the control character U+{ord(odd[0]):04X} is not allowed here")
    return text


def _wanted(value: object) -> str:
    if isinstance(value, str) and value.strip():
        return value
    raise ValueError("expected a name, an element as `z[1]`, or a range as `w1..w6`")


def _rate(value: object) -> Fraction | str:
    with suppress(ValueError):
        return exact(value)
    if isinstance(value, str):
        return name(value)
    raise ValueError("expected a number or a name")


_SIZE_SCHEMA: dict[str, Any] = {
    "anyOf": [{"type": "integer", "minimum": 1, "maximum": LARGEST_SIZE}, {"type": "string"}]
}
_SHAPE_SCHEMA: dict[str, Any] = {"anyOf": [*_SIZE_SCHEMA["anyOf"], {"type": "array", "items": _SIZE_SCHEMA}]}

Name = Annotated[str, Read(name, {"type": "string"})]
Text = Annotated[str, Read(_text, {"type": "string"})]
Title = Annotated[str, Read(_title, {"type": "string"})]
Wanted = Annotated[str, Read(_wanted, {"type": "string"})]
Size = Annotated[int, Read(_axis, {"type": "integer", "minimum": 1, "maximum": LARGEST_SIZE})]
InputShape = Annotated[tuple[int | str, ...], Read(_shape, _SHAPE_SCHEMA)]
Axes = Annotated[tuple[int | str, ...], Read(_axes, {"type": "array", "items": _SIZE_SCHEMA})]
Steps = Annotated[int, Read(_steps, {"type": "integer", "minimum": 1, "maximum": MOST_STEPS})]
Rate = Annotated[Fraction | str, Read(_rate, {"anyOf": [{"type": "number"}, {"type": "string"}]})]


class NetFile(BaseModel):
    """A network as layers, or a set of equations."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    name: Title | None = Field(None, description="what the network is called")
    input: dict[Name, InputShape] | None = Field(
        None, description="shapes of the inputs by name, without the batch axis; a number alone is the size of x"
    )
    layers: list[Any] | None = Field(None, description="the layers, in order", max_length=MOST_LAYERS)
    batch: Any = Field(
        None, description="how many samples: a number, or a symbol; layers then derive over a mini-batch"
    )
    output: Name | None = Field(None, description="the layer that is the network's output; by default the last")
    loss: Any = Field(None, description="the loss on the output; in a file of equations the name of the scalar")
    values: dict[str, Any] | None = Field(
        None, description="numbers by name: a number, nested lists, a range of names `w1..w6`, or `file: arrays.npz`"
    )
    given: dict[str, Any] | None = Field(
        None, description="upstream gradients to start from instead of a loss, `dJ/dy: G`; several add up"
    )
    penalty: Any = Field(None, description="what is added to the loss for large weights, as `l2: 0.01`")
    random: Any = Field(None, description="draws the values that are missing, as `seed: 0`")
    update: Any = Field(None, description="how a step changes the parameters: `sgd` with its `rate`")
    steps: Any = Field(None, description="how many steps the update makes, as in `update: {sgd: {steps: 3}}`")
    state: Any = Field(None, description="what the update remembers, as in `update: {momentum: {state: {v_w: 1}}}`")
    find: list[Wanted] | None = Field(None, description="what to differentiate by; by default all parameters")
    sizes: dict[Name, Size | None] | None = Field(None, description="numbers of size symbols; null stays a symbol")
    shapes: dict[Name, Axes] | None = Field(None, description="shapes of the arrays of equations")
    pad: list[Name] | None = Field(None, description="arrays that read as 0 outside their range")
    equations: Text | None = Field(None, description="the equations, one a line")


class Step(BaseModel):
    """The arguments of an update rule; the rule itself stands in `UPDATES`."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    rate: Rate | None = Field(None, description="learning rate η; without a number it stays a symbol")
    steps: Steps | None = Field(
        None, description="how many steps to make, each from the gradients at the parameters of the step before"
    )
    state: dict[str, Any] | None = Field(
        None,
        description="what the rule remembers before the first step, 0 where it is not given: arrays in the shape of a"
        " parameter, named after the rule's letter and the parameter (`v_w1`, `s_W_h`), and `k`, the steps made before",
    )

    def given(self) -> dict[str, Fraction]:
        """The arguments that the file gives, but for the rate."""
        found = {word: getattr(self, word) for word in sorted(self.model_fields_set - {"rate", "steps", "state"})}
        return {word: value for word, value in found.items() if isinstance(value, Fraction)}

    def flag(self) -> bool:
        """Whether the rule's flag is set."""
        return any(getattr(self, word) is True for word in self.model_fields_set)


@lru_cache(maxsize=16)
def step_model(kind: str) -> type[Step]:
    """The arguments of the update rule of that kind, as a model; made when it is asked for.

    >>> step_model("adam")(rate=Fraction(1, 10)).beta1
    Fraction(9, 10)
    """
    rule = UPDATES[kind]
    fields: dict[str, Any] = {
        word: (Exact, Field(default, description=f"the {word} of the rule")) for word, default in rule.arguments.items()
    }
    if rule.flag is not None:
        fields[rule.flag] = (bool, Field(False, description="the rate multiplies the gradient inside the velocity"))
    return create_model(kind, __base__=Step, __doc__=rule.source, **fields)


def validated(
    model: type[Model], data: Mapping[str, Any], path: Path, document: Document, owner: str
) -> tuple[Model | None, frozenset[str]]:
    """The model of the data, or None and the keys that are wrong, with a problem in the document for each."""
    try:
        return model.model_validate(data), frozenset()
    except ValidationError as error:
        by_place: dict[Path, list[Any]] = {}
        for fault in error.errors(include_url=False):
            by_place.setdefault(_inside(data, fault["loc"]), []).append(fault)
        for place, faults in by_place.items():
            _report(model, place, faults, path, document, owner)
        return None, frozenset(str(place[0]) for place in by_place if place)


def _inside(data: Plain | Mapping[str, Any], loc: Sequence[str | int]) -> Path:
    """The part of an error's place that is a place in the data; tags of unions are not."""
    found: list[str | int] = []
    here: Any = data
    for step in loc:
        if isinstance(here, Mapping) and (step in here or here is data):
            here = here.get(step)
        elif isinstance(here, list) and isinstance(step, int) and step < len(here):
            here = here[step]
        elif step == "[key]":
            found.append(step)
            break
        else:
            break
        found.append(step)
    return tuple(found)


def _report(
    model: type[BaseModel], place: Path, faults: Sequence[Any], path: Path, document: Document, owner: str
) -> None:
    first = faults[0]
    fields = [field.alias or name for name, field in model.model_fields.items()]
    where = (*path, *place)
    match first["type"]:
        case "extra_forbidden":
            takes = f"{owner} takes {said([f'`{field}`' for field in fields], 'and')}"
            message = f"unknown key `{shown(place[-1])}` of {owner}"
            document.report(where, message, did_you_mean(str(place[-1]), fields, takes), key=True)
        case "missing":
            about = next(f.description for name, f in model.model_fields.items() if place[-1] in (name, f.alias))
            article = "" if (about or "").startswith(("the ", "a ", "what ")) else "the "
            hint = about and f"`{place[-1]}` is {article}{about}"
            document.report(path, f"{owner} needs `{place[-1]}`", hint, key=True)
        case "too_long":
            document.report(where, f"there are more than {MOST_LAYERS} layers", key=True)
        case _ if place and place[-1] == "[key]":
            document.report(where[:-1], f"{_expected(faults)}, got `{shown(place[-2])}`", key=True)
        case _ if not place:
            # The layer as a whole does not hold together; its message begins with the argument at fault.
            message = _expected(faults)
            document.report((*path, message.split()[0]), f"{owner}: {message}", key=True)
        case _:
            got = document.written(where) or described(first["input"])
            document.report(where, f"`{place[0]}`: {_expected(faults)}, got {got}")


_TYPES = {
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "dict_type": "a mapping, `name: value`",
    "int_type": "a whole number",
    "list_type": "a list",
    "model_type": "a mapping, `name: value`",
    "string_type": "a text",
    "tuple_type": "a list",
}


def _expected(faults: Sequence[Any]) -> str:
    """What the errors at one place say was expected, as one sentence."""
    wanted: list[str] = []
    for fault in faults:
        kind = fault["type"]
        if kind in ("value_error", "assertion_error"):
            return str(fault["ctx"]["error"])
        if kind == "literal_error":
            wanted.append(str(fault["ctx"]["expected"]).replace("'", "`"))
        else:
            wanted.append(_TYPES.get(kind, fault["msg"][:1].lower() + fault["msg"][1:]))
    return f"expected {said(list(dict.fromkeys(wanted)))}"


def described(value: object) -> str:
    """A value of a file as an error shows it.

    >>> described(None), described([1, "a"]), described(Fraction(1, 2)), described({"a": 1})
    ('nothing', '`[1, a]`', '`1/2`', 'a mapping')
    """
    match value:
        case None:
            return "nothing"
        case bool():
            return f"`{str(value).lower()}`"
        case dict():
            return "a mapping"
        case list() if len(value) <= 8 and not any(isinstance(item, list | dict) for item in value):
            return f"`[{', '.join(shown(item) for item in value)}]`"
        case list():
            return "a list"
        case _:
            return f"`{shown(value)}`"


def shown(word: object) -> str:
    """A word of a file, not longer than an error can bear."""
    text = printable(str(word))
    return text if len(text) <= 60 else f"{text[:57]}…"
