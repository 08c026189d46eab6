"""Run folders: files that are whole or not there, lines that are whole or not there, the network as it was trained."""

from __future__ import annotations

import json
import os
import platform
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pytest

from backcalc.net import load_network
from backcalc.net.text import source_of
from backcalc.numeric.runs import Folder, RunError, environment, write_whole
from backcalc.numeric.runs.net_file import as_trained, net_files


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_whole(path, b"first")
    write_whole(path, lambda file: file.write(b"second"))
    assert path.read_bytes() == b"second"
    assert os.listdir(tmp_path) == ["file"]


def test_what_fails_in_the_middle_leaves_the_file_before(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_whole(path, b"first")

    def full(file: BinaryIO) -> None:
        file.write(b"sec")
        raise OSError(28, "No space left on device")

    with pytest.raises(
        RunError, match=r"file` could not be written: No space left on device; what was written before is"
    ):
        write_whole(path, full)
    assert path.read_bytes() == b"first"
    assert os.listdir(tmp_path) == ["file"]


def test_what_is_written_is_on_the_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a system that goes down may keep the new name and lose what is in it."""
    done: list[str] = []
    fsync, replace = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda place: (done.append("sync"), fsync(place)))
    monkeypatch.setattr(Path, "replace", lambda self, target: (done.append("rename"), replace(self, target)))
    write_whole(tmp_path / "file", b"content")
    assert done[:2] == ["sync", "rename"]


def test_lines_that_were_cut_off_are_taken_away(tmp_path: Path) -> None:
    folder = Folder.new(tmp_path / "run", "experiment", {})
    assert folder.lines("rows") == []
    folder.append("rows", "1")
    folder.append("rows", "2")
    with folder.path("rows").open("ab") as file:
        file.write(b"3 is cut o")
    assert folder.lines("rows") == ["1", "2"]
    folder.append("rows", "3")
    assert folder.lines("rows") == ["1", "2", "3"]
    assert folder.path("rows").read_bytes() == b"1\n2\n3\n"


def test_a_folder_knows_what_it_is(tmp_path: Path) -> None:
    made = Folder.new(tmp_path / "deep" / "run", "training", {"epochs": 3}, threads=2, files={"net/a.yaml": "x"})
    found = Folder.old(made.root, "training")
    assert found.settings() == {"schema_version": 1, "run": "training", "epochs": 3}
    assert found.read_json("environment.json")["threads"] == 2
    assert found.path("net/a.yaml").read_text("utf-8") == "x"
    with pytest.raises(RunError, match="the run of another kind: training, not experiment"):
        Folder.old(made.root, "experiment")
    found.write_npz("numbers.npz", {"a": np.arange(3)})
    with np.load(found.path("numbers.npz")) as arrays:
        assert arrays["a"].tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match="Out of range float values"):
        found.write_json("odd.json", {"a": float("nan")})
    assert not found.path("odd.json").exists()


def test_files_that_are_too_large_or_too_deep_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Folder.new(tmp_path / "run", "training", {})
    folder.write("deep.json", "[" * 100_000)
    with pytest.raises(RunError, match=r"deep\.json` is damaged: it holds no JSON"):
        folder.read_json("deep.json")
    monkeypatch.setattr("backcalc.numeric.runs.folder.LARGEST_JSON", 10)
    with pytest.raises(RunError, match="has more than 10 bytes"):
        folder.read_json("settings.json")


def test_the_environment_is_that_of_the_process() -> None:
    found = environment(3)
    assert (found["python"], found["numpy"], found["threads"]) == (platform.python_version(), np.__version__, 3)
    assert found["system"] == platform.system()
    text = json.dumps(found)
    assert platform.node() not in text and str(Path.home()) not in text and os.getcwd() not in text


NET = "input: 2\nlayers: [dense: {name: z, units: 1}]\nloss: mse\n"


@pytest.mark.parametrize(
    ("update", "optimizer", "rate", "expected"),
    [
        ("", None, None, None),
        ("", "adam", None, {"adam": {}}),
        ("", None, 0.5, {"sgd": {"rate": 0.5}}),
        ("update: adam\n", None, 0.5, {"adam": {"rate": 0.5}}),
        ("update: {adam: 0.1}\n", None, 0.5, {"adam": {"rate": 0.5}}),
        ("update: {adam: {rate: 0.1, beta1: 0.8}}\n", None, 0.5, {"adam": {"rate": 0.5, "beta1": 0.8}}),
        ("update: {adam: {rate: 0.1, beta1: 0.8}}\n", "adam", None, {"adam": {"rate": 0.1, "beta1": 0.8}}),
        ("update: {adam: {rate: 0.1, beta1: 0.8}}\n", "sgd", 0.5, {"sgd": {"rate": 0.5}}),
        ("update: {momentum: 0.1, steps: 2}\n", "sgd", 0.5, {"sgd": {"rate": 0.5}}),
    ],
)
def test_the_rule_of_the_file_is_the_one_that_trains(
    update: str, optimizer: str | None, rate: float | None, expected: Any
) -> None:
    text = as_trained(NET + update, "line", optimizer=optimizer, rate=rate)
    network = load_network(text)
    assert network.name == "line"
    if expected is None:
        assert text == f"name: line\n{NET}"
        return
    ((kind, arguments),) = expected.items()
    assert network.update.kind == kind
    given = {name: float(value) for name, value in network.update.arguments.items()}
    given |= {} if network.update.rate is None else {"rate": float(network.update.rate)}
    assert given == arguments


def test_a_file_that_says_it_all_stays_as_it_is() -> None:
    text = "# mine\nname:   odd  spaces\n" + NET
    assert as_trained(text, "line") == text


def test_arrays_come_along_under_a_name_that_nothing_else_has(tmp_path: Path) -> None:
    np.savez(tmp_path / "state.npz", W_z=np.ones((1, 2)))
    (tmp_path / "net.yaml").write_text(f"name: n\n{NET}values: {{file: state.npz}}\n", encoding="utf-8")
    source = source_of(tmp_path / "net.yaml")
    files = net_files(source, as_trained(source.text, "n"))
    assert list(files) == ["begin/state.npz", "net.yaml"]
    assert files["begin/state.npz"] == (tmp_path / "state.npz").read_bytes()
    (tmp_path / "state.npz").unlink()
    with pytest.raises(RunError, match=r"`begin/state\.npz` cannot be read: No such file"):
        net_files(source, as_trained(source.text, "n"))
