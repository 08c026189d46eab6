"""Loading the files of MNIST, Fashion-MNIST and CIFAR-10 from where they are published; only where a user asks for it.

What comes is held against its known SHA-256 before it has its name: a file is there whole and right, or not at all.
"""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from http.client import HTTPException
from pathlib import Path, PurePosixPath
from typing import BinaryIO
from urllib.request import urlopen

from backcalc.net.errors import said
from backcalc.numeric.data.base import DataError
from backcalc.numeric.data.files import shown
from backcalc.numeric.runs.atomic import RunError, write_whole

LARGEST_FILE = 250_000_000
"""A file of more bytes than this is none of those that are known."""

AT_ONCE = 1 << 20
PATIENCE = 30
"""Seconds without an answer after which a server is given up."""


@dataclass(frozen=True, slots=True)
class Remote:
    """A file by its address and checksum. It is not needed where one of the files `instead` is there.

    Of an archive, the `members` are unpacked, and the archive is not kept.
    """

    url: str
    sha256: str
    instead: tuple[str, ...]
    members: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What the file is called."""
        return PurePosixPath(self.url).name


def _four(folder: str, packed: str, sums: Mapping[str, str]) -> tuple[Remote, ...]:
    return tuple(
        Remote(
            f"{folder}/{name}.gz", sha, (packed, *(f"{each}{end}" for each in _spellings(name) for end in ("", ".gz")))
        )
        for name, sha in sums.items()
    )


def _spellings(name: str) -> tuple[str, str]:
    return name, name.replace("-idx", ".idx")


REMOTES: Mapping[str, tuple[Remote, ...]] = {
    "mnist": _four(
        "https://storage.googleapis.com/cvdf-datasets/mnist",
        "mnist.npz",
        {
            "train-images-idx3-ubyte": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            "train-labels-idx1-ubyte": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            "t10k-images-idx3-ubyte": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            "t10k-labels-idx1-ubyte": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        },
    ),
    "fashion_mnist": _four(
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion",
        "fashion_mnist.npz",
        {
            "train-images-idx3-ubyte": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            "train-labels-idx1-ubyte": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            "t10k-images-idx3-ubyte": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            "t10k-labels-idx1-ubyte": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        },
    ),
    "cifar10": (
        Remote(
            "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
            "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
            ("cifar-10-batches-py/test_batch", "cifar-10-batches-bin/test_batch.bin", "test_batch", "test_batch.bin"),
            (*(f"cifar-10-batches-py/data_batch_{number}" for number in range(1, 6)), "cifar-10-batches-py/test_batch"),
        ),
    ),
}
"""The files of every data set that can be loaded. The last member of an archive is there only if all others are."""


def is_remote(text: str) -> bool:
    """Whether data of that name can be loaded.

    >>> is_remote("mnist:data/mnist"), is_remote("iris")
    (True, False)
    """
    return text.partition(":")[0] in REMOTES


def download(text: str, told: Callable[[str], None] | None = None) -> tuple[Path, ...]:
    """Loads the files of `mnist:FOLDER` and its like that are not in the folder yet, and says which.

    Raises DataError: data that are published nowhere, no answer, another file than the one that is known, a folder that
    cannot be written. Then nothing is left of the file in question.
    """
    name, _, rest = text.partition(":")
    if name not in REMOTES:
        raise DataError(f"`{shown(text[:80])}` is not loaded from anywhere; `--download` is for {said(list(REMOTES))}")
    folder = Path(rest or name)
    made: list[Path] = []
    try:
        for remote in REMOTES[name]:
            if any((folder / each).is_file() for each in remote.instead):
                continue
            if told is not None:
                told(f"loading {remote.url} …")
            folder.mkdir(parents=True, exist_ok=True)
            write_whole(folder / remote.name, partial(_load, remote))
            made += _unpacked(folder, remote) if remote.members else [folder / remote.name]
    except (OSError, RunError) as error:
        raise DataError(f"`{shown(folder)}`: {error}") from None
    return tuple(made)


def _load(remote: Remote, file: BinaryIO) -> None:
    """Writes what comes, and raises DataError where it is not what is known."""
    digest, size = sha256(), 0
    for part in _parts(remote.url):
        size += len(part)
        if size > LARGEST_FILE:
            raise DataError(f"{remote.url} sends more than {LARGEST_FILE} bytes; nothing was kept")
        digest.update(part)
        file.write(part)
    if digest.hexdigest() != remote.sha256:
        reason = f"the {size} bytes that came have another SHA-256 than the file that is known"
        raise DataError(f"{remote.url}: {reason}; nothing was kept: try again, or put `{remote.name}` there yourself")


def _parts(url: str) -> Iterator[bytes]:
    try:
        with urlopen(url, timeout=PATIENCE) as answer:
            while part := answer.read(AT_ONCE):
                yield part
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise DataError(f"{url} cannot be loaded: {reason}; put `{PurePosixPath(url).name}` there yourself") from None


def _unpacked(folder: Path, remote: Remote) -> list[Path]:
    """Takes the members out of an archive, which is then deleted."""
    packed = folder / remote.name
    made: list[Path] = []
    try:
        with tarfile.open(packed, "r:gz") as archive:
            for member in remote.members:
                content = archive.extractfile(member)
                if content is None:
                    raise DataError(f"`{shown(packed)}` holds no file `{member}`")
                (folder / member).parent.mkdir(exist_ok=True)
                write_whole(folder / member, content.read())
                made.append(folder / member)
    finally:
        packed.unlink(missing_ok=True)
    return made
