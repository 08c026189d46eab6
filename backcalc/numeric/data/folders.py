"""Folders of pictures, a folder a class. Pillow decodes them, where it is installed."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from struct import error as StructError
from warnings import catch_warnings, simplefilter

import numpy as np

from backcalc.layers.base import show_shape
from backcalc.numeric.data.base import Data, DataError
from backcalc.numeric.data.files import shown
from backcalc.numeric.kernels.base import Array

ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp")
LARGEST_PIXELS = 50_000_000


def folder(path: Path) -> Data:
    """Pictures as `[channels, height, width]`, pixels divided by 255. Damaged files are left out, and said.

    Raises DataError: no folders, pictures of different sizes, no decoder.
    """
    if not path.is_dir():
        raise DataError(f"there is no folder `{shown(path)}`")
    classes = sorted(each.name for each in path.iterdir() if each.is_dir())
    if not classes:
        raise DataError(f"`{shown(path)}` has no folders; put the pictures of every class into a folder of its own")
    if find_spec("PIL") is None:
        raise DataError("pictures are decoded by Pillow, which is not installed: `pip install pillow`")
    pictures: list[Array] = []
    labels: list[int] = []
    damaged: list[str] = []
    for number, name in enumerate(classes):
        files = sorted(file for file in (path / name).iterdir() if file.suffix.lower() in ENDINGS)
        for file in files:
            picture = _decoded(file)
            if picture is None:
                damaged.append(f"{name}/{file.name}")
                continue
            if pictures and picture.shape != pictures[0].shape:
                own, first = (show_shape(each.shape) for each in (picture, pictures[0]))
                message = f"`{shown(file)}` is {own}, the first picture {first}"
                raise DataError(f"{message}: all must have one size and one kind of colour")
            pictures.append(picture)
            labels.append(number)
    left_out = (f"left out, damaged: {', '.join(damaged)}",) if damaged else ()
    if not pictures:
        raise DataError("; ".join((f"there is no picture in the folders of `{shown(path)}`", *left_out)))
    notes = ("pixels divided by 255", *left_out)
    return Data(path.name, np.stack(pictures), np.array(labels, np.float32), classes=tuple(classes), notes=notes)


def _decoded(file: Path) -> Array | None:
    """The pixels of a picture, None where it is damaged or would unpack to more than any picture has."""
    image = import_module("PIL.Image")
    bombs = (image.DecompressionBombWarning, image.DecompressionBombError)
    try:
        with catch_warnings():
            simplefilter("error", image.DecompressionBombWarning)
            found = image.open(file)
        with found as opened:
            if opened.width * opened.height > LARGEST_PIXELS:
                return None
            plain = opened.convert("L" if opened.mode in ("1", "L", "I;16") else "RGB")
            pixels = np.asarray(plain, np.float32) / np.float32(255)
    except (OSError, EOFError, ValueError, SyntaxError, StructError, *bombs):
        return None
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
