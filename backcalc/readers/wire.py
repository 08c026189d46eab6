"""The wire format of Protocol Buffers: numbered fields, one after the other. Nothing is copied that is not asked for.

https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NoReturn, TypeAlias

from backcalc.readers.bounded import refuse

MOST_FIELDS = 600_000
LONGEST_TEXT = 10_000

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5

Span: TypeAlias = tuple[int, int]
"""Where a message, a text or packed numbers begin and end."""


class Wire:
    r"""A message in memory, or in a file that is mapped to it. So many fields are read in all, and no more.

    >>> list(Wire(memoryview(b"\x08\x96\x01\x12\x01a"), "m").fields((0, 6)))
    [(1, 0, 150), (2, 2, (5, 6))]
    """

    def __init__(self, data: memoryview, file: str) -> None:
        self.data, self.file = data, file
        self.left = MOST_FIELDS

    def fields(self, span: Span) -> Iterator[tuple[int, int, int | Span]]:
        """The fields of a message: number, wire type, and the number or the place of what it holds."""
        at, end = span
        while at < end:
            self.left -= 1
            if self.left < 0:
                refuse(self.file, f"the file has more than {MOST_FIELDS} fields")
            tag, at = self.varint(at, end)
            field, kind = tag >> 3, tag & 7
            if field == 0:
                self._broken(at, "a field has the number 0")
            if kind == VARINT:
                value, at = self.varint(at, end)
                yield field, kind, value
            elif kind == BYTES:
                length, at = self.varint(at, end)
                if length > end - at:
                    self._broken(at, f"a field of {length} bytes is cut off")
                yield field, kind, (at, at + length)
                at += length
            elif kind in (FIXED32, FIXED64):
                size = 4 if kind == FIXED32 else 8
                if size > end - at:
                    self._broken(at, "a number is cut off")
                yield field, kind, int.from_bytes(self.data[at : at + size], "little")
                at += size
            else:
                self._broken(at, f"a field has the wire type {kind}")

    def varint(self, at: int, end: int) -> tuple[int, int]:
        """An unsigned number of seven bits a byte, and where it ends."""
        value = shift = 0
        while at < end:
            byte = self.data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value & 0xFFFF_FFFF_FFFF_FFFF, at
            shift += 7
            if shift > 63:
                self._broken(at, "a number has more than 64 bits")
        self._broken(at, "a number is cut off")

    def text(self, value: int | Span) -> str:
        """A text, of which more than is sensible is left out."""
        start, end = self.span(value)
        return bytes(self.data[start : min(end, start + LONGEST_TEXT)]).decode("utf-8", "replace")

    def span(self, value: int | Span) -> Span:
        """The place of a field that must have a length."""
        if isinstance(value, int):
            self._broken(0, "a number stands where a message or a text should be")
        return value

    def integers(self, kind: int, value: int | Span) -> Iterator[int]:
        """The signed number of a field, or all those that are packed into it."""
        if isinstance(value, int):
            yield signed(value)
            return
        at, end = value
        while at < end:
            self.left -= 1
            if self.left < 0:
                refuse(self.file, f"the file has more than {MOST_FIELDS} fields")
            number, at = self.varint(at, end)
            yield signed(number)

    def _broken(self, at: int, why: str) -> NoReturn:
        refuse(self.file, f"this is no ONNX model, or not all of it: {why} at byte {at}")


def signed(value: int) -> int:
    """The number that a varint stands for in two's complement.

    >>> signed(2**64 - 1), signed(5)
    (-1, 5)
    """
    return value - (1 << 64) if value >= 1 << 63 else value


def real(bits: int) -> float:
    """A 32-bit number as IEEE 754 has it.

    >>> real(0x3F800000)
    1.0
    """
    return float(struct.unpack("<f", bits.to_bytes(4, "little"))[0])
