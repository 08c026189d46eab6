"""Classes by name, each imported when it is first asked for: a network pays for the kinds of layers that it has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, Generic, TypeVar

Class = TypeVar("Class")


class Lazy(Mapping[str, type[Class]], Generic[Class]):
    """A mapping from names to classes, made of where the classes stand: `module.Class` of this package.

    >>> Lazy({"dense": "dense.Dense"})["dense"].__name__
    'Dense'
    """

    def __init__(self, places: Mapping[str, str]) -> None:
        self._places = places

    def __getitem__(self, name: str) -> type[Class]:
        module, _, found = self._places[name].partition(".")
        made: type[Class] = getattr(import_module(f"backcalc.layers.{module}"), found)
        return made

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, name: object) -> bool:
        return name in self._places

    def __or__(self, other: Mapping[str, type[Any]]) -> dict[str, type[Any]]:
        return {**self, **other}
