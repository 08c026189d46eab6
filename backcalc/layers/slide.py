"""A window that slides along one axis: what convolutions and pooling have in common.

Dumoulin and Visin, "A guide to convolution arithmetic for deep learning" (2016), relationship 6 and section 5.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from backcalc.layers.base import Shape, ShapeError, show_shape


@dataclass(frozen=True, slots=True)
class Slide:
    """One axis of `size` cells, `before` and `after` cells of padding, and a window of `taps` taps sliding over it.

    >>> Slide(size=28, taps=5, before=2, after=2).output
    28
    >>> Slide(size=28, taps=5, before=2, after=2).formula
    '(28 + 2*2 - 5)/1 + 1 = 28'
    """

    size: int
    taps: int
    stride: int = 1
    dilation: int = 1
    before: int = 0
    after: int = 0
    ceil: bool = False

    @property
    def extent(self) -> int:
        """How many cells the window spans, gaps of the dilation included."""
        return (self.taps - 1) * self.dilation + 1

    @property
    def _room(self) -> int:
        return self.size + self.before + self.after - self.extent

    @property
    def _late(self) -> bool:
        """Whether rounding up makes a last window that would start behind the input, which is left out."""
        return self.ceil and -(-self._room // self.stride) * self.stride >= self.size + self.before

    @property
    def output(self) -> int:
        """How many windows fit; none or fewer where the window is larger than the padded axis."""
        steps = -(-self._room // self.stride) if self.ceil else self._room // self.stride
        return steps + 1 - self._late

    @property
    def overhangs(self) -> bool:
        """Whether the last window reaches beyond the padding (only where sizes are rounded up)."""
        return (self.output - 1) * self.stride > self._room

    @property
    def formula(self) -> str:
        """How the output size comes about, with numbers."""
        if self.before == self.after:
            padding = f" + 2*{self.before}" if self.before else ""
        else:
            padding = "".join(f" + {cells}" for cells in (self.before, self.after) if cells)
        window = f" - {self.taps}" if self.dilation == 1 else f" - {self.dilation}*({self.taps} - 1) - 1"
        room = f"{self.size}{padding}{window}"
        if self._room % self.stride == 0:
            quotient = f"({room})/{self.stride}"
        else:
            quotient = f"{'ceil' if self.ceil else 'floor'}(({room})/{self.stride})"
        return f"{quotient} + 1{' - 1' if self._late else ''} = {self.output}"

    @property
    def taps_inside(self) -> int:
        """Over all windows, how many taps lie on the axis itself and not on padding."""
        inside = 0
        for tap in range(self.taps):
            offset = tap * self.dilation - self.before
            first = max(0, -(offset // self.stride))
            last = min(self.output - 1, (self.size - 1 - offset) // self.stride)
            inside += max(0, last - first + 1)
        return inside

    def offset(self) -> int:
        """The constant in `stride*i + dilation*a + offset`, the cell that tap a of window i reads, all from 1."""
        return 1 - self.stride - self.dilation - self.before

    def cell(self, window: str, tap: str) -> str:
        """The cell that a tap of a window reads, as text.

        >>> Slide(size=12, taps=4, stride=2, before=1, after=1).cell("i", "a")
        '2*i+a-3'
        """
        return affine((self.stride, window), (self.dilation, tap), constant=self.offset())

    def bounds(self, window: str, *, padding: bool = False) -> str:
        """The taps of a window that lie on the axis (with `padding`, also on the padding), as `1..3`.

        >>> Slide(size=12, taps=3, stride=2, before=1, after=1).bounds("i")
        'max(1,4-2*i)..3'
        """
        first, last = (1 - self.before, self.size + self.after) if padding else (1, self.size)
        # Taps of pooling windows are not dilated, so the cell is stride*i + a + offset.
        lower, upper = "1", f"{self.taps}"
        if self.stride + 1 + self.offset() < first:
            lower = f"max(1,{affine((-self.stride, window), constant=first - self.offset())})"
        if self.stride * self.output + self.taps + self.offset() > last:
            upper = f"min({self.taps},{affine((-self.stride, window), constant=last - self.offset())})"
        return f"{lower}..{upper}"


def affine(*terms: tuple[int, str], constant: int = 0) -> str:
    """An affine index expression as text, a negative multiple last.

    >>> affine((2, "i"), (1, "a"), constant=-2), affine((-2, "i"), constant=3)
    ('2*i+a-2', '3-2*i')
    """
    text = "+".join(name if factor == 1 else f"{factor}*{name}" for factor, name in terms if factor > 0)
    if not text:
        text = str(constant)
    elif constant:
        text += f"{constant:+d}"
    return text + "".join(f"-{name}" if factor == -1 else f"{factor}*{name}" for factor, name in terms if factor < 0)


def per_axis(value: int | tuple[int, ...], axes: int) -> tuple[int, ...]:
    """One number for every axis.

    >>> per_axis(3, 2), per_axis((3, 5), 2)
    ((3, 3), (3, 5))
    """
    return (value,) * axes if isinstance(value, int) else value


def size_in_words(*, padded: bool, dilated: bool, ceil: bool = False, exact: bool = True) -> str:
    """The formula of the output size in general terms.

    >>> size_in_words(padded=True, dilated=False)
    '(input + padding - window)/stride + 1'
    """
    window = "dilation·(window - 1) - 1" if dilated else "window"
    room = f"(input{' + padding' if padded else ''} - {window})/stride"
    return f"{room if exact else f'ceil({room})' if ceil else f'floor({room})'} + 1"


def check_axes(kind: str, axes: int, **fields: object) -> None:
    """Raises ValueError where a field that is given per axis has not one number per axis."""
    for field, value in fields.items():
        if isinstance(value, tuple) and len(value) != axes:
            one = "one number" if axes == 1 else f"one number or {axes}"
            raise ValueError(f"{field} of {kind} is {one}, but got {len(value)}")


def slides(
    kind: str,
    shape: Shape,
    taps: tuple[int, ...],
    stride: tuple[int, ...],
    padding: str | int | tuple[int, ...],
    *,
    dilation: tuple[int, ...] | None = None,
    ceil: bool = False,
) -> tuple[Slide, ...]:
    """The window along every spatial axis of an input [channels, …]; a vector is one channel.

    Raises ShapeError where the input has not that many axes, or the window does not fit into it.
    """
    axes = len(taps)
    sizes = spatial(kind, shape, axes)
    dilation = dilation or (1,) * axes
    result = []
    for axis in range(axes):
        before, after = _pads(sizes[axis], (taps[axis] - 1) * dilation[axis] + 1, stride[axis], padding, axis)
        result.append(Slide(sizes[axis], taps[axis], stride[axis], dilation[axis], before, after, ceil))
    if any(slide.output < 1 or slide.extent > slide.size + slide.before + slide.after for slide in result):
        raise ShapeError(_does_not_fit(kind, shape, result), "make the window smaller or the padding larger")
    return tuple(result)


def spatial(kind: str, shape: Shape, axes: int) -> tuple[int, ...]:
    """The sizes of the spatial axes of an input."""
    if axes == 1 and len(shape) == 1:
        return shape
    if len(shape) != axes + 1:
        needed = ("[length] or [channels, length]", "[channels, height, width]", "[channels, depth, height, width]")
        hint = f"an image of one channel is {show_shape((1, *shape))}" if len(shape) == axes > 1 else None
        raise ShapeError(f"{kind} works on {needed[axes - 1]}, but got {show_shape(shape)}", hint)
    return shape[1:]


def channels(shape: Shape, axes: int) -> int:
    """How many channels an input has; a vector is one channel."""
    return 1 if len(shape) == axes else shape[0]


def check_groups(kind: str, groups: int, shape: Shape, count: int) -> None:
    """Refuses channels that do not divide into the groups. Raises ShapeError."""
    if count % groups:
        raise ShapeError(
            f"{kind} has {groups} groups, but its input {show_shape(shape)} has {count} channels",
            f"the channels must be a multiple of {groups}",
        )


def _pads(size: int, extent: int, stride: int, padding: str | int | tuple[int, ...], axis: int) -> tuple[int, int]:
    match padding:
        case "valid":
            return 0, 0
        case int():
            return padding, padding
        case tuple():
            return padding[axis], padding[axis]
        case _:
            # As Keras does: the output has ceil(size/stride) cells, an odd cell of padding stands at the end.
            missing = max(0, (-(-size // stride) - 1) * stride + extent - size)
            return missing // 2, missing - missing // 2


def _does_not_fit(kind: str, shape: Shape, result: Sequence[Slide]) -> str:
    window = "x".join(str(slide.taps) for slide in result)
    spread = "" if all(slide.dilation == 1 for slide in result) else (
        f" with dilation {'x'.join(str(slide.dilation) for slide in result)}"
        f" (spanning {'x'.join(str(slide.extent) for slide in result)})"
    )  # fmt: skip
    room = "x".join(str(slide.size + slide.before + slide.after) for slide in result)
    padded = any(slide.before or slide.after for slide in result)
    return (
        f"the window of {kind}, {window}{spread}, is larger than its input {show_shape(shape)}"
        f"{f', which is {room} with its padding' if padded else ''}"
    )
