"""The state of a training in a file, written whole or not at all, so that a run that was cut off goes on as if not."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from backcalc.net.errors import said
from backcalc.numeric.data.files import arrays, shown
from backcalc.numeric.running import Running, State
from backcalc.numeric.runs.atomic import write_whole
from backcalc.numeric.settings import TrainingError

EVERY = 5.0
"""Seconds of training after which its state is written."""
SHARE = 20
"""A state is written after so many times as long as writing the last one took, at the least: it costs 5 % at most."""


class Keeper:
    """Writes the state of a training to a file now and then, where there is one to write to."""

    def __init__(self, running: Running, path: Path | None, every: float = EVERY) -> None:
        self.running, self.path, self.every = running, path, every
        self.identity = identity(running) if path is not None else {}
        self.due = time.monotonic() + every
        self.last = self._copied()

    def stepped(self) -> None:
        """Between two steps: writes the state where it is time to."""
        if self.path is not None and time.monotonic() >= self.due and self.running.good():
            self.write()

    def finished_epoch(self) -> None:
        """Remembers the state, if it is a good one."""
        if self.path is not None and self.running.good():
            self.last = self._copied()

    def write(self) -> None:
        """Writes the state as it is. Raises RunError, after which the last one is there still."""
        if self.path is None:
            return
        began = time.monotonic()
        write(self.path, self.running.state(), self.identity)
        ended = time.monotonic()
        self.due = ended + max(self.every, SHARE * (ended - began) if self.every else 0)

    def fall_back(self) -> int:
        """Writes the last good state at the end of an epoch, and says which epoch that was. Raises RunError."""
        if self.path is None or self.last is None:
            return 0
        write(self.path, self.last, self.identity)
        return int(self.last.plain["epoch"])

    def _copied(self) -> State | None:
        if self.path is None:
            return None
        state = self.running.state()
        return State(state.plain, {name: array.copy() for name, array in state.numbers.items()})


def identity(running: Running) -> dict[str, Any]:
    """What a state must agree with to be gone on from: the network and the samples by their checksums, the settings.

    More epochs, or fewer, may be asked for.
    """
    network, data = running.network, running.data
    said_of = (network.inputs, network.nodes, network.output, network.criterion, network.penalty, network.update)
    values = sorted(network.values.items())
    samples = sha256()
    for array in (data.x, data.y, data.x_test, data.y_test):
        samples.update(b"" if array is None else np.ascontiguousarray(array).data)
        samples.update(b"" if array is None else f"{array.dtype} {array.shape}".encode())
    settings = json.loads(json.dumps({**running.settings.to_json(), "epochs": None}))
    net = sha256(repr((said_of, values)).encode()).hexdigest()
    return {"net": net, "samples": samples.hexdigest(), "settings": settings}


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What differs between two trainings, in words.

    >>> differences({"net": "1", "settings": {"batch": 32}}, {"net": "2", "settings": {"batch": 16}})
    ['the network is another', '`batch` was 32, but is 16']
    """
    found = []
    if before.get("net") != now.get("net"):
        found.append("the network is another")
    if before.get("samples") != now.get("samples"):
        found.append("the samples are others")
    was, settings = before.get("settings", {}), now.get("settings", {})
    names = sorted(name for name in was.keys() | settings.keys() if was.get(name) != settings.get(name))
    return found + [f"`{name}` was {_said(was.get(name))}, but is {_said(settings.get(name))}" for name in names]


def write(path: Path, state: State, identity: Mapping[str, Any]) -> None:
    """Writes the state in place of the one before. Raises RunError, after which that is there still."""
    text = json.dumps({"identity": identity, **state.plain}, default=lambda value: value.tolist())
    content: dict[str, Any] = {"__state__": np.frombuffer(text.encode(), np.uint8), **state.numbers}
    write_whole(path, lambda file: np.savez(file, **content))


def read(path: Path, running: Running) -> State:
    """The state in a file, for a training to go on from.

    Raises TrainingError where it is that of another one, and DataError where the file is damaged.
    """
    found = arrays(path)
    if "__state__" not in found:
        raise TrainingError(f"`{shown(path)}` holds no state of a training")
    plain = dict(json.loads(found.pop("__state__").tobytes()))
    odd = differences(plain.pop("identity"), identity(running))
    if odd:
        raise TrainingError(f"`{shown(path.name)}` is the state of another training: {said(odd, 'and')}")
    return State(plain, found)


def _said(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
