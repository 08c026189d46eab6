"""The network as it is trained, as a file of its own: the one that was given, with the rule and rate asked for."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from io import StringIO
from typing import Any

from ruamel.yaml import YAML

from backcalc.net import Network, load_network
from backcalc.net.errors import printable
from backcalc.net.text import Source
from backcalc.numeric.runs.atomic import RunError
from backcalc.numeric.runs.folder import Folder

NET = "net.yaml"


def as_trained(text: str, title: str, *, optimizer: str | None = None, rate: float | None = None) -> str:
    """The text of a file that is known to be right, with its name in it, and the rule and rate where they are given.

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
    if content.get("name") is not None and optimizer is None and rate is None:
        return text
    if content.get("name") is None:
        content.pop("name", None)
        content.insert(0, "name", title)
    if optimizer is not None or rate is not None:
        content["update"] = _update(content.get("update"), optimizer, rate)
    into = StringIO()
    file.dump(content, into)
    return into.getvalue()


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


def keep_net(folder: Folder, source: Source, text: str) -> Network:
    """Writes the text as `net.yaml`, with the file of arrays that it names, and reads the network from there.

    Raises RunError.
    """
    values = YAML(typ="safe", pure=True).load(text).get("values")
    name = values.get("file") if isinstance(values, Mapping) else None
    if isinstance(name, str) and source.folder is not None:
        target = folder.path(name)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source.folder / name, target)
        except OSError as error:
            raise RunError(f"`{printable(str(target))}` could not be written: {error.strerror or error}") from None
    folder.write(NET, text)
    return load_network(folder.path(NET))
