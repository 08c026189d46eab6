"""Broken and hostile files: a clear error within 300 MB, and nothing is written anywhere."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import backcalc
from backcalc.net import InputError
from backcalc.readers import converted
from tests.hanging import HUNG
from tests.readers.hostile import DATA, HEAVY, HOSTILE

MEMORY = 300 * 2**20


@pytest.mark.parametrize("case", HOSTILE)
def test_a_clear_error(case: str, tmp_path: Path) -> None:
    name, make, words = HOSTILE[case]
    path = tmp_path / name
    path.write_bytes(make())
    with pytest.raises(InputError) as caught:
        converted(path)
    assert words in str(caught.value)
    assert len(str(caught.value)) < 2_000
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[2]),) * 2)
resource.setrlimit(resource.RLIMIT_CPU, (int(sys.argv[3]),) * 2)
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
from backcalc.net import InputError
from backcalc.readers import converted
try:
    converted(sys.argv[1])
except InputError as error:
    print(str(error).splitlines()[0][:300])
"""


@pytest.mark.skipif(os.name != "posix", reason="the memory of a process can be limited on POSIX alone")
@pytest.mark.parametrize("case", HEAVY)
def test_a_clear_error_within_300_mb(case: str, tmp_path: Path) -> None:
    name, make, words = HOSTILE[case]
    path = tmp_path / name
    path.write_bytes(make())
    environment = {**os.environ, "PYTHONPATH": str(Path(backcalc.__file__).parents[1]), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(path), str(MEMORY), str(HUNG)],
        capture_output=True,
        text=True,
        env=environment,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert words in done.stdout
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["cnn.pt2", "cnn.onnx", "nested.keras", "nested-keras.json", "cnn.safetensors"])
def test_no_piece_of_a_file_is_a_fault_of_ours(name: str, tmp_path: Path) -> None:
    """Cut off anywhere, or with bytes turned over, a file is read or refused; nothing else is raised."""
    whole = (DATA / name).read_bytes()
    path = tmp_path / name
    for place in range(0, len(whole), max(1, len(whole) // 40)):
        turned = bytearray(whole)
        turned[place] ^= 0x41
        for data in (whole[:place], bytes(turned)):
            path.write_bytes(data)
            try:
                assert converted(path)
            except InputError as error:
                assert str(error).startswith(str(path))
