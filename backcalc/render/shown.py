"""A result with the class that a notebook shows: the rooms below know nothing of notebooks."""

from __future__ import annotations

from dataclasses import Field, fields
from typing import Any, ClassVar, Protocol, TypeVar


class _Record(Protocol):
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


Shown = TypeVar("Shown", bound=_Record)


def as_shown(kind: type[Shown], result: _Record) -> Shown:
    """The same data as a subclass of its own class.

    >>> from backcalc.render.document import Formula
    >>> class ShownFormula(Formula): pass
    >>> as_shown(ShownFormula, Formula("x")).latex
    'x'
    """
    return kind(**{field.name: getattr(result, field.name) for field in fields(result)})
