"""The JSON Schema of net.yaml, for editors: made of the same models that read the file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from backcalc.layers import KINDS, LOSSES
from backcalc.net.draw import Random
from backcalc.net.penalty import Penalty
from backcalc.net.repeat import Repeat
from backcalc.net.rule import BESIDES
from backcalc.net.spec import NetFile, step_model
from backcalc.net.update import UPDATES

_NAME_OR_NUMBERS = {"anyOf": [{"type": "number"}, {"type": "string"}, {"type": "array"}]}


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of net.yaml.

    >>> schema()["properties"]["layers"]["items"]["anyOf"][0]["enum"][0]
    'batchnorm'
    """
    document = NetFile.model_json_schema()
    definitions: dict[str, Any] = {}
    layers = _kinds({kind: (model, model.main) for kind, model in KINDS.items()}, "layer", definitions)
    losses = _kinds({kind: (model, model.main) for kind, model in LOSSES.items()}, "loss", definitions)
    properties = document["properties"]
    definitions["repeat"] = Repeat.model_json_schema()
    definitions["repeat"]["properties"]["layers"] |= {"items": {"$ref": "#/properties/layers/items"}}
    definitions["layer_mixture"]["properties"]["layers"] |= {"items": {"$ref": "#/properties/layers/items"}}
    layers["anyOf"].append(_by_kind("repeat", {"$ref": "#/$defs/repeat"}))
    _give(properties, "input", {"anyOf": [{"type": "integer", "minimum": 1}, _shape(), _by_name(_shape_or_size())]})
    _give(properties, "layers", {"type": "array", "items": layers})
    _give(properties, "loss", {"anyOf": [*losses["anyOf"], {"type": "string"}]})
    _give(properties, "batch", {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string"}]})
    _give(properties, "values", _by_name(_NAME_OR_NUMBERS))
    _give(properties, "given", _by_name(_NAME_OR_NUMBERS))
    for key, model in (("penalty", Penalty), ("random", Random)):
        definitions[key] = model.model_json_schema()
        alone = [{"type": "integer", "minimum": 0}] if key == "random" else []
        _give(properties, key, {"anyOf": [{"$ref": f"#/$defs/{key}"}, *alone]})
    updates = _kinds({kind: (step_model(kind), "rate") for kind in UPDATES}, "update", definitions)
    for key in BESIDES:
        content = definitions["update_sgd"]["properties"][key]
        _give(properties, key, {word: part for word, part in content.items() if word not in ("title", "description")})
        for option in updates["anyOf"]:
            option.get("properties", {})[key] = {"$ref": f"#/properties/{key}"}
    _give(properties, "update", updates)
    _give(properties, "find", {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]})
    _give(properties, "pad", {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]})
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **document,
        "title": "net.yaml",
        "$defs": dict(sorted(definitions.items())),
    }


def _give(properties: dict[str, Any], key: str, content: Mapping[str, Any]) -> None:
    properties[key] = {"description": properties[key]["description"], **content}


def _shape() -> dict[str, Any]:
    return {"type": "array", "items": {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string"}]}}


def _shape_or_size() -> dict[str, Any]:
    return {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string"}, _shape()]}


def _by_name(content: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": dict(content)}


def _kinds(
    models: Mapping[str, tuple[type[BaseModel], str | None]], prefix: str, definitions: dict[str, Any]
) -> dict[str, Any]:
    """`kind` alone where it needs nothing, or one key with its main argument or all arguments."""
    alone: list[str] = []
    keyed: list[dict[str, Any]] = []
    for kind, (model, main) in sorted(models.items()):
        body = model.model_json_schema()
        definitions |= body.pop("$defs", {})
        body["properties"] = dict(body.get("properties", {}))
        place = f"{prefix}_{kind}"
        definitions[place] = body
        options: list[dict[str, Any]] = [{"$ref": f"#/$defs/{place}"}]
        needed = set(body.get("required", ()))
        if not needed:
            alone.append(kind)
            options.append({"type": "null"})
        if main is not None and needed <= {main}:
            options.append({key: value for key, value in body["properties"][main].items() if key != "title"})
        content = {"anyOf": options, "description": body.get("description", "").split("\n")[0]}
        keyed.append(_by_kind(kind, content))
    return {"anyOf": [{"enum": alone}, *keyed]}


def _by_kind(kind: str, content: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": {kind: dict(content)}, "required": [kind], "additionalProperties": False}
