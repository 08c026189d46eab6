"""A live PyTorch module: exported in memory, and read as its file would be. PyTorch is imported here alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from io import BytesIO
from typing import Any

from backcalc.net import Network
from backcalc.readers.bounded import refuse
from backcalc.readers.exported import exported_draft
from backcalc.readers.files import Module, loaded


def read_module(
    module: Module,
    input_shape: Sequence[int] | Sequence[Sequence[int]] | None,
    *,
    at: Mapping[str, int | None] | None = None,
) -> Network:
    """The network that a module computes for inputs of that shape, or of those shapes, without the batch axis.

    The module is left as it is: nothing is run, moved, or switched to another mode. Tokens, whole numbers, are tried
    where the module does not take real numbers. Raises InputError where PyTorch cannot export it.
    """
    name = type(module).__name__
    if not input_shape:
        refuse(
            name, "the shape of the input is needed", "give it without the batch, as in `count(module, (3, 32, 32))`"
        )
    several: Any = input_shape if isinstance(input_shape[0], Sequence) else [input_shape]
    torch: Any = import_module("torch")
    like = next((parameter for _, parameter in module.named_parameters()), torch.zeros(1))
    reason = ""
    for dtype in (like.dtype, torch.long):
        example = tuple(torch.zeros(1, *shape, dtype=dtype, device=like.device) for shape in several)
        try:
            program = torch.export.export(module, example)
        except Exception as error:  # whatever the module or the exporter raises
            reason = reason or f"{type(error).__name__}: {error}".split("\n")[0][:300]
            continue
        archive = BytesIO()
        torch.export.save(program, archive)
        return loaded(exported_draft(archive, name, name).text(), name, name, at)
    refuse(name, f"PyTorch cannot export the module: {reason}", "`torch.export.export(module, (x,))` tells more")
