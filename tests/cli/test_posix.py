"""What only a POSIX system has: signals, pipes that close, links, permissions and devices."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from backcalc.cli.output import write_file, write_stdout


def test_links_and_permissions_stay(tmp_path: Path) -> None:
    target, link = tmp_path / "result.txt", tmp_path / "link.txt"
    target.write_text("old", encoding="utf-8")
    target.chmod(0o640)
    link.symlink_to(target)
    write_file(link, "new")
    assert link.is_symlink()
    assert target.read_text(encoding="utf-8") == "new"
    assert target.stat().st_mode & 0o777 == 0o640


def test_a_new_file_has_the_usual_permissions(tmp_path: Path) -> None:
    (tmp_path / "usual").touch()
    write_file(tmp_path / "result.txt", "new")
    assert (tmp_path / "result.txt").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_a_pipe_with_a_name_is_written_directly(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_file(pipe, "through")
    assert os.read(reader, 100) == b"through"
    os.close(reader)
    assert pipe.is_fifo()


class FullDisk(io.StringIO):
    """A standard output that takes nothing more."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self.descriptor = descriptor

    def fileno(self) -> int:
        return self.descriptor

    def flush(self) -> None:
        raise OSError(28, "No space left on device")


def test_a_full_disk_is_told_and_the_interpreter_ends_in_peace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open(tmp_path / "full", "wb") as file:
        monkeypatch.setattr(sys, "stdout", FullDisk(file.fileno()))
        with pytest.raises(OSError, match="No space left"):
            write_stdout("result")
        assert os.path.samestat(os.fstat(file.fileno()), os.stat(os.devnull))


def test_a_reader_that_leaves_is_no_error(start: Callable[..., subprocess.Popen[bytes]]) -> None:
    process = start("schema")
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None
    assert process.communicate(timeout=60) == (None, b"")
    assert process.returncode == 0


def test_an_interrupt_from_the_keyboard(start: Callable[..., subprocess.Popen[bytes]], tmp_path: Path) -> None:
    process = start("count", "-", "--output", "table.txt")
    assert process.stdin is not None
    process.stdin.write(b"#" * 300_000)  # more than a pipe holds: once it is written, the command is reading
    process.stdin.flush()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err.decode().strip()) == (130, b"", "interrupted")
    assert list(tmp_path.iterdir()) == []
