"""Loading of published files, from a server of our own on this machine: what is whole and right stays, nothing else."""

from __future__ import annotations

import gzip
import hashlib
import io
import struct
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backcalc.cli import main
from backcalc.numeric.data import DataError, load_data
from backcalc.numeric.data import download as module
from backcalc.numeric.data.download import REMOTES, Remote, download

ARRAYS = {
    "train-images-idx3-ubyte": np.arange(10 * 28 * 28, dtype=np.uint8).reshape(10, 28, 28),
    "train-labels-idx1-ubyte": np.arange(10, dtype=np.uint8),
    "t10k-images-idx3-ubyte": np.zeros((2, 28, 28), np.uint8),
    "t10k-labels-idx1-ubyte": np.array([3, 4], np.uint8),
}
NET = """\
input: {x: [1, 28, 28]}
layers: [flatten, dense: 10, softmax]
loss: nll
update: {sgd: {rate: 0.1}}
"""


def packed(array: Any) -> bytes:
    return gzip.compress(bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes())


@dataclass
class Server:
    """What is published, by path; which paths break off in the middle; and what was asked for."""

    address: str
    files: dict[str, bytes] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.asked.append(self.path[1:])
            content = found.files.get(self.path[1:])
            if content is None:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) // 2] if self.path[1:] in found.broken else content)

        def log_message(self, format: str, *arguments: object) -> None:
            """Says nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as http:
        found = Server(f"http://127.0.0.1:{http.server_port}")
        thread = threading.Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        yield found
        http.shutdown()
        thread.join()


@pytest.fixture
def mnist(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """Four small files in place of those of MNIST."""
    server.files |= {f"{name}.gz": packed(array) for name, array in ARRAYS.items()}
    small = tuple(
        Remote(f"{server.address}/{each.name}", hashlib.sha256(server.files[each.name]).hexdigest(), each.instead)
        for each in REMOTES["mnist"]
    )
    monkeypatch.setattr(module, "REMOTES", {**REMOTES, "mnist": small})
    return server


def test_every_file_has_a_checksum_and_a_safe_address() -> None:
    for remote in (each for remotes in REMOTES.values() for each in remotes):
        assert remote.url.startswith("https://") and len(bytes.fromhex(remote.sha256)) == 32
    assert [len(remotes) for remotes in REMOTES.values()] == [4, 4, 1]


def test_what_is_missing_is_loaded_and_read(mnist: Server, tmp_path: Path) -> None:
    text, told = f"mnist:{tmp_path / 'new' / 'mnist'}", list[str]()
    with pytest.raises(DataError, match="put it there, or load it by `--download`"):
        load_data(text)
    assert mnist.asked == []  # nothing uses the network unless asked to
    made = download(text, told.append)
    assert [path.name for path in made] == [f"{name}.gz" for name in ARRAYS] == mnist.asked
    assert told[0] == f"loading {mnist.address}/train-images-idx3-ubyte.gz …"
    data = load_data(text)
    np.testing.assert_array_equal(np.rint(data.x[:, 0] * 255), ARRAYS["train-images-idx3-ubyte"])
    made[1].unlink()
    assert download(text) == (made[1],)
    assert mnist.asked[4:] == ["train-labels-idx1-ubyte.gz"]


@pytest.mark.parametrize("there", ["mnist.npz", None])
def test_files_of_another_form_are_enough(there: str | None, mnist: Server, tmp_path: Path) -> None:
    for name in (there,) if there else (each.replace("-idx", ".idx") for each in ARRAYS):
        (tmp_path / name).touch()
    assert download(f"mnist:{tmp_path}") == () and mnist.asked == []


def test_another_file_than_the_one_that_is_known_is_refused(mnist: Server, tmp_path: Path) -> None:
    mnist.files["train-labels-idx1-ubyte.gz"] = packed(np.zeros(10, np.uint8))
    with pytest.raises(DataError, match="have another SHA-256 than the file that is known; nothing was kept"):
        download(f"mnist:{tmp_path}")
    assert [path.name for path in tmp_path.iterdir()] == ["train-images-idx3-ubyte.gz"]


def test_half_a_file_leaves_nothing(mnist: Server, tmp_path: Path) -> None:
    mnist.broken.add("train-images-idx3-ubyte.gz")
    with pytest.raises(DataError, match="nothing was kept"):
        download(f"mnist:{tmp_path}")
    assert list(tmp_path.iterdir()) == []
    mnist.broken.clear()
    assert len(download(f"mnist:{tmp_path}")) == 4


def test_a_file_without_end_is_refused(mnist: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST_FILE", 100)
    with pytest.raises(DataError, match="sends more than 100 bytes"):
        download(f"mnist:{tmp_path}")
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_leaves_nothing(mnist: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def parts(url: str) -> Iterator[bytes]:
        yield b"half"
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "_parts", parts)
    with pytest.raises(KeyboardInterrupt):
        download(f"mnist:{tmp_path}")
    assert list(tmp_path.iterdir()) == []


def test_no_answer_and_no_such_file(mnist: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    del mnist.files["train-images-idx3-ubyte.gz"]
    with pytest.raises(
        DataError, match=r"cannot be loaded: Not Found; put `train-images-idx3-ubyte.gz` there yourself"
    ):
        download(f"mnist:{tmp_path}")
    nobody = (Remote("http://127.0.0.1:9/a.gz", "00", ("a",)),)
    monkeypatch.setattr(module, "REMOTES", {"mnist": nobody})
    with pytest.raises(DataError, match=r"127\.0\.0\.1:9/a\.gz cannot be loaded: "):
        download(f"mnist:{tmp_path}")


def test_an_archive_is_unpacked_and_not_kept(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name in ("batches/one", "batches/two", "../elsewhere"):
            entry = tarfile.TarInfo(name)
            entry.size = 3
            archive.addfile(entry, io.BytesIO(b"abc"))
    server.files["all.tar.gz"] = out.getvalue()
    sha = hashlib.sha256(out.getvalue()).hexdigest()
    members = ("batches/one", "batches/two")
    remote = Remote(f"{server.address}/all.tar.gz", sha, members[1:], members)
    monkeypatch.setattr(module, "REMOTES", {"cifar10": (remote,)})
    folder = tmp_path / "inner"
    assert download(f"cifar10:{folder}") == tuple(folder / name for name in members)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["one", "two"]
    assert download(f"cifar10:{folder}") == ()


def test_from_the_command_line(mnist: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    net = tmp_path / "net.yaml"
    net.write_text(NET, encoding="utf-8")
    data = f"mnist:{tmp_path / 'digits'}"
    assert main(["train", str(net), "--data", data, "--epochs", "1"]) == 2
    assert "or load it by `--download`" in capsys.readouterr().err and mnist.asked == []
    assert main(["train", str(net), "--data", data, "--epochs", "1", "--download"]) == 0
    assert main(["train", str(net), "--data", "blobs", "--download"]) == 2
    told = "--data: error: `blobs` is not loaded from anywhere\n  = help: `--download` is for mnist, fashion_mnist or"
    assert told in capsys.readouterr().err
    sweep = tmp_path / "sweep.yaml"
    sweep.write_text(f"net: net.yaml\ndata: mnist:{tmp_path / 'two'}\ntrain: {{epochs: 1}}\nmeasure: [test.accuracy]\n")
    assert main(["experiment", str(sweep), "--download"]) == 0
    assert len(mnist.asked) == 8
