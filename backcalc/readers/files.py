"""Which reader reads a file: by the ending of its name, and where that leaves it open by what is in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol, TypeGuard, runtime_checkable

from backcalc.net import Network, load_network

PICKLES = (".pt", ".pth", ".bin", ".ckpt", ".pkl", ".joblib")


def _keras(path: Path) -> str:
    from backcalc.readers.keras_model import read_keras

    return read_keras(path).text()


def _json(path: Path) -> str:
    from backcalc.readers.json_file import read_json_file

    return read_json_file(path)


def _onnx(path: Path) -> str:
    from backcalc.readers.onnx_graph import read_onnx

    return read_onnx(path).text()


def _exported(path: Path) -> str:
    from backcalc.readers.exported import read_exported

    return read_exported(path).text()


def _tensors(path: Path) -> str:
    from backcalc.readers.tensors import refuse_tensors

    refuse_tensors(path)


def _pickle(path: Path) -> str:
    from backcalc.readers.bounded import refuse

    help = "export the module: `torch.export.save(torch.export.export(module, (x,)), 'module.pt2')`"
    refuse(str(path), f"{path.suffix} files are pickles, which can run code and are never opened here", help)


ENDINGS: Mapping[str, Callable[[Path], str]] = {
    ".keras": _keras,
    ".json": _json,
    ".onnx": _onnx,
    ".pt2": _exported,
    ".safetensors": _tensors,
    **dict.fromkeys(PICKLES, _pickle),
}
"""What reads files of an ending, as the text of a net.yaml file."""


_NAMED = re.compile(r"[{ ]name: ([^,}]+)")


@runtime_checkable
class Module(Protocol):
    """What of a `torch.nn.Module` tells that something is one."""

    def named_parameters(self) -> Iterator[tuple[str, Any]]:
        """The trained arrays by name."""


def is_foreign(source: object) -> TypeGuard[str | Path]:
    """Whether it is the path of a file of another program, by the ending of its name.

    >>> is_foreign(Path("model.onnx")), is_foreign("net.yaml"), is_foreign("input: 3")
    (True, False, False)
    """
    if isinstance(source, str):
        source = Path() if "\n" in source or ": " in source else Path(source)
    return isinstance(source, Path) and source.suffix.lower() in ENDINGS


def converted(path: str | Path) -> str:
    """The net.yaml text of a file of another program, with comments where something was changed.

    Raises InputError where the file is broken, hostile, or holds no network.
    """
    path = Path(path)
    if path.suffix.lower() not in ENDINGS:
        from backcalc.readers.bounded import refuse

        known = ", ".join(ending for ending in ENDINGS if ending not in PICKLES)
        refuse(str(path), f"files of other programs end with {known}")
    return ENDINGS[path.suffix.lower()](path)


def read_file(path: str | Path, *, at: Mapping[str, int | None] | None = None) -> Network:
    """The network in a file of another program; `at` gives numbers for its sizes. Raises InputError."""
    return loaded(converted(path), f"{path} (converted)", str(path), at)


def loaded(text: str, label: str, file: str, at: Mapping[str, int | None] | None) -> Network:
    """The network that a reader wrote down, with its comments as remarks. Raises InputError."""
    return replace(load_network(text, label=label, at=at), file=file, remarks=tuple(remarks(text)))


def remarks(text: str) -> Iterator[str]:
    """The comments of a converted file but for where it comes from, those of layers with the names of the layers.

    >>> list(remarks("# Not read: w.\\n# A second.\\nlayers:\\n  # folded\\n  - dense: {name: a, units: 1}\\n"))
    ['Not read: w.', 'A second.', 'a: folded']
    """
    said: list[str] = []
    named: dict[str, list[str]] = {}
    for line in text.splitlines():
        start, mark, comment = line.partition("# ")
        if mark and not start.strip():
            said[-1:] = [f"{said[-1]} {comment}"] if said and not said[-1].endswith(".") else [*said[-1:], comment]
        elif said:
            found = _NAMED.search(line) if line.lstrip().startswith("- ") else None
            for each in said:
                named.setdefault(each, []).extend([found[1]] if found else [])
            said = []
    for remark, names in named.items():
        if not remark.startswith("Converted from "):
            yield f"{', '.join(names[:5])}{' …' if len(names) > 5 else ''}: {remark}" if names else remark
