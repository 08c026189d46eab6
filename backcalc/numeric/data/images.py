"""Sets of images: MNIST and Fashion-MNIST (IDX, or Keras's .npz), CIFAR-10 (binary, or for Python)."""

from __future__ import annotations

import struct
from math import prod
from pathlib import Path

import numpy as np

from backcalc.numeric.data.base import Data, DataError
from backcalc.numeric.data.files import arrays, find, read, shown
from backcalc.numeric.data.pickled import plain
from backcalc.numeric.kernels.base import Array

DIGITS = tuple("0123456789")
CLOTHES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
THINGS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

DIVIDED = "pixels divided by 255"
_PARTS = {"x": "train-images-idx3-ubyte", "y": "train-labels-idx1-ubyte"}
_TESTS = {"x_test": "t10k-images-idx3-ubyte", "y_test": "t10k-labels-idx1-ubyte"}


def idx(path: Path) -> Array:
    """The array of an IDX file of bytes (LeCun, "The MNIST database", file format). Raises DataError."""
    content = read(path)
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] != 8 or not 1 <= content[3] <= 4:
        raise DataError(f"`{shown(path)}` is no IDX file of bytes: it does not begin with 0, 0, 8 and a number of axes")
    axes = content[3]
    if len(content) < 4 + 4 * axes:
        raise DataError(f"`{shown(path)}` is cut off: load it again")
    shape = struct.unpack(f">{axes}I", content[4 : 4 + 4 * axes])
    if len(content) != 4 + 4 * axes + prod(shape):
        held = len(content) - 4 - 4 * axes
        raise DataError(f"`{shown(path)}` should hold {prod(shape)} bytes of data, but holds {held}: load it again")
    return np.frombuffer(content, np.uint8, offset=4 + 4 * axes).reshape(shape)


def mnist(folder: Path, *, name: str = "mnist", classes: tuple[str, ...] = DIGITS) -> Data:
    """70 000 images of 28×28: four IDX files, or `mnist.npz` as Keras has it, in a folder. Raises DataError."""
    packed = folder / f"{name}.npz"
    if packed.is_file():
        found = arrays(packed)
        missing = [key for key in ("x_train", "y_train", "x_test", "y_test") if key not in found]
        if missing:
            raise DataError(f"`{shown(packed)}` has no array `{missing[0]}`")
        parts = {"x": found["x_train"], "y": found["y_train"], "x_test": found["x_test"], "y_test": found["y_test"]}
    else:
        files = {**_PARTS, **_TESTS}
        dotted = {key: (file, file.replace("-idx", ".idx")) for key, file in files.items()}
        paths = {key: find(folder, choice, f"{name} (without `{packed.name}`)") for key, choice in dotted.items()}
        parts = {key: idx(path) for key, path in paths.items()}
    for key in ("x", "x_test"):
        if parts[key].ndim != 3:
            axes = parts[key].ndim - 1
            raise DataError(f"{name}: images have rows and columns, but those of `{key}` have {axes} axes")
        parts[key] = _divided(parts[key][:, None])
    for key in ("y", "y_test"):
        parts[key] = parts[key].astype(np.float32)
    return Data(name, parts["x"], parts["y"], parts["x_test"], parts["y_test"], classes, notes=(DIVIDED,))


def fashion_mnist(folder: Path) -> Data:
    """Zalando's images of clothes, in the files that MNIST has."""
    return mnist(folder, name="fashion_mnist", classes=CLOTHES)


_RECORD = 1 + 3 * 32 * 32


def cifar10(folder: Path) -> Data:
    """60 000 colour images of 32×32 (Krizhevsky 2009): the binary version, or that for Python. Raises DataError."""
    training = [f"data_batch_{number}" for number in range(1, 6)]
    inside = (folder / name for name in ("cifar-10-batches-bin", "cifar-10-batches-py"))
    inner = next((each for each in inside if each.is_dir()), folder)
    binary = (inner / f"{training[0]}.bin").is_file() or not (inner / training[0]).is_file()
    ending = ".bin" if binary else ""
    reader = _binary if binary else _python
    what = "cifar10 (or the version for Python, `data_batch_1`)"
    paths = [find(inner, [f"{name}{ending}"], what) for name in training]
    test = find(inner, [f"test_batch{ending}"], what)
    parts = [reader(path) for path in paths]
    x, y = (np.concatenate([part[which] for part in parts]) for which in (0, 1))
    return Data("cifar10", x, y, *reader(test), classes=THINGS, notes=(DIVIDED,))


def _binary(path: Path) -> tuple[Array, Array]:
    content = read(path)
    if not content or len(content) % _RECORD:
        raise DataError(f"`{shown(path)}` has {len(content)} bytes, which are no records of {_RECORD}: it is cut off")
    records = np.frombuffer(content, np.uint8).reshape(-1, _RECORD)
    return _pixels(records[:, 1:]), records[:, 0].astype(np.float32)


def _python(path: Path) -> tuple[Array, Array]:
    found = plain(read(path), shown(path))
    pixels, labels = (found.get(key) for key in ("data", "labels"))
    if not isinstance(pixels, np.ndarray) or pixels.ndim != 2 or pixels.shape[1] != _RECORD - 1:
        raise DataError(f"`{shown(path)}` holds no images of 3x32x32 under `data`")
    if not isinstance(labels, list) or not all(isinstance(label, int) for label in labels):
        raise DataError(f"`{shown(path)}` holds no list of classes under `labels`")
    return _pixels(pixels), np.array(labels, np.float32)


def _pixels(rows: Array) -> Array:
    return _divided(rows.reshape(-1, 3, 32, 32))


def _divided(pixels: Array) -> Array:
    """Pixels from 0 to 1, in single precision at once."""
    found: Array = np.divide(pixels, 255, dtype=np.float32)
    return found
