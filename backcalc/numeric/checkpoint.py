"""The state of a training in a file, written whole or not at all, so that a run that was cut off goes on as if not."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from backcalc.numeric.data.files import arrays, shown
from backcalc.numeric.kernels.base import Array
from backcalc.numeric.settings import TrainingError


def write(path: Path, plain: Mapping[str, Any], numbers: Mapping[str, Array]) -> None:
    """Writes the state beside the file and moves it into its place: there is never half a file.

    Raises TrainingError where that fails, as on a full disk; the file before stays.
    """
    beside = path.with_name(f".{path.name}.writing")
    try:
        with beside.open("wb") as file:
            content: dict[str, Any] = {"__state__": np.array(json.dumps(plain)), **numbers}
            np.savez(file, **content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        with suppress(OSError):
            beside.unlink()
        raise TrainingError(f"the state could not be written to `{shown(path)}`: {error.strerror or error}") from None


def read(path: Path) -> tuple[dict[str, Any], dict[str, Array]]:
    """The state in a file. Raises TrainingError, or DataError where the file is damaged."""
    found = arrays(path)
    if "__state__" not in found:
        raise TrainingError(f"`{shown(path)}` holds no state of a training")
    plain = json.loads(str(found.pop("__state__")))
    return dict(plain), found


def random_state(random: Any) -> Any:
    """The state of a source of random numbers as plain data."""
    state = random.bit_generator.state if isinstance(random, np.random.Generator) else random.get_state(legacy=False)
    return _plain(state)


def set_random_state(random: Any, state: Any) -> None:
    """Gives a source of random numbers a state."""
    if isinstance(random, np.random.Generator):
        random.bit_generator.state = state
        return
    inner = state["state"]
    random.set_state({**state, "state": {**inner, "key": np.array(inner["key"], np.uint32)}})


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value
