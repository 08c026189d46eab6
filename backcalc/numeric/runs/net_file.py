"""The network as it is trained, as a file of its own: the one that was given, with the rule and rate asked for."""

from __future__ import annotations

from collections.abc import Mapping
from io import StringIO
from typing import Any

from ruamel.yaml import YAML

from backcalc.net.errors import printable
from backcalc.net.text import Source
from backcalc.numeric.runs.atomic import RunError

NET, BEGIN = "net.yaml", "begin/"
"""The network, and the folder of the arrays that it begins with, whose names may be those of other files of a run."""


def as_trained(text: str, title: str, *, optimizer: str | None = None, rate: float | None = None) -> str:
    """The text of a file that is known to be right, with its name in it, and the rule and rate where they are given.

    A file of arrays that it names is the one in the folder `begin`.

    >>> print(as_trained("input: 2\\nlayers: [dense: 1]  # one unit", "line", optimizer="adam", rate=0.1), end="")
    name: line
    input: 2
    layers: [dense: 1]  # one unit
    update:
      adam:
        rate: 0.1
    """
    file = YAML()
    file.width = 120
    content = file.load(text)
    arrays = _arrays(content)
    if content.get("name") is not None and optimizer is None and rate is None and arrays is None:
        return text
    if arrays is not None:
        content["values"]["file"] = BEGIN + arrays
    if content.get("name") is None:
        content.pop("name", None)
        content.insert(0, "name", title)
    if optimizer is not None or rate is not None:
        content["update"] = _update(content.get("update"), optimizer, rate)
    into = StringIO()
    file.dump(content, into)
    return into.getvalue()


def _arrays(content: Mapping[str, Any]) -> str | None:
    """The name of the file of arrays that the network states."""
    values = content.get("values")
    name = values.get("file") if isinstance(values, Mapping) else None
    return name if isinstance(name, str) else None


def _update(given: Any, optimizer: str | None, rate: float | None) -> dict[str, Any]:
    """The entry `update` with another rule, which leaves the arguments of the old behind, or another rate."""
    kind, arguments = "sgd", {}
    if isinstance(given, str):
        kind = given
    elif isinstance(given, Mapping):
        kind = next((word for word in given if word not in ("steps", "state")), kind)
        found = given.get(kind)
        arguments = dict(found) if isinstance(found, Mapping) else {} if found is None else {"rate": found}
    if optimizer is not None and optimizer != kind:
        kind, arguments = optimizer, {}
    return {kind: {**arguments, **({} if rate is None else {"rate": rate})}}


def net_files(source: Source, text: str) -> dict[str, str | bytes]:
    """The text as `net.yaml`, with the file of arrays that it names. Raises RunError where that cannot be read."""
    name = _arrays(YAML(typ="safe", pure=True).load(text))
    if name is None or source.folder is None:
        return {NET: text}
    try:
        return {name: (source.folder / name.removeprefix(BEGIN)).read_bytes(), NET: text}
    except OSError as error:
        raise RunError(f"`{printable(name)}` cannot be read: {error.strerror or error}") from None
