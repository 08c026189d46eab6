"""`backcalc train --run FOLDER` and `--resume FOLDER`: what is in the folder, how a run goes on that was cut off."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backcalc
from backcalc.numeric.runs import Folder
from backcalc.render import plots

NET = """\
# three clouds of points
input: {x: 2}
layers:
  - dense: {name: a, units: 6}   # hidden
  - tanh
  - dropout: 0.2
  - dense: {name: z, units: 3}
  - softmax
loss: nll
update: {adam: {rate: 0.05}}
"""
KEPT = ["environment.json", "history.csv", "history.json", "net.yaml", "report.html", "settings.json", "state.npz"]


@pytest.fixture
def clouds(tmp_path: Path) -> Path:
    """A network for three classes in the plane, which states no name."""
    path = tmp_path / "clouds.yaml"
    path.write_text(NET, encoding="utf-8")
    return path


def files(folder: Path) -> list[str]:
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())


def numbers(folder: Path) -> Any:
    """All that a training has come to: its history without the seconds, its weights to the bit."""
    history = json.loads((folder / "history.json").read_text("utf-8"))
    assert history.pop("seconds") > 0
    return history, (folder / "history.csv").read_bytes(), (folder / "weights.npz").read_bytes()


@pytest.fixture
def kept(run: Callable[..., Any], clouds: Path, tmp_path: Path) -> Path:
    """A run that has ended."""
    folder = tmp_path / "run"
    given = ("--data", "blobs:90", "--epochs", 4, "--trials", 2, "--rate", 0.1, "--run", folder, "--no-plots")
    result = run("train", clouds, *given)
    assert (result.status, result.err) == (0, "")
    assert f"Kept in {folder}: history.csv," in " ".join(result.out.split())
    return folder


def test_what_is_in_the_folder(kept: Path) -> None:
    assert files(kept) == [*KEPT, "weights.npz"]
    history = json.loads((kept / "history.json").read_text("utf-8"))
    assert {"schema_version", "net", "data", "seed", "params", "history", "test", "seconds"} <= history.keys()
    rows = list(csv.DictReader((kept / "history.csv").read_text("utf-8").splitlines()))
    assert [(row["epoch"], row["trial"]) for row in rows[:3]] == [("1", "1"), ("1", "2"), ("2", "1")]
    assert [float(row["loss"]) for row in rows] == [each for row in history["history"]["loss"] for each in row]
    with np.load(kept / "weights.npz") as weights:
        assert {name: weights[name].shape for name in weights.files} == {
            "W_a": (2, 6, 2),
            "b_a": (2, 6),
            "W_z": (2, 3, 6),
            "b_z": (2, 3),
        }


def test_the_network_is_kept_as_it_was_trained(kept: Path, run: Callable[..., Any]) -> None:
    text = (kept / "net.yaml").read_text("utf-8")
    assert "name: clouds" in text and "rate: 0.1" in text and "0.05" not in text and "# hidden" in text
    again = run("train", kept / "net.yaml", "--data", "blobs:90", "--epochs", 4, "--trials", 2, "--format", "json")
    assert json.loads(again.out)["history"] == json.loads((kept / "history.json").read_text("utf-8"))["history"]


def test_the_environment_names_no_machine_and_no_place(kept: Path) -> None:
    text = (kept / "environment.json").read_text("utf-8")
    found = json.loads(text)
    assert found["backcalc"] == backcalc.__version__ and found["numpy"] == np.__version__
    assert found["threads"] == 1
    every = "".join((kept / name).read_text("utf-8") for name in KEPT if not name.endswith(".npz"))
    assert str(kept.parent) not in every
    assert os.uname().nodename not in text if os.name == "posix" else True


def test_arrays_that_the_network_names_come_along(run: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "nets").mkdir()
    np.savez(tmp_path / "nets" / "weights.npz", W_a=np.full((3, 2), 0.5))
    net = tmp_path / "nets" / "net.yaml"
    net.write_text(
        "name: begun\ninput: 2\nlayers: [dense: {name: a, units: 3}, softmax]\nloss: nll\n"
        "update: {sgd: {rate: 0.1}}\nvalues: {file: weights.npz}\n",
        encoding="utf-8",
    )
    assert run("train", net, "--data", "blobs:30", "--run", tmp_path / "run", "--no-plots").status == 0
    (tmp_path / "nets" / "weights.npz").unlink()
    assert "file: begin/weights.npz" in (tmp_path / "run" / "net.yaml").read_text("utf-8")
    before = numbers(tmp_path / "run")
    assert run("train", "--resume", tmp_path / "run", "--no-plots").status == 0
    assert numbers(tmp_path / "run") == before


# -- pictures ------------------------------------------------------------------------------------------


def test_pictures_are_drawn_the_same_every_time(run: Callable[..., Any], clouds: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert run("train", clouds, "--data", "blobs:60", "--epochs", 2, "--run", tmp_path / name).status == 0
    drawn = ["activations", "confusion", "curves", "gradients", "regions"]
    assert files(tmp_path / "one" / "plots") == sorted(f"{name}.{kind}" for name in drawn for kind in ("png", "svg"))
    for name in files(tmp_path / "one" / "plots"):
        assert (tmp_path / "one" / "plots" / name).read_bytes() == (tmp_path / "two" / "plots" / name).read_bytes()
    page = (tmp_path / "one" / "report.html").read_text("utf-8")
    assert page.count('<figure class="plot"') == len(drawn)
    assert not re.search(r'(src|href)="(?!#|data:)', page), "nothing is loaded from elsewhere"
    assert "<script" not in page
    identities = re.findall(r'\sid="([^"]+)"', page)
    assert len(identities) == len(set(identities))


def test_without_matplotlib_it_says_what_is_missing(
    run: Callable[..., Any], clouds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plots, "find_spec", lambda name: None)
    result = run("train", clouds, "--data", "blobs:60", "--epochs", 2, "--run", tmp_path / "run")
    assert result.status == 0
    assert result.err == "no plots: matplotlib is not installed; `pip install backcalc[plots]` brings it\n"
    page = (tmp_path / "run" / "report.html").read_text("utf-8")
    assert "No plots: matplotlib is not installed; `pip install backcalc[plots]` brings it." in page
    assert not (tmp_path / "run" / "plots").exists()


# -- going on --------------------------------------------------------------------------------------------


def test_a_run_that_has_ended_can_be_trained_on(kept: Path, run: Callable[..., Any], clouds: Path) -> None:
    before = numbers(kept)
    assert run("train", "--resume", kept, "--no-plots").status == 0
    assert numbers(kept) == before
    assert run("train", "--resume", kept, "--epochs", 9, "--no-plots").status == 0
    given = ("--data", "blobs:90", "--trials", 2, "--rate", 0.1, "--no-plots")
    run("train", clouds, *given, "--epochs", 9, "--run", kept.parent / "whole")
    assert numbers(kept) == numbers(kept.parent / "whole")


def test_what_is_typed_again_must_be_the_same(kept: Path, run: Callable[..., Any], clouds: Path) -> None:
    same = ("train", clouds, "--resume", kept, "--data", "blobs:90", "--trials", 2, "--rate", 0.1, "--no-plots")
    assert run(*same).status == 0
    result = run("train", "--resume", kept, "--data", "blobs:60", "--batch", 16, "--initialise", "zeros")
    assert (result.status, result.out) == (2, "")
    assert result.err == (
        f'--resume: error: `{kept}` holds another training: `batch` was 32, but is 16; `data` was "blobs:90", but is '
        '"blobs:60"; `initialise` was [], but is ["zeros"]\n'
        "  = help: leave out what differs to go on, or make a new run: --run FOLDER\n"
    )
    clouds.write_text(NET.replace("units: 6", "units: 7"), encoding="utf-8")
    assert "holds another training: the network is another\n" in run(*same).err


def test_changed_samples_are_refused(run: Callable[..., Any], clouds: Path, tmp_path: Path) -> None:
    x, y = np.random.default_rng(0).normal(size=(30, 2)), np.arange(30) % 3
    np.savez(tmp_path / "data.npz", x_train=x, y_train=y)
    given = ("--data", f"npz:{tmp_path / 'data.npz'}", "--run", tmp_path / "run", "--epochs", 2, "--no-plots")
    assert run("train", clouds, *given).status == 0
    np.savez(tmp_path / "data.npz", x_train=x + 1e-6, y_train=y)
    result = run("train", "--resume", tmp_path / "run")
    assert result.status == 2
    assert "`state.npz` is the state of another training: the samples are others" in result.err


def test_another_environment_is_told(kept: Path, run: Callable[..., Any]) -> None:
    about = json.loads((kept / "environment.json").read_text("utf-8"))
    (kept / "environment.json").write_text(json.dumps({**about, "numpy": "1.0"}), encoding="utf-8")
    result = run("train", "--resume", kept, "--no-plots")
    assert f"warning: numpy was 1.0, is {np.__version__}: the last digits may differ\n" in result.err


@pytest.mark.parametrize("left", [["environment.json"], ["environment.json", "net.yaml"]])
def test_a_run_that_was_cut_off_before_it_began_is_made_anew(
    left: list[str], kept: Path, run: Callable[..., Any], clouds: Path
) -> None:
    for name in files(kept):
        if name not in left:
            (kept / name).unlink()
    (kept / ".settings.json.writing").write_text("{", encoding="utf-8")
    assert "no run can be gone on with" in run("train", "--resume", kept).err
    assert run("train", clouds, "--data", "blobs:30", "--run", kept, "--no-plots").status == 0
    assert files(kept) == [*KEPT, "weights.npz"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["NET", "--data", "blobs", "--run", "RUN"], "holds a run already; go on with it by --resume"),
        (["NET", "--data", "blobs", "--run", "."], "is not empty: it holds `clouds.yaml`; name another folder"),
        (["NET", "--data", "blobs", "--run", "clouds.yaml/run"], "cannot be made: Not a directory"),
        (["--resume", "nowhere"], "there is no folder `nowhere`: no run can be gone on with"),
        (["--resume", "."], "there is no `settings.json` in `.`"),
        (["--resume", "RUN", "--run", "other"], "give one of them"),
        (["--data", "blobs"], "Missing argument 'NET'"),
    ],
)
def test_folders_that_will_not_do(
    arguments: list[str],
    words: str,
    run: Callable[..., Any],
    kept: Path,
    clouds: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(kept.parent)
    before = files(kept.parent)
    named = {"NET": clouds, "RUN": kept}
    result = run("train", *(named.get(each, each) for each in arguments))
    assert (result.status, result.out) == (2, "")
    assert words in result.err and "Traceback" not in result.err
    assert files(kept.parent) == before


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("settings.json", "{", "`RUN/settings.json` is damaged: it holds no JSON"),
        ("settings.json", "[]", "`RUN/settings.json` is damaged: it holds no JSON object"),
        ("settings.json", '{"run": "experiment"}', "`RUN` holds the run of another kind: experiment, not training"),
        ("settings.json", '{"run": "training", "options": {}}', "holds a damaged `settings.json`"),
        ("net.yaml", "layers: [dence: 2]", "unknown layer kind `dence`"),
        ("state.npz", "cut", "is cut off, damaged, or no .npz file of plain arrays"),
    ],
)
def test_a_damaged_folder_is_refused(file: str, content: str, words: str, kept: Path, run: Callable[..., Any]) -> None:
    (kept / file).write_text(content, encoding="utf-8")
    result = run("train", "--resume", kept)
    assert (result.status, result.out) == (2, "")
    assert words.replace("RUN", str(kept)) in result.err and "Traceback" not in result.err


# -- cut off -----------------------------------------------------------------------------------------------

LONG = ("--data", "blobs:3000", "--epochs", 300, "--batch", 8, "--trials", 2, "--no-plots")


def until_written(folder: Path, process: Any) -> None:
    """Waits until the first epochs are in the state."""
    state, deadline = folder / "state.npz", time.monotonic() + 60
    first = None
    while process.poll() is None and time.monotonic() < deadline:
        if state.exists():
            now = state.stat().st_mtime_ns
            first = first or now
            if now != first:
                return
        time.sleep(0.005)
    raise AssertionError(f"the training ended too early: {process.communicate()}")


@pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
@pytest.mark.parametrize(
    ("sent", "status", "said"),
    [
        (signal.SIGINT, 130, b"go on with: backcalc train --resume run\n"),
        (signal.SIGKILL, -9, b""),
    ],
)
def test_a_run_that_is_cut_off_ends_as_if_it_had_not_been(
    sent: signal.Signals, status: int, said: bytes, start: Callable[..., Any], clouds: Path, tmp_path: Path
) -> None:
    process = start("train", clouds, *LONG, "--run", "run", "--save-every", 0.2)
    until_written(tmp_path / "run", process)
    process.send_signal(sent)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (status, b"")
    assert err.startswith(said) and b"Traceback" not in err
    assert "history.json" not in files(tmp_path / "run")
    # a shorter end than that of the whole keeps the test short
    state = json.loads(np.load(tmp_path / "run" / "state.npz")["__state__"].tobytes())
    epochs = state["epoch"] + 2
    for arguments in (("--resume", "run"), (clouds, *LONG, "--run", "whole")):
        again = start("train", *arguments, "--epochs", epochs, "--no-plots")
        assert b"Kept in " in again.communicate(timeout=120)[0]
        assert again.returncode == 0
    assert numbers(tmp_path / "run") == numbers(tmp_path / "whole")
    assert not [name for name in files(tmp_path / "run") if name.endswith(".writing")]


@pytest.mark.skipif(os.name != "posix", reason="limits as POSIX has them")
def test_a_full_disk_loses_nothing(start: Callable[..., Any], clouds: Path, tmp_path: Path) -> None:
    """A limit on the size of files stands for a full disk: the state fits, the report does not."""
    given = ("--data", "blobs:60", "--epochs", 2, "--no-plots", "--run", "run")
    process = start("train", clouds, *given, limit=8_000)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (2, b"")
    assert err.decode() == (
        "error: `run/report.html` could not be written: File too large; what was written before is whole\n"
        "  = help: go on with: backcalc train --resume run\n"
    )
    folder = tmp_path / "run"
    assert files(folder) == [*(name for name in KEPT if name != "report.html"), "weights.npz"]
    before = numbers(folder)
    again = start("train", "--resume", "run", "--no-plots")
    assert b"Kept in run: " in again.communicate(timeout=60)[0]
    assert again.returncode == 0
    assert files(folder) == [*KEPT, "weights.npz"]
    assert numbers(folder) == before


def test_a_run_that_diverges_keeps_its_last_good_epoch(run: Callable[..., Any], tmp_path: Path) -> None:
    net = tmp_path / "net.yaml"
    net.write_text(
        "input: 1\nlayers: [dense: {name: a, units: 4}, dense: {name: z, units: 1}]\nloss: mse\n"
        "update: {sgd: {rate: 3}}\n",
        encoding="utf-8",
    )
    folder = tmp_path / "run"
    result = run("train", net, "--data", "abs:40", "--batch", 32, "--epochs", 300, "--run", folder, "--no-plots")
    assert (result.status, result.out) == (2, "")
    told = re.search(r"of epoch (\d+): .*; a smaller rate.*\n  = help: (.*)\n", result.err)
    assert told is not None
    call = f"backcalc train --resume {folder} --epochs "
    kept = re.fullmatch(
        rf"the last good state, after epoch (\d+), is kept: `{re.escape(call)}(\d+)` ends there", told[2]
    )
    assert kept is not None and kept[1] == kept[2] and 1 <= int(kept[1]) < int(told[1])
    assert run("train", "--resume", folder, "--epochs", kept[1], "--no-plots").status == 0
    with np.load(folder / "weights.npz") as weights:
        assert all(np.isfinite(weights[name]).all() for name in weights.files)


@pytest.mark.parametrize("kept", [(), ("notes.txt",)])
def test_a_run_that_diverges_at_once_leaves_nothing_of_itself(
    run: Callable[..., Any], tmp_path: Path, kept: tuple[str, ...]
) -> None:
    np.savez(tmp_path / "begin.npz", W_z=[[1.0]])
    net = tmp_path / "net.yaml"
    net.write_text(
        "input: 1\nlayers: [dense: {name: z, units: 1}]\nloss: mse\nvalues: {file: begin.npz}\n", encoding="utf-8"
    )
    folder = tmp_path / "run"
    given = ("train", net, "--data", "abs:40", "--batch", 1, "--run", folder, "--no-plots")
    write = Folder.write_json

    def noted(self: Folder, name: str, content: Any) -> None:
        write(self, name, content)
        for each in kept:  # of somebody else, while the run is under way
            (folder / each).write_text("mine", encoding="utf-8")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Folder, "write_json", noted)
        result = run(*given, "--rate", 1e30)
    assert (result.status, result.out) == (2, "")
    assert result.err.startswith("error: the loss of trial 1 is no finite number in step ")
    assert " of epoch 1: " in result.err and "; a smaller rate, " in result.err
    help = f"no epoch ended well, so `{folder}` is removed: nothing is lost, and the name is free for the next try"
    assert result.err.endswith(f"\n  = help: {help}\n")
    assert [each.name for each in folder.rglob("*")] == list(kept) and folder.exists() == bool(kept)
    if not kept:
        assert run(*given, "--rate", 0.01, "--epochs", 1).status == 0
