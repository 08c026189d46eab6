"""Hostile submissions: texts, volumes, and the files of the attack corpus that are too large for the project."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

SHARED_KERNEL: dict[str, Any] = {
    "problems": [
        {
            "id": 1,
            "net": str(Path(__file__).parents[2] / "examples" / "shared-kernel.yaml"),
            "ask": ["dJ/dz", "J"],
            "aliases": {"o1": "y[1]"},
        }
    ]
}
"""The key against which the texts are checked."""

HOSTILE: tuple[tuple[str, str, str], ...] = (
    ("J = __import__('os').system('touch owned')", "unreadable", "unexpected character `.`"),
    ("J = eval('1')", "unreadable", "expected a value, not `'`"),
    ("J = 9**9**9**9", "undecided", "an exponent is too large"),
    ("J = 10**(10**9)", "undecided", "an exponent is too large"),
    ("J = 1e400000000", "unreadable", "the exponent of a number may be at most 400"),
    ("J = 1e1000000", "unreadable", "the exponent of a number may be at most 400"),
    ("J = " + "(" * 3000 + "1" + ")" * 3000, "unreadable", "the line has more than 4000 characters"),
    ("J = " + "{" * 500, "unreadable", "the formula is nested more than 100 deep"),
    ("J = " + "-" * 3000 + "1", "unreadable", "the formula is nested more than 100 deep"),
    ("J = " + "x+" * 1500 + "x", "wrong", "the two sides are not equal"),
    ("J = " + "x*" * 1500 + "x", "wrong", "the two sides are not equal"),
    ("J = " + "9" * 3900, "unreadable", "a number may have at most 100 digits"),
    ("J = sum(k=1..1000000000, k)", "undecided", "the formula takes too many operations"),
    ("J = exp(exp(exp(exp(100))))", "undecided", "exp(2.68812e+43) is not a real number"),
    ("J = (1 + y1)^100000", "undecided", "an exponent is too large"),
    ("J = factorial(10^9)", "unreadable", "words, or names side by side that are not known"),
    ("J = ().__class__.__base__.__subclasses__()", "unreadable", "unexpected character `.`"),
    ("=" * 3000, "unreadable", "expected a value, not `==`"),
    ("J = \u202e2 nl\u202c", "unreadable", "unexpected character `U+202E`"),
    ("J = x.ｆunc", "unreadable", "unexpected character `.`"),
    ("a" * 100_000 + " = 1", "unreadable", "the line has more than 4000 characters"),
)
"""Texts, each with its verdict and what is said of it."""

WEIGHTS: dict[str, Any] = {"problems": [{"id": 1, "count": "lenet5", "ask": ["weights"]}]}
"""The key against which the volumes are checked."""

VOLUMES: dict[str, tuple[str, str, int]] = {
    "80000 wrong lines": (".txt", "weights = 1\n" * 80_000, 1000),
    "4000 lines of words": (".md", "".join(f"So the weights are many here {number}.\n" for number in range(4000)), 0),
    "4900 cells": (".md", "| $weights = 1$ " * 4900, 1000),
}
"""Much of one kind: the suffix, the text, and how many claims of it are listed."""

CORPUS = Path(__file__).parent / "attack"
ATTACKED = "problems: [{id: 1, count: lenet5, bias: false, ask: [weights, conv2.weights], points: 10}]\n"
"""The key against which the corpus is checked."""


def long_line(path: Path) -> None:
    path.with_suffix(".md").write_text("$weights=1$ " * 80_000, "utf-8")


def long_word(path: Path) -> None:
    path.with_suffix(".txt").write_text("weights = " + "a" * 990_000, "utf-8")


def many_lines(path: Path) -> None:
    path.with_suffix(".txt").write_text("weights = 61470\n" * 500 + "so it is\n" * 80_000, "utf-8")


def too_large(path: Path) -> None:
    path.with_suffix(".md").write_bytes(b"weights = 1\n" * 500_000)


def many_files(path: Path) -> None:
    path.mkdir()
    for number in range(1000):
        (path / f"{number}.txt").write_text("so it is", "utf-8")


def deep_folders(path: Path) -> None:
    for _ in range(60):
        path = path / "d"
    path.mkdir(parents=True)
    (path / "work.txt").write_text("weights = 1", "utf-8")


def links(path: Path) -> None:
    path.mkdir()
    (path / "passwd.txt").symlink_to("/etc/passwd")
    (path / "loop").symlink_to(path)


def pickled(path: Path) -> None:
    np.savez(path.with_suffix(".npz"), weights=np.array([{"a": 1}], dtype=object))


def zip_bomb(path: Path) -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (20_000_000,)})
    with (
        zipfile.ZipFile(path.with_suffix(".npz"), "w", zipfile.ZIP_DEFLATED) as bomb,
        bomb.open("w.npy", "w") as inside,
    ):
        inside.write(header.getvalue())
        for _ in range(100):
            inside.write(bytes(1_600_000))


def notebook_cells(path: Path) -> None:
    cells = [{"cell_type": "markdown", "source": "so it is"}] * 15_000
    path.with_suffix(".ipynb").write_text(json.dumps({"cells": cells}), "utf-8")


def wide_row(path: Path) -> None:
    path.with_suffix(".md").write_text(VOLUMES["4900 cells"][1], "utf-8")


def program(path: Path) -> None:
    path.with_suffix(".py").write_text("import os\nos.system('touch owned')\n# weights = 1\n", "utf-8")


def notebook_program(path: Path) -> None:
    code = {"cell_type": "code", "source": "open('owned', 'w')\n!touch owned\n# weights = 1", "outputs": []}
    half = {"cell_type": "markdown", "source": ["$weights = 1$ \ud800"]}  # half of a character
    path.with_suffix(".ipynb").write_text(json.dumps({"cells": [code, half]}), "utf-8")


def latin(path: Path) -> None:
    path.with_suffix(".md").write_bytes(b"weights = 61470 \xff\xfe\x80 \xe9\xe8\n")


def zeros(path: Path) -> None:
    path.with_suffix(".txt").write_bytes(b"weights\x00 = \x00 1\n\x00\x00\n")


def odd_name(path: Path) -> None:
    (path.parent / "=cmd|' !A0 \x1b[31m<b>`$x$`.txt").write_text("weights = 1", "utf-8")


MADE: tuple[Callable[[Path], None], ...] = (
    long_line,
    long_word,
    many_lines,
    too_large,
    many_files,
    deep_folders,
    links,
    pickled,
    zip_bomb,
    notebook_cells,
    wide_row,
    program,
    notebook_program,
    latin,
    zeros,
    odd_name,
)


def made(folder: Path) -> Path:
    """Makes them all in a new folder."""
    folder.mkdir()
    for make in MADE:
        make(folder / make.__name__)
    return folder
