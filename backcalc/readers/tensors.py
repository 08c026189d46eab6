"""Files of tensors alone, .safetensors: their header is JSON, and nothing behind it is read.

https://huggingface.co/docs/safetensors: eight bytes with the length of the header, the header, the numbers.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import NoReturn

from backcalc.layers import Shape
from backcalc.net.errors import printable
from backcalc.readers.bounded import LARGEST_JSON, opened, parsed_json, refuse

BITS = {
    **dict.fromkeys(("F64", "I64", "U64", "C64"), 64),
    **dict.fromkeys(("F32", "I32", "U32"), 32),
    **dict.fromkeys(("F16", "BF16", "I16", "U16"), 16),
    **dict.fromkeys(("BOOL", "I8", "U8", "F8_E4M3", "F8_E5M2", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ"), 8),
    **dict.fromkeys(("F6_E2M3", "F6_E3M2"), 6),
    "F4": 4,
}
LARGEST_AXIS = 1 << 62


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """An array of a file: its name, the type of its numbers, its shape."""

    name: str
    type: str
    shape: Shape

    @property
    def count(self) -> int:
        """How many numbers it holds."""
        return prod(self.shape)


@dataclass(frozen=True, slots=True)
class Tensors:
    """All arrays of a file, in the order in which they are stored."""

    file: str
    tensors: tuple[StoredTensor, ...]

    @property
    def total(self) -> int:
        """How many numbers they hold together."""
        return sum(tensor.count for tensor in self.tensors)

    def to_json(self) -> dict[str, object]:
        """The table as JSON has it."""
        rows = [
            {"name": each.name, "type": each.type, "shape": list(each.shape), "params": each.count}
            for each in self.tensors
        ]
        return {"schema_version": 1, "file": self.file, "tensors": rows, "totals": {"params": self.total}}


def read_tensors(path: str | Path) -> Tensors:
    """The arrays of a .safetensors file. Raises InputError where the header is cut off, too large or not honest."""
    path, name = Path(path), str(path)
    with opened(path) as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        length = int.from_bytes(file.read(8), "little")
        if size < 8 or length > size - 8:
            refuse(name, "this is no safetensors file, or its header is cut off")
        if length > LARGEST_JSON:
            refuse(name, f"the header is {length} bytes large, at most {LARGEST_JSON} are read")
        header = parsed_json(file.read(length), name)
    if not isinstance(header, dict):
        refuse(name, "the header is no object")
    found = []
    for word, entry in header.items():
        if word != "__metadata__":
            tensor, start = _tensor(name, word, entry, size - 8 - length)
            found.append((start, tensor))
    return Tensors(name, tuple(tensor for _, tensor in sorted(found, key=lambda pair: pair[0])))


def _tensor(file: str, word: str, entry: object, room: int) -> tuple[StoredTensor, int]:
    """An entry of the header and where its numbers begin; its shape must be as large as the place that it has."""
    shown = printable(word)[:80]
    shape, kind, ends = (
        entry.get(key) if isinstance(entry, dict) else None for key in ("shape", "dtype", "data_offsets")
    )
    if not isinstance(shape, list) or not all(type(size) is int and 0 <= size <= LARGEST_AXIS for size in shape):
        refuse(file, f"the tensor `{shown}` has no shape of whole numbers from 0")
    if (
        not isinstance(kind, str)
        or not isinstance(ends, list)
        or len(ends) != 2
        or not all(type(end) is int for end in ends)
    ):
        refuse(file, f"the tensor `{shown}` says no type, or not where its numbers are")
    if not 0 <= ends[0] <= ends[1] <= room:
        refuse(file, f"the numbers of the tensor `{shown}` lie outside of the file")
    bits = BITS.get(kind)
    if bits is not None and prod(shape) * bits > 8 * (ends[1] - ends[0]):
        refuse(
            file,
            f"the tensor `{shown}` of the shape {shape[:8]} does not fit into the {ends[1] - ends[0]} bytes it has",
        )
    return StoredTensor(word, kind, tuple(shape)), ends[0]


def refuse_tensors(path: Path) -> NoReturn:
    """Says why there is no network in such a file. Raises InputError."""
    found = read_tensors(path)
    message = (
        f"the file holds {len(found.tensors)} tensors with {found.total} numbers, but not the layers that read them: "
        "a network cannot be rebuilt from it"
    )
    refuse(str(path), message, "`backcalc count` lists the tensors; the config.json beside it states the network")
