"""What only a POSIX system has: signals, pipes that close, links, permissions and devices."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import backcalc
from backcalc.cli.output import write_file


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


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    program = "import resource, sys; from backcalc.cli import main; resource.setrlimit(resource.RLIMIT_FSIZE, (9, 9))"
    with open(tmp_path / "full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-c", f"{program}; sys.exit(main(['schema']))"],
            env={**os.environ, "PYTHONPATH": str(Path(backcalc.__file__).parents[1])},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )
    assert (done.returncode, done.stderr) == (2, "error: File too large\n")


def test_a_reader_that_leaves_is_no_error(start: Callable[..., subprocess.Popen[bytes]]) -> None:
    process = start("schema")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait(timeout=60) == 0
    process.stderr.close()


def test_an_interrupt_from_the_keyboard(start: Callable[..., subprocess.Popen[bytes]], tmp_path: Path) -> None:
    process = start("count", "-", "--output", "table.txt")
    assert process.stdin is not None
    process.stdin.write(b"#" * 300_000)  # more than a pipe holds: once it is written, the command is reading
    process.stdin.flush()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err.decode().strip()) == (130, b"", "interrupted")
    assert list(tmp_path.iterdir()) == []
